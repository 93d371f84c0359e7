//! The block of the next trial: whether the one under way has had its time, and which follows.

use link::program::op::{Op, OpCode};
use link::program::rows::{self, DrawKind as RowKind};
use link::{VariableId, limits};

use super::build::{add, and, choose, equal, int, join, less, load, not, subtract, trial_number};
use super::{Lowering, Void};
use crate::expression::check::{Ir, Type};
use crate::expression::emit;
use crate::lower::guarded;
use crate::names::Scope;
use crate::protocol::blocks::{Change, NAME, Order, Rule};
use crate::protocol::{Draw, DrawKind};
use crate::quantity::ONE;
use crate::yaml::Text;

/// What blocks are made of.
#[derive(Clone)]
pub(super) struct Blocks {
    block: u16,
    number: u16,
    trial: u16,
    /// Trials left once a rule is met; −1 before.
    left: u16,
    /// What a hazard gives.
    chance: Option<u16>,
    /// The drawn length of each rule that has one.
    lengths: Vec<Option<u16>>,
    follows: Follows,
}

/// Which block follows.
#[derive(Clone)]
enum Follows {
    /// The next of an order.
    Order {
        place: u16,
        list: Ordered,
        length: usize,
    },
    /// One of so many, drawn.
    Random(usize),
    Shuffle(usize),
}

/// An order of blocks.
#[derive(Clone)]
enum Ordered {
    Listed(u16),
    /// Drawn once into the list of this name.
    Drawn(String),
}

