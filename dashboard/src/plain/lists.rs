//! The public lists, page by page.

use election::UnitId;

use super::{
    Sheet,
    html::{Cell, Link},
    precinct::{report_type, verdict},
};
use crate::{
    address::{List, PRECINCT, place, unit_title},
    language::{Words, clock},
    problem::Problem,
    query::Query,
};

/// Rows on one page.
const ROWS: usize = 200;

const WHERE: Words = ["Жер", "Место", "Place"];
const VOTERS: Words = ["Шайлоочулар", "Избиратели", "Voters"];
const RECEIVED: Words = ["Урналар", "Урны", "Urns reported"];
const REPORT: Words = ["Билдирүү", "Сообщение", "Report"];
const WHY: Words = ["Себеби", "Причина", "Why"];
const ARRIVED: Words = ["Келди", "Поступило", "Arrived"];
const DECISION: Words = ["Чечим", "Решение", "Decision"];
const TIME: Words = ["Убакыт", "Время", "Time"];
const BY: Words = ["Ким чечти", "Кто решил", "Decided by"];
const NEXT: Words = ["Кийинки", "Далее", "Next"];
const PREVIOUS: Words = ["Мурунку", "Назад", "Previous"];
const EMPTY: Words = ["Тизме бош.", "Список пуст.", "The list is empty."];

/// Precincts that have not reported, by number.
pub(super) async fn missing(sheet: &mut Sheet<'_>, query: &Query) -> Result<(), Problem> {
    let app = sheet.app;
    let all = app.ask(app.inquiry.missing()).await?;
    let definition = app.definition();
    let language = sheet.language;
    let (from, here) = page(query, &all);
    let rows = here.iter().map(|entry| {
        let at = definition.precincts().get(&entry.precinct);
        let place = at.map(|of| place(of, language)).unwrap_or_default();
        let unit = UnitId::Precinct(entry.precinct);
        vec![
            Cell::Link(sheet.unit_link(&unit, entry.precinct.to_string())),
            Cell::Text(format!("{place}, {}", unit_title(definition, &entry.parent, language))),
            Cell::Number(language.count(entry.registered)),
            Cell::Number(format!("{} / {}", entry.urns_reported, entry.urns)),
        ]
    });
    let rows = rows.collect();
    let heads = [PRECINCT, WHERE, VOTERS, RECEIVED].map(|words| language.word(words));
    write(sheet, List::Missing, &heads, rows, from, all.len());
    Ok(())
}

/// Reports that are or were kept back, in the order of the journal.
pub(super) async fn quarantine(sheet: &mut Sheet<'_>, query: &Query) -> Result<(), Problem> {
    let app = sheet.app;
    let all = app.ask(app.inquiry.quarantine()).await?;
    let language = sheet.language;
    let zone = &app.definition().about().timezone;
    let (from, here) = page(query, &all);
    let rows = here.iter().map(|entry| {
        let codes: Vec<&str> = entry.codes.iter().map(|code| code.as_str()).collect();
        let ruled = entry
            .ruled
            .as_ref()
            .map(|ruled| format!(": {} ({})", ruled.reason, ruled.by))
            .unwrap_or_default();
        vec![
            Cell::Link(sheet.unit_link(&UnitId::Precinct(entry.precinct), entry.precinct.to_string())),
            Cell::Text(format!("{} {}", entry.device, language.word(report_type(entry.report_type)))),
            Cell::Text(codes.join(" ")),
            Cell::Number(clock(entry.arrived, zone)),
            Cell::Text(format!("{}{ruled}", language.word(verdict(entry.verdict)))),
        ]
    });
    let rows = rows.collect();
    let heads = [PRECINCT, REPORT, WHY, ARRIVED, DECISION].map(|words| language.word(words));
    write(sheet, List::Quarantine, &heads, rows, from, all.len());
    Ok(())
}

/// Decisions that changed published figures. What they were and are is in the JSON beside.
pub(super) fn corrections(sheet: &mut Sheet<'_>) {
    let app = sheet.app;
    let all = app.feed.corrections();
    let language = sheet.language;
    let zone = &app.definition().about().timezone;
    let rows = all.iter().rev().take(ROWS).map(|of| {
        let of = &of.correction;
        vec![
            Cell::Link(sheet.unit_link(&UnitId::Precinct(of.precinct), of.precinct.to_string())),
            Cell::Number(clock(of.at, zone)),
            Cell::Text(of.decision.act.name().to_owned()),
            Cell::Text(of.decision.reason.to_string()),
            Cell::Text(of.decision.by.to_string()),
        ]
    });
    let rows = rows.collect();
    let heads = [PRECINCT, TIME, DECISION, WHY, BY].map(|words| language.word(words));
    write(sheet, List::Corrections, &heads, rows, 0, all.len().min(ROWS));
}

/// The rows of the page that is asked for, and how many stand before them.
fn page<'a, T>(query: &Query, all: &'a [T]) -> (usize, &'a [T]) {
    let page = query.read::<usize>("page").ok().flatten().unwrap_or(1).clamp(1, all.len() / ROWS + 1);
    let from = (page - 1) * ROWS;
    (from, all.get(from..all.len().min(from + ROWS)).unwrap_or_default())
}

fn write(sheet: &mut Sheet<'_>, list: List, heads: &[&str], rows: Vec<Vec<Cell>>, from: usize, all: usize) {
    if rows.is_empty() {
        let text = sheet.word(EMPTY);
        sheet.html.text("p", text);
        return;
    }
    let to = from + rows.len();
    let caption =
        format!("{}: {}–{} / {}", sheet.word(list.title()), from + 1, to, sheet.language.count(all as u64));
    sheet.html.table(&caption, heads, rows);
    let at = from / ROWS + 1;
    let href = |page: usize| format!("{}&page={page}", sheet.href(&format!("/{}", list.path())));
    let mut links = Vec::new();
    if from > 0 {
        links.push(Link::to(href(at - 1), sheet.word(PREVIOUS)));
    }
    if to < all {
        links.push(Link::to(href(at + 1), sheet.word(NEXT)));
    }
    sheet.html.links(links.iter());
}
