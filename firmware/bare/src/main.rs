//! The shortest way from an edge to an edge there is on this chip with an interrupt: one handler, in RAM, copies pin 2 to
//! pin 14 at 200 MHz. Owns nothing that is used at a rig: the device's answers are compared with it.
//!
//! On a host there is no chip, and the program only says so.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod chip;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("This is an image for a chip; `cargo run --release -p nosepoke-tests --bin timing` runs it.");
}
