//! What happened, as the device tells it.
//!
//! A session is one ordered stream of records. **Given** records are what came from outside the program: inputs as
//! handled, outside values, interlock verdicts, measured edges, what was late or lost. **Derived** records are what the
//! program made of them: transitions, draws, output requests. `replay` feeds the given and must get the derived again,
//! byte for byte.
//!
//! A record's time is stored as its signed distance from the record before it, so a stream says nothing of when its
//! session began: that stands beside it, once.

mod bytes;

use serde::{Deserialize, Serialize};

use crate::samples::SampleBlock;
use crate::vocabulary::{
    DisarmCause, DrawId, EndReason, EventId, Fault, InvariantId, LineId, Micros, OutcomeId, RegionId, StateId,
    TripCause, VariableId, Verdict,
};

/// One record and how long after the record before it (µs; an edge that was measured before its record was written lies
/// behind it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Distance from the record before, in µs.
    pub since_us: i64,
    /// What happened.
    pub record: Record,
}

/// The longest an [`Entry`] can be in bytes, tested.
pub const ENTRY_BYTES_MAX: usize = 64;

/// A pulse train or a single pulse, in whole microseconds: `delay`, then `count` pulses of `width`, one every `period`.
/// A carrier makes each pulse a burst of sound instead of a level, or one at a power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Train {
    /// From the request to the first edge.
    pub delay_us: u32,
    /// How long each pulse is on.
    pub width_us: u32,
    /// From one rising edge to the next; of no meaning for a single pulse.
    pub period_us: u32,
    /// How many pulses; at least 1.
    pub count: u32,
    /// What is modulated, if the line is a speaker or the pulses have a power.
    pub carrier: Option<Carrier>,
}

/// What a sound is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wave {
    /// A pure tone.
    Sine {
        /// Frequency in mHz.
        frequency_mhz: u32,
    },
    /// White noise.
    Noise,
    /// No sound but a power, as a powered line carries it. The rest of the carrier is 0.
    Power {
        /// In millionths of full power, as asked for: one that no line can have is refused by the interlock.
        power_ppm: i32,
    },
    /// No sound but a power that changes by the same step from each pulse to the next. That of the first pulse stands in the
    /// place of the level, in millionths of full power; the rest of the carrier is 0.
    Ramp {
        /// What each pulse adds to the power of the one before, in millionths of full power.
        step_ppm: i32,
    },
    /// No sound: the pulses come in bursts. `count` is that of all pulses, `period` lies between those of a burst. Their power,
    /// if one is stated, stands in the place of the level; the rest of the carrier is 0.
    Bursts {
        /// Pulses of a burst; more than `count` is one burst.
        pulses: u16,
        /// From the first rise of a burst to that of the next.
        interval_us: u32,
        /// Whether a power is stated.
        powered: bool,
    },
    /// No sound: each pulse has its own width and distance to the next, which stand in the program ([`crate::pulses`]). `width`
    /// is that of the longest, `period` lies between the first rise and the last fall. Their power as with bursts.
    List {
        /// The place of the first pulse.
        first: u16,
        /// The shortest time off between two of them; of no meaning for a single one.
        gap_us: u32,
        /// Whether a power is stated.
        powered: bool,
    },
    /// A pure tone that glides from one frequency to another within each pulse.
    Sweep {
        /// Where it begins, in mHz.
        from_mhz: u32,
        /// How far it goes, in octaves / [`OCTAVE`].
        octaves: i16,
        /// Whether it goes through as many octaves in each part of its time; else through as many Hz.
        logarithmic: bool,
    },
}

/// Parts an octave is counted in; one of them is 0.017 % of a frequency.
pub const OCTAVE: i16 = 4_096;

/// A sound, as a speaker line carries it, or a power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// What it is made of.
    pub wave: Wave,
    /// Level in hundredths of a dB SPL, as asked for.
    pub level_cdb: i32,
    /// The fraction of the speaker's full scale that gives this level by the line's calibration, in 1/65535.
    pub amplitude: u16,
    /// Length of the rising and falling ramp in µs.
    pub ramp_us: u32,
}

impl Train {
    /// A single pulse of `width_us`, at once.
    #[must_use]
    pub const fn pulse(width_us: u32) -> Self {
        Self { delay_us: 0, width_us, period_us: width_us, count: 1, carrier: None }
    }

