//! A device that is reset in mid-session, wherever its halves may be interrupted: the session is found again in the ring,
//! and the controller gets every record of it once, then its end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use assembler::Assembly;
use common::bench::*;
use common::*;
use device::ring::Ring;
use device::{Identity, Preempt, Storage};
use link::frame::MAX_FRAME;
use link::host_end::{HostEnd, HostEvent};
use link::message::{Answer, Command, State, Upload};
use link::record::Reader;
use link::upload::Uploader;
use link::versions::Versions;
use link::{EndReason, LineId, Micros, Record};

/// A controller, and what became of one session under its eyes.
struct Controller {
    host: HostEnd,
    now: Micros,
    bytes: Vec<u8>,
    records: Vec<(Micros, Record)>,
    resets: u32,
    /// The command sent last, and whether a reset left open if it was heard.
    sent: Option<Command>,
    unanswered: bool,
    gone: Vec<u32>,
    last: Option<(State, u32)>,
    answers: Vec<Answer>,
}

impl Controller {
    fn new() -> Self {
        let (bytes, records, gone, answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            host: HostEnd::new(),
            now: 0,
            bytes,
            records,
            resets: 0,
            sent: None,
            unanswered: false,
            gone,
            last: None,
            answers,
        }
    }

    fn hear(&mut self, mut frame: &[u8]) {
        while !frame.is_empty() {
            frame = self.host.handle_bytes(self.now, frame);
            while let Some(event) = self.host.poll_event() {
                match event {
                    HostEvent::Records { first, count, base, bytes, .. } => {
                        assert_eq!(first as usize, self.records.len(), "none is left out and none comes twice");
                        let (mut reader, mut rest) = (Reader::new(base), bytes);
                        for _ in 0..count {
                            let (at, record, tail) = reader.read(rest).unwrap();
                            self.records.push((at, record));
                            rest = tail;
                        }
                        self.bytes.extend_from_slice(bytes);
                    }
                    HostEvent::DeviceReset { unanswered, .. } => {
                        self.resets += 1;
                        self.unanswered = unanswered.is_some();
                    }
                    HostEvent::Gone { first, .. } => self.gone.push(first),
                    HostEvent::Status { status, session, .. } => self.last = Some((status.state, session)),
                    HostEvent::Answered { answer, .. } => self.answers.push(answer),
                    HostEvent::Hello(_) => {}
                    HostEvent::Unknown { .. } => panic!("nothing was lost"),
                }
            }
        }
    }
}

/// Resets the device at one of the points where a half may be interrupted.
struct Fuse<'a>(&'a mut u32);

struct Reset;

impl Preempt for Fuse<'_> {
    fn point(&mut self) {
        match *self.0 {
            0 => std::panic::resume_unwind(Box::new(Reset)),
            _ => *self.0 -= 1,
        }
    }
}

/// One boot of the device, until the fuse burns down or `until` has come. What the controller wants is sent in order.
fn boot(
    ring: &mut Ring<RING_WORDS>,
    number: u32,
    controller: &mut Controller,
    fuse: &mut u32,
    wishes: &mut Vec<Command>,
    until: Micros,
) -> bool {
    let mut storage = Box::new(Storage::new());
    let identity = Identity {
        boot: number,
        id: 1,
        board: "bench",
        settle_us: SETTLE_US,
        separate_supply: false,
        versions: Versions::OURS,
    };
    let mut board = Bench::new();
    board.put(LEVER_PIN, true);
    // The device's clock begins at 0 in every boot, the controller's goes on.
    let boot_at = controller.now;
    let (mut edge, mut core, mut outer) = storage.split(ring, vec![0; 1_024], &identity);
    let mut run = || {
        while controller.now < until {
            controller.now += 1_000;
            let now = controller.now - boot_at;
            board.now.set(now);
            // An animal that presses the lever for 50 ms, three times a second.
            let pressed = !board.is_high(LEVER_PIN);
            if (now % 333_000 < 50_000) != pressed {
                board.put(LEVER_PIN, pressed);
                edge.changed(now, LEVER_PIN, pressed);
            }
            for _ in 0..4 {
                edge.poll(now, &mut board);
                core.poll(now + 5, &mut Fuse(fuse));
            }
            outer.poll(now, &mut Fuse(fuse));
            if std::mem::take(&mut controller.unanswered) {
                wishes.extend(controller.sent.take());
            }
            if let Some(wish) = wishes.last()
                && controller.host.send(wish.clone()).is_ok()
            {
                controller.sent = wishes.pop();
            }
            let mut frame = [0; MAX_FRAME];
            while let Some(used) = controller.host.poll_transmit(controller.now, &mut frame) {
                outer.handle_bytes(now, &frame[..used], &mut Fuse(fuse));
            }
            while let Some(used) = outer.poll_transmit(now, &mut frame, &mut Fuse(fuse)) {
                controller.hear(&frame[..used]);
            }
            // What came more than 150 ms ago is on disk by now.
            let on_disk = controller.records.iter().filter(|(at, _)| *at + 150_000 < now).count();
            controller.host.set_durable(on_disk as u32);
        }
    };
    catch_unwind(AssertUnwindSafe(&mut run)).is_ok()
}

