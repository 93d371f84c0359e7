//! Timers that are told once what they are: a delay before, runs and rests, a line that is on while they run. Each phase is a timer
//! of the device, `blink`, `blink.delay`, `blink.interval`; how many runs are to come is `blink.repeats`. What starts, stops, pauses,
//! resumes or resets one does so to all of it.

use super::parts::{action, binary, both, count, each_list, each_row, handler, name, variable};
use crate::diagnostic::{Reporter, Span};
use crate::expression::parse::parse;
use crate::expression::{Binary, Expr, ExprKind};
use crate::protocol::timers::Timer;
use crate::protocol::{Action, ActionKind, Protocol, Row, TimerVerb, Trigger};
use crate::yaml::Text;

/// As good as without end: at a run each microsecond, over half an hour; at one a second, over sixty years.
const FOREVER: usize = 2_000_000_000;

/// The further names of a timer.
pub(crate) const DELAY: &str = "delay";
pub(crate) const INTERVAL: &str = "interval";
pub(crate) const REPEATS: &str = "repeats";
const ASKED: &str = "asked";

/// Gives every timer what it is told to do.
pub(super) fn expand(protocol: &mut Protocol, reporter: &mut Reporter) {
    let timers = protocol.timers_told.clone();
    let mut handlers = Vec::new();
    let mut all = Vec::new();
    for timer in &timers {
        let span = timer.name.span;
        let told = Told { timer, tells_start: is_waited_for(protocol, &format!("{}.start", timer.name.text)) };
        let phases = [timer.delay.as_ref().map(|_| DELAY), timer.interval.as_ref().map(|_| INTERVAL)];
        protocol.timers.extend(phases.into_iter().flatten().map(|phase| told.name(phase)));
        if timer.repeat.is_some() {
            protocol.variables.push(variable(&told.name(REPEATS).text, "0", None, span));
        }
        handlers.extend(told.handlers());
        all.push(told);
    }
    each_list(protocol, &mut |actions| {
        for written in std::mem::take(actions) {
            let told = |name: &Text| all.iter().find(|told| told.timer.name.text == name.text);
            match &written.kind {
                ActionKind::TimerStart { timer, time, repeat } => match told(timer) {
                    Some(told) => {
                        let again = time.as_ref().map(|time| time.span).or(repeat.as_ref().map(|repeat| repeat.span));
                        if let Some(span) = again {
                            reporter
                                .error(
                                    "E252-told-twice",
                                    span,
                                    format!("`{}` is told under `timers` what it is", timer.text),
                                )
                                .help(format!("write `timer: {{start: {}}}` alone, or leave it out there", timer.text));
                        }
                        actions.extend(told.start(&written));
                    }
                    None => {
                        if time.is_none() {
                            reporter.error("E030-missing-key", timer.span, "`timer` needs `for`").help(
                                "add for instance `for: 5 s`; or say under `timers` how long it runs, once and for all",
                            );
                            continue;
                        }
                        actions.push(written);
                    }
                },
                ActionKind::Timer { timer, verb } => match (told(timer), verb) {
                    (Some(told), verb) => actions.extend(told.turn(*verb, &written)),
                    (None, TimerVerb::Reset) => {
                        reporter
                            .error(
                                "E253-no-length",
                                timer.span,
                                format!("`{}` is not told under `timers` how long it runs", timer.text),
                            )
                            .help(format!("write there `{}: {{for: 5 s}}`; or start it anew here", timer.text));
                    }
                    (None, _) => actions.push(written),
                },
                _ => actions.push(written),
            }
        }
    });
    for told in &all {
        let asked = told.name(ASKED);
        let mut kept = false;
        each_list(protocol, &mut |actions| {
            let keeps =
                |action: &Action| matches!(&action.kind, ActionKind::Keep { variable, .. } if *variable == asked.text);
            kept |= actions.iter().any(keeps);
        });
        if kept {
            protocol.variables.push(variable(&asked.text, "0", None, asked.span));
        }
    }
    if let Some(main) = protocol.regions.first_mut() {
        main.handlers.splice(0..0, handlers);
    }
}

/// Whether anything waits for an event of this name.
fn is_waited_for(protocol: &mut Protocol, event: &str) -> bool {
    let mut found = false;
    each_row(protocol, &mut |row| {
        found |= matches!(&row.trigger, Trigger::Event(text) if text.text == event);
        found |= matches!(&row.trigger, Trigger::At(text) if text.text.starts_with(event));
    });
    each_list(protocol, &mut |actions| {
        let until = |action: &Action| match &action.kind {
            ActionKind::On { until: Some(until), .. } => until.text.starts_with(event),
            _ => false,
        };
        found |= actions.iter().any(until);
    });
    found
}

/// A timer that is told what it is.
struct Told<'t> {
    timer: &'t Timer,
    /// Whether anything waits for its `start`.
    tells_start: bool,
}

