//! `nosepoke check`: reads protocols and says all that is wrong with them, without running anything.

use std::path::PathBuf;
use std::process::ExitCode;

use compiler::cost::Bound;
use compiler::{Compiled, Diagnostics, Options, Source, StepBound};
use controller::tell;

use super::{Complaint, assignment, draw, limits, looked_through, on_no_rig, rig, rig_for, say, told_in_json};

/// Checks protocols against a rig: everything wrong, with file, line, column and what to do about it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nosepoke check protocols/\n  nosepoke check my-task.yaml --rig rig-configs/sim-box.yaml --json"
)]
pub(crate) struct Check {
    /// Protocols, or folders of them.
    #[arg(required = true)]
    protocols: Vec<PathBuf>,
    /// The rig-config to check against; if none is named, the simulated rig that ships and has the protocol's lines.
    #[arg(long)]
    rig: Option<PathBuf>,
    /// Sets a parameter, as in --set drop="10 µl".
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Says it as JSON, for editors.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.check())
    }

    fn check(self) -> Result<ExitCode, Complaint> {
        if let Some(Err(found)) = self.rig.as_deref().map(rig) {
            return self.without_rig(&found);
        }
        let options = Options { set: self.set };
        let (mut all_good, mut findings) = (true, Vec::new());
        for path in looked_through(&self.protocols, &["yaml", "yml"])? {
            let checked = Source::read(&path).and_then(|source| {
                let (_, rig) = rig_for(self.rig.as_deref(), &source)?;
                match compiler::compile(&source, &rig, &options) {
                    Ok(compiled) => Ok((compiled, rig)),
                    Err(found) => Err(on_no_rig(self.rig.as_deref(), found, &rig, &source)),
                }
            });
            let (compiled, rig) = match checked {
                Ok((compiled, rig)) => (Ok(compiled), Some(rig)),
                Err(found) => (Err(found), None),
            };
            let good = compiled.is_ok();
            let told: Vec<String> = compiled
                .iter()
                .flat_map(|compiled| &compiled.symbols.lines)
                .filter_map(|line| rig.as_ref()?.line(&line.name).filter(|_| line.named))
                .filter_map(|line| line.travel().or_else(|| line.power()))
                .collect();
            all_good &= good;
            let step = compiled.as_ref().ok().and_then(Compiled::step_bound);
            let silenced = compiled.as_ref().map(|compiled| compiled.silenced.clone()).unwrap_or_default();
            let holds: Vec<(String, bool)> = compiled.iter().flat_map(proven).collect();
            let of_outputs = compiled.as_ref().ok().zip(rig.as_ref()).map(|(compiled, rig)| match self.json {
                true => (limits::as_json(compiled, rig), String::new()),
                false => (serde_json::Value::Null, limits::table(compiled, rig)),
            });
            let (as_json, table) = of_outputs.unwrap_or_default();
            let (found, size) = match compiled {
                Ok(compiled) => {
                    let size = format!("{} states, {} bytes", compiled.symbols.states.len(), compiled.image.len() * 4);
                    (compiled.warnings, size)
                }
                Err(errors) => (errors, String::new()),
            };
            if self.json {
                findings.push(serde_json::json!({
                    "protocol": path.display().to_string(),
                    "good": good,
                    "findings": found,
                    "outputs": as_json,
                    "silenced": silenced,
                    "invariants": holds.iter().map(|(sentence, holds)| {
                        serde_json::json!({"sentence": sentence, "holds_on_every_path": holds})
                    }).collect::<Vec<_>>(),
                    "step_on_a_pico": step.as_ref().map(written),
                }));
                continue;
            }
            if !found.is_empty() {
                tell!("{}", draw(&found).trim_end());
            }
            if let Some(rig) = &rig {
                say(format_args!("{}: good on rig {} ({size})", path.display(), rig.name))?;
                for row in table.lines() {
                    say(format_args!("  {}", row.trim()))?;
                }
                for line in told {
                    say(format_args!("  {line}"))?;
                }
                for allowed in &silenced {
                    let (code, line, because) = (allowed.finding.code, allowed.finding.line, &allowed.because);
                    say(format_args!("  allowed: {code} on line {line}: {because}"))?;
                }
                if !holds.is_empty() {
                    let (all, proven) = (holds.len(), holds.iter().filter(|(_, holds)| *holds).count());
                    say(format_args!("  invariants: {proven} of {all} hold on every path; the device watches all"))?;
                }
                if let Some(step) = step {
                    say(format_args!("  the longest step on a Pico is at most {step}"))?;
                }
            }
        }
        if self.json {
            say(format_args!("{:#}", serde_json::Value::Array(findings)))?;
        }
        Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Check {
    /// Nothing can be checked against a rig-config that does not read: its findings are said, for every protocol.
    fn without_rig(&self, found: &Diagnostics) -> Result<ExitCode, Complaint> {
        if !self.json {
            return Err(Complaint::drawn(found));
        }
        let all = looked_through(&self.protocols, &["yaml", "yml"])?;
        let findings = all
            .iter()
            .map(|path| serde_json::json!({"protocol": path.display().to_string(), "good": false, "findings": found}));
        say(format_args!("{:#}", serde_json::Value::Array(findings.collect())))?;
        Ok(ExitCode::FAILURE)
    }
}

/// The invariants of a protocol, and whether each holds on every path.
fn proven(compiled: &Compiled) -> impl Iterator<Item = (String, bool)> + '_ {
    compiled.symbols.invariants.iter().cloned().zip(compiled.holds.iter().copied())
}

/// The bound on a step, for a program.
fn written(step: &StepBound) -> serde_json::Value {
    let Bound { one, together, open } = step.bound;
    serde_json::json!({
        "cycles": one.cycles,
        "us": Bound::us(one.cycles),
        "what": step.what,
        "state": step.state,
        "together_cycles": together,
        "together_us": Bound::us(together),
        "by_limits_alone": open,
    })
}