fn preparations() -> Vec<Command> {
    let mut commands = Vec::new();
    let rig = postcard::to_stdvec(&rig()).unwrap();
    commands.extend(Uploader::new(Upload::Rig, &rig));
    let program: Assembly = protocol();
    let program: Vec<u8> = program.image().unwrap().iter().flat_map(|word| word.to_le_bytes()).collect();
    commands.extend(Uploader::new(Upload::Program, &program));
    commands.push(Command::Arm { lines: LineId(LASER).bit() });
    commands.push(Command::Start { session: 5, seed: 42 });
    commands.reverse();
    commands
}

/// A session of a second that nothing disturbs, to compare with.
fn undisturbed() -> Controller {
    let (mut ring, mut controller) = (Box::new(Ring::new()), Controller::new());
    assert!(boot(&mut ring, 9, &mut controller, &mut u32::MAX.clone(), &mut preparations(), 2_000_000));
    assert!(controller.records.len() > 20, "{:?}", controller.records);
    controller
}

#[test]
fn a_session_that_a_reset_cuts_short_is_offered_again_and_closed() {
    let whole = undisturbed();
    let (mut cut_short, mut between) = (0, 0);
    let times = assembler::random::cases(300);
    for n in 0..times {
        let mut fuse = (n as u32).wrapping_mul(7_919) % 700;
        let (mut ring, mut controller) = (Box::new(Ring::new()), Controller::new());
        let mut wishes = preparations();
        if boot(&mut ring, 9, &mut controller, &mut fuse, &mut wishes, 2_000_000) {
            continue;
        }
        let (started, known) = (controller.host.session() == 5, controller.records.clone());
        // A second reset follows on the first now and then.
        let mut second = if n % 3 == 0 { n as u32 % 50 } else { u32::MAX };
        wishes.clear();
        controller.sent = None;
        let reset_at = controller.now;
        boot(&mut ring, 10, &mut controller, &mut second, &mut wishes, reset_at + 400_000);
        assert!(boot(&mut ring, 11, &mut controller, &mut u32::MAX.clone(), &mut wishes, reset_at + 1_000_000));
        if !started {
            // The controller does not know whether its start was heard.
            between += 1;
            continue;
        }
        cut_short += 1;
        assert!(controller.records.starts_with(&known));
        let (last, of_session) = controller.records.split_last().unwrap();
        assert_eq!(last.1, Record::End(EndReason::DeviceReset), "fuse {n}");
        assert!(of_session.iter().zip(&whole.records).all(|(here, there)| here == there), "fuse {n}");
        assert!(last.0 >= of_session.last().map_or(0, |(at, _)| *at), "alive at least until its last record");
        assert!(last.0 <= reset_at, "and not beyond the reset");
        assert_eq!(controller.last, Some((State::Over, 5)));
        assert_eq!(controller.gone, [] as [u32; 0]);

        // All is durable: the device forgets, and the next session can begin.
        let next = controller.now + 2_000_000;
        let mut wishes = vec![Command::Forget { session: 5 }];
        controller.host.set_durable(controller.records.len() as u32);
        controller.answers.clear();
        let all = u32::try_from(controller.records.len()).unwrap();
        assert_eq!(controller.host.received(), all);
        assert!(boot(&mut ring, 12, &mut controller, &mut u32::MAX.clone(), &mut wishes, next));
        assert_eq!(
            (controller.answers.as_slice(), controller.last),
            ([Answer::Done].as_slice(), Some((State::Idle, 0)))
        );
        let mut wishes = preparations();
        controller.records.clear();
        let next = controller.now + 1_000_000;
        assert!(boot(&mut ring, 13, &mut controller, &mut u32::MAX.clone(), &mut wishes, next));
        assert!(matches!(controller.records[0].1, Record::Start { seed: 42, .. }));
    }
    println!("{cut_short} sessions cut short, {between} resets before the controller knew of a session");
    assert!(cut_short as usize > times as usize / 3 && between > 0);
}

#[test]
fn after_a_loss_of_power_the_controller_is_told_from_where_on_nothing_is_known() {
    let mut controller = undisturbed();
    let received = controller.host.received();
    let until = controller.now + 500_000;
    let mut ring = Box::new(Ring::new());
    assert!(boot(&mut ring, 10, &mut controller, &mut u32::MAX.clone(), &mut Vec::new(), until));
    assert_eq!((controller.resets, controller.gone.as_slice()), (1, [received].as_slice()));
    assert_eq!(controller.last, Some((State::Idle, 0)));
}
