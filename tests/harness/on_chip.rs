//! The same session on the simulated rig and on the emulated chip, put side by side. Owns how two streams of records are
//! compared and where the image comes from; asserts nothing but that the two can be compared.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::sync::OnceLock;

use emulated::{Cord, Event, ImageError, Tools, Upset, image};
use journal::Session;
use link::{LineId, Micros, Record};
use sim::rig::RING_WORDS;

use crate::System;

/// How far a record that the interlock did not stamp may lie apart, in µs: a touch is stamped within its microsecond or the next.
const STAMP_US: i64 = 1;
/// The image's package.
const PACKAGE: &str = "nosepoke-rp2040";

/// The function by which P1 lets the engine handle what is closed: in names that the compiler has mangled.
const ENGINE: &[&str] = &["9core_half", "3run17h"];
/// The function that ends each step of it.
const CLOSE: &[&str] = &["7machine", "6Engine", "5close17h"];

/// An image ready to run, and what it takes.
#[derive(Debug, Clone)]
pub struct OnChip {
    /// The emulator.
    pub tools: Tools,
    /// The image's ELF file.
    pub image: PathBuf,
    /// What connects it.
    pub cord: Cord,
    /// Whether flash goes through the model of its cache.
    pub cache: bool,
    /// Whether touches reach the pad anywhere in their microsecond.
    pub phases: bool,
    /// Whether the animal notices an output's edge at once.
    pub notices: bool,
    /// Parts of the name of a function whose calls are timed; none for none.
    pub timed: &'static [&'static str],
    /// Parts of the name of a function whose returns divide those calls into laps; none for none.
    pub laps: &'static [&'static str],
    /// What goes wrong in the chip's code so many µs after the session's start.
    pub upset: Option<(Micros, Upset)>,
    /// A pad that stays at a level whatever drives it.
    pub stuck: Option<(u8, bool)>,
}

impl OnChip {
    /// The same, with the cycles of every step of the engine told.
    #[must_use]
    pub fn timing_steps(&self) -> Self {
        Self { timed: ENGINE, laps: CLOSE, ..self.clone() }
    }

