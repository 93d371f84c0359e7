//! The bound on a step in the words of the protocol: which event in which state costs most, and what is said when that is too
//! much for the body. What it costs stands in [`crate::cost`].

use std::fmt;

use link::program::Program;
use link::{EventId, StateId};

use crate::cost::{self, Bound, ONE_MAX_CYCLES, TOGETHER_MAX_CYCLES, Thing};
use crate::diagnostic::{Reporter, Span};
use crate::protocol::{Protocol, State};
use crate::symbols::Symbols;
use crate::{Compiled, RigConfig};

/// The body whose cycles are known, as a rig-config writes it.
const ON_A_CLOCK: &str = "rp2040";

/// How long a step of a protocol may take at most on a Pico, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepBound {
    /// The figures.
    pub bound: Bound,
    /// What takes the longest, as the protocol calls it.
    pub what: String,
    /// The state it takes longest in, by its path; none if it is heard in none.
    pub state: Option<String>,
}

impl StepBound {
    fn new(bound: Bound, symbols: &Symbols) -> Self {
        let state = |id: StateId| symbols.states.get(id.index()).map(|state| state.name.clone());
        let line = |id: usize| symbols.lines.get(id).map_or_else(|| format!("line {id}"), |line| line.name.clone());
        let what = match bound.one.thing {
            Thing::Edge(id, active) => match symbols.lines.get(id.index()) {
                Some(line) if active => format!("`{}.{}`", line.name, line.on_event),
                Some(line) => format!("`{}.{}`", line.name, line.off_event),
                None => format!("an edge of line {}", id.0),
            },
            Thing::Unheard => "an input nobody waits for".to_owned(),
            Thing::Event(id) => {
                let name = symbols.events.get(id.index().wrapping_sub(usize::from(EventId::NAMED)));
                name.map_or_else(|| format!("event {}", id.0), |name| format!("`{name}`"))
            }
            Thing::Parameter => "a parameter that is changed".to_owned(),
            Thing::TrainEnd(id) => format!("`{}.end`", line(id.index())),
            Thing::Timer(id) => {
                let name = symbols.timers.get(id.index());
                name.map_or_else(|| format!("timer {}", id.0), |name| format!("`{name}.end`"))
            }
            Thing::TimeOut(id) => format!("a time-out of `{}`", state(id).unwrap_or_default()),
        };
        Self { bound, what, state: state(bound.one.state) }
    }
}

impl fmt::Display for StepBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bound { one, together, open } = self.bound;
        write!(f, "{} cycles ({} µs): {}", one.cycles, Bound::us(one.cycles), self.what)?;
        if let Some(state) = self.state.as_ref().filter(|state| !self.what.contains(&format!("`{state}`"))) {
            write!(f, " in `{state}`")?;
        }
        write!(f, "; all that can fall into one µs, {together} cycles ({} µs)", Bound::us(together))?;
        if open { f.write_str(", by the device's limit on chains") } else { Ok(()) }
    }
}

impl Compiled {
    /// How long a step may take at most on a Pico, whatever the body; none of an image that is no program.
    #[must_use]
    pub fn step_bound(&self) -> Option<StepBound> {
        let program = Program::open(&self.image).ok()?;
        Some(StepBound::new(cost::bound_given(&program, &self.rig, &self.symbols.given()), &self.symbols))
    }
}

/// On a Pico, steps must not take longer than it can bear.
pub(crate) fn check(program: &Compiled, protocol: &Protocol, rig: &RigConfig, reporter: &mut Reporter) {
    if rig.body != ON_A_CLOCK {
        return;
    }
    let Some(found) = program.step_bound() else { return };
    let Bound { one, together, open } = found.bound;
    let place = found.state.as_deref().and_then(|path| place(protocol, path)).unwrap_or(protocol.name.span);
    if one.cycles > ONE_MAX_CYCLES && !open {
        let (us, most) = (Bound::us(one.cycles), Bound::us(ONE_MAX_CYCLES));
        let message =
            format!("{} may take {us} µs ({} cycles) on a Pico; {most} µs is the most", found.what, one.cycles);
        reporter.error("E162-step-too-long", place, message).label("here it takes longest").help(
            "let less happen at once: fewer draws, conditions, outputs and events in one step, or spread them over states \
             with a time-out of 1 ms between; a `normal` draw counts as its 32 tries",
        );
    } else if together > TOGETHER_MAX_CYCLES {
        let (us, most) = (Bound::us(together), Bound::us(TOGETHER_MAX_CYCLES));
        let message = format!(
            "all that can fall into one µs may take {us} µs ({together} cycles) on a Pico; {most} µs is the most"
        );
        let what = &found.what;
        let help = if open {
            format!(
                "the device ends a chain of transitions after 64 and one of events after 64: let no `when` and no event \
                 lead back to itself, and no time-out or timer last no time at all; most is taken by {what}"
            )
        } else {
            format!("let less happen at once, and less be under way at the same time; most is taken by {what}")
        };
        reporter.error("E162-step-too-long", place, message).help(help);
    }
}

/// Where a state stands in the protocol, by its path, which begins with the region's name if that is not the main one.
fn place(protocol: &Protocol, path: &str) -> Option<Span> {
    let within = |states: &[State], path: &str| -> Option<Span> {
        let (mut states, mut place) = (states, None);
        for name in path.split('.') {
            let state = states.iter().find(|state| state.name.text == name)?;
            (states, place) = (&state.states, Some(state.name.span));
        }
        place
    };
    protocol.regions.iter().find_map(|region| {
        let inner = path.strip_prefix(&format!("{}.", region.name)).unwrap_or(path);
        within(&region.states, inner).or_else(|| within(&region.states, path))
    })
}
