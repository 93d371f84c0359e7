//! What is left of a subject's day, settled before a session begins: the device is told the lesser of what the rig allows a
//! session and what is left, and the person is told what the subject has had.

use std::path::Path;

use compiler::{Compiled, RigConfig};
use controller::budget::{Had, Left, Of, had};

use super::Complaint;

/// Puts what is left of a subject's day into the rig the device is given. Returns what there is to say of it, a sentence for
/// each line that a day limits and the protocol uses.
pub(super) fn settle(
    compiled: &mut Compiled,
    rig: &RigConfig,
    folder: &Path,
    of: Option<&Of<'_>>,
) -> Result<Vec<String>, Complaint> {
    let Some(of) = of.filter(|_| rig.lines.iter().any(|line| line.totals.limit_the_day())) else {
        return Ok(Vec::new());
    };
    let had = match folder.exists() {
        true => had(folder, of, rig)
            .map_err(|error| Complaint::new(format_args!("{} cannot be looked through: {error}", folder.display())))?,
        false => Had::default(),
    };
    let lines = compiled.symbols.lines.iter().filter(|line| line.output && line.named);
    let left: Vec<(&str, Left)> =
        lines.filter_map(|line| Some((line.name.as_str(), Left::of(rig, &line.name, &had)?))).collect();
    if let (Some((path, why)), Some((line, _))) = (had.unreadable.first(), left.first()) {
        let others = match had.unreadable.len() {
            1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        return Err(Complaint::new(format_args!(
            "{}: {why}{others}\nIt may be a session of {} on {}, and what came out of {line} in it counts against the limit of a \
             day: find out what the subject had, and move the file out of {}",
            path.display(),
            of.subject,
            of.day,
            folder.display()
        )));
    }
    let said = left.iter().map(|(line, left)| {
        let nothing = match left.is_nothing() {
            true => "; nothing is left, and nothing asked of it will be carried out",
            false => "",
        };
        format!("{line}: {} {left} on {}{nothing}", of.subject, of.day)
    });
    let said = said.collect();
    compiled.rig = compiled.rig_after(rig, &had.used);
    Ok(said)
}
