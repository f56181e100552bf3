//! A protocol is entered twice, by different people who do not see each other's figures. Where they agree it is in;
//! where they differ, a third person says what the paper says.

use std::sync::Arc;

use crate::{
    hand_count::{Difference, Form, differences},
    report::Offset,
    time::Timestamp,
};

/// What one person read off the paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The person.
    pub by: Arc<str>,
    /// One form for each contest that is voted in the precinct.
    pub forms: Vec<Form>,
    /// When it was put on record.
    pub at: Timestamp,
    /// Its place in the journal.
    pub offset: Offset,
}

/// How far the hand count of a precinct has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HandCount {
    /// Nobody has entered it.
    #[default]
    Awaited,
    /// One person has.
    Once(Entry),
    /// Two have, and differ.
    Differing(Entry, Entry),
    /// It is in.
    Settled {
        /// What counts.
        forms: Vec<Form>,
        /// Who entered it: two who agree, or all three.
        by: Vec<Arc<str>>,
    },
}

/// What an entry did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// It waits for another person's.
    Awaits,
    /// It differs from the first one, here.
    Differs(Vec<Difference>),
    /// The hand count is in.
    Settled,
}

/// Why an entry is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is in already.
    #[error("the protocol of this precinct is already in: enter a correction (act correct)")]
    Settled,
    /// The entries of two people differ, and it is one of them.
    #[error("the two entries of this protocol differ: a third person enters what the paper says")]
    ThirdPerson,
}

impl HandCount {
    /// Whether this person may enter it now.
    ///
    /// # Errors
    /// When it is in, or when a third person is to decide.
    pub fn consider(&self, by: &str) -> Result<(), Refused> {
        match self {
            Self::Awaited | Self::Once(_) => Ok(()),
            Self::Differing(first, second) if [first, second].iter().any(|entry| &*entry.by == by) => {
                Err(Refused::ThirdPerson)
            }
            Self::Differing(..) => Ok(()),
            Self::Settled { .. } => Err(Refused::Settled),
        }
    }

    /// Takes an entry. Whoever enters it twice before anybody else has mended their own first entry.
    ///
    /// # Errors
    /// As [`HandCount::consider`]; nothing changes then.
    pub fn enter(&mut self, entry: Entry) -> Result<Entered, Refused> {
        self.consider(&entry.by)?;
        let (next, entered) = match std::mem::take(self) {
            Self::Once(first) if first.by != entry.by => {
                let told = differences(&first.forms, &entry.forms);
                if told.is_empty() {
                    (Self::settled(entry.forms, vec![first.by, entry.by]), Entered::Settled)
                } else {
                    (Self::Differing(first, entry), Entered::Differs(told))
                }
            }
            Self::Awaited | Self::Once(_) => (Self::Once(entry), Entered::Awaits),
            Self::Differing(first, second) => {
                (Self::settled(entry.forms, vec![first.by, second.by, entry.by]), Entered::Settled)
            }
            settled @ Self::Settled { .. } => (settled, Entered::Settled),
        };
        *self = next;
        Ok(entered)
    }

    fn settled(forms: Vec<Form>, by: Vec<Arc<str>>) -> Self {
        Self::Settled { forms, by }
    }

    /// What counts, once it is in.
    pub fn forms(&self) -> Option<&[Form]> {
        match self {
            Self::Settled { forms, .. } => Some(forms),
            _ => None,
        }
    }

    /// Where two entries differ that wait for a third person.
    pub fn differences(&self) -> Vec<Difference> {
        match self {
            Self::Differing(first, second) => differences(&first.forms, &second.forms),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{count::Count, record::CorrectedTally};

    fn entry(by: &str, votes: u64) -> Entry {
        let tally = CorrectedTally {
            contest: "list".parse().unwrap(),
            ballots: Count::new(votes),
            invalid: Count::ZERO,
            votes: [("a".parse().unwrap(), Count::new(votes))].into(),
            preferences: Default::default(),
        };
        let all = Count::new(votes);
        let form = Form {
            tally,
            received: all,
            issued: all,
            cancelled: Count::ZERO,
            portable: Count::ZERO,
            valid: all,
        };
        Entry { by: by.into(), forms: vec![form], at: Timestamp::default(), offset: Offset(1) }
    }

    #[test]
    fn two_who_agree_settle_it() {
        let mut count = HandCount::default();
        assert_eq!(count.enter(entry("aida", 10)), Ok(Entered::Awaits));
        assert_eq!(count.forms(), None);
        assert_eq!(count.enter(entry("bakyt", 10)), Ok(Entered::Settled));
        assert_eq!(count.forms(), Some(&entry("aida", 10).forms[..]));
        assert_eq!(count.enter(entry("chinara", 10)), Err(Refused::Settled));
    }

    #[test]
    fn nobody_agrees_with_themselves() {
        let mut count = HandCount::default();
        count.enter(entry("aida", 10)).unwrap();
        assert_eq!(count.enter(entry("aida", 10)), Ok(Entered::Awaits));
        assert_eq!(count.enter(entry("aida", 11)), Ok(Entered::Awaits));
        assert_eq!(count.enter(entry("bakyt", 11)), Ok(Entered::Settled));
    }

    #[test]
    fn where_two_differ_a_third_decides() {
        let mut count = HandCount::default();
        count.enter(entry("aida", 10)).unwrap();
        let Ok(Entered::Differs(told)) = count.enter(entry("bakyt", 12)) else { panic!("they differ") };
        assert_eq!(told, count.differences());
        assert_eq!((told[0].first, told[0].second), (Count::new(10), Count::new(12)));
        for one_of_them in ["aida", "bakyt"] {
            assert_eq!(count.enter(entry(one_of_them, 12)), Err(Refused::ThirdPerson));
        }
        assert_eq!(count.enter(entry("chinara", 12)), Ok(Entered::Settled));
        let HandCount::Settled { by, .. } = &count else { panic!("it is in") };
        assert_eq!(by.iter().map(|by| &**by).collect::<Vec<_>>(), ["aida", "bakyt", "chinara"]);
        assert_eq!(count.differences(), []);
    }
}
