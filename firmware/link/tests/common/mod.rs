//! What the tests of the link share: the hello a device says.

use link::Hello;
use link::message::{LINK_CURRENT, LINK_MIN, SCHEMA};

pub(crate) fn hello() -> Hello {
    Hello {
        link_min: LINK_MIN,
        link_current: LINK_CURRENT,
        schema: SCHEMA,
        id: 0xE660_5838_83A5_4C2F,
        board: "sim".try_into().unwrap(),
        firmware: "0.1.0".try_into().unwrap(),
        settle_us: 5,
        ring_bytes: 131_072,
        program_words: 16_384,
        lines: 32,
        separate_supply: false,
        program: Some([1, 2, 3, 4, 5, 6, 7, 8]),
    }
}
