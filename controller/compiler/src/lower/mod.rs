//! From a protocol as written to a program: names get their numbers, expressions their types, actions their operations.
//! Everything wrong on the way is reported, and the rest is still looked at.

mod actions;
mod arrays;
mod background;
mod calibrated;
mod chosen;
mod columns;
mod declare;
mod detectors;
mod dose;
mod draws;
mod ends;
mod flow;
mod forbidden;
mod frames;
mod invariants;
mod left;
mod lines;
mod lists;
mod outside;
pub(crate) mod places;
mod points;
mod power;
mod requests;
mod shapes;
mod sound;
mod stable;
mod states;
mod stimuli;
mod subject;
mod sync;
mod trials;

use assembler::Assembly;
use link::limits;
use link::program::op::{Op, OpCode};
use link::program::rows::Code;

use crate::Options;
use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::expression::check::{Checker, Ir, Type, Typed};
use crate::expression::emit;
use crate::names::{Names, Origin, Scope};
use crate::protocol::Protocol;
use crate::rig::RigConfig;
use crate::sitting::Sitting;
use crate::symbols::{DrawSymbol, Picture, StageSymbol, StateSymbol, Symbols, VariableSymbol, World};
use requests::Asked;

/// A program before it is an image.
pub(crate) struct Lowered {
    pub(crate) assembly: Assembly,
    pub(crate) symbols: Symbols,
    pub(crate) rig: link::rig::Rig,
    pub(crate) places: places::Places,
    /// The stage, and what of the subject the program was made with.
    pub(crate) sitting: Sitting,
}

/// Works on one protocol.
pub(crate) struct Lowering<'a> {
    protocol: &'a Protocol,
    rig: &'a RigConfig,
    reporter: &'a mut Reporter,
    names: Names,
    assembly: Assembly,
    draws: Vec<DrawSymbol>,
    /// Deck cells given out.
    cells: usize,
    uses: Uses,
    /// The detectors as the device takes them, in their order.
    detectors: Vec<link::rig::RigLine>,
    /// Lines whose calibration is missing or poor, each told once.
    told_calibration: Vec<String>,
    flow: flow::Flow,
    /// States whose time is kept at their exit, each with the variable that keeps it.
    left: Vec<(link::StateId, u16)>,
    /// What trial types, blocks, histories and staircases are made of.
    trials: trials::Trials,
    places: places::Places,
    background: background::Background,
    world: World,
    /// What is asked of outputs, as far as it is known.
    asked: Vec<Asked>,
    /// What goes on for outputs beside the states.
    shapes: shapes::Shapes,
    /// What is worked out as a trial closes.
    columns: Vec<columns::Set>,
    /// Regions the compiler adds behind those of the protocol.
    hidden_regions: Vec<String>,
    /// What is known of session and subject, as far as it is used.
    sitting: Sitting,
    /// Variables whose draw is made once per subject.
    once: Vec<u16>,
    /// What is asked of outputs the stage forbids.
    asked_in_vain: Vec<forbidden::InVain>,
}

/// What something in the protocol makes use of.
#[derive(Default)]
struct Uses {
    lines: Vec<u8>,
    variables: Vec<u16>,
    stimuli: Vec<u16>,
}

/// Lowers a protocol for a rig.
pub(crate) fn lower(
    protocol: &Protocol,
    rig: &RigConfig,
    options: &Options,
    sitting: &Sitting,
    reporter: &mut Reporter,
) -> Option<Lowered> {
    let mut lowering = Lowering {
        protocol,
        rig,
        reporter,
        names: Names::default(),
        assembly: Assembly::default(),
        draws: Vec::new(),
        cells: 0,
        uses: Uses::default(),
        detectors: Vec::new(),
        told_calibration: Vec::new(),
        flow: flow::Flow::default(),
        left: Vec::new(),
        trials: trials::Trials::default(),
        places: places::Places::default(),
        background: background::Background::default(),
        world: World::default(),
        asked: Vec::new(),
        shapes: shapes::Shapes::default(),
        columns: Vec::new(),
        hidden_regions: Vec::new(),
        sitting: Sitting::default(),
        once: Vec::new(),
        asked_in_vain: Vec::new(),
    };
    lowering.declare(options, sitting);
    lowering.number_states();
    lowering.infer_draws();
    lowering.type_histories();
    lowering.infer_draws();
    lowering.check_drawn_types();
    lowering.recall_draws(sitting);
    lowering.declare_columns();
    lowering.declare_counted();
    lowering.states();
    lowering.check_repeats();
    lowering.shape_regions();
    lowering.ends();
    let invariants = lowering.invariants();
    let picture = lowering.picture();
    let stages = lowering.stage_symbols();
    lowering.check_blind();
    lowering.check_limits();
    lowering.check_totals();
    lowering.check_unused();
    lowering.check_asked();
    lowering.check_driven();
    lowering.check_flow();
    if lowering.reporter.has_errors() {
        return None;
    }
    lowering.finish(invariants, picture, stages)
}

