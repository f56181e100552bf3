//! `[[contest]]` of `election.toml`: what is declared, and which concrete contests follow from it.

use std::collections::BTreeMap;

use election::{
    ContestId, IdError, UnitId,
    definition::{ContestKind, Method, Names, ShareOf, Threshold},
    seats::{
        AgainstAll, OneSex, OutsidePremises, PreferenceTies, Rounding, SeatRules, Surplus, WithdrawnVotes,
    },
};

use crate::{
    document::{Section, Value},
    mistakes::quoted,
    near::meant,
};

const KINDS: [(&str, ContestKind); 6] = [
    ("proportional_open_list", ContestKind::ProportionalOpenList),
    ("single_member", ContestKind::SingleMember),
    ("multi_member", ContestKind::MultiMember),
    ("presidential", ContestKind::Presidential),
    ("referendum", ContestKind::Referendum),
    ("council", ContestKind::Council),
];
const METHODS: [(&str, Method); 5] = [
    ("hare", Method::Hare),
    ("dhondt", Method::Dhondt),
    ("sainte-lague", Method::SainteLague),
    ("plurality", Method::Plurality),
    ("majority", Method::Majority),
];
const SHARES: [(&str, ShareOf); 2] =
    [("votes_cast", ShareOf::VotesCast), ("valid_votes", ShareOf::ValidVotes)];
const SCOPES: [(&str, bool); 2] = [("country", false), ("district", true)];
const ROUNDINGS: [(&str, Rounding); 3] =
    [("up", Rounding::Up), ("down", Rounding::Down), ("nearest", Rounding::Nearest)];
const PREFERENCE_TIES: [(&str, PreferenceTies); 2] =
    [("lots", PreferenceTies::Lots), ("list-order", PreferenceTies::ListOrder)];
const ONE_SEX: [(&str, OneSex); 2] = [("vacant", OneSex::Vacant), ("waive", OneSex::Waive)];
const SURPLUS: [(&str, Surplus); 2] = [("redistribute", Surplus::Redistribute), ("vacant", Surplus::Vacant)];
const WITHDRAWN: [(&str, WithdrawnVotes); 2] =
    [("valid", WithdrawnVotes::Valid), ("excluded", WithdrawnVotes::Excluded)];
const AGAINST_ALL: [(&str, AgainstAll); 3] =
    [("first", AgainstAll::First), ("above", AgainstAll::Above), ("ignored", AgainstAll::Ignored)];
const OUTSIDE_PREMISES: [(&str, OutsidePremises); 2] =
    [("urns", OutsidePremises::Urns), ("protocols", OutsidePremises::Protocols)];

/// A `[[contest]]`.
pub(crate) struct Declaration {
    pub line: u64,
    pub id: ContestId,
    pub terms: Terms,
}

/// What a `[[contest]]` says beside its id.
pub(crate) struct Terms {
    pub kind: ContestKind,
    pub name: Names,
    /// Voted district by district, in contests of their own.
    pub by_district: bool,
    pub seats: u32,
    pub method: Method,
    pub threshold: Threshold,
    pub share_of: ShareOf,
    pub seat_cap: Option<u32>,
    pub rules: SeatRules,
}

/// Every `[[contest]]`, in order.
pub(crate) struct Declarations {
    pub list: Vec<Declaration>,
    /// Whether each has an id that can be read: otherwise an unknown contest may be the one that has not.
    pub whole: bool,
}

impl Declarations {
    /// What a reader of a CSV file that names a contest may go on with: nothing is known of the contests.
    pub fn unknown() -> Self {
        Self { list: Vec::new(), whole: false }
    }

    /// The contest that a text names, and the declaration it comes from. An error is empty where the mistake
    /// is told elsewhere.
    pub fn resolve(&self, text: &str) -> Result<ContestId, Option<String>> {
        let id: ContestId = text.parse().map_err(|error: IdError| Some(error.to_string()))?;
        let (of, district) = text.split_once(':').map_or((text, None), |(of, district)| (of, Some(district)));
        let declared = self.list.iter().find(|declared| declared.id.as_str() == of);
        match (declared, district) {
            (Some(declared), None) if declared.terms.by_district => {
                Err(Some(format!("contest {of} is voted by district: write {of}: and the district's number")))
            }
            (Some(declared), Some(_)) if !declared.terms.by_district => {
                Err(Some(format!("contest {of} has the scope country: write {of} alone")))
            }
            (Some(_), _) => Ok(id),
            (None, _) if !self.whole => Err(None),
            (None, _) => {
                let hint = meant(of, self.list.iter().map(|declared| declared.id.as_str()));
                Err(Some(format!("contest {of} is not declared in election.toml{hint}")))
            }
        }
    }

    /// Concrete contests in their final order: as declared, districts by number.
    pub fn order<'n>(
        &self,
        named: impl IntoIterator<Item = &'n ContestId>,
    ) -> Vec<(&Declaration, ContestId)> {
        let mut concrete = BTreeMap::new();
        for (at, declared) in self.list.iter().enumerate() {
            if !declared.terms.by_district {
                concrete.insert((at, 0, String::new()), (declared, declared.id.clone()));
            }
        }
        for id in named {
            let Some((of, district)) = id.as_str().split_once(':') else { continue };
            if let Some(at) = self.list.iter().position(|declared| declared.id.as_str() == of) {
                let number = district.parse::<u64>().unwrap_or(u64::MAX);
                concrete.insert((at, number, district.to_owned()), (&self.list[at], id.clone()));
            }
        }
        concrete.into_values().collect()
    }
}

