//! The monitor sees every rule that is broken, and none where all are kept.

use super::*;

const PIN: u8 = 10;
const STOP_PIN: u8 = 2;
const KEY_PIN: u8 = 3;
const DIODE_PIN: u8 = 5;
const LINE: LineId = LineId(4);

/// A line that may do anything for a second at a time.
fn free() -> OutputRules {
    OutputRules {
        line: LINE,
        pin: PIN,
        active_high: true,
        must_arm: false,
        safe_on_trip: false,
        forbidden: false,
        max_on_us: 1_000_000,
        min_off_us: 0,
        duty: None,
        pulses: None,
        total_on_us: None,
        dose_us: None,
        pulse_dose_us: 0,
        max_power_ppm: None,
    }
}

/// A session of ten seconds in which the line was on from and to these times.
fn session(times: &[(Micros, Micros)]) -> History {
    let mut history = History { until: 20_000_000, ..History::default() };
    for (from, to) in times {
        history.pin(*from, PIN, true);
        history.pin(*to, PIN, false);
    }
    history.act(0, Outside::SessionBegan);
    history.act(10_000_000, Outside::SessionEnded);
    history
}

fn rules(output: OutputRules) -> Rules {
    let watched = [(STOP_PIN, Gate::Stop, 0), (KEY_PIN, Gate::Key, 500)];
    let watched = watched.map(|(pin, gate, debounce_us)| Watched { pin, active_high: true, gate, debounce_us });
    Rules { outputs: vec![output], watched: watched.to_vec(), sensed: Vec::new() }
}

/// Which rules were broken, each once, and what was found of the first.
fn broken(output: OutputRules, history: &History) -> Vec<Rule> {
    let mut found: Vec<Rule> = judge(&rules(output), history).iter().map(|violation| violation.rule).collect();
    found.dedup();
    found
}

#[test]
fn a_line_that_keeps_to_every_rule_breaks_none() {
    let output = OutputRules {
        min_off_us: 1_000,
        duty: Some((10_000, 3_000)),
        pulses: Some(3),
        total_on_us: Some(4_000),
        dose_us: Some(4_300),
        pulse_dose_us: 100,
        max_on_us: 2_000,
        ..free()
    };
    let history = session(&[(1_000, 3_000), (4_000, 5_000), (14_000, 15_000)]);
    assert_eq!(judge(&rules(output), &history), [], "every bound is inclusive");
}

#[test]
fn one_microsecond_more_than_any_bound_is_seen() {
    let history = session(&[(1_000, 3_001), (4_000, 5_000)]);
    assert_eq!(broken(OutputRules { max_on_us: 2_000, ..free() }, &history), [Rule::MaxOn]);
    assert_eq!(broken(OutputRules { max_on_us: 2_001, ..free() }, &history), []);
    assert_eq!(broken(OutputRules { min_off_us: 1_000, ..free() }, &history), [Rule::MinOff]);
    assert_eq!(broken(OutputRules { min_off_us: 999, ..free() }, &history), []);
    assert_eq!(broken(OutputRules { pulses: Some(1), ..free() }, &history), [Rule::Pulses]);
    assert_eq!(broken(OutputRules { total_on_us: Some(3_000), ..free() }, &history), [Rule::TotalOn]);
    assert_eq!(broken(OutputRules { total_on_us: Some(3_001), ..free() }, &history), []);
    assert_eq!(broken(OutputRules { forbidden: true, ..free() }, &history), [Rule::Forbidden]);
}

#[test]
fn a_window_is_looked_at_wherever_it_lies() {
    // 2 ms at its beginning, 2 ms at its end: of 10 ms that begin with neither rise more than 3 ms are on.
    let history = session(&[(1_000, 3_000), (10_000, 12_000)]);
    let of = |window_us, on_us| broken(OutputRules { duty: Some((window_us, on_us)), ..free() }, &history);
    assert_eq!(of(10_000, 3_000), []);
    assert_eq!(of(10_000, 2_999), [Rule::Duty], "from 1 000 to 11 000");
    assert_eq!(of(11_000, 3_999), [Rule::Duty], "both whole, from 1 000 to 12 000");
    assert_eq!(of(11_000, 4_000), []);
    assert_eq!(of(2_000, 1_999), [Rule::Duty]);
}

