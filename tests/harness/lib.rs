//! What the stories share: where things stand in the repository, a whole simulated system in one call, and a disk in
//! memory. The stories say what must hold; nothing is asserted here.

mod aftermath;
mod again;
mod cut;
pub mod deadly;
mod disk;
pub mod dying;
mod fidgets;
mod later;
mod loaded;
pub mod monitor;
mod noisy;
mod on_chip;
mod system;
mod table;

use std::path::{Path, PathBuf};

pub use aftermath::{Aftermath, Fate};
pub use again::{Again, Round};
pub use assembler::random::cases;
pub use cut::Cut;
pub use disk::Disk;
pub use dying::{Dying, End};
pub use fidgets::fidgets;
pub use loaded::{RingUse, loaded, ring_use};
pub use on_chip::{Both, OnChip, on_both, same_on_chip};
pub use system::{Outcome, System, generated};
pub use table::{Desk, nosepoke, said};

/// The repository's top folder.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}
