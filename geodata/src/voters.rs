//! Registered voters of each precinct: by region as in 2020, within a region by the population nearby.

use std::collections::BTreeMap;

use crate::{apportion::apportion, base, error::GeodataError, places::Place, raions::Country, seed::Stream};

/// Voters on all lists in 2025, at home and abroad (DOMAIN, "Facts to test against").
pub(crate) const TOTAL: u64 = 4_294_243;

/// Share of each region in hundredths of a percent, 2020 (the same place). The rest is abroad.
const SHARES: [(&str, u64); 9] = [
    ("osh", 2044),
    ("jalal-abad", 1861),
    ("chuy", 1660),
    ("bishkek", 1140),
    ("issyk-kul", 883),
    ("batken", 843),
    ("naryn", 588),
    ("osh-city", 410),
    ("talas", 452),
];

/// Voters by region, in the country's order, and abroad.
pub(crate) fn by_region(country: &Country) -> (Vec<u64>, u64) {
    let share = |id: &str| SHARES.iter().find(|(region, _)| *region == id).map_or(0, |(_, share)| *share);
    let mut weights: Vec<u64> = country.regions.iter().map(|region| share(&region.properties.id)).collect();
    weights.push(10_000 - weights.iter().sum::<u64>());
    let mut parts = apportion(TOTAL, &weights);
    let abroad = parts.pop().unwrap_or(0);
    (parts, abroad)
}

/// Voters of each place at home.
pub(crate) fn at_home(country: &Country, places: &[Place], seed: u64) -> Result<Vec<u64>, GeodataError> {
    let weights = weights(places, seed)?;
    let mut stream = Stream::new(seed, "largest precinct");
    let caps: Vec<f64> = places.iter().map(|_| 2_330.0 + 290.0 * stream.share()).collect();
    let mut voters = vec![0; places.len()];
    for (region, total) in by_region(country).0.into_iter().enumerate() {
        let members: Vec<usize> =
            (0..places.len()).filter(|place| country.region_of[places[*place].raion] == region).collect();
        let of = |values: &[f64]| -> Vec<f64> { members.iter().map(|place| values[*place]).collect() };
        for (place, count) in members.iter().zip(spread(total, &of(&weights), &of(&caps))) {
            voters[*place] = count;
        }
    }
    Ok(voters)
}

/// How much population looks to a place: residents of the settlement it stands by, divided among the places
/// there, with some chance. One in twelve is a hamlet far from the rest.
fn weights(places: &[Place], seed: u64) -> Result<Vec<f64>, GeodataError> {
    let residents: BTreeMap<String, u32> = base::settlements()?
        .into_iter()
        .map(|settlement| (settlement.properties.name, settlement.properties.population))
        .collect();
    let mut sharing: BTreeMap<&str, f64> = BTreeMap::new();
    for place in places {
        *sharing.entry(&place.point.near).or_default() += 1.0;
    }
    let mut stream = Stream::new(seed, "voters");
    Ok(places
        .iter()
        .map(|place| {
            let near = place.point.near.as_str();
            let residents = residents.get(near).copied().map_or(0.0, f64::from);
            let catchment = (residents / sharing[near]).clamp(500.0, 1_800.0);
            let hamlet = if stream.below(12) == 0 { 0.06 + 0.3 * stream.share() } else { 1.0 };
            catchment * (0.6 + 0.8 * stream.share()) * hamlet
        })
        .collect())
}

/// Divides a total by weights so that nobody gets more than a cap: what is above goes to the others.
fn spread(total: u64, weights: &[f64], caps: &[f64]) -> Vec<u64> {
    let filled = |scale: f64| weights.iter().zip(caps).map(move |(w, cap)| (w * scale).min(*cap));
    let (mut low, mut high) = (0.0, 1e6);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if filled(middle).sum::<f64>() < total as f64 { low = middle } else { high = middle }
    }
    let fine: Vec<u64> = filled(high).map(|part| (part * 1_000.0) as u64).collect();
    apportion(total, &fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_the_cap_goes_to_the_others() {
        assert_eq!(spread(100, &[8.0, 1.0, 1.0], &[50.0, 60.0, 60.0]), [50, 25, 25]);
    }

    #[test]
    fn the_regions_and_abroad_sum_to_all_voters() {
        let country = Country::load().unwrap();
        let (regions, abroad) = by_region(&country);
        assert_eq!(regions.iter().sum::<u64>() + abroad, TOTAL);
        assert_eq!(abroad, 51_101);
    }
}
