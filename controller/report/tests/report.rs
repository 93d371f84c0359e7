//! What a person reads of a session: the summary, the trial table, the picture.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{LASER, START, records, session, symbols};
use compiler::symbols::{LineSymbol, Scale, Unit, VariableSymbol};
use journal::{Context, Fact, Header, Note, NoteKind, PlacedNote, Purpose, Session, Why, Writer};
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses, Total};
use link::samples::SampleBlock;
use link::{EndReason, LineId, Record, TripCause, VariableId};
use report::quantity::Cell;
use report::{Report, ReportError};

fn report(trials: u32) -> Report {
    Report::of(&session(&symbols(), &records(trials))).unwrap()
}

fn column(report: &Report, name: &str) -> Vec<Cell> {
    let table = report.trials();
    let index = table.columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
    table.rows.iter().map(|row| row[index].clone()).collect()
}

fn sum(report: &Report, name: &str) -> f64 {
    column(report, name).iter().filter_map(Cell::number).sum()
}

#[test]
fn a_summary_tells_what_happened() {
    insta::assert_snapshot!(report(20).summary().table());
}

#[test]
fn the_summary_tells_how_the_clocks_ran_by_the_surest_note() {
    assert_eq!(report(3).summary().clock, None, "a simulated session has no other clock");
    let fit = |drift_ppb, drift_uncertainty_ppb, uncertainty_us| Note {
        wall_ms: None,
        device_us: Some(START),
        kind: NoteKind::ClockFit { host_us: 1_700_000_000_000_000, drift_ppb, uncertainty_us, drift_uncertainty_ppb },
    };
    let mut session = session(&symbols(), &records(3));
    // The last one was made just after a reset, when little was known.
    for note in [fit(0, 1_000_000, 900), fit(-43_200, 800, 120), fit(5, 999_000, 300)] {
        session.notes.push(PlacedNote { before_record: 1, note });
    }
    let summary = Report::of(&session).unwrap().summary().clone();
    assert!(summary.table().contains("-43.2 ± 0.8 ppm against the computer's, times related within ± 120 µs"));
}

#[test]
fn a_trial_table_is_read_by_people_and_by_programs() {
    insta::assert_snapshot!("trials", report(6).trials().table());
    insta::assert_snapshot!("trials.csv", report(6).trials().csv());
}

#[test]
fn a_column_that_no_close_worked_out_is_empty() {
    let mut names = symbols();
    // `gap` is drawn in every trial; `streak` is worked out as one closes, which the last of these never does.
    names.variables.push(VariableSymbol {
        name: "streak".into(),
        unit: Unit::Count,
        labels: Vec::new(),
        column: true,
        parameter: None,
    });
    names.at_close = vec![5];
    let mut set = Vec::new();
    for (at, record) in records(3) {
        if matches!(record, Record::Trial { .. }) {
            set.push((at, Record::Set { variable: VariableId(5), value: set.len() as i64 }));
        }
        set.push((at, record));
    }
    let report = Report::of(&session(&names, &set)).unwrap();
    let cells = column(&report, "streak");
    assert!(cells[..2].iter().all(|cell| matches!(cell, Cell::Count(_))), "{cells:?}");
    assert_eq!(cells.last(), Some(&Cell::Empty), "the session ended in the middle of it");
}

#[test]
fn the_summary_counts_what_the_table_holds() {
    let report = report(200);
    let summary = report.summary();
    let outcomes = column(&report, "outcome");
    for outcome in &summary.outcomes {
        let rows = outcomes.iter().filter(|cell| **cell == Cell::Text(outcome.name.clone())).count();
        assert_eq!(outcome.count, rows as u64, "{}", outcome.name);
    }
    assert_eq!(summary.outcomes.iter().map(|outcome| outcome.count).sum::<u64>() + summary.no_outcome, 200);

    let output = |name: &str| summary.outputs.iter().find(|output| output.line == name).unwrap();
    let (water, laser) = (output("water"), output("laser"));
    assert_eq!(water.doses, summary.outcomes[0].count, "every rewarded trial had one dose");
    assert!((summary.water_requested_ul - 20.0 * water.doses as f64).abs() < 1e-9);
    assert!((water.on_s - 0.083 * water.doses as f64).abs() < 1e-9);
    assert!((sum(&report, "laser_pulse_count") - laser.pulses as f64).abs() < 1e-9);
    assert_eq!(laser.pulses % 20, 0);
    assert!(laser.pulses > 100);
    assert_eq!(summary.late_us_max, 12);
    assert_eq!(summary.end_reason(), "the protocol: trials: trials_max");
}

