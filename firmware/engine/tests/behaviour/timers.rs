//! Named timers: side by side, repeating, standing still, outliving states.

use link::program::op::Special;

use crate::support::*;

/// One state in which every ring is counted; `actions` start what is looked at.
fn ringing(actions: impl Into<Script>) -> Protocol {
    let run = state()
        .entry(actions)
        .on("a rings", handle(set("rang", 1)))
        .on("b rings", handle(set("rang", 2)))
        .on("lever on", handle(pause_timer("a")))
        .on("lever off", handle(resume_timer("a")))
        .on("spout on", handle(stop_timer("a")))
        .on("spout off", handle(start_timer("a", 100, 0)));
    protocol("lever spout").timers("a b").variable("rang", 0).variable("left", 0).state("run", run)
}

#[test]
fn several_timers_run_side_by_side() {
    ringing([start_timer("a", 300, 0), start_timer("b", 200, 0)]).bench().expect(
        "
        0                    | enter run
        200                  | rang = 2
        300                  | rang = 1
        9000                 |
        ",
    );
}

#[test]
fn a_timer_that_repeats_twice_rings_three_times() {
    ringing(start_timer("a", 100, 2)).bench().expect(
        "
        0                    | enter run
        100                  | rang = 1
        200                  | rang = 1
        300                  | rang = 1
        9000                 |
        ",
    );
}

#[test]
fn a_timer_that_repeats_for_ever_rings_until_it_is_stopped() {
    ringing(start_timer("a", 100, FOREVER)).bench().expect(
        "
        0                    | enter run
        100                  | rang = 1
        200                  | rang = 1
        250 spout on         | spout on
        9000                 |
        ",
    );
    let rings = ringing(start_timer("a", 1, FOREVER)).bench().run(70_000);
    assert_eq!(rings.len(), 70_000 + 2, "it rings past the largest count a repeat can have");
}

#[test]
fn a_timer_that_stands_still_goes_on_from_where_it_stood() {
    ringing(start_timer("a", 100, 1)).bench().expect(
        "
        0                    | enter run
        40 lever on          | lever on
        1000 lever off       | lever off
        1060                 | rang = 1
        1160                 | rang = 1
        9000                 |
        ",
    );
}

#[test]
fn a_timer_paused_in_the_microsecond_it_would_ring_rings_when_it_goes_on() {
    ringing(start_timer("a", 100, 0)).bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
        500 lever off        | lever off
                             | rang = 1
        ",
    );
}

#[test]
fn pausing_twice_or_resuming_what_runs_changes_nothing() {
    ringing(start_timer("a", 100, 0)).bench().expect(
        "
        0                    | enter run
        10 lever off         | lever off
        40 lever on          | lever on
        50 lever on          | lever on
        70 lever off         | lever off
        130                  | rang = 1
        ",
    );
}

#[test]
fn starting_a_timer_that_runs_or_stands_still_starts_it_anew() {
    ringing(start_timer("a", 100, 0)).bench().expect(
        "
        0                    | enter run
        60 spout off         | spout off
        160                  | rang = 1
        ",
    );
    ringing(start_timer("a", 100, 0)).bench().expect(
        "
        0                    | enter run
        60 lever on          | lever on
        70 spout off         | spout off
        170                  | rang = 1
        180 lever off        | lever off
        9000                 |
        ",
    );
}

#[test]
fn a_stopped_timer_cannot_be_resumed() {
    ringing(start_timer("a", 100, 0)).bench().expect(
        "
        0                    | enter run
        60 spout on          | spout on
        70 lever off         | lever off
        9000                 |
        ",
    );
}

#[test]
fn a_timer_outlives_the_state_that_started_it() {
    let one = state().entry(start_timer("a", 500, 0)).after(100, to("two"));
    let two = state().on("a rings", to("done"));
    protocol("").timers("a").state("one", one).state("two", two).state("done", state()).bench().expect(
        "
        0                    | enter one
        100                  | enter two
        500                  | enter done
        ",
    );
}

#[test]
fn a_timer_nobody_waits_for_rings_unheard() {
    let one = state().entry(start_timer("a", 50, 0)).after(100, to("two"));
    let two = state().on("a rings", to("never"));
    protocol("").timers("a").state("one", one).state("two", two).state("never", state()).bench().expect(
        "
        0                    | enter one
        100                  | enter two
        9000                 |
        ",
    );
}

#[test]
fn what_is_left_of_a_timer_can_be_asked() {
    let left = set("left", special(Special::TimerLeft, Operand::Timer("a")));
    let runs = set("rang", special(Special::TimerRunning, Operand::Timer("a")));
    let run = state()
        .entry(start_timer("a", 100, 0))
        .on("lever on", handle([left, runs]))
        .on("spout on", handle(pause_timer("a")))
        .on("spout off", handle(resume_timer("a")));
    let all = protocol("lever spout").timers("a").variable("left", 0).variable("rang", 0).state("run", run);
    all.bench().expect(
        "
        0                    | enter run
        30 lever on          | lever on
                             | left = 70
                             | rang = 1
        40 spout on          | spout on
        50 lever on          | lever on
                             | left = 60
                             | rang = 0
        60 spout off         | spout off
        120 lever on         | lever on
                             | left = 0
                             | rang = 1
        130 lever on         | lever on
                             | left = 0
                             | rang = 0
        ",
    );
}

#[test]
fn a_timer_that_repeats_for_no_time_at_all_is_refused() {
    ringing(start_timer("a", 0, 1)).bench().expect(
        "
        0                    | enter run
                             | fault Duration
                             | end: Fault(Duration)
        ",
    );
}

#[test]
fn a_timer_of_less_than_no_time_is_refused() {
    ringing(start_timer("a", -1, 0)).bench().expect(
        "
        0                    | enter run
                             | fault Duration
                             | end: Fault(Duration)
        ",
    );
}
