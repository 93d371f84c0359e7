//! One scene: a program on the chip, an animal that presses at random phases, a load, and what is measured of it. Owns what
//! counts as an answer and as a failure.

use std::panic::AssertUnwindSafe;

use assembler::Assembly;
use emulated::{EmulatedRig, FineEdge};
use harness::{OnChip, System, generated};
use link::record::Record;
use sim::animal::{Scripted, Tap};
use sim::random::Dice;

use crate::programs::{self, LAMP_PIN, LEVER, LEVER_PIN, NOISY, TOGETHER, WATER_PIN};
use crate::table::{Row, Spread};

/// What goes on beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Nothing.
    Idle,
    /// Two inputs with 200 edges a second each, at random.
    Poisson,
}

/// When the first press comes, in µs after the start: the controller has heard of the start by then.
const SETTLED_US: u64 = 200_000;

/// The closest two edges of one line come, in µs.
const CLOSEST_US: f64 = 100.0;

/// A program on the chip.
pub(crate) struct Scene<'a> {
    pub(crate) image: &'a OnChip,
    pub(crate) name: &'static str,
    pub(crate) assembly: Assembly,
    pub(crate) load: Load,
    pub(crate) cache: bool,
    pub(crate) all_play: bool,
}

/// What ran.
struct Ran {
    rig: EmulatedRig,
    edges: Vec<FineEdge>,
    /// With their times by the device's clock.
    records: Vec<(u64, Record)>,
    touched: usize,
    failures: Vec<String>,
    counted: Vec<(String, u64)>,
}

