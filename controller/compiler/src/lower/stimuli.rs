//! Stimuli become rows of the program, and what asks for one is held to what its line may do.

use link::program::op::{Op, OpCode};
use link::program::rows;
use link::pwm::FULL_POWER_PPM;
use link::record::{Carrier, Train, Wave};

use super::Lowering;
use crate::diagnostic::listed;
use crate::expression::Expr;
use crate::expression::check::Type;
use crate::kinds::Verb;
use crate::names::Scope;
use crate::protocol::Stimulus;
use crate::yaml::Text;

impl Lowering<'_> {
    /// Lays the pulses of lists where a device looks for them: before every other constant.
    pub(super) fn lay_lists(&mut self) {
        let protocol = self.protocol;
        for (_, stimulus) in &protocol.stimuli {
            let mut train = stimulus.train;
            if let Some(course) = &stimulus.course {
                match self.assembly.list(train.delay_us, &course.pulses) {
                    Some(laid) => train = laid,
                    None => {
                        let most = link::limits::MAX_LIST_PULSES;
                        self.reporter
                            .error("E270-list-too-long", course.span, "there is no room for the pulses of this list")
                            .help(format!("all lists of a protocol have {most} pulses at most"));
                    }
                }
            }
            self.assembly.stimuli.push(rows::Stimulus { train });
        }
    }

    /// Names stimuli, and works out the powers of those that change from pulse to pulse.
    pub(super) fn declare_stimuli(&mut self) {
        let protocol = self.protocol;
        for (n, (name, stimulus)) in protocol.stimuli.iter().enumerate() {
            self.names.stimuli.push(name.text.clone());
            let (Some(from), Some(to)) = (&stimulus.power, &stimulus.power_to) else { continue };
            let Some(wave) = self.power_ramp(from, to, stimulus.train.count) else { continue };
            if let Some(row) = self.assembly.stimuli.get_mut(n) {
                row.train.carrier = Some(wave);
            }
        }
    }

    fn power_ramp(&mut self, from: &Expr, to: &Expr, count: u32) -> Option<Carrier> {
        let mut ends = [0; 2];
        for (end, expr) in ends.iter_mut().zip([from, to]) {
            let known = self.known(expr, Type::Number, Scope::default(), "a power that changes")?;
            self.check_is_power(known, expr.span);
            *end = i32::try_from(known.clamp(0, FULL_POWER_PPM.into())).unwrap_or_default();
        }
        let steps = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX).max(1);
        let [from_ppm, to_ppm] = ends;
        let wave = Wave::Ramp { step_ppm: (to_ppm - from_ppm) / steps };
        Some(Carrier { level_cdb: from_ppm, ..Carrier::silent(wave) })
    }

    /// The operations that play a stimulus on a line. `held` says that something else ends it.
    pub(super) fn stimulus(
        &mut self,
        line: &Text,
        stimulus: &Text,
        (verb, held): (Verb, bool),
        power: Option<&Expr>,
        scope: Scope,
    ) -> Option<Vec<Op>> {
        if stimulus.text.contains(['.', '[', '(']) {
            return self.chosen_stimulus(line, stimulus, (verb, held), power, scope);
        }
        let output = self.output(line, verb);
        let Some(id) = self.names.stimulus(&stimulus.text) else {
            if self.names.is_broken(&stimulus.text) {
                return None;
            }
            let known = self.names.stimuli.iter().map(String::as_str);
            self.reporter
                .error("E125-unknown-stimulus", stimulus.span, format!("there is no stimulus `{}`", stimulus.text))
                .near(&stimulus.text, known, |known| {
                    Some(if known.is_empty() {
                        "declare it under `stimuli`".to_owned()
                    } else {
                        format!("stimuli are {}", listed(known.iter().copied()))
                    })
                });
            return None;
        };
        self.uses.stimuli.push(id.0);
        let (line_id, _) = output?;
        let train = self.assembly.stimuli.get(id.index())?.train;
        match (verb, train.sounds()) {
            (Verb::Play, false) => {
                self.reporter
                    .error(
                        "E126-wrong-stimulus",
                        stimulus.span,
                        format!("`{}` is a pulse train, not a sound", stimulus.text),
                    )
                    .help(
                        "a speaker plays tones and noise: `{tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms}}`",
                    );
                return None;
            }
            (Verb::Pulse, true) => {
                self.reporter
                    .error("E126-wrong-stimulus", stimulus.span, format!("`{}` is a sound, not a pulse train", stimulus.text))
                    .help("sounds are for `play` on a speaker; pulses are `{pulses: {width: 5 ms, rate: 20 Hz, count: 20}}`");
                return None;
            }
            _ => {}
        }
        if train.count == Stimulus::ENDLESS && !held {
            self.reporter
                .error(
                    "E271-never-ends",
                    stimulus.span,
                    format!("`{}` says not how often it comes, so it never ends", stimulus.text),
                )
                .help("give it a `count` or `for`; or write `on: {line: …, stimulus: …}`, which ends with its state");
            return None;
        }
        self.check_max_on(line, train.width_us.into(), stimulus.span);
        let protocol = self.protocol;
        let declared = protocol.stimuli.iter().find(|(name, _)| name.text == stimulus.text);
        let ramps = declared.is_some_and(|(_, stimulus)| stimulus.power_to.is_some());
        let declared = declared.and_then(|(_, stimulus)| stimulus.power.as_ref());
        if let (Some(power), Some(_)) = (power, declared) {
            self.reporter
                .error(
                    "E139-two-powers",
                    power.span,
                    format!("`{}` has a power of its own, and this states another", stimulus.text),
                )
                .help("keep one of them");
            return None;
        }
        let known = if ramps {
            Some(train.power_ppm().max(train.last_power_ppm()).map(i64::from))
        } else {
            power.or(declared).map(|power| self.at_start(power, Type::Number, scope))
        };
        self.check_stimulus(line, &train, known.unwrap_or(Some(FULL_POWER_PPM.into())), stimulus);
        if let Some(power) = power.or(declared) {
            // Its powers stand in its row; they are checked as any other.
            let mut ops = self.power(line, power, scope)?;
            if ramps {
                self.check_power(line, known.flatten(), power.span);
                return Some(vec![Op::new(OpCode::Play, line_id.0, id.0)]);
            }
            ops.push(Op::new(OpCode::PlayPower, line_id.0, id.0));
            return Some(ops);
        }
        self.check_power(line, None, line.span);
        let id = if verb == Verb::Play { self.sound(line, stimulus, id)? } else { id };
        Some(vec![Op::new(OpCode::Play, line_id.0, id.0)])
    }

    /// As [`Lowering::check_request`]; of one without end, whatever it comes to in the end.
    fn check_stimulus(&mut self, line: &Text, train: &Train, power_ppm: Option<i64>, stimulus: &Text) {
        if train.count != Stimulus::ENDLESS {
            return self.check_request(line, train, power_ppm, stimulus.span);
        }
        self.check_endless(line, train, power_ppm, stimulus.span);
    }
}
