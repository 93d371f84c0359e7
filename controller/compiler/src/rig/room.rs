//! Reads who is in the simulated room of a rig-config: what the device waits for, a person who arms, an animal. Knows no
//! animal's parameters.

use super::LineConfig;
use crate::diagnostic::{Reporter, listed};
use crate::fields;
use crate::quantity::Quantity;
use crate::symbols::Unit;
use crate::yaml::{Node, Text};

/// The simulated room.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// How long the device waits for a microsecond to close, in µs.
    pub settle_us: u32,
    /// Who arms lines, if anyone is there.
    pub person: Option<Person>,
    /// Which animal is in the box, if any.
    pub animal: Option<Animal>,
}

/// The simulated person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name that stands in the journal.
    pub name: String,
    /// The lines armed at the start.
    pub arms: Vec<String>,
}

/// The simulated animal.
#[derive(Debug, Clone, PartialEq)]
pub struct Animal {
    /// Which model.
    pub model: String,
    /// Its parameters: plain numbers, and times in seconds.
    pub parameters: Vec<(String, f64)>,
}

pub(super) fn read(node: &Node, lines: &[LineConfig], reporter: &mut Reporter) -> Option<Simulation> {
    let example = "{settle: 2 µs, animal: {model: rat}}";
    let room = fields::fields(node, "`simulation`", &["settle", "person", "animal"], example, reporter)?;
    let settle = room.get("settle");
    let settle_us =
        settle.and_then(|node| fields::quantity_u32(node, "`settle`", Unit::Time, 0, "2 µs", reporter)).unwrap_or(2);
    let person = room.get("person").and_then(|node| {
        let fields =
            fields::fields(node, "the person", &["name", "arms"], "{name: operator, arms: [laser]}", reporter)?;
        let name = fields.need("name", "name: operator", reporter);
        let name = name.and_then(|node| fields::text(node, "the person's name", "operator", reporter))?;
        let mut arms = Vec::new();
        if let Some(node) = fields.get("arms") {
            for item in fields::list(node, "`arms`", "[laser]", reporter)? {
                let Some(line) = fields::text(item, "a line to arm", "laser", reporter) else { continue };
                if check_line(line, lines, reporter) {
                    arms.push(line.text.clone());
                }
            }
        }
        Some(Person { name: name.text.clone(), arms })
    });
    let animal = room.get("animal").and_then(|node| {
        let entries = fields::map(node, "the animal", "{model: rat}", reporter)?;
        let mut animal = Animal { model: String::new(), parameters: Vec::new() };
        for entry in entries {
            let Some(value) = fields::text(&entry.value, "this parameter of the animal", "0.5", reporter) else {
                continue;
            };
            if entry.key.text == "model" {
                animal.model.clone_from(&value.text);
            } else if let Some(number) = animal_parameter(value, reporter) {
                animal.parameters.push((entry.key.text.clone(), number));
            }
        }
        if animal.model.is_empty() {
            reporter
                .error("E030-missing-key", fields::short(node), "the animal needs `model`")
                .help("add for instance `model: rat`");
        }
        Some(animal)
    });
    Some(Simulation { settle_us, person, animal })
}

/// Whether the rig has a line of this name; reported if not.
pub(super) fn check_line(name: &Text, lines: &[LineConfig], reporter: &mut Reporter) -> bool {
    let known = lines.iter().any(|line| line.name == name.text);
    if !known {
        reporter.error("E049-unknown-line", name.span, format!("this rig has no line `{}`", name.text)).near(
            &name.text,
            lines.iter().map(|line| line.name.as_str()),
            |known| Some(format!("its lines are {}", listed(known.iter().copied()))),
        );
    }
    known
}

/// Plain numbers as they are, times in seconds.
fn animal_parameter(text: &Text, reporter: &mut Reporter) -> Option<f64> {
    let value = Quantity::read(&text.text).and_then(|quantity| match quantity.unit.map(|unit| unit.of) {
        Some(Unit::Time) => quantity.in_base(Unit::Time),
        _ => quantity.in_base(Unit::Number),
    });
    // Seconds and plain numbers are both millionths in base units.
    value.map(|value| value as f64 / 1e6).map_err(|error| fields::bad_quantity(&error, "", text.span, reporter)).ok()
}
