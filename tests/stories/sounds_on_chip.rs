//! What the speaker's pin of the emulated Pico carries, as it would be heard: tones at their frequency and level, rises as long
//! as asked for, noise, and silence between. How a sound is made, `firmware/rp2040/src/tone.rs` says.

use compiler::Source;
use emulated::{Cord, Sounded};
use harness::{OnChip, System};
use sim::animal::Scripted;

/// One sound each second: frequency, level, duration and ramp as a protocol says them; frequency in mHz, level against the
/// loudest in dB, and ramp in µs.
const TONES: [(&str, u64, i32, u64); 7] = [
    ("tone: {frequency: 100 Hz, level: 95 dB, duration: 500 ms, ramp: 5 ms}", 100_000, 0, 5_000),
    ("tone: {frequency: 440 Hz, level: 85 dB, duration: 300 ms, ramp: 20 ms}", 440_000, -10, 20_000),
    ("tone: {frequency: 1 kHz, level: 89 dB, duration: 300 ms, ramp: 0 ms}", 1_000_000, -6, 0),
    ("tone: {frequency: 3.456 kHz, level: 75 dB, duration: 300 ms, ramp: 5 ms}", 3_456_000, -20, 5_000),
    ("tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}", 8_000_000, -25, 5_000),
    ("tone: {frequency: 12.5 kHz, level: 95 dB, duration: 200 ms, ramp: 50 ms}", 12_500_000, 0, 50_000),
    ("tone: {frequency: 20 kHz, level: 95 dB, duration: 200 ms, ramp: 10 ms}", 20_000_000, 0, 10_000),
];
/// Half of the carrier's counts: as wide as the loudest sound gets.
const FULL: f64 = 1_022.0;

/// The sounds of a session that plays these, one a second.
fn heard(image: &OnChip, sounds: &[&str]) -> Vec<Sounded> {
    let stimuli: String = sounds.iter().enumerate().map(|(n, sound)| format!("  s{n}: {{{sound}}}\n")).collect();
    let states: String = (0..sounds.len())
        .map(|n| {
            let next = if n + 1 < sounds.len() { format!("t{}", n + 1) } else { "over".to_owned() };
            format!(
                "  t{n}:\n    entry: [{{trial: begin}}, {{play: {{line: cue, stimulus: s{n}}}}}]\n    \
                 transitions: [{{after: 1 s, outcome: heard, to: {next}}}]\n"
            )
        })
        .collect();
    let text = format!(
        "protocol: sounds\nlines: {{cue: speaker}}\nstimuli:\n{stimuli}session: {{ends: [{{trials: {}}}]}}\nstart: t0\n\
         states:\n{states}  over:\n    entry: [{{trial: begin}}]\n    transitions: [{{after: 100 ms, outcome: heard, to: t0}}]\n",
        sounds.len()
    );
    let system = System::written(Source { name: "sounds.yaml".to_owned(), text }, &[], 1);
    let (outcome, chip) = match system.with_animal(Scripted::new(Vec::new())).run_on_chip(image) {
        Ok(ran) => ran,
        Err(error) => panic!("{error}"),
    };
    if let Err(error) = &outcome.result {
        panic!("{error}");
    }
    assert!(chip.mishaps().is_empty(), "{:?}", chip.mishaps());
    chip.sounds().iter().map(|(_, sound)| *sound).collect()
}

