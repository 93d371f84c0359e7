//! What happens when several things happen in one microsecond: each row of `docs/simultaneity.md` as a trace. On the left
//! what is given and when, on the right what is recorded. Knows nothing of how the engine works.

mod support;

use support::*;

// Rows 1 to 4: what is given.

#[test]
fn a_stop_comes_before_everything_else_and_the_rest_is_only_recorded() {
    let wait = state().on("lever on", to("pulled").doing(on("water")));
    protocol("lever water").state("wait", wait).state("pulled", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | stop: Stopped
             stop            | lever on
                             | end: Stopped
        2000 lever off       |
        ",
    );
}

#[test]
fn the_word_that_this_trial_is_the_last_comes_before_the_trial_that_would_follow() {
    let wait = state().entry(trial()).on("lever on", to("wait"));
    protocol("lever").state("wait", wait).bench().expect(
        "
        0                    | enter wait
                             | trial 1
        1000 lever on        | last trial: HostLost
             last trial      | lever on
                             | enter wait
                             | end: HostLost
        ",
    );
}

#[test]
fn inputs_come_by_line_whatever_order_they_were_seen_in() {
    let wait = state().on("lever on", to("pulled")).on("spout on", to("licked"));
    protocol("lever spout").state("wait", wait).state("pulled", state()).state("licked", state()).bench().expect(
        "
        0                    | enter wait
        1000 spout on        | lever on
             lever on        | enter pulled
                             | spout on
        ",
    );
}

#[test]
fn two_edges_of_one_line_come_in_the_order_they_happened() {
    let wait = state().on("lever off", to("released"));
    let released = state().on("lever on", to("pulled"));
    let all = protocol("lever").state("wait", wait).state("released", released).state("pulled", state());
    all.bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
             lever off       | lever off
                             | enter released
             lever on        | lever on
                             | enter pulled
        ",
    );
}

#[test]
fn events_from_outside_come_after_inputs_by_number() {
    let wait = state().on("lever on", handle(raise("seen")));
    protocol("lever").events("key scan seen").state("wait", wait).bench().expect(
        "
        0                    | enter wait
        1000 outside scan    | lever on
             outside key     | event seen
             lever on        | outside key
                             | outside scan
        ",
    );
}

#[test]
fn parameters_are_taken_up_after_inputs_so_the_input_still_sees_the_old_value() {
    let wait = state().on("lever on", handle(set("seen", "size"))).on("key", handle(set("seen", "size")));
    let all = protocol("lever").events("key").variable("size", 1).variable("seen", 0).state("wait", wait);
    all.bench().expect(
        "
        0                    | enter wait
        1000 parameter size = 2 | lever on
             parameter size = 3 | seen = 1
             outside key     | outside key
             lever on        | seen = 1
                             | parameter size = 2
                             | parameter size = 3
        2000 lever on        | lever on
                             | seen = 3
        ",
    );
}

// Row 5: signals.

#[test]
fn a_signal_is_heard_after_everything_given_in_its_microsecond() {
    let wait = state().on("lever on", handle(raise("go"))).on("spout on", handle(set("order", 1)));
    let other = state().on("go", handle(set("order", 2)));
    let all = protocol("lever spout").events("go").variable("order", 0).state("wait", wait).region();
    all.state("other", other).bench().expect(
        "
        0                    | enter wait
                             | enter other
        1000 lever on        | lever on
             spout on        | event go
                             | spout on
                             | order = 1
                             | order = 2
        ",
    );
}

#[test]
fn signals_are_heard_in_the_order_they_were_raised_and_by_every_region() {
    let wait = state().on("lever on", handle([raise("b"), raise("a")])).on("a", handle(set("heard", 10)));
    let other = state().on("a", handle(set("heard", 11))).on("b", handle(set("heard", 21)));
    let all = protocol("lever").events("a b").variable("heard", 0).state("wait", wait).region();
    all.state("other", other).bench().expect(
        "
        0                    | enter wait
                             | enter other
        1000 lever on        | lever on
                             | event b
                             | event a
                             | heard = 21
                             | heard = 10
                             | heard = 11
        ",
    );
}

#[test]
fn a_signal_raised_by_a_time_out_is_heard_before_the_next_time_out() {
    let one = state().after(500, handle(raise("go"))).after(500, handle(set("order", 2)));
    let other = state().on("go", handle(set("order", 1)));
    let all = protocol("").events("go").variable("order", 0).state("one", one).region().state("other", other);
    all.bench().expect(
        "
        0                    | enter one
                             | enter other
        500                  | event go
                             | order = 1
                             | order = 2
        ",
    );
}

