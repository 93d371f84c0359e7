//! What must hold of an image's machine code, and whether it does. Knows the levels of the body and what each may do; reads
//! no file.

use std::collections::BTreeSet;
use std::fmt;

use crate::calls::{EXCEPTION_STACK, reach};
use crate::image::Image;

/// Where flash ends and RAM begins, as addresses: everything from here on is RAM or a register.
const RAM: u32 = 0x2000_0000;
/// SIO's divider, shared by whatever level uses it and with a state of its own.
const DIVIDER: std::ops::RangeInclusive<u32> = 0xD000_0060..=0xD000_007B;
/// Names of what formats text, and of arithmetic this chip has no instructions for.
const FORMATTING: &[&str] = &["core::fmt"];
const FLOATING: &[&str] = &["__aeabi_f", "__aeabi_d", "__addsf", "__subsf", "__mulsf", "__divsf", "__adddf", "__muldf"];
const NOT_FLOATING: &[&str] = &["__aeabi_dcmp_none"];

/// A level of the body: what runs at it.
#[derive(Debug)]
pub(crate) struct Level {
    /// Its name.
    pub(crate) name: &'static str,
    /// The functions it is entered by.
    pub(crate) roots: &'static [&'static str],
    /// Whether an edge waits for it: then it may not read the flash, format text, or calculate with a fraction.
    pub(crate) hot: bool,
}

/// The levels of the body, the highest first.
pub(crate) const LEVELS: [Level; 6] = [
    Level { name: "stamps and strikes", roots: &["stamp::pins", "strike::alarm"], hot: true },
    Level { name: "P0 edge", roots: &["levels::edge_turn"], hot: true },
    Level { name: "P1 core", roots: &["levels::core_alarm"], hot: true },
    Level { name: "sounds", roots: &["tone::interrupt"], hot: true },
    Level { name: "P2 interrupts", roots: &["levels::outer_alarm", "uart::interrupt", "usb::interrupt"], hot: false },
    Level { name: "P2 thread", roots: &["start::go_on"], hot: false },
];

/// Ways back to the same function that are known to be gone once more at most, by a function on them, and why.
const ONCE_MORE: [(&str, &str); 2] = [
    ("Guard::trip", "the second time it finds that it has tripped"),
    ("Step<S>>::execute", "a trial that begins asks conditions, and no condition begins a trial"),
];

