//! The messages of the link and their bytes: one [`HostFrame`] or [`DeviceFrame`] a frame, in postcard, behind one byte
//! that says who speaks. Owns what can be said; when it is said is up to [`crate::host_end`] and [`crate::device_end`].
//!
//! **Bytes are frozen from the first release** (`tests/wire_v1`): variants are appended, never moved, fields never
//! added. [`Hello`] stays as it is for good, so that any two builds can tell each other that they do not match; what a
//! later version has to say goes into a new variant of [`Body`].

use core::fmt;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::frame::{self, MAX_PAYLOAD};
use crate::versions::Versions;
use crate::vocabulary::{EventId, Micros, VariableId};

/// The oldest version of the link this build understands.
pub const LINK_MIN: u16 = 1;
/// The version of the link this build speaks.
pub const LINK_CURRENT: u16 = 1;
/// A hash over the frozen sample bytes of every message and record (`tests/wire_v1` computes it): two builds that
/// claim one version but write different bytes find out in the hello.
pub const SCHEMA: u32 = 0xC837_1E41;

/// Bytes of one [`Command::Piece`] at most.
pub const PIECE_BYTES: usize = 160;
/// Bytes of records in one frame at most.
pub const RECORD_BYTES: usize = 200;
/// Bytes of a name in a [`Hello`] at most.
pub const NAME_BYTES: usize = 32;

const FROM_HOST: u8 = b'>';
const FROM_DEVICE: u8 = b'<';

/// What the controller sends. Without a command it is a heartbeat; its acknowledgements count all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFrame {
    /// The boot of the device this is meant for; 0 while it is not known. A device of another boot answers with its
    /// [`Hello`] and heeds nothing else.
    pub boot: u32,
    /// Counts the controller's frames, so that the answer tells which frame it answers.
    pub beat: u8,
    /// The session whose records are acknowledged; 0 for none.
    pub session: u32,
    /// One past the last record received: stops resends.
    pub received: u32,
    /// One past the last record on disk: frees the device's memory.
    pub durable: u32,
    /// The command under way and its number.
    pub command: Option<(u16, Command)>,
}

/// What is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upload {
    /// A [`crate::rig::Rig`] in postcard.
    Rig,
    /// A program image, little-endian words.
    Program,
}

/// What the controller asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The device's [`Hello`]. Has no number: it may be asked at any time and changes nothing.
    Hello,
    /// An upload begins, replacing any that is unfinished.
    Begin {
        /// Of what.
        what: Upload,
        /// Its whole length.
        bytes: u32,
        /// SHA-256 of the whole.
        hash: [u8; 32],
    },
    /// A piece of the upload; pieces come in order.
    Piece {
        /// Where it goes, in bytes.
        offset: u32,
        /// What goes there.
        bytes: Vec<u8, PIECE_BYTES>,
    },
    /// The upload is whole: check it and take it up.
    Finish,
    /// Arms a set of lines for this session.
    Arm {
        /// Bit *n* for line *n*.
        lines: u32,
    },
    /// Disarms a set of lines.
    Disarm {
        /// Bit *n* for line *n*.
        lines: u32,
    },
    /// Starts a session.
    Start {
        /// Names it; never 0.
        session: u32,
        /// Decides every draw.
        seed: u64,
    },
    /// Ends the session, every output safe.
    Stop,
    /// Trips the interlock.
    Abort,
    /// An event from outside the rig happened.
    Event(EventId),
    /// A parameter takes a new value.
    Parameter {
        /// Which.
        variable: VariableId,
        /// In the variable's base unit.
        value: i64,
    },
    /// The session is over and all its records are durable: the device may drop it.
    Forget {
        /// Which.
        session: u32,
    },
}

impl Command {
    /// Whether the command is only obeyed from a controller that follows the running session. What makes the rig safer
    /// is obeyed from any.
    #[must_use]
    pub const fn needs_session(&self) -> bool {
        matches!(self, Self::Arm { .. } | Self::Event(_) | Self::Parameter { .. })
    }
}

