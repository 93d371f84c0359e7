//! Numbers in base units as a person reads them: seconds, µl, mm, Hz, dB, labels. Owns which unit each kind is shown in
//! and what a column of it is called. All arithmetic is on whole numbers, so nothing is rounded on the way.

use std::fmt;

use compiler::symbols::{Unit, VariableSymbol};
use serde::{Serialize, Serializer};

/// One value of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    Empty,
    /// A count.
    Count(i64),
    /// A truth.
    Truth(bool),
    /// A name.
    Text(String),
    /// A time: µs, shown in s with all six decimals.
    Seconds(i64),
    /// Any other quantity: `value` · 10^−`decimals`, shown without trailing zeros.
    Fixed {
        /// The whole number.
        value: i64,
        /// Where its point stands.
        decimals: u32,
    },
}

impl Cell {
    /// The value as a number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Text(_) | Self::Truth(_) => None,
            Self::Count(value) => Some(*value as f64),
            Self::Seconds(us) => Some(*us as f64 / 1e6),
            Self::Fixed { value, decimals } => Some(*value as f64 / f64::from(10_u32.pow((*decimals).min(9)))),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Count(value) => write!(f, "{value}"),
            Self::Truth(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(text),
            Self::Seconds(us) => f.write_str(&decimal(*us, 6)),
            Self::Fixed { value, decimals } => {
                let all = decimal(*value, *decimals);
                let kept = if all.contains('.') { all.trim_end_matches('0').trim_end_matches('.') } else { &all };
                f.write_str(kept)
            }
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Count(value) => serializer.serialize_i64(*value),
            Self::Truth(value) => serializer.serialize_bool(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Seconds(_) | Self::Fixed { .. } => serializer.serialize_f64(self.number().unwrap_or(0.0)),
        }
    }
}

/// `value` · 10^−`decimals`, every decimal written.
fn decimal(value: i64, decimals: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let one = 10_u64.pow(decimals.min(18));
    let (whole, rest) = (value.unsigned_abs() / one, value.unsigned_abs() % one);
    match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{rest:0width$}", width = decimals as usize),
    }
}

/// What a quantity is shown in, as the end of a column's name, and as written behind a number.
const fn shown_in(unit: Unit) -> (&'static str, &'static str) {
    match unit {
        Unit::Truth | Unit::Count | Unit::Number | Unit::Label => ("", ""),
        Unit::Time => ("_s", " s"),
        Unit::Volume => ("_ul", " µl"),
        Unit::Length => ("_mm", " mm"),
        Unit::Frequency => ("_hz", " Hz"),
        Unit::Level => ("_db", " dB"),
        Unit::Angle => ("_deg", " deg"),
        Unit::Speed => ("_mm_s", " mm/s"),
        Unit::Turning => ("_deg_s", " deg/s"),
        Unit::Voltage => ("_v", " V"),
        Unit::Current => ("_ma", " mA"),
        Unit::Power => ("_mw", " mW"),
        Unit::Charge => ("_mc", " mC"),
        Unit::Energy => ("_mj", " mJ"),
    }
}

/// The name of the column that shows a variable: its own, the unit last.
#[must_use]
pub fn column(variable: &VariableSymbol) -> String {
    // A part of something is `order.0` to the protocol; no table likes a point in a name.
    format!("{}{}", variable.name.replace('.', "_"), shown_in(variable.unit).0)
}

/// A variable's value as a cell of its column.
#[must_use]
pub fn cell(variable: &VariableSymbol, value: i64) -> Cell {
    match variable.unit {
        Unit::Truth => Cell::Truth(value != 0),
        Unit::Count => Cell::Count(value),
        Unit::Label => usize::try_from(value)
            .ok()
            .and_then(|index| variable.labels.get(index))
            .map_or(Cell::Count(value), |label| Cell::Text(label.clone())),
        Unit::Time => Cell::Seconds(value),
        Unit::Number | Unit::Voltage | Unit::Charge | Unit::Energy => Cell::Fixed { value, decimals: 6 },
        Unit::Current
        | Unit::Power
        | Unit::Volume
        | Unit::Length
        | Unit::Frequency
        | Unit::Angle
        | Unit::Speed
        | Unit::Turning => Cell::Fixed { value, decimals: 3 },
        Unit::Level => Cell::Fixed { value, decimals: 2 },
    }
}

/// An amount in base units of `unit` as a person writes it: `120 µl`, `3.5 mC`.
#[must_use]
pub fn amount(unit: Unit, value: u64) -> String {
    let symbol = VariableSymbol { name: String::new(), unit, labels: Vec::new(), column: false, parameter: None };
    written(&symbol, i64::try_from(value).unwrap_or(i64::MAX))
}

/// A variable's value as a person writes it: `20 µl`, `0.5 s`, `at_omission`.
#[must_use]
pub fn written(variable: &VariableSymbol, value: i64) -> String {
    let cell = match cell(variable, value) {
        Cell::Seconds(value) => Cell::Fixed { value, decimals: 6 },
        other => other,
    };
    format!("{cell}{}", shown_in(variable.unit).1)
}

/// A length of time as a person says it: `59 min 32 s`, `8.5 s`.
#[must_use]
pub fn spoken(us: u64) -> String {
    let tenths = us / 100_000;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}.{} s", tenths % 10),
        (0, _) => format!("{minutes} min {seconds:02} s"),
        _ => format!("{hours} h {minutes:02} min {seconds:02} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(unit: Unit) -> VariableSymbol {
        VariableSymbol {
            name: "x".into(),
            unit,
            labels: vec!["stim".into(), "sham".into()],
            column: true,
            parameter: None,
        }
    }

    #[test]
    fn quantities_are_shown_as_they_are_said() {
        let said = [
            (Unit::Volume, 20_000, "20 µl", "x_ul"),
            (Unit::Volume, -1, "-0.001 µl", "x_ul"),
            (Unit::Time, 500_000, "0.5 s", "x_s"),
            (Unit::Number, 333_333, "0.333333", "x"),
            (Unit::Frequency, 8_000_000, "8000 Hz", "x_hz"),
            (Unit::Level, 7_050, "70.5 dB", "x_db"),
            (Unit::Length, 4_200, "4.2 mm", "x_mm"),
            (Unit::Truth, 1, "true", "x"),
            (Unit::Label, 1, "sham", "x"),
            (Unit::Label, 9, "9", "x"),
            (Unit::Count, i64::MIN, "-9223372036854775808", "x"),
        ];
        for (unit, value, text, name) in said {
            assert_eq!((written(&variable(unit), value).as_str(), column(&variable(unit)).as_str()), (text, name));
        }
        assert_eq!(Cell::Seconds(-1).to_string(), "-0.000001");
        assert_eq!(Cell::Seconds(12_500_000).to_string(), "12.500000");
        assert_eq!(Cell::Seconds(i64::MIN).to_string(), "-9223372036854.775808");
        assert_eq!(
            [spoken(8_560_000), spoken(3_572_000_000), spoken(7_261_000_000)],
            ["8.5 s", "59 min 32 s", "2 h 01 min 01 s"]
        );
    }
}
