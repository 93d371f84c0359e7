//! Events, outcomes, trials, variables, order, what must never be, and verdicts.

use compiler::scenario::{
    Forbidden, Happening, Level, Occurrences, Place, Row, verdict_word, written as value_written,
};
use link::{InvariantId, LineId, OutcomeId, Record, VariableId, Verdict};

use super::{Judge, moment, within};
use crate::happened::written;
use crate::timeline::seconds;

/// Times shown of what happened at others.
const SHOWN: usize = 8;

impl Judge<'_> {
    pub(super) fn happens(&mut self, happening: Happening, when: &Occurrences) {
        let seen = self.seen.times(happening);
        let about = written(self.seen.symbols, happening);
        match when {
            Occurrences::Count(count) => {
                if seen.len() != *count as usize {
                    let expected = if *count == 0 { "never".to_owned() } else { format!("{count} times") };
                    let at = seen.get(*count as usize).or(seen.last()).copied();
                    self.fail(&about, expected, told(&seen), Some(at.unwrap_or(self.seen.length_us)));
                }
            }
            Occurrences::Times(times) => {
                // At a pin it is as late as the body needs.
                let behind = if matches!(happening, Happening::Output { .. }) { self.latency_us } else { 0 };
                let odd = times.iter().zip(&seen).find(|(time, at)| !within(**time, **at, 0, behind));
                let at = match odd {
                    Some((_, at)) => Some(*at),
                    None if seen.len() > times.len() => seen.get(times.len()).copied(),
                    None if seen.len() < times.len() => times.get(seen.len()).map(|time| time.us),
                    None => return,
                };
                let expected = match times.is_empty() {
                    true => "never".to_owned(),
                    false => format!("at {}", times.iter().map(|time| moment(*time)).collect::<Vec<_>>().join(", ")),
                };
                self.fail(&about, expected, told(&seen), at);
            }
        }
    }

    pub(super) fn outcomes(&mut self, outcomes: &[OutcomeId]) {
        let symbols = self.seen.symbols;
        let name = |id: OutcomeId| symbols.outcomes.get(id.index()).map_or("?", String::as_str);
        let seen: Vec<(i64, OutcomeId)> = self
            .seen
            .records
            .iter()
            .filter_map(|(at, record)| match record {
                Record::Outcome(outcome) => Some((*at, *outcome)),
                _ => None,
            })
            .collect();
        let same = seen.iter().map(|(_, outcome)| outcome).eq(outcomes);
        if !same {
            let odd = seen.iter().zip(outcomes).find(|((_, seen), expected)| seen != *expected);
            let at = odd.map(|((at, _), _)| *at).or(seen.get(outcomes.len()).map(|(at, _)| *at));
            let expected: Vec<&str> = outcomes.iter().map(|id| name(*id)).collect();
            let saw: Vec<&str> = seen.iter().map(|(_, id)| name(*id)).collect();
            let at = at.unwrap_or(self.seen.length_us);
            self.fail("outcomes", expected.join(", "), listed(&saw), Some(at));
        }
    }

    pub(super) fn trials(&mut self, rows: &[Row]) {
        let begins: Vec<usize> = self
            .seen
            .records
            .iter()
            .enumerate()
            .filter(|(_, (_, record))| matches!(record, Record::Trial { .. }))
            .map(|(n, _)| n)
            .collect();
        if begins.len() != rows.len() {
            let at = begins.get(rows.len()).and_then(|n| self.seen.records.get(*n)).map(|(at, _)| *at);
            let at = at.unwrap_or(self.seen.length_us);
            return self.fail("trials", rows.len().to_string(), begins.len().to_string(), Some(at));
        }
        for (n, row) in rows.iter().enumerate() {
            let from = begins.get(n).copied().unwrap_or(0);
            let to = begins.get(n + 1).copied().unwrap_or(self.seen.records.len());
            self.trial(n + 1, row, from, to);
        }
    }

    /// A trial of the records from one to another.
    fn trial(&mut self, number: usize, row: &Row, from: usize, to: usize) {
        let symbols = self.seen.symbols;
        let records = self.seen.records.get(from..to).unwrap_or_default();
        let at = records.last().map_or(0, |(at, _)| *at);
        if let Some(expected) = row.outcome {
            let outcome = records.iter().rev().find_map(|(_, record)| match record {
                Record::Outcome(outcome) => Some(*outcome),
                _ => None,
            });
            if outcome != expected {
                let name = |id: Option<OutcomeId>| {
                    id.and_then(|id| symbols.outcomes.get(id.index())).map_or("none", String::as_str).to_owned()
                };
                self.fail_at(row.place, &format!("outcome of trial {number}"), name(expected), name(outcome), Some(at));
            }
        }
        let values = self.seen.values(to);
        for (variable, expected) in &row.values {
            let Some(symbol) = symbols.variables.get(variable.index()) else { continue };
            let value = values.get(variable.index()).copied().unwrap_or(0);
            if value != *expected {
                let about = format!("{} of trial {number}", symbol.name);
                let (expected, saw) = (value_written(symbol, *expected), value_written(symbol, value));
                self.fail_at(row.place, &about, expected, saw, Some(at));
            }
        }
    }

    pub(super) fn variable(&mut self, variable: VariableId, expected: i64) {
        let Some(symbol) = self.seen.symbols.variables.get(variable.index()) else { return };
        let value = self.seen.values(self.seen.records.len()).get(variable.index()).copied().unwrap_or(0);
        if value != expected {
            let at = Some(self.seen.length_us);
            self.fail(&symbol.name, value_written(symbol, expected), value_written(symbol, value), at);
        }
    }

    /// In this order by time; within one microsecond as the journal tells.
    pub(super) fn order(&mut self, order: &[(Happening, Place)]) {
        let mut all = Vec::new();
        self.seen.happenings(|at, happening| all.push((at, happening)));
        all.sort_by_key(|(at, _)| *at);
        let (mut rest, mut before) = (all.iter(), None);
        for (happening, place) in order {
            let Some((at, _)) = rest.find(|(_, happens)| happens == happening) else {
                let symbols = self.seen.symbols;
                let (name, from) = (written(symbols, *happening), before.map_or(0, |(at, _)| at));
                let after = before.map_or_else(String::new, |(at, earlier)| {
                    format!(" after `{}` at {}", written(symbols, earlier), seconds(at))
                });
                return self.fail_at(
                    *place,
                    "order",
                    format!("`{name}`{after}"),
                    "it does not come any more",
                    Some(from),
                );
            };
            before = Some((*at, *happening));
        }
    }

    pub(super) fn never(&mut self, what: Forbidden, during: Option<Level>) {
        let during = during.map(|level| self.seen.intervals(level));
        match what {
            Forbidden::Happening(happening) => {
                let times = self.seen.times(happening);
                let breach = times.into_iter().find(|at| match &during {
                    Some(intervals) => intervals.iter().any(|(from, to)| (from..to).contains(&at)),
                    None => true,
                });
                if let Some(at) = breach {
                    let name = written(self.seen.symbols, happening);
                    self.fail("never", format!("no `{name}` then"), format!("`{name}` at {}", seconds(at)), Some(at));
                }
            }
            Forbidden::Level(level) => {
                // What an output does comes as late as the body needs, and so does its end.
                let slack = self.latency_us;
                let breach = self.seen.intervals(level).into_iter().find_map(|(from, to)| match &during {
                    Some(intervals) => intervals
                        .iter()
                        .map(|(since, until)| (from.max(*since), to.min(*until)))
                        .find(|(from, to)| to - from > slack),
                    None => Some((from, to)),
                });
                if let Some((from, to)) = breach {
                    let saw = format!("both from {} to {}", seconds(from), seconds(to));
                    self.fail("never", "never together", saw, Some(from));
                }
            }
        }
    }

    pub(super) fn breaches(&mut self, breaches: &[(InvariantId, Place)]) {
        let seen: Vec<(i64, InvariantId)> = self
            .seen
            .records
            .iter()
            .filter_map(|(at, record)| match record {
                Record::Breach { invariant, .. } => Some((*at, *invariant)),
                _ => None,
            })
            .collect();
        if !seen.iter().map(|(_, id)| id).eq(breaches.iter().map(|(id, _)| id)) {
            let symbols = self.seen.symbols;
            let name = |id: InvariantId| symbols.invariants.get(id.index()).map_or("?", String::as_str);
            let expected: Vec<&str> = breaches.iter().map(|(id, _)| name(*id)).collect();
            let saw: Vec<String> = seen.iter().map(|(at, id)| format!("{} at {}", name(*id), seconds(*at))).collect();
            let at = seen.last().map_or(self.seen.length_us, |(at, _)| *at);
            self.fail("breaches", listed(&expected), listed(&saw), Some(at));
        }
    }

    pub(super) fn interlock(&mut self, verdicts: &[(LineId, Verdict, Place)]) {
        let seen: Vec<(i64, LineId, Verdict)> = self
            .seen
            .records
            .iter()
            .filter_map(|(at, record)| match record {
                Record::Verdict { line, verdict } if *verdict != Verdict::CutByEnd => Some((*at, *line, *verdict)),
                _ => None,
            })
            .collect();
        let same =
            seen.iter().map(|(_, line, verdict)| (*line, *verdict)).eq(verdicts.iter().map(|(l, v, _)| (*l, *v)));
        if !same {
            let name = |line: LineId, verdict: Verdict| {
                let verdict = verdict_word(verdict).map_or_else(|| format!("{verdict:?}"), str::to_owned);
                format!("{}: {verdict}", self.line(line))
            };
            let expected: Vec<String> = verdicts.iter().map(|(line, verdict, _)| name(*line, *verdict)).collect();
            let saw: Vec<String> = seen
                .iter()
                .map(|(at, line, verdict)| format!("{} at {}", name(*line, *verdict), seconds(*at)))
                .collect();
            let at = seen.last().map_or(self.seen.length_us, |(at, ..)| *at);
            self.fail("interlock", listed(&expected), listed(&saw), Some(at));
        }
    }
}

/// When something happened, in words.
fn told(seen: &[i64]) -> String {
    if seen.is_empty() {
        return "never".to_owned();
    }
    let times: Vec<String> = seen.iter().take(SHOWN).map(|at| seconds(*at)).collect();
    let more = if seen.len() > SHOWN { ", …" } else { "" };
    format!("{} times: at {}{more}", seen.len(), times.join(", "))
}

fn listed<T: AsRef<str>>(words: &[T]) -> String {
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_and_not_too_many() {
        assert_eq!(told(&[]), "never");
        assert_eq!(told(&[1, 2_500_000]), "2 times: at 0.000001 s, 2.500000 s");
        assert!(told(&[0; 9]).ends_with(", …"));
        assert!(within(compiler::scenario::Moment { us: 5, tolerance_us: Some(1) }, 6, 0, 0));
    }
}
