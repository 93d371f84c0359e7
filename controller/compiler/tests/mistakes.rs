//! What a person gets to read after a mistake. Each case spoils a good protocol (or rig) in one place; the snapshots
//! under `snapshots/` show every message as a terminal draws it, with its line, its underline and its remedy.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;

use common::{Case, GOOD, case, drawn, findings, shipped, sim_box, task, with};
use compiler::{Diagnostics, Options, Severity, Source, Style, compile, read_rig};

fn show(name: &str, cases: &[Case]) {
    insta::assert_snapshot!(name, drawn(cases, findings, GOOD));
}

#[test]
fn yaml_is_read_strictly() {
    show(
        "yaml",
        &[
            case("a tag where `not` was meant", "if: paid,", "if: !paid,", "E008-tag"),
            case("a duplicate key", "  water: valve\n", "  water: valve\n  lever: lever\n", "E006-duplicate-key"),
            case(
                "a duplicate state",
                "  iti:\n",
                "  pay:\n    transitions: [{after: 1 s, to: iti}]\n  iti:\n",
                "E006-duplicate-key",
            ),
            case("an anchor", "streak: 0", "streak: &zero 0", "E003-alias"),
            case("an alias", "streak: 0", "streak: *zero", "E003-alias"),
            case(
                "a merge key",
                "  ready:\n    entry:",
                "  ready:\n    <<: {final: true}\n    entry:",
                "E005-merge-key",
            ),
            case("a flow mapping torn at a comma", "after: \"max(gap, 2 s)\"", "after: max(gap, 2 s)", "E007-torn"),
            case("a list torn at a comma", "range: [0 ms, 5 s]", "range: [max(0 ms, 1 ms), 5 s]", "E007-torn"),
            case("a second document", "invariants:", "---\ninvariants:", "E002-second-document"),
            case("a tab", "  lever: lever\n", "\tlever: lever\n", "E009-tab"),
            case("a brace that is not closed", "to: iti}\n  iti:", "to: iti\n  iti:", "E011-unclosed"),
            case("a quote that is not closed", "\"max(gap, 2 s)\"", "\"max(gap, 2 s)", "E011-unclosed"),
            case("a directive", "protocol: small", "%YAML 1.1\n---\nprotocol: small", "E012-directive"),
            case("a colon too many", "protocol: small", "protocol: small: task", "E013-syntax"),
            case("a key that is a list", "  streak: 0", "  [streak]: 0", "E004-key-not-text"),
        ],
    );
}

#[test]
fn quantities_have_units() {
    show(
        "quantities",
        &[
            case("no unit", "default: 500 ms", "default: 500", "E024-missing-unit"),
            case("no unit in a time-out", "after: delay,", "after: 3,", "E024-missing-unit"),
            case("a wrong unit", "duration: 300 ms", "duration: 300 Hz", "E025-wrong-unit"),
            case("an unknown unit", "duration: 300 ms", "duration: 300 msec", "E021-unknown-unit"),
            case("an unknown unit in an expression", "delay + 1 s", "delay + 1 sec", "E021-unknown-unit"),
            case("finer than a microsecond", "width: 5 ms", "width: 0.0001 ms", "E022-too-fine"),
            case("too large", "{after: 30 min}", "{after: 99999999999999 h}", "E023-too-large"),
            case("not a number", "width: 5 ms", "width: short", "E020-not-a-number"),
            case("a fraction of a count", "count: 20", "count: 2.5", "E026-not-whole"),
            case("a rate without a period of whole microseconds", "rate: 20 Hz", "rate: 30 Hz", "E079-uneven-rate"),
            case("pulses that touch", "rate: 20 Hz", "rate: 200 Hz", "E078-pulses-touch"),
            case("a tone above all hearing", "frequency: 8 kHz", "frequency: 800 kHz", "E027-out-of-bounds"),
            case("a ramp longer than its tone", "ramp: 5 ms", "ramp: 200 ms", "E076-ramp-too-long"),
            case("a default outside its range", "default: 5 µl", "default: 50 µl", "E106-out-of-range"),
            case("a range that ends before it begins", "[3 µl, 20 µl]", "[20 µl, 3 µl]", "E104-empty-range"),
            case("a negative time", "after: delay,", "after: 0 s - 3 s,", "E027-out-of-bounds"),
        ],
    );
}

