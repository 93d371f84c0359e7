//! What decides the next trial: histories, staircases, blocks and trial types. All of it is worked out where `trial: begin`
//! stands: what the trial that closes tells before it closes, what the next one is once it has begun.

mod blocks;
mod build;
mod history;
mod staircases;
mod types;

use link::program::op::Op;

use super::{Lowering, guarded};
use crate::diagnostic::Span;
use crate::expression::Expr;
use crate::expression::check::{Checker, Ir, Type, Typed};
use crate::names::{Part, Scope};
use crate::protocol::ActionKind;
use build::{add, int, load, not, trial_number};

/// What was made of the declarations.
#[derive(Default)]
pub(super) struct Trials {
    /// Whether the trial under way is voided, and how many counted.
    void: Option<Void>,
    repeat: Option<Repeat>,
    types: Option<types::Types>,
    blocks: Option<blocks::Blocks>,
    histories: Vec<history::History>,
    staircases: Vec<staircases::Staircase>,
    /// What is done before a trial closes and once the next has begun: the same wherever one begins, so that decks and draws
    /// are.
    code: Option<(Vec<Op>, Vec<Op>)>,
}

/// Trials that are voided.
#[derive(Clone, Copy)]
struct Void {
    void: u16,
    counted: u16,
}

/// Trials whose type comes again.
#[derive(Clone, Copy)]
struct Repeat {
    /// Whether the trial under way repeats the one before.
    repeated: u16,
    /// Whether the next one is to repeat it.
    again: u16,
    /// How often in a row.
    times: u16,
}

impl Lowering<'_> {
    /// Names what trial types, blocks, histories and staircases are made of.
    pub(super) fn declare_trials(&mut self) {
        let protocol = self.protocol;
        let actions = protocol.actions();
        let any = |wanted: fn(&ActionKind) -> bool| actions.iter().find(|action| wanted(&action.kind)).map(|a| a.span);
        let voids = any(|kind| matches!(kind, ActionKind::Void));
        let repeats = any(|kind| matches!(kind, ActionKind::Repeat));
        let types = protocol.trial_types.as_ref();
        if let Some(span) = voids {
            let void = self.made("trial.void".to_owned(), span, Some(Type::Truth), 0, true);
            let counted = self.made("trial.counted".to_owned(), span, Some(Type::Count), 0, false);
            self.part("trial", "void", load(void), Type::Truth);
            self.part("trial", "counted", load(counted), Type::Count);
            self.trials.void = Some(Void { void, counted });
        }
        let rule = types.and_then(|types| types.repeat.as_ref().map(|repeat| repeat.when.span));
        if let Some(span) = repeats.or(rule) {
            let repeated = self.made("trial.repeated".to_owned(), span, Some(Type::Truth), 0, true);
            let again = self.made("trial.again".to_owned(), span, Some(Type::Truth), 0, false);
            let times = self.made("trial.times".to_owned(), span, Some(Type::Count), 0, false);
            self.part("trial", "repeated", load(repeated), Type::Truth);
            self.trials.repeat = Some(Repeat { repeated, again, times });
        }
        self.declare_types();
        self.declare_blocks();
        self.name_histories();
        self.declare_staircases();
        let first = protocol.history.first().map(|history| history.name.span);
        let first = first.or(protocol.staircases.first().map(|staircase| staircase.name.span));
        let first = first.or(types.map(|types| types.span)).or(protocol.blocks.as_ref().map(|blocks| blocks.span));
        if let (Some(span), None) = (first.or(voids).or(repeats), any(|kind| matches!(kind, ActionKind::Trial))) {
            self.reporter
                .error("E208-no-trial", span, "this is worked out as a trial begins, and none ever does")
                .help("add `- trial: begin` to the entry of the state a trial begins in");
        }
    }

    /// A value that stands behind the point of a name.
    fn part(&mut self, owner: &str, member: &str, ir: Ir, ty: Type) {
        self.names.parts.push(Part { owner: owner.to_owned(), member: member.to_owned(), ir, ty });
    }

    /// A variable with the name of a declaration, which nothing else may have.
    fn named(&mut self, name: &str, span: Span, ty: Option<Type>, initial: i64, column: bool) -> Option<u16> {
        let taken = self.names.variable(name).is_some() || self.names.list(name).is_some();
        if taken || self.names.table(name).is_some() {
            self.reporter
                .error("E074-named-twice", span, format!("`{name}` is named twice"))
                .help("give one of them another name");
            return None;
        }
        Some(self.made(name.to_owned(), span, ty, initial, column))
    }

    /// What a trial that closes is asked. It has drawn whatever it draws, so that nothing is read too early.
    fn asked(&mut self, expr: &Expr, ty: Type) -> Option<Typed> {
        self.asked_reading(expr, ty).map(|(typed, _)| typed)
    }

    /// The same, and the variables it reads.
    fn asked_reading(&mut self, expr: &Expr, ty: Type) -> Option<(Typed, Vec<u16>)> {
        let mut checker = Checker::new(&self.names, Scope::default(), self.reporter);
        let found = checker.typed(expr, ty)?;
        let read: Vec<u16> = checker.read.iter().map(|(variable, _)| *variable).collect();
        self.uses.lines.extend(checker.levels.iter().map(|line| line.0));
        self.uses.variables.extend(&read);
        Some((found, read))
    }

    /// Code that is run only for trials something holds of.
    fn among(&mut self, among: Option<&Expr>, ops: Vec<Op>) -> Option<Vec<Op>> {
        let Some(among) = among else { return Some(ops) };
        let among = self.asked(among, Type::Truth)?;
        Some(guarded(Some(&among.ir), ops, &mut self.assembly))
    }

    /// What is done before a trial closes, and once the next has begun.
    pub(super) fn trial_boundary(&mut self, scope: Scope) -> (Vec<Op>, Vec<Op>) {
        if self.trials.code.is_none() {
            self.trials.code = Some((self.trial_closing(), self.trial_opening(scope)));
        }
        self.trials.code.clone().unwrap_or_default()
    }

    fn trial_closing(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        if let Some(Void { counted, .. }) = self.trials.void {
            self.assign(&mut ops, counted, &add(load(counted), int(1)));
        }
        ops.extend(self.close_histories());
        ops.extend(self.close_staircases());
        ops.extend(self.close_block());
        if let Some(Void { void, .. }) = self.trials.void {
            ops = guarded(Some(&not(load(void))), ops, &mut self.assembly);
        }
        ops.extend(self.close_type());
        match ops.is_empty() {
            true => ops,
            // Before the first, none closes.
            false => guarded(Some(&trial_number()), ops, &mut self.assembly),
        }
    }

    fn trial_opening(&mut self, scope: Scope) -> Vec<Op> {
        let mut ops = self.open_block(scope);
        ops.extend(self.open_type(scope));
        ops.extend(self.open_staircases());
        if let Some(Void { void, .. }) = self.trials.void {
            self.assign(&mut ops, void, &int(0));
        }
        ops
    }

    /// `trial: void`
    pub(super) fn void(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        if let Some(Void { void, .. }) = self.trials.void {
            self.assign(&mut ops, void, &int(1));
        }
        ops
    }

    /// `trial: repeat`
    pub(super) fn repeat(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        if let Some(Repeat { again, .. }) = self.trials.repeat {
            self.assign(&mut ops, again, &int(1));
        }
        ops
    }
}
