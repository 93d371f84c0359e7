//! What stands behind the point of a name that the compiler has made more of than a line or a timer: the level of an input that must be
//! steady and when its edge was; all the phases of a timer.

use link::program::op::{OpCode, Special};

use super::check::{Checker, Ir, Type, Typed};
use crate::diagnostic::{Span, listed};
use crate::expand::stable::SINCE;
use crate::expand::timers::{DELAY, INTERVAL, REPEATS};

impl Checker<'_> {
    /// Whether a name has members of this kind.
    pub(super) fn has_members(&self, owner: &str) -> bool {
        let names = self.names;
        names.stable.iter().any(|(name, _)| name == owner)
            || names.timers_told.iter().any(|timer| timer.name.text == owner)
    }

    /// One of them.
    pub(super) fn member(&mut self, owner: &str, (member, member_span): (&str, Span), span: Span) -> Option<Typed> {
        let names = self.names;
        let timer = names.timers_told.iter().find(|timer| timer.name.text == owner);
        let members = match timer {
            Some(timer) => {
                let phases = [timer.delay.as_ref().map(|_| DELAY), timer.interval.as_ref().map(|_| INTERVAL)];
                let phases = phases.into_iter().flatten().map(|phase| format!("{owner}.{phase}"));
                let phases = std::iter::once(owner.to_owned()).chain(phases);
                match member {
                    "running" => return self.joined(phases, Special::TimerRunning, OpCode::Or, Type::Truth, span),
                    "left" => return self.joined(phases, Special::TimerLeft, OpCode::Add, Type::Time, span),
                    _ if timer.repeat.is_some() => vec!["left", "running", REPEATS],
                    _ => vec!["left", "running"],
                }
            }
            None => {
                let (_, kind) = names.stable.iter().find(|(name, _)| name == owner)?;
                vec![kind.input()?.level, SINCE]
            }
        };
        let variable = names.variable(&format!("{owner}.{member}")).filter(|_| members.contains(&member));
        if let Some((variable, found)) = variable {
            return Some(Typed { ir: Ir::Load(variable), ty: found.ty?, span });
        }
        let all: Vec<String> = members.iter().map(|member| format!("{owner}.{member}")).collect();
        self.reporter
            .error("E066-unknown-member", member_span, format!("`{owner}` has no `{member}`"))
            .help(format!("write {}", listed(all.iter().map(String::as_str))));
        None
    }

    /// The same of several timers of the device, of which one at most runs.
    fn joined(
        &self,
        timers: impl Iterator<Item = String>,
        special: Special,
        code: OpCode,
        ty: Type,
        span: Span,
    ) -> Option<Typed> {
        let one = |name: String| self.names.timer(&name).map(|timer| Ir::Special(special, timer.0.into()));
        let all: Option<Vec<Ir>> = timers.map(one).collect();
        let ir = all?.into_iter().reduce(|all, next| Ir::Binary(code, Box::new(all), Box::new(next)))?;
        Some(Typed { ir, ty, span })
    }
}
