//! How far the scenarios are, while they run: a line that moves on a terminal; elsewhere, as in a log, a line now and then,
//! so that one sees that they go on. What is over soon says nothing.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use controller::tell;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// From one line to the next at least, where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// How far the scenarios are.
pub(super) struct Progress {
    bar: ProgressBar,
    /// None on a terminal.
    log: Option<Mutex<Log>>,
}

struct Log {
    began: Instant,
    told: Instant,
    done: u64,
    all: u64,
    what: &'static str,
}

impl Progress {
    /// Before the first of so many; `what` they are is said behind their number.
    pub(super) fn new(all: u64, what: &'static str) -> Self {
        let shown = stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(all), target);
        // A template that does not read leaves the bar as it is by itself.
        if let Ok(style) = ProgressStyle::with_template("{pos} of {len} {msg}") {
            bar.set_style(style);
            bar.set_message(what);
        }
        let now = Instant::now();
        Self { bar, log: (!shown).then(|| Mutex::new(Log { began: now, told: now, done: 0, all, what })) }
    }

    /// So many more are done.
    pub(super) fn done(&self, more: u64) {
        self.bar.inc(more);
        if let Some(log) = &self.log {
            let line = log.lock().unwrap_or_else(PoisonError::into_inner).done(more, Instant::now());
            line.iter().for_each(|line| tell!("{line}"));
        }
    }

    /// All are.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Log {
    /// So many more are done at `now`: the line that is to be said, if it is time for one.
    fn done(&mut self, more: u64, now: Instant) -> Option<String> {
        self.done += more;
        if now.duration_since(self.told) < LINE {
            return None;
        }
        self.told = now;
        let after_s = now.duration_since(self.began).as_secs();
        Some(format!("{} of {} {}, after {after_s} s", self.done, self.all, self.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_line_now_and_then() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut log = Log { began, told: began, done: 0, all: 30, what: "scenarios" };
        assert_eq!(log.done(4, at(9)), None, "what is over soon says nothing");
        assert_eq!(log.done(1, at(11)).as_deref(), Some("5 of 30 scenarios, after 11 s"));
        assert_eq!(log.done(1, at(20)), None);
        assert_eq!(log.done(2, at(75)).as_deref(), Some("8 of 30 scenarios, after 75 s"));
    }
}
