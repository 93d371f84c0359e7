//! The same session begun, aborted and forgotten again and again on one device that is never reset. What was seen of each is
//! counted from its own start.

use controller::lockstep::Cable;
use link::Micros;
use link::frame::MAX_FRAME;
use link::message::Command;
use sim::{Memory, PinEdge, SimRig, SimSettings, WireFaults};

use super::host::{Hand, Host};
use super::room::{Room, turn_keys};
use super::scene::{DIES_US, Scene};

/// The longest that one of them may take, in µs.
const LONGEST_US: Micros = 20_000_000;

/// Plays a scene so many times and aborts it each time: the edges of each, and when it was aborted, in µs after its start.
///
/// # Panics
/// When the device refuses anything, or one of the sessions never ends.
#[must_use]
pub fn aborted_again(scene: &Scene, times: u32, seed: u64) -> Vec<(Vec<PinEdge>, Micros)> {
    let compiled = scene.compiled();
    let armed = scene.armed().fold(0, |set, name| set | Scene::line(&compiled, name).bit());
    let mut memory = Box::new(Memory::new());
    let settings = SimSettings { preempt: 0.0, ..SimSettings::new(seed) };
    let room = Room::new(&compiled.rig, Vec::new(), None);
    let mut rig = SimRig::new(&mut memory, &settings, &compiled.rig, Box::new(room));
    rig.connect_scope();
    turn_keys(&compiled.rig, &rig);
    let mut hand = Hand::new(&compiled, armed, 1);
    let mut cable = Cable::new(WireFaults::NONE, seed);
    let mut now = 0;
    let mut all = Vec::new();
    let rest_us = scene.cast.iter().map(|cast| cast.output.min_off_us).max().unwrap_or(0);
    for session in 1..=times {
        let (begun_at, mut began, mut aborted_at) = (now, None, None);
        let mut over_at = None;
        // What was on must have been off for long enough to go on again.
        while over_at.is_none_or(|at| now < at + rest_us) {
            if hand.is_done() {
                over_at = over_at.or(Some(now));
            }
            turn(&mut rig, &mut hand, &mut cable, now);
            began = began.or(rig.began());
            if let (Some(began), None) = (began, aborted_at)
                && now >= began + DIES_US
            {
                aborted_at = Some(now - began);
                hand.command(Command::Abort);
                turn(&mut rig, &mut hand, &mut cable, now);
            }
            let coming = [
                rig.poll_at(),
                hand.poll_at(),
                cable.to_device.next_at(),
                cable.to_host.next_at(),
                began.filter(|_| aborted_at.is_none()).map(|began| began + DIES_US),
            ];
            now = coming.into_iter().flatten().min().unwrap_or(now).max(now + 1);
            assert!(over_at.is_some() || now < begun_at + LONGEST_US, "abort {session}: the session never ends");
        }
        assert!(hand.refused.is_empty(), "abort {session}: {:?}", hand.refused);
        let began = began.unwrap_or(begun_at);
        let edges = rig.take_scope().into_iter().map(|edge| PinEdge { at: edge.at - began, ..edge });
        all.push((edges.collect(), aborted_at.unwrap_or(0)));
        hand.begin(&compiled, armed, session + 1);
    }
    all
}

/// Everything that is due now, at both ends.
fn turn(rig: &mut SimRig<'_>, hand: &mut Hand, cable: &mut Cable, now: Micros) {
    let mut frame = [0; MAX_FRAME];
    while cable.to_device.receive(now, |bytes| rig.handle_bytes(now, bytes)) {}
    rig.run_until(now);
    while let Some(used) = rig.poll_transmit(now, &mut frame) {
        cable.to_host.send(now, &frame[..used]);
    }
    while cable.to_host.receive(now, |bytes| hand.handle_bytes(now, bytes)) {}
    hand.poll(now);
    while let Some(used) = hand.poll_transmit(now, &mut frame) {
        cable.to_device.send(now, &frame[..used]);
    }
}
