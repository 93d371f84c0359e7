//! How an input that guards the rig must be wired: an emergency stop whose wire breaks has stopped, a key whose wire breaks
//! is off. Knows no protocol.

use link::rig::{Guards, Pull};

use crate::diagnostic::{Reporter, Span};

/// Polarity and resistor of an input, by what it guards and what its rig states of either. Where nothing is stated, an open
/// wire reads as active on an emergency stop and as not active on any other input.
pub(super) fn wiring(
    guards: Guards,
    active_high: Option<bool>,
    pull: Option<Pull>,
    span: Span,
    reporter: &mut Reporter,
) -> (bool, Pull) {
    // Contacts that guard go to ground: a stop that is normally closed reads low until it opens, a key until it is turned.
    let active_high = active_high.unwrap_or(match guards {
        Guards::Nothing => true,
        Guards::Stop => pull != Some(Pull::Down),
        Guards::Arming => pull == Some(Pull::Down),
    });
    let open_is_active = guards == Guards::Stop;
    let safe = if active_high == open_is_active { Pull::Up } else { Pull::Down };
    let pull = pull.unwrap_or(safe);
    if guards != Guards::Nothing && pull != safe {
        let (what, wrongly, must) = match guards {
            Guards::Stop => ("an emergency stop", "not pressed", "pressed: take a contact that is normally closed"),
            _ => ("a key", "turned on", "turned off: take a contact that is normally open"),
        };
        let reads = if pull == Pull::None { "nothing certain" } else { wrongly };
        // Where the wire goes decides the resistor; what is closed there, the polarity.
        let (active, pull) = match (pull, active_high) {
            (Pull::Up, high) => (!high, "up"),
            (Pull::Down, high) => (!high, "down"),
            (Pull::None, high) => (high, if safe == Pull::Up { "up" } else { "down" }),
        };
        let active = if active { "high" } else { "low" };
        reporter
            .error("E185-open-wire", span, format!("{what} whose wire is broken reads {reads} here"))
            .help(format!("it must read {must}, and write `active: {active}, pull: {pull}`"));
    }
    (active_high, pull)
}
