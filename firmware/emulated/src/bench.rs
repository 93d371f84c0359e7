//! The emulated chip as a process: commands go in, what happened comes out. Owns the words exchanged with
//! `tests/emulator/bench.mjs` and ends the process it began; knows no time but the chip's, in ns since its supply came.

use std::fmt::{self, Write as _};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::upset::Upset;

/// Where bytes of the chip come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A serial port, by number.
    Uart(u8),
    /// The serial port over USB.
    Usb,
}

/// Something that happened on the chip; times in ns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The chip moved a pad.
    Edge {
        /// When.
        at: u64,
        /// Which.
        pin: u8,
        /// Its level now.
        high: bool,
    },
    /// A pin under PWM began to sound, or has been silent for some ms.
    Sound {
        /// When it began or ended.
        at: u64,
        /// Which.
        pin: u8,
        /// What it was, once it has ended.
        heard: Option<Sounded>,
    },
    /// Bytes left the chip.
    Bytes {
        /// When the last of them had left.
        at: u64,
        /// Where.
        source: Source,
        /// They.
        bytes: Vec<u8>,
    },
    /// The chip's timer counts from here.
    Zero {
        /// When.
        at: u64,
    },
    /// The chip was reset.
    Reset {
        /// When.
        at: u64,
        /// By what: `watchdog`, `forced`, `run`, `power`.
        cause: String,
    },
    /// The core took a fault.
    Fault {
        /// When.
        at: u64,
        /// What, where, in which function and at which level.
        what: String,
    },
    /// The core locked up: a fault within a fault.
    LockUp {
        /// When.
        at: u64,
    },
    /// The code of a level goes wrong as it was told to.
    Wrong {
        /// When.
        at: u64,
    },
    /// A lap of a timed call; see [`Bench::lap`].
    Lap {
        /// When the call ended.
        at: u64,
        /// Its own cycles.
        cycles: u64,
    },
    /// What a pin under PWM carries from here on.
    Wave {
        /// When.
        at: u64,
        /// Which pin.
        pin: u8,
        /// Whether its slice runs.
        on: bool,
        /// Counts of a period it is high.
        compare: u16,
        /// Counts of a period, less one.
        top: u16,
        /// One count, in ps.
        tick_ps: u64,
    },
}

/// What a sound was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sounded {
    /// Its frequency, by its passages through the middle of its highest swing, in mHz.
    pub frequency_mhz: u64,
    /// The narrowest and the widest pulse, in counts.
    pub widths: (u16, u16),
    /// From its beginning to when it first had half of its highest swing, in ns: half of its rise.
    pub half_ns: u64,
}

/// What ends a run before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stop {
    /// An output edge.
    pub at_edges: bool,
    /// The end of a frame on the link.
    pub at_frames: bool,
}

/// Why the emulated chip cannot be worked.
#[derive(Debug)]
pub enum BenchError {
    /// The process did not start.
    Start(io::Error),
    /// The process is gone or its pipe is broken.
    Gone(io::Error),
    /// The process said something that is no answer.
    Answer(String),
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the emulator does not start: {error}; it needs node 18 or later"),
            Self::Gone(error) => {
                write!(f, "the emulator ended in the middle of its work: {error}; what it said is above")
            }
            Self::Answer(line) => write!(
                f,
                "the emulator answered `{line}`, which means nothing; are bench.mjs and this build of one age?"
            ),
        }
    }
}

impl std::error::Error for BenchError {}

/// A running emulated chip; it ends with this value.
#[derive(Debug)]
pub struct Bench {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Commands that have not been handed over yet.
    waiting: String,
    line: String,
    now: u64,
}

impl Bench {
    /// Gives an image its supply.
    ///
    /// # Errors
    /// When the process does not start.
    pub fn start(script: &Path, image: &Path, cache: bool) -> Result<Self, BenchError> {
        let mut command = Command::new("node");
        command.arg(script).arg(image);
        if !cache {
            command.arg("--no-cache");
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(BenchError::Start)?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(BenchError::Start(io::Error::from(io::ErrorKind::BrokenPipe)));
        };
        Ok(Self { process, to, from: BufReader::new(from), waiting: String::new(), line: String::new(), now: 0 })
    }

