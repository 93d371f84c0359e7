//! What the stories share: where things stand in the repository, a whole simulated system in one call, and a disk in
//! memory. The stories say what must hold; nothing is asserted here.

mod disk;
mod system;

use std::path::{Path, PathBuf};

pub use disk::Disk;
pub use system::{Outcome, System, generated};

/// The repository's top folder.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// How many cases a story over random cases runs: few in `tests/run`, many in `tests/long`.
#[must_use]
pub fn cases(few: u64) -> u64 {
    std::env::var("NOSEPOKE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(few)
}
