//! Output requests and the nominal ends of trains.

use crate::support::*;

fn lamp() -> Protocol {
    let run = state()
        .on("lever on", handle(play("laser", "burst")))
        .on("lever off", handle(off("laser")))
        .on("spout on", handle(on("laser")))
        .on("spout off", handle(pulse("laser", 10)))
        .on("laser ends", handle(set("ended", 1)));
    protocol("lever spout laser").stimulus("burst", 0, 5, 50, 3).variable("ended", 0).state("run", run)
}

#[test]
fn a_train_ends_with_its_last_falling_edge() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser 0+3x5/50
        205                  | ended = 1
        9000                 |
        ",
    );
}

#[test]
fn a_train_switched_off_has_no_end() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser 0+3x5/50
        150 lever off        | lever off
                             | request laser off
        9000                 |
        ",
    );
}

#[test]
fn a_train_replaced_by_another_ends_with_the_other() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser 0+3x5/50
        150 spout off        | spout off
                             | request laser for 10
        160                  | ended = 1
        9000                 |
        ",
    );
}

#[test]
fn a_train_replaced_by_a_level_has_no_end() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser 0+3x5/50
        150 spout on         | spout on
                             | request laser on
        9000                 |
        ",
    );
}

#[test]
fn a_train_asked_for_again_starts_anew() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser 0+3x5/50
        150 lever on         | lever on
                             | request laser 0+3x5/50
        255                  | ended = 1
        ",
    );
}

#[test]
fn a_line_is_off_once_its_train_has_ended() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 spout off        | spout off
                             | request laser for 10
        110                  | ended = 1
        120 lever off        | lever off
        130 spout on         | spout on
                             | request laser on
        ",
    );
}

#[test]
fn on_and_off_are_asked_for_once() {
    lamp().bench().expect(
        "
        0                    | enter run
        10 lever off         | lever off
        20 spout on          | spout on
                             | request laser on
        30 spout on          | spout on
        40 lever off         | lever off
                             | request laser off
        50 lever off         | lever off
        ",
    );
}

#[test]
fn a_train_is_replaced_in_the_very_microsecond_it_ends_and_its_end_is_still_told() {
    lamp().bench().expect(
        "
        0                    | enter run
        100 spout off        | spout off
                             | request laser for 10
        110 spout off        | spout off
                             | ended = 1
                             | request laser for 10
        120                  | ended = 1
        ",
    );
}

#[test]
fn a_pulse_of_no_length_ends_in_the_next_microsecond() {
    let run = state().on("lever on", handle(pulse("laser", 0))).on("laser ends", to("done"));
    protocol("lever laser").state("run", run).state("done", state()).bench().expect(
        "
        0                    | enter run
        100 lever on         | lever on
                             | request laser for 0
        101                  | enter done
        ",
    );
}

#[test]
fn a_pulse_of_no_length_that_asks_for_itself_cannot_stop_time() {
    let again = || pulse("laser", 0);
    let run = state().entry(again()).on("laser ends", handle(again()));
    protocol("laser").state("run", run).bench().expect(
        "
        0                    | enter run
                             | request laser for 0
        1                    | request laser for 0
        2                    | request laser for 0
        ",
    );
}

#[test]
fn a_dose_carries_its_volume_and_its_opening_and_ends_like_a_train() {
    let run = state().entry(deliver("water", 20_000, 45)).on("water ends", to("drunk"));
    protocol("water").state("run", run).state("drunk", state()).bench().expect(
        "
        0                    | enter run
                             | request water 20000 nl for 45
        45                   | enter drunk
        ",
    );
}

#[test]
fn an_opening_below_zero_is_refused() {
    protocol("water").state("run", state().entry(deliver("water", 20_000, -45))).bench().expect(
        "
        0                    | enter run
                             | fault Duration
                             | end: Fault(Duration)
        ",
    );
}

#[test]
fn two_regions_may_write_one_line_and_the_later_region_wins() {
    let all = protocol("lever laser").state("a", state().on("lever on", handle(pulse("laser", 10)))).region();
    all.state("b", state().on("lever on", handle(pulse("laser", 20)))).bench().expect(
        "
        0                    | enter a
                             | enter b
        100 lever on         | lever on
                             | request laser for 20
        ",
    );
}

/// A light whose power a person may change, asked for anew at each touch of the lever.
fn dimmer() -> Protocol {
    let run = state()
        .on("lever on", handle(on_at("light", "power")))
        .on("lever off", handle(off("light")))
        .on("spout on", handle(on("light")))
        .on("spout off", handle(pulse_at("light", 10, "power")))
        .on("key", handle(play_at("light", "burst", "power")))
        .on("light ends", handle(set("ended", 1)));
    let dimmer = protocol("lever spout light").stimulus("burst", 0, 5, 50, 3).variable("power", 400_000);
    dimmer.variable("ended", 0).events("key").state("run", run)
}

#[test]
fn a_train_at_a_power_ends_like_any_other_and_a_power_in_its_midst_replaces_it() {
    dimmer().bench().expect(
        "
        0                    | enter run
        100 outside key      | outside key
                             | request light 0+3x5/50 at 400000 ppm
        205                  | ended = 1
        300 spout off        | spout off
                             | request light for 10 at 400000 ppm
        305 lever on         | lever on
                             | request light on at 400000 ppm
        9000                 |
        ",
    );
}

#[test]
fn a_power_that_no_line_has_is_asked_for_as_it_is() {
    dimmer().bench().expect(
        "
        0                    | enter run
        50 parameter power = -300000 | parameter power = -300000
        100 lever on         | lever on
                             | request light on at -300000 ppm
        150 parameter power = 3000000000000 | parameter power = 3000000000000
        200 lever on         | lever on
                             | request light on at 2147483647 ppm
        ",
    );
}
