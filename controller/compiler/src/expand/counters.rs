//! Counters become handlers that add one: of events, of states entered, of trials and of outcomes.

use super::parts::{action, behind, each_list, each_row, each_state, handler};
use crate::diagnostic::{Reporter, listed};
use crate::protocol::{ActionKind, Counter, Protocol};
use crate::yaml::Text;

/// What is counted.
enum Counted {
    Event,
    Entries(String),
    Trials,
    Outcomes(String),
}

/// Gives every counter what adds to it.
pub(super) fn expand(protocol: &mut Protocol, reporter: &mut Reporter) {
    let mut handlers = Vec::new();
    for counter in std::mem::take(&mut protocol.counters) {
        let add = || action(ActionKind::Count(counter.name.clone()), None, counter.event.span);
        match counted(protocol, &counter, reporter) {
            Some(Counted::Event) => handlers.push(handler(counter.event.clone(), None, vec![add()])),
            Some(Counted::Entries(path)) => each_state(protocol, &mut |at, state| {
                if at == path {
                    state.entry.insert(0, add());
                }
            }),
            Some(Counted::Trials) => each_list(protocol, &mut |actions| {
                behind(actions, &|kind| matches!(kind, ActionKind::Trial), &|_| add());
            }),
            Some(Counted::Outcomes(outcome)) => {
                let is = |text: &Text| text.text == outcome;
                each_list(protocol, &mut |actions| {
                    behind(actions, &|kind| matches!(kind, ActionKind::Outcome(given) if is(given)), &|_| add());
                });
                each_row(protocol, &mut |row| {
                    if row.outcome.as_ref().is_some_and(is) {
                        row.actions.insert(0, add());
                    }
                });
            }
            None => {}
        }
        protocol.counters.push(counter);
    }
    // They act before every other handler, so that whoever asks sees the count.
    if let Some(main) = protocol.regions.first_mut() {
        main.handlers.splice(0..0, handlers);
    }
}

fn counted(protocol: &mut Protocol, counter: &Counter, reporter: &mut Reporter) -> Option<Counted> {
    let event = &counter.event;
    let Some((owner, member)) = event.text.rsplit_once('.') else { return Some(Counted::Event) };
    match (owner, member) {
        ("trial", "begin") => Some(Counted::Trials),
        ("trial", _) => {
            reporter
                .error("E250-counted", event.span, format!("a trial has no `{member}` that could be counted"))
                .help("write `trial.begin`; or count an outcome, `outcome.rewarded`");
            None
        }
        // Whether there is such an outcome is known once all are.
        ("outcome", _) => {
            let (mut given, mut known) = (false, Vec::new());
            let mut look = |outcome: &Text| {
                given |= outcome.text == member;
                known.push(outcome.text.clone());
            };
            each_row(protocol, &mut |row| row.outcome.iter().for_each(&mut look));
            each_list(protocol, &mut |actions| {
                for action in actions {
                    if let ActionKind::Outcome(outcome) = &action.kind {
                        look(outcome);
                    }
                }
            });
            if !given {
                known.sort();
                known.dedup();
                reporter
                    .error("E250-counted", event.span, format!("no trial is ever given the outcome `{member}`"))
                    .near(member, known.iter().map(String::as_str), |known| {
                        Some(format!("outcomes are {}", listed(known.iter().copied())))
                    });
            }
            given.then(|| Counted::Outcomes(member.to_owned()))
        }
        (_, "entered") => {
            let mut paths = Vec::new();
            each_state(protocol, &mut |path, _| paths.push(path.to_owned()));
            let inner = format!(".{owner}");
            let is = |path: &&String| *path == owner || path.ends_with(&inner);
            let found: Vec<&String> = paths.iter().filter(is).collect();
            match found.as_slice() {
                [path] => Some(Counted::Entries((*path).clone())),
                [] => {
                    reporter
                        .error(
                            "E250-counted",
                            event.span,
                            format!("there is no state `{owner}` whose entries could be counted"),
                        )
                        .near(owner, paths.iter().map(String::as_str), |known| {
                            Some(format!("states are {}", listed(known.iter().copied().take(12))))
                        });
                    None
                }
                several => {
                    let paths = listed(several.iter().map(|path| path.as_str()));
                    reporter
                        .error("E250-counted", event.span, format!("`{owner}` may be any of the states {paths}"))
                        .help("write its whole path");
                    None
                }
            }
        }
        (owner, _) => {
            let declared = protocol.declared.iter().any(|name| name == owner)
                || protocol.timers.iter().any(|timer| timer.text == owner);
            let mut is_state = false;
            each_state(protocol, &mut |path, _| is_state |= path == owner);
            if declared || !is_state {
                return Some(Counted::Event);
            }
            reporter
                .error("E250-counted", event.span, format!("a state has no `{member}` that could be counted"))
                .help(format!("write `{owner}.entered`"));
            None
        }
    }
}
