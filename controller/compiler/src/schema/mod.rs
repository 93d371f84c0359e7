//! A JSON Schema of the files that are read, for editors: completion, a word about each key, a mark under one that is not known.
//! Shapes are tables, one for each kind of mapping the readers know; a test holds the two against each other, key by key. What
//! values mean is the compiler's to say: a schema cannot know a parameter from a slip of the pen.

mod around;
mod protocol;
mod rig;
mod scenario;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod trials;

use serde_json::{Map, Value, json};

use crate::fragments;
use crate::kinds;
use crate::quantity::UNITS;
use crate::symbols::Unit;

/// A kind of mapping.
#[derive(Debug)]
struct Shape {
    /// As its reader calls it in messages.
    what: &'static str,
    about: &'static str,
    keys: &'static [Key],
    /// Keys that must be there.
    needs: &'static [&'static str],
    /// Keys of which exactly one is there; empty if there is no such choice.
    one_of: &'static [&'static str],
    /// What keys that are not listed hold, where any name is a key.
    others: Option<Is>,
}

/// A key, what it holds and what is to be said of it.
#[derive(Debug)]
struct Key {
    name: &'static str,
    is: Is,
    about: &'static str,
}

/// What stands behind a key.
#[derive(Debug, Clone, Copy)]
enum Is {
    /// A plain value: text, a number with its unit, an expression.
    Value,
    /// An expression of something that has a unit: never a bare number.
    Measured,
    /// Text for people.
    Text,
    /// A quantity that is written out.
    Quantity(Unit),
    /// `true` or `false`.
    Truth,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Nothing behind the colon.
    Nothing,
    /// A kind of line.
    Kind,
    /// A mapping of this shape.
    Shape(&'static str),
    /// A list.
    List(&'static Is),
    /// A mapping from names to these.
    Map(&'static Is),
    /// Any of these.
    Any(&'static [Is]),
}

const fn key(name: &'static str, is: Is, about: &'static str) -> Key {
    Key { name, is, about }
}

const fn shape(what: &'static str, about: &'static str, keys: &'static [Key]) -> Shape {
    Shape { what, about, keys, needs: &[], one_of: &[], others: None }
}

impl Shape {
    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    const fn one_of(self, one_of: &'static [&'static str]) -> Self {
        Self { one_of, ..self }
    }

    const fn others(self, others: Is) -> Self {
        Self { others: Some(others), ..self }
    }
}

/// The files there are a schema for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// A protocol.
    Protocol,
    /// A rig-config.
    Rig,
    /// A file of scenario tests.
    Scenarios,
}

impl File {
    fn shapes(self) -> impl Iterator<Item = &'static Shape> {
        let tables: &[&[Shape]] = match self {
            Self::Protocol => &[protocol::SHAPES, trials::SHAPES, around::SHAPES],
            Self::Rig => &[rig::SHAPES],
            Self::Scenarios => &[scenario::SHAPES],
        };
        tables.iter().copied().flatten()
    }
}

/// The schema of a kind of file, draft 2020-12.
#[must_use]
pub fn schema(file: File) -> Value {
    let mut defs = Map::new();
    for shape in file.shapes() {
        defs.insert(slug(shape.what), written(shape));
    }
    let (title, root) = match file {
        File::Protocol => ("A nosepoke protocol", "a protocol"),
        File::Rig => ("A nosepoke rig-config", "a rig-config"),
        File::Scenarios => ("Scenario tests of a nosepoke protocol", "a test file"),
    };
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$defs": defs,
    });
    let Value::Object(fields) = &mut schema else { return schema };
    if file == File::Protocol {
        // What protocols share stands in files of its own, which say so first.
        fields.insert("if".to_owned(), json!({"required": ["fragment"]}));
        fields.insert("then".to_owned(), fragment());
        fields.insert("else".to_owned(), json!({"$ref": reference(root)}));
    } else {
        fields.insert("$ref".to_owned(), json!(reference(root)));
    }
    schema
}

