//! Figures of units: who was identified, what has reported, how many votes.

use election::{
    UnitId,
    definition::{Contest as Ballot, OptionKind, OptionStatus, ShareOf},
};

use super::{Sheet, html::Cell};
use crate::{
    address::{contest_title, group, unit_title},
    api::export::published::{self, Contest, Source, Unit},
    language::{Words, clock},
    problem::Problem,
};

const REPORTED: Words = ["Маалымат түшкөн участкалар", "Участки с данными", "Precincts reported"];
const TURNOUT: Words = ["Катышуу", "Явка", "Turnout"];
const IDENTIFIED: Words =
    ["Идентификациядан өткөн шайлоочулар", "Идентифицированные избиратели", "Identified voters"];
const VOTERS: Words = ["Тизмедеги шайлоочулар", "Избиратели в списках", "Registered voters"];
const VOTES: Words = ["Добуштар", "Голоса", "Votes"];
const SHARE: Words = ["Үлүшү", "Доля", "Share"];
const OPTION: Words = ["Партия же талапкер", "Партия или кандидат", "Party or candidate"];
const BALLOTS: Words = ["Бюллетендер", "Бюллетени", "Ballots cast"];
const INVALID: Words = ["Жараксыз бюллетендер", "Недействительные бюллетени", "Invalid ballots"];
const URNS: Words = ["Урналар (АЭУ): алдын ала", "Урны (АСУ): предварительно", "Urns: preliminary"];
const PROTOCOLS: Words =
    ["Кол менен эсептөө: УШК протоколдору", "Ручной подсчёт: протоколы УИК", "Hand count: protocols"];
const UNIT: Words = ["Аймак", "Территория", "Unit"];
const LEADING: Words = ["Алдыда", "Лидирует", "Leading"];
const TIE: Words = ["тең", "равенство", "tie"];
const NOTHING: Words = ["Маалымат түшө элек.", "Данные ещё не поступали.", "Nothing has been reported yet."];
const WITHDRAWN: Words = ["алынды", "снят(а)", "withdrawn"];
const PARTS: Words = ["Бөлүктөрү боюнча", "По частям", "By its parts"];
const EMBARGO: Words = [
    "Добуштарды азырынча көрсөтүүгө болбойт. Алар чыга турган убакыт",
    "Голоса показывать ещё нельзя. Время их появления",
    "No votes may be shown yet. They will appear at",
];

/// A unit above precincts, and what it is made of.
pub(super) fn unit(sheet: &mut Sheet<'_>, id: &UnitId) -> Result<(), Problem> {
    summary(sheet, id)?;
    let definition = sheet.app.definition().clone();
    let parts: Vec<UnitId> = match id {
        UnitId::Country => {
            let regions = definition.units().keys().filter(|each| matches!(each, UnitId::Region(_)));
            regions
                .chain(definition.units().keys().filter(|each| **each == UnitId::Abroad))
                .cloned()
                .collect()
        }
        UnitId::Region(_) => {
            let raions = definition.units().values().filter(|each| each.parent.as_ref() == Some(id));
            raions.map(|each| each.id.clone()).collect()
        }
        _ => {
            let here =
                definition.precincts().values().filter(|precinct| definition.path(precinct).contains(id));
            here.map(|precinct| UnitId::Precinct(precinct.id)).collect()
        }
    };
    of_units(sheet, &parts, None)
}

/// A contest in the country; where each district has its own, all of them with who leads.
pub(super) fn contest(sheet: &mut Sheet<'_>, of: &str) -> Result<(), Problem> {
    let definition = sheet.app.definition().clone();
    let districts: Vec<UnitId> = group(&definition, of).map(|contest| contest.unit.clone()).collect();
    if districts.first() == Some(&UnitId::Country) {
        return unit(sheet, &UnitId::Country);
    }
    of_units(sheet, &districts, Some(of))
}

fn read(published: &[u8]) -> Result<Unit<'_>, Problem> {
    published::unit(published).map_err(|error| Problem::unavailable(error.to_string()))
}

/// What has reported, turnout, and every contest of a unit.
pub(super) fn summary(sheet: &mut Sheet<'_>, id: &UnitId) -> Result<(), Problem> {
    let published = sheet.unit(id)?;
    let unit = read(&published)?;
    let language = sheet.language;
    let reported = format!("{} / {}", sheet.count(unit.reported.precincts), sheet.count(unit.precincts));
    let row = |name: Words, figures: String, share: String| {
        vec![Cell::Text(language.word(name).to_owned()), Cell::Number(figures), Cell::Number(share)]
    };
    let turnout = &unit.turnout;
    let rows = vec![
        row(REPORTED, reported, language.percent(unit.reported.precincts, unit.precincts)),
        row(
            IDENTIFIED,
            sheet.count(turnout.identified),
            language.percent(turnout.identified, turnout.registered),
        ),
        row(VOTERS, sheet.count(unit.registered), String::new()),
    ];
    let caption = unit_title(sheet.app.definition(), id, language);
    sheet.html.table(&caption, &["", "", ""], rows);
    let definition = sheet.app.definition().clone();
    for ballot in definition.contests() {
        if let Some(count) = unit.contests.get(ballot.id.as_str()) {
            results(sheet, ballot, count);
        }
    }
    Ok(())
}

