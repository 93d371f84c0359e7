//! Things in the room that move: where they are between two places, and what an encoder's pins do on the way. Raw values
//! throughout; knows no pin and no animal.

use link::Micros;

/// A value on its straight way from one place to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Travel {
    from: f64,
    to: f64,
    begins: Micros,
    ends: Micros,
}

impl Travel {
    /// A value that stays where it is.
    pub(crate) const fn resting_at(raw: i32) -> Self {
        Self { from: raw as f64, to: raw as f64, begins: 0, ends: 0 }
    }

    /// Where it is at `now`.
    pub(crate) fn at(&self, now: Micros) -> f64 {
        if now >= self.ends {
            return self.to;
        }
        let gone = now.saturating_sub(self.begins) as f64 / (self.ends - self.begins) as f64;
        self.from + (self.to - self.from) * gone
    }

    /// From where it is now it sets out for `raw`, to arrive in `over_us`.
    pub(crate) fn set_out(&mut self, now: Micros, raw: i32, over_us: u64) {
        *self = Self { from: self.at(now), to: f64::from(raw), begins: now, ends: now.saturating_add(over_us) };
    }
}

/// The levels of an encoder's two pins at a count: the first pin leads.
pub(crate) const fn quadrature(count: i64) -> (bool, bool) {
    match count.rem_euclid(4) {
        0 => (false, false),
        1 => (true, false),
        2 => (true, true),
        _ => (false, true),
    }
}

/// The counts an encoder goes through on its way from one to another within `over_us`, evenly, each with its time.
pub(crate) fn steps(now: Micros, from: i64, to: i64, over_us: u64) -> impl Iterator<Item = (Micros, i64)> {
    let many = to.abs_diff(from);
    (1..=many).map(move |n| {
        let after = (u128::from(over_us) * u128::from(n) / u128::from(many)) as u64;
        let count = if to > from { from.saturating_add_unsigned(n) } else { from.saturating_sub_unsigned(n) };
        (now.saturating_add(after), count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lever_is_half_way_at_half_time_and_turns_where_it_is() {
        let mut lever = Travel::resting_at(100);
        lever.set_out(1_000, 300, 200);
        assert_eq!([1_000, 1_100, 1_200, 9_000].map(|at| lever.at(at)), [100.0, 200.0, 300.0, 300.0]);
        lever.set_out(1_100, 100, 100);
        assert_eq!([1_100, 1_150, 1_200].map(|at| lever.at(at)), [200.0, 150.0, 100.0]);
        lever.set_out(2_000, 7, 0);
        assert_eq!(lever.at(2_000), 7.0, "at once");
    }

    #[test]
    fn one_pin_changes_with_each_count_and_the_first_leads() {
        let forth: Vec<_> = steps(0, 0, 4, 400).map(|(at, count)| (at, quadrature(count))).collect();
        assert_eq!(forth, [(100, (true, false)), (200, (true, true)), (300, (false, true)), (400, (false, false))]);
        let back: Vec<_> = steps(0, 0, -2, 10).map(|(_, count)| quadrature(count)).collect();
        assert_eq!(back, [(false, true), (true, true)]);
    }
}
