//! The lines of a session as device and journal know them: those of the protocol first, its detectors, and the others of the
//! rig behind.

use link::rig::{Rig, RigLine, Senses};

use super::Lowering;
use crate::kinds::{self, Kind};
use crate::rig::LineConfig;
use crate::symbols::LineSymbol;

impl Lowering<'_> {
    /// How many lines the device will hold.
    pub(super) fn device_lines(&self) -> usize {
        self.names.lines.len() + self.others().count()
    }

    /// The lines of the rig that the protocol does not name. Those that would be sampled are left out: they cost memory at
    /// all times, and nothing has to be held safe on them.
    fn others(&self) -> impl Iterator<Item = &LineConfig> {
        let named = |line: &LineConfig| self.protocol.lines.iter().any(|(name, _)| name.text == line.name);
        self.rig.lines.iter().filter(move |line| !line.line.role.is_sampled() && !named(line))
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
        let (lines, symbols): (Vec<RigLine>, Vec<LineSymbol>) = named.chain(detectors).chain(others).unzip();
        let rig = Rig {
            lines: lines.into_iter().take(link::limits::MAX_LINES).collect(),
            silence_us: self.rig.silence_us,
            rejoin_us: self.rig.rejoin_us,
            carry_on_us: self.rig.carry_on_us,
            sample_us: self.rig.sample_us,
            senses: Senses::new(),
        };
        (rig, symbols)
    }
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
