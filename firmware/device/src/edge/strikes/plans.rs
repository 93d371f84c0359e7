//! Stories of what P0 foretells when there is much to foretell, when an edge comes late, and when pulses follow closely: told
//! anew only where something lacks, it must lack nothing.

use link::rig::{Limits, Role};

use super::*;

/// Outputs of a box besides those of the bench: line and pin.
const MORE: [(u8, u8); 4] = [(6, 20), (7, 21), (8, 22), (9, 23)];

/// Pulses of six lines within the time P0 thinks ahead: more edges than can be foretold at once.
#[test]
fn an_edge_that_found_no_place_is_foretold_as_soon_as_there_is_one() {
    story(true, |b| {
        b.order(Order::Clear { silence_us: u32::MAX });
        let role = Role::Output { limits: Limits::on_for(60_000_000), speaker: false };
        let lines: Vec<_> = MORE.into_iter().chain([(WATER, WATER_PIN), (MASK, MASK_PIN)]).collect();
        for (line, pin) in &lines {
            b.order(Order::Line(LineId(*line), RigLine { pin: *pin, active_high: true, role }));
        }
        b.order(Order::Begin);
        b.poll();
        let asked = b.board.now();
        for (nth, (line, _)) in (0..).zip(&lines) {
            b.order(Order::Request(LineId(*line), train(1_000 + nth * 20, 10, 0, 1)));
        }
        b.poll();
        // P0 comes later each time than one of them follows on the other.
        b.at(asked + 5_000, || 60);
        for (nth, (line, pin)) in (0..).zip(&lines) {
            let rise = asked + 1_000 + nth * 20;
            assert_eq!(b.board.bench.changes_of(*pin), [(rise, true), (rise + 10, false)], "line {line}");
        }
    });
}

#[test]
fn a_pulse_that_rises_late_falls_as_much_later() {
    story(true, |b| {
        let asked = b.board.now();
        b.order(Order::Request(LineId(MASK), train(1_000, 20, 0, 1)));
        b.poll();
        b.board.held_up_us = 3;
        b.at(asked + 5_000, || 0);
        assert_eq!(b.board.bench.changes_of(MASK_PIN), [(asked + 1_003, true), (asked + 1_023, false)]);
    });
}

/// The pause between two pulses is shorter than P0 is late: the next rise is foretold while the pulse before it is on.
#[test]
fn pulses_with_short_pauses_between_them_rise_in_time_though_p0_comes_late() {
    story(true, |b| {
        let asked = b.board.now();
        b.order(Order::Request(LineId(MASK), train(1_000, 100, 40, 10)));
        b.poll();
        b.at(asked + 5_000, || 60);
        let rises = (0..10).map(|nth| asked + 1_000 + nth * 140);
        let pulses: Vec<_> = rises.flat_map(|rise| [(rise, true), (rise + 100, false)]).collect();
        assert_eq!(b.board.bench.changes_of(MASK_PIN), pulses);
    });
}