fn results(sheet: &mut Sheet<'_>, ballot: &Ballot, count: &Contest<'_>) {
    let title = contest_title(ballot, sheet.language);
    sheet.html.text("h2", &title);
    if count.urns.ballots.is_none() {
        let about = sheet.app.definition().about();
        let text = format!("{}: {}.", sheet.word(EMBARGO), clock(about.publish_votes_from, &about.timezone));
        sheet.html.text("p", &text);
        return;
    }
    let mut shown = false;
    for (words, source) in [(URNS, &count.urns), (PROTOCOLS, &count.protocols)] {
        if source.ballots.is_some_and(|ballots| ballots > 0) {
            shown = true;
            let reported = format!(
                "{}: {} / {}",
                sheet.word(REPORTED),
                sheet.count(source.precincts),
                sheet.count(count.precincts)
            );
            let caption = format!("{title}. {}. {reported}", sheet.word(words));
            votes(sheet, ballot, source, &caption);
        }
    }
    if !shown {
        let text = sheet.word(NOTHING);
        sheet.html.text("p", text);
    }
}

/// What percentages are of, by the contest's rule.
fn whole(ballot: &Ballot, source: &Source<'_>) -> u64 {
    let (ballots, invalid) = (source.ballots.unwrap_or(0), source.invalid.unwrap_or(0));
    let options = ballot.options.iter().enumerate().filter(|(at, _)| ballot.excludes(*at));
    let left_out = options.filter_map(|(_, option)| source.votes.get(option.id.as_str()));
    let ballots = left_out.fold(ballots, |ballots, votes| ballots.saturating_sub(*votes));
    match ballot.share_of {
        ShareOf::ValidVotes => ballots.saturating_sub(invalid),
        ShareOf::VotesCast => ballots,
    }
}

fn votes(sheet: &mut Sheet<'_>, ballot: &Ballot, source: &Source<'_>, caption: &str) {
    let language = sheet.language;
    let of = whole(ballot, source);
    let mut options: Vec<(u64, bool, &election::definition::ContestOption)> = ballot
        .options
        .iter()
        .enumerate()
        .map(|(at, option)| {
            (source.votes.get(option.id.as_str()).copied().unwrap_or(0), ballot.excludes(at), option)
        })
        .collect();
    options.retain(|(votes, _, option)| *votes > 0 || option.status == OptionStatus::Active);
    options
        .sort_by_key(|(votes, _, option)| (option.kind == OptionKind::AgainstAll, std::cmp::Reverse(*votes)));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (votes, left_out, option) in options {
        let mut name = language.name(&option.name).to_owned();
        if option.status == OptionStatus::Withdrawn {
            name = format!("{name} ({})", language.word(WITHDRAWN));
        }
        rows.push(vec![
            Cell::Text(name),
            Cell::Number(language.count(votes)),
            Cell::Number(if left_out { String::new() } else { language.percent(votes, of) }),
        ]);
    }
    for (name, figure) in [(BALLOTS, source.ballots), (INVALID, source.invalid)] {
        let figure = language.count(figure.unwrap_or(0));
        rows.push(vec![
            Cell::Text(language.word(name).to_owned()),
            Cell::Number(figure),
            Cell::Text(String::new()),
        ]);
    }
    sheet.html.table(caption, &[OPTION, VOTES, SHARE].map(|words| language.word(words)), rows);
}

/// Units one beneath the other: reported, turnout, and who leads on the ballot of `of`, or else on the country's.
fn of_units(sheet: &mut Sheet<'_>, units: &[UnitId], of: Option<&str>) -> Result<(), Problem> {
    if units.is_empty() {
        return Ok(());
    }
    let language = sheet.language;
    let definition = sheet.app.definition().clone();
    let mut rows = Vec::new();
    for id in units {
        let published = sheet.unit(id)?;
        let unit = read(&published)?;
        let ballot = definition.contests().iter().find(|ballot| {
            of.is_none_or(|of| ballot.of.as_str() == of) && unit.contests.contains_key(ballot.id.as_str())
        });
        let leader = ballot.and_then(|ballot| leader(sheet, ballot, &unit)).unwrap_or_default();
        let title = unit_title(&definition, id, language);
        rows.push(vec![
            Cell::Link(sheet.unit_link(id, title)),
            Cell::Number(format!(
                "{} / {}",
                sheet.count(unit.reported.precincts),
                sheet.count(unit.precincts)
            )),
            Cell::Number(language.percent(unit.turnout.identified, unit.turnout.registered)),
            Cell::Text(leader.0),
            Cell::Number(leader.1),
        ]);
    }
    let heads = [UNIT, REPORTED, TURNOUT, LEADING, SHARE].map(|words| language.word(words));
    sheet.html.table(language.word(PARTS), &heads, rows);
    Ok(())
}

/// Who leads by the urns, or where they have counted nothing by the protocols, and with what share.
fn leader(sheet: &Sheet<'_>, ballot: &Ballot, unit: &Unit<'_>) -> Option<(String, String)> {
    let count = unit.contests.get(ballot.id.as_str())?;
    let source = [&count.urns, &count.protocols]
        .into_iter()
        .find(|of| of.ballots.is_some_and(|ballots| ballots > 0))?;
    // Whoever withdrew and whose votes are in no share does not lead, however many they are.
    let standing = ballot.options.iter().enumerate().filter(|(at, _)| !ballot.excludes(*at));
    let counted = standing.filter_map(|(_, option)| Some((option, *source.votes.get(option.id.as_str())?)));
    let counted: Vec<_> = counted.filter(|(_, votes)| *votes > 0).collect();
    let most = counted.iter().map(|(_, votes)| *votes).max()?;
    let mut leading = counted.iter().filter(|(_, votes)| *votes == most).map(|(option, _)| option);
    let name = sheet.language.name(&leading.next()?.name).to_owned();
    let name = if leading.next().is_some() { sheet.word(TIE).to_owned() } else { name };
    Some((name, sheet.language.percent(most, whole(ballot, source))))
}
