//! The operations of expressions and actions: one word each, on a stack of `i64`.
//!
//! The low byte says what, the next byte is `a`, the upper half is `b`. Jumps only lead forward, so every piece of code
//! ends, and its longest path and its deepest stack are known before it runs.
//!
//! All values are whole numbers in the base unit of their kind: µs, nl, µm, millionths for plain numbers, 0 and 1 for
//! truths. Arithmetic that leaves 64 bits, and division by zero, is a [`crate::Fault`].

/// One operation, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    /// What to do.
    pub code: OpCode,
    /// The small operand.
    pub a: u8,
    /// The large operand.
    pub b: u16,
}

macro_rules! op_codes {
    ($($(#[$doc:meta])* $name:ident = $pops:literal -> $pushes:literal,)*) => {
        /// What an operation does. The numbers are what it takes off the stack and puts on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum OpCode {
            $($(#[$doc])* $name,)*
        }

        impl OpCode {
            /// Every operation, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Values taken off the stack and put on it. A draw takes what its row says besides.
            #[must_use]
            pub const fn stack_effect(self) -> (u8, u8) {
                match self {
                    $(Self::$name => ($pops, $pushes),)*
                }
            }

            /// The operation with this number.
            #[must_use]
            #[inline(always)]
            pub const fn from_u8(number: u8) -> Option<Self> {
                if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
            }
        }
    };
}

op_codes! {
    /// Ends the code. An expression leaves one value.
    End = 0 -> 0,
    /// Constant `b`.
    Constant = 0 -> 1,
    /// `b` itself, as a signed 16-bit number.
    Int = 0 -> 1,
    /// Variable `b`.
    Load = 0 -> 1,
    /// What [`Special`] `a` says, of the thing numbered `b`.
    Special = 0 -> 1,
    /// Element of list `b`, whose index (from 0) is on the stack.
    Element = 1 -> 1,
    /// 1 if state `b` is active, in any region and at any depth.
    InState = 0 -> 1,

    /// −x
    Negate = 1 -> 1,
    /// 1 if x is 0, else 0.
    Not = 1 -> 1,
    /// |x|
    Absolute = 1 -> 1,
    /// x + y
    Add = 2 -> 1,
    /// x − y
    Subtract = 2 -> 1,
    /// x · y
    Multiply = 2 -> 1,
    /// x / y, towards zero.
    Divide = 2 -> 1,
    /// What is left over of x / y, with the sign of x.
    Remainder = 2 -> 1,
    /// x · y / 10⁶, to the nearest, halves away from zero: a product with a plain number.
    MultiplyScaled = 2 -> 1,
    /// x · 10⁶ / y, to the nearest, halves away from zero: a quotient as a plain number.
    DivideScaled = 2 -> 1,
    /// The smaller.
    Minimum = 2 -> 1,
    /// The larger.
    Maximum = 2 -> 1,
    /// x = y
    Equal = 2 -> 1,
    /// x ≠ y
    NotEqual = 2 -> 1,
    /// x < y
    Less = 2 -> 1,
    /// x ≤ y
    LessOrEqual = 2 -> 1,
    /// 1 if both are not 0. Both sides are always worked out: they have no effects.
    And = 2 -> 1,
    /// 1 if one is not 0.
    Or = 2 -> 1,
    /// Goes on `b` operations further, counted from the next one.
    Jump = 0 -> 0,
    /// The same if the value taken is 0.
    JumpIfFalse = 1 -> 0,

    /// Variable `b` becomes the value; recorded if `a` is 1.
    Store = 1 -> 0,
    /// Line `a` on.
    On = 0 -> 0,
    /// Line `a` off, ending any train.
    Off = 0 -> 0,
    /// Stimulus `b` on line `a`.
    Play = 0 -> 0,
    /// One pulse on line `a`, as long as the value (µs).
    Pulse = 1 -> 0,
    /// A dose on line `a`: volume (nl) below, opening (µs) above.
    Deliver = 2 -> 0,
    /// Event `b` is raised.
    Signal = 0 -> 0,
    /// A trial begins, closing the one before; the session may end here.
    Trial = 0 -> 0,
    /// The trial's outcome is `b`.
    Outcome = 0 -> 0,
    /// Draw `b`.
    Draw = 0 -> 0,
    /// Timer `a` starts anew, for as long as the value (µs); `b` further times if it repeats, endless at 65 535.
    TimerStart = 1 -> 0,
    /// Timer `a` stops, without its event.
    TimerStop = 0 -> 0,
    /// Timer `a` stands still.
    TimerPause = 0 -> 0,
    /// Timer `a` goes on from where it stood.
    TimerResume = 0 -> 0,
    /// Line `a` on at the power that is the value (millionths of full power).
    OnPower = 1 -> 0,
    /// Stimulus `b` on line `a`, its pulses at the power that is the value.
    PlayPower = 1 -> 0,
    /// One pulse on line `a`: how long (µs) below, at which power above.
    PulsePower = 2 -> 0,
}

/// What [`OpCode::Special`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Special {
    /// µs since the session began.
    SessionTime,
    /// The number of the trial; 0 before the first.
    Trial,
    /// µs since the trial began.
    TrialTime,
    /// 1 if input line `b` is active.
    Level,
    /// µs left of timer `b`; 0 if it is not running.
    TimerLeft,
    /// 1 if timer `b` runs.
    TimerRunning,
    /// µs since state `b` was entered; 0 if it is not active.
    StateTime,
    /// 1 + the outcome of the trial; 0 while it has none.
    Outcome,
}

impl Special {
    /// Every one, in the order of their numbers.
    pub const ALL: &[Self] = &[
        Self::SessionTime,
        Self::Trial,
        Self::TrialTime,
        Self::Level,
        Self::TimerLeft,
        Self::TimerRunning,
        Self::StateTime,
        Self::Outcome,
    ];

    /// The one with this number.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl Op {
    /// An operation with both operands.
    #[must_use]
    pub const fn new(code: OpCode, a: u8, b: u16) -> Self {
        Self { code, a, b }
    }

    /// As one word.
    #[must_use]
    pub const fn to_word(self) -> u32 {
        self.code as u32 | ((self.a as u32) << 8) | ((self.b as u32) << 16)
    }

    /// From one word; none if its number means nothing.
    #[must_use]
    #[inline(always)]
    pub const fn from_word(word: u32) -> Option<Self> {
        match OpCode::from_u8((word & 0xFF) as u8) {
            Some(code) => Some(Self { code, a: ((word >> 8) & 0xFF) as u8, b: (word >> 16) as u16 }),
            None => None,
        }
    }
}