impl Told<'_> {
    fn span(&self) -> Span {
        self.timer.name.span
    }

    /// A name of its own behind the timer's.
    fn name(&self, part: &str) -> Text {
        Text::standing_for(&format!("{}.{part}", self.timer.name.text), self.span())
    }

    /// The timers of the device it consists of.
    fn phases(&self) -> Vec<Text> {
        let delay = self.timer.delay.iter().map(|_| self.name(DELAY));
        let interval = self.timer.interval.iter().map(|_| self.name(INTERVAL));
        std::iter::once(self.timer.name.clone()).chain(delay).chain(interval).collect()
    }

    fn act(&self, kind: ActionKind) -> Action {
        action(kind, None, self.span())
    }

    fn run(&self, timer: Text, time: &Expr) -> Action {
        self.act(ActionKind::TimerStart { timer, time: Some(time.clone()), repeat: None })
    }

    fn off(&self) -> Option<Action> {
        Some(self.act(ActionKind::Off { line: self.timer.line.clone()? }))
    }

    /// The line is on for a time.
    fn on(&self, width: Expr) -> Option<Action> {
        let (line, power) = (self.timer.line.clone()?, self.timer.power.clone());
        Some(self.act(ActionKind::PulseWidth { line, width, power }))
    }

    /// It begins to run.
    fn begin(&self) -> Vec<Action> {
        let tell = self.tells_start.then(|| self.act(ActionKind::Event(self.name("start"))));
        let run = self.run(self.timer.name.clone(), &self.timer.time);
        self.on(self.timer.time.clone()).into_iter().chain(tell).chain([run]).collect()
    }

    fn handlers(&self) -> Vec<Row> {
        let rings = |timer: Text, actions: Vec<Action>| Row {
            trigger: Trigger::Timer(timer.clone()),
            ..handler(timer, None, actions)
        };
        let mut rows = Vec::new();
        if self.timer.delay.is_some() {
            rows.push(rings(self.name(DELAY), self.begin()));
        }
        if self.timer.repeat.is_some() {
            let (repeats, span) = (self.name(REPEATS), self.span());
            let left = || name(&repeats.text, span);
            let again = match &self.timer.interval {
                Some(interval) => {
                    rows.push(rings(self.name(INTERVAL), self.begin()));
                    vec![self.run(self.name(INTERVAL), interval)]
                }
                None => self.begin(),
            };
            let one_less = binary(left(), Binary::Subtract, count(1, span));
            let one_less = self.act(ActionKind::Keep { variable: repeats.text.clone(), value: one_less });
            let actions = std::iter::once(one_less).chain(again).collect();
            let guard = Some(binary(left(), Binary::Greater, count(0, span)));
            rows.push(Row { guard, ..rings(self.timer.name.clone(), actions) });
        }
        rows
    }

    /// What starts it, under the guard of what was written.
    fn start(&self, written: &Action) -> Vec<Action> {
        let others = self.phases().into_iter().skip(usize::from(self.timer.delay.is_none()));
        let stops = others.map(|timer| self.act(ActionKind::Timer { timer, verb: TimerVerb::Stop }));
        let mut actions: Vec<Action> = stops.collect();
        if let Some(repeat) = &self.timer.repeat {
            let value = match repeat.text.as_str() {
                "forever" => count(FOREVER, repeat.span),
                // What is wrong with it is told once, where the timer stands.
                _ => parse(repeat, &mut Reporter::silent()),
            };
            actions.push(self.act(ActionKind::Keep { variable: self.name(REPEATS).text, value }));
        }
        match &self.timer.delay {
            Some(delay) => {
                actions.extend(self.off());
                actions.push(self.run(self.name(DELAY), delay));
            }
            None => actions.extend(self.begin()),
        }
        self.guarded(actions, written.guard.clone(), written.span)
    }

    /// What stops, pauses, resumes or resets it.
    fn turn(&self, verb: TimerVerb, written: &Action) -> Vec<Action> {
        let span = self.span();
        let asked = |timer: &Text, member: &str| {
            let (owner, member) = (timer.text.clone(), member.to_owned());
            Expr { span, kind: ExprKind::Dotted { owner, owner_span: span, member, member_span: span } }
        };
        if verb == TimerVerb::Reset {
            // One that stands still has something left.
            let nothing = parse(&Text::standing_for("0 s", span), &mut Reporter::silent());
            let is_on = |timer: &Text| binary(asked(timer, "left"), Binary::Greater, nothing.clone());
            let any = self.phases().iter().map(is_on).reduce(|all, next| binary(all, Binary::Or, next));
            let guard = both(written.guard.clone(), any);
            return self.start(&Action { guard, ..written.clone() });
        }
        let turned = self.phases().into_iter().map(|timer| self.act(ActionKind::Timer { timer, verb }));
        let mut actions: Vec<Action> = turned.collect();
        match verb {
            TimerVerb::Resume => {
                let runs = asked(&self.timer.name, "running");
                actions.extend(self.on(asked(&self.timer.name, "left")).map(|on| Action { guard: Some(runs), ..on }));
            }
            _ => actions.extend(self.off()),
        }
        self.guarded(actions, written.guard.clone(), written.span)
    }

    /// Actions under one guard, besides their own. It is asked once, before any of them changes what it asks for.
    fn guarded(&self, actions: Vec<Action>, guard: Option<Expr>, at: Span) -> Vec<Action> {
        let Some(guard) = guard else {
            return actions.into_iter().map(|action| Action { span: at, ..action }).collect();
        };
        let (asked, span) = (self.name(ASKED).text, guard.span);
        let arguments = vec![guard, count(1, span), count(0, span)];
        let value = ExprKind::Call { name: "if".to_owned(), name_span: span, arguments };
        let keep = self.act(ActionKind::Keep { variable: asked.clone(), value: Expr { span, kind: value } });
        let holds = binary(name(&asked, span), Binary::Equal, count(1, span));
        let guarded = |action: Action| Action { guard: both(Some(holds.clone()), action.guard), span: at, ..action };
        std::iter::once(keep).chain(actions.into_iter().map(guarded)).collect()
    }
}
