//! The shapes of a rig-config.

use super::{Is, Key, Shape, key, shape};
use crate::symbols::Unit;

const ABOUT: Key = key("about", Is::Text, "What it is, for people.");
/// A limit that `none` lifts.
const TIME: Is = Is::Any(&[Is::Quantity(Unit::Time), Is::Word(&["none"])]);
const COUNT: Is = Is::Any(&[Is::Quantity(Unit::Count), Is::Word(&["none"])]);
const TOTAL: Is = Is::Any(&[Is::Shape("`per_session`"), Is::Word(&["none"])]);
const DAY: Is = Is::Any(&[Is::Shape("`per_day`"), Is::Word(&["none"])]);
const PIN: Is = Is::Quantity(Unit::Count);
const PULL: Is = Is::Word(&["up", "down", "none"]);
const TOTALS: &[Key] = &[
    key("pulses", COUNT, "How often it may go on."),
    key("on", TIME, "For how long it may be on in all."),
    key("volume", Is::Value, "How much a valve may give, as in `6 ml`; by its calibration."),
    key("charge", Is::Value, "How much a shock may give, as in `10 mC`; by its calibration."),
    key("energy", Is::Value, "How much a laser may give, as in `500 mJ`; by its calibration."),
];

pub(super) const SHAPES: &[Shape] = &[
    shape(
        "a rig-config",
        "One rig: what carries the device, its lines, pins, limits and calibrations.",
        &[
            key("rig", Is::Text, "Its name."),
            ABOUT,
            key("body", Is::Word(&["simulator", "rp2040", "rp2350", "pi"]), "What carries the device."),
            key("device", Is::Shape("`device`"), "How the board is found; if left out, the only one that is attached."),
            key("supply", Is::Word(&["separate", "usb"]), "Whether the board outlives the computer's supply."),
            key("host", Is::Shape("`host`"), "What happens when the computer is silent."),
            key("sample", Is::Quantity(Unit::Time), "From one sample of analog lines and encoders to the next."),
            key("lines", Is::Map(&Is::Shape("this line")), "The lines, by their names."),
            key(
                "loop_back",
                Is::Map(&Is::Value),
                "Outputs that are wired to inputs: a self-test tells how fast they are answered.",
            ),
            key("simulation", Is::Shape("`simulation`"), "Who is in the simulated room; a real rig has none."),
        ],
    )
    .needs(&["rig", "body", "lines"]),
    shape(
        "`device`",
        "How the board is found.",
        &[
            key("id", Is::Value, "The number of the board, 16 digits; `nosepoke devices` lists them."),
            key("port", Is::Text, "The port, as in `/dev/ttyACM0`."),
            key("link", Is::Word(&["usb", "uart"]), "What the bytes go over."),
        ],
    ),
    shape(
        "`host`",
        "What happens when the computer is silent.",
        &[
            key("silence", Is::Quantity(Unit::Time), "Silent for so long: what must be armed goes safe."),
            key("rejoin", Is::Quantity(Unit::Time), "Back within this: armed again at the next trial."),
            key("carry_on", Is::Quantity(Unit::Time), "Not back by then: the session ends at a trial boundary."),
        ],
    ),
    shape(
        "`simulation`",
        "Who is in the simulated room.",
        &[
            key("settle", Is::Quantity(Unit::Time), "How long a microsecond stays open for what is still on its way."),
            key("person", Is::Shape("the person"), "Who arms."),
            key("animal", Is::Shape("the animal"), "Who presses and licks."),
        ],
    ),
    shape(
        "the person",
        "A simulated person.",
        &[key("name", Is::Text, "Their name."), key("arms", Is::List(&Is::Value), "The lines they arm.")],
    )
    .needs(&["name"]),
    shape("the animal", "A simulated animal.", &[key("model", Is::Value, "What behaves like one.")])
        .needs(&["model"])
        .others(Is::Value),
    shape(
        "this line",
        "A line: its kind, its pin, its limits.",
        &[
            key("kind", Is::Kind, "What it is: this says its events, its level and its limits where none are stated."),
            key(
                "pin",
                Is::Any(&[PIN, Is::List(&PIN), Is::Map(&PIN)]),
                "The pin, by its number on the body; several for lines that are alike.",
            ),
            key("pin_b", PIN, "The second pin of an encoder."),
            ABOUT,
            key("active", Is::Word(&["high", "low"]), "The level at the pin that counts as active, or as on."),
            key("pull", PULL, "What pulls the pin of an input."),
            key("debounce", Is::Quantity(Unit::Time), "Edges that are ignored after one was accepted."),
            key(
                "counts_per_turn",
                Is::Quantity(Unit::Count),
                "Counts of an encoder in a turn: four times its periods.",
            ),
            key("per_turn", Is::Value, "How far a turn of an encoder is, as in `471 mm`."),
            key("max_on", Is::Quantity(Unit::Time), "The longest it may be on in one go: cut there."),
            key("min_off", TIME, "The least time off between two times on; `none` for no limit."),
            key(
                "duty",
                Is::Any(&[Is::Value, Is::Shape("`duty`")]),
                "How long it may be on within any window: `20 % of 60 s`, `{on: 30 s, within: 60 s}`, `none`.",
            ),
            key("per_session", TOTAL, "How much of it there may be in a session."),
            key("per_day", DAY, "How much of it there may be for a subject on one day."),
            key("max_power", Is::Quantity(Unit::Number), "The highest power, of a line with `pwm`."),
            key(
                "pwm",
                Is::Quantity(Unit::Frequency),
                "It carries a power, by pulse-width modulation at this frequency.",
            ),
            key(
                "arm",
                Is::Word(&["required", "none"]),
                "Whether a person arms it for each session; always so for a laser and a shock.",
            ),
            key("pull_up", Is::Word(&["external"]), "A resistor outside keeps a line off that is on when low."),
            key("calibration", Is::Shape("a calibration"), "What was measured on it, and when."),
            key("sense", Is::Shape("`sense`"), "What reads it back."),
        ],
    )
    .needs(&["kind", "pin"]),
    shape(
        "`duty`",
        "How long a line may be on within any window of time.",
        &[
            key("on", Is::Quantity(Unit::Time), "How long it may be on."),
            key("within", Is::Quantity(Unit::Time), "The window."),
        ],
    )
    .needs(&["on", "within"]),
    shape("`per_session`", "How much there may be in a session.", TOTALS),
    shape("`per_day`", "How much there may be for a subject on one day.", TOTALS),
    shape(
        "`sense`",
        "What reads an output back.",
        &[
            key("line", Is::Value, "The input that sees it: a photodiode, a current."),
            key("above", Is::Value, "From where on an analog line sees it on, as in `1.2 V`."),
            key("within", Is::Quantity(Unit::Time), "How soon it must be seen."),
            key("trip", Is::Truth, "Whether the session trips when it is not; so if left out."),
        ],
    )
    .needs(&["line", "within"]),
    shape(
        "a calibration",
        "What was measured.",
        &[
            key("date", Is::Text, "Year, month and day: 2026-01-31."),
            key("by", Is::Text, "Who measured it."),
            key(
                "volumes",
                Is::List(&Is::List(&Is::Value)),
                "Openings of a valve and what they give: `[[10 ms, 2.1 µl], [100 ms, 24.1 µl]]`.",
            ),
            key(
                "speeds",
                Is::List(&Is::List(&Is::Value)),
                "Powers of a motor and how fast they turn it: `[[10 %, 4 rpm], [90 %, 40 rpm]]`.",
            ),
            key("full_scale", Is::Quantity(Unit::Level), "The loudest undistorted sound of a speaker."),
            key(
                "points",
                Is::List(&Is::List(&Is::Value)),
                "Voltages of an analog line and where it is: `[[0.35 V, 0 mm], [2.9 V, 8 mm]]`.",
            ),
            key("current", Is::Quantity(Unit::Current), "The current of a shock."),
            key("power", Is::Quantity(Unit::Power), "The power of a laser at full drive, at the end of its fibre."),
        ],
    )
    .needs(&["date"]),
];
