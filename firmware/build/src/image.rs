//! An image as the linker left it: sections, functions with their code, what points to a function. Reads ELF and judges
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use object::elf::PT_LOAD;
use object::read::elf::{ElfFile32, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SymbolKind};

use crate::thumb::{self, Code, Seen};
use crate::uf2::Piece;

/// An image could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the image cannot be read: {}; build it again with `cargo firmware`", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// A section that takes memory on the chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its name.
    pub(crate) name: String,
    /// Its first byte's address.
    pub(crate) address: u32,
    /// Its length in bytes.
    pub(crate) bytes: u32,
}

/// A function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// Its name as written in the source.
    pub(crate) name: String,
    /// Its length in bytes.
    pub(crate) bytes: u32,
    /// What it does.
    pub(crate) seen: Seen,
}

/// A variable that lives as long as the program.
#[derive(Debug, Clone)]
pub(crate) struct Static {
    /// Its name as written in the source.
    pub(crate) name: String,
    /// Its first byte's address.
    pub(crate) address: u32,
    /// Its length in bytes.
    pub(crate) bytes: u32,
}

/// An image.
#[derive(Debug)]
pub(crate) struct Image {
    /// What takes memory, by address.
    pub(crate) sections: Vec<Section>,
    /// Functions by the address of their first instruction.
    pub(crate) functions: BTreeMap<u32, Function>,
    /// Statics, the largest first.
    pub(crate) statics: Vec<Static>,
    /// The end of the stack of all levels, which begins with the RAM.
    pub(crate) stack_end: Option<u32>,
    /// Functions that data points to: what a call through a register may reach.
    pub(crate) pointed_at: BTreeSet<u32>,
    loads: Vec<(u32, Vec<u8>)>,
}

impl Image {
    /// Reads a file of the linker's.
    ///
    /// # Errors
    /// When it is no ELF file for a 32-bit chip.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Unreadable> {
        let elf = ElfFile32::<Endianness>::parse(file).map_err(|error| Unreadable(error.to_string()))?;
        let mut sections: Vec<_> = elf
            .sections()
            .filter(|section| section.size() > 0 && section.address() > 0)
            .map(|section| Section {
                name: section.name().unwrap_or("?").to_owned(),
                address: section.address() as u32,
                bytes: section.size() as u32,
            })
            .collect();
        sections.sort_by_key(|section| section.address);

        // Marks that say where code ends and constants begin.
        let marks: BTreeMap<u32, bool> = elf
            .symbols()
            .filter_map(|symbol| match symbol.name() {
                Ok(name) if name.starts_with("$t") => Some((symbol.address() as u32, true)),
                Ok(name) if name.starts_with("$d") => Some((symbol.address() as u32, false)),
                _ => None,
            })
            .collect();
        let is_code = |at: u32| marks.range(..=at).next_back().is_some_and(|(_, code)| *code);

        let (mut functions, mut statics) = (BTreeMap::new(), Vec::new());
        for symbol in elf.symbols().filter(|symbol| symbol.size() > 0) {
            let (address, bytes) = ((symbol.address() as u32) & !1, symbol.size() as u32);
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or("?")));
            match symbol.kind() {
                SymbolKind::Text => {
                    let code = symbol.section_index().and_then(|index| elf.section_by_index(index).ok());
                    let code = code.and_then(|section| section.data_range(address.into(), bytes.into()).ok().flatten());
                    let code = Code { address, bytes: code.unwrap_or(&[]), is_code: &is_code };
                    functions.entry(address).or_insert_with(|| Function { name, bytes, seen: thumb::look(&code) });
                }
                SymbolKind::Data => statics.push(Static { name, address: symbol.address() as u32, bytes }),
                _ => {}
            }
        }
        statics.sort_by_key(|item| std::cmp::Reverse(item.bytes));

        let mut loads = Vec::new();
        let mut pointed_at = BTreeSet::new();
        for header in elf.elf_program_headers() {
            let bytes = header.data(Endianness::Little, file).unwrap_or(&[]);
            if bytes.is_empty() || header.p_type(Endianness::Little) != PT_LOAD {
                continue;
            }
            let start = header.p_vaddr(Endianness::Little);
            for (n, word) in bytes.as_chunks().0.iter().enumerate() {
                let word = u32::from_le_bytes(*word);
                if word & 1 == 1 && functions.contains_key(&(word & !1)) && !is_code(start + 4 * n as u32) {
                    pointed_at.insert(word & !1);
                }
            }
            loads.push((header.p_paddr(Endianness::Little), bytes.to_vec()));
        }
        let stack_end = elf.symbols().find(|symbol| symbol.name() == Ok("_levels_stack"));
        let stack_end = stack_end.map(|symbol| symbol.address() as u32);
        Ok(Self { sections, functions, statics, stack_end, pointed_at, loads })
    }

    /// What must be written to flash.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.loads.iter().map(|(address, bytes)| Piece { address: *address, bytes })
    }

    /// The function whose name is this, or ends with `::` and this.
    #[must_use]
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let ends = format!("::{name}");
        let found = |function: &&Function| function.name == name || function.name.ends_with(&ends);
        self.functions.iter().find(|(_, function)| found(function)).map(|(address, _)| *address)
    }
}