/// What the device sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFrame<'a> {
    /// The device's boot nonce; never 0.
    pub boot: u32,
    /// The session the device holds; 0 for none.
    pub session: u32,
    /// The number of the last command applied; 0 before the first.
    pub applied: u16,
    /// What became of that command.
    pub answer: Answer,
    /// What else there is to say.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// It was carried out.
    Done,
    /// It was not, and changed nothing.
    Refused(Refusal),
}

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// No rig or no program has been taken up.
    NotLoaded,
    /// A session is running, or its records are still held.
    Busy,
    /// No session is running.
    NotRunning,
    /// The command is meant for another session than the one the device holds.
    NotThisSession,
    /// What was uploaded does not have the hash that was announced.
    BadHash,
    /// A piece does not join on to the pieces before it, or is missing.
    BadPiece,
    /// The upload is longer than the device holds, or a length no upload of its kind has.
    BadLength,
    /// The bytes are no rig, or one this body cannot carry out.
    BadRig,
    /// The image did not pass the program check.
    BadProgram,
    /// A line of the set is no output that can be armed.
    NotArmable,
    /// The interlock has tripped, or a pad does not read safe.
    NotSafe,
    /// The program has no such event.
    UnknownEvent,
    /// The program has no such parameter.
    UnknownParameter,
    /// The session still has records that are not durable.
    NotDurable,
    /// The rig's key is not turned.
    KeyOff,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotLoaded => "the device has no rig or no program yet: upload both first",
            Self::Busy => "the device still has a session: stop it, and let its records become durable",
            Self::NotRunning => "no session is running on the device: start one first",
            Self::NotThisSession => {
                "the device holds another session than the one meant: resume or forget that one first"
            }
            Self::BadHash => "what arrived at the device is not what was sent: upload it again",
            Self::BadPiece => "a piece of the upload is missing on the device: upload it again from the start",
            Self::BadLength => "the upload has a length the device cannot take: make the program smaller",
            Self::BadRig => "the device cannot carry out this rig: check the rig-config against the board",
            Self::BadProgram => "the program did not pass the device's own check: compile it with the device's version",
            Self::NotArmable => "a line that was to be armed is no output that must be armed: check the rig-config",
            Self::NotSafe => {
                "an output does not read safe, or the interlock has tripped: find the cause, then start anew"
            }
            Self::UnknownEvent => "the program on the device knows no such event",
            Self::UnknownParameter => "the program on the device knows no such parameter",
            Self::KeyOff => "the rig's key is not turned: turn it, then arm again",
            Self::NotDurable => "the device still holds records that are not on disk: acknowledge them first",
        })
    }
}

/// What a frame of the device is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body<'a> {
    /// How things stand.
    Status(Status),
    /// Who the device is.
    Hello(Hello),
    /// Records, one behind the other.
    Records {
        /// The number of the first.
        first: u32,
        /// How many.
        count: u16,
        /// The time the first one's distance is measured from.
        base: Micros,
        /// The records, as [`crate::record::Reader`] reads them; at most [`RECORD_BYTES`].
        #[serde(borrow)]
        bytes: Bytes<'a>,
    },
}

/// Bytes inside a message, left where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Bytes<'a>(#[serde(borrow)] pub &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// How far a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Nothing to run.
    Idle,
    /// A rig and a program were taken up.
    Loaded,
    /// A session is running.
    Running,
    /// A session is over and its records are still held.
    Over,
}

/// How things stand on the device: its answer to every frame of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The controller's frame this answers.
    pub beat: u8,
    /// How far the device is.
    pub state: State,
    /// The device's clock.
    pub now: Micros,
    /// The number of the oldest record it still holds.
    pub first_record: u32,
    /// One past the number of its newest record.
    pub next_record: u32,
    /// Bytes of its memory for records that are free.
    pub ring_free: u32,
    /// The lines armed now, bit *n* for line *n*.
    pub armed: u32,
}

