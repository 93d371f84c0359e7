//! One scene: a program on the chip, an animal that presses at random phases, a load, and what is measured of it. Owns what
//! counts as an answer and as a failure.

use std::panic::AssertUnwindSafe;

use assembler::Assembly;
use compiler::cost;
use emulated::{EmulatedRig, FineEdge};
use harness::{OnChip, System, generated};
use link::program::Program;
use link::record::Record;
use link::rig::ANALOG_MAX;
use link::{EndReason, LineId, Micros};
use sim::animal::{Scripted, Tap};
use sim::random::Dice;

use crate::programs::{ANALOG, Around, CROSSING, LAMP_PIN, LEVER, LEVER_PIN, TOGETHER, WATER_PIN};
use crate::table::{Aim, Meanwhile, Row};

/// When the first press comes, in µs after the start: the controller has heard of the start by then.
const SETTLED_US: u64 = 200_000;
/// The closest two edges of a noisy line come, and how far apart they are on average, in µs: 200 a second.
const CLOSEST_US: f64 = 100.0;
const NOISE_US: f64 = 5_000.0;
/// How often an analog line of a loaded box sets out for another place, and how long it is on its way, in µs.
const TRAVEL_EVERY_US: u64 = 100_000;
const TRAVEL_US: u64 = 80_000;

/// A program on the chip.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) image: OnChip,
    pub(crate) name: &'static str,
    pub(crate) assembly: Assembly,
    pub(crate) around: Around,
    pub(crate) loaded: bool,
}

/// What was measured of it.
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    pub(crate) meanwhile: Meanwhile,
}

/// What ran.
struct Ran {
    rig: EmulatedRig,
    edges: Vec<FineEdge>,
    records: Vec<(Micros, Record)>,
    meanwhile: Meanwhile,
    failures: Vec<String>,
}

impl Ran {
    fn rows(self, mut rows: Vec<Row>) -> Measured {
        let lost = self.meanwhile.touched.abs_diff(self.meanwhile.recorded);
        rows.iter_mut().for_each(|row| row.lost = lost);
        if let Some(row) = rows.first_mut() {
            row.failures.extend(self.failures);
        }
        Measured { rows, meanwhile: self.meanwhile }
    }
}

impl Scene {
    pub(crate) fn new(image: &OnChip, name: &'static str, assembly: Assembly) -> Self {
        let image = OnChip { phases: true, notices: false, ..image.timing_steps() };
        Self { image, name, assembly, around: Around::Usual, loaded: false }
    }

    /// Two inputs with 200 edges a second each, at random, and two analog lines that move.
    pub(crate) fn loaded(self) -> Self {
        Self { loaded: true, ..self }
    }

    pub(crate) fn within(self, around: Around) -> Self {
        Self { around, ..self }
    }

    pub(crate) fn without_cache(mut self) -> Self {
        self.image.cache = false;
        self
    }

    /// Measures; a scene that cannot be played is a row that failed, and the others are still measured.
    pub(crate) fn play(&self, measure: impl FnOnce(&Self) -> Measured) -> Measured {
        std::panic::catch_unwind(AssertUnwindSafe(|| measure(self))).unwrap_or_else(|_| {
            let mut row = Row::new(self.name, "");
            row.failures.push(format!("{}: it could not be played, see above", self.name));
            Measured { rows: vec![row], meanwhile: Meanwhile { name: self.name, ..Meanwhile::default() } }
        })
    }

    /// The load until then.
    fn noise(&self, until_us: u64) -> Vec<Tap> {
        let mut dice = Dice::new(7, self.name);
        let mut taps = Vec::new();
        for line in self.around.noisy() {
            let (mut at, mut active) = (SETTLED_US as f64, false);
            while at < until_us as f64 {
                at += CLOSEST_US - (1.0 - dice.unit()).ln() * (NOISE_US - CLOSEST_US);
                active = !active;
                taps.push(Tap::new(at as u64, line, active));
            }
        }
        for line in ANALOG {
            for at in (SETTLED_US..until_us).step_by(TRAVEL_EVERY_US as usize) {
                taps.push(Tap::travel(at, line, dice.below(ANALOG_MAX.unsigned_abs().into()) as i32, TRAVEL_US));
            }
        }
        taps
    }

