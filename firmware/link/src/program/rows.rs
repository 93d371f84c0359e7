//! The rows of a program image: what each table holds, and how a row lies in its words (halves are named low, high).

use crate::record::{Carrier, Wave};
use crate::vocabulary::{EventId, LineId, OutcomeId, RegionId, StateId, VariableId};

/// A row of fixed size.
pub trait Row: Sized {
    /// Words of one row.
    const WORDS: usize;
    /// Reads a row from its words; missing words read as zero.
    fn read(words: &[u32]) -> Self;
    /// Writes a row into [`Row::WORDS`] words.
    fn write(&self, words: &mut [u32]);
}

/// An address in the code table; [`Code::NONE`] where there is nothing to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u16);

impl Code {
    /// Nothing to run: a guard that always holds, an action that does nothing.
    pub const NONE: Self = Self(0xFFFF);

    /// The address, unless there is nothing to run.
    #[must_use]
    #[inline(always)]
    pub const fn address(self) -> Option<usize> {
        if self.0 == Self::NONE.0 { None } else { Some(self.0 as usize) }
    }
}

/// A run of rows in another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slice {
    /// The first row.
    pub first: u16,
    /// How many.
    pub len: u16,
}

impl Slice {
    /// The rows' indices.
    #[inline(always)]
    pub fn range(self) -> core::ops::Range<usize> {
        usize::from(self.first)..usize::from(self.first) + usize::from(self.len)
    }
}

/// A parallel region. One word: start state low, unused high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The state it starts in.
    pub start: StateId,
}

/// A state. Words: parent | initial, region and depth, entry | exit, rules, afters, whens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The state this one is nested in, or [`StateId::NONE`]. Stands before it in the table.
    pub parent: StateId,
    /// The child that is entered when this state is, or [`StateId::NONE`] for a leaf.
    pub initial: StateId,
    /// The region it belongs to.
    pub region: RegionId,
    /// How many states it is nested in.
    pub depth: u8,
    /// What runs when it is entered.
    pub entry: Code,
    /// What runs when it is left.
    pub exit: Code,
    /// Its rows of the rule table.
    pub rules: Slice,
    /// Its rows of the table of afters.
    pub afters: Slice,
    /// Its rows of the table of whens.
    pub whens: Slice,
}

/// A transition or handler on an event. A handler's target is [`StateId::NONE`]. Words: event | target, guard | action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What it waits for.
    pub event: EventId,
    /// Where it leads.
    pub target: StateId,
    /// Leaves a truth on the stack; no guard always holds.
    pub guard: Code,
    /// What runs when it is taken.
    pub action: Code,
}

/// A transition or handler after a time in its state. Words: duration | target, guard | action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// Leaves the duration in µs on the stack; run when the state is entered.
    pub duration: Code,
    /// Where it leads.
    pub target: StateId,
    /// Asked when the time has come; a row whose guard fails then is spent.
    pub guard: Code,
    /// What runs when it is taken.
    pub action: Code,
}

/// A transition when something holds: asked on entry and after everything that was handled. Words: guard | target,
/// action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Leaves a truth on the stack.
    pub guard: Code,
    /// Where it leads.
    pub target: StateId,
    /// What runs when it is taken.
    pub action: Code,
}

/// A stimulus: a pulse train, or a sound (a train whose pulses have a carrier). Words: delay, width, period, count, carrier
/// frequency or what stands for one (0: none), carrier level or power, carrier ramp, carrier amplitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stimulus {
    /// What is played.
    pub train: crate::record::Train,
}

