//! What of a protocol tests can cover: its states, transitions and handlers, where each stands, and a program that tells
//! which of its rows are taken.
//!
//! That program is the protocol's own, with one more thing to do in each row: a variable that nobody reads takes the row's
//! number, which is recorded. Fed what a session was given, it goes the same way and says which rows that way took. No
//! device runs it.

use std::collections::BTreeMap;

use assembler::Assembly;
use link::limits::MAX_VARIABLES;
use link::program::op::{Op, OpCode};
use link::program::rows::{Code, Slice};
use link::{StateId, VariableId};

use crate::diagnostic::{Reporter, Span};
use crate::lower;
use crate::protocol::{self, Protocol, Row, State};
use crate::scenario::Place;
use crate::{Compiled, Files, Options, RigConfig, Source};

/// What tests can cover of a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Each of it, in the order of the program.
    pub items: Vec<Item>,
    /// Programs that tell of rows: several where one with every row would be too long. None where the protocol uses every
    /// variable there is.
    pub images: Vec<Vec<u32>>,
    /// The variable that takes a row's number, which is the place of its item.
    pub marker: VariableId,
}

/// Something that can be covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// It, in words: `state iti`, `transition ready → wait on lever.press`, `handler ready on spout.lick`.
    pub what: String,
    /// The state, if it is one.
    pub state: Option<StateId>,
    /// Where it stands in the protocol.
    pub place: Place,
}

/// A row of the program that belongs to an item.
#[derive(Debug, Clone, Copy)]
enum At {
    Rule(usize),
    After(usize),
    When(usize),
}

/// What can be covered of a protocol that compiles to `compiled`; none where that is another program than the protocol now
/// gives.
#[must_use]
pub fn cover(protocol: &Source, rig: &RigConfig, options: &Options, compiled: &Compiled) -> Option<Cover> {
    let mut reporter = Reporter::new(protocol);
    let root = crate::yaml::read(protocol, &mut reporter)?;
    let kept = compiled.fragments.iter().map(|source| (source.name.clone(), source.text.clone())).collect();
    let root = crate::fragments::gather(root, &Files::Of(kept), &mut reporter)?.root;
    let mut written = protocol::read(&root, &mut reporter)?;
    let stage = written.stages.iter().position(|stage| Some(&stage.name.text) == compiled.sitting.stage.as_ref());
    if let Some(stage) = stage {
        written.enter(stage, &mut reporter);
    }
    // What the compiler makes of it has the places of what it was made from, and what it adds has none among the rows.
    let mut expanded = protocol::read(&root, &mut reporter)?;
    if let Some(stage) = stage {
        expanded.enter(stage, &mut reporter);
    }
    let expanded = crate::expand::expand(expanded, rig, &mut reporter);
    let lowered = lower::lower(&expanded, rig, options, &compiled.sitting, &mut reporter)?;
    let place_of = |span: Span| {
        let (source, span) = reporter.located(span);
        Place::of(source, span)
    };
    let assembly = &lowered.assembly;
    if assembly.image().ok()? != compiled.image {
        return None;
    }
    let names = |state: usize| compiled.symbols.states.get(state).map_or("", |state| state.name.as_str());
    let mut items = Vec::new();
    let spans = spans(&written);
    for n in 0..assembly.states.len() {
        if let Some(span) = spans.get(&(compiled.symbols.states.get(n)?.region.into(), names(n).to_owned())) {
            let state = Some(StateId(crate::names::index(n)));
            items.push(Item { what: format!("state {}", names(n)), state, place: place_of(*span) });
        }
    }
    let rows: BTreeMap<usize, &Row> =
        written.rows().into_iter().filter_map(|row| Some((place(row)?.start, row))).collect();
    let mut marks = Vec::new();
    for (n, state) in assembly.states.iter().enumerate() {
        let places = &lowered.places;
        let within = |slice: Slice| usize::from(slice.first)..usize::from(slice.first) + usize::from(slice.len);
        let all = within(state.rules)
            .map(|row| (At::Rule(row), assembly.rules.get(row).map(|row| row.target), places.rules.get(row)))
            .chain(
                within(state.afters).map(|row| {
                    (At::After(row), assembly.afters.get(row).map(|row| row.target), places.afters.get(row))
                }),
            )
            .chain(
                within(state.whens)
                    .map(|row| (At::When(row), assembly.whens.get(row).map(|row| row.target), places.whens.get(row))),
            );
        // The same row several times over, as for each line of an array, is one thing to be covered.
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, target, span) in all {
            let (Some(target), Some(Some(span))) = (target, span) else { continue };
            let Some(row) = rows.get(&span.start) else { continue };
            let item = *seen.entry(span.start).or_insert_with(|| {
                let to = (target != StateId::NONE).then(|| match target {
                    StateId::BACK => "back",
                    target => names(target.index()),
                });
                items.push(Item { what: told(&reporter, names(n), row, to), state: None, place: place_of(*span) });
                items.len() - 1
            });
            marks.push((at, item));
        }
    }
    let marker = assembly.variables.len();
    let images = if marker < MAX_VARIABLES { images(assembly, marker, &marks) } else { Vec::new() };
    Some(Cover { items, images, marker: VariableId(crate::names::index(marker)) })
}

