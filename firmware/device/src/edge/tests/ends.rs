//! Stories of how a session ends at the pins: all off at once, but for what a trip leaves alone.

use super::*;

/// Trains on the masking light, which a trip leaves alone, and in the water line, which it does not; tripped in their
/// midst, and the session over with it.
fn tripped_within_trains(count: u32, tell: impl FnOnce(&mut Box<'_>)) {
    story(|b| {
        b.late(10_000);
        for line in [MASK, WATER] {
            b.ask(line, train(0, 10_000, 50_000, count));
        }
        b.at(115_000);
        b.told();
        b.order(Order::Trip(TripCause::HostAbort));
        b.order(Order::End);
        b.poll();
        assert_eq!(b.board.changes_of(WATER_PIN).last(), Some(&(115_000, false)));
        tell(b);
    });
}

#[test]
fn what_a_trip_leaves_alone_carries_on_to_its_end_and_only_then_the_session_is_over() {
    tripped_within_trains(5, |b| {
        assert!(b.board.is_high(MASK_PIN) && !b.told().iter().any(|(_, what)| *what == What::Ended));
        b.at(3_000_000);
        let pulses: Vec<_> = (0..5).flat_map(|n| [(10_000 + n * 50_000, true), (20_000 + n * 50_000, false)]).collect();
        assert_eq!(b.board.changes_of(MASK_PIN), pulses, "a barcode is whole");
        let expected = [edge(120_000, MASK, false), edge(160_000, MASK, true), edge(170_000, MASK, false)];
        let last = [edge(210_000, MASK, true), edge(220_000, MASK, false), (220_000, What::Ended)];
        assert_eq!(b.told(), [&expected[..], &last[..]].concat(), "and each of its edges is recorded");
    });
}

/// What carries on must follow: with its pad astray it is cut with the session, and moves no more unseen.
#[test]
fn what_carries_on_is_cut_when_its_pad_no_longer_follows() {
    tripped_within_trains(100, |b| {
        b.board.stick(MASK_PIN, Some(true));
        b.at(150_000);
        b.board.stick(MASK_PIN, None);
        let told = b.told();
        let [.., cut, (at, What::Ended)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(*cut, verdict(*at, MASK, Verdict::CutByEnd));
        b.at(2_000_000);
        let after = b.board.changes_of(MASK_PIN).iter().filter(|(when, high)| *high && when > at).count();
        assert_eq!(after, 0, "{told:?}");
        assert_eq!(b.told(), []);
    });
}

#[test]
fn what_other_lines_do_does_not_keep_it_from_carrying_on() {
    story(|b| {
        b.late(10_000);
        b.ask(MASK, train(0, 10_000, 50_000, 3));
        b.ask(WATER, Request::On);
        b.order(Order::Trip(TripCause::HostAbort));
        b.order(Order::End);
        b.at(2_000_000);
        let rises = b.board.changes_of(MASK_PIN).iter().filter(|(_, high)| *high).count();
        assert_eq!(rises, 3);
    });
}

#[test]
fn a_train_without_end_is_cut_a_second_behind_the_trip() {
    tripped_within_trains(1_000, |b| {
        b.at(3_000_000);
        let cut = 115_000 + CARRIED_ON_US;
        let told = b.told();
        let [.., verdict_told, edge_told, ended] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(*verdict_told, verdict(cut, MASK, Verdict::CutByEnd));
        assert_eq!((*edge_told, *ended), (edge(cut, MASK, false), (cut, What::Ended)));
        assert_eq!(b.board.changes_of(MASK_PIN).last(), Some(&(cut, false)));
    });
}

#[test]
fn a_session_that_ends_without_a_trip_leaves_nothing_on() {
    story(|b| {
        b.late(10_000);
        b.ask(MASK, train(0, 10_000, 50_000, 5));
        b.order(Order::End);
        b.poll();
        let told = [edge(10_000, MASK, true), verdict(10_000, MASK, Verdict::CutByEnd)];
        assert_eq!(b.told(), [&told[..], &[edge(10_000, MASK, false), (10_000, What::Ended)][..]].concat());
    });
}
