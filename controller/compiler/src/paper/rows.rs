//! Conditions that never or always hold, and rows that are never reached because one before them always leads on first.

use std::collections::BTreeMap;

use link::StateId;
use link::program::Table;
use link::program::op::{Op, OpCode};
use link::program::rows::Code;

use super::Paper;
use super::claim::Tree;
use super::interval::Interval;
use super::ranges::ops;
use crate::diagnostic::Span;
use crate::lower::places::Asks;
use crate::quantity::written;
use crate::symbols::Unit;

/// A row of a state, as far as it may take another's turn.
struct Row {
    span: Option<Span>,
    guard: Option<Tree>,
    leads: bool,
}

impl Paper<'_, '_> {
    /// Tells of guards and conditions whose outcome is known. One that is written once and asked in several places, as in a
    /// row for each line of an array, is told of where all agree.
    pub(super) fn conditions(&mut self) {
        let mut found: BTreeMap<(usize, usize), (Vec<Interval>, Asks, Tree)> = BTreeMap::new();
        for asked in &self.places.asked {
            let tree = Tree::of(&asked.ops, self.ranges);
            let range = tree.range(self.ranges);
            let entry = found.entry((asked.span.start, asked.span.end));
            entry.or_insert_with(|| (Vec::new(), asked.of, tree)).0.push(range);
        }
        for ((start, end), (ranges, of, tree)) in found {
            let span = Span { start, end };
            let (never, always) =
                (ranges.iter().all(|range| range.is_false()), ranges.iter().all(|range| range.is_true()));
            let why = self.why(&tree);
            if never {
                let (message, help) = match of {
                    Asks::Row => {
                        ("this is never true, so the row never acts", "leave the row out, or look for what was meant")
                    }
                    Asks::When => ("this is never true, so the transition is never taken", "leave the transition out"),
                    Asks::Action => ("the guard of this action is never true", "leave the action out"),
                };
                self.reporter.warning("W004-never", span, message).help(format!("{help}{why}"));
            } else if always && of != Asks::When {
                self.reporter
                    .warning("W060-always", span, "this guard is always true, so nothing is decided here")
                    .help(format!("leave the `if` out, or look for what was meant{why}"));
            }
        }
    }

    /// Between what the variables of a condition lie, as a sentence behind a help; empty if none has a bound.
    fn why(&self, tree: &Tree) -> String {
        let mut leaves = Vec::new();
        tree.leaves(&mut leaves);
        let mut told: Vec<String> = Vec::new();
        for op in leaves.into_iter().filter(|op: &Op| op.code == OpCode::Load) {
            let Some(symbol) = self.compiled.symbols.variables.get(usize::from(op.b)) else { continue };
            let range = self.ranges.variable(usize::from(op.b));
            let name = &symbol.name;
            let said = match (symbol.unit, range.sure()) {
                (Unit::Label | Unit::Truth, None) => continue,
                (Unit::Label, Some(value)) => {
                    let label = usize::try_from(value).ok().and_then(|at| symbol.labels.get(at));
                    format!("`{name}` is never anything but `{}`", label.map_or("", String::as_str))
                }
                (Unit::Truth, Some(value)) => format!("`{name}` is never anything but {}", value != 0),
                (unit, Some(value)) => format!("`{name}` is never anything but {}", written(value, unit)),
                (unit, None) if range.low > i64::MIN && range.high < i64::MAX => {
                    format!("`{name}` lies between {} and {}", written(range.low, unit), written(range.high, unit))
                }
                (unit, None) if range.low > i64::MIN => {
                    format!("`{name}` is never less than {}", written(range.low, unit))
                }
                (unit, None) if range.high < i64::MAX => {
                    format!("`{name}` is never more than {}", written(range.high, unit))
                }
                _ => continue,
            };
            if !told.contains(&said) {
                told.push(said);
            }
        }
        if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
    }

