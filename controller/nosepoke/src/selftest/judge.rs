//! What the journal of a try shows: passed, or failed and why. Looks at what was given to the program (edges, inputs,
//! verdicts, trips), never at what the program meant to do.

use compiler::Symbols;
use journal::Session;
use link::samples::SampleBlock;
use link::{EndReason, LineId, Micros, Record, TripCause};
use report::causes;

use super::{How, Try};

/// How far a pulse may be from its width, in µs.
const WIDTH_OFF_US: u64 = 100;
/// How far an analog line must have moved, in raw values: a fiftieth of its range.
const MOVED_RAW: i32 = 82;
/// How far a wheel must have turned, in counts.
const MOVED_COUNTS: i32 = 4;

/// The kind of input that may be active beforehand.
const KEY: &str = "arm_key";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whether it passed.
    pub passed: bool,
    /// What there is to say, as a sentence without its stop.
    pub detail: String,
    /// The times of a loop-back, if it is one.
    pub times: Option<Times>,
}

/// How long a loop-back took: from the stamp of the input's edge to the edge at the output that answers it. Times in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Times {
    /// Calls that were answered.
    pub answered: u32,
    /// Calls that were not.
    pub unanswered: u32,
    /// Half of the answers took no longer.
    pub median_us: u64,
    /// Of a thousand answers one took longer.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
    /// The longest from the output's edge to the stamp of the input's: wire, filter and stamp.
    pub wire_max_us: u64,
}

/// What a journal shows of a try.
#[must_use]
pub fn judge(tried: &Try, session: &Session) -> Found {
    let records: Vec<(Micros, Record)> = session.records().map(|(_, at, record)| (at, record)).collect();
    let symbols: Symbols = postcard::from_bytes(&session.header.symbols).unwrap_or_default();
    let seen = Seen { records, symbols };
    match &tried.how {
        How::On { width_us, sensed, .. } => {
            seen.on(&tried.line, *width_us, sensed.as_ref().map(|(name, _)| name.as_str()))
        }
        How::Sound { width_us, .. } => seen.on(&tried.line, *width_us, None),
        How::Touched { .. } => seen.touched(&tried.line, &tried.kind),
        How::Moved => seen.moved(&tried.line, &tried.kind),
        How::Stopped => seen.stopped(),
        How::Released => seen.released(),
        How::Looped { input, edges, .. } => seen.looped(&tried.line, input, *edges),
    }
}

fn passed(detail: impl Into<String>) -> Found {
    Found { passed: true, detail: detail.into(), times: None }
}

fn failed(detail: impl Into<String>) -> Found {
    Found { passed: false, detail: detail.into(), times: None }
}

struct Seen {
    records: Vec<(Micros, Record)>,
    symbols: Symbols,
}

impl Seen {
    fn line(&self, name: &str) -> Option<LineId> {
        let place = self.symbols.lines.iter().position(|line| line.name == name)?;
        u8::try_from(place).ok().map(LineId)
    }

    fn end(&self) -> Option<EndReason> {
        self.records.iter().rev().find_map(|(_, record)| match record {
            Record::End(reason) => Some(*reason),
            _ => None,
        })
    }

    /// Why the run did not come to the end its protocol has, if it did not.
    fn broken_off(&self) -> Option<Found> {
        match self.end() {
            Some(EndReason::Condition(_)) => None,
            Some(EndReason::Stopped) => Some(failed("it was stopped")),
            Some(EndReason::Tripped(cause)) => Some(failed(format!(
                "trip: {}; {}",
                causes::trip_cause(&self.symbols, cause),
                causes::trip_advice(&self.symbols, cause)
            ))),
            Some(other) => Some(failed(format!("it ended early: {}", causes::end_reason(&self.symbols, other)))),
            None => Some(failed("its records have no end")),
        }
    }

    fn edges(&self, line: LineId) -> Vec<(bool, Micros)> {
        let mut edges: Vec<(bool, Micros)> = self
            .records
            .iter()
            .filter_map(|(at, record)| match record {
                Record::Edge { line: of, on } if *of == line => Some((*on, *at)),
                _ => None,
            })
            .collect();
        edges.sort_by_key(|(_, at)| *at);
        edges
    }

    fn inputs(&self, line: LineId) -> impl Iterator<Item = (bool, Micros)> {
        self.records.iter().filter_map(move |(at, record)| match record {
            Record::Input { line: of, active, late_us } if *of == line => {
                Some((*active, at.saturating_sub((*late_us).into())))
            }
            _ => None,
        })
    }