/// A fragment: the keys of a protocol but for those that only a protocol has.
fn fragment() -> Value {
    let Some(shape) = protocol::SHAPES.iter().find(|shape| shape.what == "a protocol") else { return json!({}) };
    let mut value = written(&Shape { what: "a fragment", needs: &["fragment"], ..*shape });
    if let Some(properties) = value.pointer_mut("/properties").and_then(Value::as_object_mut) {
        properties.retain(|key, _| !fragments::OF_A_PROTOCOL.contains(&key.as_str()));
        let mut name = of(Is::Text);
        if let Value::Object(fields) = &mut name {
            fields.insert("description".to_owned(), json!("Its name."));
        }
        properties.insert("fragment".to_owned(), name);
    }
    value
}

/// A name for a definition: words and dashes.
fn slug(what: &str) -> String {
    let words: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

fn reference(what: &str) -> String {
    format!("#/$defs/{}", slug(what))
}

fn written(shape: &Shape) -> Value {
    let Shape { what, about, keys, needs, one_of, others } = shape;
    let mut properties = Map::new();
    for Key { name, is, about } in *keys {
        let mut value = of(*is);
        if let Value::Object(fields) = &mut value {
            // What stands beside a reference counts too in this draft.
            fields.insert("description".to_owned(), json!(about));
        }
        properties.insert((*name).to_owned(), value);
    }
    let others = others.map_or(json!(false), of);
    let mut object = json!({
        "title": what.replace('`', ""),
        "description": about,
        "type": "object",
        "properties": properties,
        "additionalProperties": others,
    });
    if let Value::Object(fields) = &mut object {
        if !needs.is_empty() {
            fields.insert("required".to_owned(), json!(needs));
        }
        if !one_of.is_empty() {
            let each: Vec<Value> = one_of.iter().map(|key| json!({"required": [key]})).collect();
            fields.insert("oneOf".to_owned(), json!(each));
        }
    }
    object
}

/// What a value may be.
fn of(is: Is) -> Value {
    match is {
        // To YAML `500 ms` is text, `3` a number and `true` a truth; all of them are plain values here.
        Is::Value | Is::Text => json!({"type": ["string", "number", "boolean"]}),
        Is::Measured => json!({"type": "string", "not": {"pattern": format!("^\\s*{NUMBER}\\s*$")}}),
        Is::Quantity(unit) => quantity(unit),
        Is::Truth => json!({"enum": [true, false]}),
        // `none` and `off` are text in the YAML of editors; `true` is not.
        Is::Word(words) => json!({"enum": words}),
        Is::Nothing => json!({"type": "null"}),
        Is::Kind => json!({"enum": kinds::KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()}),
        Is::Shape(what) => json!({"$ref": reference(what)}),
        Is::List(item) => json!({"type": "array", "items": of(*item)}),
        Is::Map(value) => json!({"type": "object", "additionalProperties": of(*value)}),
        Is::Any(all) => json!({"anyOf": all.iter().map(|is| of(*is)).collect::<Vec<_>>()}),
    }
}

/// A number, as a pattern.
const NUMBER: &str = "[-+−]?[0-9]+(\\.[0-9]+)?";

/// A number with a unit, by the table of units.
fn quantity(unit: Unit) -> Value {
    let mut words: Vec<String> = Vec::new();
    for word in UNITS.iter().filter(|word| word.of == unit) {
        let escaped = word.word.replace('/', "\\/");
        words.push(escaped.clone());
        if let Some(rest) = escaped.strip_prefix('µ') {
            words.extend([format!("u{rest}"), format!("\u{3bc}{rest}")]);
        }
        match word.word {
            "deg" => words.push("°".to_owned()),
            "nl" | "ml" => words.push(escaped.replace('l', "L")),
            "µl" => words.extend(["µL".to_owned(), "uL".to_owned()]),
            _ => {}
        }
    }
    let number = NUMBER;
    match unit {
        Unit::Count => json!({"type": ["integer", "string"], "pattern": format!("^{number}$")}),
        Unit::Number => json!({"type": ["number", "string"], "pattern": format!("^{number}\\s*%?$")}),
        _ => json!({"type": "string", "pattern": format!("^\\s*{number}\\s*({})\\s*$", words.join("|"))}),
    }
}
