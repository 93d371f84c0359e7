//! What is kept of the trials before. A mean of truths keeps them as bits of one number; of quantities, each in a variable
//! of its own.

use link::program::op::{Op, OpCode};

use super::Lowering;
use super::build::{add, choose, int, join, load, subtract};
use crate::diagnostic::Reporter;
use crate::expression::check::{Checker, Ir, Type};
use crate::names::{Origin, Scope, index};
use crate::protocol::history::{History as Declared, Kept};
use crate::quantity::ONE;

/// The most truths a moving mean goes over, all of which are bits of one number.
const TRUTHS_MAX: i64 = 60;
/// The most quantities; each takes a variable.
const QUANTITIES_MAX: i64 = 32;

/// What a history is made of.
#[derive(Clone)]
pub(super) struct History {
    /// Which of the declared ones.
    declared: usize,
    /// Its variable; the first of its elements if it is a list.
    pub(super) variable: u16,
    initial: i64,
    held: Held,
    /// The variables it asks.
    reads: Vec<u16>,
}

#[derive(Clone)]
enum Held {
    Bits { now: u16, bits: u16, sum: u16, count: u16, over: i64 },
    Slots { first: u16, sum: u16, count: u16, over: i64 },
    Exponential { weight_ppm: i64 },
    Last,
    LastOf { over: i64 },
    InARow,
}

impl History {
    /// How many trials a moving mean holds, and how many it goes over.
    pub(super) fn window(&self) -> Option<(u16, i64)> {
        match self.held {
            Held::Bits { count, over, .. } | Held::Slots { count, over, .. } => Some((count, over)),
            _ => None,
        }
    }
}

impl History {
    /// Whether a variable is one it is told in.
    fn owns(&self, variable: u16) -> bool {
        let length = if let Held::LastOf { over } = self.held { over } else { 1 };
        (self.variable..self.variable + index(usize::try_from(length).unwrap_or(1))).contains(&variable)
    }
}

