//! `options.csv` and `list_candidates.csv`: who can be voted for.

use super::{
    names::People,
    parties::{AGAINST_ALL_COLOR, PARTIES, against_all},
    tables::Table,
};
use crate::{base::Names, districts::DISTRICTS, error::GeodataError, seed::Stream};

/// Places on a list. Numbers may have gaps.
const LIST_PLACES: usize = 54;

/// Muted colours of candidates who nominated themselves: in one district each has another.
const SELF_NOMINATED: [&str; 6] = ["#7d858c", "#a08c7a", "#6f7f78", "#8f8297", "#98a0a6", "#857a6b"];

/// Who nominated the candidates of a district, as indices of parties: no party names two. About one in four
/// nominated themselves.
fn nominations(candidates: usize, stream: &mut Stream) -> Vec<Option<usize>> {
    let mut parties: Vec<usize> = (0..PARTIES.len()).collect();
    stream.shuffle(&mut parties);
    let mut selves = 0;
    let nominated = parties.into_iter().take(candidates).map(|party| {
        let by_self = selves < SELF_NOMINATED.len() && stream.below(100) < 25;
        selves += usize::from(by_self);
        (!by_self).then_some(party)
    });
    nominated.collect()
}

/// The options of both contests.
pub(crate) fn options(people: &mut People, seed: u64) -> Result<Vec<u8>, GeodataError> {
    let header = [
        "contest", "option", "number", "kind", "name_ky", "name_ru", "name_en", "color", "sex", "party",
        "status",
    ];
    let mut table = Table::new("options.csv", &header)?;
    let mut row = |contest: &str, option: &str, number: usize, kind: &str, names: &Names, rest: [&str; 3]| {
        let (number, [color, sex, party]) = (number.to_string(), rest);
        table.row(&[
            contest, option, &number, kind, &names.ky, &names.ru, &names.en, color, sex, party, "active",
        ])
    };
    let none = [AGAINST_ALL_COLOR, "", ""];
    for (index, party) in PARTIES.iter().enumerate() {
        let number = index + 1;
        row("list", &format!("p{number:02}"), number, "party", &party.names(), [party.color, "", ""])?;
    }
    row("list", "none", PARTIES.len() + 1, "against_all", &against_all(), none)?;
    let mut stream = Stream::new(seed, "candidates");
    let mut nominating = Stream::new(seed, "nominations");
    for district in 1..=DISTRICTS {
        let contest = format!("single:{district}");
        let count = 4 + stream.below(9);
        let mut muted = SELF_NOMINATED.iter();
        for (number, party) in (1..).zip(nominations(count, &mut nominating)) {
            let person = people.next(stream.below(100) < 30);
            let (color, party) = match party {
                Some(party) => (PARTIES[party].color, format!("p{:02}", party + 1)),
                None => (muted.next().copied().unwrap_or_default(), String::new()),
            };
            let option = format!("c{number:02}");
            row(&contest, &option, number, "candidate", &person.names, [color, person.sex, &party])?;
        }
        row(&contest, "none", count + 1, "against_all", &against_all(), none)?;
    }
    table.finish()
}

/// The names on every party's list: 54 numbers, some of them empty; of any ten names at least three are women's.
pub(crate) fn list_candidates(people: &mut People, seed: u64) -> Result<Vec<u8>, GeodataError> {
    let header = ["contest", "option", "number", "name_ky", "name_ru", "name_en", "sex", "status"];
    let mut table = Table::new("list_candidates.csv", &header)?;
    let mut stream = Stream::new(seed, "lists");
    for party in 1..=PARTIES.len() {
        let option = format!("p{party:02}");
        let gaps: Vec<usize> = (0..stream.below(5)).map(|_| 6 + stream.below(LIST_PLACES - 6)).collect();
        let mut women: Vec<bool> = Vec::new();
        for number in 1..=LIST_PLACES {
            if women.is_empty() {
                women = (0..10).map(|place| place < 3 + party % 2).collect();
                stream.shuffle(&mut women);
            }
            let person = people.next(women.pop().unwrap_or(false));
            if !gaps.contains(&number) {
                let (names, number) = (&person.names, number.to_string());
                table.row(&[
                    "list", &option, &number, &names.ky, &names.ru, &names.en, person.sex, "active",
                ])?;
            }
        }
    }
    table.finish()
}
