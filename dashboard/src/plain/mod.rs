//! The main pages as plain tables, for readers without script: the figures of the newest version, in the page's shell.
//!
//! Figures are read back from the bytes that were published, so that embargo and guard hold for them by themselves.

mod figures;
pub(crate) mod html;
mod lists;
mod precinct;

use bytes::Bytes;
use election::UnitId;
use feed::Latest;

use crate::{
    address::{List, Subject},
    language::{Language, Words, clock},
    problem::Problem,
    query::Query,
    state::App,
};
use html::{Html, Link};

const SIMULATION: Words = [
    "Тесттик маалымат: партиялар, добуштар жана шайлоочулар ойдон чыгарылган. Бул шайлоонун жыйынтыгы эмес.",
    "Тестовые данные: партии, голоса и избиратели вымышлены. Итогами выборов это не является.",
    "Simulation: invented parties, votes and voters. Nothing here is a result.",
];
const PRELIMINARY: Words = ["Алдын ала маалымат", "Предварительные данные", "Preliminary"];
const TIME: Words = ["Маалыматтын убактысы", "По состоянию на", "As of"];
const STALLED: Words = [
    "Жарыялоо токтоп турат: бардык текшерүүдөн өткөн акыркы версия көрсөтүлүүдө.",
    "Публикация приостановлена: показана последняя версия, прошедшая все проверки.",
    "Publication stands still: the last version that passed all checks is shown.",
];
const DATA: Words = ["Маалыматтар", "Данные", "Data"];
const COUNTRY: Words = ["Бүт өлкө", "Вся страна", "The whole country"];
const APPROXIMATE: Words = [
    "Райондордун чек аралары болжолдуу.",
    "Границы районов приблизительны.",
    "Raion boundaries are approximate.",
];

/// One page being written: in which language, of which version.
pub(super) struct Sheet<'a> {
    pub app: &'a App,
    pub language: Language,
    pub latest: &'a Latest,
    pub html: Html,
}

impl Sheet<'_> {
    pub(super) fn word<'a>(&self, words: [&'a str; 3]) -> &'a str {
        self.language.word(words)
    }

    pub(super) fn count(&self, value: u64) -> String {
        self.language.count(value)
    }

    /// An address within the election, in the same language.
    pub(super) fn href(&self, path: &str) -> String {
        format!("/{}{path}?lang={}", self.app.definition().about().id, self.language.code())
    }

    pub(super) fn unit_link(&self, unit: &UnitId, text: String) -> Link {
        Link::to(self.href(&Subject::Unit(unit.clone()).path()), text)
    }

    /// The unit as it was published.
    pub(super) fn unit(&self, id: &UnitId) -> Result<Bytes, Problem> {
        self.latest.unit(id).ok_or_else(|| Problem::not_found(format!("there is no unit {id}")))
    }
}

/// The page at an address, for the element that the program takes over.
///
/// # Errors
/// When the count does not answer, or the published bytes cannot be read back.
pub(crate) async fn page(
    app: &App,
    subject: &Subject,
    query: &Query,
    language: Language,
) -> Result<String, Problem> {
    let latest = app.latest();
    let mut sheet = Sheet { app, language, latest: &latest, html: Html::default() };
    head(&mut sheet, subject);
    match subject {
        Subject::Unit(UnitId::Precinct(id)) => precinct::write(&mut sheet, *id).await?,
        Subject::Unit(unit) => figures::unit(&mut sheet, unit)?,
        Subject::Contest(of) => figures::contest(&mut sheet, of)?,
        Subject::List(List::Missing) => lists::missing(&mut sheet, query).await?,
        Subject::List(List::Quarantine) => lists::quarantine(&mut sheet, query).await?,
        Subject::List(List::Corrections) => lists::corrections(&mut sheet),
        Subject::Page(_) => {}
    }
    foot(&mut sheet, subject);
    Ok(sheet.html.end())
}

