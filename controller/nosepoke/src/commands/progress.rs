//! The line that moves while a session runs. Shows counts; knows nothing of how they came about.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use compiler::symbols::Symbols;
use controller::person;
use controller::tally::Tally;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The name of a state, unless it or a state that holds it is hidden.
fn shown(path: &str, blind: &[String]) -> String {
    let hidden = path.split('.').any(|name| blind.iter().any(|blind| blind == name));
    if hidden { String::new() } else { path.to_owned() }
}

/// The line that moves while a session runs.
pub(super) struct Progress {
    bar: ProgressBar,
    outcomes: Vec<String>,
    states: Vec<String>,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new(symbols: &Symbols) -> Self {
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        person::moves(Some(&bar));
        Self {
            bar,
            outcomes: symbols.outcomes.clone(),
            // A state that the operator is not to see has no name here.
            states: symbols.states.iter().map(|state| shown(&state.name, &symbols.blind)).collect(),
            shown: None,
        }
    }

    pub(super) fn show(&mut self, tally: &Tally) {
        if self.bar.is_hidden() || self.shown.is_some_and(|shown| shown.elapsed() < Duration::from_millis(50)) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = tally.elapsed_us() / 1_000_000;
        let counts: Vec<String> =
            self.outcomes.iter().zip(&tally.outcomes).map(|(name, count)| format!("{name} {count}")).collect();
        let state = tally.state.and_then(|state| self.states.get(usize::from(state))).map_or("", String::as_str);
        self.bar.set_message(format!(
            "{:02}:{:02}:{:02}  trial {}  {}  {:.2} ml  [{state}]{}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            tally.trials,
            counts.join("  "),
            tally.water_nl as f64 / 1e6,
            person::typing(),
        ));
        self.bar.tick();
    }

    pub(super) fn done(&self) {
        person::moves(None);
        self.bar.finish_and_clear();
    }
}