    fn run(&self, mut taps: Vec<Tap>, until_us: u64) -> Ran {
        if self.loaded {
            taps.extend(self.noise(until_us));
        }
        let image = self.assembly.image().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut system = System::bare(generated(image, self.around.rig(self.loaded)), Box::new(Scripted::new(taps)), 1);
        system.stop_after_us = Some(until_us + 50_000);
        let (outcome, mut rig) =
            system.run_on_chip(&self.image).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut failures: Vec<String> =
            rig.mishaps().iter().map(|mishap| format!("{}: {mishap:?}", self.name)).collect();
        match &outcome.result {
            // It was asked to, when all had been done.
            Ok(ended) if ended.reason == EndReason::Stopped => {}
            Ok(ended) => failures.push(format!("{}: it ended by itself: {:?}", self.name, ended.reason)),
            Err(error) => failures.push(format!("{}: {error}", self.name)),
        }
        let records: Vec<(Micros, Record)> = outcome.session().records().map(|(_, at, record)| (at, record)).collect();
        let recorded = records.iter().filter(|(_, record)| matches!(record, Record::Input { .. })).count() as u64;
        let touched = rig.touches().len() as u64;
        if recorded != touched {
            let of = |line: LineId| {
                records.iter().filter(|(_, r)| matches!(r, Record::Input { line: l, .. } if *l == line)).count()
            };
            let lines = self.around.rig(self.loaded).lines;
            let told: Vec<String> = (0_u8..)
                .zip(&lines)
                .map(|(n, line)| (n, rig.touches().iter().filter(|touch| touch.pin == line.pin).count(), of(LineId(n))))
                .filter(|(_, pads, of)| pads != of)
                .map(|(n, pads, of)| format!("line {n}: {pads} at the pad, {of} recorded"))
                .collect();
            failures.push(format!(
                "{}: {touched} edges came, {recorded} were recorded; {}",
                self.name,
                told.join("; ")
            ));
        }
        let mut meanwhile = Meanwhile { name: self.name, touched, recorded, counted: Vec::new() };
        for (name, value) in rig.bench().counters().unwrap_or_default() {
            match value.parse() {
                Ok(value) => meanwhile.counted.push((name, value)),
                Err(_) if name == "reads_flash" => {
                    failures.push(format!("{}: an upper level reads the flash in {value}", self.name));
                }
                Err(_) => {}
            }
        }
        self.bound(&mut meanwhile, &mut failures);
        let edges = rig.take_fine();
        Ran { rig, edges, records, meanwhile, failures }
    }

    /// What the compiler says a step may take, beside what the longest took; a step that took more is a failure.
    fn bound(&self, meanwhile: &mut Meanwhile, failures: &mut Vec<String>) {
        let words = self.assembly.image().unwrap_or_default();
        let Ok(program) = Program::open(&words) else { return };
        let bound = cost::bound(&program, &self.around.rig(self.loaded));
        let longest = meanwhile.value("lap_cycles").unwrap_or(0);
        if longest > bound.together {
            failures.push(format!("{}: a step took {longest} cycles; {} is its bound", self.name, bound.together));
        }
        let holds = if longest <= bound.one.cycles { bound.one.cycles } else { bound.together };
        let share = holds * 100 / longest.max(1);
        let told = [("bound_cycles", bound.one.cycles), ("bound_together_cycles", bound.together), ("share", share)];
        meanwhile.counted.extend(told.map(|(name, value)| (name.to_owned(), value)));
    }

    fn presses(&self, period_us: u64, presses: usize) -> (Vec<Tap>, u64) {
        let mut dice = Dice::new(3, self.name);
        let mut taps = Vec::new();
        let mut at = SETTLED_US;
        for _ in 0..presses {
            for active in [true, false] {
                at += period_us / 2 + dice.below(20);
                taps.push(Tap::new(at, LEVER, active));
            }
        }
        (taps, at)
    }

    /// Until a time, with nothing from outside: how many records the fullest microsecond holds.
    pub(crate) fn undisturbed(&self, until_us: u64) -> Measured {
        let ran = self.run(Vec::new(), until_us);
        let start = ran.records.first().map_or(0, |(at, _)| *at);
        let later = ran.records.iter().filter(|(at, _)| *at > start);
        let mut count = std::collections::BTreeMap::new();
        later.for_each(|(at, _)| *count.entry(*at).or_insert(0) += 1);
        let most = count.into_values().max().unwrap_or(0);
        ran.rows(vec![Row::new(self.name, "records of one microsecond").counted(most)])
    }

