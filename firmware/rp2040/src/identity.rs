//! Which board this is, and which of its lives. Owns where its number and where chance come from at the start.

// The boot ROM is looked at by address, and its flash functions want the flash for themselves.
#![allow(unsafe_code)]

use crate::chip::hal::rom_data;
use crate::chip::{pac, rosc};

/// "Mu" and 1: where the chip's boot ROM names itself.
const ROM_MARK: *const [u8; 3] = 0x10 as *const [u8; 3];

/// The command by which a flash tells its number, the bytes it lets pass before, and those of the number.
const READ_NUMBER: u8 = 0x4B;
const PASSED: usize = 5;
const NUMBER: usize = 8;
/// Words of the loader that starts the flash.
const LOADER: usize = 64;

/// The board's number: that of its flash, which is a different one on every board. 0 where there is no boot ROM to ask,
/// as in an emulator.
///
/// # Safety
/// Nothing else may run, interrupt or DMA: the flash cannot be read meanwhile.
pub(crate) unsafe fn board() -> u64 {
    // Sound: ROM.
    if unsafe { ROM_MARK.read_volatile() } != *b"Mu\x01" {
        return 0;
    }
    let mut loader = [0; LOADER];
    for (n, word) in loader.iter_mut().enumerate() {
        // Sound: the loader lies at the flash's beginning.
        *word = unsafe { (0x1000_0000 as *const u32).add(n).read_volatile() };
    }
    let rom = Rom {
        connect: rom_data::connect_internal_flash::ptr(),
        leave_xip: rom_data::flash_exit_xip::ptr(),
        flush_cache: rom_data::flash_flush_cache::ptr(),
    };
    let mut bytes = [READ_NUMBER; PASSED + NUMBER];
    // Sound: as the caller promises.
    unsafe { exchange(&rom, &loader, &mut bytes) };
    bytes.iter().skip(PASSED).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// What the boot ROM does for us.
struct Rom {
    connect: unsafe extern "C" fn(),
    leave_xip: unsafe extern "C" fn(),
    flush_cache: unsafe extern "C" fn(),
}

/// Sends bytes to the flash and puts its answer in their place. Lies in RAM like all code that is not named cold, and
/// calls none that is: in its midst there is no flash to fetch from.
#[inline(never)]
unsafe fn exchange(rom: &Rom, loader: &[u32; LOADER], bytes: &mut [u8]) {
    let (ssi, select) = unsafe { (&*pac::XIP_SSI::ptr(), (*pac::IO_QSPI::ptr()).gpio_qspiss().gpio_ctrl()) };
    // Sound: the ROM's own functions, in the order its maker's library calls them.
    unsafe {
        (rom.connect)();
        (rom.leave_xip)();
    }
    select.modify(|_, w| w.outover().low());
    for byte in bytes {
        ssi.dr0().write(|w| unsafe { w.dr().bits(u32::from(*byte)) });
        while !ssi.sr().read().rfne().bit() {}
        *byte = ssi.dr0().read().dr().bits() as u8;
    }
    select.modify(|_, w| w.outover().high());
    // Sound: this also gives the flash its select line back; then the loader, which returns to whoever calls it.
    unsafe {
        (rom.flush_cache)();
        let start: extern "C" fn() = core::mem::transmute(loader.as_ptr() as usize | 1);
        start();
    }
}

/// A number as USB tells it and the hello shows it: 16 hexadecimal digits.
pub(crate) fn digits(id: u64) -> [u8; 16] {
    core::array::from_fn(|n| b"0123456789abcdef"[(id >> (60 - 4 * n)) as usize & 15])
}

/// A number that differs from start to start: bits of the ring oscillator, which runs free of the crystal, and the count
/// of starts since the power came on, which makes two starts differ even where the oscillator gives the same.
pub(crate) fn boot(starts: u32) -> u32 {
    let mut random = 0_u32;
    for _ in 0..32 {
        // Some time apart, so that bits do not follow from one another.
        cortex_m::asm::delay(61);
        random = (random << 1) | u32::from(rosc().randombit().read().randombit().bit());
    }
    // An odd factor: different counts give different products.
    random ^ starts.wrapping_mul(0x9E37_79B9)
}