/// Something that must hold does not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A level's entry is not in the image.
    NoSuchLevel { level: &'static str, root: &'static str },
    /// An upper level may fetch code from flash.
    InFlash { level: &'static str, function: String },
    /// An upper level may format text.
    Formats { level: &'static str, function: String },
    /// An upper level may calculate with fractions.
    Floats { level: &'static str, function: String },
    /// An upper level uses the divider that other levels might be in the midst of.
    Divides { level: &'static str, function: String },
    /// A level may call itself, so that no bound to its stack is known.
    Recursive { level: &'static str, way: String },
    /// The levels together may take more stack than there is.
    Stack { needed: u32, there: u32 },
    /// The image is larger than it may be.
    Size { bytes: u32, budget: u32 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchLevel { level, root } => {
                write!(f, "{level}: {root} is not in the image; name its entry in firmware/build/src/proof.rs")
            }
            Self::InFlash { level, function } => {
                write!(f, "{level} may call {function}, which lies in flash: take it off the cold list in memory.x")
            }
            Self::Formats { level, function } => {
                write!(f, "{level} may call {function}: no text is made at that level")
            }
            Self::Floats { level, function } => write!(f, "{level} may call {function}: use whole numbers"),
            Self::Divides { level, function } => {
                write!(f, "{level}: {function} uses the divider of SIO, which a lower level may be in the midst of")
            }
            Self::Recursive { level, way } => {
                write!(f, "{level}: {way} may come back to itself, so its stack has no bound: use a loop")
            }
            Self::Stack { needed, there } => {
                write!(f, "all levels together may take {needed} bytes of stack, and there are {there}: see memory.x")
            }
            Self::Size { bytes, budget } => {
                write!(f, "the image takes {bytes} bytes of flash, and may take {budget}: see what grew")
            }
        }
    }
}

/// What was found of one level.
#[derive(Debug)]
pub(crate) struct LevelFound {
    /// The level.
    pub(crate) level: &'static Level,
    /// Functions it may call.
    pub(crate) functions: usize,
    /// The most stack it takes with what the processor pushes when it comes, in bytes.
    pub(crate) stack: u32,
    /// The way to that depth: each function and the stack it takes itself.
    pub(crate) deepest: Vec<(String, u32)>,
}

/// What was found of an image.
#[derive(Debug)]
pub(crate) struct Found {
    /// Level by level.
    pub(crate) levels: Vec<LevelFound>,
    /// The most stack all take when each interrupts the next, in bytes.
    pub(crate) stack: u32,
    /// The stack there is, in bytes.
    pub(crate) stack_there: u32,
    /// Bytes of flash.
    pub(crate) flash: u32,
    /// Functions that take RAM though no upper level calls them, and their bytes, the largest first.
    pub(crate) idle: Vec<(String, u32)>,
    /// What does not hold.
    pub(crate) faults: Vec<Fault>,
}

/// Looks at every level.
#[must_use]
pub(crate) fn prove(image: &Image, levels: &'static [Level], flash_budget: u32) -> Found {
    let stack_there = image.stack_end.map_or(0, |end| end - RAM);
    let mut found = Found { levels: Vec::new(), stack: 0, stack_there, flash: 0, idle: Vec::new(), faults: Vec::new() };
    let mut hot = BTreeSet::<u32>::new();
    found.flash = image.pieces().map(|piece| piece.bytes.len() as u32).sum();
    for level in levels {
        let mut roots = Vec::new();
        for root in level.roots {
            match image.find(root) {
                Some(address) => roots.push(address),
                None => found.faults.push(Fault::NoSuchLevel { level: level.name, root }),
            }
        }
        let reach = reach(image, &roots);
        let name = |at: &u32| image.functions.get(at).map_or_else(|| format!("{at:#x}"), |it| it.name.clone());
        let mut again = 0;
        for (at, way) in &reach.recursive {
            let known = |at: &u32| ONCE_MORE.iter().any(|(known, _)| name(at).ends_with(known));
            if known(at) || way.iter().any(known) {
                again += way.iter().filter_map(|at| image.functions.get(at)).map(|one| one.seen.stack).sum::<u32>();
            } else {
                let way = way.iter().map(name).collect::<Vec<_>>().join(" → ");
                found.faults.push(Fault::Recursive { level: level.name, way });
            }
        }
        if level.hot {
            hot.extend(&reach.functions);
            let functions = reach.functions.iter().filter_map(|at| Some((*at, image.functions.get(at)?)));
            for (at, function) in functions {
                let (level, name) = (level.name, function.name.clone());
                if at < RAM {
                    found.faults.push(Fault::InFlash { level, function: name.clone() });
                }
                if FORMATTING.iter().any(|start| name.contains(start)) {
                    found.faults.push(Fault::Formats { level, function: name.clone() });
                }
                if FLOATING.iter().any(|start| name.starts_with(start)) && !NOT_FLOATING.contains(&name.as_str()) {
                    found.faults.push(Fault::Floats { level, function: name.clone() });
                }
                if function.seen.touches.iter().any(|at| DIVIDER.contains(at)) {
                    found.faults.push(Fault::Divides { level, function: name });
                }
            }
        }
        let stack = reach.stack + again + EXCEPTION_STACK;
        found.stack += stack;
        let own = |at: &u32| image.functions.get(at).map_or(0, |one| one.seen.stack);
        let deepest = reach.deepest.iter().map(|at| (name(at), own(at))).collect();
        found.levels.push(LevelFound { level, functions: reach.functions.len(), stack, deepest });
    }
    let idle = image.functions.iter().filter(|(at, _)| **at >= RAM && !hot.contains(at));
    found.idle = idle.map(|(_, function)| (function.name.clone(), function.bytes)).collect();
    found.idle.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    if found.stack > stack_there {
        found.faults.push(Fault::Stack { needed: found.stack, there: stack_there });
    }
    if found.flash > flash_budget {
        found.faults.push(Fault::Size { bytes: found.flash, budget: flash_budget });
    }
    found
}
