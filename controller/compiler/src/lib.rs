//! YAML protocol and rig-config to checked program. Usable without the daemon.
//!
//! ```text
//! text ── yaml ──► nodes ── protocol ──► a protocol as written ── lower ──► tables and code ── assembler ──► image
//! ```
//!
//! Everything wrong on the way is collected as [`Diagnostics`], each with its place and a remedy; only when nothing is
//! wrong is there a program.

mod allow;
pub mod cost;
pub mod cover;
mod day;
mod diagnostic;
mod expand;
pub mod explain;
mod expression;
mod fields;
mod fragments;
mod given;
pub mod graph;
mod kinds;
mod lower;
mod names;
mod paper;
mod protocol;
mod quantity;
mod rig;
pub mod scenario;
pub mod schema;
mod sitting;
mod step;
pub mod symbols;
mod yaml;

use std::io::Read;
use std::path::Path;

use link::program::Program;

pub use allow::Silenced;
pub use diagnostic::{Diagnostic, Diagnostics, Severity, Span, Style};
pub use fragments::Files;
pub use rig::{
    Animal, Calibration, DeviceConfig, Dose, LimitsTold, LineConfig, LinkPort, Made, Measured, OutputTotals, Person,
    RigConfig, SenseConfig, Simulation, Totals, Used, cannot_answer, cannot_call, read_rig,
};
pub use sitting::{Sitting, sit};
pub use step::StepBound;
pub use symbols::Symbols;

use diagnostic::Reporter;
use fragments::Gathered;

/// The largest file that is read, in bytes.
pub const SOURCE_BYTES_MAX: u64 = 1024 * 1024;

/// A file's name and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name messages call it by.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is larger than [`SOURCE_BYTES_MAX`] or is not UTF-8 text.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let failed = |code, message: String, help: &str, text: String| {
            let source = Self { name: name.clone(), text };
            let mut reporter = Reporter::new(&source);
            let at = source.text.len();
            reporter.error(code, Span { start: at, end: at }, message).help(help);
            Err(reporter.finish())
        };
        let length = match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => {
                return failed("E170-unreadable", format!("{name} is a folder"), "name a file in it", String::new());
            }
            Ok(about) => about.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let help = "check the spelling and the folder you are in";
                return failed("E171-not-found", format!("there is no file {name}"), help, String::new());
            }
            Err(error) => {
                let message = format!("{name} cannot be read: {error}");
                return failed("E170-unreadable", message, "check that you may read it", String::new());
            }
        };
        if length > SOURCE_BYTES_MAX {
            let message = format!("{name} holds {length} bytes; {SOURCE_BYTES_MAX} is the most that is read");
            return failed("E172-too-large", message, "no protocol is so long: is it the right file?", String::new());
        }
        // What has no length beforehand, as a device or a pipe, is read no further either.
        let mut bytes = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes));
        if bytes.len() as u64 > SOURCE_BYTES_MAX {
            let message = format!("{name} holds more than {SOURCE_BYTES_MAX} bytes, the most that is read");
            return failed("E172-too-large", message, "no protocol is so long: is it the right file?", String::new());
        }
        match read.map(|_| String::from_utf8(bytes)) {
            Ok(Ok(text)) => Ok(Self { name, text }),
            Ok(Err(error)) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
                let utf16 = matches!(error.as_bytes(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
                let message = match utf16 {
                    true => format!("{name} is UTF-16 text, and UTF-8 is wanted"),
                    false => format!("{name} is not UTF-8 text: byte {good} belongs to no character"),
                };
                failed("E173-not-utf8", message, "save it as UTF-8 in your editor", text)
            }
            Err(error) => {
                let message = format!("{name} cannot be read: {error}");
                failed("E170-unreadable", message, "check that you may read it", String::new())
            }
        }
    }
}

/// What a session asks for besides the protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Parameters set for this session: name and value, the value with its unit as in YAML.
    pub set: Vec<(String, String)>,
}

