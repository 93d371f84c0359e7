//! States get their numbers and rows. What goes on everywhere becomes a root state that holds all others of its region.

use link::program::op::{Op, OpCode};
use link::program::rows::{self, After, Code, Rule, Slice, When};
use link::{EventId, LineId, RegionId, StateId, limits};

use super::Lowering;
use super::places::Asks;
use crate::diagnostic::{Span, a, listed};
use crate::expression::check::Type;
use crate::names::{Scope, StateName, index};
use crate::protocol::{Region, Row, State, Trigger};
use crate::yaml::Text;

/// What the rows of one state are made of.
struct Block<'p> {
    scope: Scope,
    handlers: &'p [Row],
    transitions: &'p [Row],
}

impl Lowering<'_> {
    /// Whether a region needs a root.
    fn has_root(&self, region: usize) -> bool {
        let held = |r: &Region| !r.entry.is_empty() || !r.handlers.is_empty() || !r.transitions.is_empty();
        (region == 0 && self.background.goes_on()) || self.protocol.regions.get(region).is_some_and(held)
    }

    /// Gives every state its number: a region after the other, what holds before what is held.
    pub(super) fn number_states(&mut self) {
        self.names.regions = self.protocol.regions.iter().map(|region| region.name.clone()).collect();
        for (n, region) in self.protocol.regions.iter().enumerate() {
            if self.protocol.regions.iter().take(n).any(|other| other.name == region.name) {
                self.reporter
                    .error("E074-named-twice", region.span, format!("the region `{}` is named twice", region.name))
                    .help("the main region is called `main`; give this one another name");
            }
            if self.has_root(n) {
                let path = if n == 0 { "everywhere".to_owned() } else { format!("{}.everywhere", region.name) };
                self.names.states.push(StateName { name: String::new(), path, region: n, parent: None });
            }
            self.number(&region.states, n, None, "", 0);
        }
    }

    fn number(&mut self, states: &[State], region: usize, parent: Option<StateId>, prefix: &str, depth: usize) {
        for state in states {
            if depth + 1 >= limits::MAX_DEPTH {
                self.reporter
                    .error(
                        "E092-too-many",
                        state.name.span,
                        format!("states are nested more than {} deep", limits::MAX_DEPTH - 1),
                    )
                    .help("bring the inner states one level up");
                return;
            }
            let id = StateId(index(self.names.states.len()));
            let path = format!("{prefix}{}", state.name.text);
            let inner = format!("{path}.");
            self.names.states.push(StateName { name: state.name.text.clone(), path, region, parent });
            self.number(&state.states, region, Some(id), &inner, depth + 1);
        }
    }

    /// Writes all regions and states.
    pub(super) fn states(&mut self) {
        let mut next = 0;
        for (n, region) in self.protocol.regions.iter().enumerate() {
            self.region(n, region, &mut next);
        }
    }

    fn region(&mut self, n: usize, region: &Region, next: &mut usize) {
        let scope = Scope { region: n, state: None };
        let start = region.start.as_ref().and_then(|start| self.target(start, scope));
        let mut parent = StateId::NONE;
        let mut depth = 0;
        self.flow.region(n, start);
        if self.has_root(n) {
            let id = StateId(index(*next));
            *next += 1;
            parent = id;
            depth = 1;
            let scope = Scope { region: n, state: Some(id) };
            self.flow.everywhere();
            let block = Block { scope, handlers: &region.handlers, transitions: &region.transitions };
            self.flow.at_entry();
            // What is held on here is held until the session ends, when every output goes off.
            let (own, _) = self.actions(&region.entry, scope, true);
            self.flow.at_rows();
            let (mut entry, mut background) = (Vec::new(), Vec::new());
            if n == 0 {
                background = self.background_rules();
                entry = self.background_entry();
            }
            entry.extend(own);
            let entry = self.assembly.code(&entry);
            let (rules, afters, whens) = self.block(&block, background);
            self.assembly.states.push(rows::State {
                parent: StateId::NONE,
                initial: start.unwrap_or(StateId::NONE),
                region: region_id(n),
                depth: 0,
                entry,
                exit: Code::NONE,
                rules,
                afters,
                whens,
            });
        }
        let top = if parent == StateId::NONE { start } else { Some(parent) };
        self.assembly.regions.push(rows::Region { start: top.unwrap_or(StateId(0)) });
        let afters = region.handlers.iter().chain(&region.transitions).filter(|row| is_after(row)).count();
        for state in &region.states {
            self.state(state, n, parent, depth, afters, next);
        }
    }

    fn state(
        &mut self,
        state: &State,
        region: usize,
        parent: StateId,
        depth: u8,
        held_afters: usize,
        next: &mut usize,
    ) {
        let id = StateId(index(*next));
        *next += 1;
        let scope = Scope { region, state: Some(id) };
        let initial = match &state.start {
            Some(start) if !state.states.is_empty() => {
                let found = self.names.resolve_state(&start.text, scope);
                let child = found.filter(|found| self.names.state(*found).is_some_and(|s| s.parent == Some(id)));
                if child.is_none() {
                    let known = state.states.iter().map(|state| state.name.text.as_str());
                    self.reporter
                        .error(
                            "E073-unknown-state",
                            start.span,
                            format!("`{}` holds no state `{}`", state.name.text, start.text),
                        )
                        .near(&start.text, known, |known| Some(format!("it holds {}", listed(known.iter().copied()))));
                }
                child
            }
            _ => None,
        };
        self.flow.state(&state.name, initial, !state.states.is_empty(), state.is_final);
        self.flow.at_entry();
        let (entry, release) = self.actions(&state.entry, scope, true);
        let entry = self.assembly.code(&entry);
        self.flow.at_rows();
        let row = self.assembly.states.len();
        self.assembly.states.push(rows::State {
            parent,
            initial: initial.unwrap_or(StateId::NONE),
            region: region_id(region),
            depth,
            entry,
            exit: Code::NONE,
            rules: Slice::default(),
            afters: Slice::default(),
            whens: Slice::default(),
        });
        let block = Block { scope, handlers: &state.handlers, transitions: &state.transitions };
        let (rules, afters, whens) = self.block(&block, Vec::new());
        self.flow.at_exit();
        let mut exit = self.keep_time(id);
        exit.extend(self.actions(&state.exit, scope, false).0);
        // What entry switched on for the state goes off with it.
        exit.extend(release);
        exit.extend(self.withdrawn(&state.entry));
        let exit = self.assembly.code(&exit);
        if let Some(row) = self.assembly.states.get_mut(row) {
            (row.exit, row.rules, row.afters, row.whens) = (exit, rules, afters, whens);
        }
        self.check_cut(state, scope);
        let running = held_afters + usize::from(afters.len);
        if running > limits::MAX_DEADLINES_PER_REGION {
            self.reporter
                .error(
                    "E092-too-many",
                    state.name.span,
                    format!(
                        "{running} `after` rows would run at once; a region holds {}",
                        limits::MAX_DEADLINES_PER_REGION
                    ),
                )
                .help("use named timers for some of them");
        }
        for inner in &state.states {
            self.state(inner, region, id, depth.saturating_add(1), running, next);
        }
    }

    /// The rows of a state: handlers before transitions, so that they act whatever is taken.
    fn block(&mut self, block: &Block<'_>, background: Vec<Rule>) -> (Slice, Slice, Slice) {
        let (mut rules, mut afters, mut whens) = (background, Vec::new(), Vec::new());
        let scope = block.scope;
        let before = (self.assembly.rules.len(), self.assembly.afters.len(), self.assembly.whens.len());
        self.places.up_to(before.0 + rules.len(), before.1, before.2, None);
        for row in block.handlers.iter().chain(block.transitions) {
            self.flow.row();
            self.names.element = row.element;
            let target = match &row.to {
                None => Some(StateId::NONE),
                Some(to) => self.target(to, scope),
            };
            let trigger_is_when = matches!(row.trigger, Trigger::When(_));
            // A `when` has one guard: what is waited for, and what is asked besides.
            let guard = if trigger_is_when { Code::NONE } else { self.guard(row.guard.as_ref(), scope) };
            let event = match &row.trigger {
                Trigger::Event(event) => self.event(event),
                Trigger::Timer(timer) => self.names.timer(&timer.text).map(EventId::timer),
                _ => None,
            };
            let duration = match &row.trigger {
                Trigger::After(time) => self.duration(time, scope),
                _ => None,
            };
            let when = match &row.trigger {
                Trigger::When(when) => self.when(when, row.guard.as_ref(), scope),
                _ => None,
            };
            let mut ops = self.keep_element();
            if let Some(outcome) = &row.outcome {
                ops.extend(self.outcome(outcome).map(|id| Op::new(OpCode::Outcome, 0, id.0)));
            }
            let (mut actions, _) = self.actions(&row.actions, scope, false);
            if let (Some(state), Some(target)) = (scope.state, target) {
                self.asks_what_was_left(&mut actions, state, target, row.to.as_ref());
            }
            ops.extend(actions);
            let action = self.assembly.code(&ops);
            let Some(target) = target else { continue };
            if target != StateId::NONE {
                self.flow.leads_to(target);
            }
            if let Some(event) = event {
                rules.push(Rule { event, target, guard, action });
            }
            if let Some(duration) = duration {
                afters.push(After { duration, target, guard, action });
            }
            if let Some(guard) = when {
                whens.push(When { guard, target, action });
            }
            let (rules, afters, whens) = (before.0 + rules.len(), before.1 + afters.len(), before.2 + whens.len());
            self.places.up_to(rules, afters, whens, place(row));
        }
        self.names.element = None;
        let slice = |before: usize, added: usize| Slice { first: index(before), len: index(added) };
        let slices = (
            slice(self.assembly.rules.len(), rules.len()),
            slice(self.assembly.afters.len(), afters.len()),
            slice(self.assembly.whens.len(), whens.len()),
        );
        self.assembly.rules.append(&mut rules);
        self.assembly.afters.append(&mut afters);
        self.assembly.whens.append(&mut whens);
        slices
    }

    fn duration(&mut self, time: &crate::expression::Expr, scope: Scope) -> Option<Code> {
        let typed = self.value(time, Type::Time, scope)?;
        if self.foreseen(&typed, time, scope).is_some_and(|us| us < 0) {
            self.reporter
                .error("E027-out-of-bounds", time.span, "a time cannot lie before the state is entered")
                .help("write 0 ms or more");
        }
        Some(self.code_of(&typed.ir))
    }

    fn when(
        &mut self,
        when: &crate::expression::Expr,
        guard: Option<&crate::expression::Expr>,
        scope: Scope,
    ) -> Option<Code> {
        use crate::expression::check::Ir;
        let waited = self.value(when, Type::Truth, scope)?;
        let asked = match guard {
            Some(guard) => Some(self.value(guard, Type::Truth, scope)?),
            None => None,
        };
        self.asks(Asks::When, &waited.ir, when.span);
        if let Some(asked) = &asked {
            self.asks(Asks::Row, &asked.ir, asked.span);
        }
        if waited.constant() == Some(1) && asked.as_ref().is_none_or(|asked| asked.constant() == Some(1)) {
            self.flow.at_once(when.span);
        }
        let ir = match asked {
            Some(asked) => Ir::Binary(OpCode::And, Box::new(waited.ir), Box::new(asked.ir)),
            None => waited.ir,
        };
        Some(self.code_of(&ir))
    }

    /// The state a transition leads to.
    fn target(&mut self, to: &Text, scope: Scope) -> Option<StateId> {
        if to.text == "back" {
            return Some(StateId::BACK);
        }
        let found = self.names.resolve_state(&to.text, scope);
        if found.is_none() {
            let elsewhere =
                self.names.states.iter().find(|state| state.name == to.text && state.region != scope.region);
            if let Some(region) = elsewhere.and_then(|state| self.protocol.regions.get(state.region)) {
                self.reporter
                    .error(
                        "E073-unknown-state",
                        to.span,
                        format!(
                            "`{}` is a state of the region `{}`, which this transition cannot reach",
                            to.text, region.name
                        ),
                    )
                    .help("raise an event here and wait for it there: regions talk by events");
            } else {
                self.names.unknown_state(&to.text, Some(scope.region), self.reporter, to.span);
            }
        }
        found
    }

    /// An outcome.
    pub(super) fn outcome(&mut self, outcome: &Text) -> Option<link::OutcomeId> {
        let found = self.names.outcome(&outcome.text);
        if found.is_none() {
            self.reporter
                .error("E062-unknown-outcome", outcome.span, format!("this protocol has no outcome `{}`", outcome.text))
                .near(&outcome.text, self.names.outcomes.iter().map(String::as_str), |known| {
                    Some(format!("its outcomes are {}; add it to `outcomes`", listed(known.iter().copied())))
                });
        }
        found
    }

    /// A line of the protocol, noted as used.
    pub(super) fn line(&mut self, line: &Text) -> Option<(LineId, &'static crate::kinds::Kind)> {
        let found = self.names.line(&line.text);
        match found {
            Some((id, _)) => self.uses.lines.push(id.0),
            None => self.unknown_line(&line.text, line.span),
        }
        found
    }

    fn unknown_line(&mut self, line: &str, span: Span) {
        if self.names.is_broken(line) {
            return;
        }
        let known = self.names.lines.iter().map(|line| line.name.as_str());
        let on_rig = self.rig.line(line).map(|line| line.kind.clone());
        let diagnostic = self.reporter.error("E111-unknown-line", span, format!("this protocol has no line `{line}`"));
        match on_rig {
            Some(kind) => diagnostic.help(format!("the rig has it: add `{line}: {kind}` to `lines`")),
            None => {
                diagnostic.near(line, known, |known| Some(format!("its lines are {}", listed(known.iter().copied()))))
            }
        };
    }

    /// What a row waits for.
    pub(super) fn event(&mut self, event: &Text) -> Option<EventId> {
        let Some((owner, member)) = event.text.split_once('.') else {
            return self.named_event(event);
        };
        if let Some(id) = self.event_of_stable(event, owner, member) {
            return id;
        }
        let owner_span = event.span_of(0, owner.len());
        let member_span = event.span_of(owner.len() + 1, event.text.len());
        if let Some(found) = self.member_event(owner, member, member_span) {
            return found;
        }
        if let Some((line, kind)) = self.names.line(owner) {
            self.uses.lines.push(line.0);
            let members: Vec<&str> = match kind.input() {
                Some(input) if member == input.on => return Some(EventId::edge(line, true)),
                Some(input) if member == input.off => return Some(EventId::edge(line, false)),
                Some(input) => vec![input.on, input.off],
                None if kind.is_sampled() => {
                    self.only_samples(owner, kind, event.span);
                    return None;
                }
                None if member == "end" => return Some(EventId::train_end(line)),
                None => vec!["end"],
            };
            let whole: Vec<String> = members.iter().map(|member| format!("{owner}.{member}")).collect();
            self.reporter
                .error("E112-unknown-event", member_span, format!("{} has no event `{member}`", a(kind.noun())))
                .help(match crate::diagnostic::nearest(member, members.iter().copied()) {
                    Some(near) => format!("did you mean `{owner}.{near}`?"),
                    None => format!("its events are {}", listed(whole.iter().map(String::as_str))),
                });
            return None;
        }
        if let Some(timer) = self.names.timer(owner) {
            if member == "end" {
                return Some(EventId::timer(timer));
            }
            if let Some(told) = self.names.event(&event.text) {
                return Some(told);
            }
            self.reporter
                .error("E112-unknown-event", member_span, format!("a timer has no event `{member}`"))
                .help(format!("write `{owner}.end`"));
            return None;
        }
        if self.names.is_broken(owner) {
            return None;
        }
        let known = self.names.lines.iter().map(|line| line.name.as_str());
        let known = known.chain(self.names.told_timers());
        self.reporter
            .error("E111-unknown-line", owner_span, format!("nothing here is called `{owner}`: no line, no timer"))
            .near(owner, known, |known| Some(format!("there are {}", listed(known.iter().copied()))));
        None
    }

    /// Reports that something is asked of a sampled line which only a detector can tell.
    fn only_samples(&mut self, line: &str, kind: &crate::kinds::Kind, span: Span) {
        self.reporter
            .error(
                "E112-unknown-event",
                span,
                format!("`{line}` is {}, which has no events of its own", a(kind.noun())),
            )
            .help(detect(line));
    }

    fn named_event(&mut self, event: &Text) -> Option<EventId> {
        let word = event.text.as_str();
        let found = self.names.event(word);
        if found.is_none() && self.names.is_broken(word) {
            return None;
        }
        if found.is_none() {
            let names = &self.names;
            let diagnostic =
                self.reporter.error("E112-unknown-event", event.span, format!("nothing raises an event `{word}`"));
            if let Some((_, kind)) = names.line(word) {
                match (kind.input(), kind.is_sampled()) {
                    (Some(input), _) => {
                        let (on, off) = (format!("{word}.{}", input.on), format!("{word}.{}", input.off));
                        diagnostic
                            .help(format!("it is a line; its events are {}", listed([on.as_str(), off.as_str()])));
                    }
                    (None, true) => {
                        diagnostic.help(detect(word));
                    }
                    (None, false) => {
                        diagnostic.help(format!("it is a line; its events are {word}.end"));
                    }
                }
            } else if names.timer(word).is_some() {
                diagnostic.help(format!("it is a timer; write `{word}.end`"));
            } else {
                // `lick` alone, where the line that is licked has a name of its own.
                let of_lines = names
                    .lines
                    .iter()
                    .filter(|line| line.kind.input().is_some_and(|input| input.on == word || input.off == word));
                let of_lines: Vec<String> = of_lines.map(|line| format!("{}.{word}", line.name)).collect();
                if !of_lines.is_empty() {
                    diagnostic.help(format!("write {}", listed(of_lines.iter().map(String::as_str))));
                    return None;
                }
                diagnostic.near(word, names.events.iter().map(String::as_str), |_| {
                    Some(format!("raise it somewhere with `- event: {word}`, or wait for a line: `lever.press`"))
                });
            }
        }
        found
    }
}

/// How to learn something of a sampled line.
fn detect(line: &str) -> String {
    format!(
        "say what to look for on it: `detectors: {{pull: {{line: {line}, reach: 3 mm}}}}`, then wait for `pull.reach`"
    )
}

/// Where a row is told of: at what it waits for.
fn place(row: &Row) -> Option<Span> {
    match &row.trigger {
        Trigger::Event(text) | Trigger::At(text) | Trigger::Timer(text) => Some(text.span),
        Trigger::After(expr) | Trigger::When(expr) => Some(expr.span),
        Trigger::Broken => None,
    }
}

pub(super) fn is_after(row: &Row) -> bool {
    matches!(row.trigger, Trigger::After(_))
}

fn region_id(n: usize) -> RegionId {
    RegionId(u8::try_from(n).unwrap_or(u8::MAX))
}