/// What a draw draws. The meaning of the two numbers recorded as its odds stands with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DrawKind {
    /// Truth with a probability taken off the stack (in millionths). Odds: the probability, 1 000 000.
    Chance,
    /// A whole number of base units between two taken off the stack (minimum below maximum), both included. Odds: them.
    Uniform,
    /// Exponential between two bounds, from four constants: scale τ (µs), 1 − e^(−(max−min)/τ) in 2⁻³², min, max.
    /// Odds: τ, min.
    Exponential,
    /// Normal about a mean with a standard deviation, both off the stack (mean below), redrawn until it lies within two
    /// constants: min, max. Odds: mean, standard deviation.
    Normal,
    /// One of `labels`, with weights taken off the stack (the first lowest). Odds: the weight drawn, the sum.
    Weighted,
    /// One of `labels` from a deck without putting back; constants: how many of each. Odds: cards of the label drawn
    /// left in the deck, cards that could be drawn.
    Deck,
}

/// A draw. Words: kind, labels, max_run, deck cells first; variable | spend_on; first constant | flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// What is drawn.
    pub kind: DrawKind,
    /// Where the result goes.
    pub variable: VariableId,
    /// Labels of a deck or weighted draw.
    pub labels: u8,
    /// The first of its constants.
    pub constants: u16,
    /// How often a deck may give the same label in a row; 0: as often as it comes.
    pub max_run: u8,
    /// The first of its deck cells: one per label for what is left, one for the label last spent, one for its run.
    pub cells: u8,
    /// A card is spent only by a trial with this outcome; [`Draw::AT_ONCE`]: when drawn.
    pub spend_on: OutcomeId,
}

impl Draw {
    /// The `spend_on` of a deck whose cards are spent when drawn.
    pub const AT_ONCE: OutcomeId = OutcomeId(0xFFFF);
}

/// Over what an invariant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// Since the trial began.
    Trial,
    /// Since the session began.
    Session,
    /// While a state is active: with a count of 0, "never in that state".
    State,
}

/// At most `count` starts of an output on `line` per `scope`. Words: line, scope | state; count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    /// The line it watches.
    pub line: LineId,
    /// Over what it counts.
    pub scope: Scope,
    /// The state of [`Scope::State`].
    pub state: StateId,
    /// How many are allowed.
    pub count: u16,
    /// Whether a breach trips, because the line is one that must be armed.
    pub trips: bool,
}

/// A condition that ends the session, asked at every trial boundary. One word: the code of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Leaves a truth on the stack.
    pub condition: Code,
}

#[inline(always)]
fn word(words: &[u32], index: usize) -> u32 {
    words.get(index).copied().unwrap_or(0)
}
#[inline(always)]
fn low(word: u32) -> u16 {
    (word & 0xFFFF) as u16
}
#[inline(always)]
fn high(word: u32) -> u16 {
    (word >> 16) as u16
}
fn halves(low: u16, high: u16) -> u32 {
    u32::from(low) | (u32::from(high) << 16)
}
fn put(words: &mut [u32], values: &[u32]) {
    for (slot, value) in words.iter_mut().zip(values) {
        *slot = *value;
    }
}

impl Row for Slice {
    const WORDS: usize = 1;
    fn read(words: &[u32]) -> Self {
        slice(word(words, 0))
    }
    fn write(&self, words: &mut [u32]) {
        put(words, &[halves(self.first, self.len)]);
    }
}

#[inline(always)]
fn slice(word: u32) -> Slice {
    Slice { first: low(word), len: high(word) }
}

impl Row for Region {
    const WORDS: usize = 1;
    fn read(words: &[u32]) -> Self {
        Self { start: StateId(low(word(words, 0))) }
    }
    fn write(&self, words: &mut [u32]) {
        put(words, &[halves(self.start.0, 0)]);
    }
}

impl Row for State {
    const WORDS: usize = 6;
    #[inline(always)]
    fn read(words: &[u32]) -> Self {
        Self {
            parent: StateId(low(word(words, 0))),
            initial: StateId(high(word(words, 0))),
            region: RegionId((word(words, 1) & 0xFF) as u8),
            depth: ((word(words, 1) >> 8) & 0xFF) as u8,
            entry: Code(low(word(words, 2))),
            exit: Code(high(word(words, 2))),
            rules: slice(word(words, 3)),
            afters: slice(word(words, 4)),
            whens: slice(word(words, 5)),
        }
    }
    fn write(&self, words: &mut [u32]) {
        put(
            words,
            &[
                halves(self.parent.0, self.initial.0),
                u32::from(self.region.0) | (u32::from(self.depth) << 8),
                halves(self.entry.0, self.exit.0),
                halves(self.rules.first, self.rules.len),
                halves(self.afters.first, self.afters.len),
                halves(self.whens.first, self.whens.len),
            ],
        );
    }
}

