//! A test file with its protocol and rig: where they stand, and all of it read.

use std::path::{Path, PathBuf};

use ::scenario::{Coverage, Covered};
use compiler::cover;
use compiler::scenario::{self, ENDING, TestFile};
use compiler::{Compiled, Diagnostics, Options, RigConfig, Source};

use super::fit;
use super::run::Stage;

/// A test file, and what it is of.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The test file.
    pub path: PathBuf,
    /// The protocol.
    pub protocol: Source,
    /// The rig-config as its file stands.
    pub rig_source: Source,
    /// The same, read.
    pub rig: RigConfig,
    /// The scenarios.
    pub file: TestFile,
    /// The protocol compiled with every parameter at its default.
    pub compiled: Compiled,
}

/// Why a test file cannot be run.
#[derive(Debug)]
pub struct SuiteError {
    /// The test file, or the protocol that has none.
    pub path: PathBuf,
    /// What is wrong.
    pub found: Diagnostics,
}

impl Suite {
    /// Reads the test file at `path`, its protocol and its rig.
    ///
    /// # Errors
    /// Everything that is wrong with the first of them that is not good.
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        let failed = |found| SuiteError { path: path.to_path_buf(), found };
        let source = Source::read(path).map_err(failed)?;
        let header = scenario::header(&source).map_err(failed)?;
        let beside = |name: &String| path.parent().unwrap_or(Path::new("")).join(name);
        let protocol = header.protocol.as_ref().map_or_else(|| protocol_of(path), beside);
        let protocol = Source::read(&protocol).map_err(failed)?;
        let (rig_source, rig) = match &header.rig {
            Some(name) => {
                let source = Source::read(&beside(name)).map_err(failed)?;
                let rig = compiler::read_rig(&source).map_err(failed)?;
                (source, rig)
            }
            None => fit::rig(&protocol).map_err(failed)?,
        };
        let compiled = compiler::compile(&protocol, &rig, &Options::default()).map_err(failed)?;
        let file = scenario::read(&source, &compiled.symbols).map_err(failed)?;
        Ok(Self { path: path.to_path_buf(), protocol, rig_source, rig, file, compiled })
    }

    /// What scenarios that cover these cover together of the protocol.
    #[must_use]
    pub fn coverage(&self, all: &[Covered]) -> Coverage {
        let cover = cover::cover(&self.protocol, &self.rig, &Options::default(), &self.compiled);
        match cover {
            Some(cover) => Coverage::of(&self.compiled.symbols, &cover, all, &self.file.allow),
            None => Coverage { untold: Some("what stands in the protocol could not be listed"), ..Coverage::default() },
        }
    }

    /// What its scenarios are run with.
    #[must_use]
    pub const fn stage(&self) -> Stage<'_> {
        Stage { protocol: &self.protocol, rig_source: &self.rig_source, rig: &self.rig }
    }
}

/// Whether a file holds scenarios, by its name.
#[must_use]
pub fn is_test(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(ENDING))
}

/// The protocol a test file stands beside.
#[must_use]
pub fn protocol_of(test: &Path) -> PathBuf {
    let name = test.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    test.with_file_name(format!("{}.yaml", name.strip_suffix(ENDING).unwrap_or(name)))
}

/// The test file that stands beside a protocol.
#[must_use]
pub fn test_of(protocol: &Path) -> PathBuf {
    let stem = protocol.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    protocol.with_file_name(format!("{stem}{ENDING}"))
}