/// The unit that a concrete contest decides for.
pub(crate) fn unit(contest: &ContestId) -> UnitId {
    let district = contest.as_str().split_once(':').and_then(|(_, district)| district.parse().ok());
    district.map_or(UnitId::Country, UnitId::District)
}

/// Reads every `[[contest]]`.
pub(crate) fn declarations(root: &mut Section<'_>) -> Declarations {
    let contests = root.needed("contest").and_then(|value| value.sections());
    let Some(contests) = contests else { return Declarations::unknown() };
    let mut declared = Declarations { list: Vec::new(), whole: true };
    for mut section in contests {
        let line = section.line();
        let named = section.needed("id").and_then(|value| Some((value.read(declared_id)?, value)));
        let terms = terms(&mut section);
        section.finish();
        let Some((id, value)) = named else {
            declared.whole = false;
            continue;
        };
        match declared.list.iter().find(|other| other.id == id) {
            Some(first) => value.tell(format!("contest {id} stands in line {} already", first.line)),
            None => declared.list.push(Declaration { line, id, terms }),
        }
    }
    declared
}

fn declared_id(text: &str) -> Result<ContestId, String> {
    if text.contains(':') {
        return Err(format!(
            "{} names a district: declare the contest once, for all districts",
            quoted(text)
        ));
    }
    text.parse().map_err(|error: IdError| error.to_string())
}

fn terms(section: &mut Section<'_>) -> Terms {
    let told = section.needed("kind").and_then(|value| value.word(&KINDS));
    let kind = told.unwrap_or(ContestKind::Presidential);
    let number = |value: Value<'_>| value.whole(1, 10_000).and_then(|number| u32::try_from(number).ok());
    let method = section.given("method").and_then(|value| value.word(&METHODS));
    let share_of = section.given("share_of").and_then(|value| value.word(&SHARES));
    let terms = Terms {
        kind,
        name: section.names("name"),
        by_district: section.given("scope").and_then(|value| value.word(&SCOPES)).unwrap_or(false),
        seats: section.given("seats").and_then(number).unwrap_or(1),
        method: method.unwrap_or(usual_method(kind)),
        threshold: threshold(section),
        share_of: share_of.unwrap_or(ShareOf::VotesCast),
        seat_cap: section.given("seat_cap").and_then(number),
        rules: rules(section),
    };
    match told {
        Some(_) => terms,
        // Any kind in the place of one that cannot be read lets the rest be checked, with terms that fit it.
        None => Terms {
            seats: 1,
            method: usual_method(kind),
            threshold: Threshold::default(),
            rules: SeatRules::default(),
            ..terms
        },
    }
}

fn usual_method(kind: ContestKind) -> Method {
    match kind {
        ContestKind::ProportionalOpenList | ContestKind::Council => Method::Hare,
        ContestKind::SingleMember | ContestKind::MultiMember | ContestKind::Referendum => Method::Plurality,
        ContestKind::Presidential => Method::Majority,
    }
}

fn threshold(section: &mut Section<'_>) -> Threshold {
    let Some(mut given) = section.given("threshold").and_then(|value| value.section()) else {
        return Threshold::default();
    };
    let mut share = |key| given.given(key).and_then(|value| value.percent());
    let threshold =
        Threshold { national: share("national"), regional: share("regional"), turnout: share("turnout") };
    given.finish();
    threshold
}

/// What the law leaves room for; what is absent keeps its default.
fn rules(section: &mut Section<'_>) -> SeatRules {
    let mut rules = SeatRules::default();
    take(section, "seat_cap_surplus", &SURPLUS, &mut rules.surplus);
    take(section, "withdrawn_votes", &WITHDRAWN, &mut rules.withdrawn_votes);
    take(section, "outside_premises", &OUTSIDE_PREMISES, &mut rules.outside_premises);
    rules.against_all = section.given("against_all").and_then(|value| value.word(&AGAINST_ALL));
    let Some(mut quotas) = section.given("quotas").and_then(|value| value.section()) else { return rules };
    rules.women_share = quotas.given("women_share").and_then(|value| value.percent());
    take(&mut quotas, "women_rounding", &ROUNDINGS, &mut rules.women_rounding);
    take(&mut quotas, "preference_ties", &PREFERENCE_TIES, &mut rules.preference_ties);
    let most = quotas.given("max_one_sex").and_then(|value| value.whole(1, 10_000));
    rules.max_one_sex = most.and_then(|most| u32::try_from(most).ok());
    take(&mut quotas, "one_sex_district", &ONE_SEX, &mut rules.one_sex_district);
    quotas.finish();
    rules
}

/// One of a few words, where the key is given.
fn take<T: Copy>(section: &mut Section<'_>, key: &'static str, words: &[(&str, T)], into: &mut T) {
    if let Some(value) = section.given(key).and_then(|value| value.word(words)) {
        *into = value;
    }
}