// Rows 6 to 8: what the program itself made due.

#[test]
fn train_ends_come_before_timers_and_timers_before_time_outs() {
    let run = state()
        .entry([start_timer("clock", 501, 0), pulse("laser", 501)])
        .on("laser ends", handle(set("order", 6)))
        .on("clock rings", handle(set("order", 7)))
        .after(501, handle(set("order", 8)));
    protocol("laser").timers("clock").variable("order", 0).state("run", run).bench().expect(
        "
        0                    | enter run
                             | request laser for 501
        501                  | order = 6
                             | order = 7
                             | order = 8
        ",
    );
}

#[test]
fn train_ends_come_by_line_and_timers_by_number() {
    let run = state()
        .entry([start_timer("z", 500, 0), start_timer("a", 500, 0), pulse("light", 500), pulse("laser", 500)])
        .on("light ends", handle(set("order", 1)))
        .on("laser ends", handle(set("order", 2)))
        .on("a rings", handle(set("order", 3)))
        .on("z rings", handle(set("order", 4)));
    protocol("light laser").timers("a z").variable("order", 0).state("run", run).bench().expect(
        "
        0                    | enter run
                             | request light for 500
                             | request laser for 500
        500                  | order = 1
                             | order = 2
                             | order = 3
                             | order = 4
        ",
    );
}

#[test]
fn time_outs_come_by_region_innermost_state_first_as_declared() {
    let outer = state().after(500, handle(set("order", 3))).after(500, handle(set("order", 4)));
    let inner = state().after(500, handle(set("order", 1))).after(500, handle(set("order", 2)));
    let other = state().after(500, handle(set("order", 5)));
    let all = protocol("").variable("order", 0).state("outer", outer).state("outer/inner", inner).region();
    all.state("other", other).bench().expect(
        "
        0                    | enter outer
                             | enter inner
                             | enter other
        500                  | order = 1
                             | order = 2
                             | order = 3
                             | order = 4
                             | order = 5
        ",
    );
}

#[test]
fn what_falls_due_at_once_is_handled_in_the_same_microsecond() {
    let wait = state().after(500, to("ring"));
    let ring = state().entry(start_timer("clock", 0, 0)).on("clock rings", to("done"));
    let all = protocol("").timers("clock").state("wait", wait).state("ring", ring).state("done", state());
    all.bench().expect(
        "
        0                    | enter wait
        500                  | enter ring
                             | enter done
        ",
    );
}

#[test]
fn an_input_in_the_very_microsecond_of_a_time_out_wins() {
    let wait = state().on("lever on", to("pulled")).after(500, to("missed"));
    let all = protocol("lever").state("wait", wait).state("pulled", state()).state("missed", state());
    all.bench().expect(
        "
        0                    | enter wait
        500 lever on         | lever on
                             | enter pulled
        1500                 |
        ",
    );
    all.bench().expect(
        "
        0                    | enter wait
        500                  | enter missed
        501 lever on         | lever on
        ",
    );
}

#[test]
fn a_signal_or_a_timer_in_the_very_microsecond_of_a_time_out_wins_too() {
    let wait = state().entry(start_timer("clock", 500, 0)).on("clock rings", to("rung")).after(500, to("missed"));
    let all = protocol("").timers("clock").state("wait", wait).state("rung", state()).state("missed", state());
    all.bench().expect(
        "
        0                    | enter wait
        500                  | enter rung
        1500                 |
        ",
    );
}

// Rows 9 and 10: outputs and the end.

#[test]
fn outputs_are_asked_for_last_and_by_line() {
    let wait = state().on("lever on", to("on").doing([on("laser"), on("light")]));
    protocol("lever light laser").state("wait", wait).state("on", state().entry(trial())).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | enter on
                             | trial 1
                             | request light on
                             | request laser on
        ",
    );
}

#[test]
fn the_last_write_to_a_line_wins() {
    let lit = state().exit(off("laser")).on("lever on", to("next"));
    let next = state().entry(pulse("laser", 30));
    let all = protocol("lever laser").state("start", state().entry(on("laser")).after(10, to("lit")));
    all.state("lit", lit).state("next", next).bench().expect(
        "
        0                    | enter start
                             | request laser on
        10                   | enter lit
        1000 lever on        | lever on
                             | enter next
                             | request laser for 30
        ",
    );
}

