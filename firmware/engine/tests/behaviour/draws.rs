//! Random draws: what comes out over many of them, the odds recorded with each, and what is refused.

use link::program::rows::DrawKind;

use crate::support::*;

/// One draw of `x` a µs.
fn every_us<const N: usize>(row: Draws, takes: [Script; N]) -> Protocol {
    let run = state().entry([trial(), draw("x", takes)]).after(1, to("run"));
    protocol("").draw("x", row).state("run", run)
}

fn values(drawn: &[(i64, (i64, i64))]) -> Vec<i64> {
    drawn.iter().map(|(value, _)| *value).collect()
}

fn count(values: &[i64], wanted: i64) -> usize {
    values.iter().filter(|value| **value == wanted).count()
}

/// The longest run of one value.
fn longest_run(values: &[i64]) -> usize {
    values.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0)
}

#[test]
fn a_draw_is_recorded_with_its_odds_and_can_be_used_at_once() {
    let run = state().entry(draw("paid", [1_000_000.into()])).when("paid", to("reward"));
    let all = protocol("").draw("paid", draws(DrawKind::Chance, &[])).state("run", run).state("reward", state());
    all.bench().expect(
        "
        0                    | enter run
                             | draw paid = 1 (1000000 of 1000000)
                             | enter reward
        ",
    );
}

#[test]
fn a_chance_comes_as_often_as_its_odds_say() {
    let all = every_us(draws(DrawKind::Chance, &[]), [300_000.into()]);
    let drawn = all.bench().drawn("x", 9_999);
    assert_eq!(drawn.len(), 10_000);
    assert!(drawn.iter().all(|(_, odds)| *odds == (300_000, 1_000_000)));
    let paid = count(&values(&drawn), 1);
    // Four standard deviations of a binomial with n = 10 000, p = 0.3 are 183.
    assert!(paid.abs_diff(3_000) < 183, "{paid} of 10000");
}

#[test]
fn a_uniform_draw_keeps_its_bounds_and_reaches_both() {
    let drawn = every_us(draws(DrawKind::Uniform, &[]), [(-3).into(), 4.into()]).bench().drawn("x", 9_999);
    assert!(drawn.iter().all(|(_, odds)| *odds == (-3, 4)));
    for value in -3..=4 {
        // Eight values, 1250 each; four standard deviations are 132.
        let seen = count(&values(&drawn), value);
        assert!(seen.abs_diff(1_250) < 132, "{value} came {seen} times");
    }
    assert!(values(&drawn).iter().all(|value| (-3..=4).contains(value)));
}

#[test]
fn a_weighted_draw_follows_its_weights_and_records_the_one_it_drew() {
    let all = every_us(draws(DrawKind::Weighted, &[]).labels(3), [1.into(), 0.into(), 3.into()]);
    let drawn = all.bench().drawn("x", 9_999);
    for (value, odds) in &drawn {
        assert_eq!(*odds, if *value == 0 { (1, 4) } else { (3, 4) }, "label {value}");
    }
    let seen = count(&values(&drawn), 0);
    assert!(seen.abs_diff(2_500) < 174, "label 0 came {seen} times");
    assert_eq!(count(&values(&drawn), 1), 0, "a weight of 0 never comes");
}

#[test]
fn exponential_and_normal_draws_keep_their_bounds() {
    // τ = 1 s, and all of it lies between 0.2 s and for ever but for what the upper bound cuts.
    let inside = ((1.0 - (-1.8_f64).exp()) * 2f64.powi(32)) as i64;
    let row = draws(DrawKind::Exponential, &[1_000_000, inside, 200_000, 2_000_000]);
    let drawn = every_us(row, []).bench().drawn("x", 4_999);
    assert!(drawn.iter().all(|(value, _)| (200_000..=2_000_000).contains(value)));
    assert!(drawn.iter().all(|(_, odds)| *odds == (1_000_000, 200_000)));
    let below_mean = drawn.iter().filter(|(value, _)| *value < 900_000).count();
    assert!(below_mean > 2_500, "an exponential draw leans to its minimum, {below_mean} of 5000 do");

    let row = draws(DrawKind::Normal, &[900, 1_100]);
    let drawn = every_us(row, [1_000.into(), 100.into()]).bench().drawn("x", 4_999);
    assert!(drawn.iter().all(|(value, _)| (900..=1_100).contains(value)));
    assert!(drawn.iter().all(|(_, odds)| *odds == (1_000, 100)));
    // Redrawn, not pushed to the bounds: within one deviation of the mean the outermost value is no peak.
    assert!(count(&values(&drawn), 900) < 60);
}

#[test]
fn a_deck_keeps_its_ratio_exactly_over_every_full_deck() {
    let drawn = every_us(deck(&[3, 2, 1]), []).bench().drawn("x", 5_999);
    for (nth, full) in values(&drawn).chunks(6).enumerate() {
        let seen = [count(full, 0), count(full, 1), count(full, 2)];
        assert_eq!(seen, [3, 2, 1], "deck {nth}: {full:?}");
    }
}

#[test]
fn the_odds_of_a_card_are_the_cards_left() {
    let drawn = every_us(deck(&[3, 2, 1]), []).bench().drawn("x", 5_999);
    for full in drawn.chunks(6) {
        let mut left = [3, 2, 1];
        for (value, odds) in full {
            assert_eq!(*odds, (left[*value as usize], left.iter().sum::<i64>()));
            left[*value as usize] -= 1;
        }
    }
}

