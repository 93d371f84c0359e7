//! Images no compiler made: whatever the words are, opening and checking them ends, and never panics.

use link::program::check::check;
use link::program::{FORMAT, MAGIC, Program};
use proptest::prelude::*;

use crate::sound::Sound;

fn walk(words: &[u32]) {
    if let Ok(program) = Program::open(words) {
        let _ = check(&program);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_words_are_refused_without_a_panic(mut words in prop::collection::vec(any::<u32>(), 0..400)) {
        walk(&words);
        // With a header that is believed, so that the tables are reached.
        let length = words.len() as u32;
        for (slot, word) in words.iter_mut().zip([MAGIC, FORMAT, length]) {
            *slot = word;
        }
        for entry in words.iter_mut().skip(3).take(13) {
            let offset = (*entry >> 16) % length.max(1);
            *entry = (offset << 16) | (*entry % 24);
        }
        walk(&words);
    }

    #[test]
    fn a_sound_image_may_be_mutated_anyhow(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>(), 0..4_u8), 1..12)) {
        let mut words = Sound::new().assembly.image().unwrap();
        for (at, value, how) in changes {
            let at = at.index(words.len());
            match how {
                0 => words[at] = value,
                1 => words[at] ^= 1 << (value % 32),
                2 => words[at] = (words[at] & !0xFF) | (value & 0xFF),
                _ => words[at] = words[at].wrapping_add(value % 3).wrapping_sub(1),
            }
        }
        walk(&words);
    }
}
