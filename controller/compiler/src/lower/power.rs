//! Powers: a share of full power on a line whose rig drives it by pulse-width modulation. One that is known before the session
//! is checked here; one that is worked out while it runs and lies outside is refused whole by the interlock, and recorded.

use link::program::op::Op;
use link::pwm::FULL_POWER_PPM;
use link::rig::Role;

use super::Lowering;
use crate::diagnostic::{Span, a};
use crate::expression::check::Type;
use crate::expression::{Expr, emit};
use crate::kinds;
use crate::names::Scope;
use crate::yaml::Text;

impl Lowering<'_> {
    /// The operations that leave a power for a line on the stack.
    pub(super) fn power(&mut self, line: &Text, power: &Expr, scope: Scope) -> Option<Vec<Op>> {
        let typed = self.value(power, Type::Number, scope)?;
        self.takes_power(line, power.span)?;
        let known = self.at_start(power, Type::Number, scope);
        if known.is_some() {
            self.check_power(line, known, power.span);
        }
        if let Some(known) = known {
            self.check_is_power(known, power.span);
        }
        let mut ops = Vec::new();
        emit::emit(&typed.ir, &mut self.assembly, &mut ops);
        Some(ops)
    }

    /// Reports a power that no line can have.
    pub(super) fn check_is_power(&mut self, known: i64, span: Span) {
        if (0..=i64::from(FULL_POWER_PPM)).contains(&known) {
            return;
        }
        let per_cent = known as f64 / 1e4;
        self.reporter
            .error("E138-not-a-power", span, format!("a power lies between 0 % and 100 %, and this is {per_cent} %"))
            .help("write a share of full power, for instance `40 %`");
    }

    /// Reports a line whose rig gives it no power; none then.
    pub(super) fn takes_power(&mut self, line: &Text, span: Span) -> Option<()> {
        let config = self.rig.line(&line.text)?;
        if !matches!(config.line.role, Role::Powered { .. }) {
            let (rig, file) = (&self.rig.name, &self.rig.file);
            let kind = kinds::named(&config.kind)?;
            let can = kind.output().is_some_and(|output| output.takes_power);
            self.reporter
                .error(
                    "E137-no-power",
                    span,
                    format!("`{}` is on or off on the rig `{rig}`: it carries no power", line.text),
                )
                .help(if can {
                    format!("drive it by PWM in {file}: `pwm: 20 kHz`; or leave `power` out")
                } else {
                    format!("leave `power` out: {} never carries one", a(kind.noun()))
                });
            return None;
        }
        Some(())
    }
}
