//! The tables: what was aimed at, what came of it, what the chip did meanwhile, and what of flash and RAM is taken. Owns how
//! figures are written, for a person, for the docs and for a program; measures nothing.

use std::fmt::{self, Write as _};

use crate::elf::Section;

/// What a row should show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Nothing: others are compared with it.
    Compare,
    /// Half of all take at most so many ns.
    P50(u64),
    /// Every one takes at most so many ns.
    Most(u64),
    /// At least so many a second.
    Rate(u64),
    /// None is lost.
    NoneLost,
}

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// In ns, sorted; or none where `count` says all.
    values: Vec<u64>,
    count: u64,
    per_second: u64,
    pub(crate) lost: u64,
    aims: Vec<Aim>,
    pub(crate) failures: Vec<String>,
}

impl Row {
    pub(crate) const fn new(name: &'static str, what: &'static str) -> Self {
        Self {
            name,
            what,
            values: Vec::new(),
            count: 0,
            per_second: 0,
            lost: 0,
            aims: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) fn aiming(mut self, aims: &[Aim]) -> Self {
        self.aims = aims.to_vec();
        self
    }

    /// What was measured, in ns.
    pub(crate) fn with(mut self, mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        self.count = values.len() as u64;
        self.values = values;
        self
    }

    /// What was counted.
    pub(crate) fn counted(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    /// What was counted, in so many µs.
    pub(crate) fn counting(mut self, count: u64, in_us: u64) -> Self {
        self.count = count;
        self.per_second = count * 1_000_000 / in_us.max(1);
        self
    }

    fn at(&self, share: f64) -> Option<u64> {
        let place = (self.values.len() as f64 * share) as usize;
        self.values.get(place.min(self.values.len().saturating_sub(1))).copied()
    }

    fn meets(&self, aim: Aim) -> bool {
        let at_most = |share, ns| self.at(share).is_some_and(|value| value <= ns);
        match aim {
            Aim::Compare => true,
            Aim::P50(ns) => at_most(0.5, ns),
            Aim::Most(ns) => at_most(1.0, ns),
            Aim::Rate(rate) => self.per_second >= rate,
            Aim::NoneLost => self.lost == 0 && self.count > 0,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.aims.as_slice() {
            _ if !self.failures.is_empty() => "FAILED",
            [] | [Aim::Compare] => "",
            aims if aims.iter().all(|aim| self.meets(*aim)) => "met",
            _ => "missed",
        }
    }

    fn aimed(&self) -> String {
        let aims: Vec<String> = self.aims.iter().map(ToString::to_string).collect();
        aims.join(", ")
    }

    fn cells(&self) -> [String; 8] {
        let us = |share| self.at(share).map_or(String::new(), |ns| format!("{:.2}", ns as f64 / 1_000.0));
        let n = if self.per_second > 0 {
            format!("{} ({}/s)", self.count, self.per_second)
        } else {
            self.count.to_string()
        };
        let verdict = self.verdict().to_owned();
        [self.name.to_owned(), self.what.to_owned(), n, us(0.5), us(0.99), us(1.0), self.aimed(), verdict]
    }
}

/// A row by itself, for whoever watches.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells();
        let told: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        f.write_str(&told.join(" · "))
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare => f.write_str("to compare with"),
            Self::P50(ns) => write!(f, "p50 ≤ {} µs", *ns as f64 / 1_000.0),
            Self::Most(ns) => write!(f, "most ≤ {} µs", *ns as f64 / 1_000.0),
            Self::Rate(rate) => write!(f, "≥ {rate}/s, all in order"),
            Self::NoneLost => f.write_str("none lost"),
        }
    }
}

/// What the chip did during one scene, from the start of its session on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meanwhile {
    pub(crate) name: &'static str,
    /// Input edges at the pads, and those recorded.
    pub(crate) touched: u64,
    pub(crate) recorded: u64,
    /// Name and value, as the bench counts.
    pub(crate) counted: Vec<(String, u64)>,
}

/// What the bench counts, as the tables call it, and the aim in ns, if there is one.
const COUNTED: [(&str, &str, Option<u64>); 10] = [
    ("masked_ns", "PRIMASK set", Some(1_000)),
    // The timer's third interrupt: nothing but P2's critical section masks it.
    ("irq2_masked_ns", "P2's critical section", None),
    ("level0_ns", "stamps and strikes", Some(1_000)),
    ("level1_ns", "P0", None),
    ("level2_ns", "P1", None),
    ("timed_cycles", "engine at once, its own cycles", None),
    ("lap_cycles", "longest step, its own cycles", None),
    ("bound_cycles", "bound: one thing handled", None),
    ("bound_together_cycles", "bound: all that can fall together", None),
    ("share", "bound that holds to longest step", None),
];

