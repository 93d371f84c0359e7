//! What can be made to go wrong with the emulated chip, and the words for it of `tests/emulator/mishaps.mjs`. Owns no way in
//! which it comes about.

use std::fmt;

/// Something that goes wrong with the chip, or is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upset {
    /// The code of a level goes wrong when it next runs.
    Code {
        /// The priority of an interrupt, 0 to 3, or 4 for thread mode.
        level: u8,
        /// How.
        goes: Goes,
    },
    /// The timer stands: neither its counter goes on nor any alarm comes.
    TimerStops,
    /// An alarm of the timer, 0 to 3, never comes any more.
    AlarmLost(u8),
    /// An interrupt comes that nobody asked for.
    StrayInterrupt,
    /// The interrupt comes that nothing can mask.
    Nmi,
    /// The RUN pin is pulled.
    Reset,
    /// The supply goes, and comes again so many µs later.
    SupplyGoes(u32),
    /// A pad stays at a level, whatever drives it.
    Pad {
        /// Which.
        pin: u8,
        /// The level.
        high: bool,
    },
    /// An input is driven to a level from outside, for good.
    Input {
        /// Its pad.
        pin: u8,
        /// The level.
        high: bool,
    },
    /// An input changes again and again.
    Toggles {
        /// Its pad.
        pin: u8,
        /// From one change to the next, in ns.
        every_ns: u32,
        /// For how long, in µs.
        for_us: u32,
    },
    /// Bits of the program change, in the chip's memory.
    Flips {
        /// In which word of its image.
        word: u32,
        /// Which bits.
        bits: u32,
    },
    /// From now on the handler of faults is entered even if the stack cannot be written; otherwise the core locks up then.
    EntersWithoutStack,
}

/// How the code of a level goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goes {
    /// Where nothing is.
    Astray,
    /// To an instruction there is none of.
    Undefined,
    /// To a word that is not aligned.
    Unaligned,
    /// It panics.
    Panics,
    /// Round without end.
    Loops,
    /// It masks all interrupts for good and goes on.
    Masks,
    /// It masks all interrupts and goes round without end.
    MaskedLoop,
    /// Its stack overflows.
    Overflows,
    /// Its stack pointer comes to point where nothing is.
    StackNowhere,
    /// Into the ROM.
    StackInRom,
    /// Into the flash.
    StackInFlash,
    /// To an odd address, of which the core keeps no more than the word.
    StackOdd,
    /// To the next word.
    StackShifted,
    /// Astray, and the vectors are gone: the core locks up.
    LocksUp,
    /// Astray, and the handler of faults is gone: the core locks up.
    HandlerGone,
}

impl Goes {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Astray,
        Self::Undefined,
        Self::Unaligned,
        Self::Panics,
        Self::Loops,
        Self::Masks,
        Self::MaskedLoop,
        Self::Overflows,
        Self::StackNowhere,
        Self::StackInRom,
        Self::StackInFlash,
        Self::StackOdd,
        Self::StackShifted,
        Self::LocksUp,
        Self::HandlerGone,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Astray => "astray",
            Self::Undefined => "undefined",
            Self::Unaligned => "unaligned",
            Self::Panics => "panics",
            Self::Loops => "loops",
            Self::Masks => "masks",
            Self::MaskedLoop => "maskedLoop",
            Self::Overflows => "overflows",
            Self::StackNowhere => "stackNowhere",
            Self::StackInRom => "stackInRom",
            Self::StackInFlash => "stackInFlash",
            Self::StackOdd => "stackOdd",
            Self::StackShifted => "stackShifted",
            Self::LocksUp => "locksUp",
            Self::HandlerGone => "handlerGone",
        }
    }
}

/// As the bench is told: what stands behind the time.
impl fmt::Display for Upset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code { level, goes } => write!(f, "upset {level} {}", goes.word()),
            Self::TimerStops => f.write_str("suffer timer"),
            Self::AlarmLost(number) => write!(f, "suffer alarm {number}"),
            Self::StrayInterrupt => f.write_str("suffer stray"),
            Self::Nmi => f.write_str("suffer nmi"),
            Self::Reset => f.write_str("suffer reset"),
            Self::SupplyGoes(us) => write!(f, "suffer supply {us}000"),
            Self::Pad { pin, high } => write!(f, "suffer pad {pin} {}", u8::from(high)),
            Self::Input { pin, high } => write!(f, "suffer input {pin} {}", u8::from(high)),
            Self::Toggles { pin, every_ns, for_us } => write!(f, "suffer toggles {pin} {every_ns} {for_us}000"),
            Self::Flips { word, bits } => write!(f, "suffer flips {word} {bits}"),
            Self::EntersWithoutStack => f.write_str("suffer forgives"),
        }
    }
}
