//! The image and the tools it takes: builds what is asked for, sets the emulator up, and says what is missing. The one place
//! that knows where things stand in the repository.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why there is no image or no emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageError {
    /// There is no node on this machine.
    NoNode,
    /// The emulator could not be set up.
    Emulator(String),
    /// The image could not be built.
    Build(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode => f.write_str("the emulated chip needs node 18 or later on the path"),
            Self::Emulator(said) => write!(f, "`npm ci` in tests/emulator failed: {said}"),
            Self::Build(said) => write!(f, "the image does not build: {said}"),
        }
    }
}

impl std::error::Error for ImageError {}

/// The emulator's script, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// `tests/emulator/bench.mjs`.
    pub script: PathBuf,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// Runs a command; what it said if it failed.
fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl Tools {
    /// Finds node and sets the emulator up if it is not.
    ///
    /// # Errors
    /// When there is no node, or its packages cannot be had.
    pub fn ready() -> Result<Self, ImageError> {
        run(Command::new("node").arg("--version")).map_err(|_| ImageError::NoNode)?;
        let folder = top().join("tests/emulator");
        if !folder.join("node_modules/rp2040js").is_dir() {
            let arguments = ["ci", "--silent", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"];
            run(Command::new("npm").args(arguments).current_dir(&folder)).map_err(ImageError::Emulator)?;
        }
        Ok(Self { script: folder.join("bench.mjs") })
    }
}

/// Builds the image of a package for the RP2040 with these features of its own; where its ELF file is.
///
/// # Errors
/// When it does not build.
pub fn build(package: &str, features: &[&str]) -> Result<PathBuf, ImageError> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top().join("target"), PathBuf::from);
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(top()).args(["build", "--quiet", "--package", package]);
    command.args(["--target", "thumbv6m-none-eabi", "--profile", "firmware"]);
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    run(&mut command).map_err(ImageError::Build)?;
    Ok(target.join("thumbv6m-none-eabi/firmware").join(package))
}
