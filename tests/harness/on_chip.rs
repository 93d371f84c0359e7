//! The same session on the simulated rig and on the emulated chip, put side by side. Owns where the image comes from and how
//! the two are run; what counts as the same is `journal::side_by_side`. Asserts nothing but that the two can be compared.

use std::path::PathBuf;
use std::sync::OnceLock;

use emulated::{Cord, Event, ImageError, Tools, Upset, image};
use journal::Session;
use journal::pairing::Tolerance;
use journal::side_by_side::{Allowed, SideBySide, side_by_side};
use link::Micros;
use sim::rig::RING_WORDS;

use crate::{Cut, System};

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
    /// How many sequences of noise come in at the link before each frame of the controller.
    pub noise: usize,
    /// What goes wrong with the chip, each so many µs after the session's start.
    pub upsets: Vec<(Micros, Upset)>,
    /// What becomes of the cable so many µs after the session's start, for good.
    pub cut: Option<(Micros, Cut)>,
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
                noise: 0,
                upsets: Vec::new(),
                cut: None,
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

/// One system on both bodies.
#[derive(Debug)]
pub struct Both {
    /// The session on the simulated rig.
    pub simulated: Session,
    /// The session on the chip.
    pub on_chip: Session,
    /// Whether they are the same, and where they part.
    pub found: SideBySide,
}

/// Runs one system on the simulated rig, with the chip's `settle_us`, and on the emulated chip, and puts the two side by
/// side. `system` makes it anew each time: same protocol, parameters, animal and seed. What the interlock did may lie as far
/// apart as a replay allows a Pico, everything else a microsecond.
///
/// # Panics
/// When one of the two sessions ends badly, the chip faults or is reset, or the emulator ends in the middle.
#[must_use]
pub fn same_on_chip(image: &OnChip, system: impl Fn() -> System) -> SideBySide {
    on_both(image, &Allowed::on(Tolerance::RP2040), system).found
}

/// The same, saying what may differ.
///
/// # Panics
/// As [`same_on_chip`].
#[must_use]
pub fn on_both(image: &OnChip, allowed: &Allowed, system: impl Fn() -> System) -> Both {
    let (on_chip, mut chip) = match system().run_on_chip(image) {
        Ok(ran) => ran,
        Err(error) => panic!("{error}"),
    };
    if let Some(error) = chip.failed() {
        panic!("{error}");
    }
    let mishaps: Vec<&Event> = chip.mishaps().iter().collect();
    assert!(mishaps.is_empty(), "on the chip: {mishaps:?}");
    let counted = chip.bench().counters().unwrap_or_else(|error| panic!("{error}"));
    let reads: Vec<_> = counted.iter().filter(|(name, _)| name == "reads_flash").collect();
    assert!(reads.is_empty(), "an upper level reads the flash: {reads:?}");
    for (pin, sound) in chip.sounds() {
        println!("  pin {pin} sounded at {} mHz, up to {} of 1022 wide", sound.frequency_mhz, sound.widths.1);
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
    let (simulated, on_chip) = (simulated.session(), on_chip.session());
    let found = side_by_side(&simulated, &on_chip, sample_us, allowed, |_| false);
    Both { simulated, on_chip, found }
}
