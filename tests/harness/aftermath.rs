//! A session on the emulated chip in which something goes wrong: when it did, and from when on each output was off for good.
//! Judges pads alone; owns no bound.

use emulated::{EmulatedRig, Event, FineEdge, Upset};
use link::rig::{RigLine, Role};
use link::{LineId, Micros};

use crate::{OnChip, Outcome, System};

/// How long a speaker's pad is low within a sound at most, in ns.
const SWING_NS: u64 = 1_000_000;

/// What became of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// Which.
    pub line: LineId,
    /// Its pin.
    pub pin: u8,
    /// Whether it was on when it was to go wrong.
    pub was_on: bool,
    /// How long after that it was on last, in ns: 0 if it was off and stayed off, `u64::MAX` if it is still on.
    pub safe_after_ns: u64,
}

/// A session in which something went wrong.
pub struct Aftermath {
    /// What came of it.
    pub outcome: Outcome,
    /// The rig behind it.
    pub rig: EmulatedRig,
    /// When it went wrong, in ns since the supply came: code, when it did; a cable, when the last word came through; all else,
    /// when it was due.
    pub wrong_ns: u64,
    /// The edges at the pads.
    pub edges: Vec<FineEdge>,
    /// What became of each output.
    pub fates: Vec<Fate>,
}

impl Aftermath {
    /// Plays a session in which something goes wrong; the last of `upsets` is what is timed, or the cable that is cut.
    ///
    /// # Panics
    /// When the emulator does not start, ends in the middle, or was not upset.
    #[must_use]
    pub fn of(image: &OnChip, system: System, upsets: &[(Micros, Upset)]) -> Self {
        let lines = system.compiled.rig.lines.clone();
        let image = OnChip { upsets: upsets.to_vec(), ..image.clone() };
        let (outcome, mut rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("{upsets:?}: {error}"));
        let began_ns = rig.began_ns().unwrap_or_else(|| panic!("{upsets:?}: the session never began"));
        let wrong_ns = match upsets.last() {
            // What the instruction before did comes before.
            Some((_, Upset::Code { .. })) => {
                rig.wrong_ns().unwrap_or_else(|| panic!("{upsets:?}: its level never ran")) + 1
            }
            Some((after_us, _)) => began_ns + after_us * 1_000,
            None => outcome.last_word_ns,
        };
        let edges = rig.take_fine();
        let counted = rig.bench().counters().unwrap_or_else(|error| panic!("{upsets:?}: {error}"));
        let fates = (0..).zip(&lines).filter(|(_, line)| line.role.output().is_some());
        // A level may run some time after its code was to go wrong, and the last word came some time before a cable was cut.
        let died_us = upsets.last().map(|(after_us, _)| *after_us).or(image.cut.map(|(after_us, _)| after_us));
        let died_ns = began_ns + died_us.unwrap_or(0) * 1_000;
        let fates =
            fates.map(|(place, line)| fate(LineId(place), line, [died_ns, wrong_ns], &edges, &counted)).collect();
        Self { outcome, rig, wrong_ns, edges, fates }
    }

    /// The resets there were: when, and by what.
    #[must_use]
    pub fn resets(&self) -> Vec<(u64, String)> {
        let reset = |mishap: &Event| match mishap {
            Event::Reset { at, cause } => Some((*at, cause.clone())),
            _ => None,
        };
        self.rig.mishaps().iter().filter_map(reset).collect()
    }

    /// Whether the core locked up.
    #[must_use]
    pub fn locked_up(&self) -> bool {
        self.rig.mishaps().iter().any(|mishap| matches!(mishap, Event::LockUp { .. }))
    }

    /// From when it went wrong to when the last output was off for good, in ns.
    #[must_use]
    pub fn safe_after_ns(&self) -> u64 {
        self.fates.iter().map(|fate| fate.safe_after_ns).max().unwrap_or(0)
    }
}

/// What became of an output when it died, timed from when it went wrong.
fn fate(
    line: LineId,
    what: &RigLine,
    [died_ns, wrong_ns]: [u64; 2],
    edges: &[FineEdge],
    counted: &[(String, String)],
) -> Fate {
    let pin = what.pin;
    if matches!(what.role, Role::Output { speaker: true, .. }) {
        let name = format!("high{pin}_ns");
        let last = counted.iter().find(|(counter, _)| *counter == name).map(|(_, last)| last.as_str());
        let last_ns = last.and_then(|last| if last == "still" { Some(u64::MAX) } else { last.parse().ok() });
        let last_ns = last_ns.unwrap_or_else(|| panic!("{name} was not counted: {last:?}"));
        let safe_after_ns = if last_ns == u64::MAX { last_ns } else { last_ns.saturating_sub(wrong_ns) };
        return Fate { line, pin, was_on: last_ns.saturating_add(SWING_NS) >= died_ns, safe_after_ns };
    }
    let on = |edge: &FineEdge| edge.high == what.active_high;
    let edges = || edges.iter().filter(|edge| edge.pin == pin);
    let was_on = edges().rfind(|edge| edge.at_ns < died_ns).is_some_and(on);
    let safe_after_ns = match edges().next_back() {
        Some(edge) if on(edge) => u64::MAX,
        Some(edge) => edge.at_ns.saturating_sub(wrong_ns),
        None => 0,
    };
    Fate { line, pin, was_on, safe_after_ns }
}
