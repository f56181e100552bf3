//! Seats as claims: each contender claims a first seat, a second, …, and the strongest claims are met.
//!
//! One order of claims is one method. Largest remainders are such an order too: the k-th seat of a list with
//! `v` of `V` votes for `S` seats claims `v·S − k·V`. Claims that are not negative are the integer parts of the
//! Hare quota; of the others only the first of each list can be met, and they stand in the order of the
//! remainders. So the exact bounds of [`super::bounds`] need one argument for all methods.

use crate::definition::Method;

/// Seats and who has votes for them. Votes are at most 2^40 or so (10^9 a report, F03), seats at most 10^4:
/// products stay below 2^127 even for votes of 2^64.
#[derive(Debug, Clone)]
pub(super) struct House {
    pub method: Method,
    pub seats: u32,
    pub votes: Vec<u64>,
}

/// How the seats of a [`House`] fall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Award {
    /// Of each contender, without those that hang on a tie.
    pub seats: Vec<u32>,
    /// Contenders whose last claims are equal, and the fewer seats left for them.
    pub tie: Option<(Vec<usize>, u32)>,
}

impl House {
    /// Votes of all contenders.
    pub fn total(&self) -> u64 {
        self.votes.iter().copied().fold(0, u64::saturating_add)
    }

    /// The strength of a seat's claim as a fraction: greater is stronger. The denominator is positive.
    fn claim(&self, votes: u64, seat: u32) -> (i128, i128) {
        let (votes, seat) = (i128::from(votes), i128::from(seat));
        match self.method {
            Method::SainteLague => (votes, 2 * seat - 1),
            Method::Dhondt => (votes, seat),
            _ => (votes * i128::from(self.seats) - seat * i128::from(self.total()), 1),
        }
    }

    /// Meets the strongest claims, one after the other. Contenders without votes have none.
    pub fn award(&self) -> Award {
        let mut seats = vec![0; self.votes.len()];
        let mut left = if self.total() == 0 { 0 } else { self.seats };
        while left > 0 {
            let mut strongest = (0, 1);
            let mut holders: Vec<usize> = Vec::new();
            for (at, votes) in self.votes.iter().enumerate().filter(|(_, votes)| **votes > 0) {
                let claim = self.claim(*votes, seats[at] + 1);
                let ahead = holders.is_empty() || claim.0 * strongest.1 > strongest.0 * claim.1;
                if ahead {
                    (strongest, holders) = (claim, vec![at]);
                } else if claim.0 * strongest.1 == strongest.0 * claim.1 {
                    holders.push(at);
                }
            }
            if holders.len() > usize::try_from(left).unwrap_or(usize::MAX) {
                return Award { seats, tie: Some((holders, left)) };
            }
            for at in &holders {
                seats[*at] += 1;
                left -= 1;
            }
        }
        Award { seats, tie: None }
    }

    /// Seats of a rival that claim more strongly than the `seat`-th of one with `own` votes, those that claim
    /// as strongly included or not, when all votes together are `total`. `own` is not 0.
    pub fn ahead(&self, own: u64, seat: u32, rival: u64, equal: bool, total: u64) -> u64 {
        let (own, rival, seat) = (i128::from(own), i128::from(rival), i128::from(seat));
        // The rival's seats up to this fraction are ahead: those below it, and that on it where equals count.
        let (numerator, denominator) = match self.method {
            Method::SainteLague => (rival * (2 * seat - 1) + own, 2 * own),
            Method::Dhondt => (rival * seat, own),
            _ => {
                let total = i128::from(total);
                (seat * total + (rival - own) * i128::from(self.seats), total)
            }
        };
        let whole = if equal { numerator } else { numerator - 1 }.div_euclid(denominator);
        u64::try_from(whole).unwrap_or(0)
    }

    /// What makes one vote of a cost, and what one more seat costs a rival who has one ahead of this seat.
    pub fn step(&self, own: u64, seat: u32, total: u64) -> (i128, i128) {
        match self.method {
            Method::SainteLague => (2 * i128::from(seat) - 1, 2 * i128::from(own)),
            Method::Dhondt => (seat.into(), own.into()),
            _ => (self.seats.into(), total.into()),
        }
    }

    /// What a rival lacks for its `next` seat to claim as strongly as the `seat`-th of one with `own` votes, in
    /// parts of a vote ([`House::step`] says which).
    pub fn cost(&self, own: u64, seat: u32, rival: u64, next: u64, total: u64) -> i128 {
        let (own, rival, seat, next) =
            (i128::from(own), i128::from(rival), i128::from(seat), i128::from(next));
        match self.method {
            Method::SainteLague => own * (2 * next - 1) - rival * (2 * seat - 1),
            Method::Dhondt => own * next - rival * seat,
            _ => (next - seat) * i128::from(total) + (own - rival) * i128::from(self.seats),
        }
    }

    /// Whether a contender has a seat for sure, lots falling to the others.
    pub fn has(&self, who: usize, seat: u32) -> bool {
        let (own, total) = (self.votes[who], self.total());
        let rivals = self.votes.iter().enumerate().filter(|(at, votes)| *at != who && **votes > 0);
        let ahead: u64 = rivals.map(|(_, rival)| self.ahead(own, seat, *rival, true, total)).sum();
        own > 0 && ahead + u64::from(seat) <= u64::from(self.seats)
    }

