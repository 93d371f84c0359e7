//! A disk that takes longer than the rig bears its controller's silence: the session goes on beside it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::io::{Result, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::{TableRig, folder};
use compiler::{Options, Source};
use controller::serial;
use controller::serial::find::{Finder, Wanted};
use controller::session::{Plan, Session, SyncPolicy};
use controller::stop::Stop;
use journal::{Storage, SyncApart, Writer};
use link::{LineId, Record};

/// Longer than the rig's `silence` of 1 s.
const HANGS_FOR: Duration = Duration::from_millis(2_500);

/// A disk whose third sync hangs.
#[derive(Clone, Default)]
struct Hanging {
    bytes: Arc<Mutex<Vec<u8>>>,
    syncs: Arc<AtomicU32>,
}

impl Hanging {
    fn hang(syncs: &AtomicU32) {
        if syncs.fetch_add(1, Ordering::Relaxed) == 2 {
            thread::sleep(HANGS_FOR);
        }
    }
}

impl Write for Hanging {
    fn write(&mut self, new: &[u8]) -> Result<usize> {
        self.bytes.lock().unwrap().write(new)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Storage for Hanging {
    fn sync(&mut self) -> Result<()> {
        Self::hang(&self.syncs);
        Ok(())
    }

    fn sync_apart(&self) -> Option<SyncApart> {
        let syncs = Arc::clone(&self.syncs);
        Some(Box::new(move || {
            Self::hang(&syncs);
            Ok(())
        }))
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.bytes.lock().unwrap().truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}

#[test]
fn a_disk_that_hangs_for_seconds_does_not_make_the_controller_silent() {
    let table = TableRig::new(&folder("slow-disk"));
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let rig = compiler::read_rig(&source("box.yaml", common::BOX)).unwrap();
    let set = vec![("trials_max".to_owned(), "20".to_owned())];
    let compiled = compiler::compile(&source("ticking.yaml", common::TICKING), &rig, &Options { set }).unwrap();
    let plan = Plan {
        session: 77,
        compiled,
        protocol: common::TICKING.to_owned(),
        rig: common::BOX.to_owned(),
        seed: 5,
        options: Vec::new(),
        purpose: journal::Purpose::Session,
        remarks: Vec::new(),
        subject: Some("R12".to_owned()),
        operator: Some("KS".to_owned()),
        arm: Some((LineId(0).bit(), "KS".to_owned())),
        simulated: false,
        started_ms: None,
        sync: SyncPolicy::LIVE,
        wall_clock: None,
    };
    let disk = Hanging::default();
    let opened = disk.clone();
    let mut session = Session::new(plan, Box::new(move |header| Writer::begin(opened, header)));
    let wanted = Wanted { id: None, port: Some(table.port.display().to_string()) };
    let mut finder = Finder::here(wanted);
    let asked = finder.first().unwrap();
    serial::run(&mut session, asked, finder, &Stop::new(), &mut |_| {}).unwrap();
    assert!(disk.syncs.load(Ordering::Relaxed) > 3, "it hung, and went on");
    let journal = journal::Session::read(&disk.bytes.lock().unwrap()).unwrap();
    journal.verify().unwrap();
    let told: Vec<Record> = journal.records().map(|(_, _, record)| record).collect();
    assert!(!told.iter().any(|record| matches!(record, Record::Silence(_))), "the controller was heard all the time");
    assert_eq!(told.iter().filter(|record| matches!(record, Record::Trial { .. })).count(), 20);
}
