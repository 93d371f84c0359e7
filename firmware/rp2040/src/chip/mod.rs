//! The chip's registers by name, its clocks, and what differs between one chip and the next. Everything else of this body
//! stands on this and is the same on both.

#[cfg(not(rp2350))]
mod rp2040;
#[cfg(rp2350)]
mod rp2350;

#[cfg(not(rp2350))]
pub(crate) use rp2040::*;
#[cfg(rp2350)]
pub(crate) use rp2350::*;

/// Pads of a Pico of either kind.
pub(crate) const PADS: usize = 30;
/// The crystal of a Pico of either kind.
pub(crate) const CRYSTAL_HZ: u32 = 12_000_000;

/// One function for each block of registers.
macro_rules! blocks {
    ($($name:ident: $block:ident),* $(,)?) => {
        $(
            #[inline(always)]
            pub(crate) fn $name() -> &'static <pac::$block as core::ops::Deref>::Target {
                unsafe { &*pac::$block::ptr() }
            }
        )*
    };
}
use blocks;
