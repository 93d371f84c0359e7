//! `nosepoke selftest`: tries every line of a rig before an animal is put in, and keeps what was found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use controller::selftest::judge::{Found, judge};
use controller::selftest::report::{Outcome, Row, SelfTest, sha256};
use controller::selftest::{self, How, Try, hands};
use controller::stop::Stop;
use controller::tell;
use journal::Purpose;
use link::LineId;

use super::ask::{Person, Typed};
use super::carry_out::stem;
use super::maintenance::{Bench, FOLDER, Ran, Run};
use super::real::{Device, stop_on_ctrl_c, wall_us};
use super::{Complaint, label, rig, say, told_in_json};

/// Tries every line of a rig before an animal is put in: outputs, inputs, emergency stop, sensors.
///
/// Each output goes on once, briefly and within its limits; a line that must be armed only when it is confirmed by name. Each
/// input waits for you to press or move it; type `skip` to leave one out. What was found is kept in `maintenance/` beside the
/// sessions, and every session of the rig says how old it is. On a simulated rig the simulated person does it all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke selftest --rig my-box.yaml\n  \
    nosepoke selftest --rig my-box.yaml --loop sync:frame\n  \
    nosepoke selftest --rig my-box.yaml --yes --operator KS --confirm laser --json")]
pub(crate) struct Selftest {
    /// The rig-config.
    #[arg(long)]
    rig: PathBuf,
    /// An output that you have wired to an input: how fast its edges are answered, a thousand times. In place of those that the
    /// rig-config names by `loop_back`.
    #[arg(long = "loop", value_name = "OUT:IN", value_parser = pair)]
    loops: Vec<(String, String)>,
    /// Tries these lines only.
    #[arg(long, value_name = "LINE")]
    only: Vec<String>,
    /// Confirms a line that must be armed, for scripts; needs --operator.
    #[arg(long, value_name = "LINE", requires = "operator")]
    confirm: Vec<String>,
    /// Says that no animal is in the rig, and asks nothing else, for scripts; needs --operator.
    #[arg(long, requires = "operator")]
    yes: bool,
    #[command(flatten)]
    device: Device,
    /// Who does it.
    #[arg(long, value_name = "NAME", value_parser = label)]
    operator: Option<String>,
    /// Where the data of sessions goes; what is kept of this goes into `maintenance/` there.
    #[arg(long, value_name = "DIR", default_value = "sessions")]
    out: PathBuf,
    /// Prints what was found as JSON.
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((output, input)) if !output.is_empty() && !input.is_empty() => Ok((output.into(), input.into())),
        _ => Err(format!("`{text}` is no loop: give an output and the input it is wired to, as in sync:frame")),
    }
}

