//! Levels in dB become amplitudes by the speaker's calibration: the same stimulus on two speakers is two rows of the program.

use link::StimulusId;
use link::program::rows::Stimulus;
use link::record::Carrier;

use super::Lowering;
use crate::names;
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Text;

/// The full scale taken of a speaker that was not calibrated, in hundredths of a dB SPL: about what small speakers reach.
const FULL_SCALE_CDB: i32 = 9_500;

impl Lowering<'_> {
    /// The row of a stimulus as this speaker plays it.
    pub(super) fn sound(&mut self, line: &Text, stimulus: &Text, id: StimulusId) -> Option<StimulusId> {
        let train = self.assembly.stimuli.get(id.index())?.train;
        let carrier = train.carrier?;
        let config = self.rig.line(&line.text)?;
        let measured = config.calibration.as_ref().and_then(|found| Some((found.full_scale_cdb()?, &found.date)));
        let (full_scale_cdb, date) = measured.map_or((FULL_SCALE_CDB, None), |(level, date)| (level, Some(date)));
        let level = |cdb: i32| written(cdb.into(), Unit::Level);
        let Some(amplitude) = amplitude(carrier.level_cdb, full_scale_cdb) else {
            let (file, full) = (&self.rig.file, level(full_scale_cdb));
            self.reporter
                .error(
                    "E132-louder-than-full-scale",
                    stimulus.span,
                    format!("{} is louder than `{}` can be, {full}", level(carrier.level_cdb), line.text),
                )
                .help(match date {
                    Some(date) => format!("it was measured on {date}; make the sound softer, or calibrate a louder speaker"),
                    None => format!(
                        "it was never measured: add what it reaches to {file}, `calibration: {{date: …, full_scale: …}}`"
                    ),
                });
            return None;
        };
        if date.is_none() && !self.told_calibration.contains(&line.text) {
            self.told_calibration.push(line.text.clone());
            self.reporter
                .warning(
                    "W009-not-calibrated",
                    line.span,
                    format!(
                        "`{}` is not calibrated on the rig `{}`: its levels take {} as its full scale",
                        line.text,
                        self.rig.name,
                        level(full_scale_cdb)
                    ),
                )
                .help(format!("add to {}: `calibration: {{date: …, full_scale: …}}`", self.rig.file));
        }
        let played =
            Stimulus { train: link::record::Train { carrier: Some(Carrier { amplitude, ..carrier }), ..train } };
        // The row as declared has no amplitude yet; the first speaker gives it one, another speaker may need another row.
        let rows = &mut self.assembly.stimuli;
        let place = match rows.get_mut(id.index()) {
            Some(row) if carrier.amplitude == 0 => {
                *row = played;
                id.index()
            }
            _ => rows.iter().position(|row| *row == played).unwrap_or_else(|| {
                rows.push(played);
                rows.len().saturating_sub(1)
            }),
        };
        Some(StimulusId(names::index(place)))
    }
}

/// The fraction of full scale that gives a level, in 1/65535 and never nothing; none above full scale.
fn amplitude(level_cdb: i32, full_scale_cdb: i32) -> Option<u16> {
    let below_cdb = full_scale_cdb.checked_sub(level_cdb).filter(|below| *below >= 0)?;
    let fraction = 10_f64.powf(-f64::from(below_cdb) / 2_000.0);
    Some(((fraction * f64::from(u16::MAX)).round() as u16).max(1))
}

#[cfg(test)]
mod tests {
    use super::amplitude;

    #[test]
    fn twenty_decibels_are_a_tenth_of_the_amplitude() {
        assert_eq!(amplitude(9_500, 9_500), Some(65_535));
        assert_eq!(amplitude(7_500, 9_500), Some(6_554));
        assert_eq!(amplitude(7_000, 9_500), Some(3_685));
        assert_eq!(amplitude(-20_000, 9_500), Some(1), "too soft to be made is not silence");
        assert_eq!(amplitude(9_501, 9_500), None);
    }
}
