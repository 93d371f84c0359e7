//! Warnings that a protocol allows, each with its reason: read here, and taken out of what is told. An error cannot be allowed,
//! and one that allows nothing is itself told.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Diagnostics, Reporter, Severity, Span};
use crate::explain;
use crate::fields::{self, Fields};
use crate::symbols::AllowedSymbol;
use crate::yaml::{Node, Text, Value};

/// A warning that is not told because the protocol allows it.
#[derive(Debug, Clone, Serialize)]
pub struct Silenced {
    /// What would have been told.
    pub finding: Diagnostic,
    /// Why it is meant so, as the protocol says.
    pub because: String,
}

impl Silenced {
    /// As a journal keeps it.
    pub(crate) fn symbol(&self) -> AllowedSymbol {
        let Self { finding, because } = self;
        AllowedSymbol {
            code: finding.code.to_owned(),
            message: finding.message.clone(),
            line: u32::try_from(finding.line).unwrap_or(u32::MAX),
            because: because.clone(),
        }
    }
}

/// A warning that is allowed.
#[derive(Debug)]
pub(crate) struct Allowed {
    warning: Text,
    /// The thing it is allowed in, by its name; none: anywhere.
    at: Option<Text>,
    because: String,
}

const KEYS: &[&str] = &["warning", "at", "because"];
const EXAMPLE: &str = "- {warning: W005-stays-on, at: lights_up, because: the house light stays on all session}";

/// Reads `allow`.
pub(crate) fn read(top: &Fields<'_>, root: &Node, reporter: &mut Reporter) -> Vec<Allowed> {
    let items = top.get("allow").and_then(|node| fields::list(node, "`allow`", EXAMPLE, reporter));
    items.unwrap_or_default().iter().filter_map(|item| one(item, root, reporter)).collect()
}

fn one(item: &Node, root: &Node, reporter: &mut Reporter) -> Option<Allowed> {
    let keys = fields::fields(item, "an allowed warning", KEYS, EXAMPLE, reporter)?;
    let warning = keys.need("warning", "warning: W005-stays-on", reporter);
    let because = keys.need("because", "because: the house light stays on all session", reporter);
    let warning = warning.and_then(|node| fields::text(node, "the warning", "W005-stays-on", reporter));
    let because = because.and_then(|node| fields::text(node, "the reason", "the light is meant to stay on", reporter));
    let at = keys.get("at").and_then(|node| fields::text(node, "`at`", "lights_up", reporter));
    let warning = warning?;
    let code = warning.text.as_str();
    let known = || explain::all().into_iter().map(|explained| explained.code);
    if code.starts_with('E') && known().any(|known| known == code) {
        reporter
            .error("E331-allow", warning.span, format!("`{code}` is an error, and only warnings can be allowed"))
            .help("put right what it tells of");
        return None;
    }
    if !known().any(|known| known == code) {
        let whole = known().find(|known| known.split('-').next() == Some(code));
        let told = reporter.error("E331-allow", warning.span, format!("there is no warning `{code}`"));
        match whole {
            Some(whole) => told.help(format!("write its whole name: `{whole}`")),
            None => told.near(code, known().filter(|known| known.starts_with('W')), |_| {
                Some("`nosepoke explain` lists them all".to_owned())
            }),
        };
        return None;
    }
    if let Some(at) = at.filter(|at| places(root, &at.text).is_empty()) {
        let mut names = Vec::new();
        keys_of(root, &mut names);
        reporter.error("E331-allow", at.span, format!("nothing in this protocol is called `{}`", at.text)).near(
            &at.text,
            names,
            |_| Some("`at` names what the warning is told in: a state, a parameter, a line".to_owned()),
        );
        return None;
    }
    Some(Allowed { warning: warning.clone(), at: at.cloned(), because: because?.text.trim().to_owned() })
}

/// What is told, and what is not because it is allowed. What allows nothing is told too, unless errors may have kept what it
/// allows from being found.
pub(crate) fn sort(mut reporter: Reporter, allowed: &[Allowed], root: &Node) -> (Diagnostics, Vec<Silenced>) {
    let mut used = vec![false; allowed.len()];
    let mut silenced = Vec::new();
    for finding in reporter.take_if(|finding| covering(finding, allowed, root).is_some()) {
        let Some(n) = covering(&finding, allowed, root) else { continue };
        if let (Some(used), Some(Allowed { because, .. })) = (used.get_mut(n), allowed.get(n)) {
            *used = true;
            silenced.push(Silenced { finding, because: because.clone() });
        }
    }
    if !reporter.has_errors() {
        for (Allowed { warning, at, .. }, _) in allowed.iter().zip(used).filter(|(_, used)| !used) {
            let at = at.as_ref().map_or(String::new(), |at| format!(" at `{}`", at.text));
            reporter
                .warning(
                    "W065-allows-nothing",
                    warning.span,
                    format!("`{}` is not told{at}: this allows nothing", warning.text),
                )
                .help("leave it out: it would hide the next one");
        }
    }
    (reporter.finish(), silenced)
}

/// Which of what is allowed covers a finding.
fn covering(finding: &Diagnostic, allowed: &[Allowed], root: &Node) -> Option<usize> {
    let within = |span: &Span| span.start <= finding.whole.start && finding.whole.end <= span.end;
    allowed.iter().position(|Allowed { warning, at, .. }| {
        let here = || at.as_ref().is_none_or(|at| places(root, &at.text).iter().any(within));
        finding.severity == Severity::Warning && finding.code == warning.text && here()
    })
}

/// Every entry with this key, key and value together.
fn places(node: &Node, key: &str) -> Vec<Span> {
    let mut found = Vec::new();
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                if entry.key.text == key {
                    found.push(entry.key.span.to(entry.value.span));
                }
                found.extend(places(&entry.value, key));
            }
        }
        Value::List(items) => {
            for item in items {
                found.extend(places(item, key));
                // An item of a list of names, as of timers.
                if let Value::Scalar(text) = &item.value
                    && text.text == key
                {
                    found.push(text.span);
                }
            }
        }
        Value::Scalar(_) | Value::Broken => {}
    }
    found
}

fn keys_of<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                found.push(&entry.key.text);
                keys_of(&entry.value, found);
            }
        }
        Value::List(items) => items.iter().for_each(|item| keys_of(item, found)),
        Value::Scalar(_) | Value::Broken => {}
    }
}