    /// Tells of transitions that are never taken because one before them always is, and of time-outs that an earlier one
    /// always forestalls.
    pub(super) fn taken_away(&mut self) {
        let mut shadowed: BTreeMap<(usize, usize), Vec<Option<Span>>> = BTreeMap::new();
        let mut never_due: BTreeMap<(usize, usize), Vec<Option<Span>>> = BTreeMap::new();
        let note = |found: &mut BTreeMap<(usize, usize), Vec<Option<Span>>>, span: Option<Span>, by: Option<Span>| {
            if let Some(span) = span {
                found.entry((span.start, span.end)).or_default().push(by);
            }
        };
        for state in (0..self.program.rows(Table::States)).map(|state| self.program.state(state)) {
            // Rules on one event.
            let mut rows: BTreeMap<u16, Vec<Row>> = BTreeMap::new();
            for n in state.rules.range() {
                let rule = self.program.rule(n);
                let row = self.row(self.places.rules.get(n), rule.guard, rule.target);
                rows.entry(rule.event.0).or_default().push(row);
            }
            let whens = state.whens.range().map(|n| {
                let when = self.program.when(n);
                self.row(self.places.whens.get(n), when.guard, when.target)
            });
            for rows in rows.into_values().chain([whens.collect()]) {
                for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.leads) {
                    let before = rows.iter().take(at).find(|before| before.leads && self.always_before(before, row));
                    note(&mut shadowed, row.span, before.and_then(|before| before.span));
                }
            }
            let afters: Vec<(Row, Tree)> = state
                .afters
                .range()
                .map(|n| {
                    let after = self.program.after(n);
                    let time = Tree::of(&ops(self.program, after.duration), self.ranges);
                    (self.row(self.places.afters.get(n), after.guard, after.target), time)
                })
                .collect();
            for (at, (row, time)) in afters.iter().enumerate() {
                let before = afters.iter().enumerate().find(|(other, (before, earlier))| {
                    let more = earlier.least_more(time, self.ranges);
                    let first = *other != at && before.leads && if *other < at { more >= 0 } else { more > 0 };
                    first && before.guard.is_none()
                });
                note(&mut never_due, row.span, before.and_then(|(_, (before, _))| before.span));
            }
        }
        let places = [(shadowed, false), (never_due, true)];
        for (found, timed) in places {
            for ((start, end), by) in found {
                let Some(by) = by.iter().copied().collect::<Option<Vec<Span>>>().and_then(|all| all.first().copied())
                else {
                    continue;
                };
                let (span, line) = (Span { start, end }, self.reporter.line(by.start));
                if timed {
                    self.reporter
                        .warning(
                            "W062-never-due",
                            span,
                            format!("this time-out never fires: the one on line {line} always leads on first"),
                        )
                        .help("make it shorter, guard the other one, or leave it out");
                } else {
                    self.reporter
                        .warning(
                            "W061-shadowed",
                            span,
                            format!("this transition is never taken: the one on line {line} always is, before it"),
                        )
                        .help("let the one with the narrower guard stand first, or leave this one out");
                }
            }
        }
    }

    fn row(&self, span: Option<&Option<Span>>, guard: Code, target: StateId) -> Row {
        let guard = (guard != Code::NONE).then(|| Tree::of(&ops(self.program, guard), self.ranges));
        let guard = guard.filter(|guard| !guard.range(self.ranges).is_true());
        Row { span: span.copied().flatten(), guard, leads: target != StateId::NONE }
    }

    /// Whether a row is taken whenever a later one could be.
    fn always_before(&self, before: &Row, row: &Row) -> bool {
        match (&before.guard, &row.guard) {
            (None, later) => later.as_ref().is_none_or(|later| !later.range(self.ranges).is_false()),
            (Some(_), None) => false,
            (Some(first), Some(later)) => {
                // One that never holds was told of as such.
                !later.range(self.ranges).is_false()
                    && (first == later || later.clone().and(first.clone().not()).range(self.ranges).is_false())
            }
        }
    }
}
