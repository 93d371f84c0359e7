//! How loud a sound is: levels in dB become amplitudes of the speaker that plays them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{GOOD, shipped, task};
use compiler::{Compiled, Diagnostics, Options, Source, compile, read_rig};
use link::program::{Program, Table};
use link::record::{Carrier, Wave};

/// The small protocol, changed, on the rig that ships, changed.
fn played(protocol: &str, rig: &str) -> Result<Compiled, Diagnostics> {
    let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: rig.to_owned() }).unwrap();
    compile(&task(protocol), &rig, &Options::default())
}

fn sounds(compiled: &Compiled) -> Vec<Carrier> {
    let program = Program::open(&compiled.image).unwrap();
    (0..program.rows(Table::Stimuli)).filter_map(|row| program.stimulus(row).train.carrier).collect()
}

#[test]
fn twenty_decibels_below_full_scale_are_a_tenth_of_it() {
    let rig = shipped("rig-configs/sim-box.yaml").text;
    let compiled = played(&GOOD.replace("level: 70 dB", "level: 75 dB"), &rig).unwrap();
    let wave = Wave::Sine { frequency_mhz: 8_000_000 };
    assert_eq!(sounds(&compiled), [Carrier { wave, level_cdb: 7_500, amplitude: 6_554, ramp_us: 5_000 }]);
}

#[test]
fn noise_has_a_level_and_no_frequency() {
    let rig = shipped("rig-configs/sim-box.yaml").text;
    let tone = "{tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}}";
    let noise = "{noise: {level: 60 dB, duration: 1 s, ramp: 10 ms}}";
    let compiled = played(&GOOD.replace(tone, noise), &rig).unwrap();
    assert_eq!(sounds(&compiled), [Carrier { wave: Wave::Noise, level_cdb: 6_000, amplitude: 1_165, ramp_us: 10_000 }]);
    let found =
        played(&GOOD.replace(tone, "{noise: {frequency: 8 kHz, level: 60 dB, duration: 1 s}}"), &rig).unwrap_err();
    assert_eq!(found.list[0].code, "E032-unknown-key", "{found}");
}

#[test]
fn the_same_stimulus_on_two_speakers_is_as_loud_on_both() {
    let rig = shipped("rig-configs/sim-box.yaml").text.replace(
        "  mask: {kind: light,",
        "  second: {kind: speaker, pin: 14, calibration: {date: 2026-11-02, full_scale: 75 dB}}\n  mask: {kind: light,",
    );
    let protocol = GOOD.replace("  cue: speaker", "  cue: speaker\n  second: speaker").replace(
        "      - play: {line: cue, stimulus: go}\n",
        "      - play: {line: cue, stimulus: go}\n      - play: {line: second, stimulus: go}\n      - play: {line: cue, stimulus: go}\n",
    );
    let amplitudes: Vec<u16> = sounds(&played(&protocol, &rig).unwrap()).iter().map(|sound| sound.amplitude).collect();
    assert_eq!(amplitudes, [3_685, 36_853], "70 dB of 95 dB, and of 75 dB; a third `play` needs no row of its own");
}

#[test]
fn an_uncalibrated_speaker_plays_and_says_that_its_levels_are_a_guess() {
    let rig =
        shipped("rig-configs/sim-box.yaml").text.replace(", calibration: {date: 2026-11-02, full_scale: 95 dB}", "");
    let compiled = played(GOOD, &rig).unwrap();
    let told: Vec<&str> = compiled.warnings.list.iter().map(|warning| warning.code).collect();
    assert_eq!(told, ["W009-not-calibrated"]);
    assert_eq!(sounds(&compiled)[0].amplitude, 3_685);
}
