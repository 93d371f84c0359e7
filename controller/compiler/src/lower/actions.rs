//! Actions become operations.

use link::LineId;
use link::program::op::{Op, OpCode};
use link::pwm::FULL_POWER_PPM;
use link::record::Train;

use super::lists::Target;
use super::places::Asks;
use super::{Lowering, guarded};
use crate::diagnostic::{Span, a, listed};
use crate::expand::stable::STEADY;
use crate::expression::check::{Ir, Type};
use crate::expression::parse::parse;
use crate::expression::{Expr, emit};
use crate::kinds::{Kind, LONGEST_US, Verb};
use crate::names::{Origin, Scope};
use crate::protocol::{Action, ActionKind, TimerVerb};
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Text;

/// A line that is on for the length of a state, and whether it was this one that was switched on.
pub(super) type Held = (LineId, Option<Expr>);

impl Lowering<'_> {
    /// The operations of actions, and those that end at the exit of their state what they hold on for it.
    pub(super) fn actions(&mut self, actions: &[Action], scope: Scope, entry: bool) -> (Vec<Op>, Vec<Op>) {
        let mut ops = Vec::new();
        let mut held = Vec::new();
        for action in actions {
            let guard = action.guard.as_ref().and_then(|guard| self.value(guard, Type::Truth, scope));
            if let Some(guard) = &guard {
                self.asks(Asks::Action, &guard.ir, guard.span);
            }
            self.note_forbidden(action, scope);
            let Some(body) = self.action(action, scope, entry, &mut held) else { continue };
            let guard = guard.filter(|guard| guard.constant() != Some(1)).map(|guard| guard.ir);
            ops.extend(guarded(guard.as_ref(), body, &mut self.assembly));
        }
        let mut release = Vec::new();
        for (line, held_if) in held {
            let held_if =
                held_if.and_then(|held_if| self.value(&held_if, Type::Truth, scope)).map(|held_if| held_if.ir);
            // A state around this one holds it still.
            if held_if == Some(Ir::Constant(0)) {
                continue;
            }
            release.extend(guarded(held_if.as_ref(), vec![Op::new(OpCode::Off, line.0, 0)], &mut self.assembly));
        }
        (ops, release)
    }

    fn action(&mut self, action: &Action, scope: Scope, entry: bool, held: &mut Vec<Held>) -> Option<Vec<Op>> {
        let one = |op| Some(vec![op]);
        match &action.kind {
            ActionKind::Trial => Some(self.trial(scope)),
            ActionKind::Void => Some(self.void()),
            ActionKind::Repeat => Some(self.repeat()),
            ActionKind::Set { variable, value } => self.set(variable, value, scope),
            ActionKind::Draw(draw) => self.draw(draw, scope),
            ActionKind::Play { line, stimulus } => self.stimulus(line, stimulus, (Verb::Play, false), None, scope),
            ActionKind::Pulse { line, stimulus, power } => {
                self.stimulus(line, stimulus, (Verb::Pulse, false), power.as_ref(), scope)
            }
            ActionKind::PulseWidth { line, width, power } => self.pulse(line, width, power.as_ref(), scope),
            ActionKind::Deliver { line, volume } => self.deliver(line, volume, scope),
            ActionKind::On { line, outlives, power, held_if, .. } => {
                let (id, _) = self.output(line, Verb::Switch)?;
                if !outlives && !entry {
                    self.reporter
                        .error(
                            "E120-held-by-nothing",
                            action.span,
                            format!("`{}` would stay on: no state holds it here", line.text),
                        )
                        .help(format!(
                            "write `on: {{line: {}, for: 1 s}}`, or `until: off` and switch it off elsewhere",
                            line.text
                        ));
                    return None;
                }
                if *outlives {
                    let protocol = self.protocol;
                    // A state that holds it switches it off too.
                    let off = |action: &&Action| match &action.kind {
                        ActionKind::Off { line: other } | ActionKind::On { line: other, outlives: false, .. } => {
                            other.text == line.text
                        }
                        _ => false,
                    };
                    if !protocol.actions().iter().any(off) {
                        self.reporter
                            .warning(
                                "W005-stays-on",
                                action.span,
                                format!("nothing ever switches `{}` off again", line.text),
                            )
                            .help(format!("add `- off: {}` where it should go off", line.text));
                    }
                } else if !held.iter().any(|(other, other_if)| *other == id && other_if.is_none()) {
                    held.push((id, held_if.clone()));
                }
                let Some(power) = power else {
                    self.check_power(line, None, line.span);
                    self.check_level(line, Some(FULL_POWER_PPM.into()), line.span);
                    return one(Op::new(OpCode::On, id.0, 0));
                };
                let mut ops = self.power(line, power, scope)?;
                let known = self.at_start(power, Type::Number, scope);
                self.check_level(line, known, power.span);
                ops.push(Op::new(OpCode::OnPower, id.0, 0));
                Some(ops)
            }
            ActionKind::Off { line } => {
                let (id, kind) = self.line(line)?;
                if kind.output().is_none() {
                    self.not_an_output(line, kind);
                    return None;
                }
                one(Op::new(OpCode::Off, id.0, 0))
            }
            ActionKind::Shape(shape) | ActionKind::Toggle(shape) => self.shape(action, shape, (scope, entry), held),
            ActionKind::Keep { variable, value } => self.keep(variable, value, scope),
            ActionKind::Event(event) => {
                let id = self.names.event(&event.text)?;
                one(Op::new(OpCode::Signal, 0, id.0))
            }
            ActionKind::Ask(prompt) => self.ask(prompt),
            ActionKind::Outcome(outcome) => {
                let id = self.outcome(outcome)?;
                one(Op::new(OpCode::Outcome, 0, id.0))
            }
            ActionKind::Count(counter) => {
                let (id, _) = self.names.variable(&counter.text)?;
                let add = [Op::new(OpCode::Load, 0, id), self.assembly.push(1), Op::new(OpCode::Add, 0, 0)];
                Some(add.into_iter().chain([Op::new(OpCode::Store, 1, id)]).collect())
            }
            ActionKind::Reset(counter) => self.reset(counter),
            ActionKind::Due { timer, time } => self.due(timer, time, scope),
            ActionKind::TimerStart { timer, time, repeat } => {
                self.timer_start(timer, time.as_ref()?, repeat.as_ref(), scope)
            }
            ActionKind::Timer { timer, verb } => {
                let id = self.timer(timer)?;
                let code = match verb {
                    TimerVerb::Stop => OpCode::TimerStop,
                    TimerVerb::Pause => OpCode::TimerPause,
                    TimerVerb::Resume => OpCode::TimerResume,
                    // It was made into a start before.
                    TimerVerb::Reset => return None,
                };
                one(Op::new(code, id.0, 0))
            }
        }
    }

    /// A counter begins anew.
    fn reset(&mut self, counter: &Text) -> Option<Vec<Op>> {
        match self.names.variable(&counter.text) {
            Some((id, variable)) if variable.origin == Origin::Counter => {
                Some(vec![self.assembly.push(0), Op::new(OpCode::Store, 1, id)])
            }
            Some(_) => {
                self.reporter
                    .error("E251-not-a-counter", counter.span, format!("`{}` is no counter", counter.text))
                    .help(format!("what the program works out is set: `set: {{{}: …}}`", counter.text));
                None
            }
            None => {
                let counters = self.protocol.counters.iter().map(|known| known.name.text.as_str());
                self.reporter
                    .error("E251-not-a-counter", counter.span, format!("there is no counter `{}`", counter.text))
                    .near(&counter.text, counters, |known| match known {
                        [] => Some("declare it: `counters: {licks: {count: spout.lick, reset: trial}}`".to_owned()),
                        known => Some(format!("counters are {}", listed(known.iter().copied()))),
                    });
                None
            }
        }
    }

    /// A trial begins; what is counted per trial begins anew.
    fn trial(&mut self, scope: Scope) -> Vec<Op> {
        let mut ops = self.close_trial();
        let (closing, opening) = self.trial_boundary(scope);
        ops.extend(closing);
        ops.push(Op::new(OpCode::Trial, 0, 0));
        for counter in self.protocol.counters.iter().filter(|counter| counter.per_trial) {
            if let Some((id, _)) = self.names.variable(&counter.name.text) {
                ops.push(self.assembly.push(0));
                ops.push(Op::new(OpCode::Store, 1, id));
            }
        }
        ops.extend(self.taken_up());
        ops.extend(opening);
        ops
    }

    fn set(&mut self, name: &Text, value: &Expr, scope: Scope) -> Option<Vec<Op>> {
        let what = self.names.variable(&name.text).and_then(|(_, variable)| match variable.origin {
            Origin::Parameter => Some("parameter, which only the person at the rig may change"),
            Origin::Counter => Some("counter, which counts by itself"),
            Origin::Column => Some("column, which is worked out as the trial closes"),
            Origin::Known => Some("value that is fixed for the session"),
            Origin::Outside => Some("value from outside, which only comes from there"),
            Origin::Made => Some("variable of something else that is declared, which alone changes it"),
            Origin::Declared | Origin::Drawn => None,
        });
        if let Some(what) = what {
            self.reporter
                .error("E121-not-settable", name.span, format!("`{}` is a {what}", name.text))
                .help("declare a variable for what the program works out");
            return None;
        }
        let (target, ty) = self.target_of(name, scope)?;
        let value = self.value(value, ty, scope)?;
        if let Target::Variable(id) = target {
            self.flow.sets(id);
        }
        Some(self.put(&target, &value.ir))
    }

    /// A variable of the compiler's own takes a value, which leaves no record.
    fn keep(&mut self, variable: &str, value: &Expr, scope: Scope) -> Option<Vec<Op>> {
        let (id, found) = self.names.variable(variable)?;
        let value = self.value(value, found.ty?, scope)?;
        let mut ops = Vec::new();
        emit::emit(&value.ir, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::Store, 0, id));
        Some(ops)
    }

    fn not_an_output(&mut self, line: &Text, kind: &Kind) {
        self.reporter
            .error(
                "E122-not-an-output",
                line.span,
                format!("`{}` is {}, which only listens", line.text, a(kind.noun())),
            )
            .help("name an output: a valve, a speaker, a light, …");
    }

    /// An output that can do what is asked.
    pub(super) fn output(&mut self, line: &Text, verb: Verb) -> Option<(LineId, &'static Kind)> {
        let (id, kind) = self.line(line)?;
        let Some(output) = kind.output() else {
            self.not_an_output(line, kind);
            return None;
        };
        if !output.verbs.contains(&verb) {
            let instead = listed(output.verbs.iter().map(|verb| verb.word()));
            self.reporter
                .error("E123-wrong-verb", line.span, format!("{} cannot `{}`", a(kind.noun()), verb.word()))
                .help(format!("with {} use {instead}", a(kind.noun())));
            return None;
        }
        Some((id, kind))
    }

    /// The longest a line may be on in one go on this rig, in µs.
    pub(super) fn max_on(&self, line: &str) -> i64 {
        let output = self.rig.line(line).and_then(|line| line.line.role.output());
        output.map_or(LONGEST_US, |output| output.limits.max_on_us.into())
    }

    /// Reports what would keep a line on for longer than the rig allows.
    pub(super) fn check_max_on(&mut self, line: &Text, width_us: i64, span: Span) {
        let most = self.max_on(&line.text);
        if width_us > most {
            let (width, most) = (written(width_us, Unit::Time), written(most, Unit::Time));
            self.reporter
                .error(
                    "E124-over-max-on",
                    span,
                    format!("{width} is longer than `{}` may be on in one go, {most}", line.text),
                )
                .help(format!(
                    "make it shorter; or, if the hardware can stand it, raise `max_on` in {}",
                    self.rig.file
                ));
        }
    }

    fn pulse(&mut self, line: &Text, width: &Expr, power: Option<&Expr>, scope: Scope) -> Option<Vec<Op>> {
        // A timed level and a pulse of one width are the same to a line.
        let (id, _) = self.output(line, Verb::Pulse)?;
        let typed = self.value(width, Type::Time, scope)?;
        if let Some(width_us) = self.at_start(width, Type::Time, scope) {
            if width_us < 1 {
                self.reporter
                    .error("E027-out-of-bounds", width.span, "a pulse lasts at least 1 µs")
                    .help("write a longer time, or leave the pulse out");
            }
            self.check_max_on(line, width_us, width.span);
            let known = power.map(|power| self.at_start(power, Type::Number, scope));
            let train = Train::pulse(u32::try_from(width_us.max(0)).unwrap_or(u32::MAX));
            self.check_request(line, &train, known.unwrap_or(Some(FULL_POWER_PPM.into())), width.span);
        }
        if power.is_none() {
            self.check_power(line, None, line.span);
        }
        let mut ops = Vec::new();
        emit::emit(&typed.ir, &mut self.assembly, &mut ops);
        if let Some(power) = power {
            ops.extend(self.power(line, power, scope)?);
        }
        ops.push(Op::new(if power.is_some() { OpCode::PulsePower } else { OpCode::Pulse }, id.0, 0));
        Some(ops)
    }

    fn timer(&mut self, timer: &Text) -> Option<link::TimerId> {
        let found = self.names.timer(&timer.text);
        if found.is_none() {
            let known = self.names.told_timers();
            self.reporter.error("E127-unknown-timer", timer.span, format!("there is no timer `{}`", timer.text)).near(
                &timer.text,
                known,
                |known| {
                    Some(if known.is_empty() {
                        format!("declare it: `timers: [{}]`", timer.text)
                    } else {
                        format!("timers are {}", listed(known.iter().copied()))
                    })
                },
            );
        }
        found
    }

    fn timer_start(&mut self, timer: &Text, time: &Expr, repeat: Option<&Text>, scope: Scope) -> Option<Vec<Op>> {
        let id = self.timer(timer);
        let typed = self.value(time, Type::Time, scope)?;
        if self.foreseen(&typed, time, scope).is_some_and(|us| us < 1) {
            let message = match timer.text.ends_with(STEADY) {
                true => "what must be steady is so for at least 1 µs",
                false => "a timer runs for at least 1 µs",
            };
            self.reporter.error("E027-out-of-bounds", time.span, message).help("write a longer time");
        }
        let further = match repeat {
            None => 0,
            Some(text) if text.text == "forever" => u16::MAX,
            Some(text) => self.repeats(text, scope)?,
        };
        let mut ops = Vec::new();
        emit::emit(&typed.ir, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::TimerStart, id?.0, further));
        Some(ops)
    }

    /// Reports timers that are told to run again fewer times than never, as far as that is known.
    pub(super) fn check_repeats(&mut self) {
        let protocol = self.protocol;
        for timer in &protocol.timers_told {
            let Some(text) = timer.repeat.as_ref().filter(|text| text.text != "forever") else { continue };
            let times = parse(text, self.reporter);
            if self.at_start(&times, Type::Count, Scope::default()).is_some_and(|times| times < 0) {
                self.reporter
                    .error("E128-repeat", text.span, format!("`{}` is no number of repeats", text.text))
                    .help("write how many further times, or `forever`");
            }
        }
    }

    /// How often a timer rings again, which must be known before the session.
    fn repeats(&mut self, text: &Text, scope: Scope) -> Option<u16> {
        let expr = parse(text, self.reporter);
        let times = self.known(&expr, Type::Count, scope, "how often a timer rings again")?;
        let fits = u16::try_from(times).ok().filter(|times| (1..u16::MAX).contains(times));
        if fits.is_none() {
            self.reporter
                .error("E128-repeat", text.span, format!("`{}` is no number of repeats", text.text))
                .help("write how many further times, 1 to 65534, or `forever`");
        }
        fits
    }

    /// A dose: its volume, and the opening that gives it.
    pub(super) fn dose(&mut self, line: LineId, volume: &Ir, opening: &Ir) -> Vec<Op> {
        let mut ops = Vec::new();
        emit::emit(volume, &mut self.assembly, &mut ops);
        emit::emit(opening, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::Deliver, line.0, 0));
        ops.extend(self.count_dose(volume));
        ops
    }
}