#[test]
fn names_must_mean_something() {
    show(
        "names",
        &[
            case("a state", "if: licks < 3, to: pay", "if: licks < 3, to: pya", "E073-unknown-state"),
            case("a start", "start: ready", "start: raedy", "E073-unknown-state"),
            case("a line", "line: water, volume", "line: watr, volume", "E111-unknown-line"),
            case("an event of a line", "event: lever.press", "event: lever.pres", "E112-unknown-event"),
            case("an event no line has", "event: lever.press", "event: lever.lick", "E112-unknown-event"),
            case("a line where an event is wanted", "event: lever.press", "event: lever", "E112-unknown-event"),
            case("an event nothing raises", "event: late.end", "event: lickd", "E112-unknown-event"),
            case("a parameter", "after: delay,", "after: dealy,", "E063-unknown-name"),
            case("a label", "when_lit == always", "when_lit == alwys", "E061-unknown-label"),
            case("an outcome", "outcome: missed", "outcome: mised", "E062-unknown-outcome"),
            case("a stimulus", "stimulus: burst", "stimulus: brust", "E125-unknown-stimulus"),
            case("a timer", "start: late", "start: lte", "E127-unknown-timer"),
            case("a kind of line", "water: valve", "water: vlave", "E044-unknown-kind"),
            case(
                "a key",
                "    transitions:\n      - {event: lever",
                "    transitons:\n      - {event: lever",
                "E032-unknown-key",
            ),
            case("a verb", "- deliver:", "- delivr:", "E032-unknown-key"),
            case("a variable that is set", "set: {streak:", "set: {streek:", "E063-unknown-name"),
            case("a state where a truth is wanted", "if: licks < 3", "if: pay", "E063-unknown-name"),
            case(
                "a state of another region",
                "invariants:",
                "regions:\n  other:\n    start: one\n    states:\n      one: {transitions: [{after: 1 s, to: pay}]}\ninvariants:",
                "E073-unknown-state",
            ),
            case("a name with a space", "  streak: 0", "  my streak: 0", "E035-bad-name"),
            case("a word of the language", "  streak: 0", "  trial: 0", "E034-reserved"),
            case("a variable twice", "  streak: 0", "  streak: 0\n  drop: 3 µl", "E074-named-twice"),
        ],
    );
}

#[test]
fn expressions_say_what_is_wrong_where() {
    show(
        "expressions",
        &[
            case("`&&`", "always and treatment", "always && treatment", "E050-unknown-symbol"),
            case("a single `=`", "treatment == stim", "treatment = stim", "E050-unknown-symbol"),
            case("an exclamation mark inside", "licks < 3", "\"!paid\"", "E050-unknown-symbol"),
            case("an empty guard", "if: licks < 3", "if: ", "E033-empty"),
            case("a guard that is a number", "if: licks < 3", "if: licks", "E060-wrong-type"),
            case("a time compared with a number", "delay + 1 s", "delay + 1", "E060-wrong-type"),
            case("a time and a volume", "delay + 1 s", "delay + drop", "E060-wrong-type"),
            case("a comparison too many", "licks < 3", "1 < licks < 3", "E053-chained"),
            case("an open parenthesis", "\"max(gap, 2 s)\"", "\"max(gap, 2 s\"", "E052-syntax"),
            case("a function that is not there", "\"max(gap, 2 s)\"", "\"maximum(gap, 2 s)\"", "E070-unknown-function"),
            case("too few values", "\"max(gap, 2 s)\"", "\"max(gap)\"", "E069-arguments"),
            case("a division by zero", "streak + 1", "streak + 1 % 0", "E072-arithmetic"),
            case("a list read past its end", "volume: drop", "\"volume\": \"sizes[2]\"", "E068-past-the-end"),
            case(
                "a mistake in a folded text",
                "{after: \"max(gap, 2 s)\", to: ready}",
                "after: >\n          gap +\n          dealy\n        to: ready",
                "E063-unknown-name",
            ),
            case("`is` for `==`", "treatment == stim", "treatment is stim", "E052-syntax"),
            case("an output asked for its level", "licks < 3", "water.open", "E065-no-level"),
            case("a level that the line does not have", "licks < 3", "lever.pressed", "E066-unknown-member"),
            case("a label on its own", "licks < 3", "stim", "E063-unknown-name"),
        ],
    );
}

