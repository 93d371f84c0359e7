//! Timers that are told once what they are: a delay before, runs and rests, a line that is on while they run. Each phase is a timer
//! of the device, `blink`, `blink.delay`, `blink.interval`; how many runs are to come is `blink.repeats`. What starts, stops, pauses,
//! resumes or resets one does so to all of it.

use super::parts::{action, as_count, binary, both, count, each_list, each_row, handler, held, keep, name, variable};
use crate::diagnostic::{Reporter, Span};
use crate::expression::parse::parse;
use crate::expression::{Binary, Expr, ExprKind};
use crate::protocol::timers::Timer;
use crate::protocol::{Action, ActionKind, Protocol, Row, TimerVerb, Trigger};
use crate::yaml::Text;

/// What is left of one without end.
const FOREVER: usize = 2_000_000_000;

/// The further names of a timer.
pub(crate) const DELAY: &str = "delay";
pub(crate) const INTERVAL: &str = "interval";
pub(crate) const REPEATS: &str = "repeats";
const ASKED: &str = "asked";
/// The event that takes one off its repeats once whoever waits for its end has heard it, and whether one is to be taken off.
const AGAIN: &str = "again";
const OWED: &str = "owed";

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
        if told.counts_down_behind() {
            protocol.variables.push(variable(&told.name(OWED).text, "0", None, span));
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
            let (repeats, span) = (self.name(REPEATS).text, self.span());
            let left = || name(&repeats, span);
            let one_less =
                (!self.is_endless()).then(|| keep(&repeats, binary(left(), Binary::Subtract, count(1, span)), span));
            let again = match &self.timer.interval {
                // It is one less once it runs again.
                Some(interval) => {
                    let begin = one_less.into_iter().chain(self.begin()).collect();
                    rows.push(rings(self.name(INTERVAL), begin));
                    vec![self.run(self.name(INTERVAL), interval)]
                }
                // It runs again in this very moment: one less for whoever hears of its start, not yet for whoever waits for
                // this end, here or in any state.
                None => {
                    let owed = self.name(OWED).text;
                    let owe = one_less
                        .is_some()
                        .then(|| [keep(&owed, count(1, span), span), self.act(ActionKind::Event(self.name(AGAIN)))]);
                    let paid = one_less.map(|less| vec![less, keep(&owed, count(0, span), span)]);
                    rows.extend(paid.map(|paid| handler(self.name(AGAIN), Some(held(&owed, span)), paid)));
                    owe.into_iter().flatten().chain(self.begin()).collect()
                }
            };
            let guard = (!self.is_endless()).then(|| binary(left(), Binary::Greater, count(0, span)));
            rows.push(Row { guard, ..rings(self.timer.name.clone(), again) });
        }
        rows
    }

    fn is_endless(&self) -> bool {
        self.timer.repeat.as_ref().is_some_and(|repeat| repeat.text == "forever")
    }

    /// Whether its repeats are counted down behind its end.
    fn counts_down_behind(&self) -> bool {
        self.timer.repeat.is_some() && self.timer.interval.is_none() && !self.is_endless()
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
            actions.push(keep(&self.name(REPEATS).text, value, self.span()));
        }
        if self.counts_down_behind() {
            actions.push(keep(&self.name(OWED).text, count(0, self.span()), self.span()));
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
        let holds = held(&asked, span);
        let guarded = |action: Action| Action { guard: both(Some(holds.clone()), action.guard), span: at, ..action };
        let first = keep(&asked, as_count(guard), self.span());
        std::iter::once(first).chain(actions.into_iter().map(guarded)).collect()
    }
}
