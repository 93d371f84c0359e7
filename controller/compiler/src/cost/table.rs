//! What everything a step is made of takes on the RP2040, in cycles of P1's own: the one place with such numbers.
//!
//! All of them were read off the emulated chip (`cargo run --release -p nosepoke-tests --bin costs`, whose programs hold one thing
//! more from step to step: a cost is the difference) and rounded up to what was seen most. The code of P1 lies in RAM, so the
//! same step takes the same cycles each time. The name behind a number is that of the program, or of its steps, it was read
//! from. What arithmetic takes depends on its values; the most of 81 pairs is taken, from 1 to 2⁶². [`MARGIN_PERCENT`] comes on top
//! of every sum.
//!
//! Figures of another compiler or another build differ: the same program tells, and fails where a step takes more than its
//! bound.

use link::program::op::OpCode;
use link::program::rows::{Draw, DrawKind};

/// The clock of the RP2040's body, `firmware/rp2040/src/chip`.
pub const CYCLES_PER_US: u64 = 200;
/// What is added to every sum: for values and states of the chip that no program here has shown.
pub(super) const MARGIN_PERCENT: u64 = 10;

/// A step in which one edge comes that nobody hears is 1270: this and [`EDGE`]. *edges*
pub(super) const STEP: u64 = 950;
/// Per region beyond the first, when a step closes. *regions at rest*
pub(super) const STEP_REGION: u64 = 70;
/// Per edge that any rule waits for: what was foreseen of it is forgotten. `Reflexes::forget`
pub(super) const STEP_FORGET: u64 = 25;
/// What comes with each of the two records of a session's end.
pub(super) const END: u64 = 90;

/// An edge that nobody hears. *edges*
pub(super) const EDGE: u64 = 330;
/// Anything else from outside, taken out of the inbox and recorded. As an edge, and what it changes.
pub(super) const OTHER: u64 = 450;
/// The end of a train, a timer or a time-out, with what is looked through for it. *operations*: "unheard" less [`STEP`]
pub(super) const DUE: u64 = 1_240;
/// Per region beyond the first. *regions at rest*
pub(super) const DUE_REGION: u64 = 130;
/// Per timer that may run: 62 of them, one ending, are 12 840 more. *operations*: "62 run"
pub(super) const DUE_TIMER: u64 = 215;
/// Per line that may play a train: they are looked through as timers are.
pub(super) const DUE_TRAIN: u64 = 215;
/// Of both, how much comes with each of several that end together; the rest comes once. *busy*: "all timers end"
pub(super) const AMONG: u64 = 85;
/// Per time-out that may run in its region: they are looked through as timers are, with one number less to compare.
pub(super) const DUE_TIME_OUT: u64 = 120;
/// What was worked out beforehand is made good: what it takes besides its records, time-outs and requests. *flagship*
pub(super) const FORESEEN: u64 = 2_700;

/// One region that may have a rule for an event. *regions*
pub(super) const HEAR: u64 = 130;
/// Per active state. *states*: "looks in vain"
pub(super) const HEAR_LEVEL: u64 = 40;
/// Per active state with a rule whose event shares four bits with this one. *states*: "3 handlers each"
pub(super) const HEAR_STATE: u64 = 80;
/// Per rule of such a state. *states*: "behind other rules"
pub(super) const HEAR_RULE: u64 = 13;
/// Per handler of this event, its guard not counted. *states*: "empty handlers"
pub(super) const HANDLER: u64 = 90;
/// Per transition on this event, its guard not counted. *states*: "transitions that do not match"
pub(super) const TRANSITION: u64 = 158;

/// A transition, without the states it leaves and enters. *states*
pub(super) const GO: u64 = 170;
/// Per state that holds the target: whether it is active, and that it is entered on the way. *states*
pub(super) const GO_LEVEL: u64 = 115;
/// A state is left. *states*: "leave more"
pub(super) const LEAVE: u64 = 120;
/// Per time-out of a state that is left. *states*: "leave it"
pub(super) const DISARM: u64 = 36;
/// A state is entered, its record not counted. *states*: "enter more"
pub(super) const ENTER: u64 = 200;
/// Per time-out of a state that is entered, its duration not counted. *states*: "arm"
pub(super) const ARM: u64 = 125;
/// A state that an invariant names is entered or left. *busy*
pub(super) const NAMED: u64 = 480;
/// Per invariant whose count begins anew. *busy*
pub(super) const RESET: u64 = 50;

/// After each thing that was handled, if any state of the program has a `when`. *whens and signals*
pub(super) const WHENS: u64 = 75;
/// Per region with one in an active state. *whens and signals*
pub(super) const WHENS_REGION: u64 = 180;
/// Per such state. *whens and signals*: "deep with a when each"
pub(super) const WHENS_STATE: u64 = 70;
/// Per `when`, its guard not counted. *whens and signals*
pub(super) const WHEN: u64 = 48;

