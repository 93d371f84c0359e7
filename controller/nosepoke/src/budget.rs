//! What a subject has had on a day: added up from the journals of its sessions, so that the device is only told what is
//! left. Owns which sessions count and what is done where one cannot be read; how much came out of a line, a journal's
//! edges tell.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use compiler::{OutputTotals, RigConfig, Source, Symbols, Used};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use journal::{Purpose, Session, delivered};
use report::quantity;

/// A day in the calendar of the place where the controller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The day of a time in ms since 1970.
    #[must_use]
    pub fn of_ms(ms: i64) -> Option<Self> {
        let at = Timestamp::from_millisecond(ms).ok()?;
        Some(Self(at.to_zoned(TimeZone::system()).date()))
    }

    fn of(time: SystemTime) -> Option<Self> {
        Some(Self(Zoned::try_from(time).ok()?.date()))
    }

    /// Noon of the day, in ms since 1970.
    #[must_use]
    pub fn noon_ms(self) -> Option<i64> {
        let noon = self.0.at(12, 0, 0, 0).to_zoned(TimeZone::system()).ok()?;
        Some(noon.timestamp().as_millisecond())
    }

    /// Reads a day, as in `2026-11-30`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("`{text}` is no day: give for instance 2026-11-30");
        text.trim().parse().map(Self).map_err(wrong)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Of<'a> {
    /// The subject.
    pub subject: &'a str,
    /// The day its sessions began on.
    pub day: Day,
    /// Whether simulated sessions count, and no others, or real ones and none that is simulated.
    pub simulated: bool,
}

/// What a subject has had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Had {
    /// Of each line, by name, in one row a session.
    pub used: Vec<(String, Used)>,
    /// In so many sessions.
    pub sessions: u32,
    /// Journals of which nothing can be said, and why: what was in them may have been this subject's.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl Had {
    /// What it had of one line in all.
    #[must_use]
    pub fn of(&self, line: &str) -> Used {
        let mut all = Used::default();
        for (_, used) in self.used.iter().filter(|(name, _)| name == line) {
            all += *used;
        }
        all
    }
}

/// Adds up what is in the journals of a folder. Unfinished and damaged ones count what they hold. A dose counts by the
/// calibration of its own session; by that of `rig`, where that session's rig-config can no longer be read.
///
/// # Errors
/// When the folder cannot be looked through.
pub fn had(folder: &Path, of: &Of<'_>, rig: &RigConfig) -> std::io::Result<Had> {
    let mut had = Had::default();
    let mut journals: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "npj") && is_of_day(path, of))
        .collect();
    journals.sort();
    for path in journals {
        match Session::open(&path) {
            Ok(session) => had.add(&session, of, rig),
            Err(error) => had.unreadable.push((path, error.to_string())),
        }
    }
    Ok(had)
}

/// Whether a file may hold a session of the day: none that was last written before the day began. What a simulated session's
/// file was written on says nothing.
fn is_of_day(path: &Path, of: &Of<'_>) -> bool {
    let written = fs::metadata(path).and_then(|about| about.modified()).ok().and_then(Day::of);
    of.simulated || written.is_none_or(|written| written >= of.day)
}

impl Had {
    fn add(&mut self, session: &Session, of: &Of<'_>, rig: &RigConfig) {
        let header = &session.header;
        let day = header.started_ms.and_then(Day::of_ms);
        let is_theirs = header.purpose == Purpose::Session
            && header.simulated == of.simulated
            && header.subject.as_deref() == Some(of.subject)
            && day == Some(of.day);
        if !is_theirs {
            return;
        }
        self.sessions += 1;
        let stated = Source { name: String::new(), text: header.rig.clone() };
        let stated = compiler::read_rig(&stated).ok();
        let symbols: Symbols = postcard::from_bytes(&header.symbols).unwrap_or_default();
        for (line, given) in symbols.lines.iter().zip(delivered(session)).filter(|(_, given)| given.pulses > 0) {
            let totals = stated.iter().chain([rig]).find_map(|rig| rig.line(&line.name)).map(|line| line.totals);
            let used = totals.unwrap_or_default().used(given.pulses, given.on_us, given.full_us);
            self.used.push((line.name.clone(), used));
        }
    }
}

/// What is left of a subject's day of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    totals: OutputTotals,
    used: Used,
}

impl Left {
    /// Of a line that a day limits; none of any other.
    #[must_use]
    pub fn of(rig: &RigConfig, line: &str, had: &Had) -> Option<Self> {
        let totals = rig.line(line)?.totals;
        totals.limit_the_day().then(|| Self { totals, used: had.of(line) })
    }

    /// Whether nothing may come out of the line any more.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let total = self.totals.left(&self.used);
        total.pulses == 0
            || total.on_us == 0
            || total.dose_us <= total.pulse_dose_us && total.dose_us != link::rig::NO_LIMIT
    }
}

/// As in `had 12 of 20 pulses and 3.5 of 6 ml`.
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { totals: OutputTotals { per_day, dose, .. }, used } = self;
        let seconds = |us: u64| format!("{:.3} s", us as f64 / 1e6);
        let dosed = dose.zip(per_day.dose).map(|(dose, day)| {
            format!("{} of {}", quantity::amount(dose.unit, used.dose), quantity::amount(dose.unit, day))
        });
        let said = [
            per_day.pulses.map(|day| format!("{} of {day} pulses", used.pulses)),
            per_day.on_us.map(|day| format!("{} of {} on", seconds(used.on_us), seconds(day))),
            dosed,
        ];
        write!(f, "had {}", said.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}
