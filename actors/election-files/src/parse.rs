//! Files → definition: the order of the steps, and the cross-checks told by line.

use std::collections::BTreeMap;

use election::{
    ContestId, Definition,
    builder::Builder,
    definition::{Contest, ContestIx, ContestKind, Device, PrecinctContest},
};

use crate::{
    about::{self, Head},
    boundaries,
    contests::{Declaration, Declarations},
    devices::{self, Devices, Listed},
    directory::{FileFacts, digest, facts},
    lines::Lines,
    mistakes::{Ledger, Mistake, Mistakes},
    options::{self, Options},
    precincts::{self, Precincts, Votings},
    units::{self, Units},
};

/// The files of an election, in the order of PROTOCOL §1, which is the order mistakes are told in.
pub(crate) const FILES: &[&str] = &[
    about::FILE,
    units::COLUMNS.file,
    precincts::COLUMNS.file,
    precincts::CONTESTS.file,
    options::COLUMNS.file,
    options::CANDIDATES.file,
    devices::COLUMNS.file,
    boundaries::LAYERS[0].1,
    boundaries::LAYERS[1].1,
    boundaries::LAYERS[2].1,
    boundaries::LAYERS[3].1,
];

/// An election without a mistake.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The election.
    pub definition: Definition,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Mistake>,
    /// The GeoJSON of `regions`, `raions`, `districts` and `precincts`, where it is given.
    pub boundaries: BTreeMap<String, Vec<u8>>,
    /// Every file that was read, by its name relative to the directory.
    pub files: BTreeMap<String, FileFacts>,
}

/// Makes a definition of files: names relative to the directory, with `/`, and their content.
///
/// # Errors
/// Every mistake in them.
pub fn parse(files: &BTreeMap<String, Vec<u8>>) -> Result<Loaded, Mistakes> {
    let ledger = Ledger::default();
    let parts = Parts::read(&ledger, files);
    let definition = parts.and_then(|parts| parts.define(&ledger, files));
    let (mistakes, warnings) = ledger.into_parts(FILES);
    match definition {
        Some(definition) if mistakes.is_empty() => {
            Ok(Loaded { definition, warnings, boundaries: layers(files), files: facts(files) })
        }
        _ => Err(Mistakes::new(mistakes)),
    }
}

fn layers(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let layer = |(name, file, _): (&str, &str, &str)| Some((name.to_owned(), files.get(file)?.clone()));
    boundaries::LAYERS.into_iter().filter_map(layer).collect()
}

/// What all files say, each checked by itself.
pub(crate) struct Parts {
    pub head: Head,
    pub units: Units,
    pub precincts: Precincts,
    pub votings: Votings,
    pub options: Options,
    pub devices: Devices,
}

impl Parts {
    /// Reads every file, so that every mistake is told. `None` when one is missing or part of it cannot be
    /// read: checking the others against it would only tell what follows from that.
    fn read(ledger: &Ledger, files: &BTreeMap<String, Vec<u8>>) -> Option<Self> {
        let file = |name: &str| {
            let bytes = files.get(name);
            if bytes.is_none() {
                ledger.tell(name, 1, "", "the file is missing");
            }
            bytes
        };
        let head = file(about::FILE).and_then(|bytes| about::read(ledger, bytes));
        let unknown = Declarations::unknown();
        let declared = head.as_ref().map_or(&unknown, |head| &head.contests);
        let units = file(units::COLUMNS.file).and_then(|bytes| units::read(ledger, bytes));
        let precincts = file(precincts::COLUMNS.file)
            .and_then(|bytes| precincts::read(ledger, bytes, head.as_ref(), units.as_ref()));
        let votings = file(precincts::CONTESTS.file)
            .and_then(|bytes| precincts::read_contests(ledger, bytes, declared, precincts.as_ref()));
        let mut options =
            file(options::COLUMNS.file).and_then(|bytes| options::read(ledger, bytes, declared));
        let listed = candidates(ledger, files, declared, options.as_mut());
        let devices = file(devices::COLUMNS.file)
            .and_then(|bytes| devices::read(ledger, bytes, declared, precincts.as_ref()));
        let (units, precincts, votings) = (units?, precincts?, votings?);
        let parts = Self { head: head?, units, precincts, votings, options: options?, devices: devices? };
        (listed && parts.whole()).then_some(parts)
    }

    fn whole(&self) -> bool {
        let named = self.head.contests.whole && self.options.whole;
        named && self.units.whole && self.precincts.whole && self.votings.whole && self.devices.whole
    }

