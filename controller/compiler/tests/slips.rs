//! Slips of someone who knows the experiment and not YAML: another program's habits, another language's decimal comma,
//! text that went through a mail or a text processor. Each must be met where it was made, and with the words to put in
//! its place; the snapshot tells, for each, the place, what is underlined, and both sentences.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;

use common::{GOOD, findings, shipped, task};
use compiler::{Diagnostics, Options, Severity, Source, compile, read_rig};

/// What is said of a text, one finding a paragraph.
fn told(found: &Diagnostics, text: &str) -> String {
    let mut out = String::new();
    for finding in &found.list {
        let underlined = text.get(finding.span.start..finding.span.end).unwrap_or("");
        let (line, column) = (finding.line, finding.column);
        writeln!(out, "  {} at {line}:{column} `{}`", finding.code, underlined.escape_debug()).unwrap();
        writeln!(out, "    {}", finding.message).unwrap();
        writeln!(out, "    → {}", finding.help.as_deref().unwrap_or("(no remedy)")).unwrap();
    }
    out
}

#[test]
fn slips_are_met_where_they_were_made() {
    let slips = [
        (
            "a key indented less than its sisters",
            "    transitions:\n      - {event: lever",
            "   transitions:\n      - {event: lever",
        ),
        ("a key indented more than its sisters", "  delay: {default", "   delay: {default"),
        ("a line without its colon", "  pay:\n", "  pay\n"),
        ("the first line without its colon", "protocol: small", "protocol small"),
        ("a colon without its space", "protocol: small", "protocol:small"),
        ("a colon without its space, within braces", "{after: delay, if", "{after:delay, if"),
        ("a dash without its space", "- {event: late.end", "-{event: late.end"),
        ("a comment as other languages write it", "lines:\n", "// the box\nlines:\n"),
        ("a brace left open", "outcome: missed, to: iti}", "outcome: missed, to: iti"),
        ("a quotation mark left open", "protocol: small", "protocol: small\nabout: \"A small task."),
        ("an apostrophe in quotes", "protocol: small", "protocol: small\nabout: 'The mouse's task.'"),
        ("text that begins with a sign", "protocol: small", "protocol: small\nabout: @home"),
        ("a second colon", "event: lever.press", "event: lever: press"),
        ("a decimal comma within braces", "default: 500 ms", "default: 0,5 s"),
        ("a thousand's comma", "trials: 100", "trials: 1,000"),
        ("a decimal comma in a block", "streak: 0", "streak: 0,5"),
        ("a decimal comma in an expression", "\"max(gap, 2 s)\"", "\"1,5 s\""),
        ("a time of day", "after: 30 min", "after: 00:30:00"),
        ("two quantities for one", "{after: delay + 1 s", "{after: 1 min 30 s"),
        ("a litre that looks like a nanolitre", "default: 5 µl", "default: 5 mcl"),
        ("a time below zero", "default: 500 ms, range: [0 ms, 5 s]", "default: -500 ms"),
        ("a parameter without its unit", "default: 500 ms, range: [0 ms, 5 s]", "default: 500"),
        ("`True`", "if: paid,", "if: paid == True,"),
        ("`yes`", "streak: 0", "streak: yes"),
        ("`AND`", "if: paid,", "if: paid AND streak > 3,"),
        ("`:` and `?`", "volume: drop", "volume: \"paid ? drop : 4 µl\""),
        ("a condition behind", "volume: drop", "volume: drop if paid else 4 µl"),
        ("`+=`", "{streak: streak + 1}", "{streak: += 1}"),
        ("a random number in a guard", "if: paid,", "if: random() < 0.5,"),
        ("a fraction added to a count", "streak + 1", "streak + 0.5"),
        ("a dash from a text processor", "if: licks < 3", "if: licks – 1 < 3"),
        ("curly quotation marks", "to: pay}", "to: “pay”}"),
        ("a letter of another alphabet", "{event: late.end", "{еvent: late.end"),
        ("a space of no width", "to: pay}", "to: pay\u{200b}}"),
        ("a space that does not break", "  delay: {default", "\u{a0}\u{a0}delay: {default"),
        ("a wide colon", "protocol: small", "protocol：small"),
        ("an event without its line", "event: spout.lick", "event: lick"),
        ("what others call `to`", "to: pay}", "goto: pay}"),
        ("what others call `if`", "if: paid,", "condition: paid,"),
        (
            "a single transition without its dash",
            "      - {after: \"max(gap, 2 s)\", to: ready}",
            "      {after: 2 s, to: ready}",
        ),
        ("only the name of a section misspelt", "session:\n", "sesion:\n"),
    ];
    let mut out = String::new();
    for (title, from, to) in slips {
        assert!(GOOD.contains(from), "{title}: the place to spoil is gone");
        let text = GOOD.replacen(from, to, 1);
        let found = findings(&text);
        assert!(!found.is_empty(), "{title}: nothing was found");
        assert!(found.list.iter().all(|finding| finding.help.is_some()), "{title}: no remedy\n{found}");
        writeln!(out, "## {title}\n{}", told(&found, &text)).unwrap();
    }
    insta::assert_snapshot!("slips", out);
}

