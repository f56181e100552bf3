//! One contest of a protocol, and what must hold between its lines.

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    ids::{ContestId, OptionId},
    record::CorrectedTally,
};

/// One contest of the form that a precinct commission fills in by hand and signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Ballots found in the boxes, those invalid, and votes.
    #[serde(flatten)]
    pub tally: CorrectedTally,
    /// Ballots that the commission received.
    pub received: Count,
    /// Of those, issued to voters, on the premises and outside.
    pub issued: Count,
    /// Of those, not used, and cancelled.
    pub cancelled: Count,
    /// Of the ballots found, those in portable boxes.
    pub portable: Count,
    /// Of the ballots found, those valid.
    pub valid: Count,
}

/// A line of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormLine {
    /// Ballots received.
    Received,
    /// Issued.
    Issued,
    /// Not used, and cancelled.
    Cancelled,
    /// Found in portable boxes.
    Portable,
    /// Found in all boxes.
    Ballots,
    /// Invalid.
    Invalid,
    /// Valid.
    Valid,
    /// Votes for an option.
    Votes(OptionId),
    /// Preference votes for a number on an option's list.
    Preferences(OptionId, u32),
}

/// A control equation that does not hold, with both of its sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// Every ballot that was received was issued or is left.
    #[error("received are {0} ballots, and issued with unused and cancelled {1}")]
    Received(Count, Count),
    /// Every ballot that was found is valid or not.
    #[error("found are {0} ballots, and valid with invalid {1}")]
    Found(Count, Count),
    /// Every valid ballot is a vote.
    #[error("valid are {0} ballots, and the votes are {1}")]
    Valid(Count, Count),
    /// Nobody puts in more than was issued. Fewer may be found: voters take ballots home.
    #[error("found are {0} ballots, and issued were {1} only")]
    Issued(Count, Count),
    /// Portable boxes are some of the boxes.
    #[error("found in portable boxes are {0} ballots, and in all boxes {1}")]
    Portable(Count, Count),
}

/// Where two entries of a form differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which contest.
    pub contest: ContestId,
    /// In which line.
    pub line: FormLine,
    /// What the first one says.
    pub first: Count,
    /// What the second one says.
    pub second: Count,
}

impl Form {
    /// A form on which every ballot that was received was issued, and every one of those was found.
    pub fn of(tally: CorrectedTally) -> Self {
        let valid = tally.ballots.replace(tally.invalid, Count::ZERO).unwrap_or(Count::ZERO);
        let (received, issued) = (tally.ballots, tally.ballots);
        Self { tally, received, issued, cancelled: Count::ZERO, portable: Count::ZERO, valid }
    }

    /// The control equations.
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn balance(&self) -> Result<(), Unbalanced> {
        // A sum past 2^64 equals no count that was entered.
        let sum =
            |counts: &[Count]| Count::checked_sum(counts.iter().copied()).unwrap_or(Count::new(u64::MAX));
        let tally = &self.tally;
        let used = sum(&[self.issued, self.cancelled]);
        let judged = sum(&[self.valid, tally.invalid]);
        let votes = Count::checked_sum(tally.votes.values().copied()).unwrap_or(Count::new(u64::MAX));
        match () {
            () if self.received != used => Err(Unbalanced::Received(self.received, used)),
            () if tally.ballots != judged => Err(Unbalanced::Found(tally.ballots, judged)),
            () if self.valid != votes => Err(Unbalanced::Valid(self.valid, votes)),
            () if tally.ballots > self.issued => Err(Unbalanced::Issued(tally.ballots, self.issued)),
            () if self.portable > tally.ballots => Err(Unbalanced::Portable(self.portable, tally.ballots)),
            () => Ok(()),
        }
    }

    /// The largest of the lines that a tally has not.
    pub fn largest_control(&self) -> Count {
        let lines = [self.received, self.issued, self.cancelled, self.portable, self.valid];
        lines.into_iter().max().unwrap_or(Count::ZERO)
    }

    fn lines(&self) -> Vec<(FormLine, Count)> {
        let tally = &self.tally;
        let mut lines = vec![
            (FormLine::Received, self.received),
            (FormLine::Issued, self.issued),
            (FormLine::Cancelled, self.cancelled),
            (FormLine::Portable, self.portable),
            (FormLine::Ballots, tally.ballots),
            (FormLine::Invalid, tally.invalid),
            (FormLine::Valid, self.valid),
        ];
        lines.extend(tally.votes.iter().map(|(option, votes)| (FormLine::Votes(option.clone()), *votes)));
        let numbers = tally.preferences.iter().flat_map(|(option, numbers)| {
            numbers.iter().map(|(number, votes)| (FormLine::Preferences(option.clone(), *number), *votes))
        });
        lines.extend(numbers);
        lines.retain(|(_, count)| !count.is_zero()); // absent = 0
        lines
    }
}

