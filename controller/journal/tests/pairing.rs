//! Requests and what became of them at the pin, told one by one. Line 2 is a valve; line 3 a laser that must be armed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::bench::{LASER, WATER, rig};
use journal::pairing::{Tolerance, Unpaired, pair};
use link::pulses::{self, ListPulse};
use link::record::{Carrier, Request, Train, Wave};
use link::rig::{Limits, Rig, Role};
use link::{DisarmCause, EndReason, InvariantId, LineId, Micros, Record, TripCause, Verdict};

const T: Micros = 1_000_000;

fn request(request: Request) -> Record {
    Record::Request { line: WATER, request }
}

fn train(delay_us: u32, width_us: u32, period_us: u32, count: u32) -> Record {
    request(Request::Train(Train { delay_us, width_us, period_us, count, carrier: None }))
}

fn edge(on: bool) -> Record {
    Record::Edge { line: WATER, on }
}

fn verdict(verdict: Verdict) -> Record {
    Record::Verdict { line: WATER, verdict }
}

/// What does not pair in a session that was closed; times count from [`T`].
fn unpaired(records: &[(Micros, Record)]) -> Vec<Unpaired> {
    unpaired_on(&rig(), records)
}

fn unpaired_on(rig: &Rig, records: &[(Micros, Record)]) -> Vec<Unpaired> {
    let end = records.iter().map(|(at, _)| *at).max().unwrap() + 1_000_000;
    let numbered = records.iter().copied().chain([(end, Record::End(EndReason::Stopped))]).enumerate();
    pair(rig, &lists(), numbered.map(|(n, (at, record))| (n as u64, T + at, record)), Tolerance::SIMULATED, true)
        .unpaired
}

/// The pulses of two lists: 10 µs, 90 µs later 20 µs; and a single one.
fn lists() -> [ListPulse; 3] {
    [(100, 10), (0, 20), (0, 5)].map(|(distance_us, width_us)| ListPulse { distance_us, width_us })
}

fn pairs(records: &[(Micros, Record)]) {
    assert_eq!(unpaired(records), []);
}

#[test]
fn on_and_off_become_an_edge_each() {
    pairs(&[(0, request(Request::On)), (4, edge(true)), (900, request(Request::Off)), (903, edge(false))]);
    pairs(&[(0, request(Request::Off))]);
    let missing = unpaired(&[(0, request(Request::On)), (900, request(Request::Off))]);
    assert!(matches!(missing[..], [Unpaired::Request { number: 0, due: T, on: true, missing: 1, .. }]));
    let stuck = unpaired(&[(0, request(Request::On)), (4, edge(true)), (900, request(Request::Off))]);
    assert!(matches!(stuck[..], [Unpaired::StayedOn { number: 2, .. }, ..]), "{stuck:?}");
}

#[test]
fn a_train_counts_from_its_first_edge() {
    pairs(&[
        (0, train(100, 10, 50, 3)),
        (104, edge(true)),
        (114, edge(false)),
        (154, edge(true)),
        (164, edge(false)),
        (204, edge(true)),
        (214, edge(false)),
    ]);
    let drifting = unpaired(&[
        (0, train(0, 10, 50, 3)),
        (4, edge(true)),
        (14, edge(false)),
        (58, edge(true)),
        (68, edge(false)),
        (112, edge(true)),
        (122, edge(false)),
    ]);
    assert!(matches!(drifting[..], [Unpaired::Request { number: 0, .. }, ..]), "{drifting:?}");
}

#[test]
fn a_train_that_begins_late_is_one_finding() {
    let late = unpaired(&[
        (0, train(0, 10, 50, 2)),
        (40, edge(true)),
        (50, edge(false)),
        (90, edge(true)),
        (100, edge(false)),
    ]);
    assert!(matches!(late[..], [Unpaired::Late { number: 0, late_us: 40, .. }]), "{late:?}");
}

#[test]
fn pulses_that_touch_are_one() {
    pairs(&[(0, train(0, 50, 50, 4)), (3, edge(true)), (203, edge(false))]);
    pairs(&[(0, train(0, 0, 50, 4))]);
}

#[test]
fn a_later_request_cuts_a_train() {
    pairs(&[
        (0, train(0, 10, 50, 1_000_000)),
        (3, edge(true)),
        (13, edge(false)),
        (53, edge(true)),
        (55, request(Request::Off)),
        (58, edge(false)),
        (500, request(Request::On)),
        (503, edge(true)),
        (600, train(20, 10, 50, 1)),
        (603, edge(false)),
        (623, edge(true)),
        (633, edge(false)),
    ]);
}

