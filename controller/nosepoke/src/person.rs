//! What the person at the terminal is told: lines on standard error. Nobody may be there to read them any more, as when the
//! terminal was closed or what read them has ended. That is no reason to end a session: they go nowhere, and it goes on.

//!
//! While a line moves at the bottom of the terminal, as in a session, words stand above it; and what is being typed stands in it.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

/// What moves at the bottom of the terminal, and what is typed there.
struct Bottom {
    bar: Option<ProgressBar>,
    typed: String,
}

static BOTTOM: Mutex<Bottom> = Mutex::new(Bottom { bar: None, typed: String::new() });

fn bottom() -> MutexGuard<'static, Bottom> {
    BOTTOM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on this line moves at the bottom of the terminal; none ends it.
pub fn moves(bar: Option<&ProgressBar>) {
    *bottom() = Bottom { bar: bar.cloned(), typed: String::new() };
}

/// What of a line has been typed so far.
pub fn typed(line: &str) {
    line.clone_into(&mut bottom().typed);
}

/// What is to be shown of a line that is being typed; empty if none is.
#[must_use]
pub fn typing() -> String {
    match bottom().typed.as_str() {
        "" => String::new(),
        line => format!("  > {line}"),
    }
}

/// Tells a line, written as for `println!`.
#[macro_export]
macro_rules! tell {
    ($($words:tt)*) => { $crate::person::tell(::std::format_args!($($words)*)) };
}

/// Tells a line.
pub fn tell(words: impl Display) {
    let write = || {
        let _ = writeln!(std::io::stderr().lock(), "{words}");
    };
    let bar = bottom().bar.clone();
    match bar.filter(|bar| !bar.is_hidden()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Asks something that is answered on the same line.
pub fn ask(question: impl Display) {
    let mut terminal = std::io::stderr().lock();
    let _ = write!(terminal, "{question}").and_then(|()| terminal.flush());
}
