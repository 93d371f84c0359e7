//! The same session on the simulated rig and on the emulated chip, put side by side. Owns how two streams of records are
//! compared and where the image comes from; asserts nothing but that the two can be compared.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::sync::OnceLock;

use emulated::{Cord, Event, ImageError, Tools, image};
use link::{Micros, Record};

use crate::{Outcome, System};

/// The image's package.
const PACKAGE: &str = "nosepoke-rp2040";

/// An image ready to run, and what it takes.
#[derive(Debug, Clone)]
pub struct OnChip {
    /// The emulator.
    pub tools: Tools,
    /// The image's ELF file.
    pub image: PathBuf,
    /// What connects it.
    pub cord: Cord,
}

impl OnChip {
    /// The image of this repository, built once; none where there is no node, unless `CI` says that nothing is skipped.
    ///
    /// # Panics
    /// When the image does not build or the emulator cannot be set up.
    #[must_use]
    pub fn ready(cord: Cord) -> Option<Self> {
        static READY: OnceLock<Result<(Tools, PathBuf), ImageError>> = OnceLock::new();
        let ready = READY.get_or_init(|| Ok((Tools::ready()?, image::build(PACKAGE, &[])?)));
        match ready {
            Ok((tools, image)) => Some(Self { tools: tools.clone(), image: image.clone(), cord }),
            Err(ImageError::NoNode) if std::env::var("CI").as_deref() != Ok("true") => {
                eprintln!("skipped: {}", ImageError::NoNode);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Two sessions side by side.
#[derive(Debug)]
pub struct Comparison {
    /// Records in both.
    pub records: usize,
    /// How much later the chip's records are at most, in µs, and which.
    pub latest: Option<(i64, Record)>,
    /// How much earlier at most, in µs, and which.
    pub earliest: Option<(i64, Record)>,
    /// Where the two tell different things, or times differ by more than allowed; empty if nowhere.
    pub differences: Vec<String>,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.records)?;
        for (word, found) in [("latest", &self.latest), ("earliest", &self.earliest)] {
            if let Some((us, record)) = found {
                write!(f, "; {word} on the chip by {us} µs: {record:?}")?;
            }
        }
        self.differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

/// The records of a session, counted from its start; what a record says of lateness is left out.
fn told(outcome: &Outcome) -> Vec<(i64, Record)> {
    let session = outcome.session();
    let start = session.records().next().map_or(0, |(_, at, _)| at);
    let since = |at: Micros| at.cast_signed() - start.cast_signed();
    let plain = |record| match record {
        Record::Input { line, active, .. } => Record::Input { line, active, late_us: 0 },
        Record::Outside { event, .. } => Record::Outside { event, late_us: 0 },
        other => other,
    };
    session.records().map(|(_, at, record)| (since(at), plain(record))).collect()
}

/// Runs one system on the simulated rig, with the chip's `settle_us`, and on the emulated chip, and puts the two side by
/// side. `system` makes it anew each time: same protocol, parameters, animal and seed. Times may differ by `tolerance_us`.
///
/// # Panics
/// When one of the two sessions ends badly, the chip faults or is reset, or the emulator ends in the middle.
#[must_use]
pub fn same_on_chip(image: &OnChip, tolerance_us: i64, system: impl Fn() -> System) -> Comparison {
    let (on_chip, chip) = match system().run_on_chip(image) {
        Ok(ran) => ran,
        Err(error) => panic!("{error}"),
    };
    if let Some(error) = chip.failed() {
        panic!("{error}");
    }
    let mishaps: Vec<&Event> = chip.mishaps().iter().collect();
    assert!(mishaps.is_empty(), "on the chip: {mishaps:?}");
    let settle_us = chip.ears().hello().map(|hello| hello.settle_us);
    let mut simulated = system();
    (simulated.settle_us, simulated.preempt) = (settle_us, 0.0);
    let simulated = simulated.run();
    for (name, outcome) in [("simulated", &simulated), ("on the chip", &on_chip)] {
        if let Err(error) = &outcome.result {
            panic!("{name}: {error}");
        }
        assert_eq!(outcome.still_on, 0, "{name}: outputs still on");
    }
    compare(&told(&simulated), &told(&on_chip), tolerance_us)
}

fn compare(simulated: &[(i64, Record)], on_chip: &[(i64, Record)], tolerance_us: i64) -> Comparison {
    let mut found = Comparison { records: 0, latest: None, earliest: None, differences: Vec::new() };
    for (n, ((sim_at, sim), (chip_at, chip))) in simulated.iter().zip(on_chip).enumerate() {
        if sim != chip {
            let mut around = format!("record {n} at {sim_at} µs: simulated {sim:?}, on the chip {chip:?} at {chip_at} µs");
            for (place, list) in [("simulated", simulated), ("on the chip", on_chip)] {
                let _ = write!(around, "\n    {place}: {:?}", &list[n.saturating_sub(2)..list.len().min(n + 4)]);
            }
            found.differences.push(around);
            return found;
        }
        found.records += 1;
        let apart = chip_at - sim_at;
        if apart > found.latest.map_or(0, |(us, _)| us) {
            found.latest = Some((apart, *chip));
        }
        if apart < found.earliest.map_or(0, |(us, _)| us) {
            found.earliest = Some((apart, *chip));
        }
        if apart.abs() > tolerance_us && found.differences.len() < 10 {
            found.differences.push(format!("record {n} at {sim_at} µs: {apart} µs apart: {sim:?}"));
        }
    }
    if simulated.len() != on_chip.len() {
        found.differences.push(format!("{} records simulated, {} on the chip", simulated.len(), on_chip.len()));
    }
    found
}
