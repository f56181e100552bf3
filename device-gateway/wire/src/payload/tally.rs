//! What an urn counted, and what an ID terminal counted: the bodies of reports.

use std::collections::BTreeMap;

use election::{
    Count, OptionId, UnitName,
    report::{BySex, ContestTally, Tally, Turnout},
};

use super::field::{self, count, id, put_count, required, set};
use crate::cbor::{Malformed, Reader, Writer};

type Result<T> = std::result::Result<T, Malformed>;

pub(super) fn read_turnout(reader: &mut Reader<'_>) -> Result<Turnout> {
    let (mut identified, mut by_sex, mut by_age, mut by_district) = (None, None, None, None);
    field::map(reader, |key, reader| match key {
        "identified" => set(&mut identified, "identified", count(reader)),
        "by_sex" => set(&mut by_sex, "by_sex", read_by_sex(reader)),
        "by_age" => set(&mut by_age, "by_age", read_by_age(reader)),
        "by_district" => set(&mut by_district, "by_district", read_counts::<UnitName>(reader)),
        _ => reader.skip().map(drop),
    })?;
    Ok(Turnout { identified: required("identified", identified)?, by_sex, by_age, by_district })
}

fn read_by_sex(reader: &mut Reader<'_>) -> Result<BySex> {
    let (mut f, mut m) = (None, None);
    field::map(reader, |key, reader| match key {
        "f" => set(&mut f, "by_sex.f", count(reader)),
        "m" => set(&mut m, "by_sex.m", count(reader)),
        _ => reader.skip().map(drop),
    })?;
    Ok(BySex { f: required("by_sex.f", f)?, m: required("by_sex.m", m)? })
}

fn read_by_age(reader: &mut Reader<'_>) -> Result<Vec<Count>> {
    let mut bands = Vec::new();
    reader.array(|reader| {
        bands.push(count(reader)?);
        Ok(())
    })?;
    Ok(bands)
}

fn read_counts<K: std::str::FromStr + Ord>(reader: &mut Reader<'_>) -> Result<BTreeMap<K, Count>> {
    let mut counts = BTreeMap::new();
    reader.map(id::<K>, |key, reader| {
        counts.insert(key, count(reader)?);
        Ok(())
    })?;
    Ok(counts)
}

pub(super) fn read_tally(reader: &mut Reader<'_>) -> Result<Tally> {
    let (mut ballots, mut contests) = (None, None);
    field::map(reader, |key, reader| match key {
        "ballots" => set(&mut ballots, "ballots", count(reader)),
        "contests" => set(&mut contests, "contests", read_contests(reader)),
        _ => reader.skip().map(drop),
    })?;
    Ok(Tally { ballots: required("ballots", ballots)?, contests: required("contests", contests)? })
}

fn read_contests(reader: &mut Reader<'_>) -> Result<Vec<ContestTally>> {
    let mut contests = Vec::new();
    reader.array(|reader| {
        contests.push(read_contest(reader)?);
        Ok(())
    })?;
    Ok(contests)
}

fn read_contest(reader: &mut Reader<'_>) -> Result<ContestTally> {
    let (mut contest, mut ballots, mut invalid, mut votes, mut preferences) = (None, None, None, None, None);
    field::map(reader, |key, reader| match key {
        "contest" => set(&mut contest, "contest", id(reader)),
        "ballots" => set(&mut ballots, "contest.ballots", count(reader)),
        "invalid" => set(&mut invalid, "contest.invalid", count(reader)),
        "votes" => set(&mut votes, "contest.votes", read_counts(reader)),
        "preferences" => set(&mut preferences, "contest.preferences", read_preferences(reader)),
        _ => reader.skip().map(drop),
    })?;
    Ok(ContestTally {
        contest: required("contest", contest)?,
        ballots: required("contest.ballots", ballots)?,
        invalid: required("contest.invalid", invalid)?,
        votes: required("contest.votes", votes)?,
        preferences: preferences.unwrap_or_default(),
    })
}

type Preferences = BTreeMap<OptionId, BTreeMap<u32, Count>>;

fn read_preferences(reader: &mut Reader<'_>) -> Result<Preferences> {
    let mut preferences = BTreeMap::new();
    reader.map(id::<OptionId>, |option, reader| {
        let mut of_list = BTreeMap::new();
        reader.map(list_number, |number, reader| {
            of_list.insert(number, count(reader)?);
            Ok(())
        })?;
        preferences.insert(option, of_list);
        Ok(())
    })?;
    Ok(preferences)
}

fn list_number(reader: &mut Reader<'_>) -> Result<u32> {
    u32::try_from(reader.uint()?).map_err(|_| Malformed::new("a list number over 2^32"))
}

pub(super) fn write_turnout(w: &mut Writer, turnout: &Turnout) {
    w.map(|m| {
        m.text("identified", |w| put_count(w, turnout.identified));
        m.optional("by_sex", turnout.by_sex, |w, by_sex| {
            w.map(|m| {
                m.text("f", |w| put_count(w, by_sex.f));
                m.text("m", |w| put_count(w, by_sex.m));
            });
        });
        m.optional("by_age", turnout.by_age.as_ref(), |w, bands| {
            w.array(bands.len());
            bands.iter().for_each(|band| put_count(w, *band));
        });
        m.optional("by_district", turnout.by_district.as_ref(), |w, districts| {
            write_counts(w, districts.iter().map(|(district, count)| (district.as_str(), *count)));
        });
    });
}

pub(super) fn write_tally(w: &mut Writer, tally: &Tally) {
    w.map(|m| {
        m.text("ballots", |w| put_count(w, tally.ballots));
        m.text("contests", |w| {
            w.array(tally.contests.len());
            tally.contests.iter().for_each(|contest| write_contest(w, contest));
        });
    });
}

fn write_contest(w: &mut Writer, tally: &ContestTally) {
    w.map(|m| {
        m.text("contest", |w| w.text(tally.contest.as_str()));
        m.text("ballots", |w| put_count(w, tally.ballots));
        m.text("invalid", |w| put_count(w, tally.invalid));
        m.text("votes", |w| {
            write_counts(w, tally.votes.iter().map(|(option, votes)| (option.as_str(), *votes)));
        });
        let preferences = (!tally.preferences.is_empty()).then_some(&tally.preferences);
        m.optional("preferences", preferences, write_preferences);
    });
}

fn write_preferences(w: &mut Writer, preferences: &Preferences) {
    w.map(|m| {
        for (option, of_list) in preferences {
            m.text(option.as_str(), |w| {
                w.map(|m| {
                    for (number, votes) in of_list {
                        m.int(i64::from(*number), |w| put_count(w, *votes));
                    }
                });
            });
        }
    });
}

fn write_counts<'k>(w: &mut Writer, counts: impl Iterator<Item = (&'k str, Count)>) {
    w.map(|m| counts.for_each(|(key, count)| m.text(key, |w| put_count(w, count))));
}
