//! What the silence of a controller means for lines that are armed, as far as it is known from outside: from when its frames
//! came, and what was wished. Owns that one rule; adds it to a history.

use link::Micros;

use super::history::{History, Outside, Stretch};

/// A wish to arm lines, from when it was sent until its answer came.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Sent, in µs.
    pub from: Micros,
    /// Answered, in µs.
    pub to: Micros,
    /// Which lines.
    pub lines: u32,
}

/// A controller as it was heard.
#[derive(Debug, Clone, Copy)]
pub struct Controller<'a> {
    /// When its frames came, in µs; in order.
    pub frames: &'a [Micros],
    /// What was wished.
    pub wishes: &'a [Wish],
    /// How long it may be silent, in µs.
    pub silence_us: u32,
    /// Within how long of that it finds lines armed again, in µs.
    pub rejoin_us: u32,
}

impl Controller<'_> {
    /// While it is silent in a session nothing is armed. If it is heard again soon enough, what was armed may be so again, and
    /// what was wished meanwhile.
    pub fn add_silences(&self, session: Stretch, history: &mut History) {
        let mut heard_at = session.from;
        let first = self.frames.partition_point(|at| *at <= session.from);
        let frames = self.frames.iter().skip(first).copied().take_while(|at| *at <= session.to);
        for (next, heard) in frames.map(|at| (at, true)).chain([(session.to, false)]) {
            let silent_at = heard_at + Micros::from(self.silence_us);
            heard_at = heard_at.max(next);
            if silent_at >= next {
                continue;
            }
            let armed = armed_at(silent_at, history);
            history.act(silent_at, Outside::Disarmed(u32::MAX));
            // The span is counted from when the silence was noticed.
            let held = history.held.stretches.iter().find(|held| held.from <= silent_at && silent_at < held.to);
            let noticed_at = held.map_or(silent_at, |held| held.to);
            let back_in_time = next.saturating_sub(noticed_at) <= Micros::from(self.rejoin_us);
            let wishes = self.wishes.iter().filter(|wish| wish.from <= next && next <= wish.to);
            let again = wishes.fold(if back_in_time { armed } else { 0 }, |lines, wish| lines | wish.lines);
            if heard {
                history.act(next, Outside::Armed(again));
                // Nothing outlives the session.
                history.act(session.to, Outside::Disarmed(u32::MAX));
            }
            // Word that it is back goes through what makes decisions; only then is it waited for again.
            let minds = history.held.minds.iter();
            let told_at = minds.fold(next, |at, held| if held.from <= at && at < held.to { held.to } else { at });
            heard_at = heard_at.max(told_at);
        }
    }
}

/// The lines that were armed at a time, by all that was done until then.
fn armed_at(at: Micros, history: &History) -> u32 {
    let mut acts: Vec<_> = history.outside.iter().filter(|(of, _)| *of <= at).collect();
    acts.sort_by_key(|(of, _)| *of);
    acts.iter().fold(0, |armed, (_, act)| match act {
        Outside::Armed(lines) => armed | lines,
        Outside::Disarmed(lines) => armed & !lines,
        _ => armed,
    })
}
