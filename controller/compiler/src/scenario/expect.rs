//! What must come of a scenario.

use link::{InvariantId, LineId, RegionId, Verdict};

use super::words::{OUTPUT, Words, listing};
use super::{Delivery, Expect, Expectation, Moment, Occurrences, On, Row, Said, Sound, Step};
use super::{happening, key_place, moment, place_of, value};
use crate::diagnostic::Reporter;
use crate::fields::{self, Fields};
use crate::symbols::Unit;
use crate::yaml::{Entry, Node, Text, Value};

const KEYS: &[&str] = &[
    "states",
    "passes",
    "outputs",
    "events",
    "outcomes",
    "trials",
    "variables",
    "order",
    "never",
    "interlock",
    "breaches",
    "end",
];
const EXAMPLE: &str = "{states: [ready, wait: 2 s, reward: 2.5 s], outputs: {water: [{at: 2.5 s, for: 41 ms}]}}";

/// What stands behind `end` for a session that the scenario itself ends.
pub const STOPPED: &str = "stopped";

/// Everything that is expected.
pub(super) fn read(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<Expectation> {
    let Some(keys) = fields::fields(node, "`expect`", KEYS, EXAMPLE, reporter) else { return Vec::new() };
    let mut found = Vec::new();
    for (key, all) in [("states", true), ("passes", false)] {
        if let Some(node) = keys.get(key) {
            states(node, key, all, words, reporter, &mut found);
        }
    }
    for entry in entries(keys.get("outputs"), "`outputs`", "{water: none}", reporter) {
        let name = &entry.key;
        let line = words.line(&name.text, name.span, OUTPUT, |line| line.output, reporter);
        let does = delivery(&entry.value, words, reporter);
        if let (Some((line, _)), Some(does)) = (line, does) {
            found.push(Expectation { place: words.place(name.span), what: Expect::Output { line, does } });
        }
    }
    for entry in entries(keys.get("events"), "`events`", "{omission: [2.5 s], lever.press: 3}", reporter) {
        let happening = happening::read(&entry.key, words, reporter);
        let when = occurrences(&entry.value, reporter);
        if let (Some(happening), Some(when)) = (happening, when) {
            found.push(Expectation { place: words.place(entry.key.span), what: Expect::Happens { happening, when } });
        }
    }
    let place = |key| key_place(&keys, key, words);
    if let Some(node) = keys.get("outcomes") {
        let items = fields::list(node, "`outcomes`", "[rewarded, miss]", reporter).unwrap_or_default();
        let outcomes = items.iter().filter_map(|item| {
            let text = fields::text(item, "an outcome", "rewarded", reporter)?;
            words.outcome(&text.text, text.span, reporter)
        });
        let outcomes = outcomes.collect();
        found.push(Expectation { place: place("outcomes"), what: Expect::Outcomes(outcomes) });
    }
    if let Some(node) = keys.get("trials") {
        let items = fields::list(node, "`trials`", "[{paid: true, outcome: rewarded}]", reporter).unwrap_or_default();
        let rows = items.iter().filter_map(|item| row(item, words, reporter)).collect();
        found.push(Expectation { place: place("trials"), what: Expect::Trials(rows) });
    }
    for entry in entries(keys.get("variables"), "`variables`", "{streak: 3}", reporter) {
        let Some((variable, symbol)) = words.variable(&entry.key, reporter) else { continue };
        if let Some(value) = value::of(&entry.value, symbol, reporter) {
            found.push(Expectation { place: words.place(entry.key.span), what: Expect::Variable { variable, value } });
        }
    }
    if let Some(node) = keys.get("order") {
        let items = fields::list(node, "`order`", "[omission, mask on, laser on]", reporter).unwrap_or_default();
        let order = items.iter().filter_map(|item| {
            let text = fields::text(item, "what happens", "mask on", reporter)?;
            Some((happening::read(text, words, reporter)?, words.place(text.span)))
        });
        let order = order.collect();
        found.push(Expectation { place: place("order"), what: Expect::Order(order) });
    }
    if let Some(node) = keys.get("never") {
        for item in fields::list(node, "`never`", "[laser on while in reward]", reporter).unwrap_or_default() {
            let text = fields::text(item, "what must never be", "laser on while in reward", reporter);
            if let Some((what, during)) = text.and_then(|text| happening::never(text, words, reporter)) {
                found.push(Expectation { place: place_of(item, words), what: Expect::Never { what, during } });
            }
        }
    }
    if let Some(node) = keys.get("interlock") {
        let verdicts = interlock(node, words, reporter);
        found.push(Expectation { place: place("interlock"), what: Expect::Interlock(verdicts) });
    }
    if let Some(node) = keys.get("breaches") {
        let breaches = breaches(node, words, reporter);
        found.push(Expectation { place: place("breaches"), what: Expect::Breaches(breaches) });
    }
    if let Some(node) = keys.get("end") {
        let text = fields::text(node, "`end`", STOPPED, reporter);
        if let Some(end) = text.and_then(|text| end(text, words, reporter)) {
            found.push(Expectation { place: place("end"), what: Expect::End(end) });
        }
    }
    if found.is_empty() && !reporter.has_errors() {
        reporter
            .error(
                "E422-nothing-expected",
                fields::short(node),
                "nothing is expected of this scenario, so it shows nothing",
            )
            .help(format!("write for instance `expect: {EXAMPLE}`"));
    }
    found
}

/// The entries of a mapping, if it is there.
fn entries<'n>(node: Option<&'n Node>, what: &'static str, example: &str, reporter: &mut Reporter) -> &'n [Entry] {
    node.and_then(|node| fields::map(node, what, example, reporter)).unwrap_or_default()
}

/// A list for the main region, or a list for each region by its name.
fn states(node: &Node, key: &str, all: bool, words: &Words<'_>, reporter: &mut Reporter, found: &mut Vec<Expectation>) {
    let what = if key == "states" { "`states`" } else { "`passes`" };
    let mut add = |region: RegionId, node: &Node, reporter: &mut Reporter| {
        let items = fields::list(node, what, "[ready, wait: 2 s]", reporter).unwrap_or_default();
        let steps = items.iter().filter_map(|item| step(item, region, words, reporter)).collect();
        let what = Expect::States { region, all, steps };
        found.push(Expectation { place: place_of(node, words), what });
    };
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                if let Some(region) = words.region(&entry.key, reporter) {
                    add(region, &entry.value, reporter);
                }
            }
        }
        _ => add(RegionId(0), node, reporter),
    }
}