    /// Puts the parts together and checks every reference between them.
    fn define(mut self, ledger: &Ledger, files: &BTreeMap<String, Vec<u8>>) -> Option<Definition> {
        let lines = Lines::new(&self);
        let (contests, index) = self.contests();
        self.place_votings(&index);
        let devices = self.devices.list.iter().map(|listed| device(ledger, listed, &index)).collect();
        let built = Builder {
            about: self.head.about,
            digest: digest(files),
            contests,
            units: self.units.list,
            precincts: self.precincts.list,
            devices,
        }
        .build();
        match built {
            Ok(definition) => {
                for doubt in definition.doubts() {
                    let (file, line) = lines.place(&doubt.subject, &doubt.what);
                    ledger.warn(file, line, "", doubt.what);
                }
                boundaries::check(ledger, files, &definition);
                Some(definition)
            }
            Err(mistakes) => {
                for told in mistakes.into_iter().filter(|told| !lines.follows(&told.subject, &self.votings)) {
                    let (file, line) = lines.place(&told.subject, &told.what);
                    ledger.tell(file, line, "", told.what);
                }
                None
            }
        }
    }

    /// The concrete contests, and where each stands.
    fn contests(&mut self) -> (Vec<Contest>, BTreeMap<ContestId, ContestIx>) {
        let voted = self.votings.list.iter().map(|voting| &voting.contest);
        let named: Vec<ContestId> = voted.chain(self.options.of.keys()).cloned().collect();
        let order = self.head.contests.order(&named);
        let contests: Vec<Contest> =
            order.into_iter().map(|(declared, id)| contest(declared, id, &mut self.options)).collect();
        // More contests than fit are told by the builder.
        let position =
            |(at, contest): (usize, &Contest)| Some((contest.id.clone(), ContestIx(u16::try_from(at).ok()?)));
        let index = contests.iter().enumerate().filter_map(position).collect();
        (contests, index)
    }

    fn place_votings(&mut self, index: &BTreeMap<ContestId, ContestIx>) {
        let mut of: BTreeMap<_, Vec<PrecinctContest>> = BTreeMap::new();
        for voting in &self.votings.list {
            if let Some(contest) = index.get(&voting.contest).copied() {
                of.entry(voting.precinct)
                    .or_default()
                    .push(PrecinctContest { contest, registered: voting.registered });
            }
        }
        for precinct in &mut self.precincts.list {
            precinct.contests = of.remove(&precinct.id).unwrap_or_default();
        }
    }
}

/// Reads `list_candidates.csv`, which an election without lists need not have.
fn candidates(
    ledger: &Ledger,
    files: &BTreeMap<String, Vec<u8>>,
    declared: &Declarations,
    options: Option<&mut Options>,
) -> bool {
    let file = options::CANDIDATES.file;
    let open_lists = declared.list.iter().any(|one| one.terms.kind == ContestKind::ProportionalOpenList);
    match files.get(file) {
        Some(bytes) => {
            let mut nothing = Options::unknown();
            options::read_candidates(ledger, bytes, declared, options.unwrap_or(&mut nothing)).is_some()
        }
        None => {
            if open_lists {
                ledger.warn(file, 1, "", "the file is missing: preference votes can have no names");
            }
            true
        }
    }
}

fn contest(declared: &Declaration, id: ContestId, options: &mut Options) -> Contest {
    let terms = &declared.terms;
    Contest {
        options: options.take(&id),
        unit: crate::contests::unit(&id),
        id,
        of: declared.id.clone(),
        kind: terms.kind,
        name: terms.name.clone(),
        seats: terms.seats,
        method: terms.method,
        threshold: terms.threshold,
        share_of: terms.share_of,
        seat_cap: terms.seat_cap,
        rules: terms.rules,
    }
}

fn device(ledger: &Ledger, listed: &Listed, index: &BTreeMap<ContestId, ContestIx>) -> Device {
    let contest = |id: &ContestId| {
        let ix = index.get(id).copied();
        if ix.is_none() {
            let what = format!("contest {id} stands neither in options.csv nor in precinct_contests.csv");
            ledger.tell(devices::COLUMNS.file, listed.line, "contests", what);
        }
        ix
    };
    Device {
        id: listed.id.clone(),
        kind: listed.kind,
        precinct: listed.precinct,
        contests: listed.contests.iter().filter_map(contest).collect(),
        public_key: listed.public_key,
        status: listed.status,
        replaces: listed.replaces.clone(),
    }
}