/// Both trains may begin then, but by then the second one holds the line.
#[test]
fn an_edge_that_comes_once_a_later_request_is_taken_up_is_that_ones() {
    pairs(&[(0, train(30, 10, 50, 1)), (10, train(25, 10, 50, 1)), (50, edge(true)), (60, edge(false))]);
}

#[test]
fn on_over_a_running_pulse_gives_no_edge() {
    pairs(&[
        (0, request(Request::Deliver { volume_nl: 1, width_us: 100 })),
        (3, edge(true)),
        (50, request(Request::On)),
        (400, request(Request::Off)),
        (403, edge(false)),
    ]);
}

#[test]
fn verdicts_explain() {
    // Longer than the valve may be open.
    let long = |count| train(0, 6_000_000, 7_000_000, count);
    pairs(&[(0, long(2)), (2, verdict(Verdict::OverMaxOn))]);
    pairs(&[(0, request(Request::On)), (3, edge(true)), (5_000, verdict(Verdict::CutAtMaxOn)), (5_000, edge(false))]);
    pairs(&[
        // What ran before a refused request ends with it.
        (0, request(Request::On)),
        (3, edge(true)),
        (90, long(2)),
        (93, verdict(Verdict::OverMaxOn)),
        (93, edge(false)),
    ]);
    pairs(&[
        // Two in one breath, both refused.
        (0, long(2)),
        (1, long(3)),
        (3, verdict(Verdict::OverMaxOn)),
        (3, verdict(Verdict::OverMaxOn)),
    ]);
    pairs(&[
        // Two in one breath, the first carried out, the second too long.
        (0, train(0, 2, 50, 1)),
        (3, edge(true)),
        (5, edge(false)),
        (6, long(1)),
        (9, verdict(Verdict::OverMaxOn)),
    ]);
    // A verdict that no request can have had explains nothing.
    let short = unpaired(&[(0, train(0, 10, 50, 1)), (2, verdict(Verdict::OverMaxOn))]);
    assert!(
        matches!(short[..], [Unpaired::Request { number: 0, .. }, Unpaired::Verdict { number: 1, .. }]),
        "{short:?}"
    );
    pairs(&[(0, Record::Breach { invariant: InvariantId(0), line: WATER })]);
    assert!(matches!(unpaired(&[(3, verdict(Verdict::Tripped))])[..], [Unpaired::Verdict { number: 0, .. }]));
}

#[test]
fn a_cut_just_before_a_request_is_taken_up_comes_first() {
    // The valve had been open for as long as it may; in the microsecond it was shut the program asked for it again.
    pairs(&[
        (0, request(Request::On)),
        (3, edge(true)),
        (5_003, verdict(Verdict::CutAtMaxOn)),
        (5_003, edge(false)),
        (5_000, request(Request::On)),
        (5_003, edge(true)),
        (6_000, request(Request::Off)),
        (6_003, edge(false)),
    ]);
}

#[test]
fn a_laser_shines_only_while_armed() {
    let on = Record::Request { line: LASER, request: Request::On };
    let edge = |on| Record::Edge { line: LASER, on };
    let (armed, disarmed) = (Record::Armed { lines: 8 }, Record::Disarmed { lines: 8, cause: DisarmCause::Operator });
    pairs(&[(0, armed), (10, on), (13, edge(true)), (99, disarmed), (99, edge(false))]);
    let unarmed = unpaired(&[(10, on), (13, edge(true)), (99, Record::Trip(TripCause::HostAbort)), (99, edge(false))]);
    assert!(matches!(unarmed[..], [Unpaired::Unarmed { number: 1, .. }]), "{unarmed:?}");
    let left = unpaired(&[(0, armed)]);
    assert!(matches!(left[..], [Unpaired::LeftArmed { lines: 8, .. }]));
    assert!(matches!(unpaired(&[(0, disarmed)])[..], [Unpaired::Disarmed { lines: 8, .. }]));
}

