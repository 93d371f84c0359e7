//! What the animal does: at a time, or so long after something happened.

use super::words::{Words, input_of, is_sampled, is_touched};
use super::{Act, Cause, Does, happening, moment};
use crate::diagnostic::{Reporter, listed};
use crate::fields::{self, Fields};
use crate::kinds;
use crate::quantity::{Quantity, written};
use crate::symbols::Unit;
use crate::yaml::Node;

/// Keys that say when and how; what is done has the name of an input's edge.
const KEYS: &[&str] = &["at", "when", "after", "nth", "for", "every", "times", "move", "to", "over", "say"];
const EXAMPLE: &str = "{at: 2 s, press: lever, for: 100 ms}";

/// Every act that is listed, in a scenario that runs so long.
pub(super) fn list(node: &Node, run_us: Option<u64>, words: &Words<'_>, reporter: &mut Reporter) -> Vec<Act> {
    let items = fields::list(node, "`animal`", EXAMPLE, reporter).unwrap_or_default();
    items.iter().filter_map(|item| act(item, run_us, words, reporter)).collect()
}

/// What an input's edges are called, whatever its kind.
fn edges() -> impl Iterator<Item = &'static str> {
    kinds::KINDS.iter().filter_map(|kind| kind.input()).flat_map(|input| [input.on, input.off])
}

fn act(node: &Node, run_us: Option<u64>, words: &Words<'_>, reporter: &mut Reporter) -> Option<Act> {
    let known: Vec<&'static str> = KEYS.iter().copied().chain(edges()).collect();
    let keys = fields::fields(node, "an act", &known, EXAMPLE, reporter)?;
    let cause = cause(&keys, words, reporter);
    if let (Some(Cause::At(at_us)), Some(run_us), Some(at)) = (cause, run_us, keys.get("at"))
        && at_us >= run_us
    {
        let [at_us, run_us] = [at_us, run_us].map(|us| written(i64::try_from(us).unwrap_or(i64::MAX), Unit::Time));
        reporter
            .error(
                "E417-when-is-it-done",
                at.span,
                format!("this is done at {at_us}, and the scenario runs for {run_us}"),
            )
            .help("let it run longer, or leave this out");
    }
    let does = does(&keys, words, reporter);
    let every_us = keys.get("every").and_then(|node| moment::span(node, "`every`", "150 ms", reporter));
    let times = keys.get("times").and_then(|node| count(node, "`times`", reporter));
    if let (Some(span), None) = (keys.key("times"), keys.key("every")) {
        reporter
            .error(
                "E415-times-without-every",
                span,
                "to do it several times, it must be known how long after one another",
            )
            .help("add for instance `every: 150 ms`");
    }
    if let (Some(span), None) = (keys.key("every"), keys.key("times")) {
        reporter.error("E415-times-without-every", span, "how often is it done?").help("add for instance `times: 5`");
    }
    Some(Act {
        cause: cause?,
        does: does?,
        every_us: every_us.unwrap_or(0),
        times: times.unwrap_or(1),
        place: words.place(keys.short_span()),
    })
}

/// A count of at least 1.
fn count(node: &Node, what: &'static str, reporter: &mut Reporter) -> Option<u32> {
    let text = fields::text(node, what, "2", reporter)?;
    let found = text.text.trim().parse().ok().filter(|count| *count >= 1);
    if found.is_none() {
        reporter
            .error("E416-bad-count", text.span, format!("{what} must be a whole number of 1 or more"))
            .help("write for instance `2`");
    }
    found
}

fn cause(keys: &Fields<'_>, words: &Words<'_>, reporter: &mut Reporter) -> Option<Cause> {
    match (keys.get("at"), keys.get("when")) {
        (Some(at), None) => {
            if let Some(span) = keys.key("after").or_else(|| keys.key("nth")) {
                reporter
                    .error("E417-when-is-it-done", span, "this goes with `when`, and here stands `at`")
                    .help("leave it out, or write `when: enter ready` in the place of `at`");
            }
            moment::since(at, "`at`", 0, "2 s", reporter).map(Cause::At)
        }
        (None, Some(when)) => {
            let text = fields::text(when, "`when`", "enter ready", reporter)?;
            let happening = happening::read(text, words, reporter);
            let delay = keys.need("after", "after: 300 ms", reporter);
            let delay_us = delay.and_then(|node| moment::span(node, "`after`", "300 ms", reporter));
            let nth = keys.get("nth").map(|node| count(node, "`nth`", reporter));
            Some(Cause::After { happening: happening?, nth: nth.flatten(), delay_us: delay_us? })
        }
        (Some(_), Some(_)) => {
            let span = keys.key("when").unwrap_or(keys.short_span());
            reporter
                .error("E417-when-is-it-done", span, "an act is done at a time or when something happens, not both")
                .help("leave `at` or `when` out");
            None
        }
        (None, None) => {
            if !keys.is_meant("at") && !keys.is_meant("when") {
                reporter
                    .error("E417-when-is-it-done", keys.short_span(), "when is this done?")
                    .help("add `at: 2 s`, or `when: enter ready` with `after: 300 ms`");
            }
            None
        }
    }
}

