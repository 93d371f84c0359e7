//! Reads a rig-config: what carries the device, which line is on which pin, its limits and its calibration. Knows
//! nothing of any protocol.

mod array;
pub(crate) mod body;
mod calibration;
mod device;
mod dose;
mod guards;
mod limits;
mod line;
pub(crate) mod loop_back;
mod output;
mod power;
mod room;
mod sense;
mod told;

pub use body::LinkPort;
pub use calibration::{Calibration, Measured};
pub use device::DeviceConfig;
pub use dose::Dose;
pub use limits::{OutputTotals, Totals, Used};
pub use line::LineConfig;
pub(crate) use line::kind;
pub use loop_back::{cannot_answer, cannot_call};
pub use power::Made;
pub use room::{Animal, Person, Simulation};
pub use sense::SenseConfig;
pub use told::LimitsTold;

use crate::Source;
use crate::diagnostic::{Diagnostics, Reporter};
use crate::fields;
use crate::symbols::Unit;
use crate::yaml::{self, Node};
use body::Body;

/// A rig as its file states it.
#[derive(Debug, Clone, PartialEq)]
pub struct RigConfig {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// What carries the device: `simulator`, `rp2040`, `rp2350` or `pi`.
    pub body: String,
    /// How the device is found; of no meaning for a simulator.
    pub device: DeviceConfig,
    /// Whether the device's supply outlives that of the controller, as the file states it; none if it says nothing.
    /// The file decides: few boards can tell.
    pub separate_supply: Option<bool>,
    /// How long the controller may be silent before armed lines are disarmed, in µs.
    pub silence_us: u32,
    /// Within how long it may come back and find them armed again, in µs.
    pub rejoin_us: u32,
    /// How long a session goes on without it, in µs.
    pub carry_on_us: u32,
    /// From one sample of the sampled lines to the next, in µs.
    pub sample_us: u32,
    /// The lines, in the order of the file.
    pub lines: Vec<LineConfig>,
    /// Outputs that are wired to inputs, and the inputs, by name: a self-test tells how fast the device answers there.
    pub loop_back: Vec<(String, String)>,
    /// Who is in the simulated room; a real rig has none.
    pub simulation: Option<Simulation>,
    /// The file, verbatim.
    pub text: String,
    /// The file's name.
    pub file: String,
}

impl RigConfig {
    /// The line with this name.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&LineConfig> {
        self.lines.iter().find(|line| line.name == name)
    }
}

const TOP: &[&str] =
    &["rig", "about", "body", "device", "supply", "host", "sample", "lines", "loop_back", "simulation"];

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
    let body = top.need("body", "body: rp2040", reporter);
    let body = body.and_then(|node| fields::choice(node, "the body", &Body::WORDS, reporter));
    let (silence_us, rejoin_us, carry_on_us) = host(top.get("host"), reporter);
    let device = device::read(top.get("device"), body, reporter);
    let supplies = [("separate", true), ("usb", false)];
    let supply = top.get("supply").and_then(|node| fields::choice(node, "the supply", &supplies, reporter));
    let sample_us = line::sample(&top, reporter);
    let lines = line::read(&top, body.unwrap_or(Body::Simulator), sample_us, reporter);
    let loop_back = top.get("loop_back").map_or_else(Vec::new, |node| loop_back::read(node, &lines, reporter));
    let simulation = top.get("simulation").and_then(|node| room::read(node, &lines, reporter));
    if let (Some(span), Some(real)) = (top.key("simulation"), body.filter(|body| *body != Body::Simulator)) {
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
        device,
        separate_supply: supply,
        sample_us,
        silence_us,
        rejoin_us,
        carry_on_us,
        lines,
        loop_back,
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
