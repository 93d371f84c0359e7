//! Whether a subject has done what its stage asks for. A function of what its sessions came to; knows no file.

use compiler::symbols::Graduation;

/// A session of the stage, as far as a rule looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// The day it was on, if that is known.
    pub day: Option<String>,
    /// The outcome of each trial that came to one, in order; none where the journal cannot be read.
    pub outcomes: Option<Vec<String>>,
}

/// How a rule stands after the sessions of the stage so far, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The rule, as a protocol writes it.
    pub rule: String,
    /// Whether it is met.
    pub met: bool,
    /// How far it is, in words.
    pub so_far: String,
}

/// How a rule stands.
#[must_use]
pub fn standing(rule: &Graduation, done: &[Done]) -> Standing {
    let counted = |have: usize, of: u32, what: &str| (have as u64 >= u64::from(of), format!("{have} of {of} {what}"));
    let (met, so_far) = match rule {
        Graduation::Sessions { sessions } => counted(done.len(), *sessions, "sessions"),
        Graduation::Days { days } => {
            let mut on: Vec<&str> = done.iter().filter_map(|session| session.day.as_deref()).collect();
            on.sort_unstable();
            on.dedup();
            counted(on.len(), *days, "days")
        }
        Graduation::Share { share_ppm, outcome, last, sessions } => row(done, *sessions, |outcomes| {
            share(outcomes, outcome, *last).map(|ppm| (ppm >= *share_ppm, percent(ppm)))
        }),
        Graduation::Trials { trials, outcome, sessions } => row(done, *sessions, |outcomes| {
            let of = outcomes.iter().filter(|found| outcome.as_ref().is_none_or(|outcome| outcome == *found)).count();
            Some((of as u64 >= u64::from(*trials), format!("{of} trials")))
        }),
    };
    Standing { rule: in_words(rule), met, so_far }
}

/// The first rule that is met.
#[must_use]
pub fn met(rules: &[Graduation], done: &[Done]) -> Option<Standing> {
    rules.iter().map(|rule| standing(rule, done)).find(|standing| standing.met)
}

/// Sessions in a row, up to the last, in which something held.
fn row(done: &[Done], wanted: u32, held: impl Fn(&[String]) -> Option<(bool, String)>) -> (bool, String) {
    let judged: Vec<Option<(bool, String)>> =
        done.iter().map(|session| held(session.outcomes.as_deref().unwrap_or_default())).collect();
    let in_a_row = judged.iter().rev().take_while(|judged| matches!(judged, Some((true, _)))).count();
    let last = match judged.last() {
        Some(Some((_, so_far))) => format!("{so_far} in the last session"),
        Some(None) => "too few trials in the last session".to_owned(),
        None => "no session yet".to_owned(),
    };
    let so_far =
        if wanted > 1 && !done.is_empty() { format!("{last}, {in_a_row} of {wanted} sessions in a row") } else { last };
    (in_a_row as u64 >= u64::from(wanted), so_far)
}

/// The share of an outcome in the last trials, in millionths; none if there were fewer.
fn share(outcomes: &[String], outcome: &str, last: u32) -> Option<u32> {
    let last = usize::try_from(last).ok().filter(|last| *last > 0)?;
    let from = outcomes.len().checked_sub(last)?;
    let of = outcomes.iter().skip(from).filter(|found| *found == outcome).count();
    u32::try_from(of as u64 * 1_000_000 / last as u64).ok()
}

fn percent(ppm: u32) -> String {
    let tenths = ppm / 1_000;
    if tenths.is_multiple_of(10) { format!("{} %", tenths / 10) } else { format!("{}.{} %", tenths / 10, tenths % 10) }
}

