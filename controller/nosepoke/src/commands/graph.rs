//! `nosepoke graph`: the states of a protocol as a picture, or as text for other tools.

use std::path::PathBuf;
use std::process::ExitCode;

use compiler::Source;
use diagram::Detail;

use super::{Complaint, made, say, told_in_json};

/// Draws the states of a protocol: as SVG, as Mermaid or DOT text, or as JSON.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nosepoke graph my-task.yaml --out my-task.svg\n  nosepoke graph my-task.yaml --format mermaid\n  nosepoke graph my-task.yaml --format dot | dot -Tpdf -o my-task.pdf"
)]
pub(crate) struct Graph {
    /// The protocol.
    protocol: PathBuf,
    /// The file to write; standard output if none is named. Its ending tells the format: .svg, .mmd, .dot, .json.
    #[arg(long)]
    out: Option<PathBuf>,
    /// What is written.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Leaves out what states do and handle.
    #[arg(long)]
    brief: bool,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Svg,
    Mermaid,
    Dot,
    Json,
}

impl Graph {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json || self.format == Some(Format::Json);
        told_in_json(json, self.draw())
    }

    fn draw(self) -> Result<ExitCode, Complaint> {
        let source = Source::read(&self.protocol).map_err(|found| Complaint::drawn(&found))?;
        let graph = compiler::graph::graph(&source).map_err(|found| Complaint::drawn(&found))?;
        let detail = if self.brief { Detail::States } else { Detail::Full };
        let written = match self.format()? {
            Format::Svg => diagram::svg(&graph, detail),
            Format::Mermaid => diagram::mermaid(&graph, detail),
            Format::Dot => diagram::dot(&graph, detail),
            Format::Json => match serde_json::to_string_pretty(&graph) {
                Ok(json) => json,
                Err(error) => return Err(Complaint::new(format_args!("the graph cannot be written as JSON: {error}"))),
            },
        };
        match &self.out {
            None => say(written.trim_end())?,
            Some(path) => made::write(path, &written, Some(&self.protocol))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn format(&self) -> Result<Format, Complaint> {
        if self.json {
            return Ok(Format::Json);
        }
        if let Some(format) = self.format {
            return Ok(format);
        }
        let Some(path) = &self.out else { return Ok(Format::Svg) };
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Format::Svg),
            Some("mmd" | "mermaid") => Ok(Format::Mermaid),
            Some("dot" | "gv") => Ok(Format::Dot),
            Some("json") => Ok(Format::Json),
            _ => Err(Complaint::new(format_args!(
                "{}: its ending tells no format; add `--format svg`, `mermaid`, `dot` or `json`",
                path.display()
            ))),
        }
    }
}