    /// The image of this repository, built once; none where there is no node, unless `CI` says that nothing is skipped.
    ///
    /// # Panics
    /// When the image does not build or the emulator cannot be set up.
    #[must_use]
    pub fn ready(cord: Cord) -> Option<Self> {
        static READY: OnceLock<Result<(Tools, PathBuf), ImageError>> = OnceLock::new();
        let ready = READY.get_or_init(|| Ok((Tools::ready()?, image::build(PACKAGE, &[])?)));
        match ready {
            Ok((tools, image)) => Some(Self {
                tools: tools.clone(),
                image: image.clone(),
                cord,
                cache: true,
                phases: false,
                notices: true,
                timed: &[],
                laps: &[],
                upset: None,
                stuck: None,
            }),
            Err(ImageError::NoNode) if std::env::var("CI").as_deref() != Ok("true") => {
                eprintln!("skipped: {}", ImageError::NoNode);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Two sessions side by side.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Records in both, but for edges of outputs.
    pub records: usize,
    /// Edges of outputs in both.
    pub edges: usize,
    /// How far the same record lies apart at most, in µs, later on the chip being more than 0; and which.
    pub widest: Option<(i64, Record)>,
    /// The same of the edges of outputs.
    pub widest_edge: Option<(i64, Record)>,
    /// Samples of analog lines and encoders in both.
    pub samples: usize,
    /// How many of them are not the same value, and when the last of those was, in µs from the start.
    pub unlike: (usize, i64),
    /// Where the two tell different things, or times differ by more than allowed; empty if nowhere.
    pub differences: Vec<String>,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, what, widest) in
            [(self.records, "records", &self.widest), (self.edges, "; output edges", &self.widest_edge)]
        {
            match widest {
                Some((us, record)) => write!(f, "{what} {count}, at most {us} µs apart: {record:?}")?,
                None => write!(f, "{what} {count}, on the same µs")?,
            }
        }
        if self.samples > 0 {
            write!(
                f,
                "; samples {}, of which {} differ, the last at {} µs",
                self.samples, self.unlike.0, self.unlike.1
            )?;
        }
        self.differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

/// Records of a session with their times, counted from its start.
type Told = Vec<(i64, Record)>;

/// A sample: its time from the session's start in µs, its line, its raw value.
type Sampled = (i64, LineId, i32);

/// What a session tells, in order, the edges of its outputs, line by line, and its samples: an edge stands in the stream
/// where it was heard of, which may be before or after what happened within the same few µs, and a block of samples where
/// it was full. What is said of lateness is left out.
fn told(session: &Session, sample_us: u32, left_out: &impl Fn(&Record) -> bool) -> (Told, Told, Vec<Sampled>) {
    let start = session.records().next().map_or(0, |(_, at, _)| at);
    let since = |at: Micros| at.cast_signed() - start.cast_signed();
    let plain = |record| match record {
        Record::Input { line, active, .. } => Record::Input { line, active, late_us: 0 },
        Record::Outside { event, .. } => Record::Outside { event, late_us: 0 },
        other => other,
    };
    let mut samples = Vec::new();
    for (_, at, record) in session.records() {
        if let Record::Samples { line, block } = record {
            samples.extend(sense::timed(at, &block, sample_us).map(|(at, raw)| (since(at), line, raw)));
        }
    }
    samples.sort_unstable();
    let all = session.records().filter(|(_, _, record)| !matches!(record, Record::Samples { .. }) && !left_out(record));
    let all = all.map(|(_, at, record)| (since(at), plain(record)));
    let (mut edges, others): (Told, Told) = all.partition(|(_, record)| matches!(record, Record::Edge { .. }));
    edges.sort_by_key(|(_, record)| match record {
        Record::Edge { line, .. } => line.0,
        _ => u8::MAX,
    });
    (others, edges, samples)
}

/// Runs one system on the simulated rig, with the chip's `settle_us`, and on the emulated chip, and puts the two side by
/// side. `system` makes it anew each time: same protocol, parameters, animal and seed. What the interlock did
/// may lie `tolerance_us` apart, everything else a microsecond.
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
    for (pin, sound) in chip.sounds() {
        println!("  pin {pin} sounded at {} mHz, widths {:?}", sound.frequency_mhz, sound.widths);
    }
    let settle_us = chip.ears().hello().map(|hello| hello.settle_us);
    let ring_bytes = chip.ears().hello().map(|hello| hello.ring_bytes as usize);
    assert_eq!(ring_bytes, Some(RING_WORDS * 4), "the chip's ring is as large as the simulated one");
    let mut simulated = system();
    (simulated.settle_us, simulated.preempt) = (settle_us, 0.0);
    let sample_us = simulated.compiled.rig.sample_us;
    let simulated = simulated.run();
    for (name, outcome) in [("simulated", &simulated), ("on the chip", &on_chip)] {
        if let Err(error) = &outcome.result {
            panic!("{name}: {error}");
        }
        assert_eq!(outcome.still_on, 0, "{name}: outputs still on");
    }
    apart(&simulated.session(), &on_chip.session(), tolerance_us, sample_us, |_| false)
}

/// Puts two sessions side by side, the second being one on the chip, but for the records that are `left_out`. What the
/// interlock did may lie `tolerance_us` apart, everything else a microsecond; samples come every `sample_us`.
#[must_use]
pub fn apart(
    first: &Session,
    on_chip: &Session,
    tolerance_us: i64,
    sample_us: u32,
    left_out: impl Fn(&Record) -> bool,
) -> Comparison {
    let (first_told, first_edges, first_samples) = told(first, sample_us, &left_out);
    let (chip_told, chip_edges, chip_samples) = told(on_chip, sample_us, &left_out);
    let mut differences = Vec::new();
    let (records, widest) = compare(&first_told, &chip_told, tolerance_us, &mut differences);
    let (edges, widest_edge) = compare(&first_edges, &chip_edges, tolerance_us, &mut differences);
    let unlike = first_samples.iter().zip(&chip_samples).filter(|(first, on_chip)| first != on_chip);
    let unlike = unlike.fold((0, 0), |(count, _), (first, _)| (count + 1, first.0));
    if first_samples.len() != chip_samples.len() {
        differences.push(format!("{} samples in one, {} on the chip", first_samples.len(), chip_samples.len()));
    }
    Comparison { records, edges, widest, widest_edge, samples: first_samples.len(), unlike, differences }
}

/// Whether the interlock stamped it, as it did what was asked: as late as the body takes.
const fn by_interlock(record: &Record) -> bool {
    matches!(
        record,
        Record::Edge { .. } | Record::Verdict { .. } | Record::Armed { .. } | Record::Disarmed { .. } | Record::Trip(_)
    )
}

/// Puts two streams side by side: how many records they share, and how far the same lie apart at most.
fn compare(
    simulated: &Told,
    on_chip: &Told,
    tolerance_us: i64,
    differences: &mut Vec<String>,
) -> (usize, Option<(i64, Record)>) {
    let mut widest: Option<(i64, Record)> = None;
    for (n, ((sim_at, sim), (chip_at, chip))) in simulated.iter().zip(on_chip).enumerate() {
        if sim != chip {
            let mut found =
                format!("record {n}: simulated {sim:?} at {sim_at} µs, on the chip {chip:?} at {chip_at} µs");
            for (place, list) in [("simulated", simulated), ("on the chip", on_chip)] {
                let _ = write!(found, "\n    {place}: {:?}", &list[n.saturating_sub(2)..list.len().min(n + 4)]);
            }
            differences.push(found);
            return (n, widest);
        }
        let apart = chip_at - sim_at;
        if apart.abs() > widest.map_or(0, |(us, _)| us.abs()) {
            widest = Some((apart, *chip));
        }
        let allowed_us = if by_interlock(sim) { tolerance_us } else { STAMP_US };
        if apart.abs() > allowed_us && differences.len() < 10 {
            differences.push(format!("record {n} at {sim_at} µs: {apart} µs apart: {sim:?}"));
        }
    }
    if simulated.len() != on_chip.len() {
        differences.push(format!("{} records simulated, {} on the chip", simulated.len(), on_chip.len()));
    }
    (simulated.len().min(on_chip.len()), widest)
}
