//! The table at the end: a row for each protocol, and their sum.

use std::fmt;

use crate::fate::Fate;
use crate::mutate::{Mutation, Sort};

/// What came of a protocol's mutations, counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    name: String,
    by_sort: [usize; Sort::ALL.len()],
    by_check: usize,
    by_scenario: usize,
    explained: usize,
    unexplained: usize,
    stale: usize,
}

impl Row {
    fn all(&self) -> usize {
        self.by_sort.iter().sum()
    }

    fn noticed(&self) -> usize {
        self.by_check + self.by_scenario
    }

    fn percent(&self) -> f64 {
        100.0 * self.noticed() as f64 / self.all().max(1) as f64
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noticed, all) = (self.noticed(), self.all());
        write!(f, "{noticed} of {all} noticed, {} without a reason", self.unexplained)
    }
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Counts what came of a protocol's mutations: how many of those that are left have a reason, and how many reasons are
    /// for none of them.
    pub(crate) fn add(&mut self, name: &str, tried: &[(&Mutation, Fate)], explained: usize, stale: usize) -> Row {
        let count = |fate: Fate| tried.iter().filter(|(_, other)| *other == fate).count();
        let of = |sort: Sort| tried.iter().filter(|(mutation, _)| mutation.sort == sort).count();
        let row = Row {
            name: name.to_owned(),
            by_sort: Sort::ALL.map(|(sort, _)| of(sort)),
            by_check: count(Fate::ByCheck),
            by_scenario: count(Fate::ByScenario),
            explained,
            unexplained: count(Fate::Left) - explained,
            stale,
        };
        self.0.push(row.clone());
        row
    }

    fn sum(&self) -> Row {
        let mut sum = Row { name: "all".to_owned(), ..Row::default() };
        for row in &self.0 {
            sum.by_sort.iter_mut().zip(row.by_sort).for_each(|(all, of)| *all += of);
            sum.by_check += row.by_check;
            sum.by_scenario += row.by_scenario;
            sum.explained += row.explained;
            sum.unexplained += row.unexplained;
            sum.stale += row.stale;
        }
        sum
    }

    /// Whether so many of a hundred are noticed, each that is left has a reason, and no reason is for another.
    pub(crate) fn is_good(&self, percent: usize) -> bool {
        let sum = self.sum();
        sum.noticed() * 100 >= sum.all() * percent && sum.unexplained == 0 && sum.stale == 0
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<24}", "protocol")?;
        for (_, word) in Sort::ALL {
            write!(f, " {word:>8}")?;
        }
        writeln!(f, " {:>6} {:>6} {:>10} {:>8} {:>8} {:>8}", "all", "check", "scenarios", "reason", "none", "noticed")?;
        for row in self.0.iter().chain([&self.sum()]) {
            write!(f, "{:<24}", row.name)?;
            for count in row.by_sort {
                write!(f, " {count:>8}")?;
            }
            let (by_check, by_scenario) = (row.by_check, row.by_scenario);
            let (explained, unexplained) = (row.explained, row.unexplained);
            write!(f, " {:>6} {by_check:>6} {by_scenario:>10} {explained:>8} {unexplained:>8}", row.all())?;
            writeln!(f, " {:>6.1} %", row.percent())?;
        }
        let sum = self.sum();
        write!(f, "{} of {} mutations are noticed ({:.1} %); ", sum.noticed(), sum.all(), sum.percent())?;
        write!(f, "{} are left for a reason, {} without one", sum.explained, sum.unexplained)?;
        write!(f, "; {} reasons are for none that is left", sum.stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty mutations of which so many are left.
    fn twenty(left: usize, explained: usize, stale: usize) -> Table {
        let text = "start: a\nstates:\n  a:\n    transitions:\n      - {after: 1 s, to: b}\n";
        let all = crate::mutate::mutations(text);
        let mutation = all.first().expect("it can be mutated");
        let fate = |n| if n < left { Fate::Left } else { Fate::ByScenario };
        let tried: Vec<(&Mutation, Fate)> = (0..20).map(|n| (mutation, fate(n))).collect();
        let mut table = Table::default();
        table.add("a", &tried, explained, stale);
        table
    }

    #[test]
    fn what_is_left_needs_a_reason_and_is_never_more_than_one_in_twenty() {
        assert!(twenty(0, 0, 0).is_good(95));
        assert!(twenty(1, 1, 0).is_good(95));
        assert!(!twenty(1, 0, 0).is_good(95), "one has no reason");
        assert!(!twenty(2, 2, 0).is_good(95), "a reason does not make it noticed");
        assert!(!twenty(0, 0, 1).is_good(95), "a reason is for one that is noticed");
        assert!(twenty(1, 1, 0).to_string().contains("95.0 %"));
    }
}