    /// The same train with pulses at a power; one whose power changes from pulse to pulse begins there.
    #[must_use]
    pub const fn at_power(self, power_ppm: i32) -> Self {
        let (wave, level_cdb) = match self.carrier {
            Some(Carrier { wave: Wave::Bursts { pulses, interval_us, .. }, .. }) => {
                (Wave::Bursts { pulses, interval_us, powered: true }, power_ppm)
            }
            Some(Carrier { wave: Wave::List { first, gap_us, .. }, .. }) => {
                (Wave::List { first, gap_us, powered: true }, power_ppm)
            }
            Some(Carrier { wave: wave @ Wave::Ramp { .. }, .. }) => (wave, power_ppm),
            _ => (Wave::Power { power_ppm }, 0),
        };
        Self { carrier: Some(Carrier { level_cdb, ..Carrier::silent(wave) }), ..self }
    }

    /// The power of its first pulse, if one is stated.
    #[must_use]
    pub const fn power_ppm(&self) -> Option<i32> {
        let Some(Carrier { wave, level_cdb, .. }) = self.carrier else { return None };
        match wave {
            Wave::Power { power_ppm } => Some(power_ppm),
            Wave::Ramp { .. } | Wave::Bursts { powered: true, .. } | Wave::List { powered: true, .. } => {
                Some(level_cdb)
            }
            _ => None,
        }
    }

    /// The power of its last pulse, if one is stated: that of the first but for a ramp.
    #[must_use]
    pub const fn last_power_ppm(&self) -> Option<i32> {
        match self.carrier {
            Some(Carrier { wave: Wave::Ramp { step_ppm }, level_cdb, .. }) => {
                let steps = self.count.saturating_sub(1);
                let steps = if steps > i32::MAX as u32 { i32::MAX } else { steps.cast_signed() };
                Some(level_cdb.saturating_add(step_ppm.saturating_mul(steps)))
            }
            _ => self.power_ppm(),
        }
    }

    /// Whether its pulses are sounds.
    #[must_use]
    pub const fn sounds(&self) -> bool {
        matches!(self.carrier, Some(Carrier { wave: Wave::Sine { .. } | Wave::Noise | Wave::Sweep { .. }, .. }))
    }

    /// The shortest time off between two of its pulses, in µs; [`u32::MAX`] for a single pulse.
    #[must_use]
    #[inline(always)]
    pub const fn least_gap_us(&self) -> u32 {
        let between = self.period_us.saturating_sub(self.width_us);
        match self.carrier {
            _ if self.count <= 1 => u32::MAX,
            Some(Carrier { wave: Wave::List { gap_us, .. }, .. }) => gap_us,
            Some(Carrier { wave: Wave::Bursts { pulses, interval_us, .. }, .. }) => {
                let more = (pulses as u32).saturating_sub(1);
                let burst_us = self.period_us.saturating_mul(more).saturating_add(self.width_us);
                let pause_us = interval_us.saturating_sub(burst_us);
                if more == 0 || pause_us < between { pause_us } else { between }
            }
            _ => between,
        }
    }

    /// How near its pulses come to one another, in µs: a period, or less where they lie unevenly.
    #[must_use]
    pub const fn nearest_us(&self) -> u32 {
        match self.carrier {
            Some(Carrier { wave: Wave::Bursts { .. } | Wave::List { .. }, .. }) => {
                let gap_us = self.least_gap_us();
                if gap_us < self.period_us { gap_us } else { self.period_us }
            }
            _ => self.period_us,
        }
    }

