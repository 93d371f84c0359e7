//! Nested states, regions, `back`, and what is left and what is not.

use crate::support::*;

/// A trial state that holds two phases and can be abandoned from either.
fn nested() -> Protocol {
    let attempt = state().on("spout on", to("iti")).after(1_000, to("iti"));
    protocol("lever spout")
        .state("attempt", attempt)
        .state("attempt/reach", state().on("lever on", to("hold")))
        .state("attempt/hold", state().on("lever off", to("reach")))
        .state("iti", state())
}

#[test]
fn children_inherit_the_transitions_of_their_parent() {
    nested().bench().expect(
        "
        0                    | enter attempt
                             | enter reach
        10 lever on          | lever on
                             | enter hold
        20 spout on          | spout on
                             | enter iti
        ",
    );
}

#[test]
fn a_childs_own_transition_goes_before_the_inherited_one() {
    let parent = state().on("lever on", to("late"));
    let all = protocol("lever").state("parent", parent).state("parent/child", state().on("lever on", to("early")));
    all.state("late", state()).state("early", state()).bench().expect(
        "
        0                    | enter parent
                             | enter child
        10 lever on          | lever on
                             | enter early
        ",
    );
}

#[test]
fn the_inherited_transition_leads_on_where_the_childs_guard_fails() {
    let parent = state().on("lever on", to("late"));
    let child = state().on("lever on", to("early").provided(0));
    let all = protocol("lever").state("parent", parent).state("parent/child", child);
    all.state("late", state()).state("early", state()).bench().expect(
        "
        0                    | enter parent
                             | enter child
        10 lever on          | lever on
                             | enter late
        ",
    );
}

#[test]
fn handlers_of_child_and_parent_both_act_the_childs_first() {
    let parent = state().on("lever on", handle(set("who", 2)));
    let child = state().on("lever on", handle(set("who", 1)));
    protocol("lever").variable("who", 0).state("parent", parent).state("parent/child", child).bench().expect(
        "
        0                    | enter parent
                             | enter child
        10 lever on          | lever on
                             | who = 1
                             | who = 2
        ",
    );
}

#[test]
fn moving_between_children_does_not_start_the_parents_clock_anew() {
    nested().bench().expect(
        "
        0                    | enter attempt
                             | enter reach
        900 lever on         | lever on
                             | enter hold
        950 lever off        | lever off
                             | enter reach
        1000                 | enter iti
        ",
    );
}

#[test]
fn moving_between_children_starts_the_childs_own_clock_anew() {
    let early = state().after(100, to("missed")).on("lever on", to("early"));
    let all = protocol("lever").state("attempt", state()).state("attempt/early", early).state("missed", state());
    all.bench().expect(
        "
        0                    | enter attempt
                             | enter early
        60 lever on          | lever on
                             | enter early
        160                  | enter missed
        ",
    );
}

#[test]
fn leading_to_the_parent_itself_leaves_it_and_starts_it_anew() {
    let parent = state().exit(set("left", 1)).on("lever on", to("parent")).after(100, to("done"));
    let all = protocol("lever").variable("left", 0).state("parent", parent).state("parent/first", state());
    all.state("done", state()).bench().expect(
        "
        0                    | enter parent
                             | enter first
        60 lever on          | lever on
                             | left = 1
                             | enter parent
                             | enter first
        160                  | left = 1
                             | enter done
        ",
    );
}

#[test]
fn a_state_is_entered_down_to_its_innermost_first_child() {
    let all = protocol("lever").state("wait", state().on("lever on", to("a"))).state("a", state());
    all.state("a/b", state()).state("a/b/c", state()).state("a/other", state()).bench().expect(
        "
        0                    | enter wait
        10 lever on          | lever on
                             | enter a
                             | enter b
                             | enter c
        ",
    );
}

#[test]
fn a_transition_into_a_child_enters_its_parents_on_the_way() {
    let all = protocol("lever").state("wait", state().on("lever on", to("deep"))).state("a", state());
    all.state("a/first", state()).state("a/second", state()).state("a/second/deep", state()).bench().expect(
        "
        0                    | enter wait
        10 lever on          | lever on
                             | enter a
                             | enter second
                             | enter deep
        ",
    );
}

#[test]
fn only_what_does_not_hold_the_target_is_left() {
    let left = |n: i64| state().exit(set("left", n));
    let all = protocol("lever").variable("left", 0).state("a", left(3)).state("a/b", left(2));
    let all = all.state("a/b/c", left(1).on("lever on", to("d"))).state("a/e", state()).state("a/e/d", state());
    all.bench().expect(
        "
        0                    | enter a
                             | enter b
                             | enter c
        10 lever on          | lever on
                             | left = 1
                             | left = 2
                             | enter e
                             | enter d
        ",
    );
}

#[test]
fn back_leads_to_the_state_the_region_came_from() {
    let wait = |other| state().on("lever on", to(other)).on("spout on", to("pause"));
    let all = protocol("lever spout").state("one", wait("two")).state("two", wait("one"));
    all.state("pause", state().after(100, back())).bench().expect(
        "
        0                    | enter one
        10 lever on          | lever on
                             | enter two
        20 spout on          | spout on
                             | enter pause
        120                  | enter two
        130 spout on         | spout on
                             | enter pause
        230                  | enter two
        ",
    );
}

