//! Whatever a program does, a microsecond ends: every bound is met by a fault, never by a hang.

use link::limits::{MAX_CHAIN, MAX_DUE, MAX_SIGNALS};

use crate::support::*;

/// The records of a session that broke a bound in its first microsecond.
fn last_two(all: &Protocol) -> Vec<String> {
    let bench = all.bench();
    let records = bench.run(10);
    assert!(records.iter().all(|(at, _)| *at == 0));
    records.iter().rev().take(2).rev().map(|(_, record)| bench.show(record)).collect()
}

#[test]
fn as_many_transitions_as_the_bound_follow_one_another() {
    let run = state().when(less("n", i64::from(MAX_CHAIN)), to("run").doing(set("n", plus("n", 1))));
    let all = protocol("").variable("n", 0).state("run", run);
    let records = all.bench().run(10);
    // The start, the first entry, and a set and an entry a transition.
    assert_eq!(records.len(), 2 + 2 * usize::from(MAX_CHAIN));
}

#[test]
fn transitions_that_never_come_to_rest_are_a_fault() {
    let all = protocol("").state("a", state().when(1, to("b"))).state("b", state().when(1, to("a")));
    assert_eq!(last_two(&all), ["fault ChainTooLong", "end: Fault(ChainTooLong)"]);
}

#[test]
fn time_outs_of_no_length_that_never_come_to_rest_are_a_fault() {
    let all = protocol("").state("a", state().after(0, to("b"))).state("b", state().after(0, to("a")));
    assert_eq!(last_two(&all), ["fault ChainTooLong", "end: Fault(ChainTooLong)"]);
}

#[test]
fn a_timer_that_starts_itself_again_for_no_time_is_a_fault() {
    let start = || start_timer("clock", 0, 0);
    let all = protocol("").timers("clock").state("a", state().entry(start()).on("clock rings", handle(start())));
    assert_eq!(last_two(&all), ["fault ChainTooLong", "end: Fault(ChainTooLong)"]);
}

#[test]
fn as_many_things_as_the_bound_fall_due_in_one_microsecond_and_one_more_is_a_fault() {
    let rings = |most: u16| {
        let again = only_if(less("n", i64::from(most) - 1), start_timer("clock", 0, 0));
        let run = state().entry(start_timer("clock", 0, 0)).on("clock rings", handle([again, set("n", plus("n", 1))]));
        protocol("").timers("clock").variable("n", 0).state("run", run)
    };
    assert_eq!(last_two(&rings(MAX_DUE))[1], format!("n = {MAX_DUE}"));
    assert_eq!(last_two(&rings(MAX_DUE + 1)), ["fault ChainTooLong", "end: Fault(ChainTooLong)"]);
}

#[test]
fn signals_that_raise_each_other_without_end_are_a_fault() {
    let ping = state().entry(raise("ping")).on("ping", handle(raise("pong")));
    let all = protocol("").events("ping pong").state("a", ping).region();
    let all = all.state("b", state().on("pong", handle(raise("ping"))));
    assert_eq!(last_two(&all), ["fault TooManySignals", "end: Fault(TooManySignals)"]);
}

#[test]
fn as_many_signals_as_the_bound_wait_and_one_more_is_a_fault() {
    let raised = |signals: usize| {
        let run = state().entry(times(signals, raise("go"))).on("go", handle(set("n", plus("n", 1))));
        protocol("").events("go").variable("n", 0).state("run", run)
    };
    assert_eq!(last_two(&raised(MAX_SIGNALS)), ["n = 15", "n = 16"]);
    assert_eq!(last_two(&raised(MAX_SIGNALS + 1)), ["fault TooManySignals", "end: Fault(TooManySignals)"]);
}

#[test]
fn more_time_outs_at_once_than_the_bound_are_a_fault() {
    let sixteen = (0..16).fold(state(), |state, n| state.after(n + 1, to("done")));
    let all = protocol("").state("outer", state().after(99, to("done"))).state("outer/inner", sixteen.clone());
    let all = all.state("done", state());
    assert_eq!(last_two(&all), ["fault TooManyDeadlines", "end: Fault(TooManyDeadlines)"]);
    let all = protocol("").state("inner", sixteen).state("done", state());
    let bench = all.bench();
    assert_eq!(bench.run(10).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 0, 1], "sixteen are not");
}

#[test]
fn a_time_out_below_zero_is_a_fault() {
    let all = protocol("").state("wait", state().after(-1, to("wait")));
    assert_eq!(last_two(&all), ["fault Duration", "end: Fault(Duration)"]);
}

#[test]
fn after_a_fault_what_else_came_is_recorded_and_nothing_more_happens() {
    let run = state().on("lever on", handle([on("laser"), set("n", plus("n", i64::MAX))]));
    let all = protocol("lever spout laser").variable("n", 1).state("run", run);
    all.bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
             spout on        | fault Overflow
                             | spout on
                             | end: Fault(Overflow)
        200 lever off        |
        ",
    );
}