    /// The longest it is on within any window of that length, in µs. Never too little: of bursts as if all pulses came as near as
    /// any two do, of a list as if all were near and the longest. Its pulses do not touch.
    #[must_use]
    #[inline(always)]
    pub const fn most_on_within_us(&self, window_us: u32) -> u32 {
        const fn least(one: u32, other: u32) -> u32 {
            if one < other { one } else { other }
        }
        let Self { width_us: width, count, .. } = *self;
        if let Some(Carrier { wave: Wave::List { .. }, .. }) = self.carrier {
            return least(width.saturating_mul(count), window_us);
        }
        // From one rise to the next, where they lie nearest: the pause behind a burst may be shorter than those within.
        let apart = match self.carrier {
            Some(Carrier { wave: Wave::Bursts { .. }, .. }) => width.saturating_add(self.least_gap_us()),
            _ => self.period_us,
        };
        if count <= 1 || apart == 0 {
            return if count == 0 { 0 } else { least(width, window_us) };
        }
        let whole = window_us / apart;
        let rest = window_us.saturating_sub(whole.saturating_mul(apart));
        let even = if whole >= count {
            width.saturating_mul(count)
        } else {
            width.saturating_mul(whole).saturating_add(least(width, rest))
        };
        match self.carrier {
            // In any window as long as an interval lies one burst, wherever it begins.
            Some(Carrier { wave: Wave::Bursts { pulses, interval_us, .. }, .. }) if interval_us != 0 => {
                let bursts = (window_us / interval_us).saturating_add(1);
                least(even, bursts.saturating_mul(pulses as u32).saturating_mul(width))
            }
            _ => even,
        }
    }

    /// From the request to the last falling edge, in µs. At most 2³² · 2³² + 2³³, which saturates.
    #[must_use]
    pub const fn length_us(&self) -> u64 {
        let (delay_us, more) = (self.delay_us as u64, self.count.saturating_sub(1));
        let (bursts, more, interval_us) = match self.carrier {
            Some(Carrier { wave: Wave::List { .. }, .. }) => return delay_us.saturating_add(self.period_us as u64),
            Some(Carrier { wave: Wave::Bursts { pulses, interval_us, .. }, .. }) if pulses != 0 => {
                (more / pulses as u32, more % pulses as u32, interval_us)
            }
            _ => (0, more, 0),
        };
        let periods = (more as u64).saturating_mul(self.period_us as u64);
        let bursts_us = (bursts as u64).saturating_mul(interval_us as u64);
        periods.saturating_add(bursts_us).saturating_add(delay_us).saturating_add(self.width_us as u64)
    }
}

impl Carrier {
    /// What is carried is no sound.
    #[must_use]
    pub const fn silent(wave: Wave) -> Self {
        Self { wave, level_cdb: 0, amplitude: 0, ramp_us: 0 }
    }
}

/// What the program asks of an output line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Off at once, ending any train.
    Off,
    /// On until told otherwise, or until `max_on`.
    On,
    /// A train, tone or timed pulse.
    Train(Train),
    /// A volume through a valve, already turned into an opening time by the line's calibration.
    Deliver {
        /// The dose asked for, in nl.
        volume_nl: u32,
        /// The opening that gives it, in µs.
        width_us: u32,
    },
    /// On at a power until told otherwise, or until `max_on`.
    Power {
        /// In millionths of full power, as asked for: one that no line can have is refused by the interlock.
        power_ppm: i32,
    },
}

impl Request {
    /// The train that carries the request out, if it is not a plain level.
    #[must_use]
    pub const fn train(&self) -> Option<Train> {
        match self {
            Self::Off | Self::On | Self::Power { .. } => None,
            Self::Train(train) => Some(*train),
            Self::Deliver { width_us, .. } => Some(Train::pulse(*width_us)),
        }
    }

    /// The power asked for, in millionths of full power; none if nothing is said of it, which is full power.
    #[must_use]
    pub const fn power_ppm(&self) -> Option<i32> {
        match self {
            Self::Power { power_ppm } => Some(*power_ppm),
            Self::Train(train) => train.power_ppm(),
            Self::Off | Self::On | Self::Deliver { .. } => None,
        }
    }
}

