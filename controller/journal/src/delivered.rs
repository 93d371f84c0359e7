//! How much of each output a session gave, by the edges at its pin: what a subject's day is counted by. Knows neither
//! subjects nor days, nor what a time at a pin gives.

use link::pwm::FULL_POWER_PPM;
use link::record::{Carrier, Request, Train, Wave};
use link::rig::Rig;
use link::{LineId, Micros, Record};

use crate::reader::Session;

/// What came out of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivered {
    /// How often it went on.
    pub pulses: u64,
    /// For how long it was on in all, in µs.
    pub on_us: u64,
    /// How long that would have been at full power, in µs: time on times power, rounded up.
    pub full_us: u64,
}

/// Something at one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happened {
    /// It was asked to carry this power from here on, in millionths.
    Power(u64),
    /// The same, and each further pulse adds so much to it.
    Ramp(u64, i32),
    /// A request before was refused: its power never was.
    Refused,
    On,
    Off,
}

/// What came out of each output, by line; nothing for a line that is none. An output that is on when the records end, as
/// those of a session that was cut off do, counts as on for the rest of its `max_on`.
#[must_use]
pub fn delivered(session: &Session) -> Vec<Delivered> {
    let rig: Option<Rig> = postcard::from_bytes(&session.header.device_rig).ok();
    let mut happened: Vec<(Micros, LineId, Happened)> = session
        .records()
        .filter_map(|(_, at, record)| match record {
            Record::Edge { line, on } => Some((at, line, if on { Happened::On } else { Happened::Off })),
            Record::Verdict { line, verdict } if verdict.is_refusal() => Some((at, line, Happened::Refused)),
            Record::Request { line, request } => power(&request).map(|ppm| (at, line, changed(&request, ppm))),
            _ => None,
        })
        .collect();
    // An edge is written down behind records of later microseconds.
    happened.sort_by_key(|(at, ..)| *at);
    let lines = rig.as_ref().map_or(link::limits::MAX_LINES, |rig| rig.lines.len());
    let of = |line: usize| happened.iter().filter(move |(_, of, _)| of.index() == line);
    let max_on_us = |line: usize| {
        let output = rig.as_ref().and_then(|rig| rig.lines.get(line)?.role.output());
        output.map_or(0, |output| u64::from(output.limits.max_on_us))
    };
    (0..lines).map(|line| count(of(line).map(|(at, _, what)| (*at, *what)), max_on_us(line))).collect()
}

/// The power a request sets, in millionths; none if it sets none. What says nothing of it asks for full power.
fn power(request: &Request) -> Option<u64> {
    let full = FULL_POWER_PPM.unsigned_abs();
    match request {
        Request::Off => None,
        other => Some(other.power_ppm().map_or(full, |ppm| u32::try_from(ppm).unwrap_or(0).min(full)).into()),
    }
}

fn changed(request: &Request, ppm: u64) -> Happened {
    match request {
        Request::Train(Train { carrier: Some(Carrier { wave: Wave::Ramp { step_ppm }, .. }), .. }) => {
            Happened::Ramp(ppm, *step_ppm)
        }
        _ => Happened::Power(ppm),
    }
}

/// Adds up what happened at one output, in the order of time.
fn count(happened: impl Iterator<Item = (Micros, Happened)>, max_on_us: u64) -> Delivered {
    let full = u64::from(FULL_POWER_PPM.unsigned_abs());
    let (mut power, mut before) = (full, full);
    // What the next pulse adds to the power, and what those behind it do.
    let (mut next, mut step) = (0, 0);
    let (mut pulses, mut on_us, mut ppm_us) = (0_u64, 0_u64, 0_u128);
    // When it went on, and up to when that is counted.
    let mut on: Option<(Micros, Micros)> = None;
    let add = |from: Micros, to: Micros, power: u64, on_us: &mut u64, ppm_us: &mut u128| {
        let time_us = to.saturating_sub(from);
        *on_us = on_us.saturating_add(time_us);
        *ppm_us = ppm_us.saturating_add(u128::from(time_us) * u128::from(power));
    };
    for (at, what) in happened {
        if let Some((_, counted)) = &mut on {
            add(*counted, at, power, &mut on_us, &mut ppm_us);
            *counted = at.max(*counted);
        }
        match what {
            Happened::Power(asked) => (before, power, next, step) = (power, asked, 0, 0),
            Happened::Ramp(asked, by) => {
                (before, power, step) = (power, asked, by);
                // One that goes on has its first pulse already.
                next = if on.is_some() { by } else { 0 };
            }
            Happened::Refused => (power, next, step) = (before, 0, 0),
            Happened::On if on.is_none() => {
                power = power.saturating_add_signed(next.into()).min(full);
                next = step;
                pulses += 1;
                on = Some((at, at));
            }
            Happened::On => {}
            Happened::Off => on = None,
        }
    }
    if let Some((since, counted)) = on {
        add(counted, since.saturating_add(max_on_us), power, &mut on_us, &mut ppm_us);
    }
    let full_us = u64::try_from(ppm_us.div_ceil(u128::from(full))).unwrap_or(u64::MAX);
    Delivered { pulses, on_us, full_us }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Happened::{Off, On, Power, Ramp, Refused};

    fn counted(happened: &[(Micros, Happened)]) -> (u64, u64, u64) {
        let Delivered { pulses, on_us, full_us } = count(happened.iter().copied(), 500);
        (pulses, on_us, full_us)
    }

    #[test]
    fn pulses_and_times_add_up() {
        assert_eq!(counted(&[]), (0, 0, 0));
        assert_eq!(counted(&[(10, On), (40, Off), (100, On), (101, Off)]), (2, 31, 31));
    }

    #[test]
    fn a_dimmed_laser_counts_for_less_and_a_part_of_a_microsecond_for_a_whole() {
        assert_eq!(counted(&[(9, Power(500_000)), (10, On), (30, Off)]), (1, 20, 10));
        assert_eq!(counted(&[(9, Power(300_000)), (10, On), (11, Off)]), (1, 1, 1));
    }

    #[test]
    fn another_power_while_it_is_on_counts_from_there() {
        assert_eq!(counted(&[(0, Power(500_000)), (0, On), (20, Power(1_000_000)), (30, Off)]), (1, 30, 20));
    }

    #[test]
    fn each_pulse_of_a_ramp_counts_at_its_own_power() {
        let pulses = [(10, On), (20, Off), (30, On), (40, Off), (50, On), (60, Off)];
        let ramp = |by| [vec![(9, Ramp(500_000, by))], pulses.to_vec()].concat();
        assert_eq!(counted(&ramp(100_000)), (3, 30, 5 + 6 + 7));
        assert_eq!(counted(&ramp(-200_000)), (3, 30, 5 + 3 + 1));
        let then_level = [ramp(100_000), vec![(70, Power(1_000_000)), (80, On), (90, Off)]].concat();
        assert_eq!(counted(&then_level), (4, 40, 18 + 10));
    }

    #[test]
    fn what_was_refused_changes_nothing() {
        assert_eq!(
            counted(&[(0, Power(500_000)), (0, On), (20, Power(1_000_000)), (20, Refused), (40, Off)]),
            (1, 40, 20)
        );
    }

    #[test]
    fn what_is_on_when_the_records_end_counts_to_its_max_on() {
        assert_eq!(counted(&[(0, On), (30, Off), (100, On)]), (2, 530, 530));
        assert_eq!(counted(&[(100, On), (300, Power(500_000))]), (1, 500, 350));
    }
}