impl Row for Rule {
    const WORDS: usize = 2;
    #[inline(always)]
    fn read(words: &[u32]) -> Self {
        Self {
            event: EventId(low(word(words, 0))),
            target: StateId(high(word(words, 0))),
            guard: Code(low(word(words, 1))),
            action: Code(high(word(words, 1))),
        }
    }
    fn write(&self, words: &mut [u32]) {
        put(words, &[halves(self.event.0, self.target.0), halves(self.guard.0, self.action.0)]);
    }
}

impl Row for After {
    const WORDS: usize = 2;
    #[inline(always)]
    fn read(words: &[u32]) -> Self {
        Self {
            duration: Code(low(word(words, 0))),
            target: StateId(high(word(words, 0))),
            guard: Code(low(word(words, 1))),
            action: Code(high(word(words, 1))),
        }
    }
    fn write(&self, words: &mut [u32]) {
        put(words, &[halves(self.duration.0, self.target.0), halves(self.guard.0, self.action.0)]);
    }
}

impl Row for When {
    const WORDS: usize = 2;
    #[inline(always)]
    fn read(words: &[u32]) -> Self {
        Self {
            guard: Code(low(word(words, 0))),
            target: StateId(high(word(words, 0))),
            action: Code(low(word(words, 1))),
        }
    }
    fn write(&self, words: &mut [u32]) {
        put(words, &[halves(self.guard.0, self.target.0), halves(self.action.0, 0)]);
    }
}

// What stands where a tone's frequency does; no tone is so high.
const NOISE: u32 = u32::MAX;
/// Pulses at a power, which stands where the level does.
const POWER: u32 = u32::MAX - 1;
/// The same, and behind it the step from pulse to pulse.
const RAMP: u32 = u32::MAX - 2;
/// Bursts: power, interval, pulses of a burst.
const BURSTS: u32 = u32::MAX - 3;
/// A list: power, shortest gap, place of the first pulse.
const LIST: u32 = u32::MAX - 4;
/// With the frequency at which a sweep begins. How far it goes stands above the amplitude.
const SWEEP: u32 = 1 << 31;
const LOGARITHMIC: u32 = 1 << 30;
/// Above the last half of bursts and lists: a power is stated.
const POWERED: u16 = 1;

/// What carries the pulses of a stimulus, from its words.
fn carrier([what, level, time_us, last]: [u32; 4]) -> Option<Carrier> {
    let (level_cdb, of, powered) = (level.cast_signed(), low(last), high(last) & POWERED != 0);
    let silent = |wave| Some(Carrier { level_cdb, ..Carrier::silent(wave) });
    let wave = match what {
        0 => return None,
        POWER => return Some(Carrier::silent(Wave::Power { power_ppm: level_cdb })),
        RAMP => return silent(Wave::Ramp { step_ppm: time_us.cast_signed() }),
        BURSTS => return silent(Wave::Bursts { pulses: of, interval_us: time_us, powered }),
        LIST => return silent(Wave::List { first: of, gap_us: time_us, powered }),
        NOISE => Wave::Noise,
        from if from & SWEEP != 0 => Wave::Sweep {
            from_mhz: from & (LOGARITHMIC - 1),
            octaves: high(last).cast_signed(),
            logarithmic: from & LOGARITHMIC != 0,
        },
        frequency_mhz => Wave::Sine { frequency_mhz },
    };
    Some(Carrier { wave, level_cdb, amplitude: of, ramp_us: time_us })
}

