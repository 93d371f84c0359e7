//! Frames of a session, counted from the edges in its journal: their numbers beside what happened, and where they stopped. The
//! program's own count makes no records, and is the same.

use std::fmt;

use compiler::symbols::{FrameCount, FramesSymbol, Symbols};
use link::{EventId, Micros};
use serde::Serialize;

use crate::history::{History, Trial};
use crate::quantity::Cell;
use crate::table::Column;

/// What a session had of one kind of frames. Times in seconds from its start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frames {
    /// Their name.
    pub name: String,
    /// How many there were.
    pub count: u64,
    /// The first and the last.
    pub between_s: Option<(f64, f64)>,
    /// From when on they count as stopped, in s; none if the protocol does not say.
    pub alarm_s: Option<f64>,
    /// When they stopped, and for how long; the last may reach to the session's end.
    pub stops: Vec<Stop>,
}

/// A time without frames that was longer than stated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stop {
    /// The last frame before it.
    pub at_s: f64,
    /// How long it lasted.
    pub lasted_s: f64,
}

/// When each frame came, in order.
fn times(history: &History, count: &FrameCount) -> Vec<Micros> {
    let inputs = history.all().flat_map(|trial| &trial.inputs);
    let frames = inputs.filter(|(line, active, _)| line.0 == count.line && *active == count.active);
    let mut found: Vec<Micros> = frames.map(|(_, _, at)| *at).collect();
    found.sort_unstable();
    found
}

impl Frames {
    /// Those of a session, where they are counted.
    pub(crate) fn of(symbols: &Symbols, history: &History) -> Vec<Self> {
        let counted = symbols.world.frames.iter().filter_map(|frames| Some((frames, frames.count?)));
        counted.map(|(frames, count)| Self::counted(frames, &count, history)).collect()
    }

    fn counted(frames: &FramesSymbol, count: &FrameCount, history: &History) -> Self {
        let times = times(history, count);
        let seconds = |us: Micros| us as f64 / 1e6;
        let since = |at: Micros| seconds(at.saturating_sub(history.start_us));
        let ends = times.iter().skip(1).copied().chain([history.end_us]);
        let gaps = times.iter().zip(ends).map(|(from, to)| (*from, to.saturating_sub(*from)));
        let longer = |gap: Micros| count.alarm_us.is_some_and(|alarm| gap > Micros::from(alarm));
        let stops =
            gaps.filter(|(_, gap)| longer(*gap)).map(|(at, gap)| Stop { at_s: since(at), lasted_s: seconds(gap) });
        Self {
            name: frames.name.clone(),
            count: times.len() as u64,
            between_s: times.first().zip(times.last()).map(|(first, last)| (since(*first), since(*last))),
            alarm_s: count.alarm_us.map(|us| seconds(us.into())),
            stops: stops.collect(),
        }
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, between_s, alarm_s, stops } = self;
        match between_s {
            None => write!(f, "{name}: not one came")?,
            Some((first, last)) => write!(f, "{name}: {count}, from {first:.3} s to {last:.3} s")?,
        }
        let longest = stops.iter().map(|stop| stop.lasted_s).fold(0.0, f64::max);
        match (alarm_s, stops.first()) {
            (Some(alarm), Some(first)) => write!(
                f,
                "; they STOPPED {} × for more than {alarm} s, first at {:.3} s, longest {longest:.3} s",
                stops.len(),
                first.at_s
            ),
            _ => Ok(()),
        }
    }
}

/// Columns with the number of the frame a trial began with, came to its outcome with, and each named event happened in.
pub(crate) fn columns<'s>(symbols: &'s Symbols, history: &History, columns: &mut Vec<Column<'s>>) {
    for frames in &symbols.world.frames {
        let Some(count) = frames.count else { continue };
        let times = std::rc::Rc::new(times(history, &count));
        let name = &frames.name;
        let number = |times: &[Micros], at: Micros| Cell::Count(times.partition_point(|frame| *frame <= at) as i64);
        let of = std::rc::Rc::clone(&times);
        columns.push((format!("{name}_frame"), Box::new(move |trial: &Trial| number(&of, trial.start_us))));
        let of = std::rc::Rc::clone(&times);
        let outcome = move |trial: &Trial| trial.outcome.map_or(Cell::Empty, |(_, at)| number(&of, at));
        columns.push((format!("outcome_{name}_frame"), Box::new(outcome)));
        for (n, event) in symbols.events.iter().enumerate().filter(|(_, event)| !event.contains('.')) {
            let Ok(n) = u16::try_from(n) else { break };
            let wanted = EventId(EventId::NAMED.saturating_add(n));
            let of = std::rc::Rc::clone(&times);
            let first = move |trial: &Trial| {
                let at = trial.events.iter().find(|(event, _)| *event == wanted).map(|(_, at)| *at);
                at.map_or(Cell::Empty, |at| number(&of, at))
            };
            columns.push((format!("{event}_{name}_frame"), Box::new(first)));
        }
    }
}
