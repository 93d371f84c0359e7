//! What comes to a session from outside: asks its sources, reads what they say, and tells the device, one thing after the
//! other; who said it is told how it went. Follows which questions are open by the device's own records.

use std::collections::VecDeque;

use compiler::symbols::Symbols;
use journal::{NoteKind, Storage};
use link::message::{Answer, Command};
use link::{EventId, Micros, Record};

use super::{Phase, Session};
use crate::outside::{Bell, Heard, Outside, Said, Told, WAITING_MAX, What, words};

/// What waits to be told to the device, or to whoever said it.
struct Waiting {
    source: usize,
    id: u64,
    /// What the device is told, in this order.
    commands: VecDeque<Command>,
    /// What is written down once the device has taken it.
    note: Option<String>,
    stops: bool,
    /// The question it answers.
    answers: Option<usize>,
    told: Told,
}

/// The sources of a session, and what is under way.
#[derive(Default)]
pub(super) struct Desk {
    sources: Vec<Box<dyn Outside>>,
    /// The source that is asked next.
    turn: usize,
    bell: Bell,
    waiting: VecDeque<Waiting>,
    /// The number of the command under way, if it is of the first that waits.
    under_way: Option<u16>,
    /// Questions that wait for an answer, the oldest first.
    open: Vec<usize>,
    /// Those that came or went since the sources were told.
    news: Vec<(usize, bool)>,
    /// When the session began, on the controller's clock.
    began: Option<Micros>,
}

impl Desk {
    /// A record of the device: a question that is asked, answered or taken back.
    pub(super) fn record(&mut self, symbols: &Symbols, record: &Record) {
        let (Record::Event(event) | Record::Outside { event, .. }) = record else { return };
        let Some(number) = event.0.checked_sub(EventId::NAMED) else { return };
        let prompts = symbols.world.prompts.iter().enumerate();
        for (prompt, _) in prompts.clone().filter(|(_, prompt)| prompt.asked == number) {
            self.open.retain(|open| *open != prompt);
            self.open.push(prompt);
            self.news.push((prompt, true));
        }
        for (prompt, _) in prompts.filter(|(_, prompt)| [prompt.withdrawn, prompt.answered].contains(&number)) {
            if self.open.contains(&prompt) {
                self.open.retain(|open| *open != prompt);
                self.news.push((prompt, false));
            }
        }
    }

    /// The questions that nobody has answered yet, the oldest first: an answer may still be on its way to the device.
    fn unanswered(&self) -> Vec<usize> {
        let on_its_way = |prompt: &&usize| self.waiting.iter().any(|waiting| waiting.answers == Some(**prompt));
        self.open.iter().filter(|prompt| !on_its_way(prompt)).copied().collect()
    }

    /// The device's own end of the command under way is not known any more.
    pub(super) fn lose_command(&mut self) {
        self.under_way = None;
    }
}

impl<S: Storage> Session<S> {
    /// From here on a source of what comes from outside is asked too.
    pub fn attend(&mut self, mut source: Box<dyn Outside>) {
        source.attend(&self.plan.compiled.symbols, &self.desk.bell);
        self.desk.sources.push(source);
    }

