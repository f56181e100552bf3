//! What is voted on, where, by how many, and which devices count it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    ids::{ContestId, DeviceId, ElectionId, OptionId, PrecinctId, UnitId},
    report::Digest,
    rules::Limits,
    seats::SeatRules,
    time::Timestamp,
};

/// A name in the three languages of the country.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Kyrgyz.
    pub ky: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

/// A whole election, checked. Built by [`crate::builder::Builder`] alone, so every reference in it holds.
#[derive(Debug, Clone)]
pub struct Definition {
    pub(crate) about: About,
    pub(crate) digest: Digest,
    pub(crate) contests: Vec<Contest>,
    pub(crate) contest_index: BTreeMap<ContestId, ContestIx>,
    pub(crate) units: BTreeMap<UnitId, Unit>,
    pub(crate) precincts: BTreeMap<PrecinctId, Precinct>,
    pub(crate) devices: BTreeMap<DeviceId, Device>,
}

/// What `election.toml` says of the election as a whole.
#[derive(Debug, Clone)]
pub struct About {
    /// Id.
    pub id: ElectionId,
    /// Name.
    pub name: Names,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// IANA name of the time zone at home.
    pub timezone: String,
    /// Polls open at home.
    pub polls_open: Timestamp,
    /// Polls close at home.
    pub polls_close: Timestamp,
    /// No vote leaves the system before.
    pub publish_votes_from: Timestamp,
    /// Such as `parliamentary`.
    pub kind: String,
    /// A rehearsal: every frame and screen says so.
    pub test: bool,
    /// Lower bounds of the age bands of turnout.
    pub age_bands: Vec<u8>,
    /// Licence of the published data (SPDX id).
    pub data_licence: String,
    /// Limits of the rules.
    pub limits: Limits,
}

/// Position of a contest in [`Definition::contests`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContestIx(pub u16);

/// Position of an option in its contest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OptionIx(pub u16);

/// A contest that reports can name: a country-wide one, or that of one district.
#[derive(Debug, Clone)]
pub struct Contest {
    /// `list`, `single:12`.
    pub id: ContestId,
    /// The declaration in `election.toml` it comes from: `list`, `single`.
    pub of: ContestId,
    /// How it is decided.
    pub kind: ContestKind,
    /// Name.
    pub name: Names,
    /// `country`, or the district.
    pub unit: UnitId,
    /// Seats to fill.
    pub seats: u32,
    /// `hare`, `dhondt`, `sainte-lague`, `plurality`, `majority`.
    pub method: Method,
    /// Share that a list needs to enter.
    pub threshold: Threshold,
    /// Denominator of every percentage.
    pub share_of: ShareOf,
    /// Most seats that one list may take.
    pub seat_cap: Option<u32>,
    /// What the law leaves room for.
    pub rules: SeatRules,
    /// What can be voted for, in ballot order.
    pub options: Vec<ContestOption>,
}

impl Contest {
    /// Where an option stands in this contest.
    pub fn option(&self, id: &OptionId) -> Option<OptionIx> {
        let at = self.options.iter().position(|option| option.id == *id)?;
        u16::try_from(at).ok().map(OptionIx)
    }

    /// The option at a position in this contest.
    pub fn at(&self, ix: OptionIx) -> Option<&ContestOption> {
        self.options.get(usize::from(ix.0))
    }

    /// Where the preference votes of a name stand in [`crate::figures::Preferences`]: lists in ballot order,
    /// on each the names by number. `None` where the list has no such number.
    pub fn preference(&self, ix: OptionIx, number: u32) -> Option<usize> {
        let at = usize::from(ix.0);
        let before: usize = self.options.get(..at)?.iter().map(|option| option.candidates.len()).sum();
        let names = &self.options.get(at)?.candidates;
        names.iter().position(|name| name.number == number).map(|place| before + place)
    }
}

/// The kinds of DOMAIN "Contests".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContestKind {
    /// Party lists in one national constituency.
    ProportionalOpenList,
    /// Most votes wins.
    SingleMember,
    /// One vote, several seats.
    MultiMember,
    /// Absolute majority, or a second round.
    Presidential,
    /// Yes or no.
    Referendum,
    /// City council lists.
    Council,
}

/// How seats follow from votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Hare quota, largest remainders.
    Hare,
    /// Divisors 1, 2, 3 …
    Dhondt,
    /// Divisors 1, 3, 5 …
    SainteLague,
    /// The first ones.
    Plurality,
    /// More than half.
    Majority,
}

/// Shares that are needed, in hundredths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Threshold {
    /// That a list needs of all votes of its contest.
    pub national: Option<u32>,
    /// That a list needs in each region.
    pub regional: Option<u32>,
    /// Ballots of registered voters without which a contest decides nothing (referendum).
    pub turnout: Option<u32>,
}

/// Denominator of a contest's percentages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareOf {
    /// All ballots, valid and invalid.
    VotesCast,
    /// Valid ballots.
    ValidVotes,
}

/// Something that can be voted for.
#[derive(Debug, Clone)]
pub struct ContestOption {
    /// Id, unique in the contest.
    pub id: OptionId,
    /// Number on the ballot.
    pub number: Option<u32>,
    /// Party, candidate, …
    pub kind: OptionKind,
    /// Name.
    pub name: Names,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// Of a candidate.
    pub sex: Option<Sex>,
    /// A candidate's party, as text.
    pub party: Option<String>,
    /// On the ballot, or withdrawn after it was printed.
    pub status: OptionStatus,
    /// The names on a list.
    pub candidates: Vec<ListCandidate>,
}

