//! A session of an experiment over days: which stage it is of, and what is known of its subject. And how a protocol with
//! stages is compiled: every stage is, each time, so that what is wrong in one is known before the day it comes.

use crate::diagnostic::{Diagnostics, Reporter, Severity, listed};
use crate::protocol::Protocol;
use crate::yaml::{self, Node, Value};
use crate::{Compiled, Options, Source, protocol};

/// Whose session it is, and which of the experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sitting {
    /// The stage; the first if none is named.
    pub stage: Option<String>,
    /// What was assigned to the subject: name and label. The first label stands for what was not assigned.
    pub assigned: Vec<(String, String)>,
    /// What was asked of subject and session: name and value, as typed.
    pub metadata: Vec<(String, String)>,
    /// What was drawn in a session before and is drawn once per subject: name and value in base units.
    pub drawn_before: Vec<(String, i64)>,
}

/// What is set for a session that nobody sits in, as by a scenario: parameters and what is asked are options; the stage and what
/// is assigned make the sitting, by the names under `stages` and `assign` of the protocol.
#[must_use]
pub fn sit(protocol: &Source, set: &[(String, String)]) -> (Options, Sitting) {
    let root = yaml::read(protocol, &mut Reporter::new(protocol));
    let section = |key: &str| match root.as_ref().map(|root| &root.value) {
        Some(Value::Map(entries)) => entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value.value),
        _ => None,
    };
    let is_assigned = |name: &str| match section("assign") {
        Some(Value::Map(entries)) => entries.iter().any(|entry| entry.key.text == name),
        _ => false,
    };
    let (mut options, mut sitting) = (Options::default(), Sitting::default());
    for (name, value) in set {
        if name == "stage" && section("stages").is_some() {
            sitting.stage = Some(value.trim().to_owned());
        } else if is_assigned(name) {
            sitting.assigned.push((name.clone(), value.trim().to_owned()));
        } else {
            options.set.push((name.clone(), value.clone()));
        }
    }
    (options, sitting)
}

/// Warnings that tell what no stage makes use of: what one does use is used.
const OF_ALL: &[&str] = &["W003-unused", "W004-never", "W006-unreachable", "W007-no-way-out"];
/// So are those that the paper tells: guards that never hold, rows that are never reached.
const OF_PAPER: &str = "W06";

/// Compiles a protocol without stages once, and one with stages for each: findings of all, the program of the one asked for,
/// and the protocol as written. None if it cannot be read, which is reported.
pub(crate) fn each_stage(
    root: &Node,
    sitting: &Sitting,
    reporter: &mut Reporter,
    mut one: impl FnMut(Protocol, &mut Reporter) -> Option<Compiled>,
) -> Option<(Protocol, Option<Compiled>)> {
    let written = protocol::read(root, reporter)?;
    let stages: Vec<String> = written.stages.iter().map(|stage| stage.name.text.clone()).collect();
    if stages.is_empty() {
        let compiled = one(protocol::read(root, reporter)?, reporter);
        return Some((written, compiled));
    }
    let wanted = match &sitting.stage {
        None => 0,
        Some(name) => stages.iter().position(|stage| stage == name).unwrap_or_else(|| {
            let span = written.stages.first().map_or(written.name.span, |stage| stage.name.span);
            reporter.error("E311-stage", span, format!("this protocol has no stage `{name}`")).near(
                name,
                stages.iter().map(String::as_str),
                |known| Some(format!("its stages are {}", listed(known.iter().copied()))),
            );
            0
        }),
    };
    let mut chosen = None;
    let mut of_stages = Vec::new();
    for n in 0..stages.len() {
        let mut of_stage = reporter.fresh();
        // Its mistakes in shape were told above.
        let Some(mut of_one) = protocol::read(root, reporter) else { continue };
        of_one.enter(n, &mut of_stage);
        let compiled = one(of_one, &mut of_stage);
        if n == wanted {
            chosen = compiled;
        }
        of_stages.push(of_stage.finish());
    }
    merge(&stages, of_stages, reporter);
    Some((written, chosen))
}

/// One list of what was found in the stages: each finding once, with the stage where not all have it.
fn merge(stages: &[String], of_stages: Vec<Diagnostics>, reporter: &mut Reporter) {
    let all = of_stages.clone();
    let same = |stage: &Diagnostics, finding: &crate::Diagnostic| {
        let like = |other: &crate::Diagnostic| {
            (other.code, other.span, &other.file, &other.message)
                == (finding.code, finding.span, &finding.file, &finding.message)
        };
        stage.list.iter().any(like)
    };
    let broken = all.iter().any(|stage| stage.errors() > 0);
    for (name, found) in stages.iter().zip(of_stages) {
        for mut finding in found.list {
            let everywhere = all.iter().all(|stage| same(stage, &finding));
            // Where a stage does not compile, what it would make use of is not known.
            let of_all = OF_ALL.contains(&finding.code) || finding.code.starts_with(OF_PAPER);
            if of_all && (!everywhere || broken) {
                continue;
            }
            if !everywhere && finding.severity == Severity::Error {
                finding.message = format!("in the stage `{name}`: {}", finding.message);
            }
            reporter.adopt_one(finding);
        }
    }
}
