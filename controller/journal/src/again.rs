//! Runs a program on what a session was given, and tells what it makes of it. The session's own program makes the session
//! again, which is replay's business; another one shows what would have become of the same animal.

use engine::{Engine, Start};
use link::program::Program;
use link::{Micros, Record};

use crate::reader::Session;
use crate::replay::given;

/// Microseconds handled in one go.
const STEPS: u16 = 64;

/// Feeds a program what a session was given, with the session's seed and start, up to the session's last record; every
/// record it makes is handed to `tell` with its time. False if the session never started, or more was given in one
/// microsecond than an engine takes.
pub fn again(session: &Session, program: &Program<'_>, mut tell: impl FnMut(Micros, Record)) -> bool {
    let mut records =
        session.records().filter(|(_, _, record)| record.is_derived() || record.feeds_engine()).peekable();
    let Some((_, start, Record::Start { levels, .. })) = records.peek().copied() else { return false };
    let last = session.records().map(|(_, at, _)| at).max().unwrap_or(start);
    // Boxed: its tables are larger than a stack frame should be.
    let mut engine = Box::new(Engine::new());
    let begin = Start { at: start, seed: session.header.seed, levels, program: program.name() };
    engine.start(program, begin, &mut tell);
    while let Some((_, at, _)) = records.peek().copied() {
        while engine.advance(program, at.saturating_sub(1), STEPS, &mut tell) {}
        while let Some((_, _, record)) = records.next_if(|(_, then, _)| *then == at) {
            if let Some((stamp, given)) = given(at, &record)
                && engine.offer(stamp, given).is_err()
            {
                return false;
            }
        }
        while engine.advance(program, at, STEPS, &mut tell) {}
    }
    while engine.advance(program, last, STEPS, &mut tell) {}
    true
}
