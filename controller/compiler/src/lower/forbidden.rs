//! Outputs that a protocol forbids: by the name of a line of the rig, or by a kind, which means every line of it. The device
//! keeps them off for the session, whoever asks.

use link::rig::{RigLine, Role};

use super::Lowering;
use crate::diagnostic::{a, listed};
use crate::kinds;
use crate::symbols::LineSymbol;

impl Lowering<'_> {
    /// Whether the protocol forbids a line of the rig.
    fn is_forbidden(&self, name: &str, kind: &str) -> bool {
        self.protocol.forbid.iter().any(|forbidden| forbidden.text == name || forbidden.text == kind)
    }

    /// Reports what cannot be forbidden, and what is forbidden and named all the same.
    pub(super) fn check_forbidden(&mut self) {
        let (protocol, rig) = (self.protocol, self.rig);
        for forbidden in &protocol.forbid {
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
        let used = self.names.lines.iter().filter(|line| self.is_forbidden(&line.name, line.kind.name));
        let used: Vec<_> = used.map(|line| (line.name.clone(), line.span)).collect();
        for (name, span) in used {
            self.reporter
                .error("E194-forbidden", span, format!("`{name}` is forbidden by this protocol, which names it here"))
                .help("take it out of `lines`, or out of `forbid`");
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