    /// What wakes a session that sleeps.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.desk.bell.clone()
    }

    /// The questions to the operator that wait for an answer, the oldest first: their places among the protocol's prompts.
    #[must_use]
    pub fn open_questions(&self) -> &[usize] {
        &self.desk.open
    }

    /// Asks the sources what has come, as far as there is room.
    pub(super) fn poll_outside(&mut self, now: Micros) {
        self.tell_news(now);
        let Phase::Running = self.phase else {
            return self.refuse_waiting();
        };
        let began = *self.desk.began.get_or_insert(now);
        // Each source in turn, so that one that says much keeps no other from being heard.
        let (count, mut silent) = (self.desk.sources.len(), 0);
        while silent < count && self.desk.waiting.len() < WAITING_MAX {
            let source = self.desk.turn % count;
            self.desk.turn = source + 1;
            let heard = self.desk.sources.get_mut(source).and_then(|from| from.poll(now, began));
            let Some(Heard { id, what }) = heard else {
                silent += 1;
                continue;
            };
            silent = 0;
            let symbols = &self.plan.compiled.symbols;
            let said = match what {
                What::Said(said) => Ok(said),
                What::Line(line) => words::read(&line, symbols, &self.desk.unanswered()),
                What::Unread(sentence) => Err(sentence),
            };
            let waiting = wait(source, id, said, symbols);
            self.desk.waiting.push_back(waiting);
        }
        self.run_errands();
    }

    /// When something of its own accord comes from a source.
    pub(super) fn outside_at(&self) -> Option<Micros> {
        let began =
            self.desk.began.filter(|_| self.phase == Phase::Running && self.desk.waiting.len() < WAITING_MAX)?;
        self.desk.sources.iter().filter_map(|source| source.next_at(began)).min()
    }

    /// Sends the next thing from outside, if none is under way; what needs no device is done at once.
    pub(super) fn run_outside(&mut self) {
        while self.desk.under_way.is_none() {
            let Some(first) = self.desk.waiting.front_mut() else { return };
            let Some(command) = first.commands.front().cloned() else {
                self.outside_done();
                continue;
            };
            let Ok(number) = self.link.send(command) else { return };
            self.under_way = Some((number, "take up what came from outside"));
            self.desk.under_way = Some(number);
            return;
        }
    }

    /// The device has answered a command; true if it was one of these.
    pub(super) fn outside_answered(&mut self, number: u16, answer: Answer) -> bool {
        if self.desk.under_way.take_if(|under_way| *under_way == number).is_none() {
            return false;
        }
        if let Some(first) = self.desk.waiting.front_mut() {
            first.commands.pop_front();
            if let Answer::Refused(refusal) = answer {
                first.commands.clear();
                first.note = None;
                first.told = Err(format!("the device did not take it: {refusal}"));
            }
            if first.commands.is_empty() {
                self.outside_done();
            }
        }
        true
    }

    /// The first that waits is done with, well or not.
    fn outside_done(&mut self) {
        let Some(done) = self.desk.waiting.pop_front() else { return };
        if let Some(note) = done.note {
            self.note(NoteKind::Operator(note));
        }
        if done.stops {
            self.stop();
        }
        if let Some(source) = self.desk.sources.get_mut(done.source) {
            source.told(done.id, &done.told);
        }
    }

    /// What still waits when the session is over, or not under way again, is told so.
    fn refuse_waiting(&mut self) {
        if !matches!(self.phase, Phase::Draining(_) | Phase::Forgetting | Phase::Done) {
            return;
        }
        for waiting in std::mem::take(&mut self.desk.waiting) {
            if let Some(source) = self.desk.sources.get_mut(waiting.source) {
                source.told(waiting.id, &Err("the session is over".to_owned()));
            }
        }
    }

    /// Tells the sources which questions came and went. Where nobody can answer, the session itself says what it waits for.
    fn tell_news(&mut self, now: Micros) {
        for (prompt, is_open) in std::mem::take(&mut self.desk.news) {
            for source in &mut self.desk.sources {
                if is_open {
                    source.asked(now, prompt);
                } else {
                    source.settled(prompt);
                }
            }
            if is_open
                && !self.desk.sources.iter().any(|source| source.answers())
                && let Some(asked) = self.plan.compiled.symbols.world.prompts.get(prompt)
            {
                tracing::warn!(
                    "the session waits for an answer to `{}`: {}; nobody is at a terminal to give it. A program may, at the \
                     socket of --listen: answer {} …",
                    asked.name,
                    words::question(asked, &self.plan.compiled.symbols),
                    asked.name
                );
            }
        }
    }
}

/// What is to be done about something said.
fn wait(source: usize, id: u64, said: Result<Said, String>, symbols: &Symbols) -> Waiting {
    let mut waiting = Waiting {
        source,
        id,
        commands: VecDeque::new(),
        note: None,
        stops: false,
        answers: None,
        told: Ok(String::new()),
    };
    match said {
        Err(sentence) => waiting.told = Err(sentence),
        Ok(Said::Event(event)) => waiting.commands.push_back(Command::Event(event)),
        Ok(Said::Value { variable, value, event }) => {
            waiting.commands.extend([Command::Parameter { variable, value }, Command::Event(event)]);
        }
        Ok(Said::Parameter { variable, value, done }) => {
            waiting.commands.push_back(Command::Parameter { variable, value });
            waiting.told = Ok(done);
        }
        Ok(Said::Answer { prompt, value, note }) => {
            waiting.commands.extend(value.map(|(variable, value)| Command::Parameter { variable, value }));
            let answered = symbols.world.prompts.get(prompt).map(|prompt| EventId::named(prompt.answered));
            waiting.commands.extend(answered.map(Command::Event));
            (waiting.note, waiting.answers) = (note, Some(prompt));
        }
        Ok(Said::Note(note)) => waiting.note = Some(note),
        Ok(Said::Stop) => waiting.stops = true,
    }
    waiting
}