#[test]
fn states_and_actions_must_make_sense() {
    show(
        "meaning",
        &[
            case("a transition without a trigger", "{event: lever.press, if", "{if", "E081-no-trigger"),
            case("two triggers", "{event: lever.press, if", "{event: lever.press, after: 1 s, if", "E082-two-triggers"),
            case(
                "an action with two verbs",
                "- trial: begin\n",
                "- trial: begin\n        event: begun\n",
                "E084-two-verbs",
            ),
            case("a verb the line does not have", "- play: {line: cue", "- play: {line: laser", "E123-wrong-verb"),
            case("an input that is to deliver", "line: water, volume", "line: lever, volume", "E122-not-an-output"),
            case(
                "a tone on a laser",
                "line: laser, stimulus: burst",
                "line: laser, stimulus: go",
                "E126-wrong-stimulus",
            ),
            case(
                "a pulse longer than the rig allows",
                "line: laser, stimulus: burst",
                "line: laser, width: 6 s",
                "E124-over-max-on",
            ),
            case("a dose outside the calibration", "volume: drop", "volume: 1 µl", "E131-outside-calibration"),
            case(
                "a light that nothing holds",
                "do: [{event: licked}]",
                "do: [{event: licked}, {on: mask}]",
                "E120-held-by-nothing",
            ),
            case("a parameter that is set", "set: {streak: streak + 1}", "set: {delay: 1 s}", "E121-not-settable"),
            case("a probability over one", "chance: 0.5", "chance: 1.5", "E140-not-a-probability"),
            case("an exponential with its mean in the middle", "mean: 8 s", "mean: 12 s", "E146-exponential"),
            case("an exponential with its mean too high", "mean: 8 s", "mean: 15 s", "E146-exponential"),
            case(
                "a deck that cannot keep to its runs",
                "{stim: 1, sham: 1}",
                "{stim: 3, sham: 1}, max_run: 2",
                "E145-deck",
            ),
            case(
                "a label that is not the variable's",
                "{stim: 1, sham: 1}",
                "{stim: 1, shame: 1}",
                "E061-unknown-label",
            ),
            case(
                "a sentence that is not understood",
                "at most 1 deliver on water per trial",
                "water only once",
                "E150-invariant",
            ),
            case(
                "an endless chain",
                "- {after: \"max(gap, 2 s)\", to: ready}",
                "- {when: true, to: again}\n  again:\n    transitions:\n      - {when: true, to: iti}",
                "E160-endless-chain",
            ),
            case(
                "a draw read before it is drawn",
                "if: licks < 3, to: pay",
                "if: early, to: pay}\n      - {event: spout.off, do: [{draw: {early: {chance: 0.5}}}], to: pay",
                "E161-read-before-draw",
            ),
            case(
                "a state nothing leads to",
                "  iti:\n",
                "  spare:\n    transitions: [{after: 1 s, to: iti}]\n  iti:\n",
                "W006-unreachable",
            ),
            case(
                "a state without a way out",
                "- {after: \"max(gap, 2 s)\", to: ready}",
                "- {after: 1 s, to: stuck}\n  stuck:",
                "W007-no-way-out",
            ),
            case(
                "a light cut by the interlock",
                "{after: delay + 1 s, to: iti}",
                "{after: 2 min, to: iti}",
                "W008-cut-at-max-on",
            ),
            case(
                "a light on for as long as it takes",
                "      - {after: delay, if: paid, outcome: rewarded, to: iti}\n      - {after: delay + 1 s, to: iti}",
                "      - {after: delay, if: paid, outcome: rewarded, to: iti}\n      - {event: lever.release, to: iti}",
                "W008-cut-at-max-on",
            ),
            case("a parameter nothing uses", "  delay: {", "  spare: {default: 1 s}\n  delay: {", "W003-unused"),
            case("a session without an end", "  ends: [{after: 30 min}, {trials: 100}]", "  ends: []", "W001-endless"),
        ],
    );
}

#[test]
fn shapes_must_fit() {
    show(
        "shapes",
        &[
            case(
                "a list where a mapping is wanted",
                "variables:\n  streak: 0\n  treatment:",
                "variables:\n  - streak: 0\n  - treatment:",
                "E031-wrong-shape",
            ),
            case("an action that is a word", "- trial: begin\n", "- begin\n", "E031-wrong-shape"),
            case("a missing key", "{line: cue, stimulus: go}", "{line: cue}", "E030-missing-key"),
            case(
                "a transition that leads nowhere",
                ", if: licks < 3, to: pay}",
                ", if: licks < 3}",
                "E030-missing-key",
            ),
            case("three bounds", "[3 µl, 20 µl]", "[3 µl, 5 µl, 20 µl]", "E031-wrong-shape"),
            case("published without a source", "basis: typical", "basis: published", "E075-no-source"),
            case("a basis that is none", "basis: typical", "basis: guessed", "E036-unknown-word"),
            case("a draw of two kinds", "{chance: 0.5}", "{chance: 0.5, integer: [1, 2]}", "E089-draw-kind"),
        ],
    );
}

