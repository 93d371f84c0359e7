//! Where an image's memory goes, and what its levels take, as tables for a person. Owns no judgement.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};

use crate::image::Image;
use crate::proof::Found;

const RAM: u32 = 0x2000_0000;
/// The sections that lie at the very end, behind what is free.
const VECTORS: &str = ".vectors";
const TABLES: &str = ".tables";
/// Statics shown by name: those of at least so many bytes.
const WORTH_NAMING: u32 = 1024;

/// Functions shown that take RAM for nothing.
const IDLE_SHOWN: usize = 24;

/// What a section is for.
fn about(name: &str) -> &'static str {
    match name {
        ".boot2" => "starts the flash",
        ".start_block" => "tells the boot ROM what this is",
        ".vector_table" => "where the chip starts",
        ".text" => "the way to the first instruction",
        ".cold" => "code and constants of the start and of P2",
        ".programs" => "the program image; the stack of the start",
        ".kept" => "the ring: outlives a reset",
        ".data" => "statics that begin with a value",
        ".hot" => "code and constants of P0, P1 and what they call",
        ".bss" => "statics that begin with zero",
        VECTORS => "the vectors in RAM: at its end",
        TABLES => "what DMA plays: at the end of the RAM",
        ".uninit" => "statics that outlive a reset",
        _ => "",
    }
}

fn number(value: u32) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

/// Sections, the largest statics, and what is left of the RAM.
pub(crate) fn table(chip: &str, image: &Image, ram: u32) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header([chip, "bytes", "at", "what for"]);
    for section in &image.sections {
        let (name, at) = (section.name.as_str(), format!("{:#010x}", section.address));
        table.add_row([Cell::new(name), number(section.bytes), Cell::new(at), Cell::new(about(name))]);
        if section.address < RAM {
            continue;
        }
        let end = section.address + section.bytes;
        let inside = image.statics.iter().filter(|item| (section.address..end).contains(&item.address));
        for item in inside.filter(|item| item.bytes >= WORTH_NAMING) {
            let at = format!("{:#010x}", item.address);
            table.add_row([Cell::new(""), number(item.bytes), Cell::new(at), Cell::new(&item.name)]);
        }
    }
    let (last, below): (Vec<_>, Vec<_>) =
        image.sections.iter().partition(|section| [VECTORS, TABLES].contains(&section.name.as_str()));
    let end = below.iter().map(|section| section.address + section.bytes).max().unwrap_or(RAM);
    let left = last.iter().map(|section| section.address).min().unwrap_or(RAM + ram).saturating_sub(end);
    table.add_row([
        Cell::new("free"),
        number(left),
        Cell::new(format!("{end:#010x}")),
        Cell::new("RAM that nothing takes"),
    ]);
    table
}

/// The levels and the most stack each takes.
pub(crate) fn levels(found: &Found) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["level", "functions", "stack at most", "deepest"]);
    for level in &found.levels {
        let shown =
            level.deepest.iter().map(|(name, own)| format!("{} {own}", short(name))).collect::<Vec<_>>().join(" → ");
        let functions = number(level.functions as u32);
        table.add_row([Cell::new(level.level.name), functions, number(level.stack), Cell::new(shown)]);
    }
    let idle: u32 = found.idle.iter().map(|(_, bytes)| bytes).sum();
    let largest = found.idle.iter().take(IDLE_SHOWN).map(|(name, bytes)| format!("{} {bytes}", short(name)));
    let largest = largest.collect::<Vec<_>>().join(", ");
    table.add_row([
        Cell::new("in RAM, for none of the upper"),
        number(found.idle.len() as u32),
        number(idle),
        Cell::new(largest),
    ]);
    table.add_row([
        Cell::new("all"),
        Cell::new(""),
        number(found.stack),
        Cell::new(format!("of {}", found.stack_there)),
    ]);
    table
}

/// A function's own name, without where it is from.
fn short(name: &str) -> String {
    let plain = name.split(['<', '>']).rfind(|part| !part.is_empty() && *part != "::").unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain).to_owned()
}
