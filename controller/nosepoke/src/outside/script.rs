//! Things said at stated times after the session began, and answers to questions: for scenarios and tests.

use std::collections::VecDeque;

use link::Micros;

use super::{Heard, Outside, Told, What};

/// Things at stated times.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What is said when, in µs after the session began on the controller's clock.
    lines: VecDeque<(Micros, What)>,
    /// How long after a question its answer is given, in µs, and the answer: the prompt's number, and the words.
    answers: Vec<(usize, Micros, String)>,
    due: Vec<(Micros, usize, String)>,
    count: u64,
    /// How each thing went, in the order it was said.
    pub went: Vec<(u64, Told)>,
}

impl Script {
    /// Says each of these lines so long after the session began, in µs.
    #[must_use]
    pub fn new(lines: impl IntoIterator<Item = (Micros, String)>) -> Self {
        let mut lines: Vec<_> = lines.into_iter().map(|(at, line)| (at, What::Line(line))).collect();
        lines.sort_by_key(|(at, _)| *at);
        Self { lines: lines.into(), ..Self::default() }
    }

    /// Answers the prompt of this number `after_us` after it is asked, each time.
    #[must_use]
    pub fn answering(mut self, prompt: usize, after_us: Micros, answer: &str) -> Self {
        self.answers.push((prompt, after_us, answer.to_owned()));
        self
    }
}

impl Outside for Script {
    fn poll(&mut self, now: Micros, began: Micros) -> Option<Heard> {
        let said = match self.due.iter().position(|(at, ..)| *at <= now) {
            Some(at) => What::Line(self.due.remove(at).2),
            None if self.lines.front().is_some_and(|(at, _)| began.saturating_add(*at) <= now) => {
                self.lines.pop_front()?.1
            }
            None => return None,
        };
        self.count += 1;
        Some(Heard { id: self.count, what: said })
    }

    fn next_at(&self, began: Micros) -> Option<Micros> {
        let line = self.lines.front().map(|(at, _)| began.saturating_add(*at));
        self.due.iter().map(|(at, ..)| *at).chain(line).min()
    }

    fn told(&mut self, id: u64, told: &Told) {
        self.went.push((id, told.clone()));
    }

    fn asked(&mut self, now: Micros, prompt: usize) {
        let answers = self.answers.iter().filter(|(of, ..)| *of == prompt);
        self.due.extend(answers.map(|(_, after_us, answer)| (now.saturating_add(*after_us), prompt, answer.clone())));
    }

    fn settled(&mut self, prompt: usize) {
        self.due.retain(|(_, of, _)| *of != prompt);
    }

    fn answers(&self) -> bool {
        !self.answers.is_empty()
    }
}
