//! How fast a journal is written and read on this machine, and what a record costs in it:
//! `cargo run --release -p nosepoke-journal --example throughput [FOLDER]`. Prints; decides nothing.

use std::path::PathBuf;
use std::time::Instant;

use journal::{Header, Session, Why, Writer};
use link::record::ENTRY_BYTES_MAX;
use link::{LineId, Record};

/// About an hour of a session with a lot of licking.
const RECORDS: u64 = 40_000;
const HOURS: u64 = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    for (name, records, records_per_append) in
        [("one hour", RECORDS, 200), ("one hour, record by record", RECORDS, 1), ("fifty hours", RECORDS * HOURS, 200)]
    {
        let (mut entries, mut appends) = (link::record::Writer::new(0), Vec::new());
        let mut base = 0;
        for first in (0..records).step_by(records_per_append) {
            let (mut bytes, start) = (Vec::new(), base);
            for number in first..first + records_per_append as u64 {
                base = number * 90_123;
                let record = Record::Input { line: LineId(1), active: number % 2 == 0, late_us: 0 };
                bytes.extend_from_slice(entries.write(base, &record, &mut [0; ENTRY_BYTES_MAX]));
            }
            appends.push((first, start, bytes));
        }

        let path = folder.join(format!("nosepoke-throughput-{}.npj", std::process::id()));
        let begun = Instant::now();
        let mut writer = Writer::create(&path, &Header::default())?;
        for (first, start, bytes) in &appends {
            writer.append_device(*first, *start, records_per_append as u64, bytes)?;
        }
        let closed = writer.close(Why::Incomplete("nothing but a measurement".to_owned()))?;
        let wrote = begun.elapsed();

        let begun = Instant::now();
        let session = Session::open(&path)?;
        let read = begun.elapsed();
        std::fs::remove_file(&path)?;
        let stream = session.stream().len() as f64;
        println!(
            "{name}: {records} records, {stream} entry bytes, {} file bytes ({:.2} a record); written in {:.2} ms \
             ({:.0} MB/s), read and verified in {:.2} ms ({:.0} MB/s)",
            closed.bytes,
            closed.bytes as f64 / records as f64,
            wrote.as_secs_f64() * 1e3,
            stream / wrote.as_secs_f64() / 1e6,
            read.as_secs_f64() * 1e3,
            stream / read.as_secs_f64() / 1e6,
        );
    }
    Ok(())
}
