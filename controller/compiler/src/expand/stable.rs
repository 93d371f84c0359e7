//! `hold: {line: lever, stable_for: 200 ms}`: an edge of the line is told of once the line has stayed so for that long. Each edge of the
//! line starts a timer, or stops it where the line is back; its end is the edge of `hold`, whose own time is kept. What the line is
//! at the start counts as steady.

use super::parts::{action, handler, name, variable};
use crate::diagnostic::{Reporter, Span, a};
use crate::expression::parse::parse;
use crate::expression::{Expr, ExprKind, Unary};
use crate::kinds::{self, Input};
use crate::protocol::stable::Stable;
use crate::protocol::{Action, ActionKind, Protocol, Row, TimerVerb, Trigger};
use crate::yaml::{Text, Value};

/// When the edge was that was told of, counted as `session.time`.
pub(crate) const SINCE: &str = "since";

/// The timer that runs while the line stays as it is.
pub(crate) const STEADY: &str = ".steady";

/// Gives every such input its timer, its level and its handlers.
pub(super) fn expand(protocol: &mut Protocol, reporter: &mut Reporter) {
    let mut handlers = Vec::new();
    for stable in protocol.stable.clone() {
        let (span, line) = (stable.name.span, &stable.line);
        let clash = protocol.lines.iter().any(|(name, _)| name.text == stable.name.text)
            || protocol.detectors.iter().any(|detector| detector.name.text == stable.name.text);
        if clash {
            reporter
                .error("E074-named-twice", span, format!("`{}` is already a line", stable.name.text))
                .help("give the detector another name");
        }
        let Some(input) = input(protocol, line, reporter) else {
            protocol.stable.retain(|other| other.name.text != stable.name.text);
            continue;
        };
        let own = |part: &str| Text::standing_for(&stable.part(part), span);
        let (level, since, edge, timer) =
            (own(input.level), own(SINCE), own("edge"), own(STEADY.trim_start_matches('.')));
        protocol.timers.push(timer.clone());
        let no = Text::standing_for("false", span);
        protocol
            .variables
            .push(crate::protocol::Variable { initial: Some(no), ..variable(&level.text, "0", None, span) });
        for time in [&since, &edge] {
            protocol.variables.push(variable(&time.text, "0 s", None, span));
        }
        let now = expression("session.time", span);
        let steady = Steady { stable: &stable, input, level, since, edge, timer, now };
        if let Some(main) = protocol.regions.first_mut() {
            // Before anything asks for it.
            main.entry.insert(0, steady.found());
        }
        handlers.extend(steady.handlers());
    }
    if let Some(main) = protocol.regions.first_mut() {
        main.handlers.splice(0..0, handlers);
    }
}

/// What the line is, which must be an input.
fn input(protocol: &Protocol, line: &Text, reporter: &mut Reporter) -> Option<Input> {
    let declared = protocol.lines.iter().find(|(name, _)| name.text == line.text);
    let kind = match declared {
        Some((_, node)) => match &node.value {
            Value::Scalar(kind) => kinds::named(&kind.text)?,
            _ => return None,
        },
        None => match protocol.detectors.iter().find(|detector| detector.name.text == line.text) {
            Some(detector) => detector.kind,
            None => {
                let known = protocol.lines.iter().map(|(name, _)| name.text.as_str());
                reporter
                    .error("E111-unknown-line", line.span, format!("this protocol has no line `{}`", line.text))
                    .near(&line.text, known, |_| Some("name an input, or a detector of a sampled line".to_owned()));
                return None;
            }
        },
    };
    let input = kind.input();
    if input.is_none() {
        let message = format!("`{}` is {}, and what must be steady is an input", line.text, a(kind.noun()));
        reporter.error("E245-not-steady", line.span, message).help(match kind.is_sampled() {
            true => "first say what to look for on it, `reach: 3 mm`, then wait until that is steady",
            false => "name an input",
        });
    }
    input.copied()
}

fn expression(text: &str, span: Span) -> Expr {
    let parsed = parse(&Text::standing_for(text, span), &mut Reporter::silent());
    Expr { span, ..parsed }
}

struct Steady<'s> {
    stable: &'s Stable,
    input: Input,
    level: Text,
    since: Text,
    edge: Text,
    timer: Text,
    now: Expr,
}

impl Steady<'_> {
    fn act(&self, kind: ActionKind, guard: Option<Expr>) -> Action {
        action(kind, guard, self.stable.name.span)
    }

    fn keep(&self, variable: &Text, value: Expr) -> Action {
        self.act(ActionKind::Keep { variable: variable.text.clone(), value }, None)
    }

    /// The level that was told of last.
    fn is(&self, active: bool) -> Expr {
        let span = self.stable.name.span;
        let level = name(&self.level.text, span);
        if active { level } else { Expr { span, kind: ExprKind::Unary { op: Unary::Not, of: Box::new(level) } } }
    }

    /// The level the line has at the start.
    fn found(&self) -> Action {
        let (line, span) = (&self.stable.line, self.stable.name.span);
        self.keep(&self.level, expression(&format!("{}.{}", line.text, self.input.level), span))
    }

    fn handlers(&self) -> Vec<Row> {
        let Stable { name: own, line, time } = self.stable;
        let edge = |member: &str| Text::standing_for(&format!("{}.{member}", line.text), line.span);
        let mut rows = Vec::new();
        for (member, active) in [(self.input.on, true), (self.input.off, false)] {
            let run = ActionKind::TimerStart { timer: self.timer.clone(), time: Some(time.clone()), repeat: None };
            let begun = vec![self.keep(&self.edge, self.now.clone()), self.act(run, None)];
            rows.push(handler(edge(member), Some(self.is(!active)), begun));
            let stop = ActionKind::Timer { timer: self.timer.clone(), verb: TimerVerb::Stop };
            rows.push(handler(edge(member), Some(self.is(active)), vec![self.act(stop, None)]));
        }
        let tell = |member: &str, active: bool| {
            let event = Text::standing_for(&self.stable.part(member), own.span);
            self.act(ActionKind::Event(event), Some(self.is(!active)))
        };
        let since = ActionKind::Set { variable: self.since.clone(), value: name(&self.edge.text, own.span) };
        let turned = vec![
            tell(self.input.on, true),
            tell(self.input.off, false),
            self.act(since, None),
            self.keep(&self.level, self.is(false)),
        ];
        rows.push(Row { trigger: Trigger::Timer(self.timer.clone()), ..handler(self.timer.clone(), None, turned) });
        rows
    }
}
