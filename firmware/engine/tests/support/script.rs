//! Guards, durations and actions, written with names. Every word is one operation of the engine.

use link::program::op::{OpCode, Special};

/// Code with names in it: an expression leaves one value, an action none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script(pub(crate) Vec<Word>);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    Push(i64),
    Op(OpCode, Operand, Operand),
}

/// A number, or the name of something that has one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand {
    Number(u16),
    Line(&'static str),
    State(&'static str),
    Event(&'static str),
    Variable(&'static str),
    Timer(&'static str),
    Outcome(&'static str),
    Stimulus(&'static str),
    Draw(&'static str),
    List(&'static str),
}

use Operand::{Draw, Event, Line, List, Number, Outcome, State, Stimulus, Timer, Variable};

impl From<i64> for Script {
    fn from(value: i64) -> Self {
        Self(vec![Word::Push(value)])
    }
}

impl From<&'static str> for Script {
    fn from(variable: &'static str) -> Self {
        op(OpCode::Load, Number(0), Variable(variable))
    }
}

impl<const N: usize> From<[Self; N]> for Script {
    fn from(parts: [Self; N]) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }
}

pub(crate) fn op(code: OpCode, a: Operand, b: Operand) -> Script {
    Script(vec![Word::Op(code, a, b)])
}

fn plain(code: OpCode) -> Script {
    op(code, Number(0), Number(0))
}

/// An operation on one value.
pub(crate) fn unary(code: OpCode, x: impl Into<Script>) -> Script {
    [x.into(), plain(code)].into()
}

/// An operation on two values.
pub(crate) fn binary(x: impl Into<Script>, code: OpCode, y: impl Into<Script>) -> Script {
    [x.into(), y.into(), plain(code)].into()
}

pub(crate) fn not(x: impl Into<Script>) -> Script {
    unary(OpCode::Not, x)
}

pub(crate) fn plus(x: impl Into<Script>, y: impl Into<Script>) -> Script {
    binary(x, OpCode::Add, y)
}

pub(crate) fn equal(x: impl Into<Script>, y: impl Into<Script>) -> Script {
    binary(x, OpCode::Equal, y)
}

pub(crate) fn less(x: impl Into<Script>, y: impl Into<Script>) -> Script {
    binary(x, OpCode::Less, y)
}

pub(crate) fn special(special: Special, of: Operand) -> Script {
    op(OpCode::Special, Number(special as u16), of)
}

/// Whether an input line is active.
pub(crate) fn is_on(line: &'static str) -> Script {
    special(Special::Level, Line(line))
}

pub(crate) fn in_state(state: &'static str) -> Script {
    op(OpCode::InState, Number(0), State(state))
}

pub(crate) fn element(list: &'static str, index: impl Into<Script>) -> Script {
    [index.into(), op(OpCode::Element, Number(0), List(list))].into()
}

/// `action`, but only if `condition` holds.
pub(crate) fn only_if(condition: impl Into<Script>, action: Script) -> Script {
    let skip = op(OpCode::JumpIfFalse, Number(0), Number(action.0.len() as u16));
    [condition.into(), skip, action].into()
}

/// An action, so many times over.
pub(crate) fn times(count: usize, action: Script) -> Script {
    Script(action.0.repeat(count))
}

/// A variable becomes a value, and its record says so.
pub(crate) fn set(variable: &'static str, value: impl Into<Script>) -> Script {
    [value.into(), op(OpCode::Store, Number(1), Variable(variable))].into()
}

pub(crate) fn on(line: &'static str) -> Script {
    op(OpCode::On, Line(line), Number(0))
}

pub(crate) fn off(line: &'static str) -> Script {
    op(OpCode::Off, Line(line), Number(0))
}

pub(crate) fn play(line: &'static str, stimulus: &'static str) -> Script {
    op(OpCode::Play, Line(line), Stimulus(stimulus))
}

pub(crate) fn pulse(line: &'static str, width_us: impl Into<Script>) -> Script {
    [width_us.into(), op(OpCode::Pulse, Line(line), Number(0))].into()
}

/// On at a power, in millionths of full power.
pub(crate) fn on_at(line: &'static str, power_ppm: impl Into<Script>) -> Script {
    [power_ppm.into(), op(OpCode::OnPower, Line(line), Number(0))].into()
}

pub(crate) fn play_at(line: &'static str, stimulus: &'static str, power_ppm: impl Into<Script>) -> Script {
    [power_ppm.into(), op(OpCode::PlayPower, Line(line), Stimulus(stimulus))].into()
}

pub(crate) fn pulse_at(line: &'static str, width_us: impl Into<Script>, power_ppm: impl Into<Script>) -> Script {
    [width_us.into(), power_ppm.into(), op(OpCode::PulsePower, Line(line), Number(0))].into()
}

pub(crate) fn deliver(line: &'static str, volume_nl: impl Into<Script>, width_us: impl Into<Script>) -> Script {
    [volume_nl.into(), width_us.into(), op(OpCode::Deliver, Line(line), Number(0))].into()
}

pub(crate) fn raise(event: &'static str) -> Script {
    op(OpCode::Signal, Number(0), Event(event))
}

pub(crate) fn trial() -> Script {
    plain(OpCode::Trial)
}

pub(crate) fn outcome(outcome: &'static str) -> Script {
    op(OpCode::Outcome, Number(0), Outcome(outcome))
}

/// A draw, with what it takes.
pub(crate) fn draw<const N: usize>(draw: &'static str, takes: [Script; N]) -> Script {
    [takes.into(), op(OpCode::Draw, Number(0), Draw(draw))].into()
}

/// A timer runs `1 + repeats` times; [`FOREVER`] without end.
pub(crate) fn start_timer(timer: &'static str, period_us: impl Into<Script>, repeats: u16) -> Script {
    [period_us.into(), op(OpCode::TimerStart, Timer(timer), Number(repeats))].into()
}

/// Repeats of a timer that only a stop ends.
pub(crate) const FOREVER: u16 = u16::MAX;

pub(crate) fn stop_timer(timer: &'static str) -> Script {
    op(OpCode::TimerStop, Timer(timer), Number(0))
}

pub(crate) fn pause_timer(timer: &'static str) -> Script {
    op(OpCode::TimerPause, Timer(timer), Number(0))
}

pub(crate) fn resume_timer(timer: &'static str) -> Script {
    op(OpCode::TimerResume, Timer(timer), Number(0))
}
