//! Outputs that follow a condition, change along a line, or are toggled become variables, a timer and regions of the
//! compiler's own: `laser.gate`, `rod.ramp`, `light.toggled`. They are no columns, and a person reads them in the journal.
//!
//! What else asks for such a line ends what goes on there. That is not written at every place that asks: [`assembler`] puts it
//! before each operation that does.

use link::program::op::{Op, OpCode};
use link::program::rows::{self, Code, Rule, Slice, When};
use link::pwm::FULL_POWER_PPM;
use link::{EventId, LineId, StateId, TimerId};

use super::Lowering;
use super::actions::Held;
use super::calibrated::{drive, drive_code};
use crate::diagnostic::Span;
use crate::expression::Expr;
use crate::expression::check::{Ir, Type};
use crate::expression::emit;
use crate::kinds::Verb;
use crate::names::{Origin, Scope, StateName, Variable, index};
use crate::protocol::shapes::{Carries, Drive, Shape};
use crate::protocol::{Action, ActionKind};
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Text;

/// Steps of a change at most: no more than a pin has powers.
const STEPS_MAX: i64 = 1_000;
/// The shortest step of one, in µs.
const STEP_US: i64 = 1_000;
/// A power that no line has, so that what lies outside a calibration is refused whole.
const NO_POWER_PPM: i64 = 2 * FULL_POWER_PPM as i64;

// What stands before an operation that asks for such a line.
const TOGGLE: &str = "toggle";
const GATE: &str = "gate";
const RAMP: &str = "ramp";

/// What goes on beside the states for these outputs.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    gates: Vec<Gate>,
    /// What is done as something happens, by its event.
    rules: Vec<(EventId, Vec<Op>)>,
}

/// A line that is on while something holds.
#[derive(Debug)]
struct Gate {
    line: Text,
    id: LineId,
    variable: u16,
    ways: Vec<Way>,
}

/// One of the conditions it may wait for, and what it then does.
#[derive(Debug)]
struct Way {
    holds: Ir,
    start: Vec<Op>,
}

/// The variables of a line that changes.
#[derive(Debug, Clone, Copy)]
struct Ramp {
    timer: TimerId,
    from: u16,
    change: u16,
    over: u16,
    at: u16,
    step: u16,
}

impl Ramp {
    const PARTS: [&'static str; 5] = ["from", "change", "over", "at", "step"];

    /// What leads a line from step to step. A power and a speed have one each: what a step makes of its value is another thing.
    fn timer(line: &Text, drive: Drive) -> String {
        let of = if drive == Drive::Power { "ramp" } else { "speed_ramp" };
        format!("{}.{of}", line.text)
    }
}

fn load(variable: u16) -> Ir {
    Ir::Load(variable)
}

fn binary(code: OpCode, left: Ir, right: Ir) -> Ir {
    Ir::Binary(code, Box::new(left), Box::new(right))
}

fn store(variable: u16) -> Op {
    Op::new(OpCode::Store, 0, variable)
}

impl Lowering<'_> {
    /// Makes the variables and timers that lines need, before anything is asked of them.
    pub(super) fn declare_shapes(&mut self) {
        let protocol = self.protocol;
        for action in protocol.actions() {
            let Some(shape) = action.shape() else { continue };
            let Some((id, kind)) = self.names.line(&shape.line.text) else { continue };
            if kind.output().is_none() {
                continue;
            }
            if matches!(action.kind, ActionKind::Toggle(_)) && self.line_part(&shape.line, "toggled").is_none() {
                let toggled = self.line_own(&shape.line, "toggled");
                let set = |value: i64| [Op::new(OpCode::Int, 0, value as u16), store(toggled)];
                self.assembly.before(TOGGLE, id, set(1), set(0));
                self.shapes.rules.push((EventId::train_end(id), set(0).to_vec()));
            }
            if shape.gate.is_some() && self.line_part(&shape.line, "gate").is_none() {
                let gate = self.line_own(&shape.line, "gate");
                let shut = [Op::new(OpCode::Int, 0, 0), store(gate)];
                self.assembly.before(GATE, id, shut, shut);
                let line = shape.line.clone();
                self.shapes.gates.push(Gate { line, id, variable: gate, ways: Vec::new() });
            }
            if let Carries::Changing { drive, .. } = shape.carries {
                if self.line_part(&shape.line, "from").is_none() {
                    for part in Ramp::PARTS {
                        self.line_own(&shape.line, part);
                    }
                }
                let name = Ramp::timer(&shape.line, drive);
                if !self.names.timers.contains(&name) {
                    self.names.timers.push(name);
                    let timer = u8::try_from(self.names.timers.len() - 1).unwrap_or(u8::MAX);
                    let stop = [Op::new(OpCode::TimerStop, timer, 0)];
                    self.assembly.before(RAMP, id, stop, stop);
                }
            }
        }
    }

