//! Arbitrary things that happen to a device: an animal, a person, a controller, a cable, and halves that come late. Owns
//! what is done and when; what must hold meanwhile is not its business.

use assembler::noise::{self, Addressee, noise, torn};
use assembler::random::Dice;
use device::Undisturbed;
use link::message::{Answer, Command, State};
use link::{EventId, VariableId};

use link::rig::Guards;

use crate::common::Lab;
use crate::monitor::Outside;
use crate::rigs::Stage;
use crate::witness::Witness;

/// Longer than any half may be late.
const TOO_LONG_US: u64 = 150_000;
/// Things that happen in one session at most.
const ACTS_MAX: u64 = 60;
/// Rounds of 10 ms within which a session that was stopped is over, and its records are in.
const ROUNDS_TO_END: u32 = 200;

/// Someone who plays on a device, and what he needs to remember.
pub struct Player<'a> {
    pub stage: &'a Stage,
    pub dice: Dice,
    pub noise: noise::Dice,
    pub witness: Witness,
    /// Whether what reads outputs back does not follow them.
    pub blind: bool,
}

impl Player<'_> {
    /// A whole session, from its preparations until its memory is freed. False if it did not begin.
    pub fn session(&mut self, lab: &mut Lab<'_>, number: u32) -> bool {
        if self.dice.percent(90) {
            self.look_after(lab);
        }
        if self.dice.percent(60) {
            let lines = self.some_lines();
            self.command(lab, Command::Arm { lines });
        }
        if self.dice.percent(5) {
            self.act(lab);
        }
        lab.link_up = true;
        self.settle(lab);
        let asked_at = lab.now;
        if lab.ask(Command::Start { session: number, seed: self.dice.bits() }) != Answer::Done {
            return false;
        }
        self.witness.act(asked_at, Outside::SessionBegan);
        lab.durable = self.dice.percent(90);
        for _ in 0..self.dice.from(3, ACTS_MAX) {
            let life_us = self.stage.program.life_us;
            let pause_us = match self.dice.below(5) {
                0 => 0,
                1 => self.dice.below(20),
                _ => self.dice.below(life_us / 15 + 2),
            };
            self.wait(lab, pause_us);
            self.act(lab);
            self.settle_answer(lab);
        }
        self.end(lab, number);
        true
    }

    /// Everything that was done to it is taken back, the session is ended and its records taken in.
    fn end(&mut self, lab: &mut Lab<'_>, number: u32) {
        for pin in &self.stage.outputs {
            lab.board.stick(*pin, None);
        }
        (lab.link_up, lab.durable) = (true, true);
        self.settle(lab);
        if lab.outer.state() == State::Running {
            lab.ask(Command::Stop);
        }
        for _ in 0..ROUNDS_TO_END {
            lab.wait(10_000);
            if lab.outer.state() == State::Over && lab.host.received() == lab.next_record {
                break;
            }
        }
        assert_eq!(lab.outer.state(), State::Over, "a session that was stopped is over");
        lab.wait(50_000);
        if self.dice.percent(80) {
            self.look_after(lab);
        }
        assert_eq!(lab.ask(Command::Forget { session: number }), Answer::Done);
        lab.wait(1_000);
        // P1 passes it on.
        self.witness.act(lab.now.max(lab.core_held_until), Outside::Reset);
    }

    /// Waits until the command under way is answered.
    fn settle(&mut self, lab: &mut Lab<'_>) {
        for _ in 0..ROUNDS_TO_END {
            self.settle_answer(lab);
            if self.witness.asked.is_none() {
                return;
            }
            lab.wait(10_000);
        }
        panic!("{:?} was never answered", self.witness.asked);
    }

    fn settle_answer(&mut self, lab: &mut Lab<'_>) {
        if self.witness.asked.is_some()
            && let Some((at, answer)) = lab.answer.take()
        {
            self.witness.answered(at.max(lab.core_held_until), answer);
        }
    }

    /// A command that is sent if none is under way. Nobody waits for its answer.
    fn command(&mut self, lab: &mut Lab<'_>, command: Command) {
        self.settle_answer(lab);
        if self.witness.asked.is_none() && lab.host.send(command.clone()).is_ok() {
            lab.answer = None;
            self.witness.asked(lab.now, command);
        }
    }

    /// Lines that can be armed, all or some; seldom whatever lines.
    fn some_lines(&mut self) -> u32 {
        let can = self.stage.rig.must_arm();
        match self.dice.below(10) {
            0 => self.dice.bits() as u32,
            1..=3 => can & self.dice.bits() as u32,
            _ => can,
        }
    }

    fn act(&mut self, lab: &mut Lab<'_>) {
        match self.dice.below(100) {
            0..=44 => self.touch(lab),
            45..=52 => {
                let event = self.dice.below(u64::from(self.stage.program.events) + 1) as u16;
                self.command(lab, Command::Event(EventId::named(event)));
            }
            53..=57 => {
                let variable = VariableId(self.dice.below(u64::from(self.stage.program.parameters)) as u16);
                let value = self.dice.below(20) as i64 - 5;
                self.command(lab, Command::Parameter { variable, value });
            }
            58..=66 => {
                let lines = self.some_lines();
                self.command(lab, Command::Arm { lines });
            }
            67..=69 => {
                let lines = self.dice.bits() as u32;
                self.command(lab, Command::Disarm { lines });
            }
            70 if self.dice.percent(50) => self.command(lab, Command::Stop),
            71 if self.dice.percent(50) => self.command(lab, Command::Abort),
            72..=76 => lab.link_up = false,
            77..=84 => lab.link_up = true,
            85..=87 => self.speak(lab),
            88 => self.storm(lab),
            89..=91 => self.hold(lab),
            92..=94 => {
                let held_us = self.late_us();
                lab.core_held_until = lab.core_held_until.max(lab.now + held_us);
                self.witness.core_held(lab.now, lab.core_held_until);
            }
            95 if self.dice.percent(30) => {
                let pin = self.stage.outputs[self.dice.below(self.stage.outputs.len() as u64) as usize];
                let level = self.dice.percent(50);
                lab.board.stick(pin, Some(level));
            }
            96 => lab.durable = !lab.durable,
            97 => self.wait(lab, u64::from(self.stage.rig.silence_us)),
            98 => {
                let us = self.dice.below(self.stage.program.life_us);
                self.wait(lab, us);
            }
            99 if self.dice.percent(40) => self.blind = !self.blind,
            _ => {}
        }
    }

    /// Time passes; what reads an output back follows it, sooner or later.
    fn wait(&mut self, lab: &mut Lab<'_>, us: u64) {
        let parts = if self.stage.senses.is_empty() { 1 } else { 1 + us.min(8) };
        for _ in 0..parts {
            for (output, follower) in &self.stage.senses {
                let on = lab.board.is_high(output.pin) == output.active_high;
                let seen = lab.board.is_high(follower.pin) == follower.active_high;
                if on != seen && !self.blind {
                    self.touch_pin(lab, follower.pin);
                }
            }
            lab.wait(us / parts);
        }
    }

    /// Someone closes the emergency stop and turns the key.
    fn look_after(&mut self, lab: &mut Lab<'_>) {
        for (guards, contact) in &self.stage.guards {
            let high = (*guards == Guards::Arming) == contact.active_high;
            if lab.board.is_high(contact.pin) != high {
                self.touch_pin(lab, contact.pin);
            }
        }
        self.blind = false;
        // As long as the longest window.
        self.wait(lab, 5_000);
    }

    /// An input pin changes to what it was not.
    fn touch_pin(&mut self, lab: &mut Lab<'_>, pin: u8) {
        let high = !lab.board.is_high(pin);
        lab.touch(pin, high);
        self.witness.touched(lab.now, pin, high);
    }

    /// Some inputs change, often in one µs.
    fn touch(&mut self, lab: &mut Lab<'_>) {
        let inputs = &self.stage.inputs;
        for _ in 0..self.dice.from(1, 4) {
            let contact = inputs[self.dice.below(inputs.len() as u64) as usize];
            self.touch_pin(lab, contact.pin);
            if self.dice.percent(30) {
                let us = self.dice.below(30);
                lab.wait(us);
            }
        }
    }

    /// An input that toggles faster than anyone can follow.
    fn storm(&mut self, lab: &mut Lab<'_>) {
        let contact = self.stage.inputs[self.dice.below(self.stage.inputs.len() as u64) as usize];
        let (changes, apart_us) = (self.dice.from(10, 600), self.dice.below(3));
        for _ in 0..changes {
            self.touch_pin(lab, contact.pin);
            if apart_us > 0 {
                lab.wait(apart_us);
            }
        }
    }

    /// Bytes that are none of the controller's.
    fn speak(&mut self, lab: &mut Lab<'_>) {
        let nobody = Addressee { boot: 1, session: 1 };
        for _ in 0..self.dice.from(1, 8) {
            let bytes = noise(&mut self.noise, &nobody);
            for part in torn(&mut self.noise, bytes).iter().map(Vec::as_slice).chain([&[0][..]]) {
                lab.outer.handle_bytes(lab.now, part, &mut Undisturbed);
            }
        }
    }

    fn late_us(&mut self) -> u64 {
        match self.dice.below(8) {
            0 => TOO_LONG_US,
            1 => self.dice.below(20_000),
            2..=4 => self.dice.below(1_000),
            _ => self.dice.below(50),
        }
    }

    /// Nothing of the device runs for a while.
    fn hold(&mut self, lab: &mut Lab<'_>) {
        let held_us = self.late_us();
        self.witness.held(lab.now, lab.now + held_us);
        lab.now += held_us;
    }
}