#[test]
fn a_window_that_ends_with_a_fall_may_hold_more_than_any_that_begins_with_a_rise() {
    // A long time on, then a short one: 5 ms up to the last fall hold 4 ms, from no rise on more than 4.
    let history = session(&[(0, 3_000), (3_500, 5_500)]);
    let violations = judge(&rules(OutputRules { duty: Some((5_000, 4_400)), ..free() }), &history);
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations.iter().any(|violation| violation.at == 500 && violation.found == 4_500));
}

#[test]
fn a_dose_is_time_times_power_and_so_much_for_each_pulse() {
    let powered = OutputRules { max_power_ppm: Some(500_000), ..free() };
    let mut history = session(&[(1_000, 2_000), (5_000, 6_000)]);
    history.power(500, PIN, 500_000);
    history.power(5_500, PIN, 250_000);
    let of =
        |dose_us, pulse_dose_us| broken(OutputRules { dose_us: Some(dose_us), pulse_dose_us, ..powered }, &history);
    assert_eq!(of(875, 0), [], "500 and 250 and 125");
    assert_eq!(of(874, 0), [Rule::Dose]);
    assert_eq!(of(895, 10), []);
    assert_eq!(of(894, 10), [Rule::Dose]);
    let plain = session(&[(1_000, 2_000)]);
    assert_eq!(broken(OutputRules { dose_us: Some(999), ..free() }, &plain), [Rule::Dose], "full power without one");
}

#[test]
fn totals_are_counted_for_each_session() {
    let mut history = session(&[(1_000, 2_000), (12_000_000, 12_001_000)]);
    history.act(11_000_000, Outside::SessionBegan);
    history.act(13_000_000, Outside::SessionEnded);
    assert_eq!(broken(OutputRules { pulses: Some(1), total_on_us: Some(1_000), ..free() }, &history), []);
}

#[test]
fn a_power_above_the_ceiling_is_seen_only_while_it_is_on() {
    let powered = OutputRules { max_power_ppm: Some(500_000), ..free() };
    let mut history = session(&[(1_000, 2_000)]);
    history.power(500, PIN, 500_000);
    history.power(3_000, PIN, 1_000_000);
    assert_eq!(broken(powered, &history), []);
    history.power(1_500, PIN, 500_001);
    assert_eq!(broken(powered, &history), [Rule::Power]);
    let mut below = session(&[(1_000, 2_000)]);
    below.power(0, PIN, -1);
    assert_eq!(broken(powered, &below), [Rule::Power]);
}

#[test]
fn what_must_be_armed_is_on_only_while_it_is() {
    let output = OutputRules { must_arm: true, ..free() };
    let mut history = session(&[(1_000, 2_000)]);
    history.pin(0, KEY_PIN, true);
    assert_eq!(broken(output, &history), [Rule::Armed]);
    history.act(500, Outside::Armed(LINE.bit() | 1));
    history.act(2_000, Outside::Disarmed(u32::MAX));
    assert_eq!(broken(output, &history), []);
    history.outside.retain(|(_, act)| !matches!(act, Outside::Disarmed(_)));
    history.act(1_999, Outside::Disarmed(LINE.bit()));
    assert_eq!(broken(output, &history), [Rule::Armed], "one µs too long");
    history.outside.retain(|(_, act)| !matches!(act, Outside::Disarmed(_)));
    history.act(1_000, Outside::Disarmed(1));
    assert_eq!(broken(output, &history), [], "another line");
}

#[test]
fn nothing_that_must_be_armed_is_on_while_the_key_is_off() {
    let output = OutputRules { must_arm: true, ..free() };
    let mut history = session(&[(1_000, 2_000)]);
    history.act(0, Outside::Armed(LINE.bit()));
    history.pin(0, KEY_PIN, true);
    history.pin(1_400, KEY_PIN, false);
    assert_eq!(broken(output, &history), [Rule::Armed, Rule::Key], "its window of 500 µs is over at 1 900");
    let late = |at| if at == 1_400 { 1_500 } else { at };
    history.seen.iter_mut().for_each(|(at, _)| *at = late(*at));
    assert_eq!(broken(output, &history), []);
}