    /// A variable of the compiler's own.
    fn line_own(&mut self, line: &Text, part: &str) -> u16 {
        self.assembly.variables.push(0);
        self.names.add_variable(Variable {
            name: format!("{}.{part}", line.text),
            span: line.span,
            ty: Some(Type::Count),
            initial: 0,
            column: false,
            parameter: None,
            origin: Origin::Declared,
        })
    }

    fn line_part(&self, line: &Text, part: &str) -> Option<u16> {
        Some(self.names.variable(&format!("{}.{part}", line.text))?.0)
    }

    fn ramp(&self, line: &Text, drive: Drive) -> Option<Ramp> {
        let name = Ramp::timer(line, drive);
        let timer = self.names.timers.iter().position(|timer| *timer == name)?;
        let [from, change, over, at, step] = Ramp::PARTS.map(|part| self.line_part(line, part));
        let timer = TimerId(u8::try_from(timer).ok()?);
        Some(Ramp { timer, from: from?, change: change?, over: over?, at: at?, step: step? })
    }

    /// The operations of an output that is one of these.
    pub(super) fn shape(
        &mut self,
        action: &Action,
        shape: &Shape,
        (scope, entry): (Scope, bool),
        held: &mut Vec<Held>,
    ) -> Option<Vec<Op>> {
        let toggles = matches!(action.kind, ActionKind::Toggle(_));
        let verb = match &shape.carries {
            Carries::Stimulus { .. } => {
                let speaker =
                    self.names.line(&shape.line.text)?.1.output().is_some_and(|o| o.verbs.contains(&Verb::Play));
                if speaker { Verb::Play } else { Verb::Pulse }
            }
            _ if shape.length.is_some() => Verb::Pulse,
            _ => Verb::Switch,
        };
        let (id, _) = self.output(&shape.line, verb)?;
        let ends = shape.outlives || shape.length.is_some();
        if !ends && !entry {
            self.held_by_nothing(&shape.line, action.span);
            return None;
        }
        let start = self.started(shape, verb, scope)?;
        if !ends && !held.iter().any(|(line, held_if)| *line == id && held_if.is_none()) {
            held.push((id, shape.held_if.clone()));
        }
        if shape.outlives && !toggles {
            self.check_goes_off(&shape.line, action.span);
        }
        if toggles {
            return self.toggled(shape, id, start);
        }
        let Some(gate) = &shape.gate else { return Some(start) };
        let holds = self.value(gate, Type::Truth, scope)?.ir;
        let gate = self.shapes.gates.iter_mut().find(|gate| gate.id == id)?;
        gate.ways.push(Way { holds, start });
        let fresh = fresh(gate.ways.len());
        let variable = gate.variable;
        // What ran on the line before ends: from here on the condition alone says what it does.
        Some(vec![Op::new(OpCode::Off, id.0, 0), self.assembly.push(fresh), store(variable)])
    }

    /// What switches the line on.
    fn started(&mut self, shape: &Shape, verb: Verb, scope: Scope) -> Option<Vec<Op>> {
        let line = &shape.line;
        let (id, _) = self.names.line(&line.text)?;
        match &shape.carries {
            Carries::Level => {
                self.check_power(line, None, line.span);
                self.check_level(line, Some(FULL_POWER_PPM.into()), line.span);
                Some(vec![Op::new(OpCode::On, id.0, 0)])
            }
            Carries::Stimulus { stimulus, power } => self.stimulus(line, stimulus, (verb, true), power.as_ref(), scope),
            Carries::Steady { drive, value } => {
                let (power, known) = self.driven(line, *drive, value, scope)?;
                let mut ops = Vec::new();
                if let Some(length) = &shape.length {
                    let typed = self.value(length, Type::Time, scope)?;
                    if let Some(us) = self.at_start(length, Type::Time, scope) {
                        self.check_max_on(line, us, length.span);
                        let train = link::record::Train::pulse(u32::try_from(us.max(0)).unwrap_or(u32::MAX));
                        self.check_request(line, &train, known, length.span);
                    }
                    emit::emit(&typed.ir, &mut self.assembly, &mut ops);
                    emit::emit(&power, &mut self.assembly, &mut ops);
                    ops.push(Op::new(OpCode::PulsePower, id.0, 0));
                    return Some(ops);
                }
                self.check_level(line, known, value.span);
                emit::emit(&power, &mut self.assembly, &mut ops);
                ops.push(Op::new(OpCode::OnPower, id.0, 0));
                Some(ops)
            }
            Carries::Changing { drive, from, to, over } => self.changing(line, id, *drive, [from, to, over], scope),
        }
    }

