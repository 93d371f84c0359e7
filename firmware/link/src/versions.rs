//! What a build speaks, as bytes that stand in an image for a chip: so that an image can be told to match or not before it
//! is on a board, and without running it. Owns the mark by which they are found; what is done about it is up to others.

use crate::message::{Hello, LINK_CURRENT, LINK_MIN, SCHEMA};

/// The versions of the link that a build speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions {
    /// The oldest it understands.
    pub min: u16,
    /// The one it speaks.
    pub current: u16,
    /// Its [`SCHEMA`].
    pub schema: u32,
}

/// What stands before the versions in an image. Frozen, as the versions behind it: 2, 2 and 4 bytes, little-endian.
const MARK: [u8; 16] = *b"nosepoke's link:";
/// Bytes of a mark with versions.
pub const MARKED: usize = MARK.len() + 8;

impl Versions {
    /// Those of this build.
    pub const OURS: Self = Self { min: LINK_MIN, current: LINK_CURRENT, schema: SCHEMA };

    /// Those of a device that said hello.
    #[must_use]
    pub const fn of(hello: &Hello) -> Self {
        Self { min: hello.link_min, current: hello.link_current, schema: hello.schema }
    }

    /// Whether a device that speaks these and this build can work together.
    #[must_use]
    pub const fn match_ours(self) -> bool {
        self.current >= LINK_MIN && self.min <= LINK_CURRENT && (self.current != LINK_CURRENT || self.schema == SCHEMA)
    }

    /// As they stand in an image.
    #[must_use]
    pub const fn marked(self) -> [u8; MARKED] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = MARK;
        let ([q, r], [s, t]) = (self.min.to_le_bytes(), self.current.to_le_bytes());
        let [u, v, w, x] = self.schema.to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x]
    }

    /// Those that stand in an image as [`Versions::marked`] put them there. Does not look at the mark: an image that knew it
    /// besides would say it twice.
    #[must_use]
    pub const fn of_marked(marked: &[u8; MARKED]) -> Self {
        let [.., a, b, c, d, e, f, g, h] = *marked;
        Self {
            min: u16::from_le_bytes([a, b]),
            current: u16::from_le_bytes([c, d]),
            schema: u32::from_le_bytes([e, f, g, h]),
        }
    }

    /// Where they stand in an image, and which they are; none if it has no mark, as an image of someone else.
    #[must_use]
    pub fn find(image: &[u8]) -> Option<(usize, Self)> {
        let (place, marked) = image.windows(MARKED).enumerate().find(|(_, bytes)| bytes.starts_with(&MARK))?;
        Some((place, Self::of_marked(marked.first_chunk()?)))
    }
}
