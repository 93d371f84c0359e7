//! What has happened so far in a session, counted as the records come: what a person watches while it runs. The full
//! account is made from the journal afterwards.

use compiler::symbols::Symbols;
use link::record::Request;
use link::{EndReason, Micros, Record};

/// Counts of a session under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    started: Option<Micros>,
    last: Micros,
    /// Trials begun.
    pub trials: u32,
    /// Trials that came to each outcome, in the order of the protocol's outcomes.
    pub outcomes: Vec<u32>,
    /// Water asked for, in nl.
    pub water_nl: u64,
    /// Records in all.
    pub records: u64,
    /// Requests that the interlock or an invariant did not let through.
    pub withheld: u32,
    /// The innermost state of the main region.
    pub state: Option<u16>,
    end: Option<EndReason>,
}

impl Tally {
    pub(crate) fn new(symbols: &Symbols) -> Self {
        Self {
            started: None,
            last: 0,
            trials: 0,
            outcomes: vec![0; symbols.outcomes.len()],
            water_nl: 0,
            records: 0,
            withheld: 0,
            state: None,
            end: None,
        }
    }

    /// µs from the start of the session to its last record so far.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        self.started.map_or(0, |started| self.last.saturating_sub(started))
    }

    /// The device's time of the session's start.
    #[must_use]
    pub const fn started(&self) -> Option<Micros> {
        self.started
    }

    /// The device's time of the last record, once there is one.
    #[must_use]
    pub const fn last(&self) -> Option<Micros> {
        if self.records == 0 { None } else { Some(self.last) }
    }

    /// Why it ended, once it has.
    #[must_use]
    pub const fn end(&self) -> Option<EndReason> {
        self.end
    }

    pub(crate) fn record(&mut self, at: Micros, record: &Record) {
        self.records += 1;
        self.last = self.last.max(at);
        match record {
            Record::Start { .. } => self.started = Some(at),
            Record::Trial { number } => self.trials = *number,
            Record::Outcome(outcome) => {
                if let Some(count) = self.outcomes.get_mut(outcome.index()) {
                    *count += 1;
                }
            }
            Record::Request { request: Request::Deliver { volume_nl, .. }, .. } => {
                self.water_nl += u64::from(*volume_nl);
            }
            Record::Verdict { .. } | Record::Breach { .. } => self.withheld += 1,
            Record::Enter { region, state } if region.0 == 0 => self.state = Some(state.0),
            Record::End(reason) => self.end = Some(*reason),
            _ => {}
        }
    }
}
