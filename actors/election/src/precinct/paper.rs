//! What comes on paper: the protocol of the hand count, the copies that observers hold, and scans of them.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use crate::{
    count::Count,
    definition::ContestIx,
    document::{Document, DocumentKind, MOST_DOCUMENTS, Scan},
    figures::SourceFigures,
    hand_count::{Entry, Form, HandCount},
    precinct::{
        Objection, Precinct, figures,
        objection::{LONGEST_HOLDER, MOST_COPIES},
        state::Ruled,
    },
    record::CorrectedTally,
    report::ContestTally,
    rules::Code,
};

/// The sources of one contest of a precinct side by side (DOMAIN "The election day").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Which contest.
    pub contest: ContestIx,
    /// People who were identified, once any terminal has sent.
    pub identified: Option<Count>,
    /// What the urns counted, once all of them have.
    pub urns: Option<SourceFigures>,
    /// The protocol.
    pub protocol: Option<SourceFigures>,
    /// What observers hold, and who.
    pub copies: Vec<(Arc<str>, SourceFigures)>,
    /// Rules that two of them break, while they are open.
    pub codes: Vec<Code>,
}

impl Precinct {
    /// How far the entering of the protocol has come.
    pub fn hand_count(&self) -> &HandCount {
        static NOT_BEGUN: LazyLock<HandCount> = LazyLock::new(HandCount::default);
        self.people().hand_count.as_deref().unwrap_or(&NOT_BEGUN)
    }

    /// The sources of each contest side by side.
    pub fn reconciliation(&self) -> Vec<Reconciliation> {
        let of = |(ix, list): &(ContestIx, SourceFigures), contest| (*ix == contest).then(|| list.clone());
        let contests = self.entry().contests.iter().map(|here| here.contest);
        contests
            .map(|contest| {
                let id = &self.definition.contest(contest).id;
                let urns = self.urns(contest);
                let copies = self.people().copies.iter().filter_map(|(holder, contests)| {
                    Some((Arc::clone(holder), contests.iter().find_map(|one| of(one, contest))?))
                });
                Reconciliation {
                    contest,
                    identified: self.has_sent().then(|| self.identified()),
                    urns: (urns.precincts == 1).then_some(urns),
                    protocol: self.people().protocol.iter().find_map(|one| of(one, contest)),
                    copies: copies.collect(),
                    codes: self
                        .flags
                        .keys()
                        .filter(|flag| flag.contest.as_ref() == Some(id))
                        .map(|flag| flag.code)
                        .collect(),
                }
            })
            .collect()
    }

    /// Every scan on record, in the order of the journal.
    pub fn documents(&self) -> &[Arc<Document>] {
        &self.people().documents
    }

    pub(super) fn consider_document(&self, kind: DocumentKind, scan: &Scan) -> Result<(), Objection> {
        if self.documents().iter().any(|of| of.kind == kind && of.scan.original == scan.original) {
            return Err(Objection::SameDocument);
        }
        if self.documents().len() == MOST_DOCUMENTS {
            return Err(Objection::TooManyDocuments);
        }
        Ok(())
    }

    pub(super) fn file(&mut self, kind: DocumentKind, scan: Scan, ruled: &Ruled) {
        let by = Arc::clone(&ruled.by);
        let document = Document { kind, scan, by, at: ruled.at, offset: ruled.offset };
        self.people_mut().documents.push(Arc::new(document));
    }

    pub(super) fn consider_protocol(&self, by: &str, forms: &[Form]) -> Result<(), Objection> {
        self.hand_count().consider(by)?;
        let expected: BTreeSet<_> = self.entry().contests.iter().map(|here| here.contest).collect();
        let named: BTreeSet<_> =
            forms.iter().filter_map(|form| self.definition.contest_ix(&form.tally.contest)).collect();
        if named != expected || forms.len() != expected.len() {
            return Err(Objection::WrongContests);
        }
        forms.iter().try_for_each(|form| self.consider_form(form))
    }

    fn consider_form(&self, form: &Form) -> Result<(), Objection> {
        let contest = form.tally.contest.clone();
        let wrong = |what| Objection::WrongSum { contest: contest.clone(), what };
        form.balance().map_err(|what| Objection::Unbalanced { contest: contest.clone(), what })?;
        self.consider_tally(&tally_of(&form.tally))?;
        if form.largest_control() > Count::MAX_REPORTED {
            return Err(wrong("a count is over 10^9"));
        }
        let registered = self.definition.contest_ix(&contest).and_then(|ix| self.entry().registered_for(ix));
        // Where nobody is on a list, as in remote voting, nothing says how many may come.
        if registered.is_some_and(|registered| !registered.is_zero() && form.tally.ballots > registered) {
            return Err(wrong("there are more ballots than registered voters"));
        }
        Ok(())
    }

    pub(super) fn enter_protocol(&mut self, forms: &[Form], ruled: &Ruled) -> Result<(), Objection> {
        let entry =
            Entry { by: Arc::clone(&ruled.by), forms: forms.to_vec(), at: ruled.at, offset: ruled.offset };
        self.people_mut().hand_count.get_or_insert_default().enter(entry)?;
        if let Some(forms) = self.hand_count().forms() {
            let protocol = forms.iter().filter_map(|form| self.placed(&form.tally)).collect();
            self.people_mut().protocol = protocol;
        }
        Ok(())
    }

    pub(super) fn consider_copy(&self, holder: &str, contests: &[CorrectedTally]) -> Result<(), Objection> {
        let named: BTreeSet<_> = contests.iter().map(|tally| &tally.contest).collect();
        let long = holder.chars().nth(LONGEST_HOLDER).is_some();
        if holder.trim().is_empty() || long || contests.is_empty() || named.len() != contests.len() {
            return Err(Objection::WrongCopy);
        }
        let copies = &self.people().copies;
        if copies.len() == MOST_COPIES && !copies.contains_key(holder) {
            return Err(Objection::TooManyCopies);
        }
        // It is compared with figures that add up: one that does not is read wrongly, or is no copy.
        contests.iter().try_for_each(|tally| self.consider_tally(&tally_of(tally)))
    }

    pub(super) fn record_copy(&mut self, holder: &str, contests: &[CorrectedTally]) {
        let contests = contests.iter().filter_map(|tally| self.placed(tally)).collect();
        self.people_mut().copies.insert(holder.into(), contests);
    }

    /// Whether a copy that observers hold says otherwise than the protocol (W13).
    pub(super) fn copies_differ(&self, contest: ContestIx) -> bool {
        let people = self.people();
        let protocol = people.protocol_of(contest);
        let copies = people.copies.values().flatten().filter(|(of, _)| *of == contest);
        protocol.is_some_and(|protocol| copies.map(|(_, copy)| copy).any(|copy| !same(copy, protocol)))
    }

    fn placed(&self, tally: &CorrectedTally) -> Option<(ContestIx, SourceFigures)> {
        let (ix, mut figures) = figures::place(&self.definition, &tally_of(tally))?;
        figures.precincts = 1;
        figures.registered = self.entry().registered_for(ix)?;
        Some((ix, figures))
    }
}

/// Whether two sources say the same of ballots and votes.
pub(super) fn same(one: &SourceFigures, other: &SourceFigures) -> bool {
    (one.ballots, one.invalid, &one.votes) == (other.ballots, other.invalid, &other.votes)
}

pub(super) fn tally_of(tally: &CorrectedTally) -> ContestTally {
    ContestTally {
        contest: tally.contest.clone(),
        ballots: tally.ballots,
        invalid: tally.invalid,
        votes: tally.votes.clone(),
        preferences: tally.preferences.clone(),
    }
}
