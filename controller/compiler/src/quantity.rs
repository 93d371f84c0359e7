//! Numbers with units, read exactly: decimal digits to a whole number of base units, with no rounding on the way. Owns
//! the table of units; knows nothing of where a quantity stands.

use crate::diagnostic::listed;
use crate::symbols::Unit;

/// A unit as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnitWord {
    /// The way it is usually written.
    pub(crate) word: &'static str,
    /// What it measures.
    pub(crate) of: Unit,
    /// Base units in one of it.
    pub(crate) base: i64,
}

const fn unit(word: &'static str, of: Unit, base: i64) -> UnitWord {
    UnitWord { word, of, base }
}

/// Every unit.
pub(crate) const UNITS: &[UnitWord] = &[
    unit("µs", Unit::Time, 1),
    unit("ms", Unit::Time, 1_000),
    unit("s", Unit::Time, 1_000_000),
    unit("min", Unit::Time, 60_000_000),
    unit("h", Unit::Time, 3_600_000_000),
    unit("nl", Unit::Volume, 1),
    unit("µl", Unit::Volume, 1_000),
    unit("ml", Unit::Volume, 1_000_000),
    unit("µm", Unit::Length, 1),
    unit("mm", Unit::Length, 1_000),
    unit("cm", Unit::Length, 10_000),
    unit("mHz", Unit::Frequency, 1),
    unit("Hz", Unit::Frequency, 1_000),
    unit("kHz", Unit::Frequency, 1_000_000),
    unit("dB", Unit::Level, 100),
    unit("deg", Unit::Angle, 1_000),
    unit("µm/s", Unit::Speed, 1),
    unit("mm/s", Unit::Speed, 1_000),
    unit("cm/s", Unit::Speed, 10_000),
    unit("deg/s", Unit::Turning, 1_000),
    unit("rpm", Unit::Turning, 6_000),
    unit("µV", Unit::Voltage, 1),
    unit("mV", Unit::Voltage, 1_000),
    unit("V", Unit::Voltage, 1_000_000),
    unit("%", Unit::Number, 10_000),
    unit("µA", Unit::Current, 1),
    unit("mA", Unit::Current, 1_000),
    unit("µW", Unit::Power, 1),
    unit("mW", Unit::Power, 1_000),
    unit("W", Unit::Power, 1_000_000),
    unit("nC", Unit::Charge, 1),
    unit("µC", Unit::Charge, 1_000),
    unit("mC", Unit::Charge, 1_000_000),
    unit("nJ", Unit::Energy, 1),
    unit("µJ", Unit::Energy, 1_000),
    unit("mJ", Unit::Energy, 1_000_000),
    unit("J", Unit::Energy, 1_000_000_000),
];

/// One whole, as a plain number in millionths.
pub(crate) const ONE: i64 = 1_000_000;

/// A number as written: `digits` · 10^−`decimals`, and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    digits: i128,
    decimals: u32,
    /// Its unit; none for a plain number.
    pub(crate) unit: Option<UnitWord>,
}

/// Why text is no quantity, or does not fit where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QuantityError {
    NotANumber { text: String },
    UnknownUnit { word: String },
    TooFine { number: String, unit: &'static str, base: &'static str },
    TooLarge,
    MissingUnit { number: String, expected: Unit },
    WrongUnit { unit: &'static str, expected: Unit },
    NotWhole { number: String },
}

