//! A plausible political geography: parties and candidates are stronger here than there, by region, raion and
//! precinct, and every ballot of an urn is drawn from what its people lean to.

use std::collections::BTreeMap;

use election::{
    Count, Definition, DeviceId, OptionId,
    definition::{Contest, ContestIx, OptionKind, OptionStatus, Precinct},
    hand_count::Form,
    record::CorrectedTally,
    report::{ContestTally, Tally},
};

use crate::{chance::Chance, day::Day, faults::Fault};

/// How strong each option of each contest is in the country.
#[derive(Debug)]
pub struct Leanings {
    seed: u64,
    strengths: Vec<Vec<f64>>,
}

impl Leanings {
    /// Strengths of every option, from a seed: a few strong ones and a long tail.
    pub fn new(definition: &Definition, seed: u64) -> Self {
        let strengths = definition.contests().iter().map(|contest| strengths(contest, seed)).collect();
        Self { seed, strengths }
    }

    /// A weight for each option of a contest in a precinct.
    pub fn weights(&self, definition: &Definition, precinct: &Precinct, contest: ContestIx) -> Vec<f64> {
        let of = definition.contest(contest);
        let raion = &precinct.parent;
        let region = definition.units().get(raion).and_then(|unit| unit.parent.as_ref());
        let strengths = &self.strengths[usize::from(contest.0)];
        of.options
            .iter()
            .zip(strengths)
            .map(|(option, strength)| {
                let lean = |at: &dyn std::fmt::Display| {
                    let subject = format_args!("{}/{}/{at}", of.id, option.id).to_string();
                    Chance::of(self.seed, "lean", subject).normal()
                };
                // Nobody's stronghold: people are against all here as there.
                if option.kind == OptionKind::AgainstAll {
                    return strength * (0.25 * lean(&precinct.id)).exp();
                }
                let region = region.map_or(0.0, |region| lean(region));
                strength * (0.45 * region + 0.40 * lean(raion) + 0.25 * lean(&precinct.id)).exp()
            })
            .collect()
    }
}

fn strengths(contest: &Contest, seed: u64) -> Vec<f64> {
    let key = |option: &OptionId| Chance::of(seed, "rank", format_args!("{}/{option}", contest.id)).number();
    let mut ranks: Vec<usize> = (0..contest.options.len()).collect();
    ranks.sort_by_cached_key(|at| key(&contest.options[*at].id));
    let mut strengths = vec![0.0; contest.options.len()];
    for (rank, at) in ranks.into_iter().enumerate() {
        strengths[at] = (rank as f64 + 1.0).powf(-0.8);
    }
    let all: f64 = strengths.iter().sum();
    for (option, strength) in contest.options.iter().zip(&mut strengths) {
        match (option.kind, option.status) {
            (OptionKind::AgainstAll, _) => *strength = 0.04 * all,
            (_, OptionStatus::Withdrawn) => *strength *= 0.05,
            _ => {}
        }
    }
    strengths
}

impl Day {
    /// An urn before anybody voted.
    pub fn empty_urn(&self, precinct: &Precinct, urn: &DeviceId) -> Tally {
        let contests = self.contests_of(precinct, urn).map(|contest| self.empty(contest)).collect();
        Tally { ballots: Count::ZERO, contests }
    }

    /// An urn's final count.
    pub fn tally(&self, precinct: &Precinct, urn: &DeviceId) -> Tally {
        let contests: Vec<ContestTally> = self
            .contests_of(precinct, urn)
            .map(|contest| {
                let ballots = self.ballots_by_urn(precinct, contest);
                let ballots = ballots.iter().find(|(id, _)| id == urn).map_or(0, |(_, ballots)| *ballots);
                self.count(precinct, contest, ballots, urn.as_str())
            })
            .collect();
        let ballots = contests.iter().map(|of| of.ballots.get()).sum();
        Tally { ballots: Count::new(ballots), contests }
    }

