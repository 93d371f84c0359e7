//! The names a test file may use: those of its protocol, found by what they are, with a suggestion for one that is not.

use link::{EventId, LineId, OutcomeId, RegionId, StateId, VariableId};

use super::Place;
use crate::Source;
use crate::diagnostic::{Reporter, Span, listed};
use crate::kinds::{self, Input};
use crate::symbols::{LineSymbol, Symbols, VariableSymbol};
use crate::yaml::Text;

/// How many names a message lists.
const LISTED: usize = 12;

/// How messages call an output, and outputs.
pub(super) const OUTPUT: (&str, &str) = ("an output", "outputs");

/// The names of a protocol, and the file that uses them.
pub(super) struct Words<'a> {
    source: &'a Source,
    pub(super) symbols: &'a Symbols,
}

impl<'a> Words<'a> {
    pub(super) fn new(source: &'a Source, symbols: &'a Symbols) -> Self {
        Self { source, symbols }
    }

    /// Where something stands.
    pub(super) fn place(&self, span: Span) -> Place {
        Place::of(self.source, span)
    }

    /// A variable, parameter or counter.
    pub(super) fn variable(&self, name: &Text, reporter: &mut Reporter) -> Option<(VariableId, &'a VariableSymbol)> {
        let found = (0_u16..).zip(&self.symbols.variables).find(|(_, variable)| variable.name == name.text);
        if found.is_none() {
            let known = self.symbols.variables.iter().map(|variable| variable.name.as_str());
            reporter
                .error("E404-unknown-variable", name.span, format!("this protocol has no variable `{}`", name.text))
                .near(&name.text, known, |known| Some(listing("its variables are", known)));
        }
        // What is worked out beside a history or a staircase leaves no record of its own.
        let drawn = |id| self.symbols.draws.iter().any(|draw| draw.variable == id);
        let silent = |id, variable: &VariableSymbol| variable.name.contains('.') && !variable.column && !drawn(id);
        if let Some((_, variable)) = found.filter(|(id, variable)| silent(*id, variable)) {
            reporter
                .error("E404-unknown-variable", name.span, format!("`{}` is in no record of a session", variable.name))
                .help("set a variable to it, or write a column of it, and ask for that");
            return None;
        }
        found.map(|(id, variable)| (VariableId(id), variable))
    }

    /// A state, by its path.
    pub(super) fn state(&self, name: &str, span: Span, reporter: &mut Reporter) -> Option<StateId> {
        let found = self.symbols.states.iter().position(|state| state.name == name);
        if found.is_none() {
            let known = self.symbols.states.iter().map(|state| state.name.as_str()).filter(|name| !is_root(name));
            reporter.error("E405-unknown-state", span, format!("this protocol has no state `{name}`")).near(
                name,
                known,
                |known| Some(listing("its states are", known)),
            );
        }
        found.map(|place| StateId(crate::names::index(place)))
    }

    /// A region.
    pub(super) fn region(&self, name: &Text, reporter: &mut Reporter) -> Option<RegionId> {
        let found = self.symbols.regions.iter().position(|region| *region == name.text);
        if found.is_none() {
            let known = self.symbols.regions.iter().map(String::as_str);
            reporter
                .error("E406-unknown-region", name.span, format!("this protocol has no region `{}`", name.text))
                .near(&name.text, known, |known| Some(listing("its regions are", known)));
        }
        found.map(|place| RegionId(u8::try_from(place).unwrap_or(u8::MAX)))
    }

    /// The lines that the protocol names.
    pub(super) fn lines(&self) -> impl Iterator<Item = (LineId, &'a LineSymbol)> {
        (0_u8..).map(LineId).zip(&self.symbols.lines).filter(|(_, line)| line.named)
    }

    /// A line, of which `is` must hold; `wanted` says what that means, of one line and of many.
    pub(super) fn line(
        &self,
        name: &str,
        span: Span,
        (one, many): (&str, &str),
        is: impl Fn(&LineSymbol) -> bool,
        reporter: &mut Reporter,
    ) -> Option<(LineId, &'a LineSymbol)> {
        let found = self.lines().find(|(_, line)| line.name == name);
        let known = || self.lines().filter(|(_, line)| is(line)).map(|(_, line)| line.name.as_str());
        let none = |known: &[&str]| match known.is_empty() {
            true => Some(format!("this protocol has no {many}")),
            false => Some(listing(&format!("its {many} are"), known)),
        };
        match found {
            Some((_, line)) if is(line) => found,
            Some((_, line)) => {
                let known: Vec<&str> = known().collect();
                let article = crate::diagnostic::a(&line.kind);
                reporter
                    .error("E408-wrong-kind", span, format!("`{name}` is {article}, and {one} is wanted here"))
                    .help(none(&known).unwrap_or_default());
                None
            }
            None => {
                reporter.error("E407-unknown-line", span, format!("this protocol has no line `{name}`")).near(
                    name,
                    known(),
                    none,
                );
                None
            }
        }
    }

    /// An outcome.
    pub(super) fn outcome(&self, name: &str, span: Span, reporter: &mut Reporter) -> Option<OutcomeId> {
        let found = self.symbols.outcomes.iter().position(|outcome| outcome == name);
        if found.is_none() {
            let known = self.symbols.outcomes.iter().map(String::as_str);
            reporter.error("E409-unknown-outcome", span, format!("this protocol has no outcome `{name}`")).near(
                name,
                known,
                |known| Some(listing("its outcomes are", known)),
            );
        }
        found.map(|place| OutcomeId(crate::names::index(place)))
    }

    /// An event that the protocol names itself.
    pub(super) fn event(&self, name: &str) -> Option<EventId> {
        self.symbols.events.iter().position(|event| event == name).map(|at| EventId::named(crate::names::index(at)))
    }
}

/// Whether a state is the root of a region, which a protocol does not name.
pub(super) fn is_root(name: &str) -> bool {
    name == "everywhere" || name.ends_with(".everywhere")
}

/// What a line is called when it is an input: the names of its edges and its level.
pub(super) fn input_of(line: &LineSymbol) -> Option<&'static Input> {
    if line.output {
        return None;
    }
    let kinds = kinds::KINDS.iter().chain(kinds::DETECTORS);
    kinds.filter(|kind| kind.name == line.kind).find_map(|kind| kind.input())
}

/// Whether a line is sampled.
pub(super) fn is_sampled(line: &LineSymbol) -> bool {
    kinds::named(&line.kind).is_some_and(kinds::Kind::is_sampled)
}

/// Whether something in the room can touch a line: a detector, nobody can.
pub(super) fn is_touched(line: &LineSymbol) -> bool {
    !line.output && kinds::named(&line.kind).is_some_and(|kind| kind.input().is_some())
}

/// A list of names for a message, not too long.
pub(super) fn listing(what: &str, known: &[&str]) -> String {
    let more = if known.len() > LISTED { ", …" } else { "" };
    format!("{what} {}{more}", listed(known.iter().copied().take(LISTED)))
}
