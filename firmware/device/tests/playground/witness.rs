//! What someone at the rig knows without asking the device: who armed what and when, since when the controller is silent,
//! which inputs moved. Owns how that becomes the history a monitor judges. It never takes the device's word for a line
//! being armed; for a trip it does, since only the device knows of most.

use link::message::{Answer, Command};
use link::rig::Rig;
use link::{Micros, Record};

use crate::common::{Lab, SETTLE_US};
use crate::monitor::{Controller, History, Outside, Stretch, Wish};

/// What is known so far.
#[derive(Debug, Default)]
pub struct Witness {
    /// The command under way.
    pub asked: Option<Command>,
    wishes: Vec<Wish>,
    /// When P1 alone had no turn.
    core_held: Vec<Stretch>,
    history: History,
}

impl Witness {
    /// Something is done from outside.
    pub fn act(&mut self, at: Micros, act: Outside) {
        self.history.act(at, act);
    }

    /// An input pin is moved.
    pub fn touched(&mut self, at: Micros, pin: u8, high: bool) {
        self.history.pin(at, pin, high);
    }

    /// Nothing of the device runs for a while.
    pub fn held(&mut self, from: Micros, to: Micros) {
        self.history.held.stretches.push(Stretch { from, to });
    }

    /// P1 gets no turn for a while.
    pub fn core_held(&mut self, from: Micros, to: Micros) {
        // One that is held up already is so for longer.
        let from = self.core_held.last().map_or(from, |last| last.to.max(from));
        if from < to {
            self.core_held.push(Stretch { from, to });
        }
    }

    /// A command is sent.
    pub fn asked(&mut self, at: Micros, command: Command) {
        if let Command::Arm { lines } = command {
            self.wishes.push(Wish { from: at, to: Micros::MAX, lines });
        }
        self.asked = Some(command);
    }

    /// It is answered, and carried out by then.
    pub fn answered(&mut self, at: Micros, answer: Answer) {
        match (self.asked.take(), answer) {
            (Some(Command::Arm { lines }), Answer::Done) => {
                if let Some(wish) = self.wishes.last_mut() {
                    wish.to = at;
                }
                // What was done about it before is undone by it.
                self.act(at, Outside::Armed(lines));
            }
            (Some(Command::Arm { .. }), Answer::Refused(_)) => {
                self.wishes.pop();
            }
            (Some(Command::Disarm { lines }), Answer::Done) => self.act(at, Outside::Disarmed(lines)),
            (Some(Command::Abort), Answer::Done) => self.act(at, Outside::Tripped),
            _ => {}
        }
    }

    /// Everything that can be judged now.
    pub fn history(&self, lab: &Lab<'_>, rig: &Rig) -> History {
        let mut history = self.history.clone();
        history.until = lab.now;
        history.held.decides_us = Micros::from(SETTLE_US) + 1;
        history.held.minds.clone_from(&self.core_held);
        for (at, pin, high) in lab.board.changes.borrow().iter() {
            history.pin(*at, *pin, *high);
        }
        for (at, pin, sound) in &lab.board.tones {
            history.pin(*at, *pin, sound.is_some());
        }
        for (at, pin, power_ppm) in &lab.board.powers {
            history.power(*at, *pin, *power_ppm);
        }
        for (at, _) in lab.turns.iter().filter(|(_, running)| !running) {
            history.act(*at, Outside::SessionEnded);
            history.act(*at, Outside::Disarmed(u32::MAX));
        }
        for (at, record) in &lab.records {
            if matches!(record, Record::Trip(_)) {
                history.act(*at, Outside::Tripped);
                history.act(*at, Outside::Disarmed(u32::MAX));
            }
        }
        for wish in &self.wishes {
            history.act(wish.from, Outside::Armed(wish.lines));
        }
        let controller = Controller {
            frames: &lab.frames,
            wishes: &self.wishes,
            silence_us: rig.silence_us,
            rejoin_us: rig.rejoin_us,
        };
        for session in lab.turns.chunks(2) {
            let to = session.get(1).map_or(lab.now, |(at, _)| *at);
            controller.add_silences(Stretch { from: session[0].0, to }, &mut history);
        }
        history
    }
}