#[test]
fn tones_have_their_frequency_their_level_and_their_rise() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let heard = heard(&image, &TONES.map(|(sound, ..)| sound));
    assert_eq!(heard.len(), TONES.len(), "{heard:?}");
    println!("| asked | heard, Hz | off by | level off by, dB | half of the rise, ms |\n|---|---|---|---|---|");
    for ((asked, mhz, level_db, ramp_us), sound) in TONES.iter().zip(&heard) {
        let off = sound.frequency_mhz as f64 / *mhz as f64 - 1.0;
        let level = 20.0 * (f64::from(sound.widths.1) / FULL).log10() - f64::from(*level_db);
        let half_us = sound.half_ns as f64 / 1_000.0;
        println!(
            "| {asked} | {:.3} | {:.4} % | {level:.2} | {:.2} |",
            sound.frequency_mhz as f64 / 1_000.0,
            off * 100.0,
            half_us / 1_000.0
        );
        assert!(off.abs() < 1e-3, "{asked}: {off}");
        assert!(level.abs() < 0.5, "{asked}: {level} dB");
        assert_eq!(sound.widths.0, 0, "{asked}: silence is a pin that is low");
        // A table is renewed at steps, and half of a swing waits for its next peak, or, of a slow sine, comes before it.
        let (period_us, step_us) = (1e9 / *mhz as f64, 250.0 + 1e9 / *mhz as f64);
        let rise_us = *ramp_us as f64 / 2.0;
        // It is heard from its first whole count on, and rises as a squared sine does.
        let unheard_us = 2.0 * rise_us * (2.0 / f64::from(sound.widths.1)).sqrt().asin() / std::f64::consts::FRAC_PI_2;
        assert!(
            half_us > rise_us - unheard_us - 100.0 - period_us / 4.0 && half_us < rise_us + 2.0 * step_us,
            "{asked}: half of it after {half_us} µs"
        );
    }
}

#[test]
fn noise_is_as_loud_as_asked_for_and_rises() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let heard = heard(
        &image,
        &[
            "noise: {level: 95 dB, duration: 300 ms, ramp: 0 ms}",
            "noise: {level: 75 dB, duration: 300 ms, ramp: 20 ms}",
        ],
    );
    println!("{heard:?}");
    assert_eq!(heard.len(), 2);
    let [loud, soft] = [heard[0], heard[1]];
    let apart = 20.0 * (f64::from(loud.widths.1) / f64::from(soft.widths.1)).log10();
    assert!((apart - 20.0).abs() < 0.5, "20 dB apart, and {apart} heard");
    assert!(loud.half_ns < 1_000_000, "without a rise it is there at once");
    assert!((5_000_000..14_000_000).contains(&soft.half_ns), "with one of 20 ms it rises");
}

#[test]
fn sweeps_glide_and_pips_come_again() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let heard = heard(
        &image,
        &[
            "sweep: {from: 2 kHz, to: 8 kHz, level: 95 dB, duration: 300 ms}",
            "sweep: {from: 2 kHz, to: 8 kHz, scale: linear, level: 95 dB, duration: 300 ms}",
            "sweep: {from: 20 kHz, to: 10 kHz, scale: linear, level: 75 dB, duration: 300 ms, ramp: 20 ms}",
            "tone: {frequency: 4 kHz, level: 89 dB, duration: 50 ms, ramp: 5 ms, rate: 5 Hz, count: 4}",
        ],
    );
    println!("{heard:?}");
    // The mean over its time: of as many octaves in each part of it, (8 - 2) / ln 4 kHz.
    for (sound, mean_hz) in heard.iter().zip([6_000.0 / 4_f64.ln(), 5_000.0, 15_000.0]) {
        let off = sound.frequency_mhz as f64 / 1_000.0 / mean_hz - 1.0;
        assert!(off.abs() < 0.01, "{mean_hz} Hz on the mean, off by {off}: {sound:?}");
    }
    let level = 20.0 * (f64::from(heard[2].widths.1) / FULL).log10() + 20.0;
    assert!(level.abs() < 0.5, "{level} dB off");
    assert!((6_000_000..14_000_000).contains(&heard[2].half_ns), "it rises: {:?}", heard[2]);
    assert_eq!(heard.len(), 3 + 4, "four pips");
    assert!(heard[3..].iter().all(|pip| (pip.frequency_mhz as f64 / 4e6 - 1.0).abs() < 1e-3), "{:?}", &heard[3..]);
}
