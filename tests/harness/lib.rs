//! What the stories share: where things stand in the repository.

use std::path::{Path, PathBuf};

/// The repository's top folder.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}
