//! The lines of a session as device and journal know them: those of the protocol first, its detectors, the others of the rig,
//! and behind them what reads an output back in samples.

use link::LineId;
use link::rig::{Pattern, Rig, RigLine, Sense};

use super::Lowering;
use crate::kinds::{self, Kind};
use crate::rig::{LineConfig, SenseConfig};
use crate::symbols::LineSymbol;

impl Lowering<'_> {
    /// How many lines the device will hold.
    pub(super) fn device_lines(&self) -> usize {
        self.names.lines.len() + self.others().count() + self.thresholds().count()
    }

    /// How many detectors it will hold.
    pub(super) fn device_detectors(&self) -> usize {
        self.protocol.detectors.len() + self.thresholds().count()
    }

    /// The lines of the rig that the protocol does not name. Those that would be sampled are left out unless they read an
    /// output back: they cost memory at all times, and nothing has to be held safe on them.
    fn others(&self) -> impl Iterator<Item = &LineConfig> {
        let named = |line: &LineConfig| self.protocol.lines.iter().any(|(name, _)| name.text == line.name);
        let senses = |line: &LineConfig| self.senses().any(|(_, sense)| sense.line == line.name);
        let kept = move |line: &&LineConfig| !line.line.role.is_sampled() || senses(line);
        self.rig.lines.iter().filter(move |line| kept(line) && !named(line))
    }

    /// The outputs that are read back, and what reads them.
    fn senses(&self) -> impl Iterator<Item = (&str, &SenseConfig)> {
        self.rig.lines.iter().filter_map(|line| Some((line.name.as_str(), line.sense.as_ref()?)))
    }

    /// The outputs that are read back on a sampled line, that line and what is looked for.
    fn thresholds(&self) -> impl Iterator<Item = (&str, &str, Pattern)> {
        self.senses().filter_map(|(output, sense)| Some((output, sense.line.as_str(), sense.above?)))
    }

    /// The rig as the device takes it, and the names of its lines.
    pub(super) fn lines(&self) -> (Rig, Vec<LineSymbol>) {
        let named = self.protocol.lines.iter().filter_map(|(name, _)| self.rig.line(&name.text));
        let named =
            named.filter_map(|line| Some((line.line, symbol(&line.name, kinds::named(&line.kind)?, line, true))));
        let detectors = self.detectors.iter().zip(&self.protocol.detectors).map(|(line, detector)| {
            let name = detector.name.text.clone();
            (*line, LineSymbol { name, ..without_scale(detector.kind, true) })
        });
        let others = self.others();
        let others =
            others.filter_map(|line| Some((line.line, symbol(&line.name, kinds::named(&line.kind)?, line, false))));
        let (mut lines, mut symbols): (Vec<RigLine>, Vec<LineSymbol>) = named.chain(detectors).chain(others).unzip();
        self.forbid(&mut lines, &symbols);
        let mut sensed = Vec::new();
        for (output, source, above) in self.thresholds() {
            let mut name = format!("{output}_sensed");
            while symbols.iter().any(|symbol| symbol.name == name) {
                name.push('_');
            }
            if let Some(source) = line_id(&symbols, source) {
                lines.push(RigLine::detector(source, above));
                symbols.push(LineSymbol { name: name.clone(), ..without_scale(&kinds::SENSED, false) });
                sensed.push((output, name));
            }
        }
        let senses = self.senses().filter_map(|(output, sense)| {
            let threshold = sensed.iter().find(|(of, _)| *of == output).map(|(_, name)| name);
            let input = line_id(&symbols, threshold.unwrap_or(&sense.line))?;
            let output = line_id(&symbols, output)?;
            Some(Sense { output, input, within_us: sense.within_us, trips: sense.trips })
        });
        let rig = Rig {
            senses: senses.take(link::limits::MAX_SENSES).collect(),
            lines: lines.into_iter().take(link::limits::MAX_LINES).collect(),
            silence_us: self.rig.silence_us,
            rejoin_us: self.rig.rejoin_us,
            carry_on_us: self.rig.carry_on_us,
            sample_us: self.rig.sample_us,
        };
        (rig, symbols)
    }
}

fn line_id(symbols: &[LineSymbol], name: &str) -> Option<LineId> {
    let at = symbols.iter().position(|symbol| symbol.name == name)?;
    u8::try_from(at).ok().map(LineId)
}

fn symbol(name: &str, kind: &Kind, line: &LineConfig, named: bool) -> LineSymbol {
    LineSymbol { name: name.to_owned(), scale: line.scale, ..without_scale(kind, named) }
}

fn without_scale(kind: &Kind, named: bool) -> LineSymbol {
    let (on, off) = match (kind.input(), kind.is_sampled()) {
        (Some(input), _) => (input.on, input.off),
        (None, true) => ("", ""),
        (None, false) => ("on", "off"),
    };
    LineSymbol {
        name: String::new(),
        kind: kind.name.to_owned(),
        output: kind.output().is_some(),
        on_event: on.to_owned(),
        off_event: off.to_owned(),
        named,
        scale: None,
    }
}