impl Scene<'_> {
    pub(crate) fn loaded(mut self) -> Self {
        self.load = Load::Poisson;
        self
    }

    /// Every line but the first two is an output.
    pub(crate) fn all_play(mut self) -> Self {
        self.all_play = true;
        self
    }

    pub(crate) fn without_cache(mut self) -> Self {
        self.cache = false;
        self
    }

    /// A scene that cannot be played is a row that failed; the others are still measured.
    pub(crate) fn or_failed(&self, measure: impl FnOnce(&Self) -> Row) -> Row {
        std::panic::catch_unwind(AssertUnwindSafe(|| measure(self))).unwrap_or_else(|_| {
            let failures = vec![format!("{}: it could not be played, see above", self.name)];
            Row { failures, ..self.row_of("", Vec::new()) }
        })
    }

    fn run(&self, mut taps: Vec<Tap>, until_us: u64) -> Ran {
        let mut dice = Dice::new(7, self.name);
        if self.load == Load::Poisson {
            for line in NOISY {
                let (mut at, mut active) = (SETTLED_US as f64, false);
                while at < until_us as f64 {
                    at += CLOSEST_US + -(1.0 - dice.unit()).ln() * (5_000.0 - CLOSEST_US);
                    active = !active;
                    taps.push(Tap::new(at as u64, line, active));
                }
            }
        }
        let touched = taps.len();
        let image = self.assembly.image().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut system = System::bare(generated(image, programs::rig(self.all_play)), Box::new(Scripted::new(taps)), 1);
        system.stop_after_us = Some(until_us + 50_000);
        let chip = OnChip { cache: self.cache, phases: true, ..self.image.clone() };
        let (outcome, mut rig) = system.run_on_chip(&chip).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut failures: Vec<String> =
            rig.mishaps().iter().map(|mishap| format!("{}: {mishap:?}", self.name)).collect();
        if let Err(error) = &outcome.result {
            failures.push(format!("{}: {error}", self.name));
        }
        let records: Vec<(u64, Record)> = outcome.session().records().map(|(_, at, record)| (at, record)).collect();
        let inputs = records.iter().filter(|(_, record)| matches!(record, Record::Input { .. })).count();
        if inputs != touched {
            let of = |line: u8| {
                records.iter().filter(|r| matches!(r.1, Record::Input { line: l, .. } if l.0 == line)).count()
            };
            let pads = |pin: u8| rig.touches().iter().filter(|touch| touch.pin == pin).count();
            let lines: Vec<String> = [(0, LEVER_PIN), (1, 3), (23, 28)]
                .map(|(line, pin)| format!("line {line}: {} at the pad, {} recorded", pads(pin), of(line)))
                .to_vec();
            failures.push(format!("{}: {touched} edges came, {inputs} were recorded; {}", self.name, lines.join("; ")));
        }
        let mut counted = Vec::new();
        for (name, value) in rig.bench().counters().unwrap_or_default() {
            match value.parse() {
                Ok(value) => counted.push((name, value)),
                Err(_) if name == "reads_flash" => {
                    failures.push(format!("{}: an upper level reads the flash in {value}", self.name));
                }
                Err(_) => {}
            }
        }
        let edges = rig.take_fine();
        Ran { rig, edges, records, touched, failures, counted }
    }

    fn presses(&self, period_us: u64, edges: usize) -> (Vec<Tap>, u64) {
        let mut dice = Dice::new(3, self.name);
        let mut taps = Vec::new();
        let mut at = SETTLED_US;
        for _ in 0..edges {
            for active in [true, false] {
                at += period_us / 2 + dice.below(20);
                taps.push(Tap::new(at, LEVER, active));
            }
        }
        (taps, at)
    }

    /// From the lever's edge to the lamp's.
    pub(crate) fn answers(&self, period_us: u64, edges: usize, rises_only: bool) -> Row {
        let (taps, until_us) = self.presses(period_us, edges);
        let mut ran = self.run(taps, until_us);
        let answers: Vec<&FineEdge> = ran.edges.iter().filter(|edge| edge.pin == LAMP_PIN).collect();
        let mut latencies = Vec::new();
        for touch in ran.rig.touches().iter().filter(|touch| touch.pin == LEVER_PIN && (touch.high || !rises_only)) {
            let next = answers.partition_point(|edge| edge.at_ns < touch.at_ns);
            match answers.get(next).map(|edge| edge.at_ns - touch.at_ns).filter(|ns| *ns < period_us * 500) {
                Some(ns) => latencies.push(ns),
                None => ran.failures.push(format!("{}: the edge at {} ns had no answer", self.name, touch.at_ns)),
            }
        }
        self.row(ran, "edge to edge", latencies)
    }

    /// From the first to the last of outputs switched in one step.
    pub(crate) fn skew(&self, period_us: u64, edges: usize) -> Row {
        let (taps, until_us) = self.presses(period_us, edges);
        let mut ran = self.run(taps, until_us);
        let mut skews = Vec::new();
        for touch in ran.rig.touches() {
            let near = |edge: &&FineEdge| (touch.at_ns..touch.at_ns + 100_000).contains(&edge.at_ns);
            let times: Vec<u64> = ran.edges.iter().filter(near).map(|edge| edge.at_ns).collect();
            match (times.first(), times.last()) {
                (Some(first), Some(last)) if times.len() == TOGETHER => skews.push(last - first),
                _ => ran.failures.push(format!("{}: {} of {TOGETHER} outputs moved", self.name, times.len())),
            }
        }
        self.row(ran, "first to last", skews)
    }

    /// How far widths and periods of pulses are off, and where the last pulse stands.
    pub(crate) fn pulses(&self, width_us: u64, period_us: u64, seconds: u64) -> Vec<Row> {
        let ran = self.run(Vec::new(), SETTLED_US + seconds * 1_000_000);
        let edges: Vec<&FineEdge> = ran.edges.iter().filter(|edge| edge.pin == WATER_PIN).collect();
        let rises: Vec<u64> = edges.iter().filter(|edge| edge.high).map(|edge| edge.at_ns).collect();
        // The last one is cut by the end of the session.
        let pairs = edges.windows(2).filter(|pair| pair[0].high).rev().skip(1);
        let widths = pairs.map(|pair| (pair[1].at_ns - pair[0].at_ns).abs_diff(width_us * 1_000)).collect();
        let periods = rises.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(period_us * 1_000)).collect();
        let first = rises.first().copied().unwrap_or(0);
        let places = rises.iter().enumerate();
        let drift = places.map(|(n, at)| (at - first).abs_diff(n as u64 * period_us * 1_000)).collect();
        let failures = ran.failures.clone();
        let row = |what, values| Row { failures: Vec::new(), ..self.row_of(what, values) };
        let mut rows =
            vec![row("width error", widths), row("period error", periods), row("drift from the first", drift)];
        rows[0].failures = failures;
        rows
    }

    /// Two trains that cross, the lever in between: how far edges are off their grid, pulses off their width, and records
    /// off what happened at the pins.
    pub(crate) fn crossing(&self, period_us: u64, edges: usize) -> Vec<Row> {
        let (taps, until_us) = self.presses(period_us, edges);
        let ran = self.run(taps, until_us);
        let zero = ran.rig.device_zero_ns();
        let (mut off_grid, mut off_width, mut off_record) = (Vec::new(), Vec::new(), Vec::new());
        for (line, pin, width_us, period_us) in programs::CROSSING {
            let edges: Vec<&FineEdge> = ran.edges.iter().filter(|edge| edge.pin == pin).collect();
            let rises = edges.iter().filter(|edge| edge.high).map(|edge| edge.at_ns);
            let first = rises.clone().next().unwrap_or(0);
            off_grid.extend((0..).zip(rises).map(|(n, at)| (at - first).abs_diff(n * u64::from(period_us) * 1_000)));
            // The last one is cut by the end of the session.
            let pulses = edges.windows(2).filter(|pair| pair[0].high).rev().skip(1);
            off_width.extend(pulses.map(|pair| (pair[1].at_ns - pair[0].at_ns).abs_diff(u64::from(width_us) * 1_000)));
            let told = ran
                .records
                .iter()
                .filter(|(_, record)| matches!(record, Record::Edge { line: of, .. } if of.0 == line));
            off_record.extend(told.zip(&edges).map(|((at, _), edge)| (zero + at * 1_000).abs_diff(edge.at_ns)));
        }
        let touches = ran.rig.touches().iter().filter(|touch| touch.pin == LEVER_PIN);
        let told =
            ran.records.iter().filter(|(_, record)| matches!(record, Record::Input { line, .. } if *line == LEVER));
        let off_stamp = told.zip(touches).map(|((at, _), touch)| (zero + at * 1_000).abs_diff(touch.at_ns)).collect();
        let mut rows = vec![
            self.row_of("edge off its grid", off_grid),
            self.row_of("width error", off_width),
            self.row_of("record to edge", off_record),
        ];
        rows.push(self.row(ran, "stamp to touch", off_stamp));
        rows
    }

    /// Whether every event came through the link, in order.
    pub(crate) fn events(&self, events: u16, every_us: u64, seconds: u64) -> Row {
        let mut ran = self.run(Vec::new(), SETTLED_US + seconds * 1_000_000);
        let raised: Vec<u16> = ran
            .records
            .iter()
            .filter_map(|(_, record)| match record {
                Record::Event(event) => Some(event.0),
                _ => None,
            })
            .collect();
        let first = raised.first().copied().unwrap_or(0);
        let in_order = raised.iter().enumerate().all(|(n, event)| *event == first + (n % usize::from(events)) as u16);
        let expected = (SETTLED_US + seconds * 1_000_000) / every_us * u64::from(events);
        if !in_order || (raised.len() as u64) < expected {
            ran.failures.push(format!(
                "{}: {} events of at least {expected}, in order: {in_order}",
                self.name,
                raised.len()
            ));
        }
        let mut row = self.row(ran, "events in order", Vec::new());
        row.counted.push(("events".to_owned(), raised.len() as u64));
        row
    }

    fn row(&self, ran: Ran, what: &'static str, values: Vec<u64>) -> Row {
        let mut row = self.row_of(what, values);
        row.failures = ran.failures;
        row.counted = ran.counted;
        row.counted.push(("inputs".to_owned(), ran.touched as u64));
        row
    }

    fn row_of(&self, what: &'static str, values: Vec<u64>) -> Row {
        Row { name: self.name.to_owned(), what, spread: Spread::of(values), counted: Vec::new(), failures: Vec::new() }
    }
}