/// A checked program and the names behind its numbers.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The program.
    pub image: Vec<u32>,
    /// The rig as the device takes it, lines in the order of the program: those of the protocol first, the others of
    /// the rig behind.
    pub rig: link::rig::Rig,
    /// The names.
    pub symbols: Symbols,
    /// What is probably not as meant.
    pub warnings: Diagnostics,
    /// What of that the protocol allows, and why.
    pub silenced: Vec<Silenced>,
    /// Per invariant of the symbols, whether the graph of states shows that it holds on every path; the device watches them
    /// all.
    pub holds: Vec<bool>,
    /// SHA-256 of the image.
    pub hash: [u8; 32],
    /// The fragments the protocol uses, each under the name it calls it by.
    pub fragments: Vec<Source>,
    /// The stage, and what of session and subject the program was made with.
    pub sitting: Sitting,
}

/// Compiles a protocol for a rig. The fragments it uses are looked for in its folder.
///
/// # Errors
/// Everything that is wrong with it, collected: with the file and the options of this session.
pub fn compile(protocol: &Source, rig: &RigConfig, options: &Options) -> Result<Compiled, Diagnostics> {
    compile_for(protocol, &Files::beside(protocol), rig, options, &Sitting::default())
}

/// The same for a session of an experiment over days, with the fragments from elsewhere. Every stage of the protocol is
/// checked; the program is that of the stage asked for.
///
/// # Errors
/// Everything that is wrong with it, collected: with the files and the options of this session.
pub fn compile_for(
    protocol: &Source,
    files: &Files,
    rig: &RigConfig,
    options: &Options,
    sitting: &Sitting,
) -> Result<Compiled, Diagnostics> {
    let mut reporter = Reporter::new(protocol);
    let root = yaml::read(protocol, &mut reporter);
    let gathered = root.and_then(|root| fragments::gather(root, files, &mut reporter));
    let Some(Gathered { root, fragments }) = gathered else { return Err(reporter.finish()) };
    let each = sitting::each_stage(&root, sitting, &mut reporter, |written, reporter| {
        compiled(&expand::expand(written, rig, reporter), rig, options, sitting, reporter)
    });
    let Some((written, compiled)) = each else { return Err(reporter.finish()) };
    let failed = reporter.has_errors();
    let (warnings, silenced) = allow::sort(reporter, &written.allow, &root);
    match compiled.filter(|_| !failed) {
        None => Err(warnings),
        Some(mut compiled) => {
            compiled.symbols.allowed = silenced.iter().map(Silenced::symbol).collect();
            Ok(Compiled { warnings, silenced, fragments, ..compiled })
        }
    }
}

/// Compiles what is written, of one of its stages if it has them; none if that cannot be done, which is reported.
fn compiled(
    written: &protocol::Protocol,
    rig: &RigConfig,
    options: &Options,
    sitting: &Sitting,
    reporter: &mut Reporter,
) -> Option<Compiled> {
    let lowered = lower::lower(written, rig, options, sitting, reporter)?;
    let image = match lowered.assembly.image() {
        Ok(image) => image,
        Err(error) => {
            reporter.error("E092-too-many", written.name.span, error.to_string()).help("split the protocol");
            return None;
        }
    };
    match checked(&image) {
        Ok(hash) => {
            let (rig_of_device, symbols, sitting) = (lowered.rig, lowered.symbols, lowered.sitting);
            let mut compiled = Compiled {
                image,
                rig: rig_of_device,
                symbols,
                warnings: Diagnostics::default(),
                silenced: Vec::new(),
                holds: Vec::new(),
                hash,
                fragments: Vec::new(),
                sitting,
            };
            step::check(&compiled, written, rig, reporter);
            compiled.holds = paper::check(&compiled, written, &lowered.places, reporter);
            Some(compiled)
        }
        Err(reason) => {
            reporter
                .error(
                    "E093-no-device-takes-it",
                    written.name.span,
                    format!("no device would take this program: {reason}"),
                )
                .help("make its longest expressions shorter, with `set` into variables");
            None
        }
    }
}

/// The check the device makes, made here first; and the hash that names the program.
fn checked(image: &[u32]) -> Result<[u8; 32], String> {
    let program = Program::open(image).map_err(|error| error.to_string())?;
    link::program::check::check(&program).map_err(|error| error.to_string())?;
    Ok(program.hash())
}