#[test]
fn trials_tile_the_session() {
    let report = report(50);
    let mut at = 0;
    for (start, length) in column(&report, "start_s").iter().zip(column(&report, "length_s")) {
        let (Cell::Seconds(start), Cell::Seconds(length)) = (start, length) else { panic!("times are in seconds") };
        assert_eq!(*start, at, "a trial starts in the microsecond the one before ends");
        at += length;
    }
    assert_eq!(at, report.history().length_us().cast_signed());
}

#[test]
fn variables_are_shown_as_they_were_at_the_end_of_their_trial() {
    let report = report(40);
    assert!(column(&report, "drop_ul").iter().all(|cell| cell.to_string() == "20"));
    let (paid, outcome) = (column(&report, "paid"), column(&report, "outcome"));
    for (paid, outcome) in paid.iter().zip(&outcome) {
        match outcome.to_string().as_str() {
            "rewarded" => assert_eq!(*paid, Cell::Truth(true)),
            "omitted" => assert_eq!(*paid, Cell::Truth(false)),
            _ => {}
        }
    }
    // Each omission has its own time, which is that of the outcome.
    for (omission, due) in column(&report, "omission_s").iter().zip(column(&report, "outcome_s")) {
        assert!(*omission == Cell::Empty || *omission == due);
    }
}

#[test]
fn json_says_the_same_as_csv() {
    let report = report(15);
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let csv = report.trials().csv();
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    for (trial, line) in json["trials"].as_array().unwrap().iter().zip(lines) {
        for (name, field) in names.iter().zip(line.split(',')) {
            match &trial[name] {
                serde_json::Value::Null => assert_eq!(field, ""),
                serde_json::Value::String(text) => assert_eq!(field, text),
                serde_json::Value::Bool(truth) => assert_eq!(field, truth.to_string()),
                number => assert_eq!(number.as_f64(), field.parse().ok(), "{name}"),
            }
        }
    }
    assert_eq!(json["summary"]["trials"], 15);
}

#[test]
fn a_refused_laser_has_a_column_of_its_own() {
    let report = report(300);
    let refused = column(&report, "laser_refused_count");
    assert_eq!(
        sum(&report, "laser_refused_count"),
        report.summary().outputs.iter().map(|output| output.refused as f64).sum::<f64>()
    );
    let pulses = column(&report, "laser_pulse_count");
    for (refused, pulses) in refused.iter().zip(pulses) {
        assert!(*refused == Cell::Count(0) || pulses == Cell::Count(0), "what was withheld gave no pulse");
    }
}

#[test]
fn names_that_need_quoting_or_clash_are_kept_apart() {
    let mut names = symbols();
    names.outcomes[0] = "re,\"warded\"".into();
    names.variables[4].name = "start".into();
    let report = Report::of(&session(&names, &records(5))).unwrap();
    assert!(report.trials().columns.contains(&"start_s".to_owned()));
    assert!(report.trials().columns.contains(&"start_s_2".to_owned()));
    assert!(report.trials().csv().contains("\"re,\"\"warded\"\"\""));
}

#[test]
fn an_interrupted_session_is_reported_as_far_as_it_goes() {
    let all = records(10);
    for length in [1, 2, 30, all.len() / 2] {
        let report = Report::of(&session(&symbols(), &all[..length])).unwrap();
        assert!(report.summary().end_reason().starts_with("interrupted"), "{length} records");
        assert!(!report.picture().is_empty());
    }
}

#[test]
fn what_cannot_be_reported_on_is_said() {
    assert_eq!(Report::of(&session(&symbols(), &[])), Err(ReportError::NoStart));
    let mut bytes = Vec::new();
    let nameless = Header { symbols: vec![0xFF; 3], ..Header::default() };
    Writer::begin(&mut bytes, &nameless).unwrap().close(Why::Incomplete("empty".into())).unwrap();
    assert_eq!(Report::of(&Session::read(&bytes).unwrap()), Err(ReportError::Symbols));
}