/// The words of a carrier.
fn carried(carrier: &Carrier) -> [u32; 4] {
    let level = carrier.level_cdb.cast_unsigned();
    let sounds = |what, octaves| [what, level, carrier.ramp_us, halves(carrier.amplitude, octaves)];
    let course = |what, time_us, of, powered: bool| [what, level, time_us, halves(of, u16::from(powered) * POWERED)];
    match carrier.wave {
        Wave::Sine { frequency_mhz } => sounds(frequency_mhz, 0),
        Wave::Noise => sounds(NOISE, 0),
        Wave::Power { power_ppm } => [POWER, power_ppm.cast_unsigned(), 0, 0],
        Wave::Ramp { step_ppm } => [RAMP, level, step_ppm.cast_unsigned(), 0],
        Wave::Bursts { pulses, interval_us, powered } => course(BURSTS, interval_us, pulses, powered),
        Wave::List { first, gap_us, powered } => course(LIST, gap_us, first, powered),
        Wave::Sweep { from_mhz, octaves, logarithmic } => {
            let from = from_mhz & (LOGARITHMIC - 1) | if logarithmic { LOGARITHMIC } else { 0 };
            sounds(SWEEP | from, octaves.cast_unsigned())
        }
    }
}

impl Row for Stimulus {
    const WORDS: usize = 8;
    fn read(words: &[u32]) -> Self {
        let carrier = carrier([word(words, 4), word(words, 5), word(words, 6), word(words, 7)]);
        let (delay_us, width_us) = (word(words, 0), word(words, 1));
        let (period_us, count) = (word(words, 2), word(words, 3));
        Self { train: crate::record::Train { delay_us, width_us, period_us, count, carrier } }
    }
    fn write(&self, words: &mut [u32]) {
        let [what, level, time_us, last] = self.train.carrier.as_ref().map_or([0; 4], carried);
        let t = &self.train;
        put(words, &[t.delay_us, t.width_us, t.period_us, t.count, what, level, time_us, last]);
    }
}

impl Row for Draw {
    const WORDS: usize = 3;
    fn read(words: &[u32]) -> Self {
        let [kind, labels, max_run, cells] = word(words, 0).to_le_bytes();
        Self {
            kind: match kind {
                0 => DrawKind::Chance,
                1 => DrawKind::Uniform,
                2 => DrawKind::Exponential,
                3 => DrawKind::Normal,
                4 => DrawKind::Weighted,
                // `check` refuses an image with any other number.
                _ => DrawKind::Deck,
            },
            labels,
            max_run,
            cells,
            variable: VariableId(low(word(words, 1))),
            spend_on: OutcomeId(high(word(words, 1))),
            constants: low(word(words, 2)),
        }
    }
    fn write(&self, words: &mut [u32]) {
        put(
            words,
            &[
                u32::from_le_bytes([self.kind as u8, self.labels, self.max_run, self.cells]),
                halves(self.variable.0, self.spend_on.0),
                halves(self.constants, 0),
            ],
        );
    }
}

impl Row for Invariant {
    const WORDS: usize = 2;
    fn read(words: &[u32]) -> Self {
        let [line, scope, ..] = word(words, 0).to_le_bytes();
        Self {
            line: LineId(line),
            scope: match scope {
                0 => Scope::Trial,
                1 => Scope::Session,
                // `check` refuses an image with any other number.
                _ => Scope::State,
            },
            state: StateId(high(word(words, 0))),
            count: low(word(words, 1)),
            trips: high(word(words, 1)) != 0,
        }
    }
    fn write(&self, words: &mut [u32]) {
        put(
            words,
            &[
                halves(u16::from_le_bytes([self.line.0, self.scope as u8]), self.state.0),
                halves(self.count, u16::from(self.trips)),
            ],
        );
    }
}

impl Row for End {
    const WORDS: usize = 1;
    fn read(words: &[u32]) -> Self {
        Self { condition: Code(low(word(words, 0))) }
    }
    fn write(&self, words: &mut [u32]) {
        put(words, &[halves(self.condition.0, 0)]);
    }
}
