//! The device on a Raspberry Pi Pico: clock, bytes, pins, tones, powers, samples and a watchdog for the core. Owns the chip and
//! the order of the start; knows nothing of experiments.
//!
//! On a host there is no chip, and the program only says so.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod adc;
#[cfg(target_os = "none")]
mod chip;
#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod fault;
#[cfg(any(target_os = "none", test))]
mod glide;
#[cfg(target_os = "none")]
mod identity;
#[cfg(target_os = "none")]
mod kept;
#[cfg(target_os = "none")]
mod levels;
#[cfg(target_os = "none")]
mod owned;
#[cfg(target_os = "none")]
mod pins;
#[cfg(target_os = "none")]
mod ports;
#[cfg(target_os = "none")]
mod power;
#[cfg(target_os = "none")]
mod shift;
#[cfg(target_os = "none")]
mod stamp;
#[cfg(target_os = "none")]
mod start;
#[cfg(target_os = "none")]
mod strike;
#[cfg(target_os = "none")]
mod tone;
#[cfg(target_os = "none")]
mod uart;
#[cfg(target_os = "none")]
mod usb;
#[cfg(target_os = "none")]
mod watchdog;
#[cfg(any(target_os = "none", test))]
mod wave;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("This is the image for a chip. Build it with: cargo firmware");
}
