//! A rig is the same read line by line as read whole, and what is no rig is none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use link::packed_rig::PackedRig;
use link::rig::{Duty, Guards, Limits, Pull, Rig, RigLine, Role, Sense, Senses, Total, holds_together};
use link::{LineId, limits};

/// A rig as full as one can be, every number as long as it can be.
fn largest() -> Rig {
    let total = Total { pulses: u32::MAX - 1, on_us: u32::MAX, dose_us: u32::MAX, pulse_dose_us: u32::MAX };
    let duty = Some(Duty { window_us: u32::MAX, on_us: u32::MAX });
    let counted = Limits { forbidden: true, min_off_us: u32::MAX, duty, total, ..Limits::on_for(u32::MAX) };
    let lines = (0..limits::MAX_LINES as u8).map(|pin| {
        let role = if usize::from(pin) < limits::MAX_COUNTED {
            Role::Powered { limits: counted, max_power_ppm: 1_000_000, frequency_mhz: u32::MAX }
        } else if pin + 1 == limits::MAX_LINES as u8 {
            Role::Input { pull: Pull::Up, debounce_us: u32::MAX, guards: Guards::Stop }
        } else {
            Role::Output { limits: Limits::on_for(u32::MAX).armed(), speaker: false }
        };
        RigLine { pin: pin + 200, active_high: true, role }
    });
    let input = LineId(limits::MAX_LINES as u8 - 1);
    let sense = |n| Sense { output: LineId(n), input, within_us: u32::MAX, trips: true };
    Rig {
        lines: lines.collect(),
        silence_us: u32::MAX,
        rejoin_us: u32::MAX,
        carry_on_us: u32::MAX,
        sample_us: u32::MAX,
        senses: (0..limits::MAX_SENSES as u8).map(sense).collect::<Senses>(),
    }
}

fn bytes_of(rig: &Rig) -> Vec<u8> {
    let mut room = [0; 4_096];
    postcard::to_slice(rig, &mut room).unwrap().to_vec()
}

#[test]
fn the_largest_rig_holds_together_reads_back_line_by_line_and_fits_the_devices_memory() {
    let rig = largest();
    assert!(rig.holds_together());
    let bytes = bytes_of(&rig);
    let packed = PackedRig::read(&bytes).expect("it is a rig");
    assert_eq!(packed.lines().collect::<Vec<_>>(), rig.lines.as_slice());
    assert_eq!(packed.senses, rig.senses);
    let (timings, all) = (packed.timings, u32::MAX);
    assert_eq!([timings.silence_us, timings.rejoin_us, timings.carry_on_us, timings.sample_us], [all; 4]);
    assert!(holds_together(packed.lines(), &packed.senses, timings.sample_us));
    assert!(bytes.len() <= 1_536, "{} bytes, and the device has 1536", bytes.len());
}

#[test]
fn bytes_cut_anywhere_or_with_more_behind_are_no_rig() {
    let mut bytes = bytes_of(&largest());
    for length in 0..bytes.len() {
        assert!(PackedRig::read(&bytes[..length]).is_none(), "cut to {length}");
    }
    bytes.push(0);
    assert!(PackedRig::read(&bytes).is_none());
    // More lines than there are bytes for.
    assert!(PackedRig::read(&[255, 255, 255, 255, 15]).is_none());
}

#[test]
fn a_rig_that_cannot_be_is_found_out() {
    type Damage = fn(&mut Rig);
    let damages: [(&str, Damage); 6] = [
        ("a pin taken twice", |rig| rig.lines[3].pin = rig.lines[4].pin),
        ("a counted output too many", |rig| rig.lines[20] = RigLine { pin: 190, ..rig.lines[0] }),
        ("an output that may never be on", |rig| {
            rig.lines[20].role = Role::Output { limits: Limits::on_for(0), speaker: false };
        }),
        ("a window too short to be counted in parts", |rig| {
            let duty = Some(Duty { window_us: 7, on_us: 1 });
            rig.lines[0].role = Role::Output { limits: Limits { duty, ..Limits::on_for(1) }, speaker: false };
        }),
        ("a sense of an input", |rig| rig.senses[0].output = rig.senses[0].input),
        ("a sense by an output", |rig| rig.senses[0].input = LineId(0)),
    ];
    for (what, damage) in damages {
        let mut rig = largest();
        damage(&mut rig);
        assert!(!rig.holds_together(), "{what}");
    }
}
