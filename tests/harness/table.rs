//! The real command line and the emulated rig on a table, as a person has them before her: a folder with protocol, rig-config
//! and journal in it, a cable, a supply. Owns where the program comes from; asserts only that things can be had.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use compiler::{Options, Source};
use controller::serial::find::{AskError, PATIENCE as PATIENCE_OF_ONE, ask};
use emulated::{Order, Seen, Table};
use link::Record;
use sim::animal::Animal;

use crate::{OnChip, top};

/// How long something that must come is waited for, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(180);

/// The command line, built as these tests are.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn nosepoke() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        // This program lies in target/PROFILE/deps.
        let this = std::env::current_exe().unwrap_or_default();
        let folder = this.ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default();
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.current_dir(top()).args(["build", "--quiet", "--package", "nosepoke", "--profile", profile]);
        assert!(build.status().is_ok_and(|status| status.success()), "the command line does not build");
        folder.join("nosepoke")
    });
    let mut command = Command::new(built);
    command.current_dir(top()).env("NO_COLOR", "1").env_remove("NOSEPOKE_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command said, both ways.
#[must_use]
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A rig on a table, and a session to be run on it.
pub struct Desk {
    folder: PathBuf,
    table: Table,
    arguments: Vec<String>,
}

impl Desk {
    /// Puts the emulated rig of a rig-config on the table, with this animal in it, for a protocol with parameters set.
    ///
    /// # Panics
    /// When protocol and rig do not fit, or the folder cannot be made.
    #[must_use]
    pub fn new(
        folder: &Path,
        image: &OnChip,
        rig: &str,
        protocol: &str,
        set: &[(&str, &str)],
        animal: Box<dyn Animal + Send>,
    ) -> Self {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let source = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Source { name: path.display().to_string(), text: text.to_owned() }
        };
        let (rig, protocol) = (source("box.yaml", rig), source("task.yaml", protocol));
        let config = compiler::read_rig(&rig).unwrap_or_else(|found| panic!("{found}"));
        let pairs = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let compiled =
            compiler::compile(&protocol, &config, &Options { set: pairs }).unwrap_or_else(|found| panic!("{found}"));
        let port = folder.join("port");
        let table = Table::new(&image.tools.script, &image.image, image.cord, &compiled.rig, animal, &port);
        let text = |path: &Path| path.display().to_string();
        let mut arguments = vec!["run".to_owned(), protocol.name, "--rig".to_owned(), rig.name];
        arguments.extend(["--port".to_owned(), text(&port), "--out".to_owned(), text(folder)]);
        arguments.extend(set.iter().flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]));
        let desk = Self { folder: folder.to_owned(), table, arguments };
        desk.wait_for("the port", || fs::symlink_metadata(&port).ok());
        // On a busy machine the emulated board may take longer to start than the program waits for a real one.
        desk.wait_for("the board", || match ask(&text(&port), PATIENCE_OF_ONE) {
            Ok(_) | Err(AskError::Mismatch { .. }) => Some(()),
            Err(_) => None,
        });
        desk
    }

    /// Begins the session, with more arguments besides; everything else of it lies in the folder.
    ///
    /// # Panics
    /// When the program does not start.
    #[must_use]
    pub fn run(&self, more: &[&str]) -> Child {
        let started = nosepoke().args(&self.arguments).args(more).spawn();
        started.unwrap_or_else(|error| panic!("nosepoke does not start: {error}"))
    }

    /// Any other command, with the folder behind it.
    ///
    /// # Panics
    /// When the program does not start.
    #[must_use]
    pub fn ask(&self, command: &str) -> Output {
        let done = nosepoke().arg(command).arg(&self.folder).output();
        done.unwrap_or_else(|error| panic!("nosepoke does not start: {error}"))
    }

    /// Where the rig's port is.
    #[must_use]
    pub fn port(&self) -> &Path {
        self.table.port()
    }

    /// Does something to the rig.
    pub fn order(&self, order: Order) {
        self.table.order(order);
    }

    /// The session so far, as far as it is on disk; none before its journal is begun.
    ///
    /// # Panics
    /// When the journal cannot be read.
    #[must_use]
    pub fn session(&self) -> Option<journal::Session> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let path = files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "npj"))?;
        journal::Session::open(&path).ok()
    }

    /// Waits until so many trials are on disk.
    ///
    /// # Panics
    /// When they do not come.
    pub fn wait_for_trials(&self, trials: usize) {
        self.wait_for("a trial", || {
            let session = self.session()?;
            let begun = session.records().filter(|(_, _, record)| matches!(record, Record::Trial { .. }));
            (begun.count() >= trials).then_some(())
        });
    }

    /// Takes the rig off the table: what was seen of it.
    #[must_use]
    pub fn take_away(self) -> Seen {
        self.table.take_away()
    }

    fn wait_for<T>(&self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(ready) = ready() {
                return ready;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{what} did not come within {} s", PATIENCE.as_secs());
    }
}