    /// From the lever's edge to the lamp's.
    pub(crate) fn answers(&self, period_us: u64, presses: usize, rises_only: bool, aims: &[Aim]) -> Measured {
        let (taps, until_us) = self.presses(period_us, presses);
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
        ran.rows(vec![Row::new(self.name, "edge to edge").aiming(aims).with(latencies)])
    }

    /// From the lever's edge to the lamp's, of presses at any moment of a trial. One that comes when nobody listens lights no
    /// lamp and is left out, so every lamp belongs to the last press before it.
    pub(crate) fn any_moment(&self, presses: usize, aims: &[Aim]) -> Measured {
        let mut dice = Dice::new(5, self.name);
        let (mut at, mut taps) = (SETTLED_US, Vec::new());
        for _ in 0..presses {
            at += 400 + dice.below(2_600);
            taps.extend([Tap::new(at, LEVER, true), Tap::new(at + 250, LEVER, false)]);
        }
        let ran = self.run(taps, at + 1_000);
        let touches = ran.rig.touches().iter().filter(|touch| touch.pin == LEVER_PIN && touch.high);
        let pressed: Vec<u64> = touches.map(|touch| touch.at_ns).collect();
        let lit = ran.edges.iter().filter(|edge| edge.pin == LAMP_PIN && edge.high).map(|edge| edge.at_ns);
        let latencies = lit.filter_map(|lit| {
            let before = pressed.partition_point(|at| *at <= lit).checked_sub(1)?;
            pressed.get(before).map(|at| lit - at)
        });
        let latencies = latencies.collect();
        ran.rows(vec![Row::new(self.name, "edge to edge").aiming(aims).with(latencies)])
    }

    /// From the first to the last of outputs switched in one step.
    pub(crate) fn skew(&self, period_us: u64, presses: usize, aims: &[Aim]) -> Measured {
        let (taps, until_us) = self.presses(period_us, presses);
        let mut ran = self.run(taps, until_us);
        let mut skews = Vec::new();
        let mut rest = ran.edges.as_slice();
        for touch in ran.rig.touches() {
            rest = &rest[rest.partition_point(|edge| edge.at_ns < touch.at_ns)..];
            let moved = rest.partition_point(|edge| edge.at_ns < touch.at_ns + period_us * 400);
            match rest.get(..moved) {
                Some([first, .., last]) if moved == TOGETHER => skews.push(last.at_ns - first.at_ns),
                _ => ran.failures.push(format!("{}: {moved} of {TOGETHER} outputs moved", self.name)),
            }
        }
        ran.rows(vec![Row::new(self.name, "first to last").aiming(aims).with(skews)])
    }

