//! Frames of a microscope or camera: triggered at a rate for as long as the session lasts, counted as they come in, and
//! missed when they stop.

use link::program::op::{Op, OpCode};
use link::program::rows::Stimulus;
use link::record::Train;
use link::{EventId, LineId};

use super::Lowering;
use super::outside::stopped;
use crate::expression::check::{Ir, Type};
use crate::kinds::Verb;
use crate::names::{Origin, index};
use crate::protocol::sync::Frames;
use crate::symbols::{FrameCount, FramesSymbol};
use crate::yaml::Text;

impl Lowering<'_> {
    pub(super) fn declare_frames(&mut self) {
        let protocol = self.protocol;
        for frames in &protocol.frames {
            let trigger = frames.trigger.as_ref().and_then(|(line, width_us, period_us)| {
                let id = self.endless(line, *width_us, *period_us)?;
                Some((id.0, *period_us))
            });
            let count = frames.count.as_ref().and_then(|event| self.count_frames(frames, event));
            self.world.frames.push(FramesSymbol { name: frames.name.text.clone(), trigger, count });
        }
    }

    /// Counts frames without a record for each: their edges are records already.
    fn count_frames(&mut self, frames: &Frames, event: &Text) -> Option<FrameCount> {
        let name = &frames.name;
        let event_id = self.event(event)?;
        let (line, active) = (event_id.0 / 2, event_id.0 % 2 == 1);
        if event_id.0 >= EventId::train_end(LineId(0)).0 {
            self.reporter
                .error("E284-frames", event.span, format!("`{}` is no edge of a line", event.text))
                .help("frames are counted on an input: `count: frame.rise`");
            return None;
        }
        // Its edges tell the number wherever a table wants it.
        self.add(name, Some(Type::Count), 0, false, None, Origin::Counter);
        let (variable, _) = self.names.variable(&name.text)?;
        let load = Op::new(OpCode::Load, 0, variable);
        let mut ops =
            vec![load, self.assembly.push(1), Op::new(OpCode::Add, 0, 0), Op::new(OpCode::Store, 0, variable)];
        if let Some(alarm_us) = frames.alarm_us {
            let timer = self.own_timer(name, "alarm");
            let start = self.own_event(name, "start");
            // The first, and the first after they had stopped.
            let resting = self.ops_of(&stopped(timer));
            ops.extend(resting);
            ops.push(Op::new(OpCode::JumpIfFalse, 0, 1));
            ops.push(Op::new(OpCode::Signal, 0, start.0));
            ops.push(self.assembly.push(alarm_us.into()));
            ops.push(Op::new(OpCode::TimerStart, timer.0, 0));
            self.member(name, "start", None, Some(start));
            self.member(name, "stop", None, Some(EventId::timer(timer)));
            let running = Ir::Special(link::program::op::Special::TimerRunning, timer.0.into());
            self.member(name, "running", Some((running, Type::Truth)), None);
        }
        self.background.on(event_id, ops);
        let line = u8::try_from(line).unwrap_or(u8::MAX);
        Some(FrameCount { line, active, variable, alarm_us: frames.alarm_us })
    }

    /// A train on a line from the session's start to its end.
    pub(super) fn endless(&mut self, line: &Text, width_us: u32, period_us: u32) -> Option<LineId> {
        let (id, _) = self.output(line, Verb::Pulse)?;
        self.check_max_on(line, width_us.into(), line.span);
        let train = Train { delay_us: 0, width_us, period_us, count: u32::MAX, carrier: None };
        self.check_request(line, &train, Some(link::pwm::FULL_POWER_PPM.into()), line.span);
        self.assembly.stimuli.push(Stimulus { train });
        self.names.stimuli.push(format!("{}.train", line.text));
        let stimulus = index(self.assembly.stimuli.len() - 1);
        self.background.at_start([Op::new(OpCode::Play, id.0, stimulus)]);
        Some(id)
    }
}
