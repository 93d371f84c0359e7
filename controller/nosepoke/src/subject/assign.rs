//! What is drawn once per subject: balanced by blocks within the groups it is to be balanced over, and over the cohort. Owns
//! the draw; where it is kept, the parent does.
//!
//! A block holds every label as often as its weight says. A subject draws from what its group's block still holds; of that,
//! from what the cohort's block still holds too, where that leaves any. So no group is ever further from the ratio than one
//! block, and the cohort hardly more. Which of the cards is drawn follows from the experiment's seed, the subject and the name
//! of what is drawn: the same cohort in the same order is assigned the same again.

use sha2::{Digest, Sha256};

/// A subject as far as a draw looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The label it drew.
    pub label: String,
    /// Its group in each of what is balanced over.
    pub strata: Vec<String>,
}

/// What was drawn, and the odds then in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The label.
    pub label: String,
    /// Each label and how many cards of it there were.
    pub odds: Vec<(String, u32)>,
}

impl Drawn {
    /// As in `stim 2 of 3, control 1 of 3`.
    #[must_use]
    pub fn odds_in_words(&self) -> String {
        let all: u32 = self.odds.iter().map(|(_, cards)| cards).sum();
        let each: Vec<String> = self.odds.iter().map(|(label, cards)| format!("{label} {cards} of {all}")).collect();
        each.join(", ")
    }
}

/// Draws for a subject. `among`: labels and their weights; `cohort`: who drew before, `strata`: the subject's own groups.
/// None if there is nothing to draw from.
#[must_use]
pub fn draw(
    name: &str,
    among: &[(String, u32)],
    cohort: &[Member],
    strata: &[String],
    seed: u64,
    subject: &str,
) -> Option<Drawn> {
    let of_group = left(among, cohort.iter().filter(|member| member.strata == strata));
    let of_cohort = left(among, cohort.iter());
    let both: Vec<u32> =
        of_group.iter().zip(&of_cohort).map(|(group, cohort)| if *cohort > 0 { *group } else { 0 }).collect();
    let cards = if both.iter().any(|cards| *cards > 0) { both } else { of_group };
    let all: u64 = cards.iter().map(|cards| u64::from(*cards)).sum();
    if all == 0 {
        return None;
    }
    let mut at = number(seed, name, subject) % all;
    let mut drawn = None;
    for ((label, _), cards) in among.iter().zip(&cards) {
        if drawn.is_none() && at < u64::from(*cards) {
            drawn = Some(label.clone());
        }
        at = at.saturating_sub(u64::from(*cards));
    }
    let odds = among.iter().zip(&cards).map(|((label, _), cards)| (label.clone(), *cards)).collect();
    Some(Drawn { label: drawn?, odds })
}

/// The cards of each label that are left in the block some subjects are in.
fn left<'m>(among: &[(String, u32)], members: impl Iterator<Item = &'m Member>) -> Vec<u32> {
    let mut had = vec![0_u32; among.len()];
    for member in members {
        if let Some(had) = among.iter().position(|(label, _)| *label == member.label).and_then(|at| had.get_mut(at)) {
            *had += 1;
        }
    }
    // The first block that is not used up by every label.
    let blocks = among.iter().zip(&had).map(|((_, weight), had)| had / (*weight).max(1)).min().unwrap_or(0) + 1;
    among.iter().zip(&had).map(|((_, weight), had)| (weight * blocks).saturating_sub(*had)).collect()
}

/// A number nobody can foresee without the seed.
fn number(seed: u64, name: &str, subject: &str) -> u64 {
    let mut hash = Sha256::new();
    for part in [&seed.to_le_bytes(), name.as_bytes(), subject.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let bytes: [u8; 32] = hash.finalize().into();
    bytes.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(labels: &[(&str, u32)]) -> Vec<(String, u32)> {
        labels.iter().map(|(label, weight)| ((*label).to_owned(), *weight)).collect()
    }

    /// A cohort that draws one after the other, its members of the groups given.
    fn cohort(among: &[(String, u32)], groups: &[&str], seed: u64) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        for (n, group) in groups.iter().enumerate() {
            let strata = vec![(*group).to_owned()];
            let drawn = draw("group", among, &members, &strata, seed, &format!("R{n}")).expect("a card");
            members.push(Member { label: drawn.label, strata });
        }
        members
    }

    fn count(members: &[Member], label: &str, group: Option<&str>) -> u32 {
        let of = |member: &&Member| member.label == label && group.is_none_or(|group| member.strata == [group]);
        members.iter().filter(of).count() as u32
    }

    #[test]
    fn a_cohort_is_balanced_over_each_group_and_as_a_whole_at_every_size() {
        let labels = among(&[("stim", 1), ("control", 1)]);
        for seed in 0..200 {
            // Groups come in any order, which the seed decides too.
            let groups: Vec<&str> = (0..24)
                .map(|n| if number(seed, "sex", &n.to_string()).is_multiple_of(2) { "f" } else { "m" })
                .collect();
            let members = cohort(&labels, &groups, seed);
            for size in 1..=members.len() {
                let members = &members[..size];
                for group in [Some("f"), Some("m")] {
                    assert!(
                        count(members, "stim", group).abs_diff(count(members, "control", group)) <= 1,
                        "seed {seed}"
                    );
                }
                assert!(count(members, "stim", None).abs_diff(count(members, "control", None)) <= 2, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_ratio_is_exact_after_each_block() {
        let labels = among(&[("stim", 2), ("control", 1)]);
        for seed in 0..100 {
            let members = cohort(&labels, &["f"; 30], seed);
            for block in members.chunks(3) {
                assert_eq!((count(block, "stim", None), count(block, "control", None)), (2, 1), "seed {seed}");
            }
        }
    }

    #[test]
    fn the_same_cohort_is_assigned_the_same_and_another_seed_another() {
        let labels = among(&[("left", 1), ("right", 1)]);
        let once = cohort(&labels, &["f"; 16], 7);
        assert_eq!(once, cohort(&labels, &["f"; 16], 7));
        assert!((0..20).any(|seed| cohort(&labels, &["f"; 16], seed) != once));
        // The first of a block is left to chance: both come, about as often.
        let firsts = (0..400).filter(|seed| cohort(&labels, &["f"], *seed)[0].label == "left").count();
        assert!((140..=260).contains(&firsts), "{firsts} of 400");
    }

    #[test]
    fn odds_are_those_of_the_cards_that_are_left() {
        let labels = among(&[("stim", 2), ("control", 1)]);
        let member = |label: &str| Member { label: label.to_owned(), strata: Vec::new() };
        let odds = |cohort: &[Member]| draw("group", &labels, cohort, &[], 1, "R1").expect("a card").odds_in_words();
        assert_eq!(odds(&[]), "stim 2 of 3, control 1 of 3");
        assert_eq!(odds(&[member("stim")]), "stim 1 of 2, control 1 of 2");
        assert_eq!(odds(&[member("stim"), member("stim")]), "stim 0 of 1, control 1 of 1");
        assert_eq!(odds(&[member("stim"), member("stim"), member("control")]), "stim 2 of 3, control 1 of 3");
        assert_eq!(draw("group", &[], &[], &[], 1, "R1"), None);
    }
}
