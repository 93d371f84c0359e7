//! Both ends and the wires between them, on one virtual clock.

use link::frame::MAX_FRAME;
use link::message::State;
use link::record::{Reader, Record};
use link::{Answer, Command, DeviceEnd, HostEnd, HostEvent, Micros, RecordSource, StatusNow};

use crate::common::hello;
use crate::wire::{LossyWire, Ring};

const STATUS: StatusNow = StatusNow { state: State::Running, ring_free: 100_000, armed: 0 };
pub(crate) const SECOND: Micros = 1_000_000;

/// A device, a controller and the two wires between them, on one virtual clock that jumps to the next thing to happen.
pub(crate) struct Bench {
    pub(crate) now: Micros,
    pub(crate) host: HostEnd,
    pub(crate) device: DeviceEnd,
    pub(crate) ring: Ring,
    pub(crate) to_device: LossyWire,
    pub(crate) to_host: LossyWire,

    /// What the controller still wants applied, last first.
    pub(crate) wishes: Vec<Command>,
    pub(crate) applied: Vec<Command>,
    pub(crate) answers: Vec<Answer>,
    /// The numbers inside the records that reached the controller, in the order they came.
    pub(crate) records: Vec<u32>,
    /// How many of those the controller has on disk.
    pub(crate) durable: u32,
    /// Old boot, new boot, and the command that was under way.
    pub(crate) resets: Vec<(u32, u32, Option<u16>)>,
    pub(crate) unknown: Vec<(u32, u32)>,
    /// Sessions the device did not hold, and the first of their records of which nothing is known.
    pub(crate) gone: Vec<(u32, u32)>,
    pub(crate) last_heard: Option<Micros>,
    pub(crate) longest_silence: Micros,
}

impl Bench {
    pub(crate) fn new(percent_each: u64, seed: u64) -> Self {
        println!("each fault {percent_each} %, seed {seed}");
        Self {
            now: 1_000,
            host: HostEnd::new(),
            device: DeviceEnd::new(77, hello()),
            ring: Ring::default(),
            to_device: LossyWire::new(percent_each, seed),
            to_host: LossyWire::new(percent_each, seed + 1_000),
            wishes: Vec::new(),
            applied: Vec::new(),
            answers: Vec::new(),
            records: Vec::new(),
            durable: 0,
            resets: Vec::new(),
            unknown: Vec::new(),
            gone: Vec::new(),
            last_heard: None,
            longest_silence: 0,
        }
    }

    /// A bench on which session 5 has been started.
    pub(crate) fn in_session(percent_each: u64, seed: u64) -> Self {
        let mut bench = Self::new(percent_each, seed);
        bench.wishes = vec![Command::Start { session: 5, seed: 1 }];
        bench.run_until(|bench| bench.host.session() == 5);
        bench.applied.clear();
        bench.answers.clear();
        bench
    }

    pub(crate) fn write_record(&mut self) {
        let number = self.ring.next();
        self.ring.write(self.now, &Record::Trial { number });
    }

    /// Runs until `done`, and fails after ten simulated minutes.
    pub(crate) fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        let deadline = self.now + 600 * SECOND;
        while !done(self) {
            self.step(deadline);
            assert!(self.now < deadline, "nothing more came of it: {} records, {:?}", self.records.len(), self.applied);
        }
    }

    pub(crate) fn run_for(&mut self, span: Micros) {
        let end = self.now + span;
        while self.now < end {
            self.step(end);
        }
    }

    /// Everything due now, then on to the next moment something is due, or to `end`.
    pub(crate) fn step(&mut self, end: Micros) {
        self.device_side();
        self.host_side();
        let next = [
            self.device.poll_at(self.now, &self.ring),
            self.host.poll_at(),
            self.to_device.next_at(),
            self.to_host.next_at(),
        ];
        let next = next.into_iter().flatten().min().unwrap_or(end);
        self.now = next.max(self.now).min(end);
    }

    pub(crate) fn device_side(&mut self) {
        while let Some(bytes) = self.to_device.arrived(self.now) {
            self.device_hears(&bytes);
        }
        let mut frame = [0; MAX_FRAME];
        while let Some(used) = self.device.poll_transmit(self.now, STATUS, &mut self.ring, &mut frame) {
            self.to_host.carry(self.now, &frame[..used]);
        }
    }

    /// The device hears these bytes, and does what they ask for.
    pub(crate) fn device_hears(&mut self, bytes: &[u8]) {
        self.device.handle_bytes(self.now, bytes, self.ring.next());
        if self.device.heard_at() == Some(self.now) {
            let silence = self.last_heard.map_or(0, |at| self.now - at);
            self.longest_silence = self.longest_silence.max(silence);
            self.last_heard = Some(self.now);
        }
        if let Some(command) = self.device.take_command() {
            if let Command::Start { session, .. } = command {
                self.device.begin_session(session);
            }
            self.applied.push(command);
            self.device.answer(self.now, Answer::Done);
        }
        self.ring.drop_before(self.device.durable());
    }

    /// The device's next frame, caught before it leaves.
    pub(crate) fn device_frame(&mut self, frame: &mut [u8]) -> usize {
        self.device.poll_at(self.now, &self.ring);
        self.device.poll_transmit(self.now, STATUS, &mut self.ring, frame).unwrap()
    }

    /// The controller's frame with this command, caught before it leaves.
    pub(crate) fn frame_with(&mut self, command: Command) -> Vec<u8> {
        self.host.send(command).unwrap();
        let mut frame = [0; MAX_FRAME];
        let used = self.host.poll_transmit(self.now, &mut frame).unwrap();
        frame[..used].to_vec()
    }

    pub(crate) fn host_side(&mut self) {
        while let Some(bytes) = self.to_host.arrived(self.now) {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                rest = self.host.handle_bytes(self.now, rest);
                while let Some(event) = self.host.poll_event() {
                    match event {
                        HostEvent::Records { first, count, base, bytes, .. } => {
                            let (mut reader, mut rest) = (Reader::new(base), bytes);
                            for number in first..first + count {
                                let (_, record, tail) = reader.read(rest).unwrap();
                                assert_eq!(record, Record::Trial { number });
                                self.records.push(number);
                                rest = tail;
                            }
                            assert_eq!(rest, &[] as &[u8]);
                        }
                        HostEvent::Answered { answer, .. } => self.answers.push(answer),
                        HostEvent::DeviceReset { old, new, unanswered } => self.resets.push((old, new, unanswered)),
                        HostEvent::Unknown { first, next, .. } => self.unknown.push((first, next)),
                        HostEvent::Gone { session, first } => self.gone.push((session, first)),
                        HostEvent::Hello(_) | HostEvent::Status { .. } => {}
                    }
                }
            }
        }
        if let Some(wish) = self.wishes.last()
            && self.host.send(wish.clone()).is_ok()
        {
            self.wishes.pop();
        }
        self.host.set_durable(self.durable);
        let mut frame = [0; MAX_FRAME];
        while let Some(used) = self.host.poll_transmit(self.now, &mut frame) {
            self.to_device.carry(self.now, &frame[..used]);
        }
    }
}
