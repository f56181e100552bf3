//! What an address of the page is about: `/kg-demo/region/osh`, `/kg-demo/contest/single`, `/kg-demo/missing`.

use election::{
    Definition, UnitId,
    definition::{Contest, Precinct},
};

use crate::language::{Language, Words};

/// What a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A unit's figures.
    Unit(UnitId),
    /// A contest of the definition in the country.
    Contest(String),
    /// A public list.
    List(List),
    /// What is not made of figures.
    Page(Words),
}

/// The public lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Missing,
    Quarantine,
    Corrections,
}

impl List {
    pub(crate) const ALL: [Self; 3] = [Self::Missing, Self::Quarantine, Self::Corrections];

    /// As addresses name it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Quarantine => "quarantine",
            Self::Corrections => "corrections",
        }
    }

    pub(crate) fn title(self) -> Words {
        match self {
            Self::Missing => [
                "Маалымат түшө элек участкалар",
                "Участки, данные которых не поступили",
                "Precincts still missing",
            ],
            Self::Quarantine => ["Текшерүүгө калтырылды", "Отложено до проверки", "Reports kept back"],
            Self::Corrections => ["Оңдоолор", "Исправления", "Corrections"],
        }
    }
}

const ABROAD: Words = ["Чет өлкөдө", "За рубежом", "Abroad"];
pub(crate) const PRECINCT: Words = ["Участка", "Участок", "Precinct"];
const DISTRICT: Words = ["Округ", "Округ", "District"];
const COUNTRY: Words = ["Бүт өлкө", "Вся страна", "The whole country"];
/// Pages beside an election's figures, by the last part of their address.
const PAGES: [(&str, Words); 3] = [
    ("embed", ["Сайтка коюу", "Встроить на сайт", "Put it on your site"]),
    ("data", ["Маалыматтар жана API", "Данные и API", "Data and API"]),
    ("elections", ["Шайлоолордун архиви", "Архив выборов", "Archive of elections"]),
];

impl Subject {
    /// Of an address of the page. `None` where it is not of this election, or of nothing in it.
    pub(crate) fn of(definition: &Definition, path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        let first = parts.next().unwrap_or("");
        if let Some((_, title)) = PAGES.iter().find(|(page, _)| *page == first) {
            return Some(Self::Page(*title));
        }
        if !first.is_empty() && first != definition.about().id.as_str() {
            return None;
        }
        let (kind, name) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        if let Some((_, title)) = PAGES.iter().find(|(page, _)| *page == kind) {
            return Some(Self::Page(*title));
        }
        if let Some(list) = List::ALL.into_iter().find(|list| list.path() == kind) {
            return Some(Self::List(list));
        }
        match kind {
            "" => Some(Self::Unit(UnitId::Country)),
            "abroad" => Some(Self::Unit(UnitId::Abroad)),
            "contest" => group(definition, name).next().map(|_| Self::Contest(name.to_owned())),
            kind => unit(definition, &format!("{kind}:{name}")).map(Self::Unit),
        }
    }

    /// In the reader's language; empty of the country as a whole.
    pub(crate) fn title(&self, definition: &Definition, language: Language) -> String {
        match self {
            Self::Unit(UnitId::Country) => String::new(),
            Self::Unit(unit) => unit_title(definition, unit, language),
            Self::Contest(of) => group(definition, of)
                .next()
                .map(|contest| contest_title(contest, language))
                .unwrap_or_default(),
            Self::List(list) => language.word(list.title()).to_owned(),
            Self::Page(title) => language.word(*title).to_owned(),
        }
    }

    /// Its path after the election's id.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Unit(UnitId::Country) | Self::Page(_) => String::new(),
            Self::Unit(unit) => format!("/{}", unit.to_string().replace(':', "/")),
            Self::Contest(of) => format!("/contest/{of}"),
            Self::List(list) => format!("/{}", list.path()),
        }
    }
}

/// A unit of this election by its id.
pub(crate) fn unit(definition: &Definition, id: &str) -> Option<UnitId> {
    let unit: UnitId = id.parse().ok()?;
    let known = match &unit {
        UnitId::Precinct(id) => definition.precincts().contains_key(id),
        unit => definition.units().contains_key(unit),
    };
    known.then_some(unit)
}

/// The contests that one of the election files has become: itself, or one a district.
pub(crate) fn group<'a>(definition: &'a Definition, of: &'a str) -> impl Iterator<Item = &'a Contest> {
    definition.contests().iter().filter(move |contest| contest.of.as_str() == of)
}

/// What a unit is called; a precinct by number and place.
pub(crate) fn unit_title(definition: &Definition, unit: &UnitId, language: Language) -> String {
    match unit {
        UnitId::Country => language.word(COUNTRY).to_owned(),
        UnitId::Abroad => language.word(ABROAD).to_owned(),
        UnitId::Precinct(id) => {
            let number = format!("{} {id}", language.word(PRECINCT));
            let place = definition.precincts().get(id).map(|of| place(of, language)).unwrap_or_default();
            if place.is_empty() { number } else { format!("{number}, {place}") }
        }
        _ => {
            let name = definition.units().get(unit).and_then(|of| of.name.as_ref());
            match (unit, name.map(|name| language.name(name)).filter(|name| !name.is_empty())) {
                (_, Some(name)) => name.to_owned(),
                (UnitId::District(number), None) => format!("{} {number}", language.word(DISTRICT)),
                (unit, None) => unit.to_string(),
            }
        }
    }
}

pub(crate) fn contest_title(contest: &Contest, language: Language) -> String {
    language.name(&contest.name).to_owned()
}

/// A polling place's name; it has none in English.
pub(crate) fn place(precinct: &Precinct, language: Language) -> String {
    let name = &precinct.name;
    language.word([&name.ky, &name.ru, &name.ky]).to_owned()
}
