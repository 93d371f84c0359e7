//! Reads a rig-config: what carries the device, which line is on which pin, its limits and its calibration. Knows
//! nothing of any protocol.

mod calibration;
mod room;

pub use calibration::{Calibration, Measured};
pub use room::{Animal, Person, Simulation};

use crate::Source;
use crate::diagnostic::{Diagnostics, Reporter, Span, listed};
use crate::fields::{self, Fields};
use crate::kinds::{self, Direction, Kind, Verb};
use crate::symbols::Unit;
use crate::yaml::{self, Entry, Node};
use link::limits::MAX_LINES;
use link::rig::{Pull, Rig, RigLine, Role};

/// A rig as its file states it.
#[derive(Debug, Clone, PartialEq)]
pub struct RigConfig {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// What carries the device: `simulator`, `rp2040` or `pi`.
    pub body: String,
    /// How long the controller may be silent before armed lines are disarmed, in µs.
    pub silence_us: u32,
    /// Within how long it may come back and find them armed again, in µs.
    pub rejoin_us: u32,
    /// How long a session goes on without it, in µs.
    pub carry_on_us: u32,
    /// The lines, in the order of the file.
    pub lines: Vec<LineConfig>,
    /// Who is in the simulated room; a real rig has none.
    pub simulation: Option<Simulation>,
    /// The file, verbatim.
    pub text: String,
    /// The file's name.
    pub file: String,
}

/// What carries the device core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Simulator,
    Rp2040,
    Pi,
}

impl Body {
    /// The last pin that can be used, counted from 0.
    fn last_pin(self) -> u8 {
        match self {
            Self::Simulator | Self::Rp2040 => 29,
            Self::Pi => 27,
        }
    }

    /// As written in a rig-config.
    fn word(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::Rp2040 => "rp2040",
            Self::Pi => "pi",
        }
    }
}

/// One line of a rig.
#[derive(Debug, Clone, PartialEq)]
pub struct LineConfig {
    /// Its name.
    pub name: String,
    /// Its kind: `lever`, `valve`, …
    pub kind: String,
    /// Pin, polarity and limits, as the device takes them.
    pub line: RigLine,
    /// What was measured on it, if it was.
    pub calibration: Option<Calibration>,
}

impl RigConfig {
    /// The line with this name.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&LineConfig> {
        self.lines.iter().find(|line| line.name == name)
    }

    /// The rig as the device takes it, its lines in the order of `names` and the others behind.
    pub(crate) fn for_device(&self, names: &[String]) -> (Rig, Vec<&LineConfig>) {
        let named = names.iter().filter_map(|name| self.line(name));
        let others = self.lines.iter().filter(|line| !names.contains(&line.name));
        let ordered: Vec<&LineConfig> = named.chain(others).take(MAX_LINES).collect();
        let lines = ordered.iter().map(|line| line.line).collect();
        let (silence_us, rejoin_us, carry_on_us) = (self.silence_us, self.rejoin_us, self.carry_on_us);
        (Rig { lines, silence_us, rejoin_us, carry_on_us }, ordered)
    }
}

const TOP: &[&str] = &["rig", "about", "body", "host", "lines", "simulation"];

/// Reads a rig-config.
///
/// # Errors
/// Everything that is wrong with it, collected.
pub fn read_rig(source: &Source) -> Result<RigConfig, Diagnostics> {
    let mut reporter = Reporter::new(source);
    let rig = yaml::read(source, &mut reporter).and_then(|root| read(source, &root, &mut reporter));
    match rig {
        Some(rig) if !reporter.has_errors() => Ok(rig),
        _ => Err(reporter.finish()),
    }
}

