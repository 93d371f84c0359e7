//! A day of sessions on one simulated rig, with everything going wrong that can: cables, noise, a controller that hangs, halves
//! that are interrupted, pads that stick, an emergency stop, a key, resets, storms. Nobody is there but a monitor that sees
//! only the pins. No limit is exceeded, no record is lost, every journal replays.

mod box_of_trouble;
mod day;
mod troubles;

use harness::cases;

/// Minutes of simulated time in `tests/run`; twenty times as many are a day.
const MINUTES: u64 = 72;

#[test]
fn a_day_of_troubles_breaks_no_limit_and_loses_no_record() {
    let minutes = cases(MINUTES);
    let tally = day::live(minutes, 1);
    println!("{tally}");
    tally.is_rich(minutes >= 20 * MINUTES);
}
