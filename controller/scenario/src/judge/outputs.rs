//! What an output does at its pin.

use compiler::scenario::{Delivery, Moment, On, Said, Sound};
use compiler::symbols::Unit;
use link::pwm::FULL_POWER_PPM;
use link::record::{OCTAVE, Request, Wave};
use link::{LineId, Record};

use super::{Judge, WIDTH_US, moment, within};
use crate::timeline::{length, seconds};

/// Times shown of a line that does something else.
const SHOWN: usize = 6;

/// A time on: when, and for how long; none while it is still on.
type Pulse = (i64, Option<i64>);

impl Judge<'_> {
    pub(super) fn output(&mut self, line: LineId, does: &Delivery) {
        let seen = self.seen.on(line);
        let name = self.line(line).to_owned();
        match does {
            Delivery::Times(times) => self.times_on(line, &seen, times),
            Delivery::Pulses { count, each, first, period } => {
                if seen.len() != *count as usize {
                    let expected = match count {
                        0 => "never on".to_owned(),
                        count => format!("on {count} times"),
                    };
                    let at = seen.get(*count as usize).or(seen.last()).map(|(at, _)| *at);
                    return self.fail(&name, expected, told(&seen), Some(at.unwrap_or(self.seen.length_us)));
                }
                if let (Some(first), Some((at, _))) = (first, seen.first()) {
                    self.goes_on(&name, *first, *at);
                }
                for pulse in &seen {
                    if !self.is_as_said(line, each, *pulse) {
                        return;
                    }
                }
                for (before, next) in seen.iter().zip(seen.iter().skip(1)) {
                    let Some(expected) = period else { break };
                    let every = next.0 - before.0;
                    if !within(*expected, every, WIDTH_US, WIDTH_US) {
                        let saw = format!("{} from {} to {}", length(every), seconds(before.0), seconds(next.0));
                        return self.fail(&name, format!("every {}", span(*expected)), saw, Some(before.0));
                    }
                }
            }
        }
    }

    fn times_on(&mut self, line: LineId, seen: &[Pulse], times: &[On]) {
        let name = self.line(line).to_owned();
        let name = name.as_str();
        for n in 0..seen.len().max(times.len()) {
            match (times.get(n), seen.get(n)) {
                (Some(on), Some(pulse)) => {
                    self.place = on.place;
                    if !self.goes_on(name, on.at, pulse.0) || !self.is_as_said(line, &on.said, *pulse) {
                        return;
                    }
                }
                (Some(on), None) => {
                    self.place = on.place;
                    let expected = format!("on at {}", moment(on.at));
                    return self.fail(name, expected, told(seen), Some(on.at.us));
                }
                (None, Some((at, _))) => {
                    let expected = match times.len() {
                        0 => "never on".to_owned(),
                        count => format!("on {count} times"),
                    };
                    return self.fail(name, expected, told(seen), Some(*at));
                }
                (None, None) => return,
            }
        }
    }

    /// Whether it goes on when it should; told if not.
    fn goes_on(&mut self, name: &str, expected: Moment, at: i64) -> bool {
        let good = within(expected, at, 0, self.latency_us);
        if !good {
            self.fail(name, format!("on at {}", moment(expected)), format!("on at {}", seconds(at)), Some(at));
        }
        good
    }

    /// Whether a time on is all that is said of it; told if not.
    fn is_as_said(&mut self, line: LineId, said: &Said, pulse: Pulse) -> bool {
        let name = self.line(line).to_owned();
        if said.width.is_some_and(|width| !self.lasts(line, &name, width, pulse)) {
            return false;
        }
        let request = self.asked(line, pulse.0);
        let carrier = request.and_then(|request| request.train()).and_then(|train| train.carrier);
        let sound = carrier.filter(|carrier| !matches!(carrier.wave, Wave::Power { .. }));
        let volume_nl = match request {
            Some(Request::Deliver { volume_nl, .. }) => Some(i64::from(volume_nl)),
            _ => None,
        };
        let (sort, tone_mhz, to_tone_mhz) = match sound.map(|sound| sound.wave) {
            Some(Wave::Sine { frequency_mhz }) => (Some(Sound::Tone), Some(i64::from(frequency_mhz)), None),
            Some(Wave::Sweep { from_mhz, octaves, .. }) => {
                (Some(Sound::Sweep), Some(i64::from(from_mhz)), Some(glided(from_mhz, octaves)))
            }
            Some(Wave::Noise) => (Some(Sound::Noise), None, None),
            _ => (None, None, None),
        };
        if said.sound.is_some_and(|said| Some(said) != sort) {
            let told = |sort: Option<Sound>| sort.map_or("no sound", sound_written);
            self.fail(&name, told(said.sound), format!("{} at {}", told(sort), seconds(pulse.0)), Some(pulse.0));
            return false;
        }
        let power_ppm = self.power(line, pulse.0);
        let to_power_ppm = pulse.1.and_then(|width| self.power(line, pulse.0 + width - 1));
        // Octaves are counted in steps of a 4096th, which is less than a thousandth of any frequency.
        let near = |expected: i64, seen: Option<i64>| {
            seen.map(|seen| if (seen - expected).abs() <= expected / 1_000 { expected } else { seen })
        };
        let to_tone_mhz = said.to_tone_mhz.map_or(to_tone_mhz, |expected| near(expected, to_tone_mhz));
        let level_cdb = sound.map(|sound| i64::from(sound.level_cdb));
        let ramp_us = sound.map(|sound| i64::from(sound.ramp_us));
        let checks = [
            ("a dose", Unit::Volume, said.volume_nl, volume_nl),
            ("a power", Unit::Number, said.power_ppm, power_ppm),
            ("a power at its end", Unit::Number, said.to_power_ppm, to_power_ppm),
            ("a tone", Unit::Frequency, said.tone_mhz, tone_mhz),
            ("a last tone", Unit::Frequency, said.to_tone_mhz, to_tone_mhz),
            ("a level", Unit::Level, said.level_cdb, level_cdb),
            ("a ramp", Unit::Time, said.ramp_us, ramp_us),
        ];
        let odd = checks.into_iter().find(|(_, _, expected, seen)| expected.is_some() && expected != seen);
        let Some((what, unit, Some(expected), seen)) = odd else { return true };
        let told = |value: i64| format!("{what} of {}", compiler::scenario::quantity_written(value, unit));
        let seen = seen.map_or_else(|| format!("not {what}"), told);
        self.fail(&name, told(expected), format!("{seen} at {}", seconds(pulse.0)), Some(pulse.0));
        false
    }

    /// The power a line has at a time, in millionths of full power; none if nothing was asked of it before.
    fn power(&self, line: LineId, at: i64) -> Option<i64> {
        let request = self.asked(line, at)?;
        let first = i64::from(request.power_ppm().unwrap_or(FULL_POWER_PPM));
        let carrier = request.train().and_then(|train| train.carrier);
        let Some(Wave::Ramp { step_ppm }) = carrier.map(|carrier| carrier.wave) else { return Some(first) };
        let asked_at = self.seen.records.iter().rev().find_map(|(asked, record)| match record {
            Record::Request { line: of, request: same } if *of == line && *asked <= at && *same == request => {
                Some(*asked)
            }
            _ => None,
        })?;
        let before = self.seen.on(line).into_iter().filter(|(on, _)| (asked_at..=at).contains(on)).count();
        Some(first + i64::from(step_ppm) * i64::try_from(before.saturating_sub(1)).unwrap_or(0))
    }

    /// What was asked of a line last before a time, but for off.
    fn asked(&self, line: LineId, at: i64) -> Option<Request> {
        self.seen.records.iter().rev().find_map(|(asked, record)| match record {
            Record::Request { line: of, request } if *of == line && *asked <= at && *request != Request::Off => {
                Some(*request)
            }
            _ => None,
        })
    }

    /// Whether it is on as long as it should be; told if not.
    fn lasts(&mut self, line: LineId, name: &str, expected: Moment, (at, width): Pulse) -> bool {
        let off = width.map(|width| at + width);
        let last = self.seen.records.iter().rev().find_map(|(asked, record)| match record {
            Record::Request { line: of, request } if *of == line && Some(*asked) <= off => Some(*request),
            _ => None,
        });
        // What is switched off is off as late as the body needs; what has a length of its own ends by itself.
        let slack = if last == Some(Request::Off) { self.latency_us } else { WIDTH_US };
        let good = width.is_some_and(|width| within(expected, width, slack, slack));
        if !good {
            let saw = match width {
                Some(width) => format!("for {} from {} on", length(width), seconds(at)),
                None => format!("from {} on, and still on at the end", seconds(at)),
            };
            self.fail(name, format!("on for {}", span(expected)), saw, Some(at));
        }
        good
    }
}