#[test]
fn a_rig_must_hold_together() {
    let good = shipped("rig-configs/sim-box.yaml").text;
    let found = |text: &str| read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() }).unwrap_err();
    let cases = [
        case("two lines on a pin", "pin: 12", "pin: 10", "E042-pin-clash"),
        case("a pin that is not there", "pin: 12", "pin: 31", "E045-no-such-pin"),
        case("a calibration that falls", "[50 ms, 11.8 µl]", "[50 ms, 1.8 µl]", "E048-bad-calibration"),
        case("a full scale without its unit", "full_scale: 95 dB", "full_scale: 95", "E024-missing-unit"),
        case("a full scale no speaker has", "full_scale: 95 dB", "full_scale: 950 dB", "E027-out-of-bounds"),
        case(
            "a light that was calibrated",
            "mask: {kind: light, pin: 12,",
            "mask: {kind: light, pin: 12, calibration: {date: 2026-11-02},",
            "E046-no-calibration",
        ),
        case("a calibration without its date", "date: 2026-11-02, ", "", "E030-missing-key"),
        case("a date that is none", "2026-11-02", "2.11.2026", "E047-bad-date"),
        case("a laser without its arming", "arm: required", "arm: none", "E043-must-arm"),
        case("a room around a real rig", "body: simulator", "body: rp2040", "E040-simulation-on-real-rig"),
        case("a person who arms what is not there", "arms: [laser]", "arms: [lasr]", "E049-unknown-line"),
        case(
            "a debounce on an output",
            "{kind: light, pin: 12",
            "{kind: light, debounce: 1 ms, pin: 12",
            "E032-unknown-key",
        ),
        case("a body that is none", "body: simulator", "body: simulater", "E036-unknown-word"),
    ];
    insta::assert_snapshot!("rigs", drawn(&cases, found, &good));
}

#[test]
fn a_protocol_must_fit_its_rig() {
    let good = shipped("rig-configs/sim-box.yaml").text;
    let found = |text: &str| {
        let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() }).unwrap();
        compile(&task(GOOD), &rig, &Options::default()).unwrap_err()
    };
    let cases = [
        case("a line under another name", "  water:\n", "  watr:\n", "E100-rig-lacks-line"),
        case("a line that is missing", "  mask: {kind: light, pin: 12, max_on: 60 s}\n", "", "E100-rig-lacks-line"),
        case(
            "a line of another kind",
            "mask: {kind: light, pin: 12, max_on: 60 s}",
            "mask: {kind: output, pin: 12, max_on: 2 s}",
            "E101-wrong-kind",
        ),
        case(
            "a valve that was never calibrated",
            "    calibration: {date: 2026-11-02, volumes: [[10 ms, 2.1 µl], [50 ms, 11.8 µl], [100 ms, 24.1 µl], [200 ms, 48.9 µl]]}\n",
            "",
            "E130-not-calibrated",
        ),
        case("a dose longer than the valve may be open", "max_on: 500 ms", "max_on: 20 ms", "E124-over-max-on"),
        case(
            "a sound louder than its speaker",
            "full_scale: 95 dB",
            "full_scale: 65 dB",
            "E132-louder-than-full-scale",
        ),
    ];
    insta::assert_snapshot!("rig-and-protocol", drawn(&cases, found, &good));
}

#[test]
fn what_is_set_for_a_session_is_checked_like_the_file() {
    let mut out = String::new();
    for (set, code) in [
        (vec![("drop", "30 µl")], "E106-out-of-range"),
        (vec![("drop", "10")], "E024-missing-unit"),
        (vec![("drop", "10 ms")], "E025-wrong-unit"),
        (vec![("drp", "10 µl")], "E102-unknown-parameter"),
        (vec![("when_lit", "sometimes")], "E105-not-a-choice"),
        (vec![("drop", "5 µl"), ("drop", "6 µl")], "E103-set-twice"),
        (vec![("drop", "")], "E020-not-a-number"),
    ] {
        let found = with(&task(GOOD), &set).unwrap_err();
        assert_eq!(found.list[0].code, code, "{found}");
        assert!(found.list[0].file.starts_with("--set"), "the option is named");
        writeln!(out, "## {set:?}\n{found}").unwrap();
    }
    insta::assert_snapshot!("set", out);
}

