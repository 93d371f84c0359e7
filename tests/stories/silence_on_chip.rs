//! A controller that is not heard any more, on the emulated chip: its cable is pulled, or carries nothing but noise. What must be
//! armed is safe at the pads when the rig has borne the silence for as long as it does, everything else when the session ends
//! by itself.

use emulated::Cord;
use harness::deadly::scene::{DIES_US, TRIAL_US};
use harness::deadly::{self, Doom, Held, Scene};
use harness::{Aftermath, Cut, OnChip, System};
use link::Micros;

/// How long a session goes on by itself here, in µs.
const CARRY_ON_US: Micros = 1_000_000;
/// What may come on top of a limit.
const MS_NS: u64 = 1_000_000;

fn falls_silent(cord: Cord, cut: Cut) {
    let Some(image) = OnChip::ready(cord) else { return };
    let rig = deadly::of_the_tests();
    let scene = Scene::all(&rig, Held::On, Doom::None).expect("the rig has outputs for it");
    let mut system = System::on_rig(scene.protocol.clone(), &scene.rig, &[], 1);
    system.arm = scene.armed().map(|name| Scene::line(&system.compiled, name).bit()).fold(0, |set, line| set | line);
    system.compiled.rig.carry_on_us = CARRY_ON_US as u32;
    system.compiled.rig.rejoin_us = 500_000;
    let by_itself_us = scene.silence_us + CARRY_ON_US + TRIAL_US;
    system.give_up_after_us = Some(DIES_US + by_itself_us + 1_000_000);
    let image = OnChip { cut: Some((DIES_US, cut)), ..image };
    let after = Aftermath::of(&image, system, &[]);
    assert!(after.rig.mishaps().is_empty(), "{:?}", after.rig.mishaps());
    let mut longest = [0, 0];
    for (cast, fate) in scene.cast.iter().zip(&after.fates) {
        let armed = cast.output.must_arm;
        let bound_ns = if armed { scene.silence_us } else { by_itself_us } * 1_000 + MS_NS;
        assert!(fate.safe_after_ns <= bound_ns, "{cord:?}, {cut:?}: {} {}", cast.output.name, fate.safe_after_ns);
        let slot = &mut longest[usize::from(armed)];
        *slot = fate.safe_after_ns.max(*slot);
    }
    let [others, armed] = longest;
    println!("{cord:?}, {cut:?}: armed lines safe {armed} ns after the last word, the others after {others} ns");
    assert!(armed > 0 && others > armed, "{:?}", after.fates);
}

#[test]
fn a_cable_that_is_pulled_makes_armed_lines_safe_within_the_silence_limit() {
    falls_silent(Cord::Usb, Cut::Out);
    falls_silent(Cord::Uart, Cut::Out);
}

#[test]
fn a_cable_with_nothing_but_noise_is_silence() {
    falls_silent(Cord::Usb, Cut::Noise);
    falls_silent(Cord::Uart, Cut::Noise);
}
