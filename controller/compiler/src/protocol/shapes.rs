//! Outputs asked for otherwise than as a plain level or one train: a stimulus for as long as a state lasts, while something
//! holds, a speed, a power or a speed that changes, and what an event starts and the next one stops.

use super::actions::scalar;
use super::{Action, ActionKind};
use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::yaml::{Node, Text, Value};

/// What an output is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) line: Text,
    pub(crate) carries: Carries,
    /// Only while this holds.
    pub(crate) gate: Option<Expr>,
    /// Whether it goes on when its state is left.
    pub(crate) outlives: bool,
    /// How long it is on, if not until something else is asked.
    pub(crate) length: Option<Expr>,
    /// Whether it was this line that was switched on for its state, asked at its exit.
    pub(crate) held_if: Option<Expr>,
}

/// What a line carries while it is on.
#[derive(Debug, Clone)]
pub(crate) enum Carries {
    /// What it carries anyway.
    Level,
    Stimulus {
        stimulus: Text,
        power: Option<Expr>,
    },
    Steady {
        drive: Drive,
        value: Expr,
    },
    /// From a value to another along a straight line, and then the other.
    Changing {
        drive: Drive,
        from: Expr,
        to: Expr,
        over: Expr,
    },
}

/// How a value is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drive {
    /// As a share of full power.
    Power,
    /// As a speed, by the calibration of a motor.
    Speed,
}

/// The keys of `on` that make it one of these.
const OWN: [&str; 3] = ["stimulus", "while", "speed"];
/// All keys of `on` that such an action may have.
pub(super) const KEYS: &[&str] = &["line", "for", "until", "power", "if", "stimulus", "while", "speed"];

const ON: &str = "{line: house, stimulus: blink}";

/// Whether this `on` is one of these: others are plain levels.
pub(super) fn is_shape(keys: &Fields<'_>) -> bool {
    OWN.iter().any(|key| keys.get(key).is_some()) || keys.get("power").is_some_and(is_map)
}

fn is_map(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}

/// Reads what stands behind `on` or `toggle`, but for its guard.
pub(super) fn read(keys: &Fields<'_>, span: Span, toggles: bool, reporter: &mut Reporter) -> Option<ActionKind> {
    let line = keys.need("line", ON, reporter)?;
    let line = fields::text(line, "the line", "house", reporter)?.clone();
    let gate = match keys.get("while") {
        Some(node) => Some(scalar(node, "lever.down", reporter)?),
        None => None,
    };
    let carries = carries(keys, reporter)?;
    let outlives = match keys.get("until") {
        Some(node) => {
            fields::choice(node, "`until`", &[("off", ())], reporter)?;
            true
        }
        None => toggles,
    };
    let length = match keys.get("for") {
        Some(node) => {
            let steady = matches!(carries, Carries::Steady { .. }) && gate.is_none() && keys.get("until").is_none();
            if !steady {
                reporter
                    .error(
                        "E273-for-beside",
                        keys.key("for").unwrap_or(span),
                        "something else says already how long this lasts",
                    )
                    .help("leave `for` out; a train has its own `count` or `for` under `stimuli`");
                return None;
            }
            Some(scalar(node, "1 s", reporter)?)
        }
        None => None,
    };
    let shape = Box::new(Shape { line, carries, gate, outlives, length, held_if: None });
    Some(if toggles { ActionKind::Toggle(shape) } else { ActionKind::Shape(shape) })
}

fn carries(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<Carries> {
    let value = |drive, node: &Node, reporter: &mut Reporter| {
        if !is_map(node) {
            return Some(Carries::Steady { drive, value: scalar(node, "20 rpm", reporter)? });
        }
        let example = "{from: 4 rpm, to: 40 rpm, over: 300 s}";
        let keys = fields::fields(node, "a value that changes", &["from", "to", "over"], example, reporter)?;
        let [from, to, over] = ["from", "to", "over"].map(|key| keys.need(key, example, reporter));
        Some(Carries::Changing {
            drive,
            from: scalar(from?, "4 rpm", reporter)?,
            to: scalar(to?, "40 rpm", reporter)?,
            over: scalar(over?, "300 s", reporter)?,
        })
    };
    match (keys.get("stimulus"), keys.get("power"), keys.get("speed")) {
        (None, None, None) => Some(Carries::Level),
        (None, Some(node), None) => value(Drive::Power, node, reporter),
        (None, None, Some(node)) => value(Drive::Speed, node, reporter),
        (Some(node), power, None) if !power.is_some_and(is_map) => {
            let stimulus = fields::text(node, "the stimulus", "blink", reporter)?.clone();
            let power = match power {
                Some(node) => Some(scalar(node, "30 %", reporter)?),
                None => None,
            };
            Some(Carries::Stimulus { stimulus, power })
        }
        (_, _, Some(node)) | (Some(_), Some(node), None) => {
            reporter
                .error("E274-one-drive", node.span, "what the line carries is said twice")
                .help("keep one of `stimulus`, `power` and `speed`; a stimulus may have one power for all its pulses");
            None
        }
        (Some(_), None, None) => None,
    }
}

/// `toggle: laser`, or with what it carries.
pub(super) fn toggle(value: &Node, span: Span, reporter: &mut Reporter) -> Option<(ActionKind, Option<Expr>)> {
    if let Value::Scalar(_) = value.value {
        let line = fields::text(value, "the line", "laser", reporter)?.clone();
        let shape = Shape { line, carries: Carries::Level, gate: None, outlives: true, length: None, held_if: None };
        return Some((ActionKind::Toggle(Box::new(shape)), None));
    }
    let known = &["line", "stimulus", "power", "speed", "if"];
    let keys = fields::fields(value, "`toggle`", known, "{line: laser, stimulus: burst}", reporter)?;
    Some((read(&keys, span, true, reporter)?, super::states::guard(&keys, reporter)))
}

impl ActionKind {
    /// Whether its state holds what it switches on.
    pub(crate) fn is_held(&self) -> bool {
        match self {
            Self::On { outlives, .. } => !outlives,
            Self::Shape(shape) => !shape.outlives && shape.length.is_none(),
            _ => false,
        }
    }

    /// What says at the exit of the state whether it was this line.
    pub(crate) fn held_if(&mut self) -> Option<&mut Option<Expr>> {
        match self {
            Self::On { held_if, .. } => Some(held_if),
            Self::Shape(shape) => Some(&mut shape.held_if),
            _ => None,
        }
    }
}

impl Shape {
    /// The stimulus that it plays as it begins.
    pub(crate) fn plays(&self) -> Option<&Text> {
        match &self.carries {
            Carries::Stimulus { stimulus, .. } if self.gate.is_none() => Some(stimulus),
            _ => None,
        }
    }

    /// Whether its state holds it on without a pause.
    pub(crate) fn is_held_level(&self) -> bool {
        !self.outlives && self.length.is_none() && !matches!(self.carries, Carries::Stimulus { .. })
    }
}

impl Action {
    /// What it asks of an output, if that is one of these.
    pub(crate) fn shape(&self) -> Option<&Shape> {
        match &self.kind {
            ActionKind::Shape(shape) | ActionKind::Toggle(shape) => Some(shape),
            _ => None,
        }
    }
}