fn read(source: &Source, root: &Node, reporter: &mut Reporter) -> Option<RigConfig> {
    let entries = fields::map(root, "a rig-config", "rig: my-box", reporter)?;
    if let (Some(protocol), None) = (fields::key_of(entries, "protocol"), fields::key_of(entries, "rig")) {
        reporter
            .error("E174-wrong-file", protocol, "this is a protocol, and a rig-config is wanted here")
            .help("name the rig-config here, and this file as the protocol");
        return None;
    }
    let top = fields::fields(root, "a rig-config", TOP, "rig: my-box", reporter)?;
    let name = top.need("rig", "rig: my-box", reporter);
    let name = name.and_then(|node| fields::text(node, "the rig's name", "my-box", reporter));
    let about = top.get("about").and_then(|node| fields::text(node, "`about`", "what it is", reporter));
    let bodies = [("simulator", Body::Simulator), ("rp2040", Body::Rp2040), ("pi", Body::Pi)];
    let body = top.need("body", "body: rp2040", reporter);
    let body = body.and_then(|node| fields::choice(node, "the body", &bodies, reporter));
    let (silence_us, rejoin_us, carry_on_us) = host(top.get("host"), reporter);
    let lines = lines(&top, body.unwrap_or(Body::Simulator), reporter);
    let simulation = top.get("simulation").and_then(|node| room::read(node, &lines, reporter));
    if let (Some(span), Some(real @ (Body::Rp2040 | Body::Pi))) = (top.key("simulation"), body) {
        reporter
            .error(
                "E040-simulation-on-real-rig",
                span,
                format!("a rig whose body is `{}` has no simulated room", real.word()),
            )
            .help("leave `simulation` out, or set `body: simulator`; a real rig never arms by itself");
    }
    Some(RigConfig {
        name: name?.text.clone(),
        about: about.map(|text| text.text.clone()).unwrap_or_default(),
        body: body?.word().to_owned(),
        silence_us,
        rejoin_us,
        carry_on_us,
        lines,
        simulation,
        text: source.text.clone(),
        file: source.name.clone(),
    })
}

fn host(node: Option<&Node>, reporter: &mut Reporter) -> (u32, u32, u32) {
    let mut timings = [250_000, 5_000_000, 60_000_000];
    const KEYS: &[&str] = &["silence", "rejoin", "carry_on"];
    if let Some(host) = node.and_then(|node| fields::fields(node, "`host`", KEYS, "silence: 250 ms", reporter)) {
        for (key, timing) in KEYS.iter().zip(&mut timings) {
            let least = i64::from(*key == "silence");
            let given = host
                .get(key)
                .and_then(|node| fields::quantity_u32(node, "this timing", Unit::Time, least, "250 ms", reporter));
            *timing = given.unwrap_or(*timing);
        }
    }
    let [silence, rejoin, carry_on] = timings;
    (silence, rejoin, carry_on)
}

fn lines(top: &Fields<'_>, body: Body, reporter: &mut Reporter) -> Vec<LineConfig> {
    let Some(node) = top.need("lines", "lines: {lever: {kind: lever, pin: 2}}", reporter) else { return Vec::new() };
    let Some(entries) = fields::map(node, "`lines`", "lever: {kind: lever, pin: 2}", reporter) else {
        return Vec::new();
    };
    if entries.len() > MAX_LINES {
        reporter
            .error(
                "E041-too-many-lines",
                fields::short(node),
                format!("this rig has {} lines; a device holds {MAX_LINES}", entries.len()),
            )
            .help("leave out the lines no protocol uses");
    }
    let mut found: Vec<(LineConfig, Span)> = Vec::new();
    for entry in entries {
        if !fields::check_name(&entry.key, "a line", reporter) {
            continue;
        }
        let Some((line, pin)) = line(entry, body, reporter) else { continue };
        if let Some((other, _)) = found.iter().find(|(other, _)| other.line.pin == line.line.pin) {
            let taken: Vec<u8> = found.iter().map(|(line, _)| line.line.pin).collect();
            let free = (0..=body.last_pin()).filter(|pin| !taken.contains(pin));
            let free: Vec<String> = free.take(8).map(|pin| pin.to_string()).collect();
            reporter
                .error(
                    "E042-pin-clash",
                    pin,
                    format!("pin {} is both `{}` and `{}`", line.line.pin, other.name, line.name),
                )
                .label("taken")
                .help(format!("free pins: {}, …", free.join(", ")));
        }
        found.push((line, pin));
    }
    found.into_iter().map(|(line, _)| line).collect()
}

