//! The shapes of a protocol.

use super::{Is, Key, Shape, key, shape};
use crate::symbols::Unit;

const ABOUT: Key = key("about", Is::Text, "What it is, for people.");
const LINE: Key = key("line", Is::Value, "The line, by its name under `lines`.");
const IF: Key = key("if", Is::Value, "Only if this holds, as in `paid and trial.number > 10`.");
const STIMULUS: Key = key("stimulus", Is::Value, "The stimulus, by its name under `stimuli`.");
const POWER: Key = key("power", Is::Value, "A share of full power, as in `30 %`.");
const DELAY: Key = key("delay", Is::Quantity(Unit::Time), "From when it is asked for to when it begins.");
const LEVEL: Key = key("level", Is::Quantity(Unit::Level), "How loud it is, in dB SPL.");
const DURATION: Key = key("duration", Is::Quantity(Unit::Time), "How long it is, with its ramps.");
const RAMP: Key = key("ramp", Is::Quantity(Unit::Time), "How long it swells, and fades.");
const RATE: Key = key("rate", Is::Quantity(Unit::Frequency), "How many come a second.");
const PERIOD: Key = key("period", Is::Quantity(Unit::Time), "From one to the next.");
const GAP: Key = key("gap", Is::Quantity(Unit::Time), "How long off between two.");
const COUNT: Key = key("count", Is::Quantity(Unit::Count), "How many there are.");
const LASTS: Key = key("for", Is::Quantity(Unit::Time), "As many as fit into this time.");
const START: Key = key("start", Is::Value, "The state that is entered first.");
const STATES: Key = key("states", Is::Map(&STATE), "States, by their names.");
const EVERYWHERE: Key = key("everywhere", Is::Shape("`everywhere`"), "What holds in every state of the region.");
const OUTCOME: Key = key("outcome", Is::Value, "The outcome it gives the trial.");
const DO: Key = key("do", ACTIONS, "What is done.");
const ON: Key = key("on", Is::List(&Is::Shape("a handler")), "Handlers: what acts and stays.");
const TRANSITIONS: Key =
    key("transitions", Is::List(&Is::Shape("a transition")), "In order: the first that matches wins.");

/// A state that does nothing may have nothing behind its name.
const STATE: Is = Is::Any(&[Is::Shape("a state"), Is::Nothing]);
const ACTIONS: Is = Is::List(&Is::Shape("an action"));
const NAMES: Is = Is::List(&Is::Value);
const PAIR: Is = Is::List(&Is::Value);
const WEIGHTS: Is = Is::Map(&Is::Value);
/// Rows of named values.
const TABLE: Is = Is::Map(&Is::Any(&[Is::Map(&Is::Value), Is::Nothing]));

