//! `nosepoke explain`: what a code means, why it is told, and how it is put right.

use std::process::ExitCode;

use compiler::explain::{self, Explained};

use super::{Complaint, say, told_in_json};

/// Says what a code of an error or a warning means, with a wrong and a right example; without a code, lists them all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nosepoke explain E073-unknown-state\n  nosepoke explain w005\n  nosepoke explain")]
pub(crate) struct Explain {
    /// The code, whole or its number alone.
    code: Option<String>,
    /// Says it as JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.explain())
    }

    fn explain(self) -> Result<ExitCode, Complaint> {
        let chosen = match &self.code {
            None => explain::all(),
            Some(code) => match explain::of(code) {
                Some(explained) => vec![explained],
                None => {
                    return Err(Complaint::new(format_args!(
                        "there is no code `{code}`; `nosepoke explain` lists them all"
                    )));
                }
            },
        };
        if self.json {
            let all: Vec<_> = chosen.iter().map(as_json).collect();
            let told = if self.code.is_some() { all.into_iter().next().unwrap_or_default() } else { all.into() };
            say(format_args!("{told:#}"))?;
        } else if self.code.is_some() {
            for explained in &chosen {
                say(format_args!("{}\n\n{}", explained.code, plain(explained.text)))?;
            }
        } else {
            say(table(&chosen))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(explained: &Explained) -> serde_json::Value {
    let Explained { code, area, means, text } = explained;
    let examples: Vec<_> = explained
        .pieces()
        .iter()
        .map(|piece| serde_json::json!({"wrong": piece.wrong, "of": piece.of, "text": piece.text}))
        .collect();
    let severity = if code.starts_with('W') { "warning" } else { "error" };
    serde_json::json!({
        "code": code, "severity": severity, "area": area, "means": one_line(means), "text": text, "examples": examples,
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line a code, under the titles of their pages.
fn table(all: &[Explained]) -> String {
    let width = all.iter().map(|explained| explained.code.len()).max().unwrap_or(0);
    let (mut out, mut area) = (String::new(), "");
    for explained in all {
        if explained.area != area {
            area = explained.area;
            out.push_str(&format!("\n{area}\n"));
        }
        let means = one_line(explained.means).replace('`', "");
        out.push_str(&format!("  {:width$}  {means}\n", explained.code));
    }
    out.trim().to_owned()
}

/// A section as a terminal shows it: examples are indented under what they are.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(head) if !inside => {
                inside = true;
                out.truncate(out.trim_end().len());
                let mut words = head.split_whitespace();
                let (kind, what) = (words.next().unwrap_or(""), words.collect::<Vec<_>>());
                let said = if what.contains(&"wrong") { "Wrong" } else { "Right" };
                let of = match (kind, what.get(1)) {
                    ("console", _) => "",
                    (_, Some(of)) => &format!(", in the {of}-config"),
                    _ => "",
                };
                let of = of.replace("scenario-config", "scenario file");
                out.push_str(&format!("\n\n{said}{of}:\n\n"));
            }
            Some(_) => inside = false,
            None if inside => out.push_str(&format!("    {line}\n")),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out.trim_end().to_owned()
}
