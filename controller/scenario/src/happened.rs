//! What happens in a stream of records, by the words of a test file. Owns which states a region is in: an entry says what
//! was left.

use compiler::scenario::Happening;
use compiler::symbols::Symbols;
use link::{Record, StateId};

/// Follows a stream of records.
#[derive(Debug, Clone)]
pub struct Follower {
    /// The states each region is in, outermost first.
    active: Vec<Vec<StateId>>,
}

impl Follower {
    /// Before the first record.
    #[must_use]
    pub fn new(symbols: &Symbols) -> Self {
        Self { active: vec![Vec::new(); symbols.regions.len()] }
    }

    /// What a record tells, in order: a state that is left before the one that is entered.
    pub fn hear(&mut self, symbols: &Symbols, record: &Record, mut tell: impl FnMut(Happening)) {
        match *record {
            Record::Enter { region, state } => {
                let Some(active) = self.active.get_mut(region.index()) else { return };
                while let Some(&innermost) = active.last() {
                    if innermost != state && holds(symbols, innermost, state) {
                        break;
                    }
                    active.pop();
                    tell(Happening::Leave(innermost));
                }
                active.push(state);
                tell(Happening::Enter(state));
            }
            Record::Edge { line, on } => tell(Happening::Output { line, on }),
            Record::Input { line, active, .. } => tell(Happening::Input { line, active }),
            Record::Event(event) | Record::Outside { event, .. } => tell(Happening::Event(event)),
            Record::Trial { .. } => tell(Happening::Trial),
            Record::Outcome(outcome) => tell(Happening::Outcome(outcome)),
            _ => {}
        }
    }
}

/// Whether a state is the root of its region, which no protocol names.
#[must_use]
pub fn is_root(symbols: &Symbols, state: StateId) -> bool {
    let name = symbols.states.get(state.index()).map_or("", |state| state.name.as_str());
    name == "everywhere" || name.ends_with(".everywhere")
}

/// Whether a state holds another: by their paths.
fn holds(symbols: &Symbols, outer: StateId, inner: StateId) -> bool {
    let name = |state: StateId| symbols.states.get(state.index()).map_or("", |state| state.name.as_str());
    let within = name(inner).strip_prefix(name(outer)).is_some_and(|rest| rest.starts_with('.'));
    within || is_root(symbols, outer)
}

/// A happening as a test file writes it.
#[must_use]
pub fn written(symbols: &Symbols, happening: Happening) -> String {
    let state = |id: StateId| symbols.states.get(id.index()).map_or("?", |state| state.name.as_str());
    let line = |id: link::LineId| symbols.lines.get(id.index());
    match happening {
        Happening::Enter(id) => format!("enter {}", state(id)),
        Happening::Leave(id) => format!("leave {}", state(id)),
        Happening::Output { line: id, on } => {
            format!("{} {}", line(id).map_or("?", |line| line.name.as_str()), if on { "on" } else { "off" })
        }
        Happening::Input { line: id, active } => line(id).map_or_else(String::new, |line| {
            format!("{}.{}", line.name, if active { &line.on_event } else { &line.off_event })
        }),
        Happening::Event(event) => {
            let named = event.0.checked_sub(link::EventId::NAMED).map(usize::from);
            named.and_then(|n| symbols.events.get(n)).cloned().unwrap_or_default()
        }
        Happening::Trial => "trial".to_owned(),
        Happening::Outcome(id) => {
            format!("outcome {}", symbols.outcomes.get(id.index()).map_or("?", String::as_str))
        }
    }
}
