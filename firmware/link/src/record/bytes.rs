//! The bytes of records as postcard writes them, written by hand: the serializer takes three times as much of a chip's RAM.
//! Owns no format: that is what [`serde`] makes of [`super::Entry`], and the tests hold every record to it.

use super::{ENTRY_BYTES_MAX, Record, Request, Train, Wave};
use crate::vocabulary::{EndReason, TripCause};

/// Bytes being filled. What finds no room is left out; no record is so long.
pub(super) struct Bytes<'b> {
    bytes: &'b mut [u8; ENTRY_BYTES_MAX],
    used: usize,
}

impl<'b> Bytes<'b> {
    pub(super) const fn new(bytes: &'b mut [u8; ENTRY_BYTES_MAX]) -> Self {
        Self { bytes, used: 0 }
    }

    pub(super) fn written(self) -> &'b [u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    #[inline(never)]
    fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.used) {
            *slot = byte;
            self.used += 1;
        }
    }

    #[inline(never)]
    fn pair(&mut self, first: u8, second: u8) {
        self.byte(first);
        self.byte(second);
    }

    /// A number of 32 bits or fewer: seven bits a byte, the lowest first.
    #[inline(never)]
    fn number(&mut self, mut number: u32) {
        while number > 0x7F {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// One of 64 bits.
    #[inline(never)]
    fn long(&mut self, mut number: u64) {
        while number >> 28 != 0 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.number(number as u32);
    }

    /// One that may lie below zero: its sign goes into the lowest bit.
    fn signed(&mut self, number: i32) {
        self.number(((number << 1) ^ (number >> 31)).cast_unsigned());
    }

    #[inline(never)]
    pub(super) fn signed_long(&mut self, number: i64) {
        self.long(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    #[inline(never)]
    fn cause(&mut self, cause: TripCause) {
        let (which, of) = match cause {
            TripCause::HostAbort => (0, None),
            TripCause::PadMismatch(line) => (1, Some(line.0)),
            TripCause::Invariant(invariant) => (2, Some(invariant.0)),
            TripCause::TooLate => (3, None),
            TripCause::Lost => (4, None),
            TripCause::EmergencyStop => (5, None),
            TripCause::Contradiction(line) => (6, Some(line.0)),
            TripCause::Starved => (7, None),
            TripCause::NotSensed(line) => (8, Some(line.0)),
        };
        self.byte(which);
        if let Some(of) = of {
            self.byte(of);
        }
    }

    #[inline(never)]
    fn reason(&mut self, reason: EndReason) {
        match reason {
            EndReason::Condition(row) => self.pair(0, row),
            EndReason::Stopped => self.byte(1),
            EndReason::Tripped(cause) => {
                self.byte(2);
                self.cause(cause);
            }
            EndReason::HostLost => self.byte(3),
            EndReason::Fault(fault) => self.pair(4, fault as u8),
            EndReason::RingFull => self.byte(5),
            EndReason::DeviceReset => self.byte(6),
        }
    }

    #[inline(never)]
    fn course(&mut self, which: u8, of: u16, time_us: u32, powered: bool) {
        self.byte(which);
        self.number(of.into());
        self.number(time_us);
        self.byte(powered.into());
    }

    #[inline(never)]
    fn train(&mut self, train: &Train) {
        for number in [train.delay_us, train.width_us, train.period_us, train.count] {
            self.number(number);
        }
        let Some(carrier) = train.carrier else { return self.byte(0) };
        self.byte(1);
        match carrier.wave {
            Wave::Sine { frequency_mhz } => {
                self.byte(0);
                self.number(frequency_mhz);
            }
            Wave::Noise => self.byte(1),
            Wave::Power { power_ppm } => {
                self.byte(2);
                self.signed(power_ppm);
            }
            Wave::Ramp { step_ppm } => {
                self.byte(3);
                self.signed(step_ppm);
            }
            Wave::Bursts { pulses, interval_us, powered } => self.course(4, pulses, interval_us, powered),
            Wave::List { first, gap_us, powered } => self.course(5, first, gap_us, powered),
            Wave::Sweep { from_mhz, octaves, logarithmic } => {
                self.byte(6);
                self.number(from_mhz);
                self.signed(octaves.into());
                self.byte(logarithmic.into());
            }
        }
        self.signed(carrier.level_cdb);
        self.number(carrier.amplitude.into());
        self.number(carrier.ramp_us);
    }

    #[inline(never)]
    fn request(&mut self, request: &Request) {
        match request {
            Request::Off => self.byte(0),
            Request::On => self.byte(1),
            Request::Train(train) => {
                self.byte(2);
                self.train(train);
            }
            Request::Deliver { volume_nl, width_us } => {
                self.byte(3);
                self.number(*volume_nl);
                self.number(*width_us);
            }
            Request::Power { power_ppm } => {
                self.byte(4);
                self.signed(*power_ppm);
            }
        }
    }

    pub(super) fn record(&mut self, record: &Record) {
        match *record {
            Record::Start { seed, levels, program } => {
                self.byte(0);
                self.long(seed);
                self.number(levels);
                self.number(program);
            }
            Record::Input { line, active, late_us } => {
                self.pair(1, line.0);
                self.byte(active.into());
                self.number(late_us);
            }
            Record::Outside { event, late_us } => {
                self.byte(2);
                self.number(event.0.into());
                self.number(late_us);
            }
            Record::Parameter { variable, value } => {
                self.byte(3);
                self.number(variable.0.into());
                self.signed_long(value);
            }
            Record::Stop(reason) => {
                self.byte(4);
                self.reason(reason);
            }
            Record::Edge { line, on } => {
                self.pair(5, line.0);
                self.byte(on.into());
            }
            Record::Verdict { line, verdict } => {
                self.pair(6, line.0);
                self.byte(verdict as u8);
            }
            Record::Armed { lines } => {
                self.byte(7);
                self.number(lines);
            }
            Record::Disarmed { lines, cause } => {
                self.byte(8);
                self.number(lines);
                self.byte(cause as u8);
            }
            Record::Trip(cause) => {
                self.byte(9);
                self.cause(cause);
            }
            Record::Silence(silent) => self.pair(10, silent.into()),
            Record::Lost { count } => {
                self.byte(11);
                self.number(count);
            }
            Record::RingLow { free } => {
                self.byte(12);
                self.number(free);
            }
            Record::Enter { region, state } => {
                self.pair(13, region.0);
                self.number(state.0.into());
            }
            Record::Trial { number } => {
                self.byte(14);
                self.number(number);
            }
            Record::Outcome(outcome) => {
                self.byte(15);
                self.number(outcome.0.into());
            }
            Record::Event(event) => {
                self.byte(16);
                self.number(event.0.into());
            }
            Record::Draw { draw, value, odds } => {
                self.pair(17, draw.0);
                for number in [value, odds.0, odds.1] {
                    self.signed_long(number);
                }
            }
            Record::Set { variable, value } => {
                self.byte(18);
                self.number(variable.0.into());
                self.signed_long(value);
            }
            Record::Request { line, ref request } => {
                self.pair(19, line.0);
                self.request(request);
            }
            Record::Breach { invariant, line } => {
                self.pair(20, invariant.0);
                self.byte(line.0);
            }
            Record::Fault(fault) => self.pair(21, fault as u8),
            Record::End(reason) => {
                self.byte(22);
                self.reason(reason);
            }
            Record::LastTrial(reason) => {
                self.byte(23);
                self.reason(reason);
            }
            Record::Samples { line, ref block } => {
                self.pair(24, line.0);
                let bytes = block.as_bytes();
                self.byte(bytes.len() as u8);
                for byte in bytes {
                    self.byte(*byte);
                }
            }
            Record::NotSensed { line, on } => {
                self.pair(25, line.0);
                self.byte(on.into());
            }
        }
    }
}