#[test]
fn back_leads_to_the_child_that_was_active_and_enters_its_parents_anew() {
    let attempt = state().on("spout on", to("pause"));
    let all = protocol("lever spout").state("attempt", attempt);
    let all = all.state("attempt/reach", state().on("lever on", to("hold"))).state("attempt/hold", state());
    all.state("pause", state().after(100, back())).bench().expect(
        "
        0                    | enter attempt
                             | enter reach
        10 lever on          | lever on
                             | enter hold
        20 spout on          | spout on
                             | enter pause
        120                  | enter attempt
                             | enter hold
        ",
    );
}

#[test]
fn back_before_any_transition_enters_the_start_state_anew() {
    protocol("lever").state("only", state().on("lever on", back())).bench().expect(
        "
        0                    | enter only
        10 lever on          | lever on
                             | enter only
        ",
    );
}

#[test]
fn paid_or_else_is_told_apart_at_the_time_out_in_the_order_declared() {
    let wait = state().after(500, to("reward").provided("paid")).after(500, to("omission"));
    let all = |paid| {
        let all = protocol("").variable("paid", paid).state("wait", wait.clone());
        all.state("reward", state()).state("omission", state()).bench()
    };
    all(1).expect(
        "
        0                    | enter wait
        500                  | enter reward
        2000                 |
        ",
    );
    all(0).expect(
        "
        0                    | enter wait
        500                  | enter omission
        2000                 |
        ",
    );
}

#[test]
fn a_time_out_whose_guard_fails_is_spent() {
    let wait = state().on("lever on", handle(set("ready", 1))).after(500, to("done").provided("ready"));
    let all = protocol("lever").variable("ready", 0).state("wait", wait).state("done", state());
    all.bench().expect(
        "
        0                    | enter wait
        500                  |
        600 lever on         | lever on
                             | ready = 1
        9000                 |
        ",
    );
}

#[test]
fn a_handler_after_a_time_acts_and_stays_and_the_clock_runs_on() {
    let wait = state().after(200, handle(raise("half"))).after(400, to("done"));
    protocol("").events("half").state("wait", wait).state("done", state()).bench().expect(
        "
        0                    | enter wait
        200                  | event half
        400                  | enter done
        ",
    );
}

#[test]
fn leaving_a_state_stops_its_time_outs_and_coming_back_starts_them_anew() {
    let wait = state().after(500, to("missed")).on("lever on", to("hold"));
    let all = protocol("lever").state("wait", wait).state("hold", state().on("lever off", to("wait")));
    all.state("missed", state()).bench().expect(
        "
        0                    | enter wait
        400 lever on         | lever on
                             | enter hold
        600 lever off        | lever off
                             | enter wait
        1100                 | enter missed
        ",
    );
}

#[test]
fn a_when_sees_a_level_that_was_there_before_the_state_was() {
    let iti = state().after(500, to("ready"));
    let ready = state().when(is_on("lever"), to("pulled"));
    protocol("lever").state("iti", iti).state("ready", ready).state("pulled", state()).bench().expect(
        "
        0                    | enter iti
        100 lever on         | lever on
        500                  | enter ready
                             | enter pulled
        ",
    );
}

#[test]
fn a_when_of_the_parent_leads_on_from_every_child() {
    let parent = state().when(equal("n", 2), to("done"));
    let child = state().on("lever on", handle(set("n", plus("n", 1))));
    let all = protocol("lever").variable("n", 0).state("parent", parent).state("parent/child", child);
    all.state("done", state()).bench().expect(
        "
        0                    | enter parent
                             | enter child
        10 lever on          | lever on
                             | n = 1
        20 lever on          | lever on
                             | n = 2
                             | enter done
        ",
    );
}

#[test]
fn one_region_waits_for_another_to_be_in_a_state() {
    let main = state().after(300, to("open"));
    let light = state().when(in_state("open"), to("lit"));
    let all = protocol("").state("closed", main).state("open", state().after(100, to("closed"))).region();
    all.state("dark", light).state("lit", state().when(not(in_state("open")), to("dark"))).bench().expect(
        "
        0                    | enter closed
                             | enter dark
        300                  | enter open
                             | enter lit
        400                  | enter closed
                             | enter dark
        ",
    );
}

#[test]
fn regions_keep_their_own_clocks_and_talk_by_signals() {
    let main = state().after(1_000, to("omission"));
    let omission = state().entry(raise("train"));
    let dark = state().on("train", to("lit"));
    let lit = state().entry(pulse("laser", 50)).after(200, to("dark"));
    let all = protocol("laser").events("train").state("wait", main).state("omission", omission).region();
    all.state("dark", dark).state("lit", lit).bench().expect(
        "
        0                    | enter wait
                             | enter dark
        1000                 | enter omission
                             | event train
                             | enter lit
                             | request laser for 50
        1200                 | enter dark
        ",
    );
}

#[test]
fn the_eighth_level_is_the_deepest_and_works_like_the_others() {
    let outer = state().on("lever on", to("out"));
    let all = protocol("lever").state("a", outer).state("a/b", state()).state("a/b/c", state());
    let all = all.state("a/b/c/d", state()).state("a/b/c/d/e", state()).state("a/b/c/d/e/f", state());
    let all = all.state("a/b/c/d/e/f/g", state()).state("a/b/c/d/e/f/g/h", state().after(9, to("h")));
    all.state("out", state()).bench().expect(
        "
        0                    | enter a
                             | enter b
                             | enter c
                             | enter d
                             | enter e
                             | enter f
                             | enter g
                             | enter h
        9                    | enter h
        15 lever on          | lever on
                             | enter out
        ",
    );
}
