//! The two curves of the day: when people vote, and when urns come on line after the close.

/// Share of the day's voters who have come, by the share of the opening hours that has passed. From the
/// figures of 28 November 2021: 107,852 at 10:00, 591,797 at 14:00, 813,176 at 16:00, about 1,281,500 in all.
const TURNOUT: [(f64, f64); 8] = [
    (0.0, 0.0),
    (2.0 / 12.0, 0.084),
    (4.0 / 12.0, 0.27),
    (6.0 / 12.0, 0.462),
    (8.0 / 12.0, 0.635),
    (10.0 / 12.0, 0.82),
    (11.5 / 12.0, 0.97),
    (1.0, 1.0),
];

/// Minutes after the close at which a share of urns is on line: nearly nine in ten have reported within the
/// hour, as the commission promises (January 2021: 84 % between 20:00 and 21:00), and all within two.
const ON_LINE: [(f64, f64); 8] = [
    (0.0, 2.0),
    (0.10, 9.0),
    (0.35, 20.0),
    (0.60, 31.0),
    (0.80, 44.0),
    (0.90, 57.0),
    (0.96, 76.0),
    (1.0, 105.0),
];

/// Share of the day's voters who have come once `passed` (0 to 1) of the opening hours has passed. `lean`
/// shifts the day of one place: below 1 towards the morning, above 1 towards the evening.
pub fn turnout(passed: f64, lean: f64) -> f64 {
    interpolate(&TURNOUT, passed.clamp(0.0, 1.0).powf(lean))
}

/// Minutes after the close at which an urn comes on line, by its place `rank` (0 to 1) among all.
pub fn minutes_until_on_line(rank: f64) -> f64 {
    interpolate(&ON_LINE, rank.clamp(0.0, 1.0))
}

/// Splits `total` in proportion to `weights`: the parts sum to it exactly.
pub fn split(total: u64, weights: &[f64]) -> Vec<u64> {
    let sum: f64 = weights.iter().sum();
    let mut below = 0.0;
    let mut given = 0;
    let last = weights.len().saturating_sub(1);
    let mut parts = Vec::with_capacity(weights.len());
    for (at, weight) in weights.iter().enumerate() {
        below += weight;
        let up_to = if at == last { total } else { ((total as f64) * below / sum).floor() as u64 };
        let up_to = up_to.clamp(given, total);
        parts.push(up_to - given);
        given = up_to;
    }
    parts
}

fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|(at, _)| *at < x).clamp(1, points.len() - 1);
    let ((x0, y0), (x1, y1)) = (points[after - 1], points[after]);
    y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_day_follows_the_figures_of_2021() {
        let at = |hour: f64| turnout((hour - 8.0) / 12.0, 1.0) * 1_281_500.0;
        for (hour, announced) in [(10.0, 107_852.0), (14.0, 591_797.0), (16.0, 813_176.0)] {
            let off = (at(hour) - announced) / announced;
            assert!(off.abs() < 0.01, "{hour}:00 is off by {:.2} %", off * 100.0);
        }
        assert_eq!(turnout(0.0, 1.0), 0.0);
        assert_eq!(turnout(1.0, 1.0), 1.0);
    }

    #[test]
    fn most_urns_are_on_line_within_the_hour_and_all_within_two() {
        let ranks = (0..1_000).map(|n| f64::from(n) / 1_000.0);
        let within = ranks.filter(|rank| minutes_until_on_line(*rank) <= 57.0).count();
        assert!((890..=901).contains(&within), "{within} of 1,000");
        assert!(minutes_until_on_line(1.0) < 120.0);
    }

    proptest! {
        #[test]
        fn turnout_never_falls(a in 0.0..=1.0_f64, b in 0.0..=1.0_f64, lean in 0.85..1.15_f64) {
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(turnout(early, lean) <= turnout(late, lean));
        }

        #[test]
        fn parts_sum_to_the_whole(total in 0..5_000_u64, weights in prop::collection::vec(0.01..3.0_f64, 1..8)) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.iter().sum::<u64>(), total);
        }
    }
}
