//! Invariants: sentences about the program's own outputs, read word by word.

use link::program::rows::{Invariant, Scope as Over};
use link::{LineId, StateId};

use super::Lowering;
use crate::diagnostic::Span;
use crate::kinds::Verb;
use crate::names::Scope;
use crate::yaml::Text;

/// The two sentences there are.
const FORMS: &str = "`at most 1 deliver on water per trial` (or `per session`), `never pulse on laser in reward`";

impl Lowering<'_> {
    /// Reads every sentence; what they say, in the order of the table.
    pub(super) fn invariants(&mut self) -> Vec<String> {
        let protocol = self.protocol;
        let mut found: Vec<(Invariant, String, Span)> = Vec::new();
        for sentence in &protocol.invariants {
            if let Some(invariant) = self.invariant(sentence) {
                let words: Vec<&str> = sentence.text.split_whitespace().collect();
                found.push((invariant, words.join(" "), sentence.span));
            }
        }
        // The image keeps them by line; their names must lie the same way.
        found.sort_by_key(|(invariant, ..)| invariant.line);
        self.assembly.invariants = found.iter().map(|(invariant, ..)| *invariant).collect();
        self.places.invariants = found.iter().map(|(.., span)| *span).collect();
        found.into_iter().map(|(_, words, _)| words).collect()
    }

    fn invariant(&mut self, sentence: &Text) -> Option<Invariant> {
        let words = words(sentence);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let (count, verb, line, scope, state) = match texts.as_slice() {
            ["at", "most", _, _, "on", _, "per", scope] => {
                let over = match *scope {
                    "trial" => Over::Trial,
                    "session" => Over::Session,
                    _ => {
                        let span = words.last().map_or(sentence.span, |word| word.span);
                        self.reporter
                            .error("E150-invariant", span, format!("`{scope}` is no span of time"))
                            .help("write `per trial` or `per session`");
                        return None;
                    }
                };
                let count = words.get(2)?;
                let Ok(number) = count.text.parse::<u16>() else {
                    self.reporter
                        .error("E150-invariant", count.span, format!("`{}` is no number of times", count.text))
                        .help("write it in digits, 0 to 65535");
                    return None;
                };
                (number, words.get(3)?, words.get(5)?, over, StateId::NONE)
            }
            ["never", _, "on", _, "in", _] => {
                let state = words.get(5)?;
                let id = self.names.find_state(&state.text, Scope::default(), self.reporter, state.span)?;
                (0, words.get(1)?, words.get(3)?, Over::State, id)
            }
            _ => {
                self.reporter
                    .error("E150-invariant", sentence.span, "this sentence is not understood")
                    .help(format!("sentences read {FORMS}"));
                return None;
            }
        };
        let verbs = [Verb::Deliver, Verb::Play, Verb::Pulse, Verb::Switch];
        let Some(known) = verbs.into_iter().find(|known| known.word() == verb.text) else {
            self.reporter
                .error("E150-invariant", verb.span, format!("`{}` is nothing an output does", verb.text))
                .near(&verb.text, verbs.map(Verb::word), |_| {
                    Some("write `deliver`, `play`, `pulse` or `on`".to_owned())
                });
            return None;
        };
        let (line_id, _) = self.output(line, known)?;
        Some(Invariant { line: line_id, scope, state, count, trips: self.must_arm(line_id) })
    }

    fn must_arm(&self, line: LineId) -> bool {
        let config = self.names.lines.get(line.index()).and_then(|line| self.rig.line(&line.name));
        config.and_then(|config| config.line.role.output()).is_some_and(|output| output.limits.must_arm)
    }
}

/// The words of a sentence with their places.
fn words(sentence: &Text) -> Vec<Text> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in sentence.text.split_whitespace() {
        let start = sentence.text.get(at..).and_then(|rest| rest.find(word)).map_or(at, |offset| at + offset);
        at = start + word.len();
        let Span { start, end } = sentence.span_of(start, at);
        found.push(Text::plain(word, Span { start, end }));
    }
    found
}