#[test]
fn files_that_cannot_be_read_are_told_apart() {
    let folder = std::env::temp_dir().join(format!("nosepoke-compiler-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        Source::read(&path)
    };
    let code = |found: Result<Source, Diagnostics>| found.unwrap_err().list[0].code;
    assert_eq!(code(Source::read(&folder.join("missing.yaml"))), "E171-not-found");
    assert_eq!(code(Source::read(&folder)), "E170-unreadable");
    assert_eq!(code(write("large.yaml", &vec![b' '; 2 << 20])), "E172-too-large");
    let latin = write("latin.yaml", b"protocol: small\nabout: 5 \xB5l\n").unwrap_err();
    assert_eq!((latin.list[0].code, latin.list[0].line, latin.list[0].column), ("E173-not-utf8", 2, 10));
    let empty = write("empty.yaml", b"# nothing yet\n").unwrap();
    assert_eq!(findings(&empty.text).list[0].code, "E001-empty");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_alias_bomb_is_refused_at_its_first_anchor() {
    let mut bomb = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for (name, last) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let uses = vec![format!("*{last}"); 9].join(", ");
        writeln!(bomb, "{name}: &{name} [{uses}]").unwrap();
    }
    let found = findings(&bomb);
    let first = found.list.iter().find(|d| d.code == "E003-alias").unwrap();
    assert_eq!((first.line, first.column), (1, 4));
    assert!(found.list.len() <= 100, "and the rest is not drowned in echoes");
}

#[test]
fn a_hundred_thousand_brackets_are_an_error_and_no_crash() {
    for open in ["[", "{a: ", "- ", "(", "not ", "-"] {
        let text = GOOD.replace("if: licks < 3", &format!("if: {}", open.repeat(100_000)));
        let found = findings(&text);
        assert!(found.errors() > 0, "{open}");
    }
    let deep: String = (0..100_000).map(|n| format!("{:width$}a:\n", "", width = n % 2_000)).collect();
    assert!(findings(&deep).errors() > 0);
}

#[test]
fn five_mistakes_are_told_in_one_run() {
    let text = GOOD
        .replace("water: valve", "water: vlave")
        .replace("default: 500 ms", "default: 500 msec")
        .replace("if: licks < 3, to: pay", "if: licks, to: pya")
        .replace("stimulus: burst", "stimulus: brust")
        .replace("chance: 0.5", "chance: 2");
    let found = findings(&text);
    let codes: Vec<&str> = found.list.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect();
    for code in [
        "E044-unknown-kind",
        "E021-unknown-unit",
        "E060-wrong-type",
        "E073-unknown-state",
        "E125-unknown-stimulus",
        "E140-not-a-probability",
    ] {
        assert!(codes.contains(&code), "{code} is missing from {codes:?}");
    }
    let lines: Vec<usize> = found.list.iter().take(found.errors()).map(|d| d.line).collect();
    assert!(lines.is_sorted(), "in the order of the file: {lines:?}");
}

#[test]
fn an_editor_gets_the_same_as_json() {
    let found = findings(&GOOD.replace("to: pay", "to: pya"));
    let json = found.to_json();
    assert_eq!(json[0]["code"], "E073-unknown-state");
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(json[0]["file"], "task.yaml");
    assert_eq!(json[0]["help"], "did you mean `pay`?");
    let line = GOOD.lines().position(|line| line.contains("to: pay")).unwrap();
    let column = GOOD.lines().nth(line).unwrap().find("pay").unwrap();
    assert_eq!(
        (json[0]["line"].as_u64(), json[0]["column"].as_u64()),
        (Some(line as u64 + 1), Some(column as u64 + 1))
    );
}

#[test]
fn a_plain_terminal_gets_plain_characters() {
    let found = findings(&GOOD.replace("to: pay", "to: pya"));
    assert!(found.render_in(Style::ASCII).is_ascii());
    assert!(sim_box().text.starts_with("rig: sim-box"), "the rig's file is kept verbatim");
}