    /// The power of a line, as code and as far as it is known.
    fn driven(&mut self, line: &Text, drive: Drive, value: &Expr, scope: Scope) -> Option<(Ir, Option<i64>)> {
        let ty = match drive {
            Drive::Power => Type::Number,
            Drive::Speed => Type::Turning,
        };
        let typed = self.value(value, ty, scope)?;
        self.takes_power(line, value.span)?;
        let known = self.at_start(value, ty, scope);
        if drive == Drive::Power {
            if let Some(known) = known {
                self.check_is_power(known, value.span);
                self.check_power(line, Some(known), value.span);
            }
            return Some((typed.ir, known));
        }
        let points = self.speeds(line)?;
        let Some(speed) = known else { return Some((power_code(&points, &typed.ir), None)) };
        let Some(power_ppm) = power_of(&points, speed) else {
            let [low, high] = [points.first(), points.last()].map(|point| point.map_or(0, |(_, speed)| *speed));
            let shown = |speed| written(speed, Unit::Turning);
            self.reporter
                .error(
                    "E131-outside-calibration",
                    value.span,
                    format!("{} lies outside the calibration of `{}`", shown(speed), line.text),
                )
                .help(format!(
                    "it was measured from {} to {}; measure further or give another speed",
                    shown(low),
                    shown(high)
                ));
            return None;
        };
        self.check_power(line, Some(power_ppm), value.span);
        let ir = if typed.constant().is_some() { Ir::Constant(power_ppm) } else { power_code(&points, &typed.ir) };
        Some((ir, Some(power_ppm)))
    }

    /// Powers and the speeds they give.
    fn speeds(&mut self, line: &Text) -> Option<Vec<(i64, i64)>> {
        let config = self.rig.line(&line.text)?;
        let points = config.calibration.as_ref().and_then(|found| found.speeds());
        if points.is_none() {
            self.reporter
                .error(
                    "E130-not-calibrated",
                    line.span,
                    format!("`{}` is not calibrated on the rig `{}`", line.text, self.rig.name),
                )
                .help(format!(
                    "add to {}: `calibration: {{date: …, speeds: [[10 %, 4 rpm], [90 %, 40 rpm]]}}`",
                    self.rig.file
                ));
        }
        points.map(<[_]>::to_vec)
    }