impl QuantityError {
    /// The stable code of this mistake.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "E020-not-a-number",
            Self::UnknownUnit { .. } => "E021-unknown-unit",
            Self::TooFine { .. } => "E022-too-fine",
            Self::TooLarge => "E023-too-large",
            Self::MissingUnit { .. } => "E024-missing-unit",
            Self::WrongUnit { .. } => "E025-wrong-unit",
            Self::NotWhole { .. } => "E026-not-whole",
        }
    }

    /// What is wrong.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NotANumber { .. } => "this is not a number".to_owned(),
            Self::UnknownUnit { word } => format!("`{word}` is not a unit"),
            Self::TooFine { number, unit, base } => {
                format!("{number} {unit} is finer than {base}, the smallest step there is")
            }
            Self::TooLarge => "this number is too large".to_owned(),
            Self::MissingUnit { number, expected } => format!("`{number}` needs a unit of {}", name_of(*expected)),
            Self::WrongUnit { unit, expected } => {
                format!("`{unit}` does not measure {}, which is wanted here", name_of(*expected))
            }
            Self::NotWhole { number } => format!("a whole number is wanted here, and {number} is none"),
        }
    }

    /// What to do.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::NotANumber { text } => slip(text),
            Self::UnknownUnit { word } => match nearest_unit(word) {
                Some(near) => format!("did you mean `{near}`?"),
                None if word == "MHz" => "the highest frequency is in kHz; `mHz` is a thousandth of 1 Hz".to_owned(),
                None => format!("units are {}", listed(UNITS.iter().map(|unit| unit.word))),
            },
            Self::TooFine { base, .. } => format!("round it to whole {base}"),
            Self::TooLarge => "look for a digit or a unit too many".to_owned(),
            Self::MissingUnit { number, expected } => format!("write for instance `{number} {}`", example(*expected)),
            Self::WrongUnit { expected: Unit::Number | Unit::Count, .. } => "write a plain number".to_owned(),
            Self::WrongUnit { expected, .. } => format!("units of {} are {}", name_of(*expected), units_of(*expected)),
            Self::NotWhole { .. } => "leave the decimals away".to_owned(),
        }
    }
}

/// What a unit measures, in words.
pub(crate) fn name_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Truth => "truth",
        Unit::Count => "count",
        Unit::Number => "plain number",
        Unit::Time => "time",
        Unit::Volume => "volume",
        Unit::Length => "length",
        Unit::Frequency => "frequency",
        Unit::Level => "sound level",
        Unit::Label => "label",
        Unit::Angle => "angle",
        Unit::Speed => "speed",
        Unit::Turning => "turning",
        Unit::Voltage => "voltage",
        Unit::Current => "current",
        Unit::Power => "light power",
        Unit::Charge => "charge",
        Unit::Energy => "energy",
    }
}

fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "ms",
        Unit::Volume => "µl",
        Unit::Length => "mm",
        Unit::Frequency => "Hz",
        Unit::Level => "dB",
        Unit::Angle => "deg",
        Unit::Speed => "mm/s",
        Unit::Turning => "deg/s",
        Unit::Voltage => "V",
        Unit::Current => "mA",
        Unit::Power => "mW",
        Unit::Charge => "mC",
        Unit::Energy => "mJ",
        Unit::Truth | Unit::Count | Unit::Number | Unit::Label => "",
    }
}

fn units_of(unit: Unit) -> String {
    listed(UNITS.iter().filter(|word| word.of == unit).map(|word| word.word))
}

fn nearest_unit(word: &str) -> Option<&'static str> {
    const SPELT: &[(&str, &str)] = &[
        ("sec", "s"),
        ("sek", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("minute", "min"),
        ("minutes", "min"),
        ("m", "min"),
        ("hour", "h"),
        ("hours", "h"),
        ("hr", "h"),
        ("msec", "ms"),
        ("msecs", "ms"),
        ("millisecond", "ms"),
        ("milliseconds", "ms"),
        ("usec", "µs"),
        ("microsecond", "µs"),
        ("microseconds", "µs"),
        ("mcl", "µl"),
        ("microliter", "µl"),
        ("microliters", "µl"),
        ("microlitre", "µl"),
        ("microlitres", "µl"),
        ("milliliter", "ml"),
        ("millilitre", "ml"),
        ("hertz", "Hz"),
        ("degree", "deg"),
        ("degrees", "deg"),
        ("volt", "V"),
        ("volts", "V"),
        ("ul", "µl"),
        ("us", "µs"),
        ("k", "kHz"),
        ("percent", "%"),
    ];
    let lower = word.to_lowercase();
    let spelt = SPELT.iter().find(|(wrong, _)| *wrong == lower).map(|(_, right)| *right);
    // No guess by a letter more or less: every unit is one letter from another a thousand times its size.
    let case = || UNITS.iter().map(|unit| unit.word).find(|unit| unit.to_lowercase() == lower);
    spelt.or_else(|| if matches!(word, "MHz" | "MA" | "MW" | "MC" | "MJ") { None } else { case() })
}

