//! The shapes of a file of scenario tests.

use super::{Is, Key, Shape, key, shape};
use crate::symbols::Unit;

const ABOUT: Key = key("about", Is::Text, "What a reader should know.");
const ANY: Is = Is::Any(&[Is::Value, Is::List(&Is::Value)]);
/// A moment alone, or with the word it belongs to: `wait: 2 s`.
const STEP: Is = Is::Any(&[Is::Value, Is::Map(&Is::Value)]);
const STEPS: Is = Is::List(&STEP);
const DELIVERY: Is =
    Is::Any(&[Is::Value, Is::List(&Is::Any(&[Is::Value, Is::Shape("a time on")])), Is::Shape("what an output does")]);
const TOUCHES: Is = Is::Value;

pub(super) const SHAPES: &[Shape] = &[
    shape(
        "a test file",
        "Scenarios of a protocol: what a scripted animal does, and what must come of it.",
        &[
            key("protocol", Is::Text, "The protocol, by its path from here; if left out, the one beside the file."),
            key(
                "rig",
                Is::Text,
                "The rig-config, by its path from here; if left out, a simulated one with the protocol's lines.",
            ),
            ABOUT,
            key("scenarios", Is::List(&Is::Shape("a scenario")), "The scenarios."),
            key("allow", Is::List(&Is::Shape("what is allowed")), "What need not be covered."),
        ],
    )
    .needs(&["scenarios"]),
    shape(
        "what is allowed",
        "Something that no scenario covers, and why.",
        &[
            key("what", Is::Text, "What it is, as the report names it: `state over`."),
            key("because", Is::Text, "Why it need not be covered."),
        ],
    )
    .needs(&["what", "because"]),
    shape(
        "a scenario",
        "A simulated session and what must come of it.",
        &[
            key("name", Is::Text, "Its name: a sentence."),
            ABOUT,
            key("set", Is::Map(&Is::Value), "Parameters, as `--set` sets them."),
            key("seed", Is::Quantity(Unit::Count), "What decides every draw; 1 if left out."),
            key("draws", Is::Map(&ANY), "What variables are to be drawn, one draw after the other."),
            key("armed", Is::Truth, "`false`: nobody arms anything."),
            key("held", Is::List(&Is::Value), "Inputs that are active already as the session begins."),
            key("animal", Is::List(&Is::Shape("an act")), "What the animal does."),
            key("run", Is::Quantity(Unit::Time), "How long; if left out, until the session ends by itself."),
            key("until", Is::Value, "It is over when this happens, as in `enter iti`."),
            key("expect", Is::Shape("`expect`"), "What must come of it."),
        ],
    )
    .needs(&["name"]),
    shape(
        "an act",
        "Something the animal does, at a time or when something happens.",
        &[
            key(
                "say",
                Is::Value,
                "Something is said from outside: `event contact`, `value decoded 0.4`, `answer drug saline`.",
            ),
            key("at", Is::Quantity(Unit::Time), "When, from the session's start."),
            key("when", Is::Value, "When this happens, as in `enter ready`, `cue on`, `lever.press`."),
            key("after", Is::Quantity(Unit::Time), "How long behind that."),
            key("nth", Is::Quantity(Unit::Count), "Only the so-manieth time it happens."),
            key("for", Is::Quantity(Unit::Time), "For how long; without, it stays."),
            key("every", Is::Quantity(Unit::Time), "From one time to the next, if it is done several times."),
            key("times", Is::Quantity(Unit::Count), "How often it is done."),
            key("move", TOUCHES, "A sampled line is moved."),
            key("to", Is::Value, "Where to."),
            key("over", Is::Quantity(Unit::Time), "How long the movement takes."),
            key("press", TOUCHES, "A lever or a button is pressed."),
            key("release", TOUCHES, "A lever or a button is let go."),
            key("lick", TOUCHES, "A spout is licked."),
            key("off", TOUCHES, "The tongue leaves a spout."),
            key("in", TOUCHES, "The nose is put into a poke."),
            key("out", TOUCHES, "The nose leaves a poke."),
            key("break", TOUCHES, "A beam is broken."),
            key("clear", TOUCHES, "A beam is clear again."),
            key("rise", TOUCHES, "An input rises."),
            key("fall", TOUCHES, "An input falls."),
            key("stop", TOUCHES, "An emergency stop is pressed."),
            key("on", TOUCHES, "A key is turned on."),
        ],
    ),
    shape(
        "`expect`",
        "What must come of it.",
        &[
            key("states", Is::Any(&[STEPS, Is::Map(&STEPS)]), "These and no others are entered, in this order."),
            key(
                "passes",
                Is::Any(&[STEPS, Is::Map(&STEPS)]),
                "These are entered in this order, whatever comes between.",
            ),
            key("outputs", Is::Map(&DELIVERY), "What each output does, at the pin."),
            key("events", Is::Map(&ANY), "When, or how often, something happens."),
            key("outcomes", Is::List(&Is::Value), "The outcomes of the trials."),
            key("trials", Is::List(&Is::Map(&Is::Value)), "What each trial ends with: its variables and its outcome."),
            key("variables", Is::Map(&Is::Value), "What they hold at the end."),
            key("order", Is::List(&Is::Value), "These happen in this order, whatever comes between."),
            key("never", Is::List(&Is::Value), "What never happens: `laser on while in reward`."),
            key(
                "breaches",
                Is::List(&Is::Value),
                "The invariants that blocked a request, and no others, in this order.",
            ),
            key("interlock", Is::List(&STEP), "What the interlock did not carry out, and why."),
            key("end", Is::Value, "What ended the session; `stopped` for what the scenario ended."),
        ],
    ),
    shape(
        "what an output does",
        "How often an output goes on, and how.",
        &[
            key("pulses", Is::Value, "How often it goes on."),
            key("width", Is::Value, "How long each time."),
            key("volume", Is::Value, "The dose asked for each time."),
            key("power", Is::Value, "The power each time."),
            key("to_power", Is::Value, "The power as it goes off, each time."),
            key("sound", Is::Value, "What sort of sound each time: tone, noise or sweep."),
            key("tone", Is::Value, "The tone each time, by its frequency."),
            key("to_tone", Is::Value, "The frequency at which a sweep ends."),
            key("level", Is::Value, "How loud it is each time."),
            key("ramp", Is::Value, "How long it swells, and fades, each time."),
            key("first", Is::Value, "When it first goes on."),
            key("period", Is::Value, "From one time to the next."),
        ],
    )
    .needs(&["pulses"]),
    shape(
        "a time on",
        "An output goes on.",
        &[
            key("at", Is::Value, "When it goes on, from the start of the session."),
            key("for", Is::Value, "For how long."),
            key("volume", Is::Value, "The dose asked for."),
            key("power", Is::Value, "The power it goes on at."),
            key("to_power", Is::Value, "The power it has as it goes off."),
            key("sound", Is::Value, "What sort of sound: tone, noise or sweep."),
            key("tone", Is::Value, "The tone, by its frequency."),
            key("to_tone", Is::Value, "The frequency at which a sweep ends."),
            key("level", Is::Value, "How loud it is."),
            key("ramp", Is::Value, "How long it swells, and fades."),
        ],
    )
    .needs(&["at"]),
];
