//! The simulated person at a simulated rig: presses, turns and moves what a self-test asks for, half a second after it is
//! asked.

use compiler::Compiled;
use link::LineId;
use link::rig::{Guards, Role};
use sim::animal::{Scripted, Tap};

use super::{How, Try};

/// How long the person takes to begin, in µs.
const REACTION_US: u64 = 500_000;
/// How long a lever is held, in µs.
const HELD_US: u64 = 200_000;

/// What the person does for a try.
#[must_use]
pub fn hands(tried: &Try, compiled: &Compiled) -> Scripted {
    let place = compiled.symbols.lines.iter().position(|line| line.name == tried.line);
    let Some(line) = place.and_then(|place| u8::try_from(place).ok()).map(LineId) else {
        return Scripted::new(Vec::new());
    };
    let role = compiled.rig.lines.get(line.index()).map(|line| line.role);
    let tap = |at_us, active| Tap::new(at_us, line, active);
    let taps = match &tried.how {
        How::Touched { .. } => {
            let mut taps = vec![tap(REACTION_US, true), tap(REACTION_US + HELD_US, false)];
            // One that was turned before is turned again.
            if let Some(Role::Input { guards: Guards::Arming, .. }) = role {
                taps.extend([tap(2 * REACTION_US, true), tap(2 * REACTION_US + HELD_US, false)]);
            }
            taps
        }
        How::Stopped => vec![tap(REACTION_US, true)],
        How::Moved => {
            let far = if matches!(role, Some(Role::Encoder { .. })) { [400, 0] } else { [500, 3_500] };
            let travel = |at_us, raw| Tap::travel(at_us, line, raw, REACTION_US);
            far.into_iter().zip(1..).map(|(raw, n)| travel(n * 2 * REACTION_US, raw)).collect()
        }
        How::On { .. } | How::Sound { .. } | How::Released | How::Looped { .. } => Vec::new(),
    };
    Scripted::new(taps)
}