/// What happened. Variants are appended, never moved: `tests/wire_v1` freezes their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    // Given.
    /// The first record of every stream. The engine starts here.
    Start {
        /// Decides every draw of the session.
        seed: u64,
        /// Levels of the input lines found at the start, bit *n* for line *n*.
        levels: u32,
        /// The first four bytes of the program's hash, so that a stream names its program.
        program: u32,
    },
    /// An input line changed.
    Input {
        /// Which.
        line: LineId,
        /// To active (true) or away from it.
        active: bool,
        /// How long after its own stamp it was handled, in µs; 0 unless it was late.
        late_us: u32,
    },
    /// An event from outside the rig: an operator's key, a video tracker, a decoder.
    Outside {
        /// Which.
        event: EventId,
        /// How long after its arrival it was handled, in µs; 0 unless it was late.
        late_us: u32,
    },
    /// A parameter changed by the operator, taken up here.
    Parameter {
        /// Which.
        variable: VariableId,
        /// Its new value in the variable's base unit.
        value: i64,
    },
    /// The session is told to end.
    Stop(EndReason),
    /// An output edge as it happened at the pin.
    Edge {
        /// Which line.
        line: LineId,
        /// To on (true) or to off.
        on: bool,
    },
    /// A request the interlock did not carry out as asked, and why.
    Verdict {
        /// Which line.
        line: LineId,
        /// Why.
        verdict: Verdict,
    },
    /// Lines armed from here on.
    Armed {
        /// The set of them.
        lines: u32,
    },
    /// Lines disarmed from here on.
    Disarmed {
        /// The set of them.
        lines: u32,
        /// Why.
        cause: DisarmCause,
    },
    /// The interlock tripped.
    Trip(TripCause),
    /// The controller fell silent (true) or was heard again (false).
    Silence(bool),
    /// Inputs that could not be kept.
    Lost {
        /// How many.
        count: u32,
    },
    /// The memory for records is filling up.
    RingLow {
        /// Bytes left.
        free: u32,
    },

    // Derived.
    /// A state was entered.
    Enter {
        /// In which region.
        region: RegionId,
        /// Which.
        state: StateId,
    },
    /// A trial began, closing the one before.
    Trial {
        /// Counted from 1.
        number: u32,
    },
    /// The trial's outcome became known.
    Outcome(OutcomeId),
    /// An event the program itself raised.
    Event(EventId),
    /// A random draw.
    Draw {
        /// Which.
        draw: DrawId,
        /// What came out, in the variable's base unit.
        value: i64,
        /// The odds then in force; what the two numbers mean stands with each kind of draw.
        odds: (i64, i64),
    },
    /// A variable changed by the program.
    Set {
        /// Which.
        variable: VariableId,
        /// Its new value in the variable's base unit.
        value: i64,
    },
    /// What the program asks of an output, once a microsecond and line at most.
    Request {
        /// Which line.
        line: LineId,
        /// What.
        request: Request,
    },
    /// A request that an invariant of the protocol blocked.
    Breach {
        /// Which invariant.
        invariant: InvariantId,
        /// The line whose request was blocked.
        line: LineId,
    },
    /// The engine broke one of its bounds and stopped.
    Fault(Fault),
    /// The last record the program makes; given, and the last of its stream, where the device was reset.
    End(EndReason),

    // Given; appended.
    /// The session is told to end at the next trial boundary.
    LastTrial(EndReason),
    /// Samples of one line, one every [`crate::rig::Rig::sample_us`] without a gap; the record's time is that of the last.
    /// A sample that was missed or came late ends a block before it.
    Samples {
        /// Which line.
        line: LineId,
        /// Their raw values.
        block: SampleBlock,
    },
    /// What was read back of an output has differed from what it was commanded for as long as its sense allows.
    NotSensed {
        /// The output.
        line: LineId,
        /// What it was commanded: on (true) or off.
        on: bool,
    },
}

impl Record {
    /// Whether the program made this record, so that `replay` must make it again.
    #[must_use]
    pub const fn is_derived(&self) -> bool {
        matches!(
            self,
            Self::Enter { .. }
                | Self::Trial { .. }
                | Self::Outcome(_)
                | Self::Event(_)
                | Self::Draw { .. }
                | Self::Set { .. }
                | Self::Request { .. }
                | Self::Breach { .. }
                | Self::Fault(_)
        ) || self.ends_program()
    }

    /// Whether this is the end as the program made it. That of a reset was added by the device, and is given.
    const fn ends_program(&self) -> bool {
        matches!(self, Self::End(reason) if !matches!(reason, EndReason::DeviceReset))
    }

    /// Whether this given record is handled by the engine, so that `replay` must feed it.
    #[must_use]
    pub const fn feeds_engine(&self) -> bool {
        matches!(
            self,
            Self::Start { .. }
                | Self::Input { .. }
                | Self::Outside { .. }
                | Self::Parameter { .. }
                | Self::Stop(_)
                | Self::LastTrial(_)
        )
    }
}