/// Where two entries differ, line by line. Contests that only one of them has count as zero in the other.
pub fn differences(first: &[Form], second: &[Form]) -> Vec<Difference> {
    let mut found = Vec::new();
    let contests = first.iter().chain(second).map(|form| &form.tally.contest);
    let mut contests: Vec<&ContestId> = contests.collect();
    contests.sort();
    contests.dedup();
    for contest in contests {
        let lines = |forms: &[Form]| {
            forms.iter().find(|form| form.tally.contest == *contest).map(Form::lines).unwrap_or_default()
        };
        let (first, second) = (lines(first), lines(second));
        let of = |lines: &[(FormLine, Count)], line: &FormLine| {
            lines.iter().find(|(at, _)| at == line).map_or(Count::ZERO, |(_, count)| *count)
        };
        let only_second = second.iter().filter(|(line, _)| first.iter().all(|(at, _)| at != line));
        for (line, _) in first.iter().chain(only_second) {
            let (first, second) = (of(&first, line), of(&second, line));
            if first != second {
                found.push(Difference { contest: contest.clone(), line: line.clone(), first, second });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        let votes =
            [("a", 60), ("b", 30)].map(|(option, votes)| (option.parse().unwrap(), Count::new(votes)));
        Form {
            tally: CorrectedTally {
                contest: "list".parse().unwrap(),
                ballots: Count::new(95),
                invalid: Count::new(5),
                votes: votes.into(),
                preferences: Default::default(),
            },
            received: Count::new(150),
            issued: Count::new(97),
            cancelled: Count::new(53),
            portable: Count::new(7),
            valid: Count::new(90),
        }
    }

    #[test]
    fn each_control_equation_is_told_with_both_sides() {
        assert_eq!(form().balance(), Ok(()));
        let told = |change: fn(&mut Form)| {
            let mut form = form();
            change(&mut form);
            form.balance().unwrap_err().to_string()
        };
        assert_eq!(
            told(|form| form.cancelled = Count::new(50)),
            "received are 150 ballots, and issued with unused and cancelled 147"
        );
        assert_eq!(
            told(|form| form.tally.invalid = Count::new(6)),
            "found are 95 ballots, and valid with invalid 96"
        );
        assert_eq!(
            told(|form| {
                form.tally.votes.clear();
            }),
            "valid are 90 ballots, and the votes are 0"
        );
        assert_eq!(
            told(|form| (form.issued, form.cancelled) = (Count::new(94), Count::new(56))),
            "found are 95 ballots, and issued were 94 only"
        );
        assert_eq!(
            told(|form| form.portable = Count::new(96)),
            "found in portable boxes are 96 ballots, and in all boxes 95"
        );
        let huge = |form: &mut Form| {
            (form.valid, form.tally.ballots) = (Count::new(u64::MAX), Count::new(u64::MAX));
            form.tally.votes.insert("c".parse().unwrap(), Count::new(u64::MAX));
        };
        assert!(told(huge).starts_with("valid are") || told(huge).starts_with("found are"));
    }

    #[test]
    fn entries_are_compared_line_by_line_and_absent_is_zero() {
        let (first, mut second) = (form(), form());
        second.tally.votes.insert("c".parse().unwrap(), Count::ZERO);
        assert_eq!(differences(std::slice::from_ref(&first), std::slice::from_ref(&second)), []);
        second.portable = Count::new(9);
        second.tally.votes.insert("c".parse().unwrap(), Count::new(2));
        let numbers = [(3, Count::new(1))].into();
        second.tally.preferences.insert("a".parse().unwrap(), numbers);
        let told = differences(&[first], &[second]);
        let told: Vec<_> = told.iter().map(|it| (&it.line, it.first.get(), it.second.get())).collect();
        assert_eq!(
            told,
            [
                (&FormLine::Portable, 7, 9),
                (&FormLine::Votes("c".parse().unwrap()), 0, 2),
                (&FormLine::Preferences("a".parse().unwrap(), 3), 0, 1),
            ]
        );
        assert_eq!(differences(&[form()], &[]).len(), 9);
    }
}