impl Lowering<'_> {
    /// Gives the histories their names; what they measure is known once all draws are.
    pub(super) fn name_histories(&mut self) {
        let protocol = self.protocol;
        for history in &protocol.history {
            if matches!(history.kind, Kept::Last { over: Some(_) }) {
                continue;
            }
            let column = !matches!(history.kind, Kept::Last { .. });
            let ty = matches!(history.kind, Kept::InARow).then_some(Type::Count);
            self.named(&history.name.text, history.name.span, ty, 0, column);
        }
    }

    /// Finds out what each history measures, and makes what it is kept in.
    pub(in crate::lower) fn type_histories(&mut self) {
        let protocol = self.protocol;
        for (n, history) in protocol.history.iter().enumerate() {
            if history.per_block && protocol.blocks.is_none() {
                if self.names.is_broken(crate::protocol::blocks::NAME) {
                    continue;
                }
                self.reporter
                    .error(
                        "E219-no-blocks",
                        history.name.span,
                        format!("`{}` begins anew with each block, and there are none", history.name.text),
                    )
                    .help("leave `reset` out, or declare `blocks`");
                continue;
            }
            if self.type_history(n, history).is_none() && !self.reporter.has_errors() {
                let name = &history.name.text;
                self.reporter
                    .error(
                        "E218-circular",
                        history.of.span,
                        format!("what `{name}` measures cannot be told: it is asked of itself"),
                    )
                    .help("keep something that is known without it");
            }
        }
        self.order_histories();
    }

    fn type_history(&mut self, declared: usize, history: &Declared) -> Option<()> {
        let span = history.name.span;
        let wanted = matches!(history.kind, Kept::InARow).then_some(Type::Truth);
        let mut checker = Checker::new(&self.names, Scope::default(), self.reporter);
        let of = match wanted {
            Some(ty) => checker.typed(&history.of, ty)?.ty,
            None => checker.infer(&history.of, None)?.ty,
        };
        let mean = matches!(history.kind, Kept::Mean { .. } | Kept::Exponential { .. });
        if mean && matches!(of, Type::Label(_) | Type::Outcome) {
            self.reporter
                .error("E060-wrong-type", history.of.span, format!("a {} has no mean", of.name()))
                .help("compare it with something: `choice == left` is 1 where it holds and 0 where it does not");
            return None;
        }
        let ty = match (&history.kind, of) {
            (Kept::InARow, _) => Type::Count,
            (Kept::Last { .. }, of) => of,
            (_, Type::Truth | Type::Count | Type::Number) => Type::Number,
            (_, of) => of,
        };
        let initial = match &history.initial {
            Some(text) => self.constant(text, ty)?,
            None => 0,
        };
        let part = |this: &mut Self, part: &str| {
            this.made(format!("{}.{part}", history.name.text), span, Some(Type::Count), 0, false)
        };
        let held = match &history.kind {
            Kept::InARow => Held::InARow,
            Kept::Last { over: None } => Held::Last,
            Kept::Last { over: Some(over) } => {
                let over = self.window(over, crate::lower::lists::WRITTEN_MAX as i64)?;
                let name = &history.name.text;
                if self.names.list(name).is_some() || self.names.variable(name).is_some() {
                    self.reporter
                        .error("E074-named-twice", span, format!("`{name}` is named twice"))
                        .help("give one of them another name");
                    return None;
                }
                let values = vec![initial; usize::try_from(over).unwrap_or(0)];
                let first = self.variables_list(name.clone(), span, ty, &values, false);
                self.trials.histories.push(History {
                    declared,
                    variable: first,
                    initial,
                    held: Held::LastOf { over },
                    reads: Vec::new(),
                });
                return Some(());
            }
            Kept::Exponential { tau } => {
                let tau_ppm = self.known(tau, Type::Number, Scope::default(), "`tau`")?;
                if tau_ppm <= 0 {
                    self.reporter
                        .error("E212-window", tau.span, "a mean forgets with some trials: `tau` is more than 0")
                        .help("write for instance `tau: 8`");
                    return None;
                }
                let weight = -(-(ONE as f64) / tau_ppm as f64).exp_m1() * ONE as f64;
                Held::Exponential { weight_ppm: weight.round() as i64 }
            }
            Kept::Mean { over } if of == Type::Truth => {
                let over = self.window(over, TRUTHS_MAX)?;
                let [now, bits, sum, count] = ["now", "bits", "sum", "count"].map(|name| part(self, name));
                Held::Bits { now, bits, sum, count, over }
            }
            Kept::Mean { over } => {
                let over = self.window(over, QUANTITIES_MAX)?;
                let [sum, count] = ["sum", "count"].map(|name| part(self, name));
                let mut slots =
                    (0..over).map(|n| self.made(format!("{}.{n}", history.name.text), span, Some(of), 0, false));
                let first = slots.next()?;
                slots.for_each(drop);
                Held::Slots { first, sum, count, over }
            }
        };
        let (variable, _) = self.names.variable(&history.name.text)?;
        let found = self.names.variables.get_mut(usize::from(variable)).filter(|found| found.origin == Origin::Made)?;
        (found.ty, found.initial) = (Some(ty), initial);
        if let Some(slot) = self.assembly.variables.get_mut(usize::from(variable)) {
            *slot = initial;
        }
        let history_made = History { declared, variable, initial, held, reads: Vec::new() };
        if let Some((count, _)) = history_made.window() {
            self.part(&history.name.text, "count", load(count), Type::Count);
        }
        self.trials.histories.push(history_made);
        Some(())
    }

    /// Puts every history before those it asks, so that each asks how the others stood as the trial began.
    fn order_histories(&mut self) {
        let protocol = self.protocol;
        let mut left = std::mem::take(&mut self.trials.histories);
        for history in &mut left {
            let declared = protocol.history.get(history.declared);
            history.reads = declared.map(|declared| self.reads_of(declared)).unwrap_or_default();
        }
        while !left.is_empty() {
            let asked = |n: usize| {
                let others = left.iter().enumerate().filter(|(other, _)| *other != n);
                others.flat_map(|(_, other)| &other.reads).any(|read| left.get(n).is_some_and(|one| one.owns(*read)))
            };
            // Of those that ask one another in a circle, the first declared.
            let next = (0..left.len()).find(|n| !asked(*n)).unwrap_or(0);
            self.trials.histories.push(left.remove(next));
        }
    }

    /// The variables a history asks.
    fn reads_of(&self, history: &Declared) -> Vec<u16> {
        let mut quiet = Reporter::new(&crate::Source { name: String::new(), text: String::new() });
        let mut checker = Checker::new(&self.names, Scope::default(), &mut quiet);
        for expr in std::iter::once(&history.of).chain(&history.among) {
            checker.infer(expr, Some(Type::Truth));
        }
        checker.read.iter().map(|(variable, _)| *variable).collect()
    }

    /// How many trials something goes over.
    fn window(&mut self, over: &crate::expression::Expr, most: i64) -> Option<i64> {
        let trials = self.known(over, Type::Count, Scope::default(), "the number of trials")?;
        if !(1..=most).contains(&trials) {
            self.reporter
                .error("E212-window", over.span, format!("this cannot go over {trials} trials"))
                .help(format!("write 1 to {most}; `tau` forgets over any number of them"));
            return None;
        }
        Some(trials)
    }

    pub(super) fn close_histories(&mut self) -> Vec<Op> {
        let protocol = self.protocol;
        let mut ops = Vec::new();
        for history in self.trials.histories.clone() {
            let Some(declared) = protocol.history.get(history.declared) else { continue };
            if let Some(kept) = self.close_history(&history, declared)
                && let Some(kept) = self.among(declared.among.as_ref(), kept)
            {
                ops.extend(kept);
            }
        }
        ops
    }

    fn close_history(&mut self, history: &History, declared: &Declared) -> Option<Vec<Op>> {
        let mut checker = Checker::new(&self.names, Scope::default(), self.reporter);
        let of = checker.infer(&declared.of, None)?;
        self.uses.lines.extend(checker.levels.iter().map(|line| line.0));
        self.uses.variables.extend(checker.read.iter().map(|(variable, _)| *variable));
        let (value, variable) = (of.ir, history.variable);
        // A truth and a count become a plain number where their mean is one.
        let number = |ir: Ir| match of.ty {
            Type::Truth | Type::Count => join(OpCode::Multiply, ir, int(ONE)),
            _ => ir,
        };
        let mut ops = Vec::new();
        match &history.held {
            Held::InARow => self.assign(&mut ops, variable, &choose(value, add(load(variable), int(1)), int(0))),
            Held::Last => self.assign(&mut ops, variable, &value),
            Held::LastOf { over } => {
                let last = variable + index(usize::try_from(*over).unwrap_or(1)) - 1;
                for at in (variable + 1..=last).rev() {
                    self.assign(&mut ops, at, &load(at - 1));
                }
                self.assign(&mut ops, variable, &value);
            }
            Held::Exponential { weight_ppm } => {
                let change = join(OpCode::MultiplyScaled, subtract(number(value), load(variable)), int(*weight_ppm));
                self.assign(&mut ops, variable, &add(load(variable), change));
            }
            Held::Bits { now, bits, sum, count, over } => {
                self.assign(&mut ops, *now, &value);
                let oldest = join(OpCode::Divide, load(*bits), int(1 << (over - 1)));
                self.assign(&mut ops, *sum, &subtract(add(load(*sum), load(*now)), oldest));
                let moved = add(join(OpCode::Multiply, load(*bits), int(2)), load(*now));
                self.assign(&mut ops, *bits, &join(OpCode::Remainder, moved, int(1 << over)));
                self.assign(&mut ops, *count, &join(OpCode::Minimum, add(load(*count), int(1)), int(*over)));
                self.assign(&mut ops, variable, &join(OpCode::DivideScaled, load(*sum), load(*count)));
            }
            Held::Slots { first, sum, count, over } => {
                let last = first + index(usize::try_from(*over).unwrap_or(1)) - 1;
                // The oldest goes before anything moves; while there are fewer, it is 0.
                self.assign(&mut ops, *sum, &subtract(load(*sum), load(last)));
                for at in (first + 1..=last).rev() {
                    self.assign(&mut ops, at, &load(at - 1));
                }
                self.assign(&mut ops, *first, &value);
                self.assign(&mut ops, *sum, &add(load(*sum), load(*first)));
                self.assign(&mut ops, *count, &join(OpCode::Minimum, add(load(*count), int(1)), int(*over)));
                let divide = if of.ty == Type::Count { OpCode::DivideScaled } else { OpCode::Divide };
                self.assign(&mut ops, variable, &join(divide, load(*sum), load(*count)));
            }
        }
        Some(ops)
    }

    /// Histories that begin anew with a block do.
    pub(super) fn reset_histories(&mut self) -> Vec<Op> {
        let protocol = self.protocol;
        let mut ops = Vec::new();
        for history in self.trials.histories.clone() {
            if !protocol.history.get(history.declared).is_some_and(|declared| declared.per_block) {
                continue;
            }
            let variable = history.variable;
            let (cleared, own): (Vec<u16>, Vec<u16>) = match history.held {
                Held::Bits { bits, sum, count, .. } => (vec![bits, sum, count], vec![variable]),
                Held::Slots { first, sum, count, over } => {
                    let slots = first..first + index(usize::try_from(over).unwrap_or(0));
                    (slots.chain([sum, count]).collect(), vec![variable])
                }
                Held::LastOf { over } => {
                    (Vec::new(), (variable..variable + index(usize::try_from(over).unwrap_or(0))).collect())
                }
                Held::Exponential { .. } | Held::Last | Held::InARow => (Vec::new(), vec![variable]),
            };
            for (variables, value) in [(cleared, 0), (own, history.initial)] {
                for variable in variables {
                    self.assign(&mut ops, variable, &int(value));
                }
            }
        }
        ops
    }
}