pub(super) const SHAPES: &[Shape] = &[
    shape(
        "a protocol",
        "An experiment, as it is run.",
        &[
            key("protocol", Is::Text, "Its name."),
            key("about", Is::Text, "What it asks, in a few sentences."),
            key("sources", Is::Map(&Is::Text), "What is taken from where: `task idea: \"doi:10.1000/182\"`."),
            key(
                "lines",
                Is::Map(&Is::Any(&[Is::Kind, Is::Shape("an array of lines")])),
                "The lines it uses: the name on the rig, and the kind; lines that are alike as an array.",
            ),
            key("forbid", NAMES, "Outputs that are never to be on: lines of the rig, or kinds."),
            key("detectors", Is::Map(&Is::Shape("a detector")), "What to look for on lines that are sampled."),
            key("parameters", Is::Map(&Is::Shape("a parameter")), "What a person may choose for a session."),
            key(
                "variables",
                Is::Map(&Is::Any(&[Is::Value, Is::Shape("a variable")])),
                "What the program works out; each is a column of the trial table.",
            ),
            key(
                "columns",
                Is::Map(&Is::Any(&[Is::Value, Is::Shape("a column")])),
                "Columns of the trial table that follow from others, worked out as a trial closes.",
            ),
            key(
                "outside",
                Is::Map(&Is::Any(&[Is::Word(&["event"]), Is::Shape("something from outside")])),
                "Events and values that no pin shows: of a tracker, a decoder, a key.",
            ),
            key("prompts", Is::Map(&Is::Shape("a prompt")), "Questions to the operator."),
            key("frames", Is::Map(&Is::Shape("frames")), "Frames of cameras and microscopes."),
            key(
                "sync",
                Is::Map(&Is::Shape("a sync line")),
                "Patterns for other recordings, each on a line of kind `sync`.",
            ),
            key("tables", Is::Map(&TABLE), "Rows of named values: `options[safe].pellets`."),
            key("trial_types", Is::Shape("`trial_types`"), "Types of trials, and how the next is found."),
            key("blocks", Is::Shape("`blocks`"), "Blocks of trials."),
            key("history", Is::Map(&Is::Shape("a history")), "What trials have brought so far."),
            key("staircases", Is::Map(&Is::Shape("a staircase")), "Levels that follow how well it goes."),
            key(
                "stages",
                Is::Map(&Is::Any(&[Is::Shape("a stage"), Is::Nothing])),
                "An experiment over days: each stage is the same protocol with something changed.",
            ),
            key("assign", Is::Map(&Is::Shape("what is assigned")), "What is drawn once per subject."),
            key(
                "metadata",
                Is::Map(&Is::Any(&[Is::Value, Is::Shape("what is asked"), Is::Nothing])),
                "What is asked of subject and session.",
            ),
            key("blind", NAMES, "What the operator is not to see until the subject is unblinded."),
            key("use", Is::Any(&[Is::Value, NAMES]), "Fragments it uses, by their paths from its folder."),
            key("override", NAMES, "Entries of its own that hold in the place of a fragment's: `parameters.gap`."),
            key("lists", Is::Map(&NAMES), "Lists; `sizes[0]` is the first of `sizes`."),
            key(
                "timers",
                Is::Any(&[NAMES, Is::Map(&Is::Any(&[Is::Shape("a timer"), Is::Nothing]))]),
                "Timers, by their names; each with what it is, if that is said once and for all.",
            ),
            key("counters", Is::Map(&Is::Shape("a counter")), "What counts events by itself."),
            key("stimuli", Is::Map(&Is::Shape("a stimulus")), "Sounds and pulse trains, by their names."),
            key("outcomes", NAMES, "The outcomes a trial may have; if left out, those that are used."),
            key("session", Is::Shape("`session`"), "What ends the session."),
            key("picture", Is::Shape("`picture`"), "What the picture of a session shows."),
            START,
            STATES,
            EVERYWHERE,
            key(
                "regions",
                Is::Map(&Is::Shape("a region")),
                "States that run beside the main ones; they talk by events.",
            ),
            key(
                "invariants",
                NAMES,
                "Sentences that always hold: `at most 1 deliver on water per trial`, `never pulse on laser in reward`.",
            ),
            key("allow", Is::List(&Is::Shape("an allowed warning")), "Warnings that tell of what is meant."),
        ],
    )
    .needs(&["protocol", "start", "states"]),
    shape(
        "an allowed warning",
        "A warning that is not told.",
        &[
            key("warning", Is::Text, "Its code, as in `W005-stays-on`."),
            key("at", Is::Value, "What it is told in: a state, a parameter, a line; anywhere, if left out."),
            key("because", Is::Text, "Why it is meant so."),
        ],
    )
    .needs(&["warning", "because"]),
    shape(
        "an array of lines",
        "Lines that are alike: `hole[1]` is `hole_1` on the rig, and `hole[1].light` is `hole_light_1`.",
        &[
            key("array", Is::Any(&[Is::Value, NAMES]), "How many there are, counted from 1; or a word for each."),
            key("kind", Is::Kind, "What each is."),
            key("parts", Is::Map(&Is::Kind), "What belongs to each besides."),
            ABOUT,
        ],
    )
    .needs(&["array"]),
    shape(
        "a timer",
        "A timer that is told once what it is.",
        &[
            key("for", Is::Measured, "How long it runs."),
            key("delay", Is::Measured, "How long after its start it begins to run."),
            key("repeat", Is::Value, "How often it runs again, or `forever`."),
            key("interval", Is::Measured, "How long it rests before it runs again."),
            key("on", Is::Value, "The output that is on while it runs."),
            POWER,
            ABOUT,
        ],
    )
    .needs(&["for"]),
    shape(
        "a detector",
        "What to look for in the samples of a line; to the rest of the protocol it is an input.",
        &[
            LINE,
            key("reach", Is::Value, "A value of that much or more."),
            key("below", Is::Value, "A value of that much or less."),
            key("inside", PAIR, "A value between two."),
            key("outside", PAIR, "A value beyond either of two."),
            key("still", Is::Value, "A value that has stayed so near to where it came to rest, `for` so long."),
            key("for", Is::Measured, "For how long it is still."),
            key("onset", Is::Value, "A value that differs by so much from the one so long before: `within`."),
            key("within", Is::Measured, "The time over which an onset is looked for."),
            key("speed", Is::Value, "A mean speed `over` a time."),
            key("over", Is::Measured, "The time over which a speed is taken."),
            key("hysteresis", Is::Value, "By how much a value must come back before it is lost again."),
            key("stable_for", Is::Measured, "For how long an input must have stayed as it is."),
            ABOUT,
        ],
    )
    .needs(&["line"])
    .one_of(&["reach", "below", "inside", "outside", "still", "onset", "speed", "stable_for"]),
    shape(
        "a parameter",
        "What a person may choose; `--set NAME=VALUE` replaces the default.",
        &[
            key("default", Is::Value, "Its value where a session sets no other."),
            key("range", PAIR, "The least and the most it may be."),
            key("choices", NAMES, "The words it may be."),
            key(
                "live",
                Is::Word(&["at once", "next trial"]),
                "The operator may change it while the session runs; when it is taken up.",
            ),
            key("basis", Is::Word(&["published", "typical", "chosen"]), "On what ground it has its default."),
            key("source", Is::Text, "Where a published value stands."),
            ABOUT,
        ],
    )
    .needs(&["default"]),
    shape(
        "a variable",
        "What the program works out.",
        &[
            key("initial", Is::Value, "What it begins with, with its unit."),
            key("labels", Is::Any(&[Is::Value, NAMES]), "The words it may be, or the table whose rows they are; it begins with the first."),
            key("column", Is::Truth, "Whether it is a column of the trial table."),
            ABOUT,
        ],
    ),
    shape(
        "a counter",
        "Counts an event by itself.",
        &[
            key("count", Is::Value, "The event, as in `spout.lick`."),
            key("reset", Is::Word(&["trial", "session"]), "When it begins anew."),
            ABOUT,
        ],
    )
    .needs(&["count"]),
    shape(
        "a stimulus",
        "A sound or a pulse train.",
        &[
            key("tone", Is::Shape("a tone"), "A tone."),
            key("noise", Is::Shape("a noise"), "White noise."),
            key("sweep", Is::Shape("a sweep"), "A tone that glides."),
            key("pulses", Is::Shape("a pulse train"), "A pulse train."),
            ABOUT,
        ],
    )
    .one_of(&["tone", "noise", "sweep", "pulses"]),
    shape(
        "a tone",
        "A tone, at its level by the speaker's calibration.",
        &[
            key("frequency", Is::Quantity(Unit::Frequency), "How high it is."),
            LEVEL,
            DURATION,
            RAMP,
            RATE,
            PERIOD,
            GAP,
            COUNT,
            LASTS,
            DELAY,
        ],
    )
    .needs(&["frequency", "level", "duration"]),
    shape(
        "a noise",
        "White noise, at its level by the speaker's calibration.",
        &[
            LEVEL,
            DURATION,
            RAMP,
            RATE,
            PERIOD,
            GAP,
            COUNT,
            LASTS,
            DELAY,
        ],
    )
    .needs(&["level", "duration"]),
    shape(
        "a sweep",
        "A tone that glides from one frequency to another, at its level by the speaker's calibration.",
        &[
            key("from", Is::Quantity(Unit::Frequency), "Where it begins."),
            key("to", Is::Quantity(Unit::Frequency), "Where it ends."),
            key("scale", Is::Word(&["logarithmic", "linear"]), "Through as many octaves, or as many Hz, in each part."),
            LEVEL,
            DURATION,
            RAMP,
            RATE,
            PERIOD,
            GAP,
            COUNT,
            LASTS,
            DELAY,
        ],
    )
    .needs(&["from", "to", "level", "duration"]),
    shape(
        "a pulse train",
        "Pulses, one behind the other.",
        &[
            key(
                "width",
                Is::Any(&[Is::Quantity(Unit::Time), Is::List(&Is::Quantity(Unit::Time))]),
                "How long a pulse is; with `at`, one for all or one for each.",
            ),
            key("duty", Is::Value, "Which part of its period a pulse is on, as in `50 %`."),
            RATE,
            PERIOD,
            GAP,
            COUNT,
            LASTS,
            key("bursts", Is::Shape("bursts"), "The train again and again."),
            key("at", Is::List(&Is::Quantity(Unit::Time)), "When each pulse comes, instead of a rate."),
            DELAY,
            key(
                "power",
                Is::Any(&[Is::Value, Is::Shape("a power that changes")]),
                "A share of full power, or from the first pulse to the last.",
            ),
        ],
    ),
    shape("bursts", "How often a train comes again.", &[RATE, PERIOD, GAP, COUNT, LASTS]),
    shape(
        "a power that changes",
        "From the first pulse to the last, in equal steps.",
        &[key("from", Is::Value, "That of the first pulse."), key("to", Is::Value, "That of the last.")],
    )
    .needs(&["from", "to"]),
    shape(
        "`session`",
        "The session as a whole.",
        &[key(
            "ends",
            Is::List(&Is::Shape("an end of the session")),
            "What ends it: the first that comes, at a trial boundary.",
        )],
    )
    .needs(&["ends"]),
    shape(
        "an end of the session",
        "Ends the session: the first that holds.",
        &[
            key("after", Is::Measured, "So long after it began, as a trial closes."),
            key("trials", Is::Value, "After so many trials; with `outcome`, that came to it."),
            key("rewards", Is::Value, "After so many doses asked of valves."),
            key("volume", Is::Measured, "After so much asked of all valves together."),
            key("if", Is::Value, "When this holds."),
            key("idle", Is::Measured, "When no input has changed for so long."),
            key("at_most", Is::Measured, "So long after it began, come what may."),
            key("outcome", Is::Value, "Only trials that came to this outcome count."),
            key("of", Is::Value, "The event that has not come, as in `spout.lick`."),
        ],
    )
    .one_of(&["after", "trials", "rewards", "volume", "if", "idle", "at_most"]),
    shape(
        "`picture`",
        "What the picture of a session shows.",
        &[
            key("align", Is::Word(&["outcome"]), "What the trials are aligned to."),
            key("group", Is::Value, "The variable whose labels split the trials."),
            key("show", NAMES, "Lines whose events are drawn."),
        ],
    ),
    shape("a region", "States that run beside the main ones.", &[ABOUT, START, STATES, EVERYWHERE])
        .needs(&["start", "states"]),
    shape("`everywhere`", "What holds in every state of the region.", &[key("entry", ACTIONS, "What is done as the session begins."), ON, TRANSITIONS]),
    shape(
        "a state",
        "A state: what is done on the way in and out, what leads on.",
        &[
            ABOUT,
            key("entry", ACTIONS, "On the way in. What is switched `on` here lasts as long as the state."),
            key("exit", ACTIONS, "On the way out."),
            ON,
            TRANSITIONS,
            START,
            STATES,
            key("final", Is::Truth, "Meant never to be left."),
        ],
    ),
    shape(
        "a transition",
        "Leads to another state, or begins this one anew.",
        &[
            key("event", Is::Value, "When this comes, as in `lever.press`."),
            key("after", Is::Measured, "When the state has lasted so long."),
            key("at", Is::Value, "At a time told from a point, as in `cs.end - 1 s`."),
            key("when", Is::Value, "As soon as this holds, also at entry."),
            IF,
            OUTCOME,
            DO,
            key("to", Is::Value, "The state it leads to; `back` to where the region came from."),
        ],
    )
    .needs(&["to"])
    .one_of(&["event", "after", "at", "when"]),
    shape(
        "a handler",
        "Acts and stays.",
        &[
            key("event", Is::Value, "When this comes, as in `spout.lick`."),
            key("after", Is::Measured, "When the state has lasted so long."),
            key("at", Is::Value, "At a time told from a point, as in `cs.end - 1 s`."),
            IF,
            OUTCOME,
            DO,
        ],
    )
    .one_of(&["event", "after", "at"]),
    shape(
        "an action",
        "One thing that is done.",
        &[
            key("trial", Is::Word(&["begin", "void", "repeat"]), "`begin` closes the trial before and begins the next; `void`: this one does not count; `repeat`: its type comes again."),
            key("set", Is::Map(&Is::Value), "A variable takes a value."),
            key("draw", Is::Map(&Is::Shape("a draw")), "What is left to chance, recorded with its odds."),
            key("play", Is::Shape("`play`"), "A sound."),
            key("pulse", Is::Shape("`pulse`"), "A pulse train, or one pulse."),
            key("deliver", Is::Shape("`deliver`"), "A volume, by the valve's calibration."),
            key(
                "on",
                Is::Any(&[Is::Value, Is::Shape("`on`")]),
                "On: in an `entry` as long as the state lasts, else `for` a time or `until: off`.",
            ),
            key("off", Is::Value, "Off, ending any train."),
            key("toggle", Is::Any(&[Is::Value, Is::Shape("`toggle`")]), "On if it is off, and off if it is on."),
            key("event", Is::Value, "Raises an event: a marker in the journal, a signal for other regions."),
            key("ask", Is::Value, "Asks the operator: a prompt, by its name."),
            key("outcome", Is::Value, "The trial's outcome."),
            key("reset", Is::Value, "A counter begins anew."),
            key("timer", Is::Shape("`timer`"), "Starts, stops, pauses, resumes or resets a timer."),
            IF,
        ],
    )
    .one_of(&["trial", "set", "draw", "play", "pulse", "deliver", "on", "off", "toggle", "event", "ask", "outcome", "reset", "timer"]),
    shape("`play`", "A sound on a speaker.", &[LINE, STIMULUS, IF]).needs(&["line", "stimulus"]),
    shape(
        "`pulse`",
        "Pulses on an output.",
        &[LINE, STIMULUS, key("width", Is::Measured, "One pulse of this length."), POWER, IF],
    )
    .needs(&["line"]),
    shape("`deliver`", "A volume.", &[LINE, key("volume", Is::Measured, "How much, as in `4 µl`."), IF])
        .needs(&["line", "volume"]),
    shape(
        "`on`",
        "On for longer or shorter than a state.",
        &[
            LINE,
            key("for", Is::Measured, "For so long."),
            key("until", Is::Value, "Until some `off` of this line; until an event; until a time told from a point."),
            STIMULUS,
            key("while", Is::Value, "On when this holds, and off when it does not."),
            key(
                "power",
                Is::Any(&[Is::Value, Is::Shape("a value that changes")]),
                "A share of full power, or one that changes.",
            ),
            key(
                "speed",
                Is::Any(&[Is::Value, Is::Shape("a value that changes")]),
                "How fast a motor turns, by its calibration.",
            ),
            IF,
        ],
    )
    .needs(&["line"]),
    shape(
        "a value that changes",
        "From a value to another along a straight line.",
        &[
            key("from", Is::Value, "Where it begins."),
            key("to", Is::Value, "Where it ends, and stays."),
            key("over", Is::Measured, "How long that takes."),
        ],
    )
    .needs(&["from", "to", "over"]),
    shape(
        "`toggle`",
        "On with this if it is off, and off if it is on.",
        &[
            LINE,
            STIMULUS,
            key("power", Is::Any(&[Is::Value, Is::Shape("a value that changes")]), "A share of full power."),
            key("speed", Is::Any(&[Is::Value, Is::Shape("a value that changes")]), "How fast a motor turns."),
            IF,
        ],
    )
    .needs(&["line"]),
    shape(
        "`timer`",
        "What is done with a timer; its end is the event `NAME.end`.",
        &[
            key("start", Is::Value, "Starts it anew."),
            key("stop", Is::Value, "Stops it, without its event."),
            key("pause", Is::Value, "It stands still."),
            key("resume", Is::Value, "It goes on from where it stood."),
            key("reset", Is::Value, "It begins anew, if it runs or stands still."),
            key("for", Is::Measured, "How long it runs."),
            key("repeat", Is::Value, "How many further times, or `forever`."),
        ],
    )
    .one_of(&["start", "stop", "pause", "resume", "reset"]),
    shape(
        "a draw",
        "What is drawn.",
        &[
            key("chance", Is::Value, "A truth, with this probability."),
            key("uniform", PAIR, "Any value between two, both included."),
            key("integer", PAIR, "A count between two, both included."),
            key("exponential", Is::Shape("an exponential draw"), "Early values are the more frequent."),
            key("normal", Is::Shape("a normal draw"), "About a mean."),
            key("weighted", WEIGHTS, "A label, by weights."),
            key("deck", WEIGHTS, "A label without putting back: exact ratios."),
            key("max_run", Is::Value, "How often a label may come in a row."),
            key("spend_on", Is::Value, "A card is spent only by a trial with this outcome."),
            key("sample", Is::Value, "One of a list, or a row of a table, without putting back."),
            key("shuffle", Is::Value, "All of a list, in random order."),
            key("once", Is::Word(&["per subject"]), "Drawn once in the life of a subject."),
            IF,
        ],
    )
    .one_of(&["chance", "uniform", "integer", "exponential", "normal", "weighted", "deck", "sample", "shuffle"]),
    shape(
        "an exponential draw",
        "Exponential between two bounds.",
        &[
            key("mean", Is::Value, "The mean of what is realised."),
            key("min", Is::Value, "The least."),
            key("max", Is::Value, "The most."),
        ],
    )
    .needs(&["mean", "min", "max"]),
    shape(
        "a normal draw",
        "Normal, drawn again until it lies between two bounds.",
        &[
            key("mean", Is::Value, "The mean."),
            key("sd", Is::Value, "The standard deviation."),
            key("min", Is::Value, "The least."),
            key("max", Is::Value, "The most."),
        ],
    )
    .needs(&["mean", "sd", "min", "max"]),
];