/// Writes records one behind the other, remembering the time of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    last: Micros,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes end inside a record.
    Truncated,
    /// The bytes hold something that is no record.
    Malformed,
    /// The record's time lies before 0 or past the end of time.
    Time,
}

impl core::fmt::Display for RecordError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end inside a record",
            Self::Malformed => "the bytes hold something that is no record",
            Self::Time => "a record's time lies outside the clock's range",
        })
    }
}

impl Writer {
    /// A writer whose next record is measured from `origin`.
    #[must_use]
    pub const fn new(origin: Micros) -> Self {
        Self { last: origin }
    }

    /// Writes one record into `bytes`, which must hold [`ENTRY_BYTES_MAX`]; returns the bytes used.
    pub fn write<'b>(&mut self, at: Micros, record: &Record, bytes: &'b mut [u8; ENTRY_BYTES_MAX]) -> &'b [u8] {
        let since_us = at.wrapping_sub(self.last).cast_signed();
        self.last = at;
        let mut bytes = bytes::Bytes::new(bytes);
        bytes.signed_long(since_us);
        bytes.record(record);
        bytes.written()
    }
}

/// Reads records one behind the other, turning distances back into times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    last: Micros,
}

impl Reader {
    /// A reader whose next record is measured from `origin`.
    #[must_use]
    pub const fn new(origin: Micros) -> Self {
        Self { last: origin }
    }

    /// The time of the record read last, or the origin.
    #[must_use]
    pub const fn last(&self) -> Micros {
        self.last
    }

    /// Takes one record off the front of `bytes`: its time, itself, and the bytes behind it.
    ///
    /// # Errors
    /// When the bytes end early or are no record.
    pub fn read<'b>(&mut self, bytes: &'b [u8]) -> Result<(Micros, Record, &'b [u8]), RecordError> {
        let (entry, rest) = postcard::take_from_bytes::<Entry>(bytes).map_err(|error| match error {
            postcard::Error::DeserializeUnexpectedEnd => RecordError::Truncated,
            _ => RecordError::Malformed,
        })?;
        let at = self.last.checked_add_signed(entry.since_us).ok_or(RecordError::Time)?;
        self.last = at;
        Ok((at, entry.record, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_record_fits() {
        let wave = Wave::Bursts { pulses: u16::MAX, interval_us: u32::MAX, powered: true };
        let carrier = Some(Carrier { wave, level_cdb: i32::MIN, amplitude: u16::MAX, ramp_us: u32::MAX });
        let train = Train { delay_us: u32::MAX, width_us: u32::MAX, period_us: u32::MAX, count: u32::MAX, carrier };
        let longest = [
            Record::Request { line: LineId(u8::MAX), request: Request::Train(train) },
            Record::Draw { draw: DrawId(u8::MAX), value: i64::MIN, odds: (i64::MIN, i64::MIN) },
            Record::Start { seed: u64::MAX, levels: u32::MAX, program: u32::MAX },
        ];
        for record in longest {
            let mut bytes = [0; ENTRY_BYTES_MAX];
            let used = Writer::new(0).write(u64::MAX / 2, &record, &mut bytes).len();
            assert!(used > 0 && used <= ENTRY_BYTES_MAX, "{record:?} takes {used} bytes");
        }
    }

    #[test]
    fn a_stream_reads_back_as_written() {
        let records = [
            (1_000, Record::Start { seed: 7, levels: 1, program: 0xABCD }),
            (1_000, Record::Enter { region: RegionId(0), state: StateId(3) }),
            (1_250, Record::Input { line: LineId(0), active: true, late_us: 0 }),
            (1_249, Record::Edge { line: LineId(4), on: true }),
        ];
        let mut stream = std::vec::Vec::new();
        let mut writer = Writer::new(1_000);
        for (at, record) in &records {
            stream.extend_from_slice(writer.write(*at, record, &mut [0; ENTRY_BYTES_MAX]));
        }
        let (mut reader, mut rest) = (Reader::new(1_000), stream.as_slice());
        for expected in records {
            let (at, record, tail) = reader.read(rest).unwrap();
            assert_eq!((at, record), expected);
            rest = tail;
        }
        assert_eq!(reader.read(rest), Err(RecordError::Truncated));
    }
}
