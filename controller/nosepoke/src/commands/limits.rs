//! The limits of the outputs that a protocol names or forbids, as a table and as JSON.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use compiler::symbols::Unit;
use compiler::{Compiled, LimitsTold, LineConfig, OutputTotals, RigConfig, Totals};
use link::rig::{Duty, Limits, Output};
use serde_json::{Map, Value, json};

/// An output as the rig states it, and what the device is told of it.
struct Row<'r> {
    config: &'r LineConfig,
    output: Output,
}

/// The outputs that a protocol names or forbids.
fn rows<'r>(compiled: &Compiled, rig: &'r RigConfig) -> Vec<Row<'r>> {
    let lines = compiled.rig.lines.iter().zip(&compiled.symbols.lines);
    let outputs = lines.filter_map(|(line, symbol)| Some((line.role.output()?, symbol)));
    outputs
        .filter(|(output, symbol)| symbol.named || output.limits.forbidden)
        .filter_map(|(output, symbol)| Some(Row { config: rig.line(&symbol.name)?, output }))
        .collect()
}

/// One line an output; empty if there is none.
pub(super) fn table(compiled: &Compiled, rig: &RigConfig) -> String {
    let rows: Vec<(&str, LimitsTold)> = rows(compiled, rig)
        .iter()
        .filter_map(|row| Some((row.config.name.as_str(), row.config.limits_told(row.output.limits.forbidden)?)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = ["output", "armed", "in one go", "off between", "duty", "a session", "a day", "power", "read back"];
    let cells = rows.into_iter().map(|(name, told)| {
        let LimitsTold { arming, max_on, min_off, duty, per_session, per_day, max_power, sense } = told;
        [name.to_owned(), arming, max_on, min_off, duty, per_session, per_day, max_power, sense]
    });
    let cells: Vec<[String; 9]> = cells.collect();
    // A column in which nothing stands is left out.
    let shown: Vec<usize> = (0..head.len()).filter(|n| cells.iter().any(|row| !row[*n].is_empty())).collect();
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown.iter().map(|n| head[*n]));
    for row in &cells {
        table.add_row(shown.iter().map(|n| if row[*n].is_empty() { "–" } else { row[*n].as_str() }));
    }
    table.trim_fmt()
}

/// The same for editors, in whole units; null where there is no limit.
pub(super) fn as_json(compiled: &Compiled, rig: &RigConfig) -> Value {
    let written = |row: &Row<'_>| {
        let Output { limits, max_power_ppm, .. } = row.output;
        let Limits { must_arm, safe_on_trip, forbidden, max_on_us, min_off_us, duty, .. } = limits;
        let OutputTotals { per_session, per_day, dose } = row.config.totals;
        let unit = dose.map(|dose| dose.unit);
        json!({
            "line": row.config.name,
            "must_arm": must_arm,
            "safe_on_trip": safe_on_trip,
            "forbidden": forbidden,
            "max_on_us": max_on_us,
            "min_off_us": min_off_us,
            "duty": duty.map(|Duty { window_us, on_us }| json!({"on_us": on_us, "window_us": window_us})),
            "per_session": totals(&per_session, unit),
            "per_day": totals(&per_day, unit),
            "max_power_ppm": max_power_ppm,
            "sense": row.config.sense.as_ref().map(|sense| json!({
                "line": sense.line, "within_us": sense.within_us, "trips": sense.trips,
            })),
        })
    };
    rows(compiled, rig).iter().map(written).collect()
}

fn totals(totals: &Totals, unit: Option<Unit>) -> Value {
    let mut written = Map::new();
    written.insert("pulses".to_owned(), json!(totals.pulses));
    written.insert("on_us".to_owned(), json!(totals.on_us));
    let dose = match unit {
        Some(Unit::Volume) => "volume_nl",
        Some(Unit::Charge) => "charge_nc",
        Some(Unit::Energy) => "energy_nj",
        _ => return Value::Object(written),
    };
    written.insert(dose.to_owned(), json!(totals.dose));
    Value::Object(written)
}