/// What to do about text that is no quantity, by the slip it looks like.
fn slip(text: &str) -> String {
    let text = text.trim();
    let example = "write digits with a point, then the unit: 1.5 s";
    let number = number_length(text);
    let rest = text.get(number..).unwrap_or("");
    if matches!(text.to_lowercase().as_str(), "yes" | "on" | "true") {
        return "a truth is `true` or `false`: write `true`".to_owned();
    }
    if matches!(text.to_lowercase().as_str(), "no" | "off" | "false") {
        return "a truth is `true` or `false`: write `false`".to_owned();
    }
    if text.starts_with(['"', '\'', '“', '”', '„']) {
        return "leave the quotation marks out".to_owned();
    }
    if text.starts_with('.') {
        return format!("write a digit before the point: `0{text}`");
    }
    if number > 0 && rest.starts_with(',') {
        return "decimals take a point, thousands nothing: `1.5 s`, `1000 ms`".to_owned();
    }
    if number > 0 && rest.starts_with(':') {
        return "a length of time is a number and a unit: `30 min`, `1.5 h`".to_owned();
    }
    if number > 0 && rest.starts_with(['e', 'E']) {
        return "write the number out, without an exponent: `1000 ms`".to_owned();
    }
    if number > 0 && rest.contains(|c: char| c.is_ascii_digit()) {
        return "write one number and one unit: `90 s` for a minute and a half".to_owned();
    }
    let unit = rest.split_whitespace().next().and_then(unit_named);
    match unit {
        Some(unit) => format!(
            "write the number and its unit, and nothing behind: `{} {}`",
            text.get(..number).unwrap_or(""),
            unit.word
        ),
        None => example.to_owned(),
    }
}

/// The unit a word names; `u` stands for `µ`, and a litre may be `L`.
pub(crate) fn unit_named(word: &str) -> Option<UnitWord> {
    let word = word.replace('\u{3bc}', "µ").replace('°', "deg");
    let word = if matches!(word.as_str(), "nL" | "uL" | "µL" | "mL") { word.replace('L', "l") } else { word };
    let micro = word.strip_prefix('u').map(|rest| format!("µ{rest}"));
    UNITS.iter().copied().find(|unit| unit.word == word || micro.as_deref() == Some(unit.word))
}

/// The length of the number `text` begins with; 0 if it begins with none. A sign belongs to it.
pub(crate) fn number_length(text: &str) -> usize {
    let sign = usize::from(text.starts_with(['-', '+', '−'])) * text.chars().next().map_or(0, char::len_utf8);
    let digits = |from: usize| text.get(from..).unwrap_or("").bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(sign);
    if whole == 0 {
        return 0;
    }
    let mut end = sign + whole;
    if text.get(end..).is_some_and(|rest| rest.starts_with('.')) {
        let decimals = digits(end + 1);
        if decimals > 0 {
            end += 1 + decimals;
        }
    }
    end
}

impl Quantity {
    /// A number and its unit, from the text of each.
    pub(crate) fn new(number: &str, unit: Option<UnitWord>) -> Result<Self, QuantityError> {
        let negative = number.starts_with(['-', '−']);
        let mut digits: i128 = 0;
        let mut decimals = 0;
        let mut point = false;
        for c in number.chars().skip_while(|c| matches!(c, '-' | '−' | '+')) {
            match c.to_digit(10) {
                Some(digit) => {
                    digits = digits * 10 + i128::from(digit);
                    decimals += u32::from(point);
                }
                None if c == '.' && !point => point = true,
                None => return Err(QuantityError::NotANumber { text: number.to_owned() }),
            }
            if digits > i128::from(i64::MAX) || decimals > 18 {
                return Err(QuantityError::TooLarge);
            }
        }
        Ok(Self { digits: if negative { -digits } else { digits }, decimals, unit })
    }