fn does(keys: &Fields<'_>, words: &Words<'_>, reporter: &mut Reporter) -> Option<Does> {
    let given: Vec<&'static str> = distinct(edges()).into_iter().filter(|edge| keys.get(edge).is_some()).collect();
    if let (Some(node), [], None) = (keys.get("say"), given.as_slice(), keys.get("move")) {
        return say(node, keys, reporter);
    }
    match (given.as_slice(), keys.get("move")) {
        _ if keys.get("say").is_some() => {
            reporter
                .error("E418-what-is-done", keys.short_span(), "an act does one thing")
                .help("write an act for each");
            None
        }
        ([edge], None) => touch(edge, keys, words, reporter),
        ([], Some(node)) => travel(node, keys, words, reporter),
        ([], None) => {
            let known: Vec<&str> = words
                .lines()
                .filter(|(_, line)| is_touched(line))
                .filter_map(|(_, line)| input_of(line))
                .map(|input| input.on)
                .collect();
            let known = distinct(known.into_iter());
            if !edges().any(|edge| keys.is_meant(edge)) && !keys.is_meant("move") {
                reporter.error("E418-what-is-done", keys.short_span(), "what is done then?").help(
                    match known.is_empty() {
                        true => "this protocol has no input that an animal could touch".to_owned(),
                        false => format!("add what is done and to which line: {}", listed(known.iter().copied())),
                    },
                );
            }
            None
        }
        (_, _) => {
            reporter
                .error("E418-what-is-done", keys.short_span(), "an act does one thing")
                .help("write an act for each");
            None
        }
    }
}

/// What a person or a program says, left as it is: it is read when it is said.
fn say(node: &Node, keys: &Fields<'_>, reporter: &mut Reporter) -> Option<Does> {
    for key in ["for", "to", "over"] {
        if let Some(span) = keys.key(key) {
            let message = format!("`{key}` goes with what an animal does, and this is said");
            reporter.error("E419-not-with-this", span, message).help("leave it out");
        }
    }
    let text = fields::text(node, "what is said", "event contact", reporter)?;
    Some(Does::Say(text.text.trim().to_owned()))
}

/// Each word once, in order.
fn distinct<'w>(words: impl Iterator<Item = &'w str>) -> Vec<&'w str> {
    let mut found: Vec<&str> = Vec::new();
    for word in words {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

fn touch(edge: &'static str, keys: &Fields<'_>, words: &Words<'_>, reporter: &mut Reporter) -> Option<Does> {
    for key in ["to", "over"] {
        if let Some(span) = keys.key(key) {
            reporter.error("E419-not-with-this", span, format!("`{key}` goes with `move`")).help("leave it out");
        }
    }
    let for_us = keys.get("for").and_then(|node| moment::span(node, "`for`", "100 ms", reporter));
    let name = fields::text(keys.get(edge)?, "a line", "lever", reporter)?;
    let is = |line: &crate::symbols::LineSymbol| {
        is_touched(line) && input_of(line).is_some_and(|input| input.on == edge || input.off == edge)
    };
    let (line, symbol) = words.line(
        &name.text,
        name.span,
        (&format!("a line with `{edge}`"), &format!("lines with `{edge}`")),
        is,
        reporter,
    )?;
    Some(Does::Touch { line, active: input_of(symbol)?.on == edge, for_us })
}

fn travel(node: &Node, keys: &Fields<'_>, words: &Words<'_>, reporter: &mut Reporter) -> Option<Does> {
    if let Some(span) = keys.key("for") {
        reporter
            .error("E419-not-with-this", span, "`for` goes with a touch, and this moves a line")
            .help("leave it out, and move the line back by an act of its own");
    }
    let name = fields::text(node, "a line", "joystick", reporter)?;
    let (line, symbol) =
        words.line(&name.text, name.span, ("a sampled line", "sampled lines"), is_sampled, reporter)?;
    let to = keys.need("to", "to: 5 mm", reporter);
    let to = to.and_then(|node| fields::text(node, "`to`", "5 mm", reporter));
    let over_us = keys.get("over").map(|node| moment::since(node, "`over`", 0, "60 ms", reporter));
    let Some(scale) = symbol.scale else {
        reporter
            .error(
                "E420-not-measured",
                name.span,
                format!("nothing is known of what the values of `{}` mean", name.text),
            )
            .help("give the line a calibration in the rig-config");
        return None;
    };
    let to = to?;
    let value = Quantity::read(&to.text).and_then(|quantity| quantity.in_base(scale.unit));
    let value = value.map_err(|error| fields::bad_quantity(&error, "`to`", to.span, reporter)).ok()?;
    // An encoder counts on and on; a converter has an end.
    let told = |raw: &i32| symbol.kind != kinds::ANALOG || (0..=link::rig::ANALOG_MAX).contains(raw);
    let Some(raw) = scale.raw(value).filter(told) else {
        reporter
            .error("E421-out-of-reach", to.span, format!("`{}` cannot go so far", name.text))
            .help("stay within what was measured of it in the rig-config");
        return None;
    };
    Some(Does::Move { line, raw, over_us: over_us.flatten().unwrap_or(0) })
}