    /// Most seats of a contender when it may have what hangs on a tie.
    pub fn most(&self, who: usize) -> u32 {
        let total = self.total();
        let wins = |seat| {
            let rivals = self.votes.iter().enumerate().filter(|(at, votes)| *at != who && **votes > 0);
            let ahead: u64 =
                rivals.map(|(_, rival)| self.ahead(self.votes[who], seat, *rival, false, total)).sum();
            ahead + u64::from(seat) <= u64::from(self.seats)
        };
        if self.votes[who] == 0 { 0 } else { last(self.seats, wins) }
    }
}

/// The last of 1, 2, … `most` that holds, where it holds up to some number and not beyond; 0 when none does.
pub(super) fn last(most: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn award(method: Method, seats: u32, votes: &[u64]) -> Award {
        House { method, seats, votes: votes.to_vec() }.award()
    }

    /// Integer parts of the quota, then the largest remainders: the rule as a textbook says it.
    fn hare(seats: u64, votes: &[u64]) -> Vec<u32> {
        let total: u64 = votes.iter().sum();
        let mut out: Vec<u64> = votes.iter().map(|votes| votes * seats / total).collect();
        let mut order: Vec<usize> = (0..votes.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(votes[*at] * seats % total));
        let left = seats - out.iter().sum::<u64>();
        order.iter().take(left as usize).for_each(|at| out[*at] += 1);
        out.into_iter().map(|seats| u32::try_from(seats).unwrap()).collect()
    }

    /// DOMAIN "Facts to test against", 28 November 2021.
    #[test]
    fn the_list_result_of_2021_gives_the_announced_seats() {
        let votes = [222_005, 174_470, 141_009, 106_955, 90_223, 79_025];
        let announced = [15, 12, 9, 7, 6, 5];
        assert_eq!(award(Method::Hare, 54, &votes), Award { seats: announced.into(), tie: None });
        // Quota 813,687 ÷ 54 = 15,068 and a seventh; integer parts 14 11 9 7 5 5 = 51; remainders in units of
        // 1/54: 222,005·54 mod 813,687 = 596,652, then 470,823, 291,663, 79,761, 803,607, 198,915. The three
        // largest are the fifth's, the first's and the second's.
        assert_eq!(hare(54, &votes), announced);
    }

    /// DOMAIN "Facts to test against": the vector that tells the methods apart.
    #[test]
    fn the_methods_differ_where_they_should() {
        let shares = [1454, 1369, 1176, 758, 698, 602, 570];
        assert_eq!(award(Method::Hare, 54, &shares).seats, [12, 11, 9, 6, 6, 5, 5]);
        assert_eq!(award(Method::Dhondt, 54, &shares).seats, [12, 11, 10, 6, 6, 5, 4]);
        // Sainte-Laguë: 6,627 ÷ 54 = 122.72; votes ÷ 122.7 rounded to the nearest whole: 11.85 11.16 9.58 6.18
        // 5.69 4.91 4.65 → 12 11 10 6 6 5 5 = 55, one too many; with 123.8 the third falls to 9.499 → 9.
        assert_eq!(award(Method::SainteLague, 54, &shares).seats, [12, 11, 9, 6, 6, 5, 5]);
    }

    #[test]
    fn equal_claims_to_fewer_seats_are_a_tie_and_never_broken() {
        for method in [Method::Hare, Method::Dhondt, Method::SainteLague] {
            let told = award(method, 3, &[10, 10, 10, 10]);
            assert_eq!(told, Award { seats: vec![0; 4], tie: Some((vec![0, 1, 2, 3], 3)) });
            let fits = award(method, 4, &[10, 10, 10, 10]);
            assert_eq!(fits, Award { seats: vec![1; 4], tie: None });
            assert_eq!(award(method, 5, &[0, 0]), Award { seats: vec![0, 0], tie: None });
            assert_eq!(award(method, 5, &[0, 3]).seats, [0, 5], "who has no votes has no seat");
        }
        // 60 : 40 of 100 for 5 seats is 3 and 2 exactly: no remainder is left to compare.
        assert_eq!(award(Method::Hare, 5, &[60, 40]), Award { seats: vec![3, 2], tie: None });
        // 50 : 25 : 25 for 2 seats: one whole quota, then two remainders of a half for one seat.
        let told = award(Method::Hare, 2, &[50, 25, 25]);
        assert_eq!(told, Award { seats: vec![1, 0, 0], tie: Some((vec![1, 2], 1)) });
    }

    proptest::proptest! {
        #[test]
        fn the_strongest_claims_are_the_integer_parts_and_the_largest_remainders(
            seats in 1u32..60, votes in proptest::collection::vec(1u64..5_000, 1..12)
        ) {
            let told = award(Method::Hare, seats, &votes);
            let sum: u32 = told.seats.iter().sum();
            match told.tie {
                None => {
                    proptest::prop_assert_eq!(&told.seats, &hare(seats.into(), &votes));
                    proptest::prop_assert_eq!(sum, seats);
                }
                Some((tied, left)) => {
                    proptest::prop_assert_eq!(sum + left, seats);
                    proptest::prop_assert!(tied.len() > left as usize);
                }
            }
        }

        #[test]
        fn the_count_of_claims_ahead_is_what_awarding_does(
            seats in 1u32..30, votes in proptest::collection::vec(0u64..300, 1..7), method in 0usize..3
        ) {
            let method = [Method::Hare, Method::Dhondt, Method::SainteLague][method];
            let house = House { method, seats, votes };
            let award = house.award();
            for who in 0..house.votes.len() {
                let tied = award.tie.as_ref().is_some_and(|(tied, _)| tied.contains(&who));
                proptest::prop_assert_eq!(house.most(who), award.seats[who] + u32::from(tied));
            }
        }
    }
}
