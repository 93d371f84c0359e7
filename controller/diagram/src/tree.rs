//! What is drawn: boxes within boxes, and arrows between them, each with the words that stand in it or beside it. Made from the
//! graph of a protocol; knows nothing of places.

use compiler::graph::{Graph, Region, Row, State, Target};

/// A box by its number.
pub(crate) type Id = usize;

/// What a box is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A region; its frame is drawn only beside others.
    Region,
    /// A state.
    State,
    /// A state that is never left.
    Final,
    /// The dot a region, or a state with states inside, starts from.
    Start,
    /// What goes on in every state of the box it stands in.
    Always,
}

/// How a row of words in a box looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// What is done on the way in or out.
    Does,
    /// A handler: it acts and stays.
    Handles,
    /// A transition to where no arrow leads: back, or to the same state.
    Leads,
}

/// A box.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) rows: Vec<(Look, String)>,
    pub(crate) parent: Option<Id>,
    pub(crate) children: Vec<Id>,
}

/// An arrow.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    pub(crate) from: Id,
    pub(crate) to: Id,
    /// What stands at it, a transition a line or more.
    pub(crate) labels: Vec<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) title: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) arrows: Vec<Arrow>,
    pub(crate) roots: Vec<Id>,
}

/// How many rows a state shows at most before the rest is counted.
const ROWS: usize = 14;

impl Tree {
    /// The boxes and arrows of a protocol; without what its states do if that is not wanted.
    pub(crate) fn new(graph: &Graph, detailed: bool) -> Self {
        let mut tree = Self { title: graph.protocol.clone(), ..Self::default() };
        for region in &graph.regions {
            tree.region(region, detailed);
        }
        tree
    }

    fn add(&mut self, kind: Kind, title: &str, parent: Option<Id>) -> Id {
        let id = self.nodes.len();
        let (title, rows, children) = (title.to_owned(), Vec::new(), Vec::new());
        self.nodes.push(Node { kind, title, rows, parent, children });
        match parent.and_then(|parent| self.nodes.get_mut(parent)) {
            Some(parent) => parent.children.push(id),
            None => self.roots.push(id),
        }
        id
    }

    fn region(&mut self, region: &Region, detailed: bool) {
        let root = self.add(Kind::Region, &region.name, None);
        let mut known: Vec<(String, Id)> = Vec::new();
        for state in &region.states {
            self.state(state, root, detailed, &mut known);
        }
        self.start(root, region.start.as_deref(), &known);
        if !region.handlers.is_empty() || !region.transitions.is_empty() {
            let always = self.add(Kind::Always, "in every state", Some(root));
            self.handlers(always, &region.handlers, detailed);
            for row in &region.transitions {
                self.leads(always, None, row, &known);
            }
        }
        for state in &region.states {
            self.transitions(state, &known);
        }
    }

    fn start(&mut self, parent: Id, start: Option<&str>, known: &[(String, Id)]) {
        let start = start.and_then(|start| known.iter().find(|(path, _)| path == start));
        if let Some((_, to)) = start {
            let from = self.add(Kind::Start, "", Some(parent));
            self.arrows.push(Arrow { from, to: *to, labels: Vec::new() });
        }
    }

    fn state(&mut self, state: &State, parent: Id, detailed: bool, known: &mut Vec<(String, Id)>) {
        let kind = if state.is_final { Kind::Final } else { Kind::State };
        let id = self.add(kind, &state.name, Some(parent));
        known.push((state.path.clone(), id));
        if detailed {
            let mut rows: Vec<(Look, String)> = state.entry.iter().map(|does| (Look::Does, does.clone())).collect();
            rows.extend(state.exit.iter().map(|does| (Look::Does, format!("on leaving: {does}"))));
            let more = rows.len().saturating_sub(ROWS);
            if more > 1 {
                rows.truncate(ROWS);
                rows.push((Look::Does, format!("… and {more} more")));
            }
            if let Some(node) = self.nodes.get_mut(id) {
                node.rows = rows;
            }
        }
        self.handlers(id, &state.handlers, detailed);
        for inner in &state.states {
            self.state(inner, id, detailed, known);
        }
        self.start(id, state.start.as_deref(), known);
    }

    fn handlers(&mut self, id: Id, handlers: &[Row], detailed: bool) {
        if let Some(node) = self.nodes.get_mut(id).filter(|_| detailed) {
            node.rows.extend(handlers.iter().map(|row| (Look::Handles, handled(row))));
        }
    }

    fn transitions(&mut self, state: &State, known: &[(String, Id)]) {
        let id = known.iter().find(|(path, _)| *path == state.path).map(|(_, id)| *id);
        for row in &state.transitions {
            if let Some(id) = id {
                self.leads(id, Some(&state.path), row, known);
            }
        }
        for inner in &state.states {
            self.transitions(inner, known);
        }
    }

    /// An arrow; or a row in the box, where an arrow would lead nowhere else.
    fn leads(&mut self, from: Id, path: Option<&str>, row: &Row, known: &[(String, Id)]) {
        let label = label(row);
        let target = match &row.to {
            Some(Target::State(target)) => target,
            Some(Target::Back) => return self.row(from, format!("{label} → back")),
            None => return,
        };
        let Some((_, to)) = known.iter().find(|(known, _)| known == target) else { return };
        if path == Some(target) {
            return self.row(from, format!("{label} → begins anew"));
        }
        // To a state that holds this one.
        if path.is_some_and(|path| path.strip_prefix(target.as_str()).is_some_and(|rest| rest.starts_with('.'))) {
            return self.row(from, format!("{label} → {target} begins anew"));
        }
        // From a state to one inside it: from whatever is active there.
        let inward = path.is_some_and(|path| target.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        let from = if inward { self.always_in(from) } else { from };
        match self.arrows.iter_mut().find(|arrow| (arrow.from, arrow.to) == (from, *to) && !arrow.labels.is_empty()) {
            Some(arrow) => arrow.labels.push(label),
            None => self.arrows.push(Arrow { from, to: *to, labels: vec![label] }),
        }
    }

    fn always_in(&mut self, id: Id) -> Id {
        let children = self.nodes.get(id).map(|node| node.children.clone()).unwrap_or_default();
        let known =
            children.into_iter().find(|child| self.nodes.get(*child).is_some_and(|node| node.kind == Kind::Always));
        known.unwrap_or_else(|| self.add(Kind::Always, "in every state", Some(id)))
    }

    fn row(&mut self, id: Id, words: String) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.rows.push((Look::Leads, words));
        }
    }
}

/// What a transition waits for, what it asks and what comes of it.
fn label(row: &Row) -> String {
    let mut words = row.waits.clone();
    if let Some(guard) = &row.guard {
        words.push_str(&format!(" if {guard}"));
    }
    if let Some(outcome) = &row.outcome {
        words.push_str(&format!(" ⇒ {outcome}"));
    }
    if !row.actions.is_empty() {
        words.push_str(&format!(" / {}", row.actions.join(", ")));
    }
    words
}

fn handled(row: &Row) -> String {
    let mut words = format!("on {}", row.waits);
    if let Some(guard) = &row.guard {
        words.push_str(&format!(" if {guard}"));
    }
    let outcome = row.outcome.iter().map(|outcome| format!("outcome {outcome}"));
    let done: Vec<String> = outcome.chain(row.actions.iter().cloned()).collect();
    format!("{words}: {}", done.join(", "))
}