impl Selftest {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.test())
    }

    fn test(self) -> Result<ExitCode, Complaint> {
        let (source, rig) = rig(&self.rig).map_err(|found| Complaint::drawn(&found))?;
        let bench = Bench::new(&source.text, &rig, &self.device, self.operator.clone());
        if bench.is_simulated() {
            self.device.is_not_for(&rig.name)?;
        }
        let tries = self.tries(&rig)?;
        let mut person = Person::new(self.yes);
        if !bench.is_simulated() && !person.says_no_animal() {
            return Err(Complaint::new("nothing was tried: a rig is tested only once you say that no animal is there"));
        }
        let folder = self.out.join(FOLDER);
        let stem = stem(&folder, &["selftest", &rig.name])?;
        let stop = stop_on_ctrl_c();
        person.heed(&stop);
        let mut rows = Vec::new();
        for (number, tried) in tries.iter().enumerate() {
            let row = self.try_one(tried, &bench, &mut person, &stop, &numbered(&stem, number, &tried.line));
            tell!("  {:<10} {:<9} {:<8} {}", row.line, row.tried, row.outcome.word(), row.detail);
            rows.push(row);
        }
        let passed = rows.iter().any(|row| row.outcome == Outcome::Passed)
            && rows.iter().all(|row| row.outcome != Outcome::Failed)
            && !stop.is_asked();
        let test = SelfTest {
            rig: rig.name.clone(),
            rig_sha256: sha256(&source.text),
            simulated: bench.is_simulated(),
            ended_ms: wall_us() / 1_000,
            operator: self.operator,
            nosepoke: env!("CARGO_PKG_VERSION").to_owned(),
            passed,
            rows,
        };
        let written = serde_json::to_string_pretty(&test).map_err(Complaint::new)?;
        let kept = free(&stem);
        fs::write(&kept, &written)
            .map_err(|error| Complaint::new(format_args!("{} cannot be written: {error}", kept.display())))?;
        if self.json {
            say(&written)?;
        } else {
            say(&test)?;
            say(format_args!("kept     {}", kept.display()))?;
        }
        match (test.passed, stop.is_asked()) {
            (true, _) => Ok(ExitCode::SUCCESS),
            (false, true) => Err(Complaint::told("the self-test was stopped")),
            (false, false) => Err(Complaint::told(format_args!("self-test of rig {}: {}", rig.name, test.verdict()))),
        }
    }

    /// Everything that is tried on this rig.
    fn tries(&self, rig: &compiler::RigConfig) -> Result<Vec<Try>, Complaint> {
        let mut tries = selftest::tries(rig).map_err(|found| Complaint::drawn(&found))?;
        for name in self.only.iter().chain(&self.confirm) {
            if !tries.iter().any(|tried| tried.line == *name) {
                let known: Vec<&str> = tries.iter().map(|tried| tried.line.as_str()).collect();
                return Err(Complaint::new(format_args!(
                    "{name}: there is no such line to be tried on rig {}; there are: {}",
                    rig.name,
                    known.join(", ")
                )));
            }
        }
        if !self.only.is_empty() {
            tries.retain(|tried| self.only.contains(&tried.line));
        }
        // Wires that the rig-config names are tried with their output.
        let named = rig.loop_back.iter().filter(|(output, _)| self.only.is_empty() || self.only.contains(output));
        let named: Vec<_> = if self.loops.is_empty() { named.collect() } else { self.loops.iter().collect() };
        for (output, input) in named {
            tries.push(selftest::looped(rig, output, input).map_err(Complaint::new)?);
        }
        Ok(tries)
    }

    fn try_one(&self, tried: &Try, bench: &Bench<'_>, person: &mut Person, stop: &Stop, stem: &Path) -> Row {
        let row = |outcome, detail: String| Row {
            line: tried.line.clone(),
            kind: tried.kind.clone(),
            tried: tried.how.word().to_owned(),
            outcome,
            detail,
            times: None,
            journal: None,
        };
        if stop.is_asked() {
            return row(Outcome::Skipped, "stopped before".to_owned());
        }
        if let Some(why) = self.left_out(tried, bench, person) {
            return row(Outcome::Skipped, why);
        }
        let skipped = Stop::new();
        let ran = match self.run(tried, bench, person, stop, &skipped, stem) {
            Ok(ran) => ran,
            Err(complaint) => return row(Outcome::Failed, complaint.to_string().replace('\n', "; ")),
        };
        let Found { passed, detail, times } = judge(tried, &ran.session);
        let (outcome, detail) = match (passed, skipped.is_asked()) {
            (true, _) => self.looked_at(tried, &ran, bench, person, detail),
            (false, true) => (Outcome::Skipped, "left out".to_owned()),
            (false, false) => (Outcome::Failed, detail),
        };
        Row { times, journal: Some(ran.journal), ..row(outcome, detail) }
    }

    /// Why a line is left out, if it is: nothing fires that nobody confirms.
    fn left_out(&self, tried: &Try, bench: &Bench<'_>, person: &mut Person) -> Option<String> {
        let Try { line, how, .. } = tried;
        let simulated = bench.is_simulated();
        match how {
            How::On { must_arm: true, .. } => {
                let confirmed = self.confirm.contains(line)
                    || (simulated && bench.arms(line))
                    || (!simulated
                        && !self.yes
                        && person.confirms(&format!(
                            "{line} will be armed and fired once, {}. Is it aimed at nobody?",
                            shown(how)
                        )));
                (!confirmed).then(|| format!("not confirmed; a script does it by --confirm {line}"))
            }
            How::Touched { .. } | How::Moved | How::Stopped | How::Released if !simulated && self.yes => {
                Some("a person must move it".to_owned())
            }
            How::Released if !simulated => {
                person.answers(&format!("Release {line}, then press Enter: "));
                None
            }
            _ => None,
        }
    }

    fn run(
        &self,
        tried: &Try,
        bench: &Bench<'_>,
        person: &mut Person,
        stop: &Stop,
        skipped: &Stop,
        stem: &Path,
    ) -> Result<Ran, Complaint> {
        let (protocol, compiled) = selftest::compile(bench.rig, tried).map_err(|found| {
            Complaint::new(format_args!("its limits leave nothing to try: {}", first_words(&found)))
        })?;
        let asks = match &tried.how {
            How::Touched { on_event, off_event } => Some(format!("{on_event} and {off_event}")),
            How::Moved => Some("move it forth and back".to_owned()),
            How::Stopped => Some("press it".to_owned()),
            _ => None,
        };
        if let Some(what) = asks.as_ref().filter(|_| !bench.is_simulated()) {
            tell!("{}: {what} (or type skip)", tried.line);
        }
        let place = compiled.symbols.lines.iter().position(|line| line.name == tried.line);
        let bit = place.and_then(|place| u8::try_from(place).ok()).map_or(0, |place| LineId(place).bit());
        let must_arm = matches!(tried.how, How::On { must_arm: true, .. });
        let hands = Box::new(hands::hands(tried, &compiled));
        let mut wires = Vec::new();
        if let How::Looped { input, .. } = &tried.how {
            wires.push((tried.line.clone(), input.clone()));
        }
        let run = Run {
            purpose: Purpose::SelfTest,
            protocol,
            compiled,
            arm: if must_arm { bit } else { 0 },
            options: vec![("line".to_owned(), tried.line.clone()), ("tried".to_owned(), tried.how.word().to_owned())],
            hands,
            wires,
            stem: stem.to_path_buf(),
        };
        let simulated = bench.is_simulated();
        bench.run(run, skipped, &mut |_| {
            let skips = asks.is_some() && !simulated && person.typed() == Typed::Line("skip".to_owned());
            if (skips || stop.is_asked()) && !skipped.is_asked() {
                skipped.ask();
            }
        })
    }

    /// An output that went on at its pin and that nothing reads back is looked at by the person who is there.
    fn looked_at(
        &self,
        tried: &Try,
        ran: &Ran,
        bench: &Bench<'_>,
        person: &mut Person,
        detail: String,
    ) -> (Outcome, String) {
        let unseen = matches!(tried.how, How::Sound { .. } | How::On { sensed: None, .. });
        if !unseen {
            return (Outcome::Passed, detail);
        }
        let seen = match &ran.seen {
            Some(seen) => Some(seen.contains(&tried.line)),
            None if self.yes => None,
            None => match person.answers(&format!("{}: did it? yes, no, or Enter if you could not tell: ", tried.line))
            {
                Some(answer) if answer == "yes" || answer == "y" => Some(true),
                Some(answer) if answer == "no" || answer == "n" => Some(false),
                _ => None,
            },
        };
        let who = if bench.is_simulated() { "the simulated person" } else { "a person" };
        match seen {
            Some(true) => (Outcome::Passed, format!("{detail}, seen by {who}")),
            Some(false) => (Outcome::Failed, format!("{detail} at the pin, and {who} saw nothing: look at its driver")),
            None => (Outcome::Passed, format!("{detail} at the pin; nobody looked")),
        }
    }
}

/// How a line is fired, in words.
fn shown(how: &How) -> String {
    match how {
        How::On { width_us, power_ppm, .. } => {
            let power = power_ppm.map(|ppm| format!(" at {} %", f64::from(ppm) / 1e4)).unwrap_or_default();
            format!("for {} ms{power}", f64::from(*width_us) / 1e3)
        }
        other => other.word().to_owned(),
    }
}

/// The first sentence of what a compiler found.
fn first_words(found: &compiler::Diagnostics) -> String {
    let all = found.to_json();
    let first = all.as_array().and_then(|all| all.first()).and_then(|first| first["message"].as_str());
    first.unwrap_or("the rig-config has mistakes").to_owned()
}

/// What the journal of one try is called.
fn numbered(stem: &Path, number: usize, line: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(format!("_{:02}_{}", number + 1, super::carry_out::file_name(line)));
    PathBuf::from(name)
}

/// The first name for a report that nothing has yet.
fn free(stem: &Path) -> PathBuf {
    let named = |again: u32| {
        let mut name = stem.as_os_str().to_owned();
        name.push(if again == 1 { ".json".to_owned() } else { format!("_{again}.json") });
        PathBuf::from(name)
    };
    (1..1_000).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(1_000))
}