    /// Reads a whole text as a quantity.
    pub(crate) fn read(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        let length = number_length(text);
        let (number, rest) = (text.get(..length).unwrap_or(""), text.get(length..).unwrap_or("").trim());
        if length == 0 {
            return Err(QuantityError::NotANumber { text: text.to_owned() });
        }
        if rest.is_empty() {
            return Self::new(number, None);
        }
        match unit_named(rest) {
            Some(unit) => Self::new(number, Some(unit)),
            None if rest.chars().all(|c| c.is_alphabetic() || matches!(c, '%' | '/')) => {
                Err(QuantityError::UnknownUnit { word: rest.to_owned() })
            }
            None => Err(QuantityError::NotANumber { text: text.to_owned() }),
        }
    }

    /// What it measures by itself: a plain whole number counts, any other plain number is one. None for what only a rig is
    /// measured in.
    pub(crate) fn natural(&self) -> Option<Unit> {
        match self.unit {
            Some(UnitWord { of: Unit::Current | Unit::Power | Unit::Charge | Unit::Energy, .. }) => None,
            Some(unit) => Some(unit.of),
            None if self.decimals == 0 => Some(Unit::Count),
            None => Some(Unit::Number),
        }
    }

    /// In whole base units of `expected`.
    pub(crate) fn in_base(&self, expected: Unit) -> Result<i64, QuantityError> {
        let factor = match (self.unit, expected) {
            (Some(unit), _) if unit.of == expected => unit.base,
            (Some(unit), _) => return Err(QuantityError::WrongUnit { unit: unit.word, expected }),
            (None, Unit::Number) => ONE,
            (None, Unit::Count) => 1,
            (None, _) => return Err(QuantityError::MissingUnit { number: self.number(), expected }),
        };
        let scale = 10_i128.pow(self.decimals);
        let scaled = self.digits * i128::from(factor);
        if scaled % scale != 0 {
            return Err(match (self.unit, expected) {
                (None, Unit::Count) => QuantityError::NotWhole { number: self.number() },
                (unit, _) => QuantityError::TooFine {
                    number: self.number(),
                    unit: unit.map_or("", |unit| unit.word),
                    base: base_name(expected),
                },
            });
        }
        i64::try_from(scaled / scale).map_err(|_| QuantityError::TooLarge)
    }

    /// The number as written, without its unit.
    pub(crate) fn number(&self) -> String {
        plain_decimal(self.digits, self.decimals)
    }
}

fn base_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "µs",
        Unit::Volume => "nl",
        Unit::Length => "µm",
        Unit::Frequency => "mHz",
        Unit::Level => "hundredths of a dB",
        Unit::Angle => "thousandths of a degree",
        Unit::Speed => "µm/s",
        Unit::Turning => "thousandths of a degree a second",
        Unit::Voltage => "µV",
        Unit::Current => "µA",
        Unit::Power => "µW",
        Unit::Charge => "nC",
        Unit::Energy => "nJ",
        Unit::Truth | Unit::Count | Unit::Number | Unit::Label => "millionths",
    }
}

