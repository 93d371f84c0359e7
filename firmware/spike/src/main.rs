//! A throw-away image that times the device on the chip: its three levels on three interrupt priorities, the interlock in
//! the path. Owns nothing that is kept; what was learnt stands in `docs/decisions/`.
//!
//! On a host it only says how large its two programs are, so that the workspace builds everywhere.

#![cfg_attr(target_os = "none", no_std, no_main)]
// Placing what is cold in the flash, in the chip's image alone.
#![allow(unsafe_code)]

#[cfg(target_os = "none")]
mod board;

include!(concat!(env!("OUT_DIR"), "/words.rs"));

/// The flagship's shape, with short times; see `programs.rs`.
#[cfg_attr(target_os = "none", unsafe(link_section = ".rodata.cold"))]
static FLAGSHIP: [u32; FLAGSHIP_WORDS] = include!(concat!(env!("OUT_DIR"), "/flagship.rs"));
/// Everything at its stated maximum; see `programs.rs`.
#[cfg_attr(target_os = "none", unsafe(link_section = ".rodata.cold"))]
static MAXIMUM: [u32; MAXIMUM_WORDS] = include!(concat!(env!("OUT_DIR"), "/maximum.rs"));

/// The rig, as the link carries it.
#[cfg(target_os = "none")]
static RIG: &[u8] = include!(concat!(env!("OUT_DIR"), "/rig.rs"));

#[cfg(not(target_os = "none"))]
fn main() {
    for (name, words) in [("flagship", &FLAGSHIP[..]), ("maximum", &MAXIMUM[..])] {
        println!("{name}: {} bytes", size_of_val(words));
    }
    println!("engine on this host: {} bytes", size_of::<engine::Engine>());
}