/// `kind` of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// A party's list.
    Party,
    /// A person.
    Candidate,
    /// Against all.
    AgainstAll,
    /// Of a referendum.
    Yes,
    /// Of a referendum.
    No,
}

/// Of a candidate, for quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// Woman.
    F,
    /// Man.
    M,
}

/// Whether an option or candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionStatus {
    /// Stands.
    Active,
    /// Withdrew after the ballots were printed; votes are kept and shown apart.
    Withdrawn,
}

/// A name on a party's list.
#[derive(Debug, Clone)]
pub struct ListCandidate {
    /// Number on the list; there may be gaps.
    pub number: u32,
    /// Name.
    pub name: Names,
    /// For the quota.
    pub sex: Sex,
    /// Whether they stand.
    pub status: OptionStatus,
}

/// A unit above precincts.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Id.
    pub id: UnitId,
    /// The unit above; `None` for the country.
    pub parent: Option<UnitId>,
    /// Name; `None` for `country` and `abroad`, whose names are the reader's language's.
    pub name: Option<Names>,
}

/// A precinct and what is voted there.
#[derive(Debug, Clone)]
pub struct Precinct {
    /// Official number.
    pub id: PrecinctId,
    /// Its raion, or `abroad`.
    pub parent: UnitId,
    /// How it reports.
    pub counting: Counting,
    /// Voters on its list, the base of turnout.
    pub registered: Count,
    /// Degrees east, north.
    pub position: Option<(f64, f64)>,
    /// Name of the place.
    pub name: PlaceName,
    /// Street address.
    pub address: String,
    /// Telephone of the commission.
    pub phone: String,
    /// Polls close here.
    pub polls_close: Timestamp,
    /// What is voted here, and by how many, in the order of [`Definition::contests`].
    pub contests: Vec<PrecinctContest>,
}

impl Precinct {
    /// Registered voters of a contest here; `None` where it is not voted.
    pub fn registered_for(&self, contest: ContestIx) -> Option<Count> {
        self.contests.iter().find(|here| here.contest == contest).map(|here| here.registered)
    }
}

/// Name of a polling place in the two languages of its address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceName {
    /// Kyrgyz.
    pub ky: String,
    /// Russian.
    pub ru: String,
}

/// A row of `precinct_contests.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrecinctContest {
    /// Which contest.
    pub contest: ContestIx,
    /// Who may vote in it here.
    pub registered: Count,
}

/// How a precinct's first result comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counting {
    /// By its urns.
    Urn,
    /// By the commission's protocol alone.
    Manual,
}

/// A registered device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Id.
    pub id: DeviceId,
    /// Urn or ID terminal.
    pub kind: DeviceKind,
    /// Where it stands; a spare may have none yet.
    pub precinct: Option<PrecinctId>,
    /// The contests an urn counts; empty: all of its precinct's.
    pub contests: Vec<ContestIx>,
    /// Ed25519 public key; `None` before it is provisioned.
    pub public_key: Option<[u8; 32]>,
    /// In use, in reserve, or shut out.
    pub status: DeviceStatus,
    /// The device whose place it takes.
    pub replaces: Option<DeviceId>,
}

/// What a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Scans and counts ballots.
    Urn,
    /// Identifies voters.
    IdTerminal,
}

impl DeviceKind {
    /// As it is written in election files and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urn => "urn",
            Self::IdTerminal => "id_terminal",
        }
    }
}

/// Whether a device may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceStatus {
    /// In use.
    Active,
    /// In reserve.
    Spare,
    /// Shut out.
    Revoked,
}

impl Definition {
    /// The election as a whole.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// SHA-256 over the election files: record 0 of the journal.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Every contest that reports may name.
    pub fn contests(&self) -> &[Contest] {
        &self.contests
    }

    /// The contest at a position that this definition gave out.
    pub fn contest(&self, ix: ContestIx) -> &Contest {
        &self.contests[usize::from(ix.0)]
    }

    /// Where a contest stands.
    pub fn contest_ix(&self, id: &ContestId) -> Option<ContestIx> {
        self.contest_index.get(id).copied()
    }

    /// Units above precincts, `country` and `abroad` included.
    pub fn units(&self) -> &BTreeMap<UnitId, Unit> {
        &self.units
    }

    /// All precincts.
    pub fn precincts(&self) -> &BTreeMap<PrecinctId, Precinct> {
        &self.precincts
    }

    /// All devices.
    pub fn devices(&self) -> &BTreeMap<DeviceId, Device> {
        &self.devices
    }

    /// The units above a precinct into which its figures are added: raion and region or `abroad`, the
    /// districts whose contests are voted there, and the country last.
    pub fn path(&self, precinct: &Precinct) -> Vec<UnitId> {
        let mut path = vec![precinct.parent.clone()];
        if let Some(raion) = self.units.get(&precinct.parent)
            && let Some(region @ UnitId::Region(_)) = &raion.parent
        {
            path.push(region.clone());
        }
        for here in &precinct.contests {
            let unit = &self.contest(here.contest).unit;
            if *unit != UnitId::Country && !path.contains(unit) {
                path.push(unit.clone());
            }
        }
        path.push(UnitId::Country);
        path
    }

    /// Registered voters of all precincts.
    pub fn registered(&self) -> Count {
        Count::checked_sum(self.precincts.values().map(|precinct| precinct.registered))
            .unwrap_or(Count::new(u64::MAX))
    }
}
