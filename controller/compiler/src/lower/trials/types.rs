//! The type of the next trial: the one before again, one that is forced, or one that is drawn or comes in an order.

use link::program::op::{Op, OpCode};

use super::build::{add, and, choose, int, less, load, not};
use super::{Lowering, Repeat};
use crate::diagnostic::listed;
use crate::expression::check::{Ir, Type};
use crate::lower::guarded;
use crate::names::Scope;
use crate::protocol::DrawKind;
use crate::protocol::trial_types::{Choice, NAME};
use crate::yaml::Text;

/// What trial types are made of.
#[derive(Clone)]
pub(super) struct Types {
    /// The type of the trial.
    ty: u16,
    /// Its labels.
    set: usize,
    /// Whether it was forced.
    forced: Option<u16>,
    /// Where in the order the next one stands, and the order.
    order: Option<(u16, u16, usize)>,
}

impl Lowering<'_> {
    pub(super) fn declare_types(&mut self) {
        let protocol = self.protocol;
        let Some(types) = &protocol.trial_types else { return };
        let set = self.names.label_set(types.table.rows.iter().map(|row| row.text.clone()).collect());
        let Some(ty) = self.named(NAME, types.span, Some(Type::Label(set)), 0, true) else { return };
        self.columns_of(&types.table, ty, &[]);
        let forced = (!types.force.is_empty()).then(|| {
            let forced = self.made("trial.forced".to_owned(), types.span, Some(Type::Truth), 0, true);
            self.part("trial", "forced", load(forced), Type::Truth);
            forced
        });
        let mut order = None;
        match &types.choice {
            Choice::Draw(draw) => {
                if let (Some(spend_on), Some(_)) = (&draw.spend_on, self.trials.repeat) {
                    self.reporter
                        .error(
                            "E211-repeated-card",
                            spend_on.span,
                            "a trial that is repeated draws no card, so none is spent by it",
                        )
                        .help("leave `spend_on` out: a trial that is voided and repeated keeps the ratio exact");
                }
                if matches!(draw.kind, DrawKind::Shuffle(_)) {
                    self.reporter
                        .error("E142-draw-type", draw.kind_span, "`shuffle` gives a list, and one type is wanted")
                        .help("draw it with `weighted` or `deck`");
                    return;
                }
            }
            Choice::Order(listed) => {
                let Some(places) = self.rows_in(listed, set, NAME) else { return };
                let place = self.made(format!("{NAME}.place"), types.span, Some(Type::Count), 0, false);
                let list = self.constants_list(format!("{NAME}.order"), Type::Label(set), &places);
                order = Some((place, list, places.len()));
            }
            Choice::Broken => return,
        }
        self.trials.types = Some(Types { ty, set, forced, order });
    }

    /// The places of rows among the labels of a set.
    pub(super) fn rows_in(&mut self, rows: &[Text], set: usize, table: &str) -> Option<Vec<i64>> {
        let mut found = Some(Vec::new());
        for row in rows {
            let known = self.names.labels(set);
            match known.iter().position(|label| *label == row.text) {
                Some(at) => {
                    if let Some(found) = &mut found {
                        found.push(at as i64);
                    }
                }
                None => {
                    found = None;
                    self.reporter
                        .error(
                            "E202-not-a-row",
                            row.span,
                            format!("`{}` is no row of the table of `{table}`", row.text),
                        )
                        .near(&row.text, known.iter().map(String::as_str), |known| {
                            Some(format!("its rows are {}", listed(known.iter().copied())))
                        });
                }
            }
        }
        found
    }

    /// What repeats the type of the trial that closes.
    pub(super) fn close_type(&mut self) -> Vec<Op> {
        let protocol = self.protocol;
        let (Some(types), Some(Repeat { again, times, .. })) = (&protocol.trial_types, self.trials.repeat) else {
            return Vec::new();
        };
        let Some(rule) = &types.repeat else { return Vec::new() };
        let Some(when) = self.asked(&rule.when, Type::Truth) else { return Vec::new() };
        let mut condition = when.ir;
        if let Some(at_most) = &rule.at_most {
            let Some(most) = self.asked(at_most, Type::Count) else { return Vec::new() };
            condition = and(condition, less(load(times), most.ir));
        }
        let mut ops = Vec::new();
        self.assign(&mut ops, again, &int(1));
        guarded(Some(&condition), ops, &mut self.assembly)
    }

    /// The type of the trial that has begun.
    pub(super) fn open_type(&mut self, scope: Scope) -> Vec<Op> {
        let picked = self.picked_type(scope).unwrap_or_default();
        let Some(Repeat { repeated, again, times }) = self.trials.repeat else { return picked };
        let mut ops = Vec::new();
        self.assign(&mut ops, repeated, &load(again));
        self.assign(&mut ops, times, &choose(load(again), add(load(times), int(1)), int(0)));
        self.assign(&mut ops, again, &int(0));
        if !picked.is_empty() {
            ops.extend(guarded(Some(&not(load(repeated))), picked, &mut self.assembly));
        }
        ops
    }

    /// The operations that choose a type: the first that is forced, or else the one that is drawn or next in the order.
    fn picked_type(&mut self, scope: Scope) -> Option<Vec<Op>> {
        let protocol = self.protocol;
        let (declared, types) = (protocol.trial_types.as_ref()?, self.trials.types.clone()?);
        let mut ops = match (&declared.choice, types.order) {
            (Choice::Draw(draw), _) => self.draw(draw, scope)?,
            (_, Some((place, list, length))) => {
                let mut ops = Vec::new();
                self.assign(&mut ops, types.ty, &Ir::Element(list, Box::new(load(place))));
                let next = super::build::join(OpCode::Remainder, add(load(place), int(1)), int(length as i64));
                self.assign(&mut ops, place, &next);
                ops
            }
            _ => return None,
        };
        let Some(forced) = types.forced else { return Some(ops) };
        self.assign(&mut ops, forced, &int(0));
        for force in declared.force.iter().rev() {
            let row = self.rows_in(std::slice::from_ref(&force.row), types.set, NAME)?;
            let when = self.value(&force.when, Type::Truth, scope)?;
            let mut taken = Vec::new();
            self.assign(&mut taken, types.ty, &int(*row.first()?));
            self.assign(&mut taken, forced, &int(1));
            ops = self.either(&when.ir, taken, ops);
        }
        Some(ops)
    }
}
