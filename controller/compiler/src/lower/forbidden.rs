//! Outputs that a protocol forbids: by the name of a line of the rig, or by a kind, which means every line of it. The device
//! keeps them off for the session, whoever asks.

use link::StateId;
use link::rig::{RigLine, Role};

use super::Lowering;
use crate::diagnostic::{Span, a, listed};
use crate::expression::check::Type;
use crate::kinds;
use crate::names::Scope;
use crate::protocol::{Action, ActionKind};
use crate::symbols::LineSymbol;
use crate::yaml::Text;

/// Something asked of an output that the stage forbids.
pub(super) struct InVain {
    state: Option<StateId>,
    line: String,
    span: Span,
    forbidden: String,
}

impl Lowering<'_> {
    /// Whether the protocol forbids a line of the rig.
    pub(super) fn is_forbidden(&self, name: &str, kind: &str) -> bool {
        let named = |forbidden: &Text| forbidden.text == name || forbidden.text == kind;
        self.protocol.forbid.iter().chain(&self.protocol.forbid_in_stage).any(named)
    }

    /// Reports what cannot be forbidden, and what is forbidden and named all the same.
    pub(super) fn check_forbidden(&mut self) {
        let (protocol, rig) = (self.protocol, self.rig);
        for forbidden in protocol.forbid.iter().chain(&protocol.forbid_in_stage) {
            let kind = kinds::named(&forbidden.text).filter(|kind| kind.output().is_some());
            let line = rig.line(&forbidden.text);
            match (line, kind) {
                (_, Some(_)) => {}
                (Some(line), None) if line.line.role.output().is_some() => {}
                (Some(line), None) => {
                    self.reporter
                        .error(
                            "E194-forbidden",
                            forbidden.span,
                            format!("`{}` is {}: only outputs can be forbidden", line.name, a(&line.kind)),
                        )
                        .help("leave it out; an input does nothing by itself");
                }
                (None, None) => {
                    let outputs = rig.lines.iter().filter(|line| line.line.role.output().is_some());
                    let kinds = kinds::KINDS.iter().filter(|kind| kind.output().is_some());
                    let known: Vec<&str> =
                        outputs.map(|line| line.name.as_str()).chain(kinds.map(|kind| kind.name)).collect();
                    self.reporter
                        .error(
                            "E194-forbidden",
                            forbidden.span,
                            format!(
                                "`{}` is no output of the rig `{}` and no kind of output",
                                forbidden.text, rig.name
                            ),
                        )
                        .near(&forbidden.text, known.iter().copied(), |known| {
                            Some(format!("name one of {}", listed(known.iter().copied())))
                        });
                }
            }
        }
        // A stage may forbid what others of the protocol use.
        let always = |line: &&crate::names::Line| {
            protocol.forbid.iter().any(|word| word.text == line.name || word.text == line.kind.name)
        };
        let used = self.names.lines.iter().filter(always);
        let used: Vec<_> = used.map(|line| (line.name.clone(), line.span)).collect();
        for (name, span) in used {
            self.reporter
                .error("E194-forbidden", span, format!("`{name}` is forbidden by this protocol, which names it here"))
                .help("take it out of `lines`, or out of `forbid`");
        }
    }

    /// Notes that something is asked of an output which the stage forbids, unless the guard never holds in it.
    pub(super) fn note_forbidden(&mut self, action: &Action, scope: Scope) {
        let (ActionKind::Play { line, .. }
        | ActionKind::Pulse { line, .. }
        | ActionKind::PulseWidth { line, .. }
        | ActionKind::Deliver { line, .. }
        | ActionKind::On { line, .. }) = &action.kind
        else {
            return;
        };
        let Some((_, kind)) = self.names.line(&line.text) else { return };
        let named = |word: &&Text| word.text == line.text || word.text == kind.name;
        let Some(word) = self.protocol.forbid_in_stage.iter().find(named) else { return };
        let (line, span, forbidden) = (line.text.clone(), line.span, word.text.clone());
        let guard = action.guard.as_ref();
        if guard.is_none_or(|guard| self.at_start(guard, Type::Truth, scope) != Some(0)) {
            self.asked_in_vain.push(InVain { state: scope.state, line, span, forbidden });
        }
    }

    /// Tells of requests that the stage would make in vain, in states that it reaches.
    pub(super) fn check_in_vain(&mut self, reached: &[bool]) {
        let stage = self.protocol.stage.and_then(|n| self.protocol.stages.get(n));
        let Some(stage) = stage.map(|stage| stage.name.text.clone()) else { return };
        for InVain { state, line, span, forbidden } in std::mem::take(&mut self.asked_in_vain) {
            if state.is_some_and(|state| !reached.get(state.index()).copied().unwrap_or(false)) {
                continue;
            }
            let what = if forbidden == line { String::new() } else { format!(", {}", a(&forbidden)) };
            self.reporter
                .warning(
                    "W050-forbidden-in-stage",
                    span,
                    format!("the stage `{stage}` forbids `{line}`{what}, and can ask for it here"),
                )
                .help("what is asked is refused and recorded; guard it by a parameter that the stage sets");
        }
    }

    /// Tells the device what is forbidden.
    pub(super) fn forbid(&self, lines: &mut [RigLine], symbols: &[LineSymbol]) {
        for (line, symbol) in lines.iter_mut().zip(symbols) {
            if let Role::Output { limits, .. } | Role::Powered { limits, .. } = &mut line.role {
                limits.forbidden = self.is_forbidden(&symbol.name, &symbol.kind);
            }
        }
    }
}