    /// How far widths and periods of pulses are off, and where each stands if the first stands right.
    pub(crate) fn pulses(&self, width_us: u64, period_us: u64, count: u64, aims: &[Aim]) -> Measured {
        let mut ran = self.run(Vec::new(), SETTLED_US + count * period_us);
        let edges: Vec<&FineEdge> = ran.edges.iter().filter(|edge| edge.pin == WATER_PIN).collect();
        let rises: Vec<u64> = edges.iter().filter(|edge| edge.high).map(|edge| edge.at_ns).collect();
        // The last may have been cut by the end of the session.
        let pairs = edges.windows(2).filter(|pair| pair[0].high).take(rises.len().saturating_sub(1));
        let widths = pairs.map(|pair| (pair[1].at_ns - pair[0].at_ns).abs_diff(width_us * 1_000)).collect();
        let periods = rises.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(period_us * 1_000)).collect();
        let first = rises.first().copied().unwrap_or(0);
        let places = rises.iter().enumerate();
        let drift = places.map(|(n, at)| (at - first).abs_diff(n as u64 * period_us * 1_000)).collect();
        if (rises.len() as u64) < count {
            ran.failures.push(format!("{}: {} pulses of {count}", self.name, rises.len()));
        }
        let row = |what, values| Row::new(self.name, what).aiming(aims).with(values);
        let rows =
            vec![row("width error", widths), row("period error", periods), row("place against the first", drift)];
        ran.rows(rows)
    }

    /// Two trains that cross, the lever in between: how far edges are off their grid, pulses off their width, and records
    /// off what happened at the pins.
    pub(crate) fn crossing(&self, period_us: u64, presses: usize, aims: &[Aim]) -> Measured {
        let (taps, until_us) = self.presses(period_us, presses);
        let ran = self.run(taps, until_us);
        let zero = ran.rig.device_zero_ns();
        let off = |at: Micros, fine_ns: u64| (zero + at * 1_000).abs_diff(fine_ns);
        let (mut off_grid, mut off_width, mut off_record) = (Vec::new(), Vec::new(), Vec::new());
        for (line, pin, width_us, period_us) in CROSSING {
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
            off_record.extend(told.zip(&edges).map(|((at, _), edge)| off(*at, edge.at_ns)));
        }
        let touches = ran.rig.touches().iter().filter(|touch| touch.pin == LEVER_PIN);
        let told =
            ran.records.iter().filter(|(_, record)| matches!(record, Record::Input { line, .. } if *line == LEVER));
        let off_stamp = told.zip(touches).map(|((at, _), touch)| off(*at, touch.at_ns)).collect();
        let row = |what, values| Row::new(self.name, what).aiming(aims).with(values);
        let rows = vec![
            row("edge off its grid", off_grid),
            row("width error", off_width),
            row("record to edge", off_record),
            row("stamp to touch", off_stamp),
        ];
        ran.rows(rows)
    }

    /// Whether every event came through the link: as many as fell due, in order, each burst at its time.
    pub(crate) fn events(&self, burst: u16, every_us: u64, seconds: u64, aims: &[Aim]) -> Measured {
        let mut ran = self.run(Vec::new(), SETTLED_US + seconds * 1_000_000);
        let raised: Vec<(Micros, u16)> = ran
            .records
            .iter()
            .filter_map(|(at, record)| match record {
                Record::Event(event) => Some((*at, event.0)),
                _ => None,
            })
            .collect();
        let (zero, first) = raised.first().copied().unwrap_or((0, 0));
        let end = ran.records.last().map_or(0, |(at, _)| *at);
        let fitting = raised.iter().enumerate().take_while(|(n, (at, event))| {
            let n = *n as u64;
            *at == zero + n / u64::from(burst) * every_us && *event == first + (n % u64::from(burst)) as u16
        });
        let (fitting, due) = (fitting.count() as u64, ((end - zero) / every_us + 1) * u64::from(burst));
        let in_us = raised.len() as u64 / u64::from(burst) * every_us;
        // The session may end in the very µs of a burst, before it.
        let whole = [due, due - u64::from(burst)].contains(&(raised.len() as u64));
        if fitting < raised.len() as u64 || !whole || in_us < seconds * 1_000_000 {
            let told = raised.len();
            ran.failures.push(format!("{}: {told} events of {due}, the first {fitting} as they should be", self.name));
        }
        ran.rows(vec![Row::new(self.name, "events recorded").aiming(aims).counting(raised.len() as u64, in_us)])
    }

    /// Every input at the same ns: how far apart their stamps are.
    pub(crate) fn at_once(&self, every_us: u64, times: usize, aims: &[Aim]) -> Measured {
        let taps = (0..times as u64)
            .flat_map(|n| self.around.inputs().map(move |line| Tap::new(SETTLED_US + n * every_us, line, n % 2 == 0)));
        let ran = self.run(taps.collect(), SETTLED_US + times as u64 * every_us);
        let stamps: Vec<Micros> = ran
            .records
            .iter()
            .filter_map(|(at, record)| matches!(record, Record::Input { .. }).then_some(*at))
            .collect();
        let all = self.around.inputs().count();
        let apart = stamps.chunks(all).map(|stamps| {
            let (first, last) = (stamps.iter().min(), stamps.iter().max());
            last.zip(first).map_or(u64::MAX, |(last, first)| (last - first) * 1_000)
        });
        let row = Row::new(self.name, "between their stamps").aiming(aims).with(apart.collect());
        ran.rows(vec![row])
    }
}
