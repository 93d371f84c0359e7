//! From edges at pins to the time until all is safe. Judges by pins alone: what the device or the journal says of them does
//! not count.

use link::{LineId, Micros};
use sim::PinEdge;

/// A time an output was on, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// When it went on.
    pub from: Micros,
    /// When it went off; [`Micros::MAX`] if it never did.
    pub until: Micros,
}

/// When an output was on, from the edges at the pins of a rig, in their order.
#[must_use]
pub fn spells(edges: &[PinEdge], line: LineId) -> Vec<Spell> {
    let mut spells: Vec<Spell> = Vec::new();
    for edge in edges.iter().filter(|edge| edge.line == line) {
        match spells.last_mut().filter(|spell| spell.until == Micros::MAX) {
            Some(spell) if !edge.on => spell.until = edge.at,
            None if edge.on => spells.push(Spell { from: edge.at, until: Micros::MAX }),
            _ => {}
        }
    }
    spells
}

/// Whether an output was on at a time.
#[must_use]
pub fn is_on(spells: &[Spell], at: Micros) -> bool {
    spells.iter().any(|spell| spell.from <= at && at < spell.until)
}

/// How long after a time an output was on for the last time, in µs: 0 if it was off then and stayed off, and
/// [`Micros::MAX`] if it never went off.
#[must_use]
pub fn safe_after_us(spells: &[Spell], died_at: Micros) -> Micros {
    let last = spells.iter().map(|spell| spell.until).filter(|until| *until > died_at).max();
    last.map_or(0, |until| if until == Micros::MAX { Micros::MAX } else { until - died_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASER: LineId = LineId(3);

    fn edges(of: &[(Micros, bool)]) -> Vec<PinEdge> {
        let mut edges = vec![PinEdge { at: 5, line: LineId(1), on: true }];
        edges.extend(of.iter().map(|&(at, on)| PinEdge { at, line: LASER, on }));
        edges
    }

    #[test]
    fn the_last_time_a_line_was_on_counts_however_often_it_was_off_between() {
        let seen = spells(&edges(&[(10, true), (20, false), (30, true), (40, false)]), LASER);
        assert_eq!(seen, [Spell { from: 10, until: 20 }, Spell { from: 30, until: 40 }]);
        assert_eq!(safe_after_us(&seen, 15), 25, "it went off at once, and on again");
        assert_eq!(safe_after_us(&seen, 25), 15, "it was off, and went on");
        assert_eq!(safe_after_us(&seen, 40), 0);
        assert!(is_on(&seen, 10) && !is_on(&seen, 20) && is_on(&seen, 39));
    }

    #[test]
    fn a_line_that_never_goes_off_is_never_safe() {
        let seen = spells(&edges(&[(10, true)]), LASER);
        assert_eq!(safe_after_us(&seen, 15), Micros::MAX);
        assert_eq!(safe_after_us(&spells(&edges(&[]), LASER), 15), 0, "another line's edges are not its own");
    }
}