/// `digits` · 10^−`decimals` in decimal notation, without zeros at the end.
fn plain_decimal(digits: i128, decimals: u32) -> String {
    let scale = 10_i128.pow(decimals);
    let whole = (digits / scale).abs();
    let sign = if digits < 0 { "−" } else { "" };
    let part = format!("{:0width$}", (digits % scale).abs(), width = decimals as usize);
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A value in base units as a person writes it: `500 ms`, `20 µl`, `0.5`.
pub(crate) fn written(value: i64, unit: Unit) -> String {
    match unit {
        Unit::Truth => return if value == 0 { "false" } else { "true" }.to_owned(),
        Unit::Count | Unit::Label => return value.to_string(),
        Unit::Number => return plain_decimal(value.into(), 6),
        _ => {}
    }
    // The largest unit in which it is at least one and a short number.
    let words = UNITS.iter().filter(|word| word.of == unit).rev();
    let mut fitting = words.filter(|word| value.unsigned_abs() >= word.base.unsigned_abs()).filter_map(|word| {
        let base = i128::from(word.base);
        (0..=3_u32).find_map(|decimals| {
            let digits = i128::from(value) * 10_i128.pow(decimals);
            (digits % base == 0).then(|| format!("{} {}", plain_decimal(digits / base, decimals), word.word))
        })
    });
    let smaller = || match unit {
        Unit::Level => format!("{} dB", plain_decimal(value.into(), 2)),
        _ => format!("{value} {}", if value == 0 { example(unit) } else { base_name(unit) }),
    };
    fitting.next().unwrap_or_else(smaller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_read_exactly() {
        for (text, unit, base) in [
            ("0.1 s", Unit::Time, 100_000),
            ("1.000001 s", Unit::Time, 1_000_001),
            ("20 ul", Unit::Volume, 20_000),
            ("20 \u{3bc}l", Unit::Volume, 20_000),
            ("20 uL", Unit::Volume, 20_000),
            ("0.5 mL", Unit::Volume, 500_000),
            ("12.5 %", Unit::Number, 125_000),
            ("-3 dB", Unit::Level, -300),
            ("0.7", Unit::Number, 700_000),
            ("7", Unit::Number, 7_000_000),
            ("2 h", Unit::Time, 7_200_000_000),
            ("4.5mm", Unit::Length, 4_500),
            ("45°", Unit::Angle, 45_000),
            ("2.5 cm/s", Unit::Speed, 25_000),
            ("4 rpm", Unit::Turning, 24_000),
            ("0.35 V", Unit::Voltage, 350_000),
        ] {
            let read = Quantity::read(text).and_then(|quantity| quantity.in_base(unit));
            assert_eq!(read, Ok(base), "{text}");
        }
    }

    #[test]
    fn a_slip_is_told_its_remedy_and_never_a_unit_of_another_size() {
        for (text, remedy) in [
            ("1,5 s", "decimals take a point, thousands nothing: `1.5 s`, `1000 ms`"),
            (".5 s", "write a digit before the point: `0.5 s`"),
            ("1e3 ms", "write the number out, without an exponent: `1000 ms`"),
            ("00:30:00", "a length of time is a number and a unit: `30 min`, `1.5 h`"),
            ("1 min 30 s", "write one number and one unit: `90 s` for a minute and a half"),
            ("70 dB SPL", "write the number and its unit, and nothing behind: `70 dB`"),
            ("\"15 µl\"", "leave the quotation marks out"),
            ("yes", "a truth is `true` or `false`: write `true`"),
            ("20 mcl", "did you mean `µl`?"),
            ("20 UL", "did you mean `µl`?"),
            ("500 milliseconds", "did you mean `ms`?"),
            ("1 MHz", "the highest frequency is in kHz; `mHz` is a thousandth of 1 Hz"),
        ] {
            assert_eq!(Quantity::read(text).map_err(|error| error.help()), Err(remedy.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_quantity_is_written_as_a_person_writes_it() {
        for (value, unit, text) in [
            (500_000, Unit::Time, "500 ms"),
            (1_500_000, Unit::Time, "1.5 s"),
            (60_000_000, Unit::Time, "1 min"),
            (21_959, Unit::Time, "21.959 ms"),
            (0, Unit::Time, "0 ms"),
            (1, Unit::Time, "1 µs"),
            (250_000, Unit::Number, "0.25"),
            (-300, Unit::Level, "−3 dB"),
            (30, Unit::Level, "0.3 dB"),
        ] {
            assert_eq!(written(value, unit), text);
        }
    }
}