/// A record into P1's log, while that has room. *records*
pub(super) const RECORD: u64 = 162;
/// A record that finds the log full: the oldest one is written down first. That is 1090 for a short one, 3130 for the
/// longest, a draw of three long numbers. *records*
pub(super) const WRITE_DOWN: u64 = 3_300;
/// The same where nothing is drawn, played or sampled: one long number is the most in a record. *records*
pub(super) const WRITE_DOWN_SHORT: u64 = 1_850;

/// A value that is a number or a variable. *states*: "guard int"
pub(super) const VALUE: u64 = 50;
/// A value worked out by several operations, those not counted. *states*: "guard sum"
pub(super) const WORKED_OUT: u64 = 240;
/// A piece of code that acts, its operations not counted. *operations*
pub(super) const CODE: u64 = 75;

/// An event is raised, and taken off again. *whens and signals*
pub(super) const SIGNAL: u64 = 205;
/// A trial begins, its record not counted. *operations*; and 200 for the order that arms lines again.
pub(super) const TRIAL: u64 = 1_130;
/// Per draw whose card goes back when a trial begins. *draws*
pub(super) const TRIAL_DRAW: u64 = 15;
/// Per condition that may end the session, itself not counted. *busy*
pub(super) const TRIAL_END: u64 = 60;
/// An outcome, its record not counted. *operations*
pub(super) const OUTCOME: u64 = 160;
/// Per draw, whether it waits for the outcome. *draws*
pub(super) const OUTCOME_DRAW: u64 = 105;
/// Per deck that does. *draws*
pub(super) const OUTCOME_DECK: u64 = 480;
/// An output is switched, with the request, its record not counted. *outputs*
pub(super) const SWITCH: u64 = 510;
/// A train, pulse or dose is asked for, its record not counted. *outputs*
pub(super) const PLAY: u64 = 1_960;
/// An output that invariants watch. *busy*
pub(super) const WATCHED: u64 = 110;
/// Per invariant that watches it. *busy*
pub(super) const WATCH: u64 = 38;

/// One operation, without what it raises, records or asks for.
pub(super) const fn op(code: OpCode) -> u64 {
    match code {
        OpCode::End => 0,
        OpCode::Int => 45,
        OpCode::Load => 52,
        OpCode::Constant => 75,
        OpCode::Special => 190,
        OpCode::Element => 150,
        OpCode::InState => 140,
        OpCode::Negate | OpCode::Not | OpCode::Absolute => 120,
        OpCode::Add
        | OpCode::Subtract
        | OpCode::Equal
        | OpCode::NotEqual
        | OpCode::Less
        | OpCode::LessOrEqual
        | OpCode::And
        | OpCode::Or => 102,
        OpCode::Minimum | OpCode::Maximum => 148,
        OpCode::Multiply => 810,
        OpCode::Divide | OpCode::Remainder => 1_720,
        OpCode::MultiplyScaled => 1_950,
        OpCode::DivideScaled => 1_850,
        OpCode::JumpIfFalse => 185,
        OpCode::Jump => 65,
        OpCode::Store => 318,
        OpCode::Draw => 700,
        OpCode::TimerStart => 700,
        OpCode::TimerStop | OpCode::TimerPause => 325,
        OpCode::TimerResume => 490,
        // These are made of the numbers above.
        OpCode::On
        | OpCode::Off
        | OpCode::OnPower
        | OpCode::Play
        | OpCode::PlayPower
        | OpCode::Pulse
        | OpCode::PulsePower
        | OpCode::Deliver
        | OpCode::Signal
        | OpCode::Trial
        | OpCode::Outcome => 0,
    }
}

/// Tries of a normal draw: `TRIES_MAX` in `firmware/engine/src/random.rs`.
const TRIES: u64 = 32;

/// A draw, besides [`OpCode::Draw`]'s own and its record. *draws*
pub(super) fn draw(row: &Draw, bounded: bool) -> u64 {
    let labels = u64::from(row.labels);
    match row.kind {
        DrawKind::Chance => 20,
        DrawKind::Uniform => 560,
        DrawKind::Exponential => 900,
        // One that misses its bounds is tried again; one whose pair of numbers lies outside the circle costs little.
        DrawKind::Normal if bounded => 100 + TRIES * 7_400,
        DrawKind::Normal => 100 + 7_400 + TRIES * 600,
        DrawKind::Weighted => 320 + 115 * labels,
        DrawKind::Deck => 820 + 180 * labels,
    }
}
