//! What an image takes of flash and RAM, read from its ELF file. Owns nothing else of that format.

use std::path::Path;

/// A section that is there when the image runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) address: u32,
    pub(crate) size: u32,
    /// Whether its bytes also stand in the flash, to be copied.
    copied: bool,
}

impl Section {
    pub(crate) const fn place(&self) -> &'static str {
        match (self.address >= 0x2000_0000, self.copied) {
            (false, _) => "flash",
            (true, true) => "RAM, copied from the flash",
            (true, false) => "RAM",
        }
    }
}

/// The sections of an ELF file of 32 bits that take flash or RAM; none if it is no such file.
pub(crate) fn sections(image: &Path) -> Vec<Section> {
    const ALLOCATED: u32 = 2;
    const WITHOUT_BYTES: u32 = 8;
    let bytes = std::fs::read(image).unwrap_or_default();
    let word =
        |at: usize| bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    let half = |at: usize| word(at) & 0xFFFF;
    let (table, names) = (word(32) as usize, half(50) as usize);
    let names_at = word(table + 40 * names + 16) as usize;
    let mut sections = Vec::new();
    for n in 0..half(48) as usize {
        let at = table + 40 * n;
        let (name, kind, flags) = (word(at) as usize, word(at + 4), word(at + 8));
        let (address, size) = (word(at + 12), word(at + 20));
        let text = bytes.get(names_at + name..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
        if flags & ALLOCATED != 0 && size > 0 {
            let name = String::from_utf8_lossy(text).into_owned();
            sections.push(Section { name, address, size, copied: kind != WITHOUT_BYTES });
        }
    }
    sections
}
