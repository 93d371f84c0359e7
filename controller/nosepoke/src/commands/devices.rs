//! `nosepoke devices`: which boards are attached, and how each stands.

use std::collections::BTreeMap;
use std::process::ExitCode;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use controller::flash;
use controller::serial::find::{ADVICE, AskError, Asked, FindError, PATIENCE, ask};
use controller::serial::port::{self, Candidate, OpenError};
use link::message::{Hello, State};
use serde_json::{Value, json};

use super::{Complaint, say};

/// Lists the boards that are attached, whether they match this nosepoke, and how they stand.
///
/// Asking changes nothing: a session that runs does not notice.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nosepoke devices\n  nosepoke devices --json\n  nosepoke devices --port /dev/ttyUSB0"
)]
pub(crate) struct Devices {
    /// Asks at this port, and at no other.
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Says it as JSON.
    #[arg(long)]
    json: bool,
}

impl Devices {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let candidates = self.port.as_deref().map_or_else(port::attached, |name| vec![Candidate::named(name)]);
        let (ours, others): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.is_ours() || self.port.is_some());
        let asked: Vec<(&Candidate, Result<Asked, AskError>)> =
            ours.iter().map(|candidate| (candidate, ask(&candidate.name, PATIENCE))).collect();
        let waiting = flash::drives();
        let usable = asked.iter().any(|(_, asked)| asked.is_ok());
        if self.json {
            let devices: Vec<Value> = asked.iter().map(|(candidate, asked)| as_json(candidate, asked)).collect();
            let others: Vec<Value> =
                others.iter().map(|other| json!({"port": other.name, "product": other.product})).collect();
            let waiting: Vec<Value> =
                waiting.iter().map(|drive| json!({"drive": drive.folder, "board": drive.chip.word()})).collect();
            let all = json!({"devices": devices, "waiting_for_firmware": waiting, "other_ports": others});
            say(format_args!("{all:#}"))?;
        } else {
            if !asked.is_empty() {
                say(table(&asked))?;
            }
            for twins in twins(&asked) {
                say(twins)?;
            }
            for drive in &waiting {
                say(format_args!(
                    "an {} at {} waits for firmware: nosepoke flash",
                    drive.chip,
                    drive.folder.display()
                ))?;
            }
            for other in &others {
                let product = other.product.as_deref().unwrap_or("a USB serial port");
                let name = &other.name;
                say(format_args!(
                    "{name}: {product}, not asked; if it is a board of yours: nosepoke devices --port {name}"
                ))?;
            }
        }
        let failed: Vec<String> =
            asked.iter().filter_map(|(_, asked)| asked.as_ref().err().map(ToString::to_string)).collect();
        match (usable, failed.is_empty()) {
            (true, _) => Ok(ExitCode::SUCCESS),
            (false, false) => Err(Complaint::told(failed.join("\n"))),
            (false, true) => Err(Complaint::told(format_args!("no board that runs nosepoke is attached\n{ADVICE}"))),
        }
    }
}

/// Boards of one number, each such number once.
fn twins(asked: &[(&Candidate, Result<Asked, AskError>)]) -> Vec<FindError> {
    let mut by_id: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for (candidate, asked) in asked {
        if let Some(id) = row(candidate, asked).id {
            by_id.entry(id).or_default().push(candidate.name.clone());
        }
    }
    let several = by_id.into_iter().filter(|(_, ports)| ports.len() > 1);
    several.map(|(id, ports)| FindError::Twins { id, ports }).collect()
}

/// What can be said of one.
struct Row {
    id: Option<u64>,
    board: String,
    firmware: String,
    link: String,
    fits: String,
    supply: &'static str,
    state: String,
    ring: String,
}

fn row(candidate: &Candidate, asked: &Result<Asked, AskError>) -> Row {
    let unknown = |state: &str| Row {
        id: candidate.id(),
        board: "?".to_owned(),
        firmware: "?".to_owned(),
        link: "?".to_owned(),
        fits: "?".to_owned(),
        supply: "?",
        state: state.to_owned(),
        ring: "?".to_owned(),
    };
    let known = |hello: &Hello| Row {
        id: Some(hello.id),
        board: hello.board.to_string(),
        firmware: hello.firmware.to_string(),
        link: hello.link_current.to_string(),
        fits: "yes".to_owned(),
        supply: if hello.separate_supply { "own" } else { "by rig" },
        ..unknown("?")
    };
    match asked {
        Ok(asked) => Row {
            state: state(asked),
            ring: format!("{} %", u64::from(asked.status.ring_free) * 100 / u64::from(asked.hello.ring_bytes.max(1))),
            ..known(&asked.hello)
        },
        Err(AskError::Mismatch { hello, mismatch, .. }) => {
            let side = match mismatch {
                link::message::Mismatch::ControllerTooOld { .. } => "update nosepoke",
                _ => "update the board",
            };
            Row { fits: side.to_owned(), ..known(hello) }
        }
        Err(AskError::Open(OpenError::Busy { .. })) => unknown("in use"),
        Err(AskError::Open(_) | AskError::Pulled { .. }) => unknown("not opened"),
        Err(AskError::Silent { .. }) => unknown("silent"),
        Err(AskError::Stranger { .. }) => unknown("no nosepoke"),
    }
}

fn state(asked: &Asked) -> String {
    let held = asked.status.next_record - asked.status.first_record.min(asked.status.next_record);
    match asked.status.state {
        State::Idle => "idle".to_owned(),
        State::Loaded => "loaded".to_owned(),
        State::Running => format!("runs session {:08x}", asked.session),
        State::Over if held == 0 => "idle".to_owned(),
        State::Over => format!("holds session {:08x}: nosepoke resume", asked.session),
    }
}

fn table(asked: &[(&Candidate, Result<Asked, AskError>)]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["port", "id", "board", "firmware", "link", "fits", "supply", "state", "memory free"]);
    for (candidate, asked) in asked {
        let Row { id, board, firmware, link, fits, supply, state, ring } = row(candidate, asked);
        let id = id.map_or_else(|| "?".to_owned(), |id| format!("{id:016x}"));
        let supply = supply.to_owned();
        table.add_row([candidate.name.clone(), id, board, firmware, link, fits, supply, state, ring]);
    }
    table.trim_fmt()
}

fn as_json(candidate: &Candidate, asked: &Result<Asked, AskError>) -> Value {
    let hello = match asked {
        Ok(asked) => Some(&asked.hello),
        Err(AskError::Mismatch { hello, .. }) => Some(hello.as_ref()),
        Err(_) => None,
    };
    let id = row(candidate, asked).id.map(|id| format!("{id:016x}"));
    let asked_of = asked.as_ref().ok();
    json!({
        "port": candidate.name,
        "id": id,
        "board": hello.map(|hello| hello.board.as_str()),
        "firmware": hello.map(|hello| hello.firmware.as_str()),
        "link": hello.map(|hello| hello.link_current),
        // A board that does not say so cannot tell.
        "separate_supply": hello.and_then(|hello| hello.separate_supply.then_some(true)),
        "compatible": asked.is_ok(),
        "state": asked_of.map(|asked| format!("{:?}", asked.status.state).to_lowercase()),
        "session": asked_of.map(|asked| asked.session).filter(|session| *session != 0).map(|session| format!("{session:08x}")),
        "records_held": asked_of.map(|asked| asked.status.next_record.saturating_sub(asked.status.first_record)),
        "ring_bytes": hello.map(|hello| hello.ring_bytes),
        "ring_free": asked_of.map(|asked| asked.status.ring_free),
        "error": asked.as_ref().err().map(ToString::to_string),
    })
}
