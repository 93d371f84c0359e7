//! Patterns on sync lines, carried from the session's start to its end by the program itself: a barcode by two timers, pulses at
//! a rate by one endless train, pulses at drawn distances by a timer and a draw.

use link::program::op::{Op, OpCode};
use link::program::rows::{self, DrawKind};
use link::{EventId, LineId, VariableId};

use super::{Lowering, guarded};
use crate::diagnostic::{Span, a};
use crate::expression::Expr;
use crate::expression::check::{Ir, Type};
use crate::kinds::Verb;
use crate::names::Scope;
use crate::protocol::ActionKind;
use crate::protocol::sync::{Pattern, Sync};
use crate::quantity::written;
use crate::symbols::{BarcodeTiming, DrawSymbol, SyncPattern, SyncSymbol, Unit};
use crate::yaml::Text;

/// Bits of the longest number.
const BITS_MAX: u32 = 32;

fn load(variable: u16) -> Box<Ir> {
    Box::new(Ir::Load(variable))
}

fn binary(code: OpCode, left: Box<Ir>, right: i64) -> Ir {
    Ir::Binary(code, left, Box::new(Ir::Constant(right)))
}

impl Lowering<'_> {
    pub(super) fn declare_sync(&mut self) {
        let protocol = self.protocol;
        for sync in &protocol.sync {
            let Some((line, kind)) = self.line(&sync.line) else { continue };
            if kind.name != "sync" {
                let noun = a(kind.noun());
                self.reporter
                    .error(
                        "E280-not-a-sync",
                        sync.line.span,
                        format!("`{}` is {noun}, and no sync line", sync.line.text),
                    )
                    .help(
                        "a sync line goes on when everything else goes safe: give it `kind: sync` on the rig, and here",
                    );
                continue;
            }
            let pattern = match &sync.pattern {
                Pattern::Barcode { bits, bit_us, start_us, every_us, first } => {
                    let timing = BarcodeTiming {
                        bits: *bits,
                        bit_us: *bit_us,
                        start_us: *start_us,
                        every_us: *every_us,
                        first: *first,
                    };
                    self.barcode(sync, line, timing)
                }
                Pattern::Pulses { width_us, period_us } => {
                    let made = self.endless(&sync.line, *width_us, *period_us);
                    made.map(|_| SyncPattern::Pulses { width_us: *width_us, period_us: *period_us })
                }
                Pattern::Random { width_us, between } => self.random_pulses(&sync.line, *width_us, between),
            };
            let Some(pattern) = pattern else { continue };
            self.world.sync.push(SyncSymbol { line: line.0, pattern });
        }
    }

    /// Reports what no barcode can be.
    fn check_barcode(&mut self, span: Span, timing: &BarcodeTiming) -> Option<()> {
        let BarcodeTiming { bits, bit_us, start_us, every_us, first } = *timing;
        let time = |us: u64| written(i64::try_from(us).unwrap_or(i64::MAX), Unit::Time);
        let (message, help) = if !(1..=BITS_MAX).contains(&bits) {
            (format!("a barcode of {bits} bits cannot be made"), format!("write 1 to {BITS_MAX}"))
        } else if u64::from(bit_us) < 2 * u64::from(start_us) {
            (
                format!("a bit of {} looks like start pulses of {}", time(bit_us.into()), time(start_us.into())),
                "make a bit at least twice as long as a start pulse: by that they are told apart".to_owned(),
            )
        } else if u64::from(every_us) < timing.length_us() + 2 * u64::from(bit_us) {
            (
                format!(
                    "a barcode takes {}, and the next would begin after {}",
                    time(timing.length_us()),
                    time(every_us.into())
                ),
                format!(
                    "leave at least two bits between them: `every` is {} or more",
                    time(timing.length_us() + 2 * u64::from(bit_us))
                ),
            )
        } else if u64::from(first) >> bits != 0 {
            (format!("{first} does not fit into {bits} bits"), "write a smaller first number, or more bits".to_owned())
        } else {
            return Some(());
        };
        self.reporter.error("E282-barcode", span, message).help(help);
        None
    }

    /// On a long timer a barcode begins; a short one leads from each of its levels to the next.
    fn barcode(&mut self, sync: &Sync, line: LineId, timing: BarcodeTiming) -> Option<SyncPattern> {
        self.check_barcode(sync.span, &timing)?;
        self.output(&sync.line, Verb::Switch)?;
        self.check_max_on(
            &sync.line,
            (u64::from(timing.bit_us) * u64::from(timing.bits)).try_into().unwrap_or(i64::MAX),
            sync.span,
        );
        let BarcodeTiming { bits, bit_us, start_us, every_us, first } = timing;
        let name = &sync.line;
        let number = self.own_variable(name, "number", Type::Count, i64::from(first));
        let rest = self.own_variable(name, "rest", Type::Count, 0);
        let place = self.own_variable(name, "place", Type::Count, 0);
        let (every, step) = (self.own_timer(name, "every"), self.own_timer(name, "step"));
        let next_step = |us| [us, Op::new(OpCode::TimerStart, step.0, 0)];

        // The number itself is recorded as its barcode begins; what it is taken apart into is not.
        let mut begin = self.ops_of(&Ir::Load(number));
        begin.push(Op::new(OpCode::Store, 1, number));
        begin.extend([Op::new(OpCode::Load, 0, number), Op::new(OpCode::Store, 0, rest)]);
        begin.extend([self.assembly.push(0), Op::new(OpCode::Store, 0, place)]);
        begin.push(Op::new(OpCode::On, line.0, 0));
        begin.extend(next_step(self.assembly.push(start_us.into())));

        let mut again =
            self.ops_of(&binary(OpCode::Remainder, Box::new(binary(OpCode::Add, load(number), 1)), 1_i64 << bits));
        again.push(Op::new(OpCode::Store, 0, number));
        again.extend(begin.iter().copied());
        self.background.on(EventId::timer(every), again);
        self.background.at_start(begin);
        let period = self.assembly.push(every_us.into());
        self.background.at_start([period, Op::new(OpCode::TimerStart, every.0, u16::MAX)]);

        // Places 1, 2, 3 end the start; then the bits; then off, on and off.
        let (bits_from, bits_to) = (4_i64, 4 + i64::from(bits));
        let mut on = self.ops_of(&binary(OpCode::Add, load(place), 1));
        on.push(Op::new(OpCode::Store, 0, place));
        let is_bit = Ir::Binary(
            OpCode::And,
            Box::new(Ir::Binary(OpCode::LessOrEqual, Box::new(Ir::Constant(bits_from)), load(place))),
            Box::new(binary(OpCode::Less, load(place), bits_to)),
        );
        let level = Ir::If(
            Box::new(is_bit.clone()),
            Box::new(binary(OpCode::Remainder, load(rest), 2)),
            Box::new(Ir::Binary(
                OpCode::Or,
                Box::new(binary(OpCode::Equal, load(place), 2)),
                Box::new(binary(OpCode::Equal, load(place), bits_to + 1)),
            )),
        );
        on.extend(self.ops_of(&level));
        on.push(Op::new(OpCode::JumpIfFalse, 0, 2));
        on.extend([Op::new(OpCode::On, line.0, 0), Op::new(OpCode::Jump, 0, 1), Op::new(OpCode::Off, line.0, 0)]);
        let mut half = self.ops_of(&binary(OpCode::Divide, load(rest), 2));
        half.push(Op::new(OpCode::Store, 0, rest));
        on.extend(guarded(Some(&is_bit), half, &mut self.assembly));
        let length =
            Ir::If(Box::new(is_bit), Box::new(Ir::Constant(bit_us.into())), Box::new(Ir::Constant(start_us.into())));
        let mut further = self.ops_of(&length);
        further.push(Op::new(OpCode::TimerStart, step.0, 0));
        on.extend(guarded(Some(&binary(OpCode::Less, load(place), bits_to + 2)), further, &mut self.assembly));
        self.background.on(EventId::timer(step), on);
        Some(SyncPattern::Barcode(timing))
    }

    /// A pulse after each drawn time.
    fn random_pulses(&mut self, name: &Text, width_us: u32, between: &(Expr, Expr)) -> Option<SyncPattern> {
        let (line, _) = self.output(name, Verb::Pulse)?;
        self.check_max_on(name, width_us.into(), name.span);
        let what = "the distance of sync pulses";
        let low = self.known(&between.0, Type::Time, Scope::default(), what);
        let high = self.known(&between.1, Type::Time, Scope::default(), what);
        let (low, high) = (low?, high?);
        let span = between.0.span.to(between.1.span);
        if low > high || low <= i64::from(width_us) {
            let (message, help) = match low > high {
                true => ("the bounds end before they begin".to_owned(), "write the shorter time first"),
                false => (
                    format!(
                        "pulses of {} every {} would touch",
                        written(width_us.into(), Unit::Time),
                        written(low, Unit::Time)
                    ),
                    "make them shorter, or further apart",
                ),
            };
            self.reporter.error("E281-one-pattern", span, message).help(help);
            return None;
        }
        let bounds = (u32::try_from(low), u32::try_from(high));
        let (Ok(least), Ok(most)) = bounds else {
            self.reporter
                .error("E027-out-of-bounds", span, "sync pulses so far apart tell of nothing")
                .help("write for instance `between: [1 s, 3 s]`");
            return None;
        };
        let distance = self.own_variable(name, "distance", Type::Time, low);
        let timer = self.own_timer(name, "next");
        let draw = u16::try_from(self.assembly.draws.len()).unwrap_or(u16::MAX);
        self.assembly.draws.push(rows::Draw {
            kind: DrawKind::Uniform,
            variable: VariableId(distance),
            labels: 0,
            constants: 0,
            max_run: 0,
            cells: 0,
            spend_on: rows::Draw::AT_ONCE,
        });
        self.draws.push(DrawSymbol { variable: distance, kind: "uniform".to_owned() });
        let mut next = vec![self.assembly.push(low), self.assembly.push(high), Op::new(OpCode::Draw, 0, draw)];
        next.extend([Op::new(OpCode::Load, 0, distance), Op::new(OpCode::TimerStart, timer.0, 0)]);
        self.background.at_start(next.iter().copied());
        let mut pulse = vec![self.assembly.push(width_us.into()), Op::new(OpCode::Pulse, line.0, 0)];
        pulse.extend(next);
        self.background.on(EventId::timer(timer), pulse);
        Some(SyncPattern::Random { width_us, between_us: (least, most) })
    }

    /// Reports whatever else asks something of a line that carries a pattern, or triggers frames.
    pub(super) fn check_driven(&mut self) {
        let protocol = self.protocol;
        let of_sync = protocol.sync.iter().map(|sync| (&sync.line, "sync"));
        let of_frames = protocol.frames.iter().filter_map(|frames| Some((&frames.trigger.as_ref()?.0, "frames")));
        let driven: Vec<(&Text, &str)> = of_sync.chain(of_frames).collect();
        for (n, (line, section)) in driven.iter().enumerate() {
            if driven.iter().take(n).any(|(other, _)| other.text == line.text) {
                self.driven_already(line, section);
            }
        }
        for action in protocol.actions() {
            let (ActionKind::Play { line, .. }
            | ActionKind::Pulse { line, .. }
            | ActionKind::PulseWidth { line, .. }
            | ActionKind::Deliver { line, .. }
            | ActionKind::On { line, .. }
            | ActionKind::Off { line }) = &action.kind
            else {
                continue;
            };
            if let Some((_, section)) = driven.iter().find(|(other, _)| other.text == line.text) {
                self.driven_already(line, section);
            }
        }
    }

    fn driven_already(&mut self, line: &Text, section: &str) {
        self.reporter
            .error(
                "E283-driven-already",
                line.span,
                format!("`{}` is driven by `{section}` until the session ends", line.text),
            )
            .help("give this a line of its own: a pattern that is interrupted tells of nothing");
    }
}
