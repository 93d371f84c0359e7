//! The memory the halves share, lent out to them once. Owns the queues, the ring and the few shared words; knows nothing
//! of what passes through them.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use heapless::spsc::Queue;
use link::limits::MAX_LINES;
use link::message::Hello;
use link::versions::Versions;

use crate::answers::Answers;
use crate::core_half::Core;
use crate::edge::Edge;
use crate::messages::{COMMANDS, Command, NOTICES, Notice, ReportQueue, Reports};
use crate::orders::OrderQueue;
use crate::outer::Outer;
use crate::ring::Ring;
use crate::scores::Scores;
use crate::sense::encoders::Counts;

/// The words that more than one half reads; each has one writer.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Low half of the time of the last valid frame; written by P2.
    pub(crate) heard: AtomicU32,
    /// Whether the host is known to be silent; written by P0.
    pub(crate) silent: AtomicBool,
    /// The lines that are armed; written by P0.
    pub(crate) armed: AtomicU32,
    /// Whether the interlock has tripped; written by P0.
    pub(crate) tripped: AtomicBool,
    /// What the encoders count; written by P0.
    pub(crate) counts: Counts,
    /// What P0 may answer by itself; see there.
    pub(crate) answers: Answers,
    /// The pulses of the program's lists; written by P1.
    pub(crate) scores: Scores,
    pub(crate) beats: Beats,
}

/// Counts how often P0 and P1 were called: none is called again before its last call has come to its end. So P2 can tell
/// whether they still go on; and P0, whether P2 does.
#[derive(Debug)]
pub(crate) struct Beats {
    edge: AtomicU32,
    core: AtomicU32,
    outer: AtomicU32,
}

impl Beats {
    /// P0 was called.
    #[inline(always)]
    pub(crate) fn edge(&self) {
        self.edge.store(self.edge.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// P1 was called.
    #[inline(always)]
    pub(crate) fn core(&self) {
        self.core.store(self.core.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// P2 goes on.
    #[inline(always)]
    pub(crate) fn outer(&self) {
        // Never 0 again, which stands for a body that does not count.
        self.outer.store(self.outer.load(Ordering::Relaxed).wrapping_add(1).max(1), Ordering::Relaxed);
    }

    /// The counts of P0 and P1.
    pub(crate) fn counts(&self) -> [u32; 2] {
        [self.edge.load(Ordering::Relaxed), self.core.load(Ordering::Relaxed)]
    }

    /// P2's count; 0 on a body whose P2 does not say that it goes on.
    #[inline(always)]
    pub(crate) fn outers(&self) -> u32 {
        self.outer.load(Ordering::Relaxed)
    }
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self {
            heard: AtomicU32::new(0),
            silent: AtomicBool::new(false),
            armed: AtomicU32::new(0),
            tripped: AtomicBool::new(false),
            counts: Counts::new(),
            answers: Answers::new(),
            scores: Scores::new(),
            beats: Beats { edge: AtomicU32::new(0), core: AtomicU32::new(0), outer: AtomicU32::new(0) },
        }
    }
}

/// What a body says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// A number that differs from boot to boot; 0 is taken as 1.
    pub boot: u32,
    /// The number of this very board, the same in every boot and unlike any other's.
    pub id: u64,
    /// What carries the device, as `rp2040`; at most [`link::message::NAME_BYTES`] bytes are told.
    pub board: &'a str,
    /// How long after a time P0 may still report an input stamped with it, in µs: P1 closes a microsecond only then.
    pub settle_us: u32,
    /// Whether the board can tell that its supply outlives that of the controller.
    pub separate_supply: bool,
    /// What it says that it speaks: [`Versions::OURS`], as it stands in the image.
    pub versions: Versions,
}

/// All that the halves share. A chip keeps it in a static, a simulator in a box.
///
/// `M` is the memory of the program image, which is handed between P2 (upload) and P1 (run): `&'static mut [u32]` on a
/// chip, a `Vec<u32>` in a simulator. The ring of records stands apart, because it outlives a reset and this does not.
#[derive(Debug)]
pub struct Storage<M> {
    orders: OrderQueue,
    reports: ReportQueue,
    commands: Queue<Command<M>, COMMANDS>,
    notices: Queue<Notice<M>, NOTICES>,
    shared: Shared,
}

impl<M: AsRef<[u32]> + AsMut<[u32]>> Storage<M> {
    /// Memory in which nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            orders: OrderQueue::new(),
            reports: ReportQueue::new(),
            commands: Queue::new(),
            notices: Queue::new(),
            shared: Shared::new(),
        }
    }

    /// Lends out the three halves. `image` is the memory for programs. `ring` holds records until they are durable: at
    /// least 4096 words, a quarter of which is then the reserve for a session's last records
    /// ([`crate::core_half::RING_RESERVE`]).
    ///
    /// The ring is as the reset before left it, or [`Ring::new`]: a session that is whole in it is held again, in state
    /// [`link::message::State::Over`], until its records are durable and it is forgotten.
    pub fn split<'s, const RING_WORDS: usize>(
        &'s mut self,
        ring: &'s mut Ring<RING_WORDS>,
        image: M,
        identity: &Identity,
    ) -> (Edge<'s>, Core<'s, M>, Outer<'s, M>) {
        let hello = Hello {
            link_min: identity.versions.min,
            link_current: identity.versions.current,
            schema: identity.versions.schema,
            id: identity.id,
            board: name(identity.board),
            firmware: name(env!("CARGO_PKG_VERSION")),
            settle_us: identity.settle_us,
            ring_bytes: (RING_WORDS as u32).saturating_mul(4),
            program_words: u32::try_from(image.as_ref().len()).unwrap_or(u32::MAX),
            lines: MAX_LINES as u8,
            separate_supply: identity.separate_supply,
            program: None,
        };
        let (to_edge, orders) = self.orders.split();
        let (reports, from_edge) = self.reports.split();
        let (to_core, commands) = self.commands.split();
        let (notices, from_core) = self.notices.split();
        let (writer, reader) = ring.recover();
        (
            Edge::new(orders, Reports::new(reports, &self.shared.answers, &self.shared.scores), &self.shared),
            Core::new(identity.settle_us, to_edge, from_edge, commands, notices, writer, &self.shared),
            Outer::new(identity.boot, hello, image, to_core, from_core, reader, &self.shared),
        )
    }
}

impl<M: AsRef<[u32]> + AsMut<[u32]>> Default for Storage<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// As much of a name as fits.
fn name<const N: usize>(text: &str) -> heapless::String<N> {
    let mut name = heapless::String::new();
    for letter in text.chars() {
        if name.push(letter).is_err() {
            break;
        }
    }
    name
}
