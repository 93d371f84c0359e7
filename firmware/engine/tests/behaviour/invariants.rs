//! Invariants: what they count, what a breach blocks, and that a protocol never hangs on a blocked train.

use link::program::rows::Scope;

use crate::support::*;

/// Every pull asks for water, every lick begins a trial.
fn greedy(scope: Scope) -> Protocol {
    let run = state().entry(trial()).on("lever on", handle(deliver("water", 9, 30))).on("spout on", handle(trial()));
    protocol("lever spout water").state("run", run).at_most(1, "water", scope, "run")
}

#[test]
fn at_most_once_per_trial() {
    greedy(Scope::Trial).bench().expect(
        "
        0                    | enter run
                             | trial 1
        100 lever on         | lever on
                             | request water 9 nl for 30
        200 lever on         | lever on
                             | breach 0 water
        300 spout on         | spout on
                             | trial 2
        400 lever on         | lever on
                             | request water 9 nl for 30
        ",
    );
}

#[test]
fn at_most_once_per_session() {
    greedy(Scope::Session).bench().expect(
        "
        0                    | enter run
                             | trial 1
        100 lever on         | lever on
                             | request water 9 nl for 30
        300 spout on         | spout on
                             | trial 2
        400 lever on         | lever on
                             | breach 0 water
        ",
    );
}

#[test]
fn at_most_once_per_visit_of_a_state() {
    let wait = state().on("lever on", handle(pulse("laser", 5))).on("spout on", to("wait"));
    protocol("lever spout laser").state("wait", wait).at_most(1, "laser", Scope::State, "wait").bench().expect(
        "
        0                    | enter wait
        100 lever on         | lever on
                             | request laser for 5
        200 lever on         | lever on
                             | breach 0 laser
        300 spout on         | spout on
                             | enter wait
        400 lever on         | lever on
                             | request laser for 5
        ",
    );
}

#[test]
fn never_in_a_state_holds_for_its_children_and_nowhere_else() {
    let shine = |next| state().entry(pulse("laser", 5)).after(100, to(next));
    let all = protocol("laser").state("dark", state()).state("dark/deep", shine("light"));
    let all = all.state("light", shine("dark")).at_most(0, "laser", Scope::State, "dark");
    all.bench().expect(
        "
        0                    | enter dark
                             | enter deep
                             | breach 0 laser
        100                  | enter light
                             | request laser for 5
        200                  | enter dark
                             | enter deep
                             | breach 0 laser
        ",
    );
}

#[test]
fn a_write_that_leaves_the_forbidden_state_in_the_same_microsecond_is_still_blocked() {
    let dark = state().entry(pulse("laser", 5)).when(1, to("light"));
    let all = protocol("laser").state("dark", dark).state("light", state());
    all.at_most(0, "laser", Scope::State, "dark").bench().expect(
        "
        0                    | enter dark
                             | enter light
                             | breach 0 laser
        ",
    );
}

#[test]
fn a_write_that_is_taken_back_in_the_same_microsecond_breaks_nothing() {
    let dark = state().entry([on("laser"), off("laser")]);
    protocol("laser").state("dark", dark).at_most(0, "laser", Scope::State, "dark").bench().expect("0 | enter dark");
}

#[test]
fn switching_off_is_never_blocked() {
    let wait = state().entry([on("laser")]).on("lever on", handle(off("laser")));
    protocol("lever laser").state("wait", wait).at_most(1, "laser", Scope::Session, "").bench().expect(
        "
        0                    | enter wait
                             | request laser on
        100 lever on         | lever on
                             | request laser off
        ",
    );
}

#[test]
fn a_blocked_train_still_ends_when_it_would_have() {
    let wait = state().entry(pulse("laser", 70)).on("laser ends", to("done"));
    let all = protocol("laser").state("wait", wait).state("done", state());
    all.at_most(0, "laser", Scope::Session, "").bench().expect(
        "
        0                    | enter wait
                             | breach 0 laser
        70                   | enter done
        ",
    );
}

/// Pull: laser on. Release: laser off. Lick: a pulse. At most one start a trial; a scan begins a trial.
fn switch() -> Protocol {
    let run = state()
        .on("lever on", handle(on("laser")))
        .on("lever off", handle(off("laser")))
        .on("spout on", handle(pulse("laser", 50)))
        .on("spout off", handle(pulse("laser", 500)))
        .on("scan on", handle(trial()))
        .on("laser ends", handle(set("ended", 1)));
    let all = protocol("lever spout scan laser").variable("ended", 0).state("run", run);
    all.at_most(1, "laser", Scope::Trial, "")
}

#[test]
fn a_line_that_stays_on_because_a_train_was_blocked_can_still_be_switched_off() {
    switch().bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser on
        200 spout on         | spout on
                             | breach 0 laser
        250                  | ended = 1
        300 lever off        | lever off
                             | request laser off
        ",
    );
}

#[test]
fn what_was_blocked_is_asked_for_again_once_it_is_allowed() {
    switch().bench().expect(
        "
        0                    | enter run
        100 spout on         | spout on
                             | request laser for 50
        150                  | ended = 1
        200 lever on         | lever on
                             | breach 0 laser
        300 scan on          | scan on
                             | trial 1
        400 lever on         | lever on
                             | request laser on
        ",
    );
}

#[test]
fn a_train_that_plays_on_because_another_was_blocked_ends_when_both_would_have() {
    switch().bench().expect(
        "
        0                    | enter run
        100 spout off        | spout off
                             | request laser for 500
        200 spout on         | spout on
                             | breach 0 laser
        300 lever off        | lever off
                             | request laser off
        9000                 |
        ",
    );
    switch().bench().expect(
        "
        0                    | enter run
        100 spout off        | spout off
                             | request laser for 500
        200 spout on         | spout on
                             | breach 0 laser
        600                  | ended = 1
        ",
    );
}

#[test]
fn the_first_of_two_invariants_on_a_line_is_named() {
    let run = state().entry(pulse("laser", 5)).on("lever on", to("run"));
    let all = protocol("lever laser").state("run", run).at_most(1, "laser", Scope::Session, "");
    all.at_most(0, "laser", Scope::Trial, "").bench().expect(
        "
        0                    | enter run
                             | breach 1 laser
        100 lever on         | lever on
                             | enter run
                             | breach 1 laser
        ",
    );
}
