//! More than there is time or room for: a cable that is gone while everything happens at once. What can be kept is kept;
//! what cannot ends the session with every output safe, and the journal says why.

use controller::lockstep::Cable;
use controller::session::{Session, SyncPolicy};
use harness::{Disk, Outcome, System, loaded, ring_use};
use link::{EndReason, Micros, Record};

/// How long the ring must hold all that happens, in µs.
const HELD_US: Micros = 10_000_000;
const MINUTE: &[(&str, &str)] = &[("session_length", "60 s"), ("trials_max", "5000")];

/// A minute of the loaded case, its records on the disk as soon as those of a real one.
fn minute(seed: u64) -> System {
    let mut system = loaded(MINUTE, 70, seed);
    system.sync = SyncPolicy { apart: false, ..SyncPolicy::LIVE };
    system
}

/// Whoever pulls the cable at these times, for so long each.
fn pulls(times: &[Micros], for_us: Micros) -> impl FnMut(Micros, &mut Session<Disk>, &mut Cable) {
    move |now, _, cable| {
        let connected = !times.iter().any(|at| (*at..*at + for_us).contains(&now));
        cable.to_device.connect(connected);
        cable.to_host.connect(connected);
    }
}

fn count(outcome: &Outcome, what: impl Fn(&Record) -> bool) -> usize {
    outcome.session().records().filter(|(_, _, record)| what(record)).count()
}

#[test]
fn ten_seconds_without_a_cable_lose_nothing_of_the_loaded_case() {
    for seed in 1..=2 {
        let whole = minute(seed).run();
        let cut = minute(seed).run_watched(pulls(&[12_000_000, 35_000_000], HELD_US));
        let ended = cut.result.as_ref().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(matches!(ended.reason, EndReason::Condition(_)), "seed {seed}: ended by {:?}", ended.reason);
        assert_eq!(count(&cut, |record| matches!(record, Record::Lost { .. })), 0, "seed {seed}");
        assert!(cut.session().gaps.is_empty(), "seed {seed}: {:?}", cut.session().gaps);
        assert_eq!(count(&cut, |record| *record == Record::Silence(true)), 2, "seed {seed}: the cable was gone");
        assert!(journal::replay(&cut.session()).is_ok_and(|report| report.is_clean()), "seed {seed}: it replays");
        // Every touch and every sample is there, and it was as much as in a session that never was cut.
        let given = |record: &Record| matches!(record, Record::Input { .. } | Record::Samples { .. });
        assert_eq!(count(&cut, given), count(&whole, given), "seed {seed}");
        let taken = ring_use(&cut, HELD_US);
        println!("seed {seed}: {} bytes a second, {} at most in 10 s", taken.each_second, taken.most);
        assert!(taken.most > 45_000, "seed {seed}: it is a load: {taken:?}");
    }
}

#[test]
fn a_cable_gone_for_longer_than_the_ring_holds_ends_the_session_for_that_and_says_so() {
    let outcome = minute(1).run_watched(pulls(&[12_000_000], 3 * HELD_US));
    let ended = outcome.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ended.reason, EndReason::RingFull);
    assert_eq!(outcome.still_on, 0, "outputs still on");
    assert_eq!(count(&outcome, |record| matches!(record, Record::Lost { .. })), 0, "what was recorded is whole");
    assert_eq!(count(&outcome, |record| matches!(record, Record::RingLow { .. })), 1, "and it had been told of");
    assert!(journal::replay(&outcome.session()).is_ok_and(|report| report.is_clean()));
}