/// Who a device is and what it can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The oldest version of the link it understands.
    pub link_min: u16,
    /// The version of the link it speaks.
    pub link_current: u16,
    /// Its [`SCHEMA`].
    pub schema: u32,
    /// The number of this very board, unlike any other's (on a chip that of its flash); shown as 16 hexadecimal digits,
    /// and the serial number of its USB port.
    pub id: u64,
    /// What carries it, as `rp2040`.
    pub board: String<NAME_BYTES>,
    /// The version of its firmware, as `0.1.0`.
    pub firmware: String<NAME_BYTES>,
    /// How long after a time the device may still learn of an edge at it, in µs.
    pub settle_us: u32,
    /// Bytes of its memory for records.
    pub ring_bytes: u32,
    /// Words of the longest program it holds.
    pub program_words: u32,
    /// Lines it can carry.
    pub lines: u8,
    /// Whether the board can tell that its supply outlives that of the controller. Most cannot; then the rig-config says it.
    pub separate_supply: bool,
    /// The first bytes of the hash of the program it holds.
    pub program: Option<[u8; 8]>,
}

/// Why two builds cannot work together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The device speaks a version this build no longer understands.
    DeviceTooOld {
        /// What it speaks.
        device: u16,
    },
    /// The device no longer understands what this build speaks.
    ControllerTooOld {
        /// The oldest it understands.
        device: u16,
    },
    /// One version, but different bytes.
    Schema {
        /// The device's schema.
        device: u32,
        /// The device's firmware.
        firmware: String<NAME_BYTES>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceTooOld { device } => write!(
                f,
                "the device speaks link version {device}, the controller needs {LINK_MIN} or newer: update the device"
            ),
            Self::ControllerTooOld { device } => write!(
                f,
                "the device needs link version {device} or newer, the controller speaks {LINK_CURRENT}: update the \
                 controller"
            ),
            Self::Schema { device, firmware } => write!(
                f,
                "device (firmware {firmware}, schema {device:08x}) and controller (schema {SCHEMA:08x}) both speak link \
                 version {LINK_CURRENT} but were built from different sources: update the device from this controller's \
                 sources"
            ),
        }
    }
}

/// Whether this build can work with the device that said `hello`.
///
/// # Errors
/// With the side that must be updated.
pub fn compatible(hello: &Hello) -> Result<(), Mismatch> {
    if Versions::of(hello).match_ours() {
        Ok(())
    } else if hello.link_current < LINK_MIN {
        Err(Mismatch::DeviceTooOld { device: hello.link_current })
    } else if hello.link_min > LINK_CURRENT {
        Err(Mismatch::ControllerTooOld { device: hello.link_min })
    } else {
        Err(Mismatch::Schema { device: hello.schema, firmware: hello.firmware.clone() })
    }
}

impl HostFrame {
    /// Writes the frame with all its wrapping; the bytes used. None if `out` is shorter than the frame
    /// ([`frame::MAX_FRAME`] is always enough).
    #[must_use]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        encode(FROM_HOST, self, out)
    }

    /// Reads the payload of a frame; none if it is not whole and exactly one of the controller's.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        decode(FROM_HOST, payload)
    }
}

impl<'a> DeviceFrame<'a> {
    /// Writes the frame with all its wrapping; the bytes used. None if `out` is shorter than the frame
    /// ([`frame::MAX_FRAME`] is always enough).
    #[must_use]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        encode(FROM_DEVICE, self, out)
    }

    /// Reads the payload of a frame; none if it is not whole and exactly one of a device's.
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<Self> {
        decode(FROM_DEVICE, payload)
    }
}

fn encode<M: Serialize>(speaker: u8, message: &M, out: &mut [u8]) -> Option<usize> {
    let mut payload = [0; MAX_PAYLOAD];
    let (head, room) = payload.split_first_mut()?;
    *head = speaker;
    let used = 1 + postcard::to_slice(message, room).ok()?.len();
    frame::seal(payload.get(..used)?, out)
}

fn decode<'a, M: Deserialize<'a>>(speaker: u8, payload: &'a [u8]) -> Option<M> {
    let (head, bytes) = payload.split_first()?;
    if *head != speaker {
        return None;
    }
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Some(message),
        _ => None,
    }
}