/// `ready`, or `ready: 2 s` with the time it is entered.
fn step(node: &Node, region: RegionId, words: &Words<'_>, reporter: &mut Reporter) -> Option<Step> {
    let (name, at): (&Text, Option<Moment>) = match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [only] => (&only.key, Some(moment::read(&only.value, "the time of entry", reporter)?)),
            _ => {
                reporter
                    .error("E423-one-state", fields::short(node), "one state stands here, with its time")
                    .help("write for instance `- wait: 2 s`");
                return None;
            }
        },
        _ => (fields::text(node, "a state", "ready", reporter)?, None),
    };
    let state = words.state(&name.text, name.span, reporter)?;
    let symbol = words.symbols.states.get(state.index())?;
    if symbol.region != region.0 {
        let other = words.symbols.regions.get(usize::from(symbol.region)).map_or("", String::as_str);
        reporter
            .error("E424-other-region", name.span, format!("`{}` is a state of the region `{other}`", name.text))
            .help(format!("write the states of each region under its name: `states: {{{other}: [{}]}}`", name.text));
        return None;
    }
    Some(Step { state, at, place: words.place(name.span) })
}

/// What may be said of a time on, besides how long it is.
const SAID: [&str; 8] = ["volume", "power", "to_power", "sound", "tone", "to_tone", "level", "ramp"];
/// What a sound may be.
const SOUNDS: [(&str, Sound); 3] = [("tone", Sound::Tone), ("noise", Sound::Noise), ("sweep", Sound::Sweep)];

