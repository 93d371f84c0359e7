//! Test files of scenarios, read: what a good one says, and what each mistake in one is answered with.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, GOOD, case, compiled, drawn, task};
use compiler::scenario::{self, Cause, Delivery, Does, Expect, Forbidden, Happening, Level, Occurrences};
use compiler::{Diagnostics, Source};
use link::{LineId, VariableId, Verdict};

/// A test file with a little of everything and nothing wrong.
const TESTS: &str = "\
scenarios:
  - name: a press pays
    set: {drop: 8 µl}
    seed: 7
    draws: {paid: [true], treatment: [sham, stim]}
    animal:
      - {at: 2 s, press: lever, for: 100 ms}
      - {at: 3 s, lick: spout, for: 60 ms, every: 150 ms, times: 8}
      - {when: enter ready, nth: 2, after: 300 ms, press: lever}
    run: 20 s
    until: outcome missed
    expect:
      states: [ready, pay: 2 s ± 1 ms, iti]
      passes: [pay]
      outputs: {water: [{at: 2 s, volume: 8 µl}], laser: none, mask: {pulses: 1, width: 500 ms}}
      events: {lever.press: 2, licked: [3 s]}
      outcomes: [rewarded]
      trials: [{paid: true, treatment: sham, licks: 8, outcome: rewarded}]
      variables: {streak: 1}
      order: [lever.press, enter pay, water on]
      never: [laser on while in iti, water on while not lever.down]
      interlock: [laser: withheld]
      end: stopped
allow:
  - {what: state iti, because: it is tried by hand}
";

fn tests(text: &str) -> Source {
    Source { name: "task.test.yaml".to_owned(), text: text.to_owned() }
}

fn findings(text: &str) -> Diagnostics {
    let compiled = compiled(&task(GOOD));
    scenario::read(&tests(text), &compiled.symbols).err().unwrap_or_default()
}

#[test]
fn a_test_file_is_read_against_the_names_of_its_protocol() {
    let compiled = compiled(&task(GOOD));
    let file = scenario::read(&tests(TESTS), &compiled.symbols).unwrap_or_else(|found| panic!("{found}"));
    let [one] = file.scenarios.as_slice() else { panic!("{file:?}") };
    assert_eq!((one.name.as_str(), one.place.line, one.place.column), ("a press pays", 2, 11));
    assert_eq!(one.set, [("drop".to_owned(), "8 µl".to_owned())]);
    assert_eq!((one.seed, one.run_us, one.armed), (Some(7), Some(20_000_000), true));
    assert_eq!(one.draws[1].values, [2, 1], "by the labels of `treatment`");
    assert_eq!(one.acts[0].cause, Cause::At(2_000_000));
    assert_eq!(one.acts[0].does, Does::Touch { line: LineId(0), active: true, for_us: Some(100_000) });
    assert_eq!((one.acts[1].every_us, one.acts[1].times), (150_000, 8));
    assert!(matches!(
        one.acts[2].cause,
        Cause::After { happening: Happening::Enter(_), nth: Some(2), delay_us: 300_000 }
    ));
    let has = |what: &dyn Fn(&Expect) -> bool| one.expect.iter().any(|expectation| what(&expectation.what));
    assert!(has(&|what| matches!(what, Expect::States { all: true, steps, .. } if steps.len() == 3)));
    assert!(has(&|what| matches!(what, Expect::Output { line: LineId(2), does: Delivery::Times(on) }
        if on[0].said.volume_nl == Some(8_000))));
    assert!(has(&|what| matches!(what, Expect::Happens { when: Occurrences::Count(2), .. })));
    assert!(has(&|what| matches!(what, Expect::Variable { variable: VariableId(3), value: 1 })));
    assert!(has(&|what| matches!(what, Expect::Interlock(all) if all[0].1 == Verdict::Withheld)));
    assert!(has(&|what| matches!(
        what,
        Expect::Never {
            what: Forbidden::Level(Level::Output { line: LineId(2), on: true }),
            during: Some(Level::Input { line: LineId(0), active: false }),
        }
    )));
    assert_eq!(file.allow[0].reason, "it is tried by hand");
}

