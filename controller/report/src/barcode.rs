//! Reads barcodes back from the edges of a line, as any recording has them: this rig's own, or those of an ephys system or a
//! microscope that listened to the same line. Owns what is a barcode; knows nothing of where edges come from.

use compiler::symbols::BarcodeTiming;
use link::Micros;

/// A barcode that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Barcode {
    /// Its first rising edge, on the clock of the edges.
    pub at: Micros,
    /// The number.
    pub number: u32,
}

/// How far an edge may lie from where it should, as a part of a start pulse.
const TOLERANCE: u64 = 4;

/// Every barcode in these edges, which are in order of time: when, in µs on any clock, and to which level. What is no whole
/// barcode, as one that had begun before the recording did, is passed over.
#[must_use]
pub fn decode(edges: &[(Micros, bool)], timing: &BarcodeTiming) -> Vec<Barcode> {
    let mut found = Vec::new();
    let mut rest = edges;
    while let [(at, level), behind @ ..] = rest {
        match one(*at, behind, timing).filter(|_| *level) {
            Some((number, used)) => {
                found.push(Barcode { at: *at, number });
                rest = behind.get(used..).unwrap_or(&[]);
            }
            None => rest = behind,
        }
    }
    found
}

/// A barcode that begins with a rising edge at `at`: its number, and how many of the edges behind it belong to it.
fn one(at: Micros, edges: &[(Micros, bool)], timing: &BarcodeTiming) -> Option<(u32, usize)> {
    let (start, bit) = (u64::from(timing.start_us), u64::from(timing.bit_us));
    let tolerance = start / TOLERANCE;
    // Where each level of it ends, counted from its beginning.
    let bits_end = 4 * start + u64::from(timing.bits) * bit;
    let boundary = |n: u64| match n {
        0..=4 => n * start,
        n if n <= 4 + u64::from(timing.bits) => 4 * start + (n - 4) * bit,
        n => bits_end + (n - 4 - u64::from(timing.bits)) * start,
    };
    let last = 6 + u64::from(timing.bits);
    let end = boundary(last) + tolerance;
    let own = edges.iter().take_while(|(edge, _)| edge.saturating_sub(at) <= end).count();
    let mut edges_of_it = edges.get(..own)?.iter().peekable();
    let (mut level, mut number) = (true, 0_u32);
    for n in 1..=last {
        let wanted = match n {
            1 | 3 => Some(true),
            2 | 4 => Some(false),
            n if n == last - 1 => Some(false),
            n if n == last => Some(true),
            _ => None,
        };
        match wanted {
            Some(wanted) if wanted != level => return None,
            Some(_) => {}
            None => number |= u32::from(level).checked_shl(u32::try_from(n - 5).ok()?)?,
        }
        // The next edge lies at this boundary, at a later one, or the line is noisy.
        while let Some((edge, to)) = edges_of_it.next_if(|(edge, _)| edge.saturating_sub(at) <= boundary(n) + tolerance)
        {
            if edge.saturating_sub(at) + tolerance < boundary(n) || *to == level {
                return None;
            }
            level = *to;
        }
    }
    (!level).then_some((number, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: BarcodeTiming =
        BarcodeTiming { bits: 8, bit_us: 30_000, start_us: 10_000, every_us: 1_000_000, first: 0 };

    /// The edges of one barcode, as the timing says them.
    fn made(at: Micros, number: u32, timing: &BarcodeTiming) -> Vec<(Micros, bool)> {
        let (start, bit) = (u64::from(timing.start_us), u64::from(timing.bit_us));
        let mut levels = vec![(true, start), (false, start), (true, start), (false, start)];
        levels.extend((0..timing.bits).map(|n| (number >> n & 1 == 1, bit)));
        levels.extend([(false, start), (true, start), (false, 0)]);
        let (mut at, mut before, mut edges) = (at, false, Vec::new());
        for (level, length) in levels {
            if level != before {
                edges.push((at, level));
            }
            (at, before) = (at + length, level);
        }
        edges
    }

    #[test]
    fn every_number_is_read_back() {
        for number in 0..256 {
            let found = decode(&made(7_000, number, &TIMING), &TIMING);
            assert_eq!(found, [Barcode { at: 7_000, number }]);
        }
        let long = BarcodeTiming { bits: 32, ..TIMING };
        for number in [0, 1, 0x8000_0000, 0xAAAA_AAAA, u32::MAX] {
            assert_eq!(decode(&made(0, number, &long), &long), [Barcode { at: 0, number }]);
        }
    }

    #[test]
    fn a_clock_that_is_off_and_edges_that_are_late_are_borne() {
        let slow = |edges: Vec<(Micros, bool)>| -> Vec<(Micros, bool)> {
            edges.into_iter().enumerate().map(|(n, (at, to))| (at + at / 2_000 + (n as u64 * 37) % 1_000, to)).collect()
        };
        let found = decode(&slow(made(0, 0b1011_0010, &TIMING)), &TIMING);
        assert_eq!(found, [Barcode { at: 0, number: 0b1011_0010 }], "500 ppm and up to 1 ms");
    }

    #[test]
    fn what_is_no_whole_barcode_is_passed_over() {
        let whole = made(1_000_000, 5, &TIMING);
        for cut in 1..whole.len() {
            let mut edges = made(0, 0xF0, &TIMING)[cut.min(made(0, 0xF0, &TIMING).len())..].to_vec();
            edges.extend(&whole);
            assert_eq!(decode(&edges, &TIMING).last(), Some(&Barcode { at: 1_000_000, number: 5 }));
            assert!(decode(&whole[..cut], &TIMING).is_empty(), "cut at its end");
        }
        // A pulse that does not belong there.
        let mut noisy = made(0, 5, &TIMING);
        noisy.extend([(85_000, true), (86_000, false)]);
        noisy.sort_unstable();
        assert!(decode(&noisy, &TIMING).is_empty());
        // Pulses of another make.
        let pulses: Vec<(Micros, bool)> =
            (0..100).flat_map(|n| [(n * 20_000, true), (n * 20_000 + 10_000, false)]).collect();
        assert!(decode(&pulses, &TIMING).is_empty(), "a train like the start has no bits that fit");
    }
}