impl Lowering<'_> {
    pub(super) fn declare_blocks(&mut self) {
        let protocol = self.protocol;
        let Some(blocks) = &protocol.blocks else { return };
        let span = blocks.span;
        let set = self.names.label_set(blocks.table.rows.iter().map(|row| row.text.clone()).collect());
        let Some(block) = self.named(NAME, span, Some(Type::Label(set)), 0, true) else { return };
        let number = self.made(format!("{NAME}.number"), span, Some(Type::Count), 0, true);
        let trial = self.made(format!("{NAME}.trial"), span, Some(Type::Count), 0, true);
        let left = self.made(format!("{NAME}.left"), span, Some(Type::Count), -1, false);
        self.part(NAME, "number", load(number), Type::Count);
        self.part(NAME, "trial", load(trial), Type::Count);
        self.columns_of(&blocks.table, block, &["number", "trial"]);
        let hazard = blocks.change.iter().any(|change| matches!(change.rule, Rule::Chance(_)));
        let chance = hazard.then(|| self.made(format!("{NAME}.chance"), span, Some(Type::Truth), 0, false));
        let mut lengths = Vec::new();
        for change in &blocks.change {
            let drawn = lengths.iter().flatten().count();
            lengths.push(matches!(change.rule, Rule::Drawn(..)).then(|| {
                let name = if drawn == 0 { "length".to_owned() } else { format!("length_{}", drawn + 1) };
                self.made(format!("{NAME}.{name}"), span, Some(Type::Count), 0, true)
            }));
        }
        let rows = blocks.table.rows.len();
        if blocks.change.is_empty() && rows > 1 {
            self.reporter
                .warning("W020-endless-block", span, "nothing ever ends the first block")
                .help("add for instance `change: [{trials: 40}]`");
        }
        if rows > limits::MAX_LABELS && !matches!(blocks.order, Order::Cycle | Order::Listed(_)) {
            let message = format!("there are {rows} blocks; an order that is drawn holds {}", limits::MAX_LABELS);
            self.reporter.error("E203-list-too-long", span, message).help("list them in an order");
            return;
        }
        let all: Vec<i64> = (0..rows).map(|row| row as i64).collect();
        let follows = match &blocks.order {
            Order::Random if rows > 1 => Follows::Random(rows),
            Order::Shuffle if rows > 1 => Follows::Shuffle(rows),
            order => {
                let place = self.made(format!("{NAME}.place"), span, Some(Type::Count), 0, false);
                let name = format!("{NAME}.order");
                let (list, length) = match order {
                    Order::DrawnOnce => {
                        self.variables_list(name.clone(), span, Type::Label(set), &all, false);
                        (Ordered::Drawn(name), rows)
                    }
                    Order::Listed(listed) => {
                        let Some(places) = self.rows_in(listed, set, "blocks") else { return };
                        (Ordered::Listed(self.constants_list(name, Type::Label(set), &places)), places.len())
                    }
                    _ => (Ordered::Listed(self.constants_list(name, Type::Label(set), &all)), rows),
                };
                Follows::Order { place, list, length }
            }
        };
        self.trials.blocks = Some(Blocks { block, number, trial, left, chance, lengths, follows });
    }

    /// Asks, as a trial closes, whether its block has had its time.
    pub(super) fn close_block(&mut self) -> Vec<Op> {
        let protocol = self.protocol;
        let (Some(declared), Some(blocks)) = (&protocol.blocks, self.trials.blocks.clone()) else { return Vec::new() };
        let mut ops = Vec::new();
        let mut one_less = Vec::new();
        self.assign(&mut one_less, blocks.left, &subtract(load(blocks.left), int(1)));
        ops.extend(guarded(Some(&less(int(0), load(blocks.left))), one_less, &mut self.assembly));
        for (n, change) in declared.change.iter().enumerate() {
            ops.extend(self.block_rule(change, n, &blocks).unwrap_or_default());
        }
        ops
    }

    /// One rule; asked as long as none was met.
    fn block_rule(&mut self, change: &Change, n: usize, blocks: &Blocks) -> Option<Vec<Op>> {
        let mut condition = less(load(blocks.left), int(0));
        if let Some(after) = &change.after {
            let after = self.asked(after, Type::Count)?;
            condition = and(condition, less(after.ir, load(blocks.trial)));
        }
        if let Some(guard) = &change.guard {
            condition = and(condition, self.asked(guard, Type::Truth)?.ir);
        }
        let then = match &change.then {
            Some(then) => {
                let then = self.asked(then, Type::Count)?;
                if then.constant().is_some_and(|then| then < 0) {
                    self.reporter
                        .error("E027-out-of-bounds", then.span, "a number of trials is never below zero")
                        .help("write how many trials follow still");
                }
                join(OpCode::Maximum, then.ir, int(0))
            }
            None => int(0),
        };
        let mut met = Vec::new();
        self.assign(&mut met, blocks.left, &then);
        let at_least = |trials: Ir| join(OpCode::LessOrEqual, trials, load(blocks.trial));
        match &change.rule {
            Rule::When(when) => {
                let (when, read) = self.asked_reading(when, Type::Truth)?;
                condition = and(condition, when.ir);
                // A mean over a window says nothing before the window is full.
                let windows = self.trials.histories.iter().filter(|history| read.contains(&history.variable));
                let windows: Vec<(u16, i64)> = windows.filter_map(super::history::History::window).collect();
                for (count, over) in windows {
                    condition = and(condition, equal(load(count), int(over)));
                }
            }
            Rule::Trials(trials) => condition = and(condition, at_least(self.block_length(trials)?)),
            Rule::Drawn(..) => condition = and(condition, at_least(load(blocks.lengths.get(n).copied()??))),
            Rule::Chance(chance) => {
                let id = blocks.chance?;
                let chance = self.asked(chance, Type::Number)?;
                if chance.constant().is_some_and(|p| !(0..=ONE).contains(&p)) {
                    self.reporter
                        .error("E140-not-a-probability", chance.span, "a probability lies between 0 and 1")
                        .help("write 0.1 or 10 %");
                }
                let mut ops = Vec::new();
                emit::emit(&chance.ir, &mut self.assembly, &mut ops);
                ops.push(self.draw_row(plain(RowKind::Chance, id), "chance"));
                ops.extend(guarded(Some(&load(id)), met, &mut self.assembly));
                met = ops;
            }
        }
        Some(guarded(Some(&condition), met, &mut self.assembly))
    }

    /// A number of trials that a block lasts.
    fn block_length(&mut self, trials: &crate::expression::Expr) -> Option<Ir> {
        let trials = self.asked(trials, Type::Count)?;
        if trials.constant().is_some_and(|trials| trials < 1) {
            self.reporter
                .error("E027-out-of-bounds", trials.span, "a block has at least one trial")
                .help("write for instance `trials: 40`");
        }
        Some(trials.ir)
    }

    /// The block of the trial that has begun.
    pub(super) fn open_block(&mut self, scope: Scope) -> Vec<Op> {
        let protocol = self.protocol;
        let (Some(declared), Some(blocks)) = (&protocol.blocks, self.trials.blocks.clone()) else { return Vec::new() };
        let mut next = self.next_block(&blocks, scope).unwrap_or_default();
        self.assign(&mut next, blocks.number, &add(load(blocks.number), int(1)));
        self.assign(&mut next, blocks.trial, &int(1));
        self.assign(&mut next, blocks.left, &int(-1));
        for (change, length) in declared.change.iter().zip(&blocks.lengths) {
            if let (Rule::Drawn(from, to), Some(length)) = (&change.rule, length)
                && let (Some(low), Some(high)) =
                    (self.value(from, Type::Count, scope), self.value(to, Type::Count, scope))
            {
                let known = (self.foreseen(&low, from, scope), self.foreseen(&high, to, scope));
                self.check_order(known, (low.span, high.span), Type::Count);
                if known.0.is_some_and(|low| low < 1) {
                    self.reporter
                        .error("E027-out-of-bounds", low.span, "a block has at least one trial")
                        .help("write for instance `integer: [15, 25]`");
                }
                emit::emit(&low.ir, &mut self.assembly, &mut next);
                emit::emit(&high.ir, &mut self.assembly, &mut next);
                next.push(self.draw_row(plain(RowKind::Uniform, *length), "integer"));
            }
        }
        next.extend(self.reset_histories());
        let mut same = Vec::new();
        self.assign(&mut same, blocks.trial, &add(load(blocks.trial), int(1)));
        if let Some(Void { void, .. }) = self.trials.void {
            same = guarded(Some(&not(load(void))), same, &mut self.assembly);
        }
        let first = equal(trial_number(), int(1));
        let changes = join(OpCode::Or, first, equal(load(blocks.left), int(0)));
        self.either(&changes, next, same)
    }

    fn next_block(&mut self, blocks: &Blocks, scope: Scope) -> Option<Vec<Op>> {
        let mut ops = Vec::new();
        match &blocks.follows {
            Follows::Order { place, list, length } => {
                let block = match list {
                    Ordered::Listed(list) => Ir::Element(*list, Box::new(load(*place))),
                    Ordered::Drawn(name) => {
                        let text = Text::plain(name, self.protocol.blocks.as_ref()?.span);
                        let draw = Draw {
                            variable: text.clone(),
                            kind: DrawKind::Shuffle(text.clone()),
                            kind_span: text.span,
                            max_run: None,
                            spend_on: None,
                            once: false,
                            made: true,
                        };
                        let shuffled = self.draw(&draw, scope)?;
                        let first = equal(load(blocks.number), int(0));
                        ops.extend(guarded(Some(&first), shuffled, &mut self.assembly));
                        let (id, list) = self.names.list(name)?;
                        list.at(id, load(*place))
                    }
                };
                self.assign(&mut ops, blocks.block, &block);
                let next = join(OpCode::Remainder, add(load(*place), int(1)), int(*length as i64));
                self.assign(&mut ops, *place, &next);
            }
            Follows::Random(rows) => {
                for row in 0..*rows {
                    let same = and(less(int(0), load(blocks.number)), equal(load(blocks.block), int(row as i64)));
                    emit::emit(&choose(same, int(0), int(1)), &mut self.assembly, &mut ops);
                }
                let row = rows::Draw { labels: u8::try_from(*rows).ok()?, ..plain(RowKind::Weighted, blocks.block) };
                ops.push(self.draw_row(row, "weighted"));
            }
            Follows::Shuffle(rows) => {
                let row = rows::Draw {
                    labels: u8::try_from(*rows).ok()?,
                    constants: self.assembly.constants(&vec![1; *rows]),
                    max_run: 1,
                    cells: u8::try_from(self.cells).unwrap_or(u8::MAX),
                    ..plain(RowKind::Deck, blocks.block)
                };
                self.cells += rows + 2;
                ops.push(self.draw_row(row, "deck"));
            }
        }
        Some(ops)
    }
}

/// A draw without labels or cards.
fn plain(kind: RowKind, variable: u16) -> rows::Draw {
    rows::Draw {
        kind,
        variable: VariableId(variable),
        labels: 0,
        constants: 0,
        max_run: 0,
        cells: 0,
        spend_on: rows::Draw::AT_ONCE,
    }
}