#[test]
fn a_deck_with_a_longest_run_keeps_it_and_its_ratio() {
    let drawn = values(&every_us(deck(&[3, 2, 1]).max_run(2), []).bench().drawn("x", 9_999));
    assert_eq!(longest_run(&drawn), 2);
    let seen = [count(&drawn, 0), count(&drawn, 1), count(&drawn, 2)];
    for (label, (seen, share)) in seen.into_iter().zip([5_000, 3_333, 1_667]).enumerate() {
        assert!(seen.abs_diff(share) <= 30, "label {label} came {seen} times, {share} would be exact");
    }
    let without = values(&every_us(deck(&[3, 2, 1]), []).bench().drawn("x", 9_999));
    assert!(longest_run(&without) > 2, "without the bound runs are longer");
}

#[test]
fn a_run_is_bounded_across_the_end_of_a_deck() {
    let drawn = values(&every_us(deck(&[1, 1]).max_run(1), []).bench().drawn("x", 999));
    assert_eq!(longest_run(&drawn), 1, "two labels that may not repeat alternate");
}

#[test]
fn a_deck_of_one_label_cannot_keep_a_bound_and_goes_on() {
    let drawn = every_us(deck(&[0, 3]).max_run(2), []).bench().drawn("x", 69_999);
    assert_eq!(drawn.len(), 70_000);
    assert!(drawn.iter().all(|(value, _)| *value == 1));
}

/// A trial a µs: a card is drawn, and the trial ends rewarded or omitted as a second draw says.
fn treatment(rewarded: i64) -> Protocol {
    let run = state()
        .entry([trial(), draw("x", []), draw("paid", [rewarded.into()])])
        .when("paid", to("reward"))
        .when(1, to("omission"));
    protocol("")
        .outcomes("rewarded omitted")
        .draw("x", deck(&[1, 1]).spend_on("omitted"))
        .draw("paid", draws(DrawKind::Chance, &[]))
        .state("run", run)
        .state("reward", state().entry(outcome("rewarded")).after(1, to("run")))
        .state("omission", state().entry(outcome("omitted")).after(1, to("run")))
}

#[test]
fn a_card_goes_back_when_the_trial_ends_otherwise() {
    let drawn = treatment(1_000_000).bench().drawn("x", 999);
    assert!(drawn.iter().all(|(_, odds)| *odds == (1, 2)), "no card was ever spent");
}

#[test]
fn a_card_is_spent_by_the_outcome_it_is_for() {
    let drawn = treatment(0).bench().drawn("x", 999);
    for full in values(&drawn).chunks(2) {
        assert_eq!((count(full, 0), count(full, 1)), (1, 1));
    }
}

#[test]
fn a_card_of_an_earlier_trial_is_not_spent_by_a_later_one() {
    let run =
        state().on("lever on", handle([trial(), draw("x", [])])).on("spout on", handle([trial(), outcome("omitted")]));
    let all = protocol("lever spout").outcomes("omitted").draw("x", deck(&[3]).spend_on("omitted")).state("run", run);
    all.bench().expect(
        "
        0                    | enter run
        1 lever on           | lever on
                             | trial 1
                             | draw x = 0 (3 of 3)
        2 spout on           | spout on
                             | trial 2
                             | outcome omitted
        3 lever on           | lever on
                             | trial 3
                             | draw x = 0 (3 of 3)
        ",
    );
}

#[test]
fn the_ratio_is_exact_among_the_trials_that_used_their_cards() {
    let bench = treatment(500_000).bench();
    let (mut used, mut card) = (Vec::new(), 0);
    for (_, record) in bench.run(9_999) {
        match bench.show(&record).as_str() {
            text if text.starts_with("draw x = ") => card = i64::from(text.starts_with("draw x = 1")),
            "outcome omitted" => used.push(card),
            _ => {}
        }
    }
    assert!(used.len() > 4_000, "{} omissions", used.len());
    for full in used.chunks_exact(2) {
        assert_eq!(count(full, 0), 1, "each pair of omissions had one of each");
    }
}

#[test]
fn two_decks_do_not_touch_each_other() {
    let run = state().entry([draw("a", []), draw("b", [])]).after(1, to("run"));
    let bench = protocol("").draw("a", deck(&[1, 1])).draw("b", deck(&[1, 2])).state("run", run).bench();
    for pair in values(&bench.drawn("a", 599)).chunks(2) {
        assert_eq!(count(pair, 0), 1);
    }
    for three in values(&bench.drawn("b", 599)).chunks(3) {
        assert_eq!(count(three, 0), 1);
    }
}

#[test]
fn the_same_seed_draws_the_same_and_another_seed_does_not() {
    let all = every_us(draws(DrawKind::Uniform, &[]), [0.into(), 1_000_000.into()]);
    let drawn = |seed| all.bench().seed(seed).drawn("x", 99);
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
}

#[test]
fn impossible_draws_are_refused() {
    let refused = |all: Protocol| {
        all.bench().expect(
            "
            0                | enter run
                             | trial 1
                             | fault Draw
                             | end: Fault(Draw)
            ",
        );
    };
    refused(every_us(draws(DrawKind::Uniform, &[]), [5.into(), 4.into()]));
    refused(every_us(draws(DrawKind::Weighted, &[]).labels(2), [0.into(), 0.into()]));
    refused(every_us(draws(DrawKind::Weighted, &[]).labels(2), [2.into(), (-1).into()]));
    refused(every_us(draws(DrawKind::Normal, &[0, 9]), [5.into(), (-1).into()]));
    refused(every_us(draws(DrawKind::Normal, &[9, 0]), [5.into(), 1.into()]));
}