    /// The chip's time, in ns since its supply first came.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// At `at`, drives a pad from outside, or lets go of it.
    pub fn pin(&mut self, at: u64, pin: u8, level: Option<bool>) {
        self.tell(format_args!("at {at} pin {pin} {}", level_word(level)));
    }

    /// From `at` on, a channel of the converter reads `counts`.
    pub fn analog(&mut self, at: u64, channel: u8, counts: u16) {
        self.tell(format_args!("at {at} adc {channel} {counts}"));
    }

    /// At `at`, what is said goes wrong; code, as soon as its level runs.
    pub fn upset(&mut self, at: u64, upset: Upset) {
        self.tell(format_args!("at {at} {upset}"));
    }

    /// From outside, an input follows an output, inverted or not.
    pub fn wire(&mut self, output: u8, input: u8, inverted: bool) {
        self.tell(format_args!("wire {output} {input} {}", u8::from(inverted)));
    }

    /// A speaker hangs on a pad: when it was high last is among the counters as `high…_ns`, `still` if it still sounds.
    pub fn listen(&mut self, pin: u8) {
        self.tell(format_args!("listen {pin}"));
    }

    /// Makes a pad stay at a level whatever drives it, or lets it follow again.
    pub fn stick(&mut self, pin: u8, level: Option<bool>) {
        self.tell(format_args!("stick {pin} {}", level_word(level)));
    }

    /// Bytes for the chip, from now on at the speed of the port.
    pub fn send(&mut self, source: Source, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match source {
            Source::Uart(port) => self.waiting.push_str(&format!("uart {port} ")),
            Source::Usb => self.waiting.push_str("usb "),
        }
        for byte in bytes {
            let _ = write!(self.waiting, "{byte:02x}");
        }
        self.waiting.push('\n');
    }

    /// Plugs the USB cable in or out.
    pub fn plug(&mut self, plugged: bool) {
        self.tell(format_args!("plug {}", u8::from(plugged)));
    }

    /// Gives the supply or cuts it.
    pub fn power(&mut self, on: bool) {
        self.tell(format_args!("power {}", u8::from(on)));
    }

    /// Pulls the chip's RUN pin.
    pub fn reset(&mut self) {
        self.tell(format_args!("reset"));
    }

    /// A pad carries a power, and is on when high or when low: its edges are when it begins and ceases to, and its waves are
    /// told.
    pub fn powered(&mut self, pin: u8, active_high: bool) {
        self.tell(format_args!("powered {pin} {}", u8::from(active_high)));
    }

    /// Whether waves of all pins are told.
    pub fn waves(&mut self, told: bool) {
        self.tell(format_args!("waves {}", u8::from(told)));
    }

    /// Counts the cycles of each call of the one function whose name has all these parts: the most is among the counters
    /// as `timed_cycles`, if there is such a function.
    pub fn time(&mut self, parts: &[&str]) {
        self.tell(format_args!("time {}", parts.join(" ")));
    }

    /// Divides the timed calls into laps, each ending where the one function whose name has all these parts returns. Each
    /// is told as [`Event::Lap`]; the longest is among the counters as `lap_cycles`.
    pub fn lap(&mut self, parts: &[&str]) {
        self.tell(format_args!("lap {}", parts.join(" ")));
    }

    /// Counters begin anew.
    pub fn clear(&mut self) {
        self.tell(format_args!("clear"));
    }

