//! One precinct: its figures, and the signed reports that they are made of.

use election::{
    PrecinctId, UnitId,
    definition::DeviceKind,
    report::{ReportType, Verdict},
};

use super::{
    Sheet, figures,
    html::{Cell, Link},
};
use crate::{
    address::place,
    language::{Words, clock},
    problem::Problem,
};

const REPORTS: Words = ["Кол коюлган билдирүүлөр", "Подписанные сообщения", "Signed reports"];
const DEVICE: Words = ["Жабдуу", "Устройство", "Device"];
const REPORT: Words = ["Билдирүү", "Сообщение", "Report"];
const ARRIVED: Words = ["Келди", "Поступило", "Arrived"];
const VERDICT: Words = ["Чечим", "Решение", "Verdict"];
const BYTES: Words = ["Кол коюлган байттар", "Подписанные байты", "Signed bytes"];
const NONE: Words = ["Билдирүү келе элек.", "Сообщений ещё не было.", "No report has arrived yet."];
const WITHHELD: Words = ["эмбаргодон кийин", "после эмбарго", "after the embargo"];

/// # Errors
/// When the actors do not answer in time.
pub(super) async fn write(sheet: &mut Sheet<'_>, id: PrecinctId) -> Result<(), Problem> {
    let definition = sheet.app.definition().clone();
    let unknown = || Problem::not_found(format!("there is no precinct {id} in this election"));
    let precinct = definition.precincts().get(&id).ok_or_else(unknown)?;
    let language = sheet.language;
    sheet.html.text("p", &[place(precinct, language), precinct.address.clone()].join(" · "));
    let above = definition.path(precinct);
    let above: Vec<Link> = above
        .iter()
        .filter(|unit| **unit != UnitId::Country)
        .map(|unit| sheet.unit_link(unit, crate::address::unit_title(&definition, unit, language)))
        .collect();
    sheet.html.links(above.iter());
    figures::summary(sheet, &UnitId::Precinct(id))?;
    let app = sheet.app;
    let detail = app.ask(app.inquiry.precinct(id)).await?.ok_or_else(unknown)?;
    let (title, none) = (sheet.word(REPORTS), sheet.word(NONE));
    sheet.html.text("h2", title);
    if detail.reports.is_empty() {
        sheet.html.text("p", none);
        return Ok(());
    }
    let about = definition.about();
    let votes = sheet.latest.version().votes();
    let rows = detail.reports.iter().map(|(device, kind, report)| {
        let codes: Vec<String> = report.codes.iter().map(|code| code.as_str().to_owned()).collect();
        let file = format!("/api/v1/elections/{}/precincts/{id}/reports/{}.cose", about.id, report.offset.0);
        let held = !votes && carries_votes(report.report_type, *kind);
        vec![
            Cell::Text(device.to_string()),
            Cell::Text(language.word(report_type(report.report_type)).to_owned()),
            Cell::Number(clock(report.arrived, &about.timezone)),
            Cell::Text([vec![language.word(verdict(report.verdict)).to_owned()], codes].concat().join(" ")),
            if held {
                Cell::Text(language.word(WITHHELD).to_owned())
            } else {
                Cell::Link(Link::to(file, report.digest.to_string().chars().take(12).collect::<String>()))
            },
        ]
    });
    let heads = [DEVICE, REPORT, ARRIVED, VERDICT, BYTES].map(|words| language.word(words));
    sheet.html.table(title, &heads, rows.collect());
    Ok(())
}

/// An urn's opening is all zero; only its tally says how people voted.
fn carries_votes(of: ReportType, kind: DeviceKind) -> bool {
    of == ReportType::Tally && kind == DeviceKind::Urn
}

pub(super) fn report_type(of: ReportType) -> Words {
    match of {
        ReportType::Opening => ["ачылыш", "открытие", "opening"],
        ReportType::Turnout => ["катышуу", "явка", "turnout"],
        ReportType::Closing => ["жабылыш", "закрытие", "closing"],
        ReportType::Tally => ["урнанын жыйынтыгы", "итог урны", "final count"],
    }
}

pub(super) fn verdict(of: Verdict) -> Words {
    match of {
        Verdict::Accepted => ["кабыл алынды", "принято", "accepted"],
        Verdict::Held => ["мурункусун күтүүдө", "ждёт предыдущих", "held"],
        Verdict::Quarantined => ["текшерүүгө калтырылды", "отложено до проверки", "kept back"],
        Verdict::Rejected => ["четке кагылды", "отклонено", "rejected"],
        Verdict::Duplicate => ["кайталоо", "повтор", "duplicate"],
    }
}
