//! The times and counts both ends keep to, so that a link that loses, garbles, doubles and delays frames still carries
//! every command and every record exactly once, in order.
//!
//! - **Commands** go one at a time. The controller repeats one every [`RESEND_US`] until a frame says it was applied;
//!   the device takes each number once.
//! - **Records** go back to the first one not *received* when nothing new was received for [`RESEND_US`]. *Durable*
//!   alone frees the device's memory.
//! - **Life**: the controller sends a frame every [`BEAT_US`], and one every [`REPEAT_US`] while the last is unanswered.
//!   The device answers every frame it hears, and otherwise speaks only of records, to a controller it hears.

/// From one frame of the controller to the next when there is nothing to say, in µs.
pub const BEAT_US: u64 = 50_000;
/// From one frame of the controller to the next while the device has not answered, in µs.
pub const REPEAT_US: u64 = 10_000;
/// How long an unanswering device is asked every [`REPEAT_US`] before the controller falls back to [`BEAT_US`], in µs.
pub const EAGER_US: u64 = 1_000_000;
/// How long the controller may keep an acknowledgement of records to itself, in µs.
pub const ACK_US: u64 = 5_000;
/// Without progress for this long, a command or a record is sent again, in µs.
pub const RESEND_US: u64 = 20_000;
/// How long a record waits for company in its frame, in µs.
pub const FLUSH_US: u64 = 20_000;
/// Records that are company enough.
pub const FLUSH_RECORDS: u32 = 24;
/// Records that may be on their way at once.
pub const WINDOW_RECORDS: u32 = 1_024;
/// Silence after which the device sends no records until it hears the controller again, in µs.
pub const PRESENT_US: u64 = 250_000;
/// How far a controller starts counting its commands beyond the last one applied: a command of its own former life,
/// still under way, then never passes for one of its own.
pub const SEQUENCE_LEAP: u16 = 256;

/// Whether command number `seq` comes after `applied`, in numbers that wrap.
#[must_use]
pub const fn comes_after(seq: u16, applied: u16) -> bool {
    let distance = seq.wrapping_sub(applied);
    distance != 0 && distance < 0x8000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_wrap_keep_their_order() {
        assert!(comes_after(1, 0) && comes_after(0, 65_535) && comes_after(255, 65_535));
        assert!(!comes_after(7, 7) && !comes_after(0, 1) && !comes_after(65_535, 0));
    }
}
