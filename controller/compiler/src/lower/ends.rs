//! What ends the session becomes conditions that the device asks as each trial closes. What must not wait for that is a
//! region of its own, `session`, which closes the trial itself: a timer that every input starts anew, and a time-out.
//! What is counted for a rule is a variable called `session.…`, in no column and no record.

use link::program::op::{Op, OpCode, Special};
use link::program::rows::{self, After, Code, Rule, Slice};
use link::{EventId, LineId, StateId, TimerId, limits};

use super::Lowering;
use crate::expression::check::{Ir, Type, Typed};
use crate::expression::emit;
use crate::names::{Origin, Scope, StateName, Variable, index};
use crate::protocol::{ActionKind, End, EndKind};

/// The region that ends a session between two trials.
const REGION: &str = "session";
/// Which rule was reached there: its number, counted from 1.
const OVER: &str = "session.over";
/// The doses asked for.
const REWARDS: &str = "session.rewards";
/// Their volume.
const VOLUME: &str = "session.volume";

/// The trials that came to an outcome.
fn trials_of(outcome: &str) -> String {
    format!("session.{outcome}")
}

impl Lowering<'_> {
    /// Variables for what is counted.
    pub(super) fn declare_counted(&mut self) {
        let protocol = self.protocol;
        for end in &protocol.ends {
            let (name, ty) = match (end.kind, &end.of) {
                (EndKind::Rewards, _) => (REWARDS.to_owned(), Type::Count),
                (EndKind::Volume, _) => (VOLUME.to_owned(), Type::Volume),
                (EndKind::Outcome, Some(outcome)) => (trials_of(&outcome.text), Type::Count),
                (EndKind::Idle | EndKind::AtMost, _) => (OVER.to_owned(), Type::Count),
                _ => continue,
            };
            self.add_hidden(name, Some(ty), 0, end.expr.span);
        }
    }

    /// A variable that no protocol names; nothing if it is there already.
    pub(super) fn add_hidden(&mut self, name: String, ty: Option<Type>, initial: i64, span: crate::diagnostic::Span) {
        if self.names.variable(&name).is_some() {
            return;
        }
        let origin = Origin::Known;
        self.names.add_variable(Variable { name, span, ty, initial, column: false, parameter: None, origin });
        self.assembly.variables.push(initial);
    }

    fn hidden(&self, name: &str) -> Option<u16> {
        self.names.variable(name).map(|(id, _)| id)
    }

    /// Adds to a hidden variable, if it is there.
    fn count(&mut self, name: &str, by: &Ir) -> Vec<Op> {
        let Some(id) = self.hidden(name) else { return Vec::new() };
        let sum = Ir::Binary(OpCode::Add, Box::new(Ir::Load(id)), Box::new(by.clone()));
        let mut ops = Vec::new();
        emit::emit(&sum, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::Store, 0, id));
        ops
    }

    /// What is counted of a dose.
    pub(super) fn count_dose(&mut self, volume: &Ir) -> Vec<Op> {
        let mut ops = self.count(REWARDS, &Ir::Constant(1));
        ops.extend(self.count(VOLUME, volume));
        ops
    }

    /// What is counted as a trial closes.
    pub(super) fn count_trial(&mut self) -> Vec<Op> {
        let protocol = self.protocol;
        let mut ops = Vec::new();
        let mut counted: Vec<&str> = Vec::new();
        for outcome in protocol.ends.iter().filter_map(|end| end.of.as_ref().filter(|_| end.kind == EndKind::Outcome)) {
            let Some(id) = self.names.outcome(&outcome.text).filter(|_| !counted.contains(&outcome.text.as_str()))
            else {
                continue;
            };
            counted.push(&outcome.text);
            let came = Ir::Binary(
                OpCode::Equal,
                Box::new(Ir::Special(Special::Outcome, 0)),
                Box::new(Ir::Constant(i64::from(id.0) + 1)),
            );
            ops.extend(self.count(&trials_of(&outcome.text), &came));
        }
        ops
    }

    /// The conditions the device asks as each trial closes.
    pub(super) fn ends(&mut self) {
        let protocol = self.protocol;
        self.flow.nowhere();
        for (n, end) in protocol.ends.iter().enumerate() {
            let Some(condition) = self.condition(n, end) else { continue };
            let condition = self.code_of(&condition);
            self.assembly.ends.push(rows::End { condition });
            self.limit(self.assembly.ends.len(), limits::MAX_ENDS, "conditions that end the session", end.expr.span);
        }
        self.end_at_once();
        // What is missing may be what was written wrongly.
        if self.reporter.has_errors() {
            return;
        }
        let trials = protocol.actions().iter().any(|action| matches!(action.kind, ActionKind::Trial));
        if protocol.ends.is_empty() {
            self.reporter
                .warning("W001-endless", protocol.name.span, "nothing ends this session but a person")
                .help("add for instance `session: {ends: [{after: 60 min}]}`");
        } else if !trials && !protocol.ends.iter().any(|end| end.kind.is_at_once()) {
            self.reporter
                .warning(
                    "W002-no-trial",
                    protocol.name.span,
                    "no trial ever begins, so the session never ends by itself",
                )
                .help("add `- trial: begin` to the entry of the state a trial begins in");
        }
    }

    fn condition(&mut self, n: usize, end: &End) -> Option<Ir> {
        let scope = Scope::default();
        let reached = |limit: Typed, have: Ir| Ir::Binary(OpCode::LessOrEqual, Box::new(limit.ir), Box::new(have));
        let counted = |names: &crate::names::Names, name: &str| names.variable(name).map(|(id, _)| Ir::Load(id));
        let (ty, have) = match end.kind {
            EndKind::If => return self.value(&end.expr, Type::Truth, scope).map(|typed| typed.ir),
            EndKind::Idle | EndKind::AtMost => {
                let rule = i64::try_from(n + 1).unwrap_or(i64::MAX);
                let over = counted(&self.names, OVER)?;
                return Some(Ir::Binary(OpCode::Equal, Box::new(over), Box::new(Ir::Constant(rule))));
            }
            EndKind::After => (Type::Time, Ir::Special(Special::SessionTime, 0)),
            EndKind::Trials => (Type::Count, Ir::Special(Special::Trial, 0)),
            EndKind::Outcome => {
                let outcome = end.of.as_ref()?;
                self.outcome(outcome)?;
                (Type::Count, counted(&self.names, &trials_of(&outcome.text))?)
            }
            EndKind::Rewards | EndKind::Volume => {
                if !self.protocol.actions().iter().any(|action| matches!(action.kind, ActionKind::Deliver { .. })) {
                    self.reporter
                        .error("E301-never-delivers", end.expr.span, "this protocol never delivers anything")
                        .help("end it by something else, or add `- deliver: {line: water, volume: 5 µl}`");
                    return None;
                }
                let (ty, name) = match end.kind {
                    EndKind::Rewards => (Type::Count, REWARDS),
                    _ => (Type::Volume, VOLUME),
                };
                (ty, counted(&self.names, name)?)
            }
        };
        let limit = self.value(&end.expr, ty, scope)?;
        self.check_end(end, &limit);
        Some(reached(limit, have))
    }

    /// Reports a limit that is reached before anything is: a session that would end with its first trial is not meant.
    fn check_end(&mut self, end: &End, limit: &Typed) {
        if self.foreseen(limit, &end.expr, Scope::default()).is_some_and(|limit| limit < 1) {
            let message = format!("`{}` ends the session before it began", end.written);
            self.reporter
                .error("E027-out-of-bounds", end.expr.span, message)
                .help("write more than nothing, or leave this end out");
        }
    }

    /// The region of what does not wait for a trial to close.
    fn end_at_once(&mut self) {
        let protocol = self.protocol;
        if !protocol.ends.iter().any(|end| end.kind.is_at_once()) {
            return;
        }
        let region = self.assembly.regions.len();
        let state = StateId(index(self.assembly.states.len()));
        self.hidden_regions.push(REGION.to_owned());
        self.names.states.push(StateName { name: String::new(), path: REGION.to_owned(), region, parent: None });
        self.flow.region(region, Some(state));
        self.flow.everywhere();
        self.flow.nowhere();
        let (mut entry, mut rules, mut afters) = (Vec::new(), Vec::new(), Vec::new());
        for (n, end) in protocol.ends.iter().enumerate().filter(|(_, end)| end.kind.is_at_once()) {
            let Some(time) = self.value(&end.expr, Type::Time, Scope::default()) else { continue };
            self.check_end(end, &time);
            let action = self.close_for(n);
            if end.kind == EndKind::AtMost {
                let duration = self.code_of(&time.ir);
                afters.push(After { duration, target: StateId::NONE, guard: Code::NONE, action });
                continue;
            }
            let timer = TimerId(u8::try_from(self.names.timers.len()).unwrap_or(u8::MAX));
            self.names.timers.push(format!("session.idle_{}", n + 1));
            let mut start = Vec::new();
            emit::emit(&time.ir, &mut self.assembly, &mut start);
            start.push(Op::new(OpCode::TimerStart, timer.0, 0));
            let again = self.assembly.code(&start);
            entry.extend(start);
            for event in self.events_of(end) {
                rules.push(Rule { event, target: StateId::NONE, guard: Code::NONE, action: again });
            }
            rules.push(Rule { event: EventId::timer(timer), target: StateId::NONE, guard: Code::NONE, action });
        }
        let entry = self.assembly.code(&entry);
        let slice = |before: usize, added: usize| Slice { first: index(before), len: index(added) };
        let (rules_at, afters_at) =
            (slice(self.assembly.rules.len(), rules.len()), slice(self.assembly.afters.len(), afters.len()));
        self.assembly.rules.append(&mut rules);
        self.assembly.afters.append(&mut afters);
        self.assembly.states.push(rows::State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: link::RegionId(u8::try_from(region).unwrap_or(u8::MAX)),
            depth: 0,
            entry,
            exit: Code::NONE,
            rules: rules_at,
            afters: afters_at,
            whens: Slice::default(),
        });
        self.assembly.regions.push(rows::Region { start: state });
    }

    /// Says which rule was reached, and closes the trial: the session ends there, since the rule holds.
    fn close_for(&mut self, n: usize) -> Code {
        let Some(over) = self.hidden(OVER) else { return Code::NONE };
        let rule = self.assembly.push(i64::try_from(n + 1).unwrap_or(i64::MAX));
        let mut ops = vec![rule, Op::new(OpCode::Store, 0, over)];
        ops.extend(self.close_trial());
        ops.extend(self.trial_boundary(Scope::default()).0);
        ops.push(Op::new(OpCode::Trial, 0, 0));
        self.assembly.code(&ops)
    }

    /// What an animal may do to show that it is not idle.
    fn events_of(&mut self, end: &End) -> Vec<EventId> {
        if let Some(of) = &end.of {
            return self.event(of).into_iter().collect();
        }
        let inputs = (0_u8..).zip(&self.names.lines).filter(|(_, line)| line.kind.input().is_some());
        let inputs: Vec<u8> = inputs.map(|(n, _)| n).collect();
        self.uses.lines.extend(&inputs);
        let both = |n: u8| [EventId::edge(LineId(n), true), EventId::edge(LineId(n), false)];
        let events: Vec<EventId> = inputs.into_iter().flat_map(both).collect();
        if events.is_empty() {
            self.reporter
                .error(
                    "E302-never-idle",
                    end.expr.span,
                    "this protocol listens to no input, so nothing tells idle from busy",
                )
                .help("name an input under `lines`, or end the session by `at_most`");
        }
        events
    }
}