/// `none`, a count, a list of times on, or `{pulses: 20, width: 5 ms, first: 2.5 s, period: 50 ms}`.
fn delivery(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Option<Delivery> {
    match &node.value {
        Value::List(items) => {
            let on = items.iter().filter_map(|item| on(item, words, reporter));
            Some(Delivery::Times(on.collect()))
        }
        Value::Map(_) => {
            let example = "{pulses: 20, width: 5 ms, first: 2.5 s, period: 50 ms}";
            let known: Vec<&'static str> = ["pulses", "width", "first", "period"].into_iter().chain(SAID).collect();
            let keys = fields::fields(node, "what an output does", &known, example, reporter)?;
            let count = keys.need("pulses", "pulses: 20", reporter);
            let count = count.and_then(|node| how_often(node, reporter));
            let each = said(&keys, "width", reporter);
            let mut time = |key: &str, what| keys.get(key).and_then(|node| moment::read(node, what, reporter));
            let (first, period) = (time("first", "`first`"), time("period", "`period`"));
            Some(Delivery::Pulses { count: count?, each, first, period })
        }
        _ => {
            let count = how_often(node, reporter)?;
            Some(Delivery::Pulses { count, each: Said::default(), first: None, period: None })
        }
    }
}

/// What is said of a time on; how long it is stands behind `width`.
fn said(keys: &Fields<'_>, width: &str, reporter: &mut Reporter) -> Said {
    let width = keys.get(width).and_then(|node| moment::read(node, "how long it is on", reporter));
    let sound = keys.get("sound").and_then(|node| fields::choice(node, "`sound`", &SOUNDS, reporter));
    let mut of = |key: &str, what, unit, example| {
        keys.get(key).and_then(|node| fields::quantity(node, what, unit, example, reporter))
    };
    Said {
        width,
        volume_nl: of("volume", "`volume`", Unit::Volume, "10 µl"),
        power_ppm: of("power", "`power`", Unit::Number, "40 %"),
        to_power_ppm: of("to_power", "`to_power`", Unit::Number, "90 %"),
        sound,
        to_tone_mhz: of("to_tone", "`to_tone`", Unit::Frequency, "16 kHz"),
        tone_mhz: of("tone", "`tone`", Unit::Frequency, "8 kHz"),
        level_cdb: of("level", "`level`", Unit::Level, "70 dB"),
        ramp_us: of("ramp", "`ramp`", Unit::Time, "5 ms"),
    }
}

fn on(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Option<On> {
    if let Value::Scalar(text) = &node.value {
        let at = moment::text(text, "when it goes on", reporter)?;
        return Some(On { at, said: Said::default(), place: place_of(node, words) });
    }
    let known: Vec<&'static str> = ["at", "for"].into_iter().chain(SAID).collect();
    let keys = fields::fields(node, "a time on", &known, "{at: 2.5 s, for: 41 ms}", reporter)?;
    let at = keys.need("at", "at: 2.5 s", reporter).and_then(|node| moment::read(node, "`at`", reporter));
    let said = said(&keys, "for", reporter);
    Some(On { at: at?, said, place: place_of(node, words) })
}

/// `none`, or a count.
fn how_often(node: &Node, reporter: &mut Reporter) -> Option<u32> {
    let text = fields::text(node, "how often", "3", reporter)?;
    if text.text.trim() == "none" {
        return Some(0);
    }
    let found = text.text.trim().parse().ok();
    if found.is_none() {
        reporter
            .error("E425-bad-occurrences", text.span, format!("`{}` says neither how often nor when", text.text))
            .help("write `none`, a count as in `3`, or the times as in `[2.5 s, 9 s ± 1 ms]`");
    }
    found
}

fn occurrences(node: &Node, reporter: &mut Reporter) -> Option<Occurrences> {
    match &node.value {
        Value::List(items) => {
            let times = items.iter().filter_map(|item| moment::read(item, "when it happens", reporter));
            Some(Occurrences::Times(times.collect()))
        }
        _ => how_often(node, reporter).map(Occurrences::Count),
    }
}

fn row(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Option<Row> {
    let entries = fields::map(node, "a trial", "{paid: true, outcome: rewarded}", reporter)?;
    let mut row = Row { outcome: None, values: Vec::new(), place: place_of(node, words) };
    for entry in entries {
        if entry.key.text == "outcome" {
            let text = fields::text(&entry.value, "the outcome", "rewarded", reporter)?;
            row.outcome = Some(match text.text.trim() {
                "none" => None,
                name => Some(words.outcome(name, text.span, reporter)?),
            });
            continue;
        }
        let Some((variable, symbol)) = words.variable(&entry.key, reporter) else { continue };
        if let Some(value) = value::of(&entry.value, symbol, reporter) {
            row.values.push((variable, value));
        }
    }
    Some(row)
}

/// The verdicts of the interlock, as its records name them.
const VERDICTS: &[(&str, Verdict)] = &[
    ("withheld", Verdict::Withheld),
    ("over_max_on", Verdict::OverMaxOn),
    ("cut_at_max_on", Verdict::CutAtMaxOn),
    ("tripped", Verdict::Tripped),
    ("cut_by_disarm", Verdict::CutByDisarm),
    ("no_such_power", Verdict::NoSuchPower),
    ("forbidden", Verdict::Forbidden),
    ("over_power", Verdict::OverPower),
    ("too_soon", Verdict::TooSoon),
    ("over_duty", Verdict::OverDuty),
    ("over_total", Verdict::OverTotal),
];

/// A verdict as a test file writes it; none for what no test can bring about or asks for.
#[must_use]
pub fn verdict_word(verdict: Verdict) -> Option<&'static str> {
    VERDICTS.iter().find(|(_, known)| *known == verdict).map(|(word, _)| *word)
}

fn interlock(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<(LineId, Verdict, super::Place)> {
    let mut found = Vec::new();
    for item in fields::list(node, "`interlock`", "[laser: withheld]", reporter).unwrap_or_default() {
        for entry in entries(Some(item), "a verdict", "laser: withheld", reporter) {
            let name = &entry.key;
            let line = words.line(&name.text, name.span, OUTPUT, |line| line.output, reporter);
            let Some(verdict) = fields::text(&entry.value, "the verdict", "withheld", reporter) else { continue };
            let known = VERDICTS.iter().map(|(word, _)| *word);
            let Some((_, said)) = VERDICTS.iter().find(|(word, _)| *word == verdict.text) else {
                reporter
                    .error(
                        "E426-unknown-verdict",
                        verdict.span,
                        format!("the interlock has no verdict `{}`", verdict.text),
                    )
                    .near(&verdict.text, known, |known| Some(listing("its verdicts are", known)));
                continue;
            };
            if let Some((line, _)) = line {
                found.push((line, *said, words.place(name.span)));
            }
        }
    }
    found
}

/// Invariants, as the protocol writes them.
fn breaches(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<(InvariantId, super::Place)> {
    let mut found = Vec::new();
    for item in fields::list(node, "`breaches`", "[at most 1 deliver on water per trial]", reporter).unwrap_or_default()
    {
        let Some(text) = fields::text(item, "an invariant", "at most 1 deliver on water per trial", reporter) else {
            continue;
        };
        let known = || words.symbols.invariants.iter().map(String::as_str);
        match known().position(|known| known == text.text.trim()) {
            Some(place) => {
                found.push((InvariantId(u8::try_from(place).unwrap_or(u8::MAX)), words.place(text.span)));
            }
            None => {
                reporter
                    .error(
                        "E428-unknown-invariant",
                        text.span,
                        format!("this protocol has no invariant `{}`", text.text),
                    )
                    .near(&text.text, known(), |known| {
                        Some(match known.is_empty() {
                            true => "it has none at all".to_owned(),
                            false => listing("its invariants are", known),
                        })
                    });
            }
        }
    }
    found
}

/// How the session ends: `stopped`, or a condition as the protocol writes it.
fn end(text: &Text, words: &Words<'_>, reporter: &mut Reporter) -> Option<String> {
    let written = text.text.trim();
    let of_stages = || words.symbols.stages.iter().flat_map(|stage| &stage.ends);
    let known = || std::iter::once(STOPPED).chain(words.symbols.ends.iter().chain(of_stages()).map(String::as_str));
    if known().any(|end| end == written) {
        return Some(written.to_owned());
    }
    reporter.error("E427-unknown-end", text.span, format!("this session cannot end by `{written}`")).near(
        written,
        known(),
        |known| Some(listing("ends are", known)),
    );
    None
}
