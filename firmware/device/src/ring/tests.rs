//! A reset at every single store of the ring: whatever was shown is found again, and nothing else.

/// Burns down by one a store, and resets the device at the end.
pub(super) mod fuse {
    use std::cell::Cell;

    std::thread_local!(static STORES_LEFT: Cell<u32> = const { Cell::new(u32::MAX) });

    /// What a reset is thrown as.
    #[derive(Debug)]
    pub(in super::super) struct Reset;

    /// The reset comes instead of store number `stores`, from here on; never at `u32::MAX`.
    pub(in super::super) fn light(stores: u32) {
        STORES_LEFT.set(stores);
    }

    pub(in super::super) fn burn() {
        match STORES_LEFT.get() {
            u32::MAX => {}
            0 => std::panic::resume_unwind(std::boxed::Box::new(Reset)),
            left => STORES_LEFT.set(left - 1),
        }
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use link::record::{ENTRY_BYTES_MAX, Reader, Record};
use link::{EndReason, Micros, RegionId, StateId};

use super::*;

const WORDS: usize = 64;

/// What someone beside the device knows of its ring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    session: u32,
    begun: bool,
    complete: bool,
    records: Vec<(Micros, Record)>,
    durable: u32,
    alive: Micros,
}

/// The known before and behind the step that a reset may have come in.
#[derive(Debug, Clone, Default)]
struct Knower {
    before: Known,
    after: Known,
}

impl Knower {
    fn step(&mut self, change: impl FnOnce(&mut Known), act: impl FnOnce()) {
        change(&mut self.after);
        act();
        self.before = self.after.clone();
    }
}

/// The next of a row of numbers without pattern.
fn next(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *dice >> 33
}

fn record(dice: &mut u64) -> Record {
    match next(dice) % 3 {
        0 => Record::Enter { region: RegionId(0), state: StateId(next(dice) as u16) },
        1 => Record::Start { seed: next(dice) << 33, levels: next(dice) as u32, program: next(dice) as u32 },
        _ => Record::Trial { number: next(dice) as u32 % 200 },
    }
}

/// Sessions one after the other, every step decided by `dice`, until `steps` are done.
fn live(ring: &mut Ring<WORDS>, knower: &mut Knower, mut dice: u64, steps: u32) {
    let (mut writer, mut reader) = ring.split();
    let mut now = 5_000_000_000;
    let dice = &mut dice;
    for _ in 0..steps {
        now += next(dice) % 3_000;
        let known = knower.before.clone();
        let held = known.records.len() as u32;
        match next(dice) % 10 {
            _ if known.session == 0 => {
                let session = next(dice) as u32 | 1;
                let fresh = Known { session, ..Known::default() };
                knower.step(|known| *known = fresh, || reader.announce(session));
            }
            _ if !known.begun => {
                let begin = |known: &mut Known| (known.begun, known.alive) = (true, now);
                knower.step(begin, || writer.begin(now));
                reader.begin(now);
            }
            0..6 if !known.complete && writer.free() >= ENTRY_ROOM => {
                let record = record(dice);
                knower.step(|known| known.records.push((now, record)), || writer.push(now, &record).unwrap());
            }
            6 | 7 => {
                let durable = known.durable + (next(dice) as u32 % 9).min(held - known.durable);
                knower.step(|known| known.durable = durable, || reader.free_before(durable, &mut || {}).unwrap());
            }
            8 if !known.complete => knower.step(|known| known.alive = now, || reader.note_alive(now)),
            9 if known.complete && known.durable == held => {
                knower.step(|known| *known = Known::default(), || reader.forget());
            }
            9 if held > 60 => knower.step(|known| known.complete = true, || reader.complete()),
            _ => {}
        }
    }
}

/// All that a device finds in its ring after a reset: session, number of the first record, the records.
fn found(ring: &mut Ring<WORDS>) -> (u32, u32, Vec<(Micros, Record)>) {
    let (_, mut reader) = ring.recover();
    let first = reader.durable();
    let mut records = Vec::new();
    let mut bytes = [0; ENTRY_BYTES_MAX];
    loop {
        let base = reader.base();
        let Some(len) = reader.read(&mut bytes) else { break };
        let (at, record, _) = Reader::new(base).read(&bytes[..len]).unwrap();
        records.push((at, record));
    }
    (reader.session(), first, records)
}

/// Whether this is what a device that knew `known` must find.
fn is_all_of(known: &Known, (session, first, records): &(u32, u32, Vec<(Micros, Record)>)) -> bool {
    if !known.begun {
        return *session == 0;
    }
    let mut expected = known.records[known.durable as usize..].to_vec();
    if !known.complete {
        let last = known.records.last().map_or(0, |(at, _)| *at);
        expected.push((known.alive.max(last), Record::End(EndReason::DeviceReset)));
    }
    (*session, *first) == (known.session, known.durable) && *records == expected
}

fn reset_at(stores: u32, act: impl FnOnce()) -> bool {
    fuse::light(stores);
    let reset = catch_unwind(AssertUnwindSafe(act)).is_err();
    fuse::light(u32::MAX);
    reset
}

#[test]
fn a_reset_at_any_store_loses_nothing_that_was_written_and_doubles_nothing() {
    for seed in 0..3 {
        let mut resets = 0;
        for stores in (seed as u32..).step_by(3) {
            let (mut ring, mut knower) = (Ring::new(), Knower::default());
            if !reset_at(stores, || live(&mut ring, &mut knower, seed, 400)) {
                break;
            }
            resets += 1;
            // The next reset comes while the first is made good.
            let again = stores % 40;
            reset_at(again, || _ = ring.recover());
            let found = found(&mut ring);
            let torn_words = found.1 == knower.after.durable && alive_torn(&knower, &found);
            assert!(
                is_all_of(&knower.before, &found) || is_all_of(&knower.after, &found) || torn_words,
                "seed {seed}, store {stores}: found {found:?}\nknown {knower:?}"
            );
        }
        assert!(resets > 500, "{resets}");
    }
}

/// A reset in the very words that say when the device was alive: then its last record does.
fn alive_torn(knower: &Knower, found: &(u32, u32, Vec<(Micros, Record)>)) -> bool {
    let mut known = knower.before.clone();
    known.alive = 0;
    knower.before.alive != knower.after.alive && is_all_of(&known, found)
}

#[test]
fn memory_that_lost_its_power_gives_what_was_written_or_nothing() {
    let (mut kept, mut dropped) = (0, 0);
    for seed in 0..1_000 {
        let (mut ring, mut knower) = (Ring::new(), Knower::default());
        live(&mut ring, &mut knower, seed, 300);
        let known = knower.before;
        let mut dice = !seed;
        for _ in 0..=next(&mut dice) % 3 {
            blur(&ring, &mut dice);
        }
        let found = found(&mut ring);
        if found.0 == 0 {
            dropped += 1;
            continue;
        }
        kept += 1;
        // What is durable may come again, when the word that said so was blurred.
        assert!(found.1 <= known.durable, "seed {seed}");
        let of_program = known.records.get(found.1 as usize..).unwrap();
        assert!(found.2.starts_with(of_program) && found.2.len() <= of_program.len() + 1, "seed {seed}: {found:?}");
    }
    assert!(kept > 100 && dropped > 300, "{kept} kept, {dropped} dropped");
}

/// Turns one bit of the ring around.
fn blur(ring: &Ring<WORDS>, dice: &mut u64) {
    let words = ring.words.iter().chain(ring.heads.words());
    let count = words.clone().count() as u64;
    let place = next(dice) % count;
    let word = words.clone().nth(place as usize).unwrap();
    word.store(word.load(Ordering::Relaxed) ^ 1 << (next(dice) % 32), Ordering::Relaxed);
}