    /// From a value to another: the first at once, and a timer for the rest.
    fn changing(
        &mut self,
        line: &Text,
        id: LineId,
        drive: Drive,
        [from, to, over]: [&Expr; 3],
        scope: Scope,
    ) -> Option<Vec<Op>> {
        let ramp = self.ramp(line, drive)?;
        let ty = if drive == Drive::Power { Type::Number } else { Type::Turning };
        let (first, first_known) = self.driven(line, drive, from, scope)?;
        let (_, last_known) = self.driven(line, drive, to, scope)?;
        let (from, to) = (self.value(from, ty, scope)?.ir, self.value(to, ty, scope)?.ir);
        let time = self.value(over, Type::Time, scope)?;
        if self.at_start(over, Type::Time, scope).is_some_and(|us| us < 1) {
            self.reporter
                .error("E027-out-of-bounds", over.span, "a change takes at least 1 µs")
                .help("write a longer time, or the last value alone");
        }
        self.check_level(line, first_known.max(last_known), over.span);
        let least = |ir, least| binary(OpCode::Maximum, ir, Ir::Constant(least));
        let part = binary(OpCode::Divide, load(ramp.over), Ir::Constant(STEPS_MAX));
        let mut ops = Vec::new();
        for (value, variable) in [
            (from, ramp.from),
            (binary(OpCode::Subtract, to, load(ramp.from)), ramp.change),
            (least(time.ir, 1), ramp.over),
            (Ir::Constant(0), ramp.at),
            (least(part, STEP_US), ramp.step),
        ] {
            emit::emit(&value, &mut self.assembly, &mut ops);
            ops.push(store(variable));
        }
        emit::emit(&first, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::OnPower, id.0, 0));
        emit::emit(&load(ramp.step), &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::TimerStart, ramp.timer.0, u16::MAX));
        self.step(line, id, drive, ramp)?;
        Some(ops)
    }

    /// What is done at each step of a change.
    fn step(&mut self, line: &Text, id: LineId, drive: Drive, ramp: Ramp) -> Option<()> {
        let event = EventId::timer(ramp.timer);
        if self.shapes.rules.iter().any(|(known, _)| *known == event) {
            return Some(());
        }
        let next = binary(OpCode::Add, load(ramp.at), load(ramp.step));
        let next = binary(OpCode::Minimum, next, load(ramp.over));
        let way = binary(OpCode::Multiply, load(ramp.change), load(ramp.at));
        let value = binary(OpCode::Add, load(ramp.from), binary(OpCode::Divide, way, load(ramp.over)));
        let power = match drive {
            Drive::Power => value,
            Drive::Speed => power_code(&self.speeds(line)?, &value),
        };
        let mut ops = Vec::new();
        emit::emit(&next, &mut self.assembly, &mut ops);
        ops.push(store(ramp.at));
        emit::emit(&power, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::OnPower, id.0, 0));
        emit::emit(&binary(OpCode::Equal, load(ramp.at), load(ramp.over)), &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::JumpIfFalse, 0, 1));
        ops.push(Op::new(OpCode::TimerStop, ramp.timer.0, 0));
        self.shapes.rules.push((event, ops));
        Some(())
    }

    /// Off if it is on, and on if it is off.
    fn toggled(&mut self, shape: &Shape, id: LineId, start: Vec<Op>) -> Option<Vec<Op>> {
        let toggled = self.line_part(&shape.line, "toggled")?;
        let mut ops = vec![Op::new(OpCode::Load, 0, toggled), Op::new(OpCode::JumpIfFalse, 0, 2)];
        ops.push(Op::new(OpCode::Off, id.0, 0));
        ops.push(Op::new(OpCode::Jump, 0, emit::length(&start)));
        ops.extend(start);
        Some(ops)
    }

    /// The regions of all this.
    pub(super) fn shape_regions(&mut self) {
        let shapes = std::mem::take(&mut self.shapes);
        self.flow.nowhere();
        if !shapes.rules.is_empty() {
            let first = self.assembly.rules.len();
            for (event, ops) in &shapes.rules {
                let action = self.assembly.code_but_for(ops, &[TOGGLE, GATE, RAMP]);
                self.assembly.rules.push(Rule { event: *event, target: StateId::NONE, guard: Code::NONE, action });
            }
            let rules = Slice { first: index(first), len: index(shapes.rules.len()) };
            self.own_region("outputs", &["outputs"], |_, _| (rules, Slice::default()));
        }
        for gate in &shapes.gates {
            self.gate_region(gate);
        }
    }

    /// Shut until one of its conditions is asked for and holds; open until that is over.
    fn gate_region(&mut self, gate: &Gate) {
        let name = format!("{}.gate", gate.line.text);
        let paths: Vec<String> = std::iter::once(format!("{name}.shut"))
            .chain((1..=gate.ways.len()).map(|n| format!("{name}.open_{n}")))
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let first = self.assembly.states.len();
        let state = |n: usize| StateId(index(first + n));
        let is = |value: i64| binary(OpCode::Equal, load(gate.variable), Ir::Constant(value));
        let not = |ir: Ir| Ir::Unary(OpCode::Not, Box::new(ir));
        let mut whens: Vec<Vec<When>> = vec![Vec::new(); paths.len()];
        for (way, n) in gate.ways.iter().zip(1..) {
            let asked = binary(OpCode::Or, is(fresh(n)), is(fresh(n) - 1));
            let opens = self.code_of(&binary(OpCode::And, asked, way.holds.clone()));
            let mut ops = vec![self.assembly.push(fresh(n) - 1), store(gate.variable)];
            ops.extend(way.start.iter().copied());
            let start = self.assembly.code_but_for(&ops, &[GATE]);
            let ended = self.code_of(&not(is(fresh(n) - 1)));
            let closes = self.code_of(&not(way.holds.clone()));
            let off = self.assembly.code_but_for(&[Op::new(OpCode::Off, gate.id.0, 0)], &[GATE]);
            let rows = |n: usize, rows: &[When], whens: &mut Vec<Vec<When>>| {
                if let Some(of) = whens.get_mut(n) {
                    of.extend_from_slice(rows);
                }
            };
            rows(0, &[When { guard: opens, target: state(n), action: start }], &mut whens);
            let shut = |guard, action| When { guard, target: state(0), action };
            rows(n, &[shut(ended, Code::NONE), shut(closes, off)], &mut whens);
        }
        self.own_region(&name, &paths, |lowering, n| {
            let rows = whens.get(n).map(Vec::as_slice).unwrap_or_default();
            let slice = Slice { first: index(lowering.assembly.whens.len()), len: index(rows.len()) };
            lowering.assembly.whens.extend_from_slice(rows);
            (Slice::default(), slice)
        });
    }

    /// A region of the compiler's own; it starts in the first of its states. `rows` gives rules and whens of each.
    fn own_region(&mut self, name: &str, paths: &[&str], mut rows: impl FnMut(&mut Self, usize) -> (Slice, Slice)) {
        let region = self.assembly.regions.len();
        let start = StateId(index(self.assembly.states.len()));
        self.hidden_regions.push(name.to_owned());
        self.flow.region(region, Some(start));
        for (n, path) in paths.iter().enumerate() {
            let (rules, whens) = rows(self, n);
            self.names.states.push(StateName { name: String::new(), path: (*path).to_owned(), region, parent: None });
            self.flow.everywhere();
            self.flow.nowhere();
            self.assembly.states.push(rows::State {
                parent: StateId::NONE,
                initial: StateId::NONE,
                region: link::RegionId(u8::try_from(region).unwrap_or(u8::MAX)),
                depth: 0,
                entry: Code::NONE,
                exit: Code::NONE,
                rules,
                afters: Slice::default(),
                whens,
            });
        }
        self.assembly.regions.push(rows::Region { start });
    }

    fn check_goes_off(&mut self, line: &Text, span: Span) {
        let off = |action: &&Action| match &action.kind {
            ActionKind::Off { line: other } | ActionKind::On { line: other, outlives: false, .. } => {
                other.text == line.text
            }
            ActionKind::Shape(shape) => shape.line.text == line.text && !shape.outlives,
            ActionKind::Toggle(shape) => shape.line.text == line.text,
            _ => false,
        };
        if !self.protocol.actions().iter().any(off) {
            self.reporter
                .warning("W005-stays-on", span, format!("nothing ever switches `{}` off again", line.text))
                .help(format!("add `- off: {}` where it should go off", line.text));
        }
    }

    fn held_by_nothing(&mut self, line: &Text, span: Span) {
        self.reporter
            .error("E120-held-by-nothing", span, format!("`{}` would stay on: no state holds it here", line.text))
            .help("write it in the `entry` of a state, or with `until: off` and switch it off elsewhere");
    }
}

/// What the variable of a gate holds when its `n`-th condition was just asked for; one less once it has been open.
const fn fresh(n: usize) -> i64 {
    2 * n as i64 + 1
}

/// The power in millionths that gives a speed, to the nearest; none outside the calibration. 0 is standing still.
fn power_of(points: &[(i64, i64)], speed: i64) -> Option<i64> {
    if speed == 0 { Some(0) } else { drive(points, speed) }
}

/// The same as code.
fn power_code(points: &[(i64, i64)], speed: &Ir) -> Ir {
    let stands = binary(OpCode::Equal, speed.clone(), Ir::Constant(0));
    let turns = drive_code(points, speed, NO_POWER_PPM);
    Ir::If(Box::new(stands), Box::new(Ir::Constant(0)), Box::new(turns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_power_stands_still_and_any_other_is_what_was_measured() {
        let points = [(100_000, 24_000), (500_000, 120_000), (900_000, 240_000)];
        assert_eq!((power_of(&points, 0), power_of(&points, 72_000)), (Some(0), Some(300_000)));
        assert_eq!((power_of(&points, 23_999), power_of(&points, 240_001)), (None, None));
    }
}
