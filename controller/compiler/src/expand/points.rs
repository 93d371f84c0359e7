//! Times told from a point, `cs.end - 1 s`: whatever makes the point known starts a timer, and the row waits for its end. So the
//! time comes once, at its microsecond, in whichever state it finds the protocol.

use super::parts::{action, behind, binary, each_list, each_row, handler, name};
use crate::diagnostic::{Reporter, Span};
use crate::expression::parse::parse;
use crate::expression::{Binary, Expr, ExprKind, Unary};
use crate::protocol::{Action, ActionKind, Protocol, Trigger};
use crate::quantity::Quantity;
use crate::yaml::Text;

/// What makes a point known.
enum Point {
    /// A stimulus is played: how long after that the point lies, in µs.
    Played { stimulus: String, after_us: u64 },
    /// A trial begins.
    Trial,
    /// An event that some action raises.
    Raised(String),
    /// Any other event.
    Event(Text),
}

/// Whether a text is a time told from a point, rather than an event.
pub(super) fn is_time(text: &Text, protocol: &Protocol) -> bool {
    let is_point = |owner: &str, member: &str| {
        matches!(member, "start" | "end") && (owner == "trial" || stimulus(protocol, owner).is_some())
    };
    match parse(text, &mut Reporter::silent()).kind {
        ExprKind::Binary { .. } | ExprKind::Literal(_) => true,
        ExprKind::Dotted { owner, member, .. } => is_point(&owner, &member),
        _ => false,
    }
}

/// Gives every such time its timer.
pub(super) fn expand(protocol: &mut Protocol, reporter: &mut Reporter) {
    let mut written: Vec<Text> = Vec::new();
    each_row(protocol, &mut |row| {
        if let Trigger::At(text) = &row.trigger {
            let timer = Text::standing_for(text.text.trim(), text.span);
            written.push(text.clone());
            row.trigger = Trigger::Timer(timer);
        }
    });
    for text in written {
        let called = text.text.trim();
        if protocol.timers.iter().any(|timer| timer.text == called) {
            continue;
        }
        let timer = Text::standing_for(called, text.span);
        protocol.timers.push(timer.clone());
        let Some((point, offset)) = told(&text, protocol, reporter) else { continue };
        let due = |after_us: u64, span: Span| {
            let time = from(after_us, offset.clone(), text.span);
            action(ActionKind::Due { timer: timer.clone(), time }, None, span)
        };
        let mut begun = 0;
        let mut start = |protocol: &mut Protocol, is: &dyn Fn(&ActionKind) -> bool, after_us: u64| {
            each_list(protocol, &mut |actions| begun += behind(actions, is, &|found| due(after_us, found.span)));
        };
        let what = match point {
            Point::Played { stimulus, after_us } => {
                start(protocol, &|kind| played(kind).is_some_and(|played| played.text == stimulus), after_us);
                // One that a table or a list tells: only if it tells this one.
                let tables = Chosen::of(protocol, &stimulus);
                each_list(protocol, &mut |actions| {
                    let is = |kind: &ActionKind| played(kind).and_then(|played| tables.chosen(played)).is_some();
                    begun += behind(actions, &is, &|found| {
                        let chosen = played(&found.kind).and_then(|played| tables.chosen(played));
                        let told = chosen.map(|chosen| binary(chosen, Binary::Equal, name(&stimulus, found.span)));
                        Action { guard: told, ..due(after_us, found.span) }
                    });
                });
                format!("nothing ever plays `{stimulus}`")
            }
            Point::Trial => {
                start(protocol, &|kind| matches!(kind, ActionKind::Trial), 0);
                "no trial ever begins".to_owned()
            }
            Point::Raised(event) => {
                start(protocol, &|kind| matches!(kind, ActionKind::Event(raised) if raised.text == event), 0);
                format!("nothing ever raises `{event}`")
            }
            Point::Event(event) => {
                if let Some(main) = protocol.regions.first_mut() {
                    main.handlers.insert(0, handler(event.clone(), None, vec![due(0, event.span)]));
                }
                continue;
            }
        };
        if begun == 0 {
            reporter
                .error("E241-never-begins", text.span, format!("{what}, so this time never comes"))
                .help("tell it from something that happens");
        }
    }
}

