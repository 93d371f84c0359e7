//! What an output does at its pin.

use compiler::scenario::{Delivery, Moment, On};
use compiler::symbols::Unit;
use link::record::Request;
use link::{LineId, Record};

use super::{Judge, WIDTH_US, moment, within};
use crate::timeline::{length, seconds};

/// Times shown of a line that does something else.
const SHOWN: usize = 6;

/// A time on: when, and for how long; none while it is still on.
type Pulse = (i64, Option<i64>);

impl Judge<'_> {
    pub(super) fn output(&mut self, line: LineId, does: &Delivery) {
        let seen = self.seen.on(line);
        let name = self.line(line).to_owned();
        match does {
            Delivery::Times(times) => self.times_on(line, &seen, times),
            Delivery::Pulses { count, width, volume_nl, first, period } => {
                if seen.len() != *count as usize {
                    let expected = match count {
                        0 => "never on".to_owned(),
                        count => format!("on {count} times"),
                    };
                    let at = seen.get(*count as usize).or(seen.last()).map(|(at, _)| *at);
                    return self.fail(&name, expected, told(&seen), Some(at.unwrap_or(self.seen.length_us)));
                }
                if let (Some(first), Some((at, _))) = (first, seen.first()) {
                    self.goes_on(&name, *first, *at);
                }
                for pulse in &seen {
                    if !self.is_as_said(line, *width, *volume_nl, *pulse) {
                        return;
                    }
                }
                for (before, next) in seen.iter().zip(seen.iter().skip(1)) {
                    let Some(expected) = period else { break };
                    let every = next.0 - before.0;
                    if !within(*expected, every, WIDTH_US, WIDTH_US) {
                        let saw = format!("{} from {} to {}", length(every), seconds(before.0), seconds(next.0));
                        return self.fail(&name, format!("every {}", span(*expected)), saw, Some(before.0));
                    }
                }
            }
        }
    }

    fn times_on(&mut self, line: LineId, seen: &[Pulse], times: &[On]) {
        let name = self.line(line).to_owned();
        let name = name.as_str();
        for n in 0..seen.len().max(times.len()) {
            match (times.get(n), seen.get(n)) {
                (Some(on), Some(pulse)) => {
                    self.place = on.place;
                    if !self.goes_on(name, on.at, pulse.0) || !self.is_as_said(line, on.width, on.volume_nl, *pulse) {
                        return;
                    }
                }
                (Some(on), None) => {
                    self.place = on.place;
                    let expected = format!("on at {}", moment(on.at));
                    return self.fail(name, expected, told(seen), Some(on.at.us));
                }
                (None, Some((at, _))) => {
                    let expected = match times.len() {
                        0 => "never on".to_owned(),
                        count => format!("on {count} times"),
                    };
                    return self.fail(name, expected, told(seen), Some(*at));
                }
                (None, None) => return,
            }
        }
    }

    /// Whether it goes on when it should; told if not.
    fn goes_on(&mut self, name: &str, expected: Moment, at: i64) -> bool {
        let good = within(expected, at, 0, self.latency_us);
        if !good {
            self.fail(name, format!("on at {}", moment(expected)), format!("on at {}", seconds(at)), Some(at));
        }
        good
    }

    /// Whether a time on is as long, and gives as much, as it should; told if not.
    fn is_as_said(&mut self, line: LineId, width: Option<Moment>, volume_nl: Option<i64>, pulse: Pulse) -> bool {
        let name = self.line(line).to_owned();
        width.is_none_or(|width| self.lasts(&name, width, pulse))
            && volume_nl.is_none_or(|volume_nl| self.gives(line, &name, volume_nl, pulse.0))
    }

    /// Whether the dose asked for last before it went on is as expected; told if not.
    fn gives(&mut self, line: LineId, name: &str, expected: i64, at: i64) -> bool {
        let mut doses = self.seen.records.iter().filter_map(|(asked, record)| match record {
            Record::Request { line: of, request: Request::Deliver { volume_nl, .. } }
                if *of == line && *asked <= at =>
            {
                Some(i64::from(*volume_nl))
            }
            _ => None,
        });
        let dose = doses.next_back();
        let good = dose == Some(expected);
        if !good {
            let told = |nl: i64| compiler::scenario::quantity_written(nl, Unit::Volume);
            let saw = dose.map_or_else(|| "no dose".to_owned(), |nl| format!("a dose of {}", told(nl)));
            self.fail(name, format!("a dose of {}", told(expected)), format!("{saw} at {}", seconds(at)), Some(at));
        }
        good
    }

    /// Whether it is on as long as it should be; told if not.
    fn lasts(&mut self, name: &str, expected: Moment, (at, width): Pulse) -> bool {
        let good = width.is_some_and(|width| within(expected, width, WIDTH_US, WIDTH_US));
        if !good {
            let saw = match width {
                Some(width) => format!("for {} from {} on", length(width), seconds(at)),
                None => format!("from {} on, and still on at the end", seconds(at)),
            };
            self.fail(name, format!("on for {}", span(expected)), saw, Some(at));
        }
        good
    }
}

/// A length as it is expected.
fn span(expected: Moment) -> String {
    let tolerance = expected.tolerance_us.and_then(|us| i64::try_from(us).ok());
    let tolerance = tolerance.map_or_else(String::new, |us| format!(" ± {}", length(us)));
    format!("{}{tolerance}", length(expected.us))
}

/// What an output did, in words.
fn told(seen: &[Pulse]) -> String {
    if seen.is_empty() {
        return "never on".to_owned();
    }
    let each = seen.iter().take(SHOWN).map(|(at, width)| match width {
        Some(width) => format!("at {} for {}", seconds(*at), length(*width)),
        None => format!("from {} on", seconds(*at)),
    });
    let each: Vec<String> = each.collect();
    let more = if seen.len() > SHOWN { ", …" } else { "" };
    format!("on {} times: {}{more}", seen.len(), each.join(", "))
}
