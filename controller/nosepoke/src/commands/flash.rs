//! `nosepoke flash`: puts the firmware on a board.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use controller::flash::{Chip, Drive, Image, drive_at, drives, unmounted};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Complaint, say};

/// Puts the firmware on a board that was plugged in with its BOOTSEL button held.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke flash\n  \
    nosepoke flash nosepoke-rp2040.uf2\n  \
    nosepoke flash nosepoke-rp2040.uf2 --drive /media/me/RPI-RP2")]
pub(crate) struct Flash {
    /// The firmware, a UF2 file; what `cargo firmware` built if none is named.
    file: Option<PathBuf>,
    /// The board's drive; found by itself if there is one.
    #[arg(long, value_name = "DIR")]
    drive: Option<PathBuf>,
}

/// How a board is made to wait for firmware.
const HOW: &str = "unplug the board, hold its BOOTSEL button, plug it in, let go: a drive RPI-RP2 (Pico) or RP2350 (Pico 2) \
                   appears. A board that runs a session is better left alone until it is over";

impl Flash {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let drive = match &self.drive {
            Some(folder) => drive_at(folder).map_err(Complaint::new)?,
            None => the_drive()?,
        };
        let file = self.file.unwrap_or_else(|| built(drive.chip));
        let image = Image::read(&file, drive.chip).map_err(Complaint::new)?;
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(image.len() as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}") {
            bar.set_style(style);
        }
        image.copy_to(&drive, |copied| bar.set_position(copied as u64)).map_err(Complaint::new)?;
        bar.finish_and_clear();
        say(format_args!(
            "{} is on the {} at {} ({} bytes); the board starts it by itself",
            file.display(),
            drive.chip,
            drive.folder.display(),
            image.len()
        ))?;
        say("look     nosepoke devices")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Where `cargo firmware` puts what it builds.
fn built(chip: Chip) -> PathBuf {
    Path::new("target/firmware").join(format!("nosepoke-{}.uf2", chip.word()))
}

/// The one board that waits for firmware.
fn the_drive() -> Result<Drive, Complaint> {
    let mut found = drives();
    if found.len() > 1 {
        let each: Vec<String> = found.iter().map(|drive| format!("\n  --drive {}", drive.folder.display())).collect();
        return Err(Complaint::new(format_args!(
            "{} boards wait for firmware; say which:{}",
            found.len(),
            each.concat()
        )));
    }
    found.pop().ok_or_else(|| match unmounted().first() {
        Some(device) => Complaint::new(format_args!(
            "a board waits for firmware, and its drive is not mounted: udisksctl mount -b {}",
            device.display()
        )),
        None => Complaint::new(format_args!("no board waits for firmware: {HOW}")),
    })
}
