//! What can be told of a whole program on paper, before it ever runs: conditions that never or always hold, transitions that
//! others take away, time-outs that cannot fire, chains that may not come to rest, outputs that can stay on along a path,
//! invariants that hold on every path, names nothing uses. Looks at the image a device gets, so that it sees whatever a
//! protocol became; places in the text come from [`Places`].

mod chains;
mod claim;
mod decided;
mod graph;
mod interval;
mod lasting;
mod ranges;
mod rows;
mod unused;

use link::program::Program;

pub(crate) use interval::Interval;

use crate::Compiled;
use crate::diagnostic::Reporter;
use crate::lower::places::Places;
use crate::protocol::Protocol;
use graph::Graph;
use ranges::Ranges;

/// What is looked at.
struct Paper<'a, 'p> {
    program: &'p Program<'p>,
    protocol: &'a Protocol,
    compiled: &'a Compiled,
    places: &'a Places,
    ranges: &'a Ranges<'p>,
    graph: &'a Graph,
    reporter: &'a mut Reporter,
}

/// Tells what is found in a program that compiled; per invariant, whether it holds on every path.
pub(crate) fn check(compiled: &Compiled, protocol: &Protocol, places: &Places, reporter: &mut Reporter) -> Vec<bool> {
    let Ok(program) = Program::open(&compiled.image) else { return Vec::new() };
    let ranges = Ranges::new(&program, &places.fixed, &places.drawn, compiled.symbols.outcomes.len());
    let graph = Graph::new(&program, &ranges);
    let mut paper = Paper { program: &program, protocol, compiled, places, ranges: &ranges, graph: &graph, reporter };
    paper.conditions();
    paper.taken_away();
    paper.chains();
    paper.lasting();
    paper.unused();
    paper.decided()
}

impl Paper<'_, '_> {
    /// The name of a state, by its path.
    fn state(&self, id: link::StateId) -> &str {
        self.compiled.symbols.states.get(id.index()).map_or("", |state| state.name.as_str())
    }
}
