//! The shapes of what lies around the states: what comes from outside, questions to the operator, frames, sync, and the
//! experiment over days.

use super::{Is, Key, Shape, key, shape};
use crate::symbols::Unit;

const ABOUT: Key = key("about", Is::Text, "What it is, for people.");
const NAMES: Is = Is::List(&Is::Value);
const ONCE: Is = Is::Word(&["per subject"]);
const RATE: Key = key("rate", Is::Quantity(Unit::Frequency), "How many come a second.");
const PERIOD: Key = key("period", Is::Quantity(Unit::Time), "From one to the next.");
const WIDTH: Key = key("width", Is::Quantity(Unit::Time), "How long each is.");

pub(super) const SHAPES: &[Shape] = &[
    shape(
        "something from outside",
        "An event or a value that no pin shows.",
        &[
            key("initial", Is::Value, "A value, with its unit, before one came."),
            key("choices", NAMES, "The words it may be; it begins with the first."),
            key("range", NAMES, "The least and the most it may be."),
            key("stale", Is::Measured, "It is stale when none came for so long."),
            key("column", Is::Truth, "Whether it is a column of the trial table."),
            key("key", Is::Value, "The operator's key that says the event."),
            key("keys", Is::Map(&Is::Value), "The operator's keys that say each choice."),
            ABOUT,
        ],
    ),
    shape(
        "a prompt",
        "A question to the operator, asked by `ask: NAME`; its answer is the event `NAME.answer`.",
        &[
            key("ask", Is::Text, "What is asked, or to be done."),
            key("choices", NAMES, "What may be answered."),
            key("default", Is::Value, "The answer Enter alone gives; a number if there are no choices."),
            key("range", NAMES, "The least and the most."),
            key("note", Is::Truth, "The answer goes into the journal as a remark."),
            ABOUT,
        ],
    )
    .needs(&["ask"]),
    shape(
        "frames",
        "Frames of a camera or a microscope.",
        &[
            key("count", Is::Value, "The edge that is counted, as in `frame.rise`."),
            key("alarm", Is::Quantity(Unit::Time), "They have stopped when none came for so long."),
            key("trigger", Is::Value, "The line that is pulsed for each."),
            RATE,
            PERIOD,
            WIDTH,
            ABOUT,
        ],
    ),
    shape(
        "a sync line",
        "A pattern for other recordings.",
        &[
            key("barcode", Is::Shape("a barcode"), "A number that counts up."),
            key("pulses", Is::Shape("sync pulses"), "One pulse like the other."),
            key("random", Is::Shape("random sync pulses"), "Pulses at distances that are drawn."),
        ],
    )
    .one_of(&["barcode", "pulses", "random"]),
    shape(
        "a barcode",
        "A number that counts up.",
        &[
            key("bits", Is::Quantity(Unit::Count), "How many bits it has."),
            key("bit", Is::Quantity(Unit::Time), "How long a bit is."),
            key("start", Is::Quantity(Unit::Time), "How long a start pulse is."),
            key("every", Is::Quantity(Unit::Time), "From one to the next."),
            key("first", Is::Quantity(Unit::Count), "The first number; 1 if left out."),
        ],
    )
    .needs(&["bits", "bit", "start", "every"]),
    shape("sync pulses", "Pulses, one like the other.", &[RATE, PERIOD, WIDTH]).needs(&["width"]),
    shape(
        "random sync pulses",
        "Pulses at distances that are drawn.",
        &[key("between", NAMES, "The least and the most from one to the next."), WIDTH],
    )
    .needs(&["between", "width"]),
    shape("a column", "Worked out as a trial closes.", &[key("value", Is::Value, "What it is."), ABOUT])
        .needs(&["value"]),
    shape(
        "a stage",
        "The protocol with something changed, in an experiment over days.",
        &[
            ABOUT,
            key("parameters", Is::Map(&Is::Value), "For the defaults; `--set` still goes before."),
            key("forbid", NAMES, "Outputs that are never to be on, besides those of the protocol."),
            key(
                "start",
                Is::Any(&[Is::Value, Is::Map(&Is::Value)]),
                "The state that is entered first; of each region, by its name.",
            ),
            key("session", Is::Shape("`session`"), "What ends a session of it."),
            key("once", ONCE, "Once in the life of a subject."),
            key(
                "graduate",
                Is::Any(&[Is::Value, NAMES]),
                "When the subject goes on: `after 3 sessions`, `80 % correct of the last 50 trials`.",
            ),
        ],
    ),
    shape(
        "what is assigned",
        "Drawn once per subject, kept, never drawn again.",
        &[
            key("among", Is::Any(&[NAMES, Is::Map(&Is::Value)]), "What it may be; with numbers, in which ratio."),
            key("balance", NAMES, "The metadata within whose groups it is balanced."),
            ABOUT,
        ],
    )
    .needs(&["among"]),
    shape(
        "what is asked",
        "Asked of subject and session before it begins.",
        &[
            key("choices", NAMES, "What it may be."),
            key("unit", Is::Text, "What a number is measured in; it is only named."),
            key("default", Is::Value, "What it is taken to be if nobody says."),
            key("once", ONCE, "Asked once and kept."),
            ABOUT,
        ],
    ),
];
