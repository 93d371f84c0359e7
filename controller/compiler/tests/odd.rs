//! Protocols nobody would write on purpose: numbers that are nothing, lists without items, values that are asked of what has
//! none, and texts far longer than any. Each is told of, and none keeps the compiler busy for ever.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;

use common::{Case, GOOD, case, drawn, findings};

#[test]
fn what_is_nothing_is_told_of() {
    let good = GOOD
        .replace("  mask: light\n", "  mask: light\n  joystick: analog\n")
        .replace("timers: [late]\n", "timers: {late: {for: 10 s, repeat: 1}}\n")
        .replace("{start: late, for: 10 s}", "{start: late}")
        .replace(
            "start: ready\n",
            "detectors: {pull: {line: joystick, reach: 3 mm, hysteresis: 1 mm}, hold: {line: lever, stable_for: 5 ms}}
trial_types: {table: {long: {}, short: {}}, order: [long, short]}
blocks: {table: {early: {}, later: {}}, order: [early, later], change: [{trials: 40}]}
start: ready
",
        )
        .replace("if: licks < 3,", "if: licks < 3 and pull.reached and hold.down,");
    assert!(findings(&good).is_empty(), "{}", findings(&good));
    let cases: &[Case] = &[
        case("an end after no trial", "trials: 100}", "trials: 0}", "E027-out-of-bounds"),
        case("an end before the beginning", "after: 30 min}", "at_most: 0 min}", "E027-out-of-bounds"),
        case("fewer repeats than none", "repeat: 1", "repeat: -1", "E128-repeat"),
        case("steady for no time", "stable_for: 5 ms", "stable_for: 0 ms", "E027-out-of-bounds"),
        case("a hysteresis past the end", "hysteresis: 1 mm", "hysteresis: 4 mm", "E135-hysteresis"),
        case("an order of no types", "order: [long, short]", "order: []", "E033-empty"),
        case("an order of no blocks", "order: [early, later]", "order: []", "E033-empty"),
        case("the value of an analog line", "pull.reached", "joystick > 3 mm", "E063-unknown-name"),
        case("the same behind a point", "pull.reached", "joystick.position > 3 mm", "E065-no-level"),
        case("what an output is at", "pull.reached", "mask", "E063-unknown-name"),
        case("a parameter that is no chance", "chance: 0.5", "chance: drop / 1 µl", "E140-not-a-probability"),
        case("a time-out before its state", "after: delay + 1 s", "after: delay - 1 s", "E027-out-of-bounds"),
    ];
    insta::assert_snapshot!("nothing", drawn(cases, findings, &good));
}

/// A protocol with one guard.
fn guarded(guard: &str) -> String {
    let states = format!(
        "states: {{go: {{entry: [{{trial: begin}}], transitions: [{{event: lever.press, if: \"{guard}\", to: go}}]}}}}"
    );
    let rest =
        "lines: {lever: lever}\nvariables: {n: 0}\nlists: {order: [0, 1, 2, 3]}\nsession: {ends: [{trials: 9}]}\n";
    let set = "everywhere: {on: [{event: lever.release, do: [{set: {n: n + 1, \"order[0]\": n}}]}]}\n";
    format!("protocol: guarded\n{rest}start: go\n{set}{states}\n")
}

#[test]
fn a_condition_of_many_parts_is_looked_at_part_by_part() {
    // Each part asked anew for every part behind it would take longer than anyone waits.
    for (join, never) in [(" or ", false), (" and ", true)] {
        let parts: Vec<String> = (1..=60).map(|n| format!("n == {n}")).collect();
        let found = findings(&guarded(&parts.join(join)));
        assert_eq!(found.list.iter().any(|one| one.code == "W004-never"), never, "{join}: {found}");
    }
    let not = format!(
        "n < 9 and not ({})",
        (1..=8).map(|n| format!("n >= {n}")).collect::<Vec<_>>().join(" and not (") + &")".repeat(7)
    );
    assert!(findings(&guarded(&not)).errors() == 0);
}

#[test]
fn an_index_within_an_index_is_not_multiplied_out() {
    let nested = |depth: usize| format!("{}n{} == 3", "order[".repeat(depth), "]".repeat(depth));
    assert_eq!(findings(&guarded(&nested(2))).errors(), 0);
    let found = findings(&guarded(&nested(40)));
    assert_eq!(found.list[0].code, "E051-too-long", "{found}");
}

#[test]
fn texts_far_longer_than_any_come_to_an_end() {
    let mut keys = "protocol: long\nstart: go\nstates: {go: }\nvariables:\n".to_owned();
    (0..40_000).for_each(|n| writeln!(keys, "  v{n}: 0").unwrap());
    assert_eq!(findings(&keys).list[0].code, "E092-too-many");
    let twice = format!("{keys}  v7: 0\n");
    let found = findings(&twice);
    let told = found.list.iter().find(|one| one.code == "E006-duplicate-key").map(|one| one.line);
    assert_eq!(told, Some(40_005), "{}", found.list[0]);
    // States that lead on at once, one to the next, and the last to the middle.
    let mut chain =
        "protocol: chain\nlines: {lever: lever}\nsession: {ends: [{after: 1 min}]}\nstart: s0\nstates:\n".to_owned();
    for n in 0..900 {
        let to = if n == 899 { 450 } else { n + 1 };
        writeln!(chain, "  s{n}: {{transitions: [{{when: \"true\", to: s{to}}}]}}").unwrap();
    }
    let found = findings(&chain);
    assert_eq!(found.list[0].code, "E160-endless-chain", "{found}");
}

#[test]
fn a_state_of_two_other_regions_is_named_with_its_region() {
    let text = |asked: &str| {
        let side = |name: &str, after: &str| {
            format!(
                "  {name}: {{start: idle, states: {{idle: {{transitions: [{{after: {after}, to: busy}}]}}, busy: {{final: true}}}}}}\n"
            )
        };
        let rows = format!("[{{event: lever.press, if: \"{asked}\", to: go}}]");
        format!(
            "protocol: sides\nlines: {{lever: lever}}\nsession: {{ends: [{{trials: 9}}]}}\nstart: go\nstates: {{go: {{entry: [{{trial: begin}}], \
             transitions: {rows}}}}}\nregions:\n{}{}",
            side("left", "1 s"),
            side("right", "2 s")
        )
    };
    assert_eq!(findings(&text("in(left.idle) and not in(right.idle)")).errors(), 0);
    let found = findings(&text("in(idle)"));
    let told = (found.list[0].code, found.list[0].message.as_str());
    assert_eq!(told, ("E073-unknown-state", "`idle` may be any of `left.idle` and `right.idle`"));
    let states = findings(&text("in(left.idel)"));
    assert_eq!(states.list[0].code, "E073-unknown-state");
}