#[test]
fn what_changes_nothing_asks_for_nothing() {
    let lit = state().entry(on("laser")).exit(off("laser")).on("lever on", to("lit")).after(2000, to("dark"));
    let dark = state().entry([on("laser"), off("laser")]);
    protocol("lever laser").state("lit", lit).state("dark", dark).bench().expect(
        "
        0                    | enter lit
                             | request laser on
        1000 lever on        | lever on
                             | enter lit
        3000                 | enter dark
                             | request laser off
        ",
    );
}

#[test]
fn another_power_is_asked_for_and_the_same_again_is_not() {
    let run = state()
        .on("lever on", handle(on_at("laser", "power")))
        .on("lever off", handle(off("laser")))
        .on("spout on", handle(on("laser")));
    protocol("lever spout laser").variable("power", 400_000).state("run", run).bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser on at 400000 ppm
        200 lever on         | lever on
        250 parameter power = 700000 | parameter power = 700000
        300 lever on         | lever on
                             | request laser on at 700000 ppm
        400 spout on         | spout on
                             | request laser on
        450 parameter power = 1000000 | parameter power = 1000000
        500 lever on         | lever on
        600 lever off        | lever off
                             | request laser off
        700 lever on         | lever on
                             | request laser on at 1000000 ppm
        800 spout on         | spout on
        ",
    );
}

#[test]
fn the_session_ends_last_and_asks_for_nothing_more() {
    let run = state().on("lever on", handle([on("laser"), trial()]));
    protocol("lever spout laser").state("run", run).ends_when(1.into()).bench().expect(
        "
        0                    | enter run
        1000 lever on        | lever on
             spout on        | spout on
                             | end: Condition(0)
        2000                 |
        ",
    );
}

// Within one thing handled.

#[test]
fn handlers_act_before_transitions_even_if_declared_behind_them() {
    let wait = state().on("lever on", to("pulled").provided("ready")).on("lever on", handle(set("ready", 1)));
    let all = protocol("lever").variable("ready", 0).state("wait", wait).state("pulled", state());
    all.bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | ready = 1
                             | enter pulled
        ",
    );
}

#[test]
fn every_handler_that_matches_acts_but_only_the_first_transition_leads_on() {
    let wait = state()
        .on("lever on", handle(set("n", plus("n", 1))))
        .on("lever on", handle(set("n", plus("n", 10))))
        .on("lever on", to("never").provided(less("n", 0)))
        .on("lever on", to("first"))
        .on("lever on", to("second"));
    let all = protocol("lever").variable("n", 0).state("wait", wait).state("never", state());
    all.state("first", state()).state("second", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | n = 1
                             | n = 11
                             | enter first
        ",
    );
}

#[test]
fn what_leaves_runs_before_what_is_done_before_what_enters() {
    let done = |n: i64| set("done", n);
    let a = state().exit(done(2));
    let a1 = state().exit(done(1)).on("lever on", to("b1").doing(done(3)));
    let all = protocol("lever").variable("done", 0).state("a", a).state("a/a1", a1);
    all.state("b", state().entry(done(4))).state("b/b1", state().entry(done(5))).bench().expect(
        "
        0                    | enter a
                             | enter a1
        1000 lever on        | lever on
                             | done = 1
                             | done = 2
                             | done = 3
                             | enter b
                             | done = 4
                             | enter b1
                             | done = 5
        ",
    );
}

#[test]
fn an_event_takes_every_region_through_one_transition_before_the_next_event_comes() {
    let a = state().on("lever on", to("a2"));
    let b = state().on("lever on", to("b2"));
    let all = protocol("lever spout").state("a", a).state("a2", state().on("spout on", to("a"))).region();
    all.state("b", b).state("b2", state().on("spout on", to("b"))).bench().expect(
        "
        0                    | enter a
                             | enter b
        1000 spout on        | lever on
             lever on        | enter a2
                             | enter b2
                             | spout on
                             | enter a
                             | enter b
        ",
    );
}

#[test]
fn whatever_holds_now_leads_on_before_the_next_input_is_looked_at() {
    let wait = state().on("lever on", handle(set("pulls", plus("pulls", 1)))).when(equal("pulls", 2), to("done"));
    let done = state().on("spout on", to("drunk"));
    let all = protocol("lever spout").variable("pulls", 0).state("wait", wait).state("done", done);
    all.state("drunk", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | pulls = 1
        2000 lever on        | lever on
             spout on        | pulls = 2
                             | enter done
                             | spout on
                             | enter drunk
        ",
    );
}

