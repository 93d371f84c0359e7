//! The operator and the world of a simulated rig: a person who answers what is asked some seconds later, events at odd times,
//! values that wander. All of it is thrown from the session's seed, so the same seed says the same.

use compiler::symbols::{AnswerForm, OutsideSymbol, Symbols, Unit};
use link::{EventId, Micros, VariableId};
use sim::random::Dice;

use super::{Bell, Heard, Outside, Said, What};

/// How long the operator takes to answer, in µs.
const ANSWER_US: (u64, u64) = (2_000_000, 6_000_000);
/// From one event to the next, in µs.
const EVENT_US: (u64, u64) = (3_000_000, 25_000_000);
/// From one choice to another, in µs.
const CHOICE_US: (u64, u64) = (1_000_000, 8_000_000);
/// From one value to the next, in µs: a microscope's frame at 30 Hz.
const VALUE_US: u64 = 33_333;
/// How far a value wanders in one step at most, as a part of its range.
const STEP: f64 = 0.06;
/// How strongly it is drawn back to the middle.
const HOME: f64 = 0.01;

/// The simulated operator and world.
pub struct Simulated {
    symbols: Symbols,
    operator: bool,
    seed: u64,
    hands: Dice,
    things: Vec<Thing>,
    due: Vec<(Micros, usize)>,
    count: u64,
}

/// One thing that comes from outside.
struct Thing {
    symbol: OutsideSymbol,
    dice: Dice,
    /// After the beginning of the session, in µs.
    next: Micros,
    /// Where a value stands within its range, from 0 to 1.
    place: f64,
}

impl Simulated {
    /// With an operator who answers, if there is one.
    #[must_use]
    pub fn new(seed: u64, operator: bool) -> Self {
        let hands = Dice::new(seed, "operator");
        Self { symbols: Symbols::default(), operator, seed, hands, things: Vec::new(), due: Vec::new(), count: 0 }
    }

    fn answer(&mut self, number: usize) -> Option<Said> {
        let prompt = self.symbols.world.prompts.get(number)?;
        let (value, note) = match &prompt.form {
            AnswerForm::Done => (None, None),
            AnswerForm::Note => (None, Some(format!("{}: written by the simulated operator", prompt.name))),
            AnswerForm::Choice { variable, first } => {
                let labels = self.symbols.variables.get(usize::from(*variable))?.labels.len() as u64;
                let chosen = u64::from(*first) + self.hands.below(labels.saturating_sub((*first).into()));
                (Some((VariableId(*variable), i64::try_from(chosen).ok()?)), None)
            }
            AnswerForm::Value { value, default } => {
                let drawn = value.range.map_or(*default, |(low, high)| {
                    let width = high.saturating_sub(low).unsigned_abs().saturating_add(1);
                    low.saturating_add_unsigned(self.hands.below(width))
                });
                (Some((VariableId(value.variable), drawn)), None)
            }
        };
        Some(Said::Answer { prompt: number, value, note })
    }
}

fn between(dice: &mut Dice, (low, high): (u64, u64)) -> u64 {
    low + dice.below(high - low)
}

impl Thing {
    /// What comes of it, and when the next does.
    fn say(&mut self, symbols: &Symbols) -> Option<Said> {
        let event = EventId::named(self.symbol.event);
        let Some(of) = &self.symbol.value else {
            self.next += between(&mut self.dice, EVENT_US);
            return Some(Said::Event(event));
        };
        let variable = symbols.variables.get(usize::from(of.variable))?;
        let choices = match variable.unit {
            Unit::Label => variable.labels.len() as u64,
            Unit::Truth => 2,
            _ => 0,
        };
        let value = match (choices, of.range) {
            (0, Some((low, high))) => {
                self.next += VALUE_US;
                self.place += self.dice.between(-STEP, STEP) + HOME * (0.5 - self.place);
                self.place = self.place.clamp(0.0, 1.0);
                low.saturating_add((self.place * high.saturating_sub(low) as f64) as i64)
            }
            (0, None) => {
                self.next += VALUE_US;
                0
            }
            (choices, _) => {
                self.next += between(&mut self.dice, CHOICE_US);
                i64::try_from(self.dice.below(choices)).ok()?
            }
        };
        Some(Said::Value { variable: VariableId(of.variable), value, event })
    }
}

impl Outside for Simulated {
    fn attend(&mut self, symbols: &Symbols, _: &Bell) {
        self.symbols = symbols.clone();
        let thing = |symbol: &OutsideSymbol| {
            let mut dice = Dice::new(self.seed, &format!("outside {}", symbol.name));
            let next = match symbol.value {
                Some(_) => VALUE_US,
                None => between(&mut dice, EVENT_US),
            };
            Thing { symbol: symbol.clone(), dice, next, place: 0.5 }
        };
        self.things = symbols.world.outside.iter().map(thing).collect();
    }

    fn poll(&mut self, now: Micros, began: Micros) -> Option<Heard> {
        let said = match self.due.iter().position(|(at, _)| *at <= now) {
            Some(at) => {
                let (_, prompt) = self.due.remove(at);
                self.answer(prompt)?
            }
            None => {
                let thing = self.things.iter_mut().min_by_key(|thing| thing.next)?;
                if began.saturating_add(thing.next) > now {
                    return None;
                }
                thing.say(&self.symbols)?
            }
        };
        self.count += 1;
        Some(Heard { id: self.count, what: What::Said(said) })
    }

    fn next_at(&self, began: Micros) -> Option<Micros> {
        let things = self.things.iter().map(|thing| began.saturating_add(thing.next));
        things.chain(self.due.iter().map(|(at, _)| *at)).min()
    }

    fn asked(&mut self, now: Micros, prompt: usize) {
        if self.operator {
            let after = between(&mut self.hands, ANSWER_US);
            self.due.push((now.saturating_add(after), prompt));
        }
    }

    fn settled(&mut self, prompt: usize) {
        self.due.retain(|(_, of)| *of != prompt);
    }

    fn answers(&self) -> bool {
        self.operator
    }
}