impl Meanwhile {
    pub(crate) fn value(&self, name: &str) -> Option<u64> {
        self.counted.iter().find(|(of, _)| of == name).map(|(_, value)| *value)
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.name.to_owned(), self.touched.to_string(), self.recorded.to_string()];
        cells.extend(COUNTED.map(|(name, _, aim)| match self.value(name) {
            Some(ns) if aim.is_some_and(|aim| ns > aim) => format!("{:.2} missed", ns as f64 / 1_000.0),
            Some(cycles) if name.ends_with("cycles") => cycles.to_string(),
            Some(hundredths) if name == "share" => format!("{:.2}", hundredths as f64 / 100.0),
            Some(ns) => format!("{:.2}", ns as f64 / 1_000.0),
            None => String::new(),
        }));
        cells
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) meanwhile: Vec<Meanwhile>,
    pub(crate) sections: Vec<Section>,
}

/// A head and rows of as many cells.
type Cells = (Vec<String>, Vec<Vec<String>>);

impl Table {
    pub(crate) fn failures(&self) -> Vec<&String> {
        self.rows.iter().flat_map(|row| &row.failures).collect()
    }

    fn measured(&self) -> Cells {
        let head = ["µs, emulated", "", "n", "p50", "p99", "most", "aim", ""].map(str::to_owned).to_vec();
        (head, self.rows.iter().map(|row| row.cells().to_vec()).collect())
    }

    fn while_measured(&self) -> Cells {
        let mut head = ["longest, µs, emulated", "inputs at the pads", "recorded"].map(str::to_owned).to_vec();
        head.extend(COUNTED.map(|(_, name, aim)| match aim {
            Some(ns) => format!("{name}; aim {} µs", ns as f64 / 1_000.0),
            None => name.to_owned(),
        }));
        (head, self.meanwhile.iter().map(Meanwhile::cells).collect())
    }

    fn memory(&self) -> Cells {
        let head = ["bytes", "section", "where it lies", "from"].map(str::to_owned).to_vec();
        let rows = self.sections.iter().map(|section| {
            vec![
                section.size.to_string(),
                section.name.clone(),
                section.place().to_owned(),
                format!("{:#010x}", section.address),
            ]
        });
        (head, rows.collect())
    }

    /// For the docs.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for (head, rows) in [self.measured(), self.while_measured(), self.memory()] {
            let _ = writeln!(text, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
            for row in rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
            text.push('\n');
        }
        text
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let mut text = format!("{{\"name\":\"{}\",\"what\":\"{}\",\"n\":{}", row.name, row.what, row.count);
            for (name, share) in [("p50_ns", 0.5), ("p99_ns", 0.99), ("max_ns", 1.0)] {
                if let Some(value) = row.at(share) {
                    let _ = write!(text, ",\"{name}\":{value}");
                }
            }
            if row.per_second > 0 {
                let _ = write!(text, ",\"per_second\":{}", row.per_second);
            }
            let _ =
                write!(text, ",\"lost\":{},\"aim\":\"{}\",\"verdict\":\"{}\"}}", row.lost, row.aimed(), row.verdict());
            text
        });
        let meanwhile = self.meanwhile.iter().map(|one| {
            let counted: Vec<String> = one.counted.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
            let (touched, recorded) = (one.touched, one.recorded);
            format!("{{\"name\":\"{}\",\"touched\":{touched},\"recorded\":{recorded}{}}}", one.name, counted.concat())
        });
        let sections = self.sections.iter().map(|section| {
            let (name, size, address) = (&section.name, section.size, section.address);
            format!("{{\"name\":\"{name}\",\"bytes\":{size},\"address\":{address},\"where\":\"{}\"}}", section.place())
        });
        format!(
            "{{\"rows\":[{}],\"meanwhile\":[{}],\"memory\":[{}]}}",
            rows.collect::<Vec<_>>().join(","),
            meanwhile.collect::<Vec<_>>().join(","),
            sections.collect::<Vec<_>>().join(",")
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (head, rows) in [self.measured(), self.while_measured(), self.memory()] {
            let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&rows).collect();
            let width = |n: usize| all.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
            let widths: Vec<usize> = (0..head.len()).map(width).collect();
            for row in all {
                for (cell, width) in row.iter().zip(&widths) {
                    let is_figure = cell.starts_with(|c: char| c.is_ascii_digit()) && !cell.starts_with("0x");
                    let gap = " ".repeat(width - cell.chars().count());
                    if is_figure { write!(f, "{gap}{cell}  ")? } else { write!(f, "{cell}{gap}  ")? }
                }
                writeln!(f)?;
            }
            writeln!(f)?;
        }
        self.failures().iter().try_for_each(|failure| writeln!(f, "FAILED: {failure}"))
    }
}