/// The point a time is told from, and what is added to it.
fn told(text: &Text, protocol: &mut Protocol, reporter: &mut Reporter) -> Option<(Point, Option<Expr>)> {
    let (point, offset) = split(parse(text, reporter));
    let place = |expr: &Expr| {
        // The text of the point, whose place in the source is known.
        let length = expr.span.end.saturating_sub(expr.span.start);
        let (before, _) = text.text.split_at_checked(length).unwrap_or((&text.text, ""));
        Text::standing_for(before.trim(), expr.span)
    };
    let found = match &point.kind {
        ExprKind::Broken => return None,
        ExprKind::Dotted { owner, member, .. } if owner == "trial" && member == "start" => Point::Trial,
        ExprKind::Dotted { owner, member, .. }
            if matches!(member.as_str(), "start" | "end") && stimulus(protocol, owner).is_some() =>
        {
            let (begins_us, ends_us) = stimulus(protocol, owner)?;
            let after_us = if member == "start" { begins_us } else { ends_us };
            Point::Played { stimulus: owner.clone(), after_us }
        }
        ExprKind::Dotted { owner, member, .. } if matches!(owner.as_str(), "session" | "state") => {
            reporter.error("E240-no-point", point.span, format!("`{owner}.{member}` is no point in time")).help(
                match owner.as_str() {
                    "state" => "a time in the state is `after: 5 s`".to_owned(),
                    _ => "a time of the session is `after: 5 min` under `everywhere`".to_owned(),
                },
            );
            return None;
        }
        ExprKind::Dotted { owner, member, .. } => {
            Point::Event(Text::standing_for(&format!("{owner}.{member}"), point.span))
        }
        ExprKind::Element { .. } => Point::Event(place(&point)),
        ExprKind::Name(word) if stimulus(protocol, word).is_some() => {
            reporter
                .error("E240-no-point", point.span, format!("`{word}` is a stimulus, which lasts"))
                .help(format!("tell the time from its start or its end: `{word}.start`, `{word}.end`"));
            return None;
        }
        ExprKind::Name(word) => {
            let mut raised = false;
            each_list(protocol, &mut |actions| {
                raised |= actions
                    .iter()
                    .any(|action| matches!(&action.kind, ActionKind::Event(event) if event.text == *word));
            });
            match raised {
                true => Point::Raised(word.clone()),
                false => Point::Event(Text::standing_for(word, point.span)),
            }
        }
        _ => {
            reporter
                .error("E240-no-point", point.span, "a time is told from a point that stands first, and this is none")
                .help("write `cs.end - 1 s` or `lever.press + 200 ms`; a time in the state is `after: 5 s`");
            return None;
        }
    };
    Some((found, offset))
}

/// The stimulus that an action plays as it is carried out.
fn played(kind: &ActionKind) -> Option<&Text> {
    match kind {
        ActionKind::Play { stimulus, .. } | ActionKind::Pulse { stimulus, .. } => Some(stimulus),
        ActionKind::Shape(shape) => shape.plays(),
        _ => None,
    }
}

/// The columns and lists that name a stimulus.
struct Chosen {
    /// Each by its name, a column behind that of its table.
    lists: Vec<(String, Option<String>)>,
}

impl Chosen {
    fn of(protocol: &Protocol, stimulus: &str) -> Self {
        let names = |items: &[Text]| items.iter().any(|item| item.text == stimulus);
        let of_types = protocol.trial_types.iter().map(|types| &types.table);
        let of_blocks = protocol.blocks.iter().map(|blocks| &blocks.table);
        let tables = protocol.tables.iter().chain(of_types).chain(of_blocks);
        let columns = tables.flat_map(|table| table.columns.iter().map(|(column, items)| (&table.name, column, items)));
        let columns = columns.filter(|(.., items)| names(items));
        let columns = columns.map(|(table, column, _)| (table.text.clone(), Some(column.text.clone())));
        let lists = protocol.lists.iter().filter(|(_, items)| names(items)).map(|(list, _)| (list.text.clone(), None));
        Self { lists: columns.chain(lists).collect() }
    }

    /// What a text tells a stimulus by, if that may be this one.
    fn chosen(&self, told: &Text) -> Option<Expr> {
        let expr = parse(told, &mut Reporter::silent());
        let (owner, column) = match &expr.kind {
            ExprKind::Element { list, member, .. } => (list, member.as_ref().map(|(member, _)| member)),
            ExprKind::Dotted { owner, member, .. } => (owner, Some(member)),
            _ => return None,
        };
        let is = |(list, of): &(String, Option<String>)| list == owner && of.as_ref() == column;
        self.lists.iter().any(is).then_some(expr)
    }
}

/// When a stimulus begins and when it ends, in µs from the moment it is asked for.
fn stimulus(protocol: &Protocol, name: &str) -> Option<(u64, u64)> {
    let (_, stimulus) = protocol.stimuli.iter().find(|(known, _)| known.text == name)?;
    Some((stimulus.train.delay_us.into(), stimulus.train.length_us()))
}

/// What stands first in a sum, and the rest of it.
fn split(expr: Expr) -> (Expr, Option<Expr>) {
    match expr.kind {
        ExprKind::Binary { op: op @ (Binary::Add | Binary::Subtract), left, right } => {
            let (point, offset) = split(*left);
            let offset = match (offset, op) {
                (Some(offset), op) => binary(offset, op, *right),
                (None, Binary::Add) => *right,
                (None, _) => Expr { span: right.span, kind: ExprKind::Unary { op: Unary::Negate, of: right } },
            };
            (point, Some(offset))
        }
        kind => (Expr { span: expr.span, kind }, None),
    }
}

/// A time so long after a moment, and what is added to it.
fn from(after_us: u64, offset: Option<Expr>, span: Span) -> Expr {
    let base = Quantity::read(&format!("{after_us} µs")).map_or(ExprKind::Broken, ExprKind::Literal);
    let base = Expr { span, kind: base };
    match offset {
        None => base,
        Some(offset) => binary(base, Binary::Add, offset),
    }
}
