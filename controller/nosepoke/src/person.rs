//! What the person at the terminal is told: lines on standard error. Nobody may be there to read them any more, as when the
//! terminal was closed or what read them has ended. That is no reason to end a session: they go nowhere, and it goes on.

use std::fmt::Display;
use std::io::Write;

/// Tells a line, written as for `println!`.
#[macro_export]
macro_rules! tell {
    ($($words:tt)*) => { $crate::person::tell(::std::format_args!($($words)*)) };
}

/// Tells a line.
pub fn tell(words: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}

/// Asks something that is answered on the same line.
pub fn ask(question: impl Display) {
    let mut terminal = std::io::stderr().lock();
    let _ = write!(terminal, "{question}").and_then(|()| terminal.flush());
}