/// Where every state stands, by its region and path.
fn spans(written: &Protocol) -> BTreeMap<(usize, String), Span> {
    fn add(states: &[State], region: usize, prefix: &str, found: &mut BTreeMap<(usize, String), Span>) {
        for state in states {
            let path = format!("{prefix}{}", state.name.text);
            add(&state.states, region, &format!("{path}."), found);
            found.insert((region, path), state.name.span);
        }
    }
    let mut found = BTreeMap::new();
    for (n, region) in written.regions.iter().enumerate() {
        add(&region.states, n, "", &mut found);
    }
    found
}

/// Where a row is told of: at what it waits for.
fn place(row: &Row) -> Option<Span> {
    match &row.trigger {
        protocol::Trigger::Event(text) | protocol::Trigger::At(text) | protocol::Trigger::Timer(text) => {
            Some(text.span)
        }
        protocol::Trigger::After(expr) | protocol::Trigger::When(expr) => Some(expr.span),
        protocol::Trigger::Broken => None,
    }
}

/// A row in words.
fn told(reporter: &Reporter, state: &str, row: &Row, to: Option<&str>) -> String {
    let written = |span: Span| {
        let (source, span) = reporter.located(span);
        let text = source.text.get(span.start..span.end).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches(['"', '\'']).to_owned()
    };
    let waits = match &row.trigger {
        protocol::Trigger::Event(event) => format!("on {}", event.text),
        protocol::Trigger::At(time) | protocol::Trigger::Timer(time) => format!("at {}", time.text),
        protocol::Trigger::After(expr) => format!("after {}", written(expr.span)),
        protocol::Trigger::When(expr) => format!("when {}", written(expr.span)),
        protocol::Trigger::Broken => String::new(),
    };
    let guard = row.guard.as_ref().map_or_else(String::new, |guard| format!(" if {}", written(guard.span)));
    match to {
        Some(to) => format!("transition {state} → {to} {waits}{guard}"),
        None => format!("handler {state} {waits}{guard}"),
    }
}

/// The program with these rows told of, or several where that is too long.
fn images(assembly: &Assembly, marker: usize, marks: &[(At, usize)]) -> Vec<Vec<u32>> {
    let mut told = assembly.clone();
    told.variables.push(0);
    for (at, item) in marks {
        let action = match at {
            At::Rule(row) => told.rules.get(*row).map(|row| row.action),
            At::After(row) => told.afters.get(*row).map(|row| row.action),
            At::When(row) => told.whens.get(*row).map(|row| row.action),
        };
        let mut ops =
            vec![told.push(i64::try_from(*item).unwrap_or(0)), Op::new(OpCode::Store, 1, crate::names::index(marker))];
        ops.extend(told.ops(action.unwrap_or(Code::NONE)));
        let action = told.code(&ops);
        match at {
            At::Rule(row) => told.rules.get_mut(*row).map(|row| row.action = action),
            At::After(row) => told.afters.get_mut(*row).map(|row| row.action = action),
            At::When(row) => told.whens.get_mut(*row).map(|row| row.action = action),
        };
    }
    match (told.image(), marks.len()) {
        (Ok(image), _) => vec![image],
        (Err(_), 0..=1) => Vec::new(),
        (Err(_), many) => {
            let (first, second) = marks.split_at(many / 2);
            [images(assembly, marker, first), images(assembly, marker, second)].concat()
        }
    }
}