impl Lowering<'_> {
    /// Checks an expression against a type.
    fn value(&mut self, expr: &Expr, ty: Type, scope: Scope) -> Option<Typed> {
        self.checked(scope, |checker| checker.typed(expr, ty))
    }

    fn checked(&mut self, scope: Scope, check: impl FnOnce(&mut Checker<'_>) -> Option<Typed>) -> Option<Typed> {
        let mut checker = Checker::new(&self.names, scope, self.reporter);
        let found = check(&mut checker);
        let (read, levels) = (checker.read, checker.levels);
        self.uses.lines.extend(levels.iter().map(|line| line.0));
        for (variable, span) in read {
            self.uses.variables.push(variable);
            self.flow.reads(variable, span);
        }
        if let Some(found) = &found
            && emit::depth(&found.ir) > limits::MAX_STACK / 2
        {
            self.reporter
                .error("E051-too-long", found.span, "this expression needs too many values at once")
                .help("work out parts of it into variables with `set`");
        }
        found
    }

    /// What an expression is with every parameter at its value of this session; none if that leaves it open.
    fn at_start(&mut self, expr: &Expr, ty: Type, scope: Scope) -> Option<i64> {
        let mut checker = Checker::new(&self.names, scope, self.reporter);
        checker.fixed = true;
        checker.typed(expr, ty)?.constant()
    }

    /// What a value that was checked will be as the session begins, as far as that is known. Where something is wrong already, it
    /// may be the value of a parameter: then only a plain constant is judged.
    fn foreseen(&mut self, typed: &Typed, expr: &Expr, scope: Scope) -> Option<i64> {
        typed.constant().or_else(|| match self.reporter.has_errors() {
            true => None,
            false => self.at_start(expr, typed.ty, scope),
        })
    }

    /// A value that must be known before the session.
    fn known(&mut self, expr: &Expr, ty: Type, scope: Scope, what: &str) -> Option<i64> {
        let mut checker = Checker::new(&self.names, scope, self.reporter);
        checker.fixed = true;
        let found = checker.typed(expr, ty)?;
        self.refuse_live(expr, what)?;
        self.note_parameters(expr);
        let value = found.constant();
        if value.is_none() {
            self.reporter
                .error("E090-not-constant", expr.span, format!("{what} must be known before the session"))
                .help("write a value or a parameter, nothing that changes while it runs");
        }
        value
    }

    /// Parameters that stand in for their values count as used.
    fn note_parameters(&mut self, expr: &Expr) {
        use crate::expression::ExprKind;
        match &expr.kind {
            ExprKind::Name(word) => {
                if let Some((id, _)) = self.names.variable(word) {
                    self.uses.variables.push(id);
                }
            }
            ExprKind::Unary { of, .. } | ExprKind::Element { index: of, .. } => self.note_parameters(of),
            ExprKind::Binary { left, right, .. } => {
                self.note_parameters(left);
                self.note_parameters(right);
            }
            ExprKind::Call { arguments, .. } => arguments.iter().for_each(|argument| self.note_parameters(argument)),
            ExprKind::Literal(_) | ExprKind::Truth(_) | ExprKind::Dotted { .. } | ExprKind::Broken => {}
        }
    }

    /// The code that works out a value.
    fn code_of(&mut self, ir: &Ir) -> Code {
        let mut ops = Vec::new();
        emit::emit(ir, &mut self.assembly, &mut ops);
        self.assembly.code(&ops)
    }

    /// Notes a condition, to be judged once the program is whole.
    fn asks(&mut self, of: places::Asks, ir: &Ir, span: Span) {
        let mut ops = Vec::new();
        emit::emit(ir, &mut self.assembly, &mut ops);
        self.places.asks(of, ops, span);
    }

    /// The code of a guard; none for one that is always true.
    fn guard(&mut self, guard: Option<&Expr>, scope: Scope) -> Code {
        let typed = guard.and_then(|guard| self.value(guard, Type::Truth, scope));
        if let Some(typed) = &typed {
            self.asks(places::Asks::Row, &typed.ir, typed.span);
        }
        match typed {
            Some(typed) if typed.constant() == Some(1) => Code::NONE,
            Some(typed) => self.code_of(&typed.ir),
            None => Code::NONE,
        }
    }

    fn picture(&mut self) -> Picture {
        let protocol = self.protocol;
        let mut picture = Picture::default();
        if let Some(group) = &protocol.picture_group {
            match self.names.variable(&group.text) {
                Some((id, variable)) => {
                    if !matches!(variable.ty, None | Some(Type::Label(_) | Type::Truth)) {
                        self.reporter
                            .error(
                                "E091-picture-group",
                                group.span,
                                format!("`{}` has no labels to group by", group.text),
                            )
                            .help("group by a variable with labels, or by a truth");
                    }
                    picture.group = Some(id);
                }
                None => self.unknown_variable(&group.text, group.span),
            }
        }
        for line in &protocol.picture_show {
            if let Some((id, _)) = self.line(line) {
                picture.show.push(id.0);
            }
        }
        picture
    }

    fn unknown_variable(&mut self, name: &str, span: Span) {
        if self.names.is_broken(name) {
            return;
        }
        let known = self.names.told_variables();
        self.reporter.error("E063-unknown-name", span, format!("there is no variable `{name}`")).near(
            name,
            known,
            |_| Some(format!("declare it: `variables: {{{name}: 0}}`, with the unit it is measured in")),
        );
    }

    /// Reports a table that is longer than the device holds.
    fn limit(&mut self, have: usize, most: usize, what: &str, span: Span) {
        if have > most {
            self.reporter
                .error("E092-too-many", span, format!("this protocol has {have} {what}; a device holds {most}"))
                .help("split the protocol, or share what is alike");
        }
    }

    fn check_limits(&mut self) {
        let span = self.protocol.name.span;
        let counts = [
            (self.names.states.len(), limits::MAX_STATES, "states"),
            (self.assembly.regions.len(), limits::MAX_REGIONS, "regions, those of gated outputs among them"),
            (self.names.variables.len(), limits::MAX_VARIABLES, "variables, parameters and counters"),
            (self.names.timers.len(), limits::MAX_TIMERS, "timers"),
            (self.assembly.draws.len(), limits::MAX_DRAWS, "draws"),
            (self.cells, limits::MAX_DECK_CELLS, "cells of decks (one a label and two a deck)"),
            (self.assembly.invariants.len(), limits::MAX_INVARIANTS, "invariants"),
            (self.device_lines(), limits::MAX_LINES, "lines, its detectors and the rig's other lines among them"),
            (
                self.device_detectors(),
                limits::MAX_DETECTORS,
                "detectors, the rig's thresholds on what is read back among them",
            ),
        ];
        for (have, most, what) in counts {
            self.limit(have, most, what, span);
        }
    }

    fn check_unused(&mut self) {
        if self.reporter.has_errors() {
            return;
        }
        let warn = |reporter: &mut Reporter, span, what: &str, name: &str| {
            reporter
                .warning("W003-unused", span, format!("the {what} `{name}` is never used"))
                .help("leave it out, or look for the place where it should stand");
        };
        for (n, line) in self.names.lines.iter().enumerate() {
            if !self.uses.lines.iter().any(|used| usize::from(*used) == n) {
                if let Some((name, lines)) = self.protocol.arrays.iter().find_map(|array| array.siblings(&line.name)) {
                    // It is enough that one of an array is used.
                    let used = |line: &&crate::names::Line| lines.contains(&line.name);
                    let used = self.names.lines.iter().enumerate().filter(|(_, line)| used(line));
                    if !used.into_iter().any(|(n, _)| self.uses.lines.iter().any(|used| usize::from(*used) == n)) {
                        warn(self.reporter, line.span, "array", &name);
                    }
                    continue;
                }
                let what = if n < self.protocol.lines.len() { "line" } else { "detector" };
                warn(self.reporter, line.span, what, &line.name);
            }
        }
        for (n, variable) in self.names.variables.iter().enumerate() {
            if variable.origin == Origin::Parameter && !self.uses.variables.iter().any(|used| usize::from(*used) == n) {
                warn(self.reporter, variable.span, "parameter", &variable.name);
            }
        }
        for (name, _) in &self.protocol.stimuli {
            let id = self.names.stimulus(&name.text);
            if !self.uses.stimuli.iter().any(|used| id.is_some_and(|id| id.0 == *used)) {
                warn(self.reporter, name.span, "stimulus", &name.text);
            }
        }
    }

    /// The names of the regions, those of the compiler behind those of the protocol.
    fn regions(&self) -> Vec<String> {
        let written = self.protocol.regions.iter().map(|region| region.name.clone());
        written.chain(self.hidden_regions.iter().cloned()).collect()
    }

    fn finish(mut self, invariants: Vec<String>, picture: Picture, stages: Vec<StageSymbol>) -> Option<Lowered> {
        self.places.fixed = self.fixed();
        self.places.drawn = self.names.variables.iter().map(|variable| variable.origin == Origin::Drawn).collect();
        let (rig, lines) = self.lines();
        let at_close = self.worked_out_at_close();
        let (assigned, metadata) = (self.assign_symbols(), self.metadata_symbols());
        let sitting = self.made_with();
        let symbols = Symbols {
            protocol: self.protocol.name.text.clone(),
            about: self.protocol.about.clone(),
            sources: self.protocol.sources.clone(),
            rig: self.rig.name.clone(),
            lines,
            regions: self.regions(),
            states: self
                .names
                .states
                .iter()
                .map(|state| StateSymbol {
                    name: state.path.clone(),
                    region: u8::try_from(state.region).unwrap_or(u8::MAX),
                })
                .collect(),
            variables: self
                .names
                .variables
                .iter()
                .map(|variable| VariableSymbol {
                    name: variable.name.clone(),
                    unit: variable.ty.map_or(crate::symbols::Unit::Number, Type::unit),
                    labels: match variable.ty {
                        Some(Type::Label(set)) => self.names.labels(set).to_vec(),
                        Some(Type::Outcome) => {
                            std::iter::once("none".to_owned()).chain(self.names.outcomes.iter().cloned()).collect()
                        }
                        _ => Vec::new(),
                    },
                    column: variable.column,
                    parameter: variable.parameter.clone(),
                })
                .collect(),
            timers: self.names.timers.clone(),
            outcomes: self.names.outcomes.clone(),
            events: self.names.events.clone(),
            draws: self.draws,
            invariants,
            ends: self.protocol.ends.iter().map(|end| end.written.clone()).collect(),
            picture,
            allowed: Vec::new(),
            at_close,
            stages,
            assigned,
            metadata,
            once: self.once,
            blind: self.protocol.blind.iter().map(|name| name.text.clone()).collect(),
            world: self.world,
        };
        Some(Lowered { assembly: self.assembly, symbols, rig, places: self.places, sitting })
    }
}

/// Operations that are carried out only if a guard holds.
fn guarded(guard: Option<&Ir>, mut body: Vec<Op>, assembly: &mut Assembly) -> Vec<Op> {
    let Some(guard) = guard else { return body };
    let mut ops = Vec::new();
    emit::emit(guard, assembly, &mut ops);
    ops.push(Op::new(OpCode::JumpIfFalse, 0, emit::length(&body)));
    ops.append(&mut body);
    ops
}
