//! Firmware and nosepoke of different versions: the real image, made to say that it speaks an older or a newer link, on the
//! emulated Pico at the far end of a serial port, and the real command line before it. Nothing is started, and whoever sits
//! before it is told which side to update.
//!
//! An image says what it speaks at one mark, which `nosepoke flash` reads too; only there it is changed.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};

use emulated::{Cord, Seen};
use harness::{Desk, OnChip, nosepoke, said};
use link::versions::Versions;
use sim::animal::Scripted;

/// The light is on at once, if anything is started.
const LIT: &str = "protocol: lit
lines: {mask: light, laser: laser}
stimuli:
  flash: {pulses: {width: 20 ms, rate: 20 Hz, count: 3}}
session: {ends: [{trials: 1}]}
start: tick
states:
  tick:
    entry:
      - trial: begin
      - {pulse: {line: mask, stimulus: flash}}
      - {pulse: {line: laser, stimulus: flash}}
    transitions: [{after: 300 ms, outcome: ticked, to: tick}]
";

const BOX: &str = "rig: version-box
body: rp2040
supply: separate
host: {silence: 1 s}
lines:
  mask: {kind: light, pin: 12, max_on: 60 s}
  laser: {kind: laser, pin: 13, max_on: 5 s, arm: required}
";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The image, saying that it speaks these.
fn speaking(image: &OnChip, name: &str, versions: Versions) -> OnChip {
    let mut bytes = fs::read(&image.image).expect("the image reads");
    let (place, ours) = Versions::find(&bytes).expect("the image says what it speaks");
    assert_eq!(ours, Versions::OURS);
    let marked = versions.marked();
    assert_eq!(Versions::find(&bytes[place + 1..]), None, "it says so once");
    bytes[place..place + marked.len()].copy_from_slice(&marked);
    let path = folder(&format!("{name}.elf"));
    fs::write(&path, bytes).expect("the image is written");
    OnChip { image: path, ..image.clone() }
}

fn desk(name: &str, image: &OnChip) -> Desk {
    Desk::new(&folder(name), image, BOX, LIT, &[], Box::new(Scripted::new(Vec::new())))
}

/// How often light and laser went on.
fn rises(seen: &Seen) -> [usize; 2] {
    [12, 13].map(|pin| seen.edges.iter().filter(|edge| edge.pin == pin && edge.high).count())
}

/// `devices` and `run` before an image that says this must both refuse with `words`, and leave the rig as it was.
fn refused(name: &str, cord: Cord, versions: Versions, words: &str, column: &str) {
    let Some(image) = OnChip::ready(cord) else { return };
    let desk = desk(name, &speaking(&image, name, versions));
    let ask = || nosepoke().args(["devices", "--port"]).arg(desk.port()).output().expect("the program starts");
    // On a busy machine the emulated board may take longer to start than a real one.
    let answered = (0..100).map(|_| ask()).find(|devices| !said(devices).contains("nobody answers"));
    let devices = answered.expect("the board answers");
    assert!(!devices.status.success(), "{}", said(&devices));
    assert!(said(&devices).contains(words) && said(&devices).contains(column), "{}", said(&devices));
    assert!(said(&devices).contains("e6616408432c3527"), "which board it is can be read: {}", said(&devices));

    let ran =
        desk.run(&["--arm", "laser", "--operator", "KS", "--subject", "R12"]).wait_with_output().expect("it ends");
    assert!(!ran.status.success(), "{}", said(&ran));
    assert!(said(&ran).contains(words), "{}", said(&ran));
    println!("{name}: {}", String::from_utf8_lossy(&ran.stderr).trim());
    let left = fs::read_dir(folder(name)).expect("the folder reads").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != "port").collect();
    assert_eq!(left.len(), 2, "protocol and rig-config, and no journal: {left:?}");

    let seen = desk.take_away();
    assert_eq!(seen.failed, None);
    assert!(seen.mishaps.is_empty(), "{:?}", seen.mishaps);
    assert_eq!(rises(&seen), [0, 0], "no output moved");
}

#[test]
fn firmware_that_is_too_old_is_refused_over_usb() {
    let versions = Versions { min: 0, current: 0, schema: !Versions::OURS.schema };
    refused("versions-old-usb", Cord::Usb, versions, "update the device", "update the board");
}

#[test]
fn firmware_that_is_too_old_is_refused_over_a_serial_line() {
    let versions = Versions { min: 0, current: 0, schema: !Versions::OURS.schema };
    refused("versions-old-uart", Cord::Uart, versions, "update the device", "update the board");
}

#[test]
fn firmware_that_is_too_new_is_refused() {
    let next = Versions::OURS.current + 1;
    let versions = Versions { min: next, current: next, schema: !Versions::OURS.schema };
    refused("versions-new", Cord::Usb, versions, "update the controller", "update nosepoke");
}

#[test]
fn firmware_of_this_version_from_other_sources_is_refused() {
    let versions = Versions { schema: !Versions::OURS.schema, ..Versions::OURS };
    refused(
        "versions-forked",
        Cord::Usb,
        versions,
        "built from different sources: update the device",
        "update the board",
    );
}

#[test]
fn firmware_that_is_newer_and_still_understands_this_version_runs_a_session() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let Versions { current, schema, .. } = Versions::OURS;
    let newer = Versions { current: current + 1, schema: !schema, ..Versions::OURS };
    let desk = desk("versions-newer", &speaking(&image, "versions-newer", newer));
    let ran = desk.run(&[]).wait_with_output().expect("it ends");
    assert!(ran.status.success(), "{}", said(&ran));
    let seen = desk.take_away();
    assert_eq!(rises(&seen), [3, 0], "three flashes, and nobody armed the laser");
}
