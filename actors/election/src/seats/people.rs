//! Who is elected from an open list.

use crate::{
    count::Count,
    definition::{ListCandidate, OptionStatus, Sex},
    seats::{
        By, Elected, PreferenceTies, SeatRules,
        lots::{Lots, Place, Tie, option_ix},
    },
};

/// A list, its seats, and the preference votes of its names in their order.
pub(super) struct List<'a> {
    pub at: usize,
    pub names: &'a [ListCandidate],
    pub votes: Vec<Count>,
    pub seats: u32,
}

/// A name that stands.
#[derive(Clone, Copy)]
struct Name {
    number: u32,
    votes: Count,
    woman: bool,
}

impl List<'_> {
    /// Who is elected, as far as no lots are needed, and the ties.
    ///
    /// Of a list's seats at least the share for women goes first to the women with most preference votes, the
    /// rest by preference votes (DOMAIN "Contests", `proportional_open_list`). Who has withdrawn is passed over;
    /// the list keeps the votes.
    pub fn elect(&self, rules: &SeatRules, lots: &Lots) -> (Vec<Elected>, Vec<Tie>) {
        let mut standing: Vec<Name> = self
            .names
            .iter()
            .zip(&self.votes)
            .filter(|(name, _)| name.status == OptionStatus::Active)
            .map(|(name, votes)| Name { number: name.number, votes: *votes, woman: name.sex == Sex::F })
            .collect();
        standing.sort_by_key(|name| (std::cmp::Reverse(name.votes), name.number));
        let mut draw = Draw { rules, lots, ties: Vec::new() };
        let women: Vec<Name> = standing.iter().copied().filter(|name| name.woman).collect();
        let kept = rules.women_of(self.seats);
        let ix = option_ix(self.at);
        let first = draw.best(&women, kept, Place::Women(ix));
        if !draw.ties.is_empty() {
            // Who of the women is in hangs on lots; what is left for the others hangs on that.
            return (elected(&first, By::WomenShare), draw.ties);
        }
        let left = self.seats - u32::try_from(first.len()).unwrap_or(self.seats).min(self.seats);
        let rest: Vec<Name> =
            standing.into_iter().filter(|name| first.iter().all(|in_| in_.number != name.number)).collect();
        let then = draw.best(&rest, left, Place::List(ix));
        let mut all = elected(&first, By::WomenShare);
        all.extend(elected(&then, By::Preference));
        (all, draw.ties)
    }
}

struct Draw<'a> {
    rules: &'a SeatRules,
    lots: &'a Lots,
    ties: Vec<Tie>,
}

impl Draw<'_> {
    /// The first names by votes, which are in this order already.
    fn best(&mut self, names: &[Name], seats: u32, place: Place) -> Vec<Name> {
        let seats = usize::try_from(seats).unwrap_or(usize::MAX);
        let Some(edge) = names.get(seats) else { return names.to_vec() };
        let last = seats.checked_sub(1).map(|last| names[last].votes);
        if last != Some(edge.votes) || self.rules.preference_ties == PreferenceTies::ListOrder {
            return names[..seats].to_vec();
        }
        let sure: Vec<Name> = names.iter().copied().filter(|name| name.votes > edge.votes).collect();
        let equal: Vec<&Name> = names.iter().filter(|name| name.votes == edge.votes).collect();
        let tied: Vec<u32> = equal.iter().map(|name| name.number).collect();
        let tie = Tie::new(place, tied, u32::try_from(seats - sure.len()).unwrap_or(0));
        match self.lots.winners(&tie) {
            Some(winners) => {
                let drawn = equal.into_iter().filter(|name| winners.contains(&name.number));
                sure.into_iter().chain(drawn.copied()).collect()
            }
            None => {
                self.ties.push(tie);
                sure
            }
        }
    }
}