    /// What the commission of a precinct that counts by hand writes down.
    pub fn protocol(&self, precinct: &Precinct) -> Vec<Form> {
        precinct
            .contests
            .iter()
            .map(|here| {
                let ballots = self.ballots(precinct, here.contest);
                let ContestTally { contest, ballots, invalid, votes, preferences } =
                    self.count(precinct, here.contest, ballots, "commission");
                let form = Form::of(CorrectedTally { contest, ballots, invalid, votes, preferences });
                // One ballot a voter; one in a hundred of those found was in a portable box.
                let received = here.registered.max(ballots);
                let cancelled = Count::new(received.get() - ballots.get());
                Form { received, cancelled, portable: Count::new(ballots.get() / 100), ..form }
            })
            .collect()
    }

    fn contests_of(&self, precinct: &Precinct, urn: &DeviceId) -> impl Iterator<Item = ContestIx> {
        let counted = self.definition().devices().get(urn).map(|urn| urn.contests.clone());
        let here: Vec<ContestIx> = precinct.contests.iter().map(|here| here.contest).collect();
        here.into_iter().filter(move |ix| counted.as_ref().is_some_and(|of| of.is_empty() || of.contains(ix)))
    }

    fn empty(&self, contest: ContestIx) -> ContestTally {
        ContestTally {
            contest: self.definition().contest(contest).id.clone(),
            ballots: Count::ZERO,
            invalid: Count::ZERO,
            votes: BTreeMap::new(),
            preferences: BTreeMap::new(),
        }
    }

    /// Draws every ballot of a box.
    fn count(&self, precinct: &Precinct, contest: ContestIx, ballots: u64, who: &str) -> ContestTally {
        let of = self.definition().contest(contest);
        let subject = format_args!("{}/{who}/{}", precinct.id, of.id).to_string();
        let mut chance = Chance::of(self.seed(), "votes", subject);
        let many = self.fault(precinct.id) == Some(Fault::ManyInvalid);
        let share = if many { 0.17 } else { chance.between(0.008, 0.022) };
        let invalid = (ballots as f64 * share).round() as u64;
        let cumulative = cumulate(&self.weights(precinct, contest));
        let mut votes = vec![0_u64; of.options.len()];
        for _ in invalid..ballots {
            votes[draw(&cumulative, &mut chance)] += 1;
        }
        let mut tally = self.empty(contest);
        tally.ballots = Count::new(ballots);
        tally.invalid = Count::new(invalid);
        for (option, votes) in of.options.iter().zip(votes).filter(|(_, votes)| *votes > 0) {
            tally.votes.insert(option.id.clone(), Count::new(votes));
            let numbers: Vec<u32> = option.candidates.iter().map(|name| name.number).collect();
            let preferences = prefer(&numbers, votes, &mut chance);
            if !preferences.is_empty() {
                tally.preferences.insert(option.id.clone(), preferences);
            }
        }
        tally
    }
}

/// Four voters in ten mark a name, mostly one near the head of the list.
fn prefer(numbers: &[u32], votes: u64, chance: &mut Chance) -> BTreeMap<u32, Count> {
    let mut preferences = BTreeMap::new();
    for _ in 0..if numbers.is_empty() { 0 } else { votes } {
        if chance.fraction() < 0.4 {
            let at = (chance.fraction().powf(2.4) * numbers.len() as f64) as usize;
            let of: &mut Count = preferences.entry(numbers[at.min(numbers.len() - 1)]).or_default();
            *of = Count::new(of.get() + 1);
        }
    }
    preferences
}

fn cumulate(weights: &[f64]) -> Vec<f64> {
    weights
        .iter()
        .scan(0.0, |below, weight| {
            *below += weight;
            Some(*below)
        })
        .collect()
}

fn draw(cumulative: &[f64], chance: &mut Chance) -> usize {
    let all = cumulative.last().copied().unwrap_or(0.0);
    let at = chance.between(0.0, all);
    cumulative.partition_point(|below| *below <= at).min(cumulative.len().saturating_sub(1))
}
