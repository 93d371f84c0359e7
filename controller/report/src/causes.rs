//! The words for what the interlock and the engine say: verdicts, causes, ends; and what a person does about each. Knows
//! the vocabulary of the link and nothing of any session.

use compiler::symbols::Symbols;
use link::{DisarmCause, EndReason, Fault, TripCause, Verdict};

use crate::summary::line_name;

/// Why lines were disarmed, as half a sentence.
#[must_use]
pub const fn disarm_cause(cause: DisarmCause) -> &'static str {
    match cause {
        DisarmCause::Operator => "a person asked for it",
        DisarmCause::Silence => "the controller was silent",
        DisarmCause::SessionEnd => "the session ended",
        DisarmCause::Trip => "the interlock tripped",
        DisarmCause::Key => "the key was turned off",
    }
}

/// What a verdict is called.
#[must_use]
pub const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Withheld => "withheld: not armed",
        Verdict::OverMaxOn => "refused: over max_on",
        Verdict::CutAtMaxOn => "cut at max_on",
        Verdict::Tripped => "refused: tripped",
        Verdict::NotAnOutput => "refused: no such output",
        Verdict::CutByDisarm => "cut by a disarm",
        Verdict::CutByEnd => "cut by the end",
        Verdict::NoSuchPower => "refused: no such power",
        Verdict::Forbidden => "refused: forbidden",
        Verdict::OverPower => "refused: over its power",
        Verdict::TooSoon => "refused: over min_off",
        Verdict::OverDuty => "refused: over its duty",
        Verdict::OverTotal => "refused: over its total",
    }
}

/// Why the interlock tripped, as half a sentence.
#[must_use]
pub fn trip_cause(symbols: &Symbols, cause: TripCause) -> String {
    match cause {
        TripCause::HostAbort => "the controller asked for it".into(),
        TripCause::PadMismatch(line) => format!("{} did not follow its command", line_name(symbols, line)),
        TripCause::Invariant(invariant) => {
            let written = symbols.invariants.get(invariant.index()).map_or("?", String::as_str);
            format!("the protocol broke \"{written}\"")
        }
        TripCause::TooLate => "something was handled too late".into(),
        TripCause::Lost => "an edge was lost".into(),
        TripCause::EmergencyStop => "the emergency stop opened".into(),
        TripCause::Starved => "more came in, or was asked of the outputs, than the device can handle".into(),
        TripCause::NotSensed(line) => {
            format!("what was sensed of {} differed from what it was commanded", line_name(symbols, line))
        }
        TripCause::Contradiction(line) => {
            format!(
                "an input was answered on {} with something the program then did not ask for",
                line_name(symbols, line)
            )
        }
    }
}

/// What a person does about a trip, as a sentence.
#[must_use]
pub fn trip_advice(symbols: &Symbols, cause: TripCause) -> String {
    match cause {
        TripCause::HostAbort => "nothing is wrong with the rig: run the next session when you are ready".into(),
        TripCause::PadMismatch(line) => format!(
            "software could not make {} follow: cut its power, look for a short or a wrong wire, then `nosepoke selftest`",
            line_name(symbols, line)
        ),
        TripCause::Invariant(_) => "correct the protocol, and run it on the simulated rig first".into(),
        TripCause::TooLate => "look for inputs that chatter and for programs with long steps: `nosepoke check`".into(),
        TripCause::Lost => {
            "look for an input that chatters: a loose contact, a missing pull-up, a debounce too short".into()
        }
        TripCause::EmergencyStop => {
            "see that animal and rig are well, then release the stop; if nobody pressed it, look for a broken wire"
                .into()
        }
        TripCause::Starved => {
            "look for an input that chatters, and for trains of pulses that are denser than they need to be".into()
        }
        TripCause::NotSensed(line) => {
            let line = line_name(symbols, line);
            format!("see whether {line} does what it should and whether its sensor does, then `nosepoke selftest`")
        }
        TripCause::Contradiction(_) => {
            "this is a mistake of nosepoke's, and outputs are safe: keep the journal and report it".into()
        }
    }
}

/// Why a session ended, as a sentence.
#[must_use]
pub fn end_reason(symbols: &Symbols, reason: EndReason) -> String {
    match reason {
        EndReason::Condition(row) => {
            let written = symbols.ends.get(usize::from(row));
            written
                .map_or_else(|| format!("the protocol's condition {row}"), |written| format!("the protocol: {written}"))
        }
        EndReason::Stopped => "stopped by a person or the controller".into(),
        EndReason::Tripped(cause) => format!("trip: {}", trip_cause(symbols, cause)),
        EndReason::HostLost => "the controller was lost".into(),
        EndReason::Fault(fault) => format!("the program broke a bound: {}", fault_name(fault)),
        EndReason::RingFull => "the device's memory for records was nearly full".into(),
        EndReason::DeviceReset => "the device was reset".into(),
    }
}

const fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::ChainTooLong => "too many transitions in one microsecond",
        Fault::Overflow => "a result does not fit in 64 bits",
        Fault::DivideByZero => "a division by zero",
        Fault::IndexOutOfRange => "a table was read past its end",
        Fault::Stack => "an expression needed too many values",
        Fault::Draw => "a draw was asked for something impossible",
        Fault::TooManySignals => "too many signals in one microsecond",
        Fault::Duration => "a duration below zero or too long",
        Fault::TooManyDeadlines => "too many time-outs at once",
        Fault::BadProgram => "the image holds what no checked image holds",
    }
}