fn elected(names: &[Name], by: By) -> Vec<Elected> {
    names.iter().map(|name| Elected { number: name.number, votes: name.votes, by }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        definition::Names,
        seats::{Lot, Rounding},
    };

    fn names(sexes: &str) -> Vec<ListCandidate> {
        let name = |(at, sex): (usize, char)| ListCandidate {
            number: u32::try_from(at + 1).unwrap(),
            name: Names::default(),
            sex: if sex.eq_ignore_ascii_case(&'f') { Sex::F } else { Sex::M },
            status: if sex.is_uppercase() { OptionStatus::Withdrawn } else { OptionStatus::Active },
        };
        sexes.chars().enumerate().map(name).collect()
    }

    fn rules() -> SeatRules {
        SeatRules { women_share: Some(3_000), ..SeatRules::default() }
    }

    fn elect(sexes: &str, votes: &[u64], seats: u32, rules: SeatRules, lots: &Lots) -> (Vec<u32>, Vec<Tie>) {
        let votes = votes.iter().copied().map(Count::new).collect();
        let names = names(sexes);
        let (elected, ties) = List { at: 0, names: &names, votes, seats }.elect(&rules, lots);
        (elected.iter().map(|name| name.number).collect(), ties)
    }

    #[test]
    fn three_in_ten_seats_go_first_to_the_women_with_most_preferences() {
        // 4 seats: 30 % are 1.2, rounded up 2 women: numbers 5 and 6 before 1 and 2.
        let told = elect("mmmmff", &[90, 80, 70, 60, 5, 4], 4, rules(), &Lots::default());
        assert_eq!(told, (vec![5, 6, 1, 2], vec![]));
        // A woman with more votes than the men takes one of the kept seats, and none of the others' is lost.
        let told = elect("fmmmff", &[95, 80, 70, 60, 5, 4], 4, rules(), &Lots::default());
        assert_eq!(told.0, [1, 5, 2, 3]);
    }

    #[test]
    fn the_fraction_of_a_seat_is_rounded_as_the_election_says() {
        for (rounding, women) in [(Rounding::Up, 2), (Rounding::Down, 1), (Rounding::Nearest, 1)] {
            let rules = SeatRules { women_rounding: rounding, ..rules() };
            assert_eq!(rules.women_of(4), women, "{rounding:?}"); // 1.2
        }
        for (rounding, women) in [(Rounding::Up, 2), (Rounding::Down, 1), (Rounding::Nearest, 2)] {
            let rules = SeatRules { women_rounding: rounding, ..rules() };
            assert_eq!(rules.women_of(5), women, "{rounding:?}"); // 1.5
            assert_eq!(rules.women_of(10), 3, "{rounding:?}");
        }
        assert_eq!(SeatRules::default().women_of(10), 0);
    }

    #[test]
    fn who_has_withdrawn_is_passed_over_and_a_short_list_leaves_seats() {
        let told = elect("mMfF", &[10, 99, 5, 98], 3, rules(), &Lots::default());
        assert_eq!(told.0, [3, 1]);
    }

    #[test]
    fn equal_preferences_are_a_tie_until_lots_are_drawn() {
        let none = Lots::default();
        let (sure, ties) = elect("mmmm", &[9, 5, 5, 5], 3, SeatRules::default(), &none);
        let tie = Tie { place: Place::List(option_ix(0)), tied: vec![2, 3, 4], seats: 2 };
        assert_eq!((sure, ties), (vec![1], vec![tie.clone()]));
        let lots = Lots::new(vec![Lot { of: tie, winners: vec![4, 2] }]).unwrap();
        assert_eq!(elect("mmmm", &[9, 5, 5, 5], 3, SeatRules::default(), &lots), (vec![1, 2, 4], vec![]));
        let order = SeatRules { preference_ties: PreferenceTies::ListOrder, ..SeatRules::default() };
        assert_eq!(elect("mmmm", &[9, 5, 5, 5], 3, order, &none), (vec![1, 2, 3], vec![]));
    }

    #[test]
    fn a_tie_among_the_women_leaves_the_rest_open() {
        // 30 % of 3 seats, rounded up, is one seat for two women with 5 votes each.
        let (sure, ties) = elect("mmff", &[9, 8, 5, 5], 3, rules(), &Lots::default());
        let tie = Tie { place: Place::Women(option_ix(0)), tied: vec![3, 4], seats: 1 };
        assert_eq!((sure, ties), (vec![], vec![tie.clone()]));
        let lots = Lots::new(vec![Lot { of: tie, winners: vec![4] }]).unwrap();
        assert_eq!(elect("mmff", &[9, 8, 5, 5], 3, rules(), &lots).0, [4, 1, 2]);
    }
}