/// The results of one contest in one unit, as small as a frame on another page shows them.
pub(crate) fn frame(app: &App, unit: &UnitId, language: Language) -> Result<String, Problem> {
    let latest = app.latest();
    let mut sheet = Sheet { app, language, latest: &latest, html: Html::default() };
    let subject = Subject::Unit(unit.clone());
    marks(&mut sheet);
    figures::summary(&mut sheet, unit)?;
    let about = app.definition().about();
    let link = Link::to(sheet.href(&subject.path()), language.name(&about.name));
    sheet.html.links([link].iter()).text("p", &format!("{}: {}", language.word(DATA), about.data_licence));
    Ok(sheet.html.end())
}

fn head(sheet: &mut Sheet<'_>, subject: &Subject) {
    let definition = sheet.app.definition();
    let about = definition.about();
    let title = subject.title(definition, sheet.language);
    let name = sheet.language.name(&about.name).to_owned();
    let home = Link::to(sheet.href(""), sheet.word(COUNTRY));
    let lists =
        List::ALL.map(|list| Link::to(sheet.href(&format!("/{}", list.path())), sheet.word(list.title())));
    let path = subject.path();
    let languages = Language::ALL
        .map(|each| Link::to(format!("/{}{path}?lang={}", about.id, each.code()), each.own_name()));
    sheet.html.text("h1", if title.is_empty() { &name } else { &title });
    if !title.is_empty() {
        sheet.html.text("p", &name);
    }
    marks(sheet);
    sheet.html.links([home].iter().chain(&lists)).links(languages.iter());
}

/// What a reader must know of every figure here, and of when it is.
fn marks(sheet: &mut Sheet<'_>) {
    let about = sheet.app.definition().about();
    let version = sheet.latest.version();
    if about.test {
        let text = sheet.word(SIMULATION);
        sheet.html.text("strong", text);
    }
    let mut parts = vec![format!("{} {}", sheet.word(TIME), clock(version.at(), &about.timezone))];
    parts.push(sheet.word(status(version.status())).to_owned());
    if version.status() != feed::Status::Certified {
        parts.push(sheet.word(PRELIMINARY).to_owned());
    }
    sheet.html.text("p", &parts.join(" · "));
    if sheet.latest.stalled_since().is_some() {
        let text = sheet.word(STALLED);
        sheet.html.text("p", text);
    }
}

fn status(of: feed::Status) -> Words {
    match of {
        feed::Status::Pre => {
            ["Добуш берүү баштала элек", "Голосование ещё не началось", "Polls not yet open"]
        }
        feed::Status::Open => ["Добуш берүү жүрүп жатат", "Идёт голосование", "Polls are open"],
        feed::Status::Counting => ["Добуштар эсептелүүдө", "Идёт подсчёт голосов", "Votes are being counted"],
        feed::Status::Complete => [
            "Бардык участкалардан маалымат түштү",
            "Данные поступили со всех участков",
            "All precincts have reported",
        ],
        feed::Status::Certified => ["Натыйжалар бекитилди", "Результаты утверждены", "Results certified"],
    }
}

fn foot(sheet: &mut Sheet<'_>, subject: &Subject) {
    let about = sheet.app.definition().about();
    let base = format!("/api/v1/elections/{}", about.id);
    let licence = format!("{}: {}", sheet.word(DATA), about.data_licence);
    let links = match subject {
        Subject::List(list) => vec![Link::to(format!("{base}/{}", list.path()), "JSON")],
        Subject::Unit(unit) => vec![
            Link::to(format!("{base}/units/{unit}"), "JSON"),
            Link::to(format!("{base}/export/results.csv"), "CSV"),
            Link::to(
                format!("{base}/export/precincts.csv"),
                format!("CSV: {}", sheet.word(crate::address::PRECINCT)),
            ),
        ],
        Subject::Contest(_) | Subject::Page(_) => vec![Link::to(format!("{base}/results"), "JSON")],
    };
    let note = sheet.word(APPROXIMATE);
    sheet.html.links(links.iter()).text("small", &format!("{licence}. {note}"));
}