fn line(entry: &Entry, body: Body, reporter: &mut Reporter) -> Option<(LineConfig, Span)> {
    const INPUT: &[&str] = &["kind", "pin", "active", "pull", "debounce", "about"];
    const OUTPUT: &[&str] = &["kind", "pin", "active", "max_on", "arm", "calibration", "about"];
    let example = "{kind: lever, pin: 2}";
    let entries = fields::map(&entry.value, "a line", example, reporter)?;
    let kind = entries.iter().find(|field| field.key.text == "kind").and_then(|field| kind(&field.value, reporter));
    let known = match kind.map(|kind| kind.direction) {
        Some(Direction::Input(_)) => INPUT,
        Some(Direction::Output(_)) => OUTPUT,
        None => &["kind", "pin", "active", "pull", "debounce", "max_on", "arm", "calibration", "about"],
    };
    let line = fields::fields(&entry.value, "this line", known, example, reporter)?;
    let kind_node = line.need("kind", "kind: lever", reporter);
    let pin_node = line.need("pin", "pin: 2", reporter)?;
    kind_node?;
    let pin = pin(pin_node, body, reporter)?;
    let levels = [("high", true), ("low", false)];
    let active = line.get("active").and_then(|node| fields::choice(node, "`active`", &levels, reporter));
    let kind = kind?;
    let mut calibration = None;
    let role = match kind.direction {
        Direction::Input(input) => {
            let pulls = [("up", Pull::Up), ("down", Pull::Down), ("none", Pull::None)];
            let pull = line.get("pull").and_then(|node| fields::choice(node, "`pull`", &pulls, reporter));
            let debounce = line
                .get("debounce")
                .map(|node| fields::quantity_u32(node, "the debounce", Unit::Time, 0, "5 ms", reporter).unwrap_or(0));
            Role::Input {
                // An input that is wired to nothing must read as not active.
                pull: pull.unwrap_or(if active.unwrap_or(true) { Pull::Down } else { Pull::Up }),
                debounce_us: debounce.unwrap_or_else(|| u32::try_from(input.debounce_us).unwrap_or(0)),
            }
        }
        Direction::Output(output) => {
            let max_on = line.get("max_on").map(|node| {
                fields::quantity_u32(node, "`max_on`", Unit::Time, 1, "500 ms", reporter).unwrap_or(u32::MAX)
            });
            let arms = [("required", true), ("none", false)];
            let arm_node = line.get("arm");
            let arm = arm_node.and_then(|node| fields::choice(node, "`arm`", &arms, reporter));
            if let (Some(false), true, Some(node)) = (arm, output.must_arm, arm_node) {
                reporter
                    .error("E043-must-arm", node.span, format!("a {} must always be armed by a person", kind.name))
                    .help("write `arm: required` or leave the key out");
            }
            calibration = line.get("calibration").and_then(|node| calibration::read(node, kind, reporter));
            Role::Output {
                max_on_us: max_on.unwrap_or_else(|| u32::try_from(output.max_on_us).unwrap_or(u32::MAX)),
                must_arm: arm.unwrap_or(output.must_arm),
                safe_on_trip: output.safe_on_trip,
                speaker: output.verbs.contains(&Verb::Play),
            }
        }
    };
    let line = RigLine { pin, active_high: active.unwrap_or(true), role };
    let (name, kind) = (entry.key.text.clone(), kind.name.to_owned());
    Some((LineConfig { name, kind, line, calibration }, pin_node.span))
}

/// The kind a node names.
pub(crate) fn kind(node: &Node, reporter: &mut Reporter) -> Option<&'static Kind> {
    let found = fields::text(node, "the kind of a line", "lever", reporter)?;
    let kind = kinds::named(&found.text);
    if kind.is_none() {
        let known = kinds::KINDS.iter().map(|kind| kind.name);
        reporter
            .error("E044-unknown-kind", found.span, format!("there is no kind of line called `{}`", found.text))
            .near(&found.text, known, |known| Some(format!("kinds are {}", listed(known.iter().copied()))));
    }
    kind
}

fn pin(node: &Node, body: Body, reporter: &mut Reporter) -> Option<u8> {
    let number = fields::quantity(node, "the pin", Unit::Count, "2", reporter)?;
    let pin = u8::try_from(number).ok().filter(|pin| *pin <= body.last_pin());
    if pin.is_none() {
        let (body, last) = (body.word(), body.last_pin());
        reporter
            .error("E045-no-such-pin", node.span, format!("there is no pin {number} on this body ({body})"))
            .help(format!("pins are 0 to {last}"));
    }
    pin
}
