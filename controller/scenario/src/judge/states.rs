//! The states a region goes through.

use compiler::scenario::Step;
use link::{RegionId, StateId};

use super::{Judge, exact, moment};
use crate::timeline::seconds;

/// States shown of a way before the first that is another than expected.
const SHOWN_BEFORE: usize = 3;

impl Judge<'_> {
    pub(super) fn states(&mut self, region: RegionId, all: bool, steps: &[Step]) {
        let seen = self.seen.states(region);
        if all { self.whole_way(&seen, steps) } else { self.passes(&seen, steps) }
    }

    /// Nothing but these, one after the other.
    fn whole_way(&mut self, seen: &[(i64, StateId)], steps: &[Step]) {
        for n in 0..seen.len().max(steps.len()) {
            let from = n.saturating_sub(SHOWN_BEFORE);
            let before = |name: &str| {
                let way = seen.get(from..n).unwrap_or_default().iter().map(|(_, state)| self.state(*state));
                way.chain([name]).collect::<Vec<_>>().join(" → ")
            };
            match (steps.get(n), seen.get(n)) {
                (Some(step), Some((at, state))) if step.state == *state => self.entered(step, *at),
                (Some(step), Some((at, state))) => {
                    let expected = before(self.state(step.state));
                    let saw = format!("{} at {}", before(self.state(*state)), seconds(*at));
                    return self.fail_at(step.place, "states", expected, saw, Some(*at));
                }
                (Some(step), None) => {
                    let expected = before(self.state(step.state));
                    let last = seen.last().map_or(0, |(at, _)| *at);
                    let saw = format!("{} until {}", before("nothing more"), seconds(self.seen.length_us));
                    return self.fail_at(step.place, "states", expected, saw, Some(last));
                }
                (None, Some((at, state))) => {
                    let expected = before("nothing more");
                    let saw = format!("{} at {}", before(self.state(*state)), seconds(*at));
                    let place = steps.last().map_or(self.place, |step| step.place);
                    return self.fail_at(place, "states", expected, saw, Some(*at));
                }
                (None, None) => return,
            }
        }
    }

    /// These in this order, whatever comes between. A state with a time is the one that is entered then.
    fn passes(&mut self, seen: &[(i64, StateId)], steps: &[Step]) {
        let mut rest = seen.iter();
        for step in steps {
            let left = rest.clone();
            let found =
                rest.find(|(at, state)| *state == step.state && step.at.is_none_or(|expected| exact(expected, *at)));
            if found.is_some() {
                continue;
            }
            let times: Vec<String> =
                left.clone().filter(|(_, state)| *state == step.state).map(|(at, _)| seconds(*at)).collect();
            let after = left.as_slice().first().map_or(self.seen.length_us, |(at, _)| *at);
            let name = self.state(step.state).to_owned();
            let expected = match step.at {
                Some(at) => format!("{name} at {}", moment(at)),
                None => format!("{name} from {} on", seconds(after)),
            };
            let saw = match times.is_empty() {
                true => format!("it is not entered from {} on", seconds(after)),
                false => format!("it is entered at {}", times.join(", ")),
            };
            return self.fail_at(step.place, "passes", expected, saw, Some(step.at.map_or(after, |at| at.us)));
        }
    }

    fn entered(&mut self, step: &Step, at: i64) {
        if let Some(expected) = step.at.filter(|expected| !exact(*expected, at)) {
            let name = self.state(step.state).to_owned();
            self.fail_at(
                step.place,
                "states",
                format!("{name} at {}", moment(expected)),
                format!("{name} at {}", seconds(at)),
                Some(at),
            );
        }
    }
}
