//! The boxes the chip is timed in and the programs beside the two workloads: trains, outputs switched together, a flood of
//! events, silence. Owns their shape; knows nothing of chips.

use assembler::Assembly;
use link::program::op::{Op, OpCode};
use link::program::rows::{After, Code, Region, Rule, Slice, State, Stimulus};
use link::record::Train;
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};
use link::{EventId, LineId, RegionId, StateId};

/// The lever, the line every program listens to.
pub(crate) const LEVER: LineId = LineId(0);
/// Its pin.
pub(crate) const LEVER_PIN: u8 = 2;
/// The lamp of both workloads: line 6.
pub(crate) const LAMP_PIN: u8 = 14;
/// Line 2.
pub(crate) const WATER_PIN: u8 = 10;
/// Line 3: the speaker, or an input of the largest program's box, whose spout is listened to.
const SPEAKER_PIN: u8 = 11;
/// Lines 2 to 20.
const OUTPUT_PINS: [u8; 19] = [10, SPEAKER_PIN, 12, 13, 14, 15, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21, 22];
/// The outputs that are switched together, and how many.
const SWITCHED: [u8; TOGETHER] = [2, 4, 5, 6, 7, 8];
pub(crate) const TOGETHER: usize = 6;
/// The analog lines of a loaded box.
pub(crate) const ANALOG: [LineId; 2] = [LineId(22), LineId(23)];
/// Every pin of a Pico that a rig may bind to an input.
const BINDABLE: [u8; 24] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 26, 27, 28];

/// What stands around the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// Two inputs, a speaker, 18 other outputs, one more input.
    Usual,
    /// The same with an input nobody listens to in the speaker's place.
    Largest,
    /// An input on every pin that can be one.
    Inputs,
}

impl Around {
    /// Inputs nobody listens to, for the load.
    pub(crate) const fn noisy(self) -> [LineId; 2] {
        [LineId(if matches!(self, Self::Largest) { 3 } else { 1 }), LineId(21)]
    }

    /// All its inputs, for whom every one is the same.
    pub(crate) fn inputs(self) -> impl Iterator<Item = LineId> {
        (0..BINDABLE.len() as u8).map(LineId)
    }

    /// The rig; with two analog lines on top if it is `sampled`.
    pub(crate) fn rig(self, sampled: bool) -> Rig {
        let input = |pin| (pin, Role::input(Pull::None, 0));
        let output = |pin: u8| match pin {
            SPEAKER_PIN if self == Self::Largest => input(pin),
            _ => {
                let speaker = pin == SPEAKER_PIN;
                (pin, Role::Output { limits: Limits::on_for(60_000_000), speaker })
            }
        };
        let mut lines = if self == Self::Inputs {
            BINDABLE.map(input).to_vec()
        } else {
            let inputs = [input(LEVER_PIN), input(3)].into_iter();
            inputs.chain(OUTPUT_PINS.map(output)).chain([input(28)]).collect()
        };
        if sampled {
            lines.extend([26, 27].map(|pin| (pin, Role::Analog)));
        }
        Rig {
            lines: lines.into_iter().map(|(pin, role)| RigLine { pin, active_high: true, role }).collect(),
            silence_us: 250_000,
            rejoin_us: 5_000_000,
            carry_on_us: 60_000_000,
            sample_us: 1_000,
            senses: Senses::new(),
        }
    }
}

fn op(code: OpCode, a: u8, b: u16) -> Op {
    Op::new(code, a, b)
}

fn lone(entry: Code, rules: Slice, afters: Slice) -> State {
    State {
        parent: StateId::NONE,
        initial: StateId::NONE,
        region: RegionId(0),
        depth: 0,
        entry,
        exit: Code::NONE,
        rules,
        afters,
        whens: Slice::default(),
    }
}

/// One state in which nothing happens.
pub(crate) fn silence() -> Assembly {
    let mut a = Assembly::default();
    a.states = vec![lone(Code::NONE, Slice::default(), Slice::default())];
    a.regions = vec![Region { start: StateId(0) }];
    a
}

/// A train on one line from the start on.
pub(crate) fn train(width_us: u32, period_us: u32, count: u32) -> Assembly {
    let mut a = silence();
    a.stimuli = vec![Stimulus { train: Train { delay_us: 1_000, width_us, period_us, count, carrier: None } }];
    let entry = a.code(&[op(OpCode::Play, 2, 0)]);
    a.states = vec![lone(entry, Slice::default(), Slice::default())];
    a
}

/// Two trains that cross each other at every phase: line, pin, width and period in µs.
pub(crate) const CROSSING: [(u8, u8, u32, u32); 2] = [(2, 10, 20, 1_011), (4, 12, 7, 1_307)];

/// Those trains, while the lever switches another output.
pub(crate) fn crossing() -> Assembly {
    let mut a = Assembly::default();
    let train = |(_, _, width_us, period_us)| Stimulus {
        train: Train { delay_us: 1_000, width_us, period_us, count: u32::MAX, carrier: None },
    };
    a.stimuli = CROSSING.map(train).to_vec();
    let start = a.code(&[op(OpCode::Play, CROSSING[0].0, 0), op(OpCode::Play, CROSSING[1].0, 1)]);
    let (on, off) = (a.code(&[op(OpCode::On, 5, 0)]), a.code(&[op(OpCode::Off, 5, 0)]));
    for (first, (entry, pressed, target)) in (0..).zip([(start, true, 1), (on, false, 2), (off, true, 1)]) {
        let event = EventId::edge(LEVER, pressed);
        a.rules.push(Rule { event, target: StateId(target), guard: Code::NONE, action: Code::NONE });
        a.states.push(lone(entry, Slice { first, len: 1 }, Slice::default()));
    }
    a.regions = vec![Region { start: StateId(0) }];
    a
}

/// The lever switches six outputs on together, its release switches them off.
pub(crate) fn together() -> Assembly {
    let mut a = Assembly::default();
    for (code, pressed, target) in [(OpCode::Off, true, 1), (OpCode::On, false, 0)] {
        let all = SWITCHED.map(|line| op(code, line, 0));
        let entry = a.code(&all);
        let first = a.rules.len() as u16;
        a.rules.push(Rule {
            event: EventId::edge(LEVER, pressed),
            target: StateId(target),
            guard: Code::NONE,
            action: Code::NONE,
        });
        a.states.push(lone(entry, Slice { first, len: 1 }, Slice::default()));
    }
    a.regions = vec![Region { start: StateId(0) }];
    a
}

/// `events` named events every `every_us`, for ever.
pub(crate) fn flood(events: u16, every_us: i64) -> Assembly {
    let mut a = Assembly::default();
    let raised: Vec<Op> = (0..events).map(|event| op(OpCode::Signal, 0, EventId::named(event).0)).collect();
    let (entry, every) = (a.code(&raised), a.push(every_us));
    let duration = a.code(&[every]);
    let after = |target| After { duration, target: StateId(target), guard: Code::NONE, action: Code::NONE };
    a.afters = vec![after(1), after(0)];
    a.states = (0..2).map(|first| lone(entry, Slice::default(), Slice { first, len: 1 })).collect();
    a.regions = vec![Region { start: StateId(0) }];
    a
}
