//! `cargo firmware`: builds the images, proves what must hold of them, prints where their memory goes, and writes what is
//! copied to a board. Owns the chips there are and the order of the steps.

mod calls;
mod image;
mod map;
mod proof;
mod thumb;
mod uf2;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use image::Image;
use proof::{LEVELS, Level, prove};

/// A chip we build for.
struct Chip {
    name: &'static str,
    target: &'static str,
    /// Its number in UF2: <https://github.com/microsoft/uf2/blob/master/utils/uf2families.json>.
    family: u32,
    ram: u32,
    /// Bytes of flash an image may take: what it takes today and room to grow, so that a leap is noticed.
    flash_budget: u32,
    /// The levels of which something is proven.
    levels: &'static [Level],
}

const CHIPS: [Chip; 2] = [
    Chip {
        name: "rp2040",
        target: "thumbv6m-none-eabi",
        family: 0xE48B_FF56,
        ram: 264 * 1024,
        flash_budget: 208 * 1024,
        levels: &LEVELS,
    },
    // Its instructions are more than we can read: nothing is proven of its levels.
    Chip {
        name: "rp2350",
        target: "thumbv8m.main-none-eabihf",
        family: 0xE48B_FF59,
        ram: 520 * 1024,
        flash_budget: 208 * 1024,
        levels: &[],
    },
];

const HELP: &str = "\
Builds the images for chips into target/firmware, as ELF and UF2.

Usage: cargo firmware [CHIP]...

  CHIP   rp2040 or rp2350; both if none is named";

fn main() -> ExitCode {
    let asked: Vec<String> = env::args().skip(1).collect();
    if asked.iter().any(|word| word == "-h" || word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = asked.iter().find(|word| CHIPS.iter().all(|chip| chip.name != *word)) {
        eprintln!("no image is made for `{unknown}`\n\n{HELP}");
        return ExitCode::from(2);
    }
    let mut good = true;
    for chip in CHIPS.iter().filter(|chip| asked.is_empty() || asked.iter().any(|word| word == chip.name)) {
        match make(chip) {
            Ok(holds) => good &= holds,
            Err(error) => {
                eprintln!("{}: {error}", chip.name);
                good = false;
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds one image and everything that comes of it; whether all that must hold does.
fn make(chip: &Chip) -> Result<bool, Box<dyn std::error::Error>> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--package", "nosepoke-rp2040", "--profile", "firmware", "--target", chip.target])
        .current_dir(&top)
        .status()?;
    if !built.success() {
        return Err(format!("it does not build; is its target there? rustup target add {}", chip.target).into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| top.join("target"), PathBuf::from);
    let file = fs::read(target.join(chip.target).join("firmware/nosepoke-rp2040"))?;
    let image = Image::read(&file)?;
    let found = prove(&image, chip.levels, chip.flash_budget);

    let folder = target.join("firmware");
    fs::create_dir_all(&folder)?;
    let name = format!("nosepoke-{}", chip.name);
    fs::write(folder.join(format!("{name}.elf")), &file)?;
    let pieces: Vec<_> = image.pieces().collect();
    fs::write(folder.join(format!("{name}.uf2")), uf2::write(&pieces, chip.family))?;

    println!("{}", map::table(chip.name, &image, chip.ram));
    if !chip.levels.is_empty() {
        println!("{}", map::levels(&found));
    }
    println!("{} and .elf", folder.join(format!("{name}.uf2")).display());
    for fault in &found.faults {
        eprintln!("{}: {fault}", chip.name);
    }
    Ok(found.faults.is_empty())
}
