//! `nosepoke flash`: puts the firmware on a board.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use controller::flash::{Chip, Image, drive_at, drives, the_one, unmounted};
use controller::tell;
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

impl Flash {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let drive = match &self.drive {
            Some(folder) => drive_at(folder).map_err(Complaint::new)?,
            None => the_one(drives(), unmounted()).map_err(Complaint::new)?,
        };
        let file = self.file.unwrap_or_else(|| built(drive.chip));
        let image = Image::read(&file, drive.chip).map_err(Complaint::new)?;
        if !image.is_ours() {
            tell!("warning: {} is no firmware of nosepoke, or an older one; it is copied all the same", file.display());
        }
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