#[test]
fn what_the_key_disarmed_must_be_armed_anew() {
    let output = OutputRules { must_arm: true, ..free() };
    let mut history = session(&[(5_000, 6_000)]);
    history.act(0, Outside::Armed(LINE.bit()));
    history.pin(0, KEY_PIN, true);
    history.pin(1_000, KEY_PIN, false);
    history.pin(3_000, KEY_PIN, true);
    assert_eq!(broken(output, &history), [Rule::Armed]);
    history.act(4_000, Outside::Armed(LINE.bit()));
    assert_eq!(broken(output, &history), []);
}

#[test]
fn a_read_back_that_differs_for_too_long_switches_off() {
    let output = OutputRules { safe_on_trip: true, ..free() };
    let sensed = Sensed { output: LINE, pin: DIODE_PIN, active_high: true, within_us: 300 };
    let broken = |output, history: &History| {
        let rules = Rules { sensed: vec![sensed], ..rules(output) };
        judge(&rules, history).iter().map(|violation| violation.rule).collect::<Vec<_>>()
    };
    let mut history = session(&[(1_000, 2_000)]);
    assert_eq!(broken(output, &history), [Rule::Sensed], "never seen to be on");
    assert_eq!(broken(free(), &history), [], "another kind carries on");
    history.pin(1_300, DIODE_PIN, true);
    history.pin(2_300, DIODE_PIN, false);
    assert_eq!(broken(output, &history), []);
    history.seen.retain(|(at, _)| *at != 1_300);
    history.pin(1_301, DIODE_PIN, true);
    assert_eq!(broken(output, &history), [Rule::Sensed], "one µs too late");
    history.held.minds.push(Stretch { from: 1_100, to: 1_101 });
    assert_eq!(broken(output, &history), [], "nobody could see it for a µs");
}

#[test]
fn after_a_trip_and_while_the_stop_is_open_what_is_unsafe_is_off() {
    let output = OutputRules { safe_on_trip: true, ..free() };
    let mut history = session(&[(1_000, 2_000)]);
    history.act(1_999, Outside::Tripped);
    assert_eq!(broken(output, &history), [Rule::Trip]);
    assert_eq!(broken(free(), &history), [], "another kind carries on");
    history.outside.insert(0, (3, Outside::Tripped));
    history.outside.insert(1, (999, Outside::Reset));
    history.outside.retain(|(at, _)| *at != 1_999);
    assert_eq!(broken(output, &history), [], "a trip of long ago");

    let mut stopped = session(&[(1_000, 2_000)]);
    stopped.pin(1_500, STOP_PIN, true);
    stopped.pin(1_501, STOP_PIN, false);
    assert_eq!(broken(output, &stopped), [Rule::Stop]);
    assert_eq!(broken(free(), &stopped), []);
}

#[test]
fn outside_a_session_and_at_the_end_everything_is_off() {
    assert_eq!(broken(free(), &session(&[(9_999_000, 10_000_001)])), [Rule::Session]);
    assert_eq!(broken(free(), &session(&[(11_000_000, 11_000_001)])), [Rule::Session]);
    let mut history = session(&[(1_000, 2_000)]);
    history.pin(9_000_000, PIN, true);
    history.until = 9_500_000;
    assert_eq!(broken(free(), &history), [Rule::StillOn]);
}

#[test]
fn an_output_that_is_on_when_low_is_judged_the_same() {
    let output = OutputRules { active_high: false, max_on_us: 10, ..free() };
    let mut history = session(&[]);
    history.pin(0, PIN, true);
    history.pin(1_000, PIN, false);
    history.pin(1_011, PIN, true);
    assert_eq!(broken(output, &history), [Rule::MaxOn]);
}

#[test]
fn only_where_the_body_stood_still_it_may_be_late() {
    let output = OutputRules { max_on_us: 2_000, safe_on_trip: true, ..free() };
    let mut history = session(&[(1_000, 3_300)]);
    history.act(1_500, Outside::Tripped);
    history.held.stretches.push(Stretch { from: 2_900, to: 3_300 });
    assert_eq!(broken(output, &history), [Rule::Trip], "it was awake from 1 500 to 2 900");
    history.outside.retain(|(_, act)| *act != Outside::Tripped);
    history.act(2_950, Outside::Tripped);
    assert_eq!(broken(output, &history), []);
    history.held.stretches[0].from = 3_001;
    assert_eq!(broken(output, &history), [Rule::MaxOn, Rule::Trip]);
}
