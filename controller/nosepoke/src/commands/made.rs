//! Files that a command makes, as pictures and schemas: each is there whole or not at all, and never in the place of what it was
//! made of.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use super::Complaint;

/// Writes a file that is made of another one.
pub(super) fn write(path: &Path, contents: &str, of: Option<&Path>) -> Result<(), Complaint> {
    let is_source = of.is_some_and(|of| is_same(path, of));
    if is_source || path.extension().is_some_and(|ending| ending == "npj") {
        let what = if is_source { "this is the file it would be made of" } else { "a journal is never written over" };
        return Err(Complaint::new(format_args!("{}: {what}; name another file", path.display())));
    }
    // A pipe or a device has one end for all, and nothing to put in its place.
    let written = match fs::metadata(path) {
        Ok(about) if !about.is_file() => fs::write(path, contents),
        _ => write_whole(path, contents),
    };
    written.map_err(|error| Complaint::new(format_args!("{} cannot be written: {error}", path.display())))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Beside its place first, so that a full disk leaves what stood there before.
fn write_whole(path: &Path, contents: &str) -> Result<(), Error> {
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    let part = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&part)))
}