#[test]
fn what_is_only_unusual_is_taken() {
    for (title, text) in [
        ("Windows line ends", GOOD.replace('\n', "\r\n")),
        ("a byte order mark", format!("\u{feff}{GOOD}")),
        ("the Greek letter for micro", GOOD.replace('µ', "\u{3bc}")),
        ("u for micro, and a large L", GOOD.replace("5 µl", "5 uL").replace("4 µl", "4 µL")),
        ("no space before the unit", GOOD.replace("500 ms", "500ms").replace("5 µl", "5µl")),
        ("a space that does not break before the unit", GOOD.replace("500 ms", "500\u{a0}ms")),
        ("everything in quotes", GOOD.replace("to: pay", "\"to\": \"pay\"")),
    ] {
        let found = findings(&text);
        assert!(found.is_empty(), "{title}:\n{found}");
    }
}

#[test]
fn columns_are_counted_in_characters_and_a_byte_order_mark_is_none() {
    let text = format!(
        "\u{feff}{}",
        GOOD.replace("protocol: small", "protocl: small").replace("[3 µl, 20 µl]", "[20 µl, 3 µl]")
    );
    let found = findings(&text);
    let places: Vec<(usize, usize)> = found.list.iter().map(|finding| (finding.line, finding.column)).collect();
    assert_eq!(places, [(1, 1), (10, 33)], "{found}");
    assert!(found.to_string().contains("task.yaml:10:33"), "drawn as told to editors:\n{found}");
}

#[test]
fn a_protocol_and_a_rig_config_mixed_up_are_told_apart_at_once() {
    let (protocol, rig) = (task(GOOD), shipped("rig-configs/sim-box.yaml"));
    let found = read_rig(&protocol).unwrap_err();
    assert_eq!((found.list.len(), found.list[0].code), (1, "E174-wrong-file"), "{found}");
    let found = compile(&rig, &common::sim_box(), &Options::default()).unwrap_err();
    assert_eq!((found.list.len(), found.list[0].code), (1, "E174-wrong-file"), "{found}");
    assert!(found.list.iter().all(|finding| finding.severity == Severity::Error));
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_not_read_for_ever() {
    let found = Source::read(std::path::Path::new("/dev/zero")).unwrap_err();
    assert_eq!(found.list[0].code, "E172-too-large", "{found}");
}

#[test]
fn a_line_of_thousands_of_characters_is_drawn_around_its_slip() {
    let guard = format!("if: paid and {} and paidd,", ["paid"; 150].join(" and "));
    let text = GOOD.replace("if: paid,", &guard).replace(
        "delay: {default",
        &format!("long: {{default: 1, about: {}}}\n  delay: {{deflt: 1, default", "µ ".repeat(3000)),
    );
    let found = findings(&text);
    let drawn = found.to_string();
    assert!(drawn.lines().all(|line| line.chars().count() < 200), "{drawn}");
    insta::assert_snapshot!("long_lines", drawn);
}