/// A rule as a protocol writes it.
#[must_use]
pub fn in_words(rule: &Graduation) -> String {
    let row = |sessions: u32| if sessions > 1 { format!(", on {sessions} sessions in a row") } else { String::new() };
    let many = |n: u32, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    match rule {
        Graduation::Sessions { sessions } => format!("after {}", many(*sessions, "session")),
        Graduation::Days { days } => format!("after {}", many(*days, "day")),
        Graduation::Share { share_ppm, outcome, last, sessions } => {
            format!("{} {outcome} of the last {last} trials{}", percent(*share_ppm), row(*sessions))
        }
        Graduation::Trials { trials, outcome, sessions } => {
            let outcome = outcome.as_ref().map_or(String::new(), |outcome| format!("{outcome} "));
            format!("at least {trials} {outcome}trials{}", row(*sessions))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session with so many correct trials, then so many errors.
    fn session(day: &str, correct: usize, errors: usize) -> Done {
        let outcomes = [vec!["correct".to_owned(); correct], vec!["error".to_owned(); errors]].concat();
        Done { day: Some(day.to_owned()), outcomes: Some(outcomes) }
    }

    const SHARE: u32 = 800_000;

    fn share_rule(sessions: u32) -> Graduation {
        Graduation::Share { share_ppm: SHARE, outcome: "correct".to_owned(), last: 50, sessions }
    }

    #[test]
    fn sessions_and_days_are_counted() {
        let two = [session("1", 1, 0), session("1", 1, 0)];
        assert!(standing(&Graduation::Sessions { sessions: 2 }, &two).met);
        let days = standing(&Graduation::Days { days: 2 }, &two);
        assert_eq!((days.met, days.so_far.as_str()), (false, "1 of 2 days"), "two sessions of one day");
        assert!(standing(&Graduation::Days { days: 2 }, &[session("1", 1, 0), session("2", 1, 0)]).met);
        assert!(!standing(&Graduation::Days { days: 1 }, &[Done::default()]).met, "a session of no day");
    }

    #[test]
    fn a_share_is_that_of_the_last_trials_alone() {
        let good = |correct, errors| standing(&share_rule(1), &[session("1", correct, errors)]).met;
        assert!(good(50, 0) && good(40, 10) && good(400, 10));
        assert!(!good(39, 11), "39 of 50");
        assert!(!good(49, 0), "49 trials are fewer than 50");
        assert!(!good(400, 11), "however good it was before");
    }

    #[test]
    fn sessions_in_a_row_are_those_up_to_the_last() {
        let (good, bad) = (session("1", 45, 5), session("1", 5, 45));
        let met = |done: &[Done]| standing(&share_rule(2), done).met;
        assert!(met(&[bad.clone(), good.clone(), good.clone()]));
        assert!(!met(&[good.clone(), good.clone(), bad.clone()]), "a bad one breaks the row");
        assert!(!met(&[good.clone(), bad, good.clone()]));
        assert!(!met(&[good.clone(), Done::default(), good.clone()]), "so does one that cannot be read");
        let told = standing(&share_rule(2), &[good]);
        assert_eq!(told.so_far, "90 % in the last session, 1 of 2 sessions in a row");
        assert_eq!(standing(&share_rule(2), &[]).so_far, "no session yet");
    }

    #[test]
    fn trials_are_counted_with_or_without_an_outcome() {
        let rule =
            |outcome: Option<&str>| Graduation::Trials { trials: 30, outcome: outcome.map(Into::into), sessions: 1 };
        let done = [session("1", 20, 10)];
        assert!(standing(&rule(None), &done).met && !standing(&rule(Some("correct")), &done).met);
    }

    #[test]
    fn the_first_rule_that_is_met_is_told_as_it_is_written() {
        let rules = [share_rule(2), Graduation::Sessions { sessions: 1 }];
        assert_eq!(
            met(&rules, &[session("1", 0, 1)]).map(|standing| standing.rule).as_deref(),
            Some("after 1 session")
        );
        assert_eq!(met(&rules, &[]), None);
        assert_eq!(in_words(&share_rule(2)), "80 % correct of the last 50 trials, on 2 sessions in a row");
    }
}
