//! `nosepoke schema`: what an editor needs to complete protocols, rig-configs and scenario tests, and to mark what is not known in them.

use std::path::PathBuf;
use std::process::ExitCode;

use compiler::schema::{File, schema};

use super::{Complaint, made, say};

/// Prints the JSON Schema of protocols, rig-configs or scenario tests, for editors.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nosepoke schema --out protocol.schema.json\n  nosepoke schema rig --out rig.schema.json\n\nHow to tell an editor: docs/editors.md"
)]
pub(crate) struct Schema {
    /// Which files it is for.
    #[arg(value_enum, default_value = "protocol")]
    of: Of,
    /// The file to write; standard output if none is named.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    Protocol,
    Rig,
    Scenarios,
}

impl Schema {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let schema = schema(match self.of {
            Of::Protocol => File::Protocol,
            Of::Rig => File::Rig,
            Of::Scenarios => File::Scenarios,
        });
        match &self.out {
            None => say(format_args!("{schema:#}"))?,
            Some(path) => made::write(path, &format!("{schema:#}\n"), None)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