#[test]
fn transitions_without_waiting_follow_one_another_within_the_microsecond() {
    let step = |next| state().when(1, to(next));
    let all = protocol("lever").state("wait", state().on("lever on", to("a"))).state("a", step("b"));
    all.state("b", step("c")).state("c", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | enter a
                             | enter b
                             | enter c
        ",
    );
}

// Where time starts.

#[test]
fn a_states_clock_starts_in_the_microsecond_of_what_led_to_it() {
    let wait = state().on("lever on", to("pulled"));
    let pulled = state().after(500, to("wait"));
    protocol("lever").state("wait", wait).state("pulled", pulled).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | enter pulled
        1500                 | enter wait
        ",
    );
}

#[test]
fn time_outs_one_after_another_do_not_drift() {
    let all = protocol("").state("tick", state().after(333, to("tock"))).state("tock", state().after(667, to("tick")));
    all.bench().expect(
        "
        0                    | enter tick
        333                  | enter tock
        1000                 | enter tick
        1333                 | enter tock
        2000                 | enter tick
        ",
    );
}

#[test]
fn a_duration_is_worked_out_after_the_entry_actions() {
    let wait = state().entry(set("gap", 70)).after("gap", to("done"));
    protocol("").variable("gap", 5).state("wait", wait).state("done", state()).bench().expect(
        "
        0                    | enter wait
                             | gap = 70
        70                   | enter done
        ",
    );
}

#[test]
fn a_train_starts_in_the_microsecond_that_asked_for_it() {
    let wait = state().on("lever on", to("lit"));
    let lit = state().entry(play("laser", "burst")).on("laser ends", to("dark"));
    let all = protocol("lever laser").stimulus("burst", 100, 5, 50, 3).state("wait", wait).state("lit", lit);
    all.state("dark", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
                             | enter lit
                             | request laser 100+3x5/50
        1205                 | enter dark
        ",
    );
}

#[test]
fn a_timer_starts_in_the_microsecond_that_started_it() {
    let wait = state().on("lever on", handle(start_timer("clock", 500, 0))).on("clock rings", to("done"));
    protocol("lever").timers("clock").state("wait", wait).state("done", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on        | lever on
        1500                 | enter done
        ",
    );
}

// Lateness.

#[test]
fn what_comes_late_is_handled_in_the_first_open_microsecond_and_says_so() {
    let wait = state().on("lever on", to("pulled"));
    let pulled = state().after(500, to("wait"));
    protocol("lever").events("key").state("wait", wait).state("pulled", pulled).bench().expect(
        "
        0                    | enter wait
        1000 lever on @400   | lever on late 600
             outside key @999 | enter pulled
                             | outside key late 1
        1500                 | enter wait
        ",
    );
}

#[test]
fn late_inputs_keep_the_order_they_happened_in() {
    let wait = state().on("lever on", to("pulled")).on("spout on", to("licked"));
    protocol("lever spout").state("wait", wait).state("pulled", state()).state("licked", state()).bench().expect(
        "
        0                    | enter wait
        1000 lever on @800   | spout on late 300
             spout on @700   | enter licked
             lever off       | lever on late 200
                             | lever off
        ",
    );
}

#[test]
fn a_time_out_is_not_undone_by_an_input_that_comes_late() {
    let wait = state().on("lever on", to("pulled")).after(500, to("missed"));
    let all = protocol("lever").state("wait", wait).state("pulled", state()).state("missed", state());
    all.bench().expect(
        "
        0                    | enter wait
        500                  | enter missed
        700 lever on @400    | lever on late 300
        ",
    );
}

// The page and the tests say the same.

#[test]
fn the_page_names_every_test_here_and_no_test_that_is_none() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let page = read("../../docs/simultaneity.md");
    let here = read("tests/simultaneity.rs");
    let tests_in = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("fn "));
        lines.filter_map(|line| line.split_once("()")).map(|(name, _)| name.to_string()).collect()
    };
    for name in page.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2) {
        let known = match name.split_once("::") {
            Some((file, name)) => tests_in(&read(&format!("tests/behaviour/{file}.rs"))).contains(&name.to_string()),
            None => tests_in(&here).contains(&name.to_string()) || read("tests/random_programs.rs").contains(name),
        };
        assert!(known, "the page names {name}, which is no test");
    }
    for name in tests_in(&here).iter().filter(|name| !name.starts_with("the_page_names")) {
        assert!(page.contains(&format!("`{name}`")), "the page does not name {name}");
    }
}