    fn on(&self, name: &str, width_us: u32, sensor: Option<&str>) -> Found {
        let Some(line) = self.line(name) else { return failed("the run knew no such line") };
        if let Some(found) = self.broken_off() {
            return found;
        }
        let verdict = self.records.iter().find_map(|(_, record)| match record {
            Record::Verdict { line: of, verdict } if *of == line => Some(*verdict),
            _ => None,
        });
        if let Some(verdict) = verdict {
            return failed(format!("the interlock did not let it: {}", causes::verdict_name(verdict)));
        }
        let edges = self.edges(line);
        let &[(true, rise), (false, fall)] = edges.as_slice() else {
            return failed(format!("it went on and off with {} edges instead of 2", edges.len()));
        };
        let on_us = fall.saturating_sub(rise);
        if on_us.abs_diff(width_us.into()) > WIDTH_OFF_US {
            return failed(format!("it was on for {on_us} µs instead of {width_us}"));
        }
        let on = format!("on for {:.3} ms", on_us as f64 / 1e3);
        let Some(sensor) = sensor else { return passed(on) };
        let disagreed = self.records.iter().find_map(|(_, record)| match record {
            Record::NotSensed { line: of, on } if *of == line => Some(*on),
            _ => None,
        });
        let saw = self.line(sensor).map(|sensor| self.inputs(sensor).map(|(active, _)| active).collect::<Vec<_>>());
        match (disagreed, saw.as_deref()) {
            (Some(true), _) => failed(format!("{on}, and `{sensor}` did not see it")),
            (Some(false), _) => failed(format!("`{sensor}` saw it on while it was off")),
            (None, Some([true, .., false])) => passed(format!("{on}, seen by `{sensor}`")),
            (None, _) => failed(format!("{on}, and `{sensor}` saw no more of it than its limits forgive")),
        }
    }

    fn touched(&self, name: &str, kind: &str) -> Found {
        if let Some(found) = self.broken_off() {
            return found;
        }
        let Some(line) = self.line(name) else { return failed("the run knew no such line") };
        let levels = self.records.iter().find_map(|(_, record)| match record {
            Record::Start { levels, .. } => Some(*levels),
            _ => None,
        });
        // A key may have been turned before.
        if kind != KEY && levels.unwrap_or(0) & line.bit() != 0 {
            return failed("it was active before anybody touched it: look at its polarity, its pull, and for a short");
        }
        let mut inputs = self.inputs(line).skip_while(|(active, _)| !active);
        match (inputs.next(), inputs.find(|(active, _)| !active)) {
            (Some((_, on)), Some((_, off))) => {
                passed(format!("active for {:.1} ms", off.saturating_sub(on) as f64 / 1e3))
            }
            (Some(_), None) => failed("it became active and stayed so: let go, or look for a short"),
            (None, _) => failed("nothing was seen: look at its wire, its pull and its polarity"),
        }
    }

    fn moved(&self, name: &str, kind: &str) -> Found {
        if let Some(found) = self.broken_off() {
            return found;
        }
        let Some(line) = self.line(name) else { return failed("the run knew no such line") };
        let blocks = self.records.iter().filter_map(|(_, record)| match record {
            Record::Samples { line: of, block } if *of == line => Some(block),
            _ => None,
        });
        let samples: Vec<i32> = blocks.flat_map(SampleBlock::samples).collect();
        let (Some(low), Some(high)) = (samples.iter().min(), samples.iter().max()) else {
            return failed("nothing was sampled");
        };
        let (least, range) = (if kind == "encoder" { MOVED_COUNTS } else { MOVED_RAW }, high.saturating_sub(*low));
        match range >= least {
            true => passed(format!("moved from {low} to {high} (raw)")),
            false => failed(format!("it stayed between {low} and {high} (raw): look at its supply and its wire")),
        }
    }

    fn stopped(&self) -> Found {
        match self.end() {
            Some(EndReason::Tripped(TripCause::EmergencyStop)) => passed("it trips"),
            Some(EndReason::Condition(_)) => failed("it was not seen to open"),
            _ => self.broken_off().unwrap_or_else(|| failed("the run ended otherwise")),
        }
    }

    fn released(&self) -> Found {
        self.broken_off().unwrap_or_else(|| passed("released, and a session begins again"))
    }

    fn looped(&self, output: &str, input: &str, edges: u32) -> Found {
        if let Some(found) = self.broken_off() {
            return found;
        }
        let (Some(output), Some(input)) = (self.line(output), self.line(input)) else {
            return failed("the run knew no such line");
        };
        let (mut answers, mut wires) = (Vec::new(), Vec::new());
        let mut stamps = self.inputs(input).filter(|(active, _)| *active).map(|(_, at)| at).peekable();
        for pair in self.edges(output).chunks(2) {
            let &[(true, rise), (false, fall)] = pair else { continue };
            // The stamp that lies within this call.
            while stamps.next_if(|at| *at < rise).is_some() {}
            if let Some(stamp) = stamps.next_if(|at| *at <= fall) {
                answers.push(fall - stamp);
                wires.push(stamp - rise);
            }
        }
        answers.sort_unstable();
        let answered = u32::try_from(answers.len()).unwrap_or(u32::MAX);
        let part =
            |of: usize| answers.get((answers.len() * of).div_ceil(1_000).saturating_sub(1)).copied().unwrap_or(0);
        let times = Times {
            answered,
            unanswered: edges.saturating_sub(answered),
            median_us: part(500),
            p999_us: part(999),
            max_us: part(1_000),
            wire_max_us: wires.into_iter().max().unwrap_or(0),
        };
        let Times { unanswered, median_us, p999_us, max_us, .. } = times;
        let detail = match answered {
            0 => "no call was answered: look at the wire between them".to_owned(),
            _ => format!(
                "{answered} of {edges} answered; median {median_us} µs, 99.9 % within {p999_us} µs, longest {max_us} µs"
            ),
        };
        Found { passed: unanswered == 0, detail, times: Some(times) }
    }
}