#[test]
fn every_mistake_in_a_test_file_has_its_place_and_its_remedy() {
    const CASES: &[Case] = &[
        case("an unknown key", "    run: 20 s", "    runs: 20 s", "E032-unknown-key"),
        case(
            "two scenarios of one name",
            "allow:",
            "  - {name: a press pays, expect: {end: stopped}}\nallow:",
            "E400-scenario-named-twice",
        ),
        case("a parameter that is none", "drop: 8 µl", "dorp: 8 µl", "E401-unknown-parameter"),
        case("a seed that is none", "seed: 7", "seed: lucky", "E402-bad-seed"),
        case("a variable that is never drawn", "paid: [true]", "streak: [1]", "E403-not-drawn"),
        case("a variable that is none", "{streak: 1}", "{streek: 1}", "E404-unknown-variable"),
        case("a state that is none", "enter ready", "enter redy", "E405-unknown-state"),
        case("a region that is none", "passes: [pay]", "passes: {light: [pay]}", "E406-unknown-region"),
        case("a line that is none", "press: lever,", "press: leaver,", "E407-unknown-line"),
        case("a line of another kind", "press: lever,", "press: spout,", "E408-wrong-kind"),
        case("an input where an output stands", "water: [{at", "lever: [{at", "E408-wrong-kind"),
        case("an output that is held", "    run: 20 s", "    held: [water]\n    run: 20 s", "E408-wrong-kind"),
        case("an outcome that is none", "outcomes: [rewarded]", "outcomes: [reward]", "E409-unknown-outcome"),
        case("a tolerance below nothing", "± 1 ms", "± -1 ms", "E410-bad-tolerance"),
        case("at once", "after: 300 ms", "after: 0 ms", "E411-too-short"),
        case("a truth that is none", "{paid: true, t", "{paid: yes, t", "E412-bad-value"),
        case("a label that is none", "treatment: sham, l", "treatment: shma, l", "E412-bad-value"),
        case("a state that does not happen", "until: outcome missed", "until: iti", "E413-unknown-happening"),
        case("a line that does not happen", "order: [lever.press", "order: [lever", "E413-unknown-happening"),
        case("an edge of another kind", "order: [lever.press", "order: [lever.lick", "E413-unknown-happening"),
        case("an event that is none", "licked: [3 s]", "liked: [3 s]", "E413-unknown-happening"),
        case("a level that is none", "while in iti", "while iti", "E414-unknown-level"),
        case("how often is not said", ", times: 8", "", "E415-times-without-every"),
        case("no count", "times: 8", "times: often", "E416-bad-count"),
        case(
            "at a time and after something",
            "{when: enter ready",
            "{at: 1 s, when: enter ready",
            "E417-when-is-it-done",
        ),
        case("once it is over", "{at: 2 s, press", "{at: 20 s, press", "E417-when-is-it-done"),
        case("at no time", "{at: 2 s, press", "{press", "E417-when-is-it-done"),
        case("nothing is done", ", press: lever}", "}", "E418-what-is-done"),
        case("two things are done", "press: lever,", "press: lever, lick: spout,", "E418-what-is-done"),
        case("a way for a touch", "press: lever, for: 100 ms", "press: lever, over: 100 ms", "E419-not-with-this"),
        case("two states in one", "pay: 2 s ± 1 ms", "{pay: 2 s, iti: 3 s}", "E423-one-state"),
        case("neither how often nor when", "laser: none", "laser: seldom", "E425-bad-occurrences"),
        case("a verdict that is none", "laser: withheld", "laser: witheld", "E426-unknown-verdict"),
        case("an end that is none", "end: stopped", "end: \"trials: 10\"", "E427-unknown-end"),
        case("a reason that is missing", ", because: it is tried by hand", "", "E030-missing-key"),
        case("a time without a unit", "{at: 2 s, press", "{at: 2, press", "E024-missing-unit"),
    ];
    insta::assert_snapshot!(drawn(CASES, findings, TESTS));
}

#[test]
fn a_scenario_that_expects_nothing_shows_nothing() {
    let found = findings("scenarios:\n  - {name: idle, run: 5 s, expect: {}}\n");
    assert_eq!(found.list.first().map(|first| first.code), Some("E422-nothing-expected"), "{found}");
}
