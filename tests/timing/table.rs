//! The table: one row a scene, p50, p99 and the most, what the chip counted meanwhile, and what of flash and RAM is taken.
//! Owns how figures are written; measures nothing.

use std::fmt::{self, Write as _};
use std::path::Path;

/// Times in ns, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread {
    sorted: Vec<u64>,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        Self { sorted: values }
    }

    fn at(&self, share: f64) -> Option<u64> {
        let place = (self.sorted.len() as f64 * share) as usize;
        self.sorted.get(place.min(self.sorted.len().saturating_sub(1))).copied()
    }
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) what: &'static str,
    pub(crate) spread: Spread,
    pub(crate) counted: Vec<(String, u64)>,
    pub(crate) failures: Vec<String>,
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    sections: Vec<(String, u32, u32)>,
}

impl Table {
    pub(crate) fn failures(&self) -> Vec<&String> {
        self.rows.iter().flat_map(|row| &row.failures).collect()
    }

    /// Reads the sections of an ELF file that take flash or RAM.
    pub(crate) fn memory(&mut self, image: &Path) {
        let bytes = std::fs::read(image).unwrap_or_default();
        let word = |at: usize| {
            bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        };
        let half = |at: usize| word(at) & 0xFFFF;
        let (table, names) = (word(32) as usize, half(50) as usize);
        let names_at = word(table + 40 * names + 16) as usize;
        for n in 0..half(48) as usize {
            let at = table + 40 * n;
            let (name, flags, address, size) = (word(at) as usize, word(at + 8), word(at + 12), word(at + 20));
            let text =
                bytes.get(names_at + name..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
            if flags & 2 != 0 && size > 0 {
                self.sections.push((String::from_utf8_lossy(text).into_owned(), address, size));
            }
        }
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> String {
        let mut text = String::from("{\"rows\":[");
        for (n, row) in self.rows.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            let _ = write!(
                text,
                "{comma}{{\"name\":\"{}\",\"what\":\"{}\",\"n\":{}",
                row.name,
                row.what,
                row.spread.sorted.len()
            );
            for (name, share) in [("p50_ns", 0.5), ("p99_ns", 0.99), ("max_ns", 1.0)] {
                if let Some(value) = row.spread.at(share) {
                    let _ = write!(text, ",\"{name}\":{value}");
                }
            }
            for (name, value) in &row.counted {
                let _ = write!(text, ",\"{name}\":{value}");
            }
            text.push('}');
        }
        text.push_str("],\"memory\":{");
        for (n, (name, _, size)) in self.sections.iter().enumerate() {
            let _ = write!(text, "{}\"{name}\":{size}", if n > 0 { "," } else { "" });
        }
        text.push_str("}}");
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "emulated RP2040; flash through the model of its cache unless said; µs")?;
        writeln!(f, "{:<42} {:<22} {:>7} {:>9} {:>9} {:>9}", "", "", "n", "p50", "p99", "most")?;
        for row in &self.rows {
            write!(f, "{:<42} {:<22} {:>7}", row.name, row.what, row.spread.sorted.len())?;
            for share in [0.5, 0.99, 1.0] {
                match row.spread.at(share) {
                    Some(ns) => write!(f, " {:>9.2}", ns as f64 / 1_000.0)?,
                    None => write!(f, " {:>9}", "")?,
                }
            }
            let counted =
                row.counted.iter().filter(|(name, _)| name.ends_with("_ns") || name == "events" || name == "inputs");
            for (name, value) in counted {
                write!(f, "  {name} {value}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "bytes")?;
        for (name, address, size) in &self.sections {
            let place = if *address >= 0x2000_0000 { "RAM" } else { "flash" };
            writeln!(f, "{size:>9}  {name} ({place})")?;
        }
        self.failures().iter().try_for_each(|failure| writeln!(f, "FAILED: {failure}"))
    }
}