    /// Runs to `until`, or to what ends it before, or a few instructions beyond; what happened is put behind `events`.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn run(&mut self, until: u64, stop: Stop, events: &mut Vec<Event>) -> Result<u64, BenchError> {
        let (edges, frames) = (if stop.at_edges { "e" } else { "" }, if stop.at_frames { "f" } else { "" });
        self.tell(format_args!("run {until} {edges}{frames}"));
        let now = self.answer(|line| {
            let event = parse(line).ok_or_else(|| BenchError::Answer(line.to_owned()))?;
            events.push(event);
            Ok(())
        })?;
        self.now = now.parse().map_err(|_| BenchError::Answer(now))?;
        Ok(self.now)
    }

    /// Words of the chip's memory, by symbol or by address (`0x…`).
    ///
    /// # Errors
    /// When the process is gone, as it is when the image has no such symbol.
    pub fn read(&mut self, from: &str, words: usize) -> Result<Vec<u32>, BenchError> {
        self.tell(format_args!("read {from} {words}"));
        let answer = self.answer(|_| Ok(()))?;
        answer
            .split(' ')
            .map(|word| u32::from_str_radix(word, 16).map_err(|_| BenchError::Answer(answer.clone())))
            .collect()
    }

    /// The pads the chip drives at this moment, bit *n* for pad *n*.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn driven(&mut self) -> Result<u32, BenchError> {
        self.tell(format_args!("driven"));
        let answer = self.answer(|_| Ok(()))?;
        u32::from_str_radix(&answer, 16).map_err(|_| BenchError::Answer(answer))
    }

    /// What was counted, name and value, one line each.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn counters(&mut self) -> Result<Vec<(String, String)>, BenchError> {
        self.tell(format_args!("counters"));
        let mut counted = Vec::new();
        self.answer(|line| {
            let (name, value) = line.strip_prefix("c ").and_then(|rest| rest.split_once(' ')).unwrap_or((line, ""));
            counted.push((name.to_owned(), value.to_owned()));
            Ok(())
        })?;
        Ok(counted)
    }

    fn tell(&mut self, words: fmt::Arguments<'_>) {
        let _ = writeln!(self.waiting, "{words}");
    }

    /// Hands over what waits and reads up to the answer; each line before it is handed to `take`.
    fn answer(&mut self, mut take: impl FnMut(&str) -> Result<(), BenchError>) -> Result<String, BenchError> {
        self.to.write_all(self.waiting.as_bytes()).and_then(|()| self.to.flush()).map_err(BenchError::Gone)?;
        self.waiting.clear();
        loop {
            self.line.clear();
            if self.from.read_line(&mut self.line).map_err(BenchError::Gone)? == 0 {
                return Err(BenchError::Gone(io::Error::from(io::ErrorKind::UnexpectedEof)));
            }
            let line = self.line.trim_end();
            if let Some(answer) = line.strip_prefix('=') {
                return Ok(answer.trim().to_owned());
            }
            take(line)?;
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const fn level_word(level: Option<bool>) -> &'static str {
    match level {
        Some(true) => "1",
        Some(false) => "0",
        None => "z",
    }
}

fn parse(line: &str) -> Option<Event> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let at = words.next()?.parse().ok()?;
    Some(match kind {
        "e" => Event::Edge { at, pin: words.next()?.parse().ok()?, high: words.next()? == "1" },
        "s" => {
            let pin = words.next()?.parse().ok()?;
            let heard = if words.next()? == "1" {
                None
            } else {
                let frequency_mhz = words.next()?.parse().ok()?;
                let widths = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                Some(Sounded { frequency_mhz, widths, half_ns: words.next()?.parse().ok()? })
            };
            Event::Sound { at, pin, heard }
        }
        "u0" | "u1" | "us" => {
            let source = match kind {
                "u0" => Source::Uart(0),
                "u1" => Source::Uart(1),
                _ => Source::Usb,
            };
            let text = words.next().unwrap_or("");
            let bytes =
                text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
            Event::Bytes { at, source, bytes: bytes.collect::<Option<Vec<u8>>>()? }
        }
        "z" => Event::Zero { at },
        "r" => Event::Reset { at, cause: words.next()?.to_owned() },
        "f" => Event::Fault { at, what: words.collect::<Vec<_>>().join(" ") },
        "l" => Event::LockUp { at },
        "g" => Event::Wrong { at },
        "t" => Event::Lap { at, cycles: words.next()?.parse().ok()? },
        "w" => Event::Wave {
            at,
            pin: words.next()?.parse().ok()?,
            on: words.next()? == "1",
            compare: words.next()?.parse().ok()?,
            top: words.next()?.parse().ok()?,
            tick_ps: words.next()?.parse().ok()?,
        },
        _ => return None,
    })
}