#[test]
fn numbers_without_names_do_no_harm() {
    let mut stray = records(4);
    let at = stray.last().unwrap().0;
    stray.push((at, Record::Edge { line: LineId(200), on: true }));
    stray.push((at, Record::Set { variable: VariableId(999), value: 1 }));
    stray.push((at, Record::Trial { number: 5 }));
    stray.push((at, Record::Outcome(link::OutcomeId(77))));
    stray.push((at, Record::Breach { invariant: link::InvariantId(31), line: LASER }));
    stray.push((START, Record::Trip(TripCause::PadMismatch(LineId(99)))));
    let report = Report::of(&session(&symbols(), &stray)).unwrap();
    assert_eq!(column(&report, "outcome").last().unwrap().to_string(), "outcome 77");
    assert!(report.summary().table().contains("line 99 did not follow its command"));
    well_formed(&report.picture());
}

// The picture.

/// Walks the file as XML: every element closed in its order, no character where none may be.
fn well_formed(svg: &str) {
    let body = svg.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("an XML declaration");
    let (mut open, mut rest) = (Vec::new(), body);
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("every tag ends");
        let (text, tag) = (&rest[..start], &rest[start + 1..end]);
        assert!(!text.contains('>') && entities_are_known(text), "text {text:?}");
        assert!(entities_are_known(tag) && tag.matches('"').count() % 2 == 0, "tag {tag:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "every number is one");
}

fn entities_are_known(text: &str) -> bool {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    text.split('&').skip(1).all(|entity| known.iter().any(|known| entity.starts_with(known)))
}

#[test]
fn a_picture_is_sound_whatever_the_session_holds() {
    for trials in [0, 1, 4, 12, 150, 1_000] {
        well_formed(&report(trials).picture());
    }
}

#[test]
fn a_picture_survives_any_name() {
    let mut names = symbols();
    let evil = "</svg> & <script>\"'\u{1}\u{7} \u{FFFF}";
    names.protocol = evil.repeat(30);
    names.rig = evil.into();
    names.outcomes[1] = evil.into();
    names.lines[5].name = evil.into();
    names.lines[1].on_event = evil.into();
    names.variables[2].labels[1] = evil.into();
    names.picture.show = vec![0, 1, 2, 250];
    let svg = Report::of(&session(&names, &records(20))).unwrap().picture();
    well_formed(&svg);
    assert!(!svg.contains("<script>"));

    names.picture.group = Some(999);
    well_formed(&Report::of(&session(&names, &records(20))).unwrap().picture());
    names.picture.group = None;
    well_formed(&Report::of(&session(&names, &records(20))).unwrap().picture());
}

#[test]
fn the_same_session_gives_the_same_picture() {
    assert_eq!(report(60).picture(), report(60).picture());
    assert_ne!(report(60).picture(), report(61).picture());
}

#[test]
fn every_laser_pulse_around_an_outcome_is_drawn() {
    let report = report(120);
    let svg = report.picture();
    let of_laser = |line: &&str| line.contains("stroke=\"#0072b2\"") && line.matches('h').count() > 3;
    let bars: usize = svg
        .lines()
        .filter(of_laser)
        .map(|line| line.split("d=\"").nth(1).unwrap().split('"').next().unwrap().matches('M').count())
        .sum();
    let pulses = report.summary().outputs.iter().find(|output| output.line == "laser").unwrap().pulses;
    assert_eq!(bars as u64, pulses);
}

#[test]
fn a_line_the_protocol_does_not_name_and_that_did_nothing_is_nowhere_shown() {
    let mut names = symbols();
    let of_rig = LineSymbol {
        name: "second_laser".into(),
        kind: "laser".into(),
        output: true,
        on_event: "on".into(),
        off_event: "off".into(),
        named: false,
        scale: None,
    };
    names.lines.push(of_rig);
    let report = Report::of(&session(&names, &records(20))).unwrap();
    let picture = report.picture();
    assert!(picture.contains(">water<") && !picture.contains("second_laser"), "{picture}");
    assert!(!report.summary().table().contains("second_laser"), "nor in the summary");
    assert!(!report.trials().csv().contains("second_laser"), "nor in the trial table");
}

#[test]
fn a_long_name_stands_above_its_column_in_several_lines() {
    let report = report(20);
    let shown = report.trials().table();
    let widest = shown.lines().take_while(|line| !line.is_empty()).map(|line| line.chars().count()).max().unwrap();
    let in_one_line: usize = report.trials().columns.iter().map(|name| name.len() + 3).sum();
    assert!(widest < in_one_line * 3 / 4, "{widest} of {in_one_line} columns:\n{shown}");
    assert!(report.trials().csv().starts_with("trial,start_s,"), "only the screen breaks names");
}

/// A lever that is pulled to 5 mm with each reward, and moves not at all with an omission: 100 raw values a mm.
#[test]
fn a_sampled_line_is_drawn_around_the_outcome() {
    let mut names = symbols();
    let scale = Scale { unit: Unit::Length, zero_nraw: 0, base_nraw: 100_000_000 };
    let joystick = LineId(names.lines.len() as u8);
    names.lines.push(LineSymbol {
        name: "joystick".into(),
        kind: "analog".into(),
        output: false,
        on_event: String::new(),
        off_event: String::new(),
        named: true,
        scale: Some(scale),
    });
    let mut told = records(20);
    let outcomes: Vec<_> = told
        .iter()
        .filter_map(|(at, record)| match record {
            Record::Outcome(outcome) => Some((*at, outcome.index())),
            _ => None,
        })
        .collect();
    for (zero, outcome) in outcomes {
        let raw = if outcome == 0 { 500 } else { 0 };
        // A second around the outcome, in blocks of 20 ms.
        for block in 0..50 {
            let last = zero - 500_000 + (block + 1) * 20_000 - 1_000;
            told.push((last, Record::Samples { line: joystick, block: SampleBlock::of(&[raw; 20]) }));
        }
    }
    told.sort_by_key(|(at, _)| *at);
    let report = Report::of(&session(&names, &told)).unwrap();
    let picture = report.picture();
    assert!(picture.contains("joystick around the outcome"), "it has a panel of its own");
    let (_, panel) = picture.split_once("joystick around the outcome").unwrap();
    let traces: Vec<Vec<f64>> = panel
        .split("<path d=\"M")
        .skip(1)
        .map(|path| {
            let points = path.split('"').next().unwrap().split('L');
            points.map(|point| point.split(' ').nth(1).unwrap().parse().unwrap()).collect()
        })
        .collect();
    assert_eq!(traces.len(), 2, "rewarded and omitted; nothing was missed");
    let flat = |trace: &[f64]| trace.windows(2).all(|pair| pair[0] == pair[1]);
    assert!(
        traces.iter().all(|trace| trace.len() == 50 && flat(trace)),
        "a point every 20 ms, only where there are samples"
    );
    assert!(traces[0][0] < traces[1][0] - 100.0, "5 mm stand above 0 mm: {traces:?}");
    assert!(!report.trials().csv().contains("joystick"), "what happened on it its detectors count");
    assert!(!Report::of(&session(&symbols(), &records(20))).unwrap().picture().contains("mean of the trials"));
}

#[test]
fn a_laser_that_was_not_seen_to_go_off_is_found_once_with_its_count_and_first_time() {
    let mut records = records(20);
    let end = records.pop().unwrap();
    for n in 0..300 {
        records.push((START + 2_500_000 + n * 1_000, Record::NotSensed { line: LASER, on: n % 2 == 1 }));
    }
    records.push(end);
    let report = Report::of(&session(&symbols(), &records)).unwrap();
    let found = report.summary().outputs.iter().find(|output| output.line == "laser").unwrap().not_sensed.unwrap();
    assert_eq!((found.count, found.first_s, found.first_on), (300, 2.5, false));
    let table = report.summary().table();
    let told: Vec<&str> = table.lines().filter(|line| line.contains("not sensed as commanded")).collect();
    assert_eq!(told.len(), 1, "{table}");
    assert!(told[0].contains("300 ×") && told[0].contains("2.500000 s: commanded off, sensed on"), "{}", told[0]);
}

#[test]
fn every_trip_comes_with_what_to_do_about_it() {
    let causes = [
        (TripCause::HostAbort, "run the next session"),
        (TripCause::PadMismatch(LASER), "could not make laser follow: cut its power"),
        (TripCause::Invariant(link::InvariantId(0)), "correct the protocol"),
        (TripCause::TooLate, "nosepoke check"),
        (TripCause::Lost, "chatters"),
        (TripCause::EmergencyStop, "release the stop"),
        (TripCause::Contradiction(LASER), "report it"),
        (TripCause::Starved, "denser"),
        (TripCause::NotSensed(LASER), "its sensor"),
    ];
    for (cause, advice) in causes {
        let mut records = records(2);
        records.pop();
        let at = records.last().unwrap().0;
        records.extend([(at, Record::Trip(cause)), (at, Record::End(EndReason::Tripped(cause)))]);
        let table = Report::of(&session(&symbols(), &records)).unwrap().summary().table();
        let told = table.lines().find(|line| line.contains(" s  trip: ")).unwrap();
        assert!(told.contains(advice), "{cause:?}: {told}");
    }
}

#[test]
fn the_summary_tells_what_was_allowed_of_a_line_and_what_was_remarked() {
    let mut session = session(&symbols(), &records(5));
    assert!(!report(5).summary().table().contains("at most 7 pulses"));
    let output = |total| RigLine {
        pin: 10,
        active_high: true,
        role: Role::Output { limits: Limits { total, ..Limits::on_for(500_000) }, speaker: false },
    };
    let mut lines = Rig {
        lines: Default::default(),
        silence_us: 1,
        rejoin_us: 1,
        carry_on_us: 1,
        sample_us: 1_000,
        senses: Senses::new(),
    };
    for n in 0..2 {
        let line = RigLine { pin: n, active_high: true, role: Role::input(Pull::None, 0) };
        lines.lines.push(line).unwrap();
    }
    lines.lines.push(output(Total { pulses: 7, on_us: 1_500_000, ..Total::NONE })).unwrap();
    session.header.device_rig = postcard::to_stdvec::<Rig>(&lines).unwrap();
    let kind = NoteKind::Text("water: R12 had 3 pulses today".into());
    session.notes.push(PlacedNote { before_record: 0, note: Note { wall_ms: None, device_us: None, kind } });
    let table = Report::of(&session).unwrap().summary().table();
    let water = table.lines().find(|line| line.trim_start().starts_with("water")).unwrap();
    assert!(water.ends_with("(at most 7 pulses and 1.500 s on)"), "{water}");
    assert!(table.contains("  remark      water: R12 had 3 pulses today"), "{table}");
}

#[test]
fn a_flush_is_no_session_and_has_no_trials() {
    let mut session = session(&symbols(), &records(5));
    (session.header.purpose, session.header.subject) = (Purpose::Flush, None);
    let report = Report::of(&session).unwrap();
    let table = report.summary().table();
    assert!(table.contains("maintenance, no session"), "{table}");
    assert!(!table.contains("5 trials") && !table.contains("outcomes"), "{table}");
    assert!(report.trials().rows.is_empty());
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(
        (json["summary"]["purpose"].as_str(), json["trials"].as_array().map(Vec::len)),
        (Some("flush"), Some(0))
    );
}

#[test]
fn what_is_hidden_leaves_no_row_no_column_and_no_mark() {
    let mut session = session(&symbols(), &records(40));
    let blind = ["treatment", "laser", "omission", "drop"].map(str::to_owned);
    let whole = Report::of(&session).unwrap();
    assert!(column(&whole, "laser_pulse_count").len() == 40 && whole.picture().contains("sham"));
    session.header.context = Context {
        assigned: vec![Fact::sealed("R12", "group", "", "stim")],
        metadata: vec![Fact::open("dose", "mg/kg", "2.5"), Fact::open("species", "", "rat")],
        blind: [&blind[..], &["group".to_owned()]].concat(),
        ..Context::default()
    };
    let hidden = Report::of(&session).unwrap();
    let texts = [hidden.summary().table(), hidden.trials().csv(), hidden.json(), hidden.picture()];
    for text in &texts {
        for word in ["sham", "laser_", "laser: ", "laser:", "omission_", "drop =", "stim\""] {
            assert!(!text.contains(word), "`{word}` shows:\n{text}");
        }
    }
    assert!(texts[0].contains("assigned    group = hidden"), "{}", texts[0]);
    // What is known stands in every row, a number as one.
    assert!(column(&hidden, "dose_mg_per_kg").iter().all(|cell| cell.number() == Some(2.5)));
    assert!(column(&hidden, "species").iter().all(|cell| *cell == Cell::Text("rat".into())));
    // Unblinded it is all there again.
    let open = Report::unblinded(&session).unwrap();
    assert!(open.summary().table().contains("assigned    group = stim"));
    assert_eq!(column(&open, "laser_pulse_count"), column(&whole, "laser_pulse_count"));
    assert_eq!(column(&open, "treatment"), column(&whole, "treatment"));
}