/// Where a sweep ends, in mHz.
fn glided(from_mhz: u32, octaves: i16) -> i64 {
    (f64::from(from_mhz) * (f64::from(octaves) / f64::from(OCTAVE)).exp2()).round() as i64
}

fn sound_written(sound: Sound) -> &'static str {
    match sound {
        Sound::Tone => "a tone",
        Sound::Noise => "noise",
        Sound::Sweep => "a sweep",
    }
}

/// A length as it is expected.
fn span(expected: Moment) -> String {
    let tolerance = expected.tolerance_us.and_then(|us| i64::try_from(us).ok());
    let tolerance = tolerance.map_or_else(String::new, |us| format!(" ± {}", length(us)));
    format!("{}{tolerance}", length(expected.us))
}

/// What an output did, in words.
fn told(seen: &[Pulse]) -> String {
    if seen.is_empty() {
        return "never on".to_owned();
    }
    let each = seen.iter().take(SHOWN).map(|(at, width)| match width {
        Some(width) => format!("at {} for {}", seconds(*at), length(*width)),
        None => format!("from {} on", seconds(*at)),
    });
    let each: Vec<String> = each.collect();
    let more = if seen.len() > SHOWN { ", …" } else { "" };
    format!("on {} times: {}{more}", seen.len(), each.join(", "))
}
