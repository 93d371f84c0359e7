//! Staircases: the level of the next trial, by what the animal got right and wrong.

use link::program::op::{Op, OpCode};

use super::Lowering;
use super::build::{add, and, choose, equal, int, join, less, load, not, subtract};
use crate::expression::check::{Ir, Type};
use crate::lower::guarded;
use crate::names::Scope;
use crate::protocol::staircases::{By, Move, Staircase as Declared};
use crate::quantity::ONE;

/// What a staircase is made of.
#[derive(Clone)]
pub(super) struct Staircase {
    declared: usize,
    level: u16,
    /// The level of the next trial.
    next: u16,
    ty: Type,
    range: (i64, i64),
    /// Right ones and wrong ones in a row.
    rights: u16,
    wrongs: u16,
    /// Which way it moved last: 1, −1, or 0 before it did.
    way: u16,
    reversals: u16,
    /// The list of the steps down and up, and how many.
    steps: [Option<(u16, usize)>; 2],
    stop: Option<Stop>,
}

#[derive(Clone, Copy)]
struct Stop {
    at: i64,
    discard: i64,
    done: u16,
    sum: u16,
    threshold: u16,
}

impl Lowering<'_> {
    pub(super) fn declare_staircases(&mut self) {
        let protocol = self.protocol;
        for (n, staircase) in protocol.staircases.iter().enumerate() {
            if let Some(made) = self.declare_staircase(n, staircase) {
                self.trials.staircases.push(made);
            } else {
                self.names.broken.push(staircase.name.text.clone());
            }
        }
    }

    fn declare_staircase(&mut self, declared: usize, staircase: &Declared) -> Option<Staircase> {
        let (name, span) = (&staircase.name.text, staircase.name.span);
        let (low, high) = (&staircase.range.0, &staircase.range.1);
        let (ty, ends) = self.column(&[staircase.start.clone(), low.clone(), high.clone()])?;
        if matches!(ty, Type::Truth | Type::Label(_) | Type::Outcome) {
            self.reporter
                .error("E060-wrong-type", staircase.start.span, format!("a {} has no steps", ty.name()))
                .help("a staircase moves a number or a quantity");
            return None;
        }
        let [start, least, most] = ends.as_slice() else { return None };
        if least > most {
            self.reporter
                .error("E104-empty-range", low.span.to(high.span), "the range ends before it begins")
                .help(format!("write `[{}, {}]`", high.text, low.text));
            return None;
        }
        if !(least..=most).contains(&start) {
            let message = format!("{} lies outside the range of `{name}`", self.shown(*start, ty));
            let help = format!("its range is {} to {}", self.shown(*least, ty), self.shown(*most, ty));
            self.reporter.error("E106-out-of-range", staircase.start.span, message).help(help);
            return None;
        }
        let down = self.steps(&staircase.down, "down", name, ty);
        let up = self.steps(&staircase.up, "up", name, ty);
        let (down, up) = (down?, up?);
        let limits = match &staircase.stop {
            None => None,
            Some(stop) => {
                let at = self.known(&stop.reversals, Type::Count, Scope::default(), "the number of reversals")?;
                let discard = match &stop.discard {
                    Some(discard) => self.known(discard, Type::Count, Scope::default(), "the number of reversals")?,
                    None => 0,
                };
                if discard < 0 || discard >= at {
                    self.reporter
                        .error(
                            "E215-staircase",
                            stop.reversals.span,
                            format!("no threshold is left of {at} reversals without {discard}"),
                        )
                        .help("stop after more reversals than are discarded");
                    return None;
                }
                Some((at, discard))
            }
        };
        let level = self.named(name, span, Some(ty), *start, true)?;
        let mut part =
            |part: &str, ty, initial, column| self.made(format!("{name}.{part}"), span, Some(ty), initial, column);
        let next = part("next", ty, *start, false);
        let [rights, wrongs, way] = ["rights", "wrongs", "way"].map(|name| part(name, Type::Count, 0, false));
        let reversals = part("reversals", Type::Count, 0, true);
        let stop = limits.map(|(at, discard)| Stop {
            at,
            discard,
            done: part("done", Type::Truth, 0, false),
            sum: part("sum", ty, 0, false),
            threshold: part("threshold", ty, 0, true),
        });
        self.part(name, "reversals", load(reversals), Type::Count);
        if let Some(stop) = stop {
            self.part(name, "done", load(stop.done), Type::Truth);
            self.part(name, "threshold", load(stop.threshold), ty);
        }
        let (range, steps) = ((*least, *most), [down, up]);
        Some(Staircase { declared, level, next, ty, range, rights, wrongs, way, reversals, steps, stop })
    }

    /// The steps of one way as a list; none where it moves by a factor.
    fn steps(&mut self, way: &Move, word: &str, name: &str, ty: Type) -> Option<Option<(u16, usize)>> {
        let By::Step(steps) = &way.by else { return Some(None) };
        let mut values = Vec::new();
        for step in steps {
            let value = self.constant(step, ty)?;
            if value <= 0 {
                self.reporter
                    .error("E215-staircase", step.span, "a step is more than nothing")
                    .help("`down` and `up` say which way; a step has no sign");
                return None;
            }
            values.push(value);
        }
        Some(Some((self.constants_list(format!("{name}.{word}"), ty, &values), values.len())))
    }

    pub(super) fn close_staircases(&mut self) -> Vec<Op> {
        let protocol = self.protocol;
        let mut ops = Vec::new();
        for staircase in self.trials.staircases.clone() {
            let Some(declared) = protocol.staircases.get(staircase.declared) else { continue };
            if let Some(moved) = self.close_staircase(&staircase, declared)
                && let Some(moved) = self.among(declared.among.as_ref(), moved)
            {
                ops.extend(match staircase.stop {
                    Some(stop) => guarded(Some(&not(load(stop.done))), moved, &mut self.assembly),
                    None => moved,
                });
            }
        }
        ops
    }

    fn close_staircase(&mut self, staircase: &Staircase, declared: &Declared) -> Option<Vec<Op>> {
        let right = self.asked(&declared.right, Type::Truth)?.ir;
        let wrong = match &declared.wrong {
            Some(wrong) => self.asked(wrong, Type::Truth)?.ir,
            None => not(right.clone()),
        };
        let mut ops = Vec::new();
        let (rights, wrongs) = (staircase.rights, staircase.wrongs);
        // What is neither leaves both as they are.
        self.assign(
            &mut ops,
            rights,
            &choose(right.clone(), add(load(rights), int(1)), choose(wrong.clone(), int(0), load(rights))),
        );
        self.assign(&mut ops, wrongs, &choose(right, int(0), choose(wrong, add(load(wrongs), int(1)), load(wrongs))));
        for (way, step) in [(&declared.down, -1), (&declared.up, 1)] {
            let count = self.asked(&way.count, Type::Count)?;
            if count.constant().is_some_and(|count| count < 1) {
                self.reporter
                    .error("E215-staircase", count.span, "a level moves after one trial at least")
                    .help("write 1 or more");
                return None;
            }
            let counted = if way.after_right { rights } else { wrongs };
            let moves = self.moves(staircase, way, step)?;
            let enough = and(less(int(0), load(counted)), join(OpCode::LessOrEqual, count.ir, load(counted)));
            ops.extend(guarded(Some(&enough), moves, &mut self.assembly));
        }
        Some(ops)
    }

    /// The level moves one way; where it moved the other way before, that is a reversal.
    fn moves(&mut self, staircase: &Staircase, way: &Move, step: i64) -> Option<Vec<Op>> {
        let mut reversed = Vec::new();
        let reversals = staircase.reversals;
        self.assign(&mut reversed, reversals, &add(load(reversals), int(1)));
        if let Some(stop) = staircase.stop {
            let mut counts = Vec::new();
            self.assign(&mut counts, stop.sum, &add(load(stop.sum), load(staircase.level)));
            let reckoned = subtract(load(reversals), int(stop.discard));
            self.assign(&mut counts, stop.threshold, &join(OpCode::Divide, load(stop.sum), reckoned));
            let counted = less(int(stop.discard), load(reversals));
            reversed.extend(guarded(Some(&counted), counts, &mut self.assembly));
            self.assign(&mut reversed, stop.done, &join(OpCode::LessOrEqual, int(stop.at), load(reversals)));
        }
        let mut ops = guarded(Some(&equal(load(staircase.way), int(-step))), reversed, &mut self.assembly);
        self.assign(&mut ops, staircase.way, &int(step));
        self.assign(&mut ops, staircase.rights, &int(0));
        self.assign(&mut ops, staircase.wrongs, &int(0));
        let level = load(staircase.level);
        let [down, up] = staircase.steps;
        let moved = match (&way.by, if step < 0 { down } else { up }) {
            (By::Factor(text), _) => {
                let factor = self.constant(text, Type::Number)?;
                if factor <= 0 || (step < 0) != (factor < ONE) {
                    let message = match step < 0 {
                        true => "a factor that leads down lies between 0 and 1",
                        false => "a factor that leads up is more than 1",
                    };
                    self.reporter
                        .error("E215-staircase", text.span, message)
                        .help("write for instance 0.8 for down and 1.25 for up");
                    return None;
                }
                let scaled = join(OpCode::MultiplyScaled, level, int(factor));
                // A whole number may stand still by rounding; at least one goes.
                match staircase.ty {
                    Type::Count if step < 0 => join(OpCode::Minimum, scaled, subtract(load(staircase.level), int(1))),
                    Type::Count => join(OpCode::Maximum, scaled, add(load(staircase.level), int(1))),
                    _ => scaled,
                }
            }
            (By::Step(_), Some((list, length))) => {
                let last = int(length as i64 - 1);
                let by = Ir::Element(list, Box::new(join(OpCode::Minimum, load(reversals), last)));
                if step < 0 { subtract(level, by) } else { add(level, by) }
            }
            (By::Step(_), None) => return None,
        };
        let (least, most) = staircase.range;
        let bounded = join(OpCode::Maximum, join(OpCode::Minimum, moved, int(most)), int(least));
        self.assign(&mut ops, staircase.next, &bounded);
        Some(ops)
    }

    /// The next trial has its level.
    pub(super) fn open_staircases(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        for staircase in self.trials.staircases.clone() {
            self.assign(&mut ops, staircase.level, &load(staircase.next));
        }
        ops
    }
}