#[test]
fn what_nobody_asked_for_is_found() {
    let edges = unpaired(&[(7, edge(true)), (9, edge(false)), (11, Record::Edge { line: LineId(31), on: true })]);
    assert!(matches!(edges[..], [Unpaired::Edge { number: 0, .. }, Unpaired::Edge { .. }, Unpaired::Edge { .. }]));
    let extra =
        unpaired(&[(0, train(0, 10, 0, 1)), (3, edge(true)), (13, edge(false)), (60, edge(true)), (70, edge(false))]);
    assert!(matches!(extra[..], [Unpaired::Edge { number: 3, .. }, Unpaired::Edge { number: 4, .. }]), "{extra:?}");
}

#[test]
fn an_endless_train_without_a_single_edge_is_one_finding() {
    let silent = unpaired(&[(0, train(0, 1, 2, u32::MAX))]);
    assert!(matches!(silent[..], [Unpaired::Request { number: 0, .. }]), "{silent:?}");
}

#[test]
fn an_interrupted_session_owes_nothing_past_its_last_record() {
    let records = [(0, train(0, 10, 50, 3)), (3, edge(true)), (13, edge(false)), (40, Record::Silence(true))];
    let numbered = records.iter().enumerate().map(|(n, (at, record))| (n as u64, T + at, *record));
    assert_eq!(pair(&rig(), &lists(), numbered, Tolerance::SIMULATED, false).unpaired, []);
}

#[test]
fn another_power_has_no_edge_and_a_power_no_line_has_is_explained_by_its_verdict_alone() {
    let mut rig = rig();
    rig.lines[WATER.index()].role =
        Role::Powered { limits: Limits::on_for(5_000_000), max_power_ppm: 1_000_000, frequency_mhz: 1_000_000 };
    let at = |power_ppm| request(Request::Power { power_ppm });
    let pulse = |power_ppm| request(Request::Train(Train::pulse(50).at_power(power_ppm)));
    let brighter = [
        (0, at(400_000)),
        (4, edge(true)),
        (100, at(600_000)),
        (900, request(Request::Off)),
        (903, edge(false)),
        (950, pulse(300_000)),
        (953, edge(true)),
        (1_003, edge(false)),
    ];
    assert_eq!(unpaired_on(&rig, &brighter), []);
    let dark = unpaired_on(&rig, &[(0, at(400_000)), (900, request(Request::Off))]);
    assert!(matches!(dark[..], [Unpaired::Request { number: 0, .. }]), "{dark:?}");
    for wrong in [at(-1), at(1_000_001), pulse(i32::MAX)] {
        assert_eq!(unpaired_on(&rig, &[(0, wrong), (3, verdict(Verdict::NoSuchPower))]), []);
    }
    let unexplained = unpaired_on(&rig, &[(0, at(1_000_000)), (3, verdict(Verdict::NoSuchPower))]);
    assert!(matches!(unexplained[..], [_, Unpaired::Verdict { number: 1, .. }]), "{unexplained:?}");
    pairs(&[(0, at(400_000)), (3, verdict(Verdict::NotAnOutput))]);
}

#[test]
fn bursts_and_lists_have_the_edges_they_say() {
    let silent = |wave| Some(Carrier::silent(wave));
    let wave = Wave::Bursts { pulses: 2, interval_us: 1_000, powered: false };
    let bursts = Train { delay_us: 0, width_us: 10, period_us: 100, count: 3, carrier: silent(wave) };
    let shape = |from: Micros, pulses: &[(Micros, Micros)]| {
        let edges = pulses.iter().flat_map(|(at, width)| [(from + at, edge(true)), (from + at + width, edge(false))]);
        edges.collect::<Vec<_>>()
    };
    let asked = |train| vec![(0, request(Request::Train(train)))];
    pairs(&[asked(bursts), shape(4, &[(0, 10), (100, 10), (1_000, 10)])].concat());
    let moved = unpaired(&[asked(bursts), shape(4, &[(0, 10), (100, 10), (200, 10)])].concat());
    assert!(!moved.is_empty(), "the second burst comes where a train would go on");
    let first = pulses::list(30, 0, lists().into_iter().take(2)).unwrap();
    pairs(&[asked(first), shape(34, &[(0, 10), (100, 20)])].concat());
    let second = pulses::list(0, 2, lists().into_iter().skip(2)).unwrap();
    pairs(&[asked(second), shape(4, &[(0, 5)])].concat());
    let wide = unpaired(&[asked(first), shape(34, &[(0, 10), (100, 10)])].concat());
    assert!(!wide.is_empty(), "its second pulse is as short as its first");
}
