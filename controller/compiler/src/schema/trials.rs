//! The shapes of what decides the next trial: types, histories, blocks, staircases.

use super::{Is, Key, Shape, key, shape};

const ABOUT: Key = key("about", Is::Text, "What it is, for people.");
const IF: Key = key("if", Is::Value, "Only where this holds.");
/// Rows of named values.
const TABLE: Is = Is::Map(&Is::Any(&[Is::Map(&Is::Value), Is::Nothing]));
const STEPS: Is = Is::Any(&[Is::Value, Is::List(&Is::Value)]);
const MOVES: &[Key] = &[
    key("right", Is::Value, "After so many right trials in a row."),
    key("wrong", Is::Value, "After so many wrong trials in a row."),
    key("step", STEPS, "By how much; of a list the next after each reversal."),
    key("factor", Is::Value, "By which factor."),
];

pub(super) const SHAPES: &[Shape] = &[
    shape(
        "`trial_types`",
        "The types of trials, and how the next is found: `trial_type` is that of the trial.",
        &[
            key("table", TABLE, "A row each, with values of its own: `trial_type.cue`."),
            key("draw", Is::Shape("a draw"), "Drawn: `weighted` or a `deck`."),
            key("order", Is::List(&Is::Value), "Or in this order, round and round."),
            key("force", Is::List(&Is::Shape("a forced type")), "The first whose condition holds goes before."),
            key("repeat", Is::Shape("`repeat`"), "Correction trials."),
            ABOUT,
        ],
    )
    .needs(&["table"]),
    shape(
        "a forced type",
        "A type that a condition forces.",
        &[key("type", Is::Value, "The type."), key("if", Is::Value, "When it is forced.")],
    )
    .needs(&["type", "if"]),
    shape(
        "`repeat`",
        "The trial's type comes again.",
        &[key("if", Is::Value, "Asked as the trial closes."), key("at_most", Is::Value, "How often in a row.")],
    )
    .needs(&["if"]),
    shape(
        "a history",
        "What trials have brought so far.",
        &[
            key("mean", Is::Value, "The mean of this: moving with `over`, exponential with `tau`."),
            key("last", Is::Value, "This, as it was in the last trial that counts."),
            key("in_a_row", Is::Value, "In how many trials in a row this held."),
            key("over", Is::Value, "How many trials are looked at."),
            key("tau", Is::Value, "In so many trials one weighs less by e."),
            key("among", Is::Value, "Which trials count."),
            key("initial", Is::Value, "The value before any did."),
            key("reset", Is::Word(&["block", "session"]), "When it begins anew."),
            ABOUT,
        ],
    )
    .one_of(&["mean", "last", "in_a_row"]),
    shape(
        "`blocks`",
        "Blocks of trials: `block` is that of the trial, `block.number` and `block.trial` count.",
        &[
            key("table", TABLE, "A row each, with values of its own: `block.p_left`."),
            key(
                "order",
                Is::Any(&[Is::Word(&["cycle", "random", "shuffle", "drawn_once"]), Is::List(&Is::Value)]),
                "Which block comes next.",
            ),
            key("change", Is::List(&Is::Shape("an end of a block")), "What ends a block: the first rule that is met."),
            ABOUT,
        ],
    )
    .needs(&["table"]),
    shape(
        "an end of a block",
        "Ends a block, as a trial closes.",
        &[
            key("when", Is::Value, "As soon as this holds."),
            key("trials", Is::Any(&[Is::Value, Is::Shape("a drawn length")]), "After so many trials."),
            key("chance", Is::Value, "With this probability, drawn as each trial closes."),
            key("after", Is::Value, "Only behind so many trials of the block."),
            IF,
            key("then", Is::Value, "After so many more trials."),
        ],
    ),
    shape(
        "a drawn length",
        "A number of trials, drawn as the block begins.",
        &[key("integer", Is::List(&Is::Value), "Between two, both included.")],
    )
    .needs(&["integer"]),
    shape(
        "a staircase",
        "A level that follows how well it goes.",
        &[
            key("start", Is::Value, "The first level."),
            key("range", Is::List(&Is::Value), "The least and the most it may be."),
            key("right", Is::Value, "What counts as right."),
            key("wrong", Is::Value, "What counts as wrong; if left out, all that is not right."),
            key("among", Is::Value, "Which trials count."),
            key("up", Is::Shape("`up`"), "When and by how much it goes up."),
            key("down", Is::Shape("`down`"), "When and by how much it goes down."),
            key("stop", Is::Shape("`stop`"), "When it stays."),
            ABOUT,
        ],
    )
    .needs(&["start", "right"]),
    shape("`up`", "When and by how much the level goes up.", MOVES),
    shape("`down`", "When and by how much the level goes down.", MOVES),
    shape(
        "`stop`",
        "When the level stays.",
        &[
            key("reversals", Is::Value, "After so many reversals."),
            key("discard", Is::Value, "How many of the first do not count for the threshold."),
        ],
    )
    .needs(&["reversals"]),
];
