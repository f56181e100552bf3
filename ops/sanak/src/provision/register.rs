//! `public_key` in `devices.csv`: filled in where it is empty; every other byte of the file stays as it was.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use csv_core::{ReadFieldResult, Reader};
use device_wire::{VerifyingKey, keys::public_to_hex};
use election::DeviceId;

use super::{Trouble, vault};

/// Where the register is; a link is followed, so that its target is replaced and not the link.
fn path_in(election: &Path) -> Result<PathBuf, Trouble> {
    let path = election.join("devices.csv");
    fs::canonicalize(&path).map_err(Trouble::io(&path, "read"))
}

/// Whether the register could be changed, before any key is made.
pub(crate) fn writable(election: &Path) -> Result<(), Trouble> {
    let path = path_in(election)?;
    let there = fs::metadata(&path).map_err(Trouble::io(&path, "read"))?;
    if there.permissions().readonly() {
        return Err(Trouble::mistake(
            path,
            "is read-only, and public keys are to be filled in: chmod u+w it",
        ));
    }
    let dir = path.parent().unwrap_or(election);
    match tempfile::tempfile_in(dir) {
        Ok(_) => Ok(()),
        Err(why) => {
            let what =
                format!("nothing can be written beside it, and public keys are to be filled in: {why}");
            Err(Trouble::mistake(path, what))
        }
    }
}

/// Fills in what is empty; says how many.
pub(crate) fn fill(election: &Path, keys: &BTreeMap<DeviceId, VerifyingKey>) -> Result<usize, Trouble> {
    change(election, |device, held| {
        let key = keys.get(device)?;
        held.is_empty().then(|| public_to_hex(key))
    })
}

/// Writes another key of one device.
pub(crate) fn replace(election: &Path, device: &DeviceId, key: VerifyingKey) -> Result<(), Trouble> {
    change(election, |id, _| (id == device.as_str()).then(|| public_to_hex(&key))).map(drop)
}

/// Asks for each row what its key is to be, given device and key as they stand.
fn change(election: &Path, key: impl FnMut(&str, &str) -> Option<String>) -> Result<usize, Trouble> {
    let path = path_in(election)?;
    let bytes = fs::read(&path).map_err(Trouble::io(&path, "read"))?;
    match changed(&bytes, key) {
        None => Err(Trouble::mistake(path, "has no columns device and public_key")),
        Some((_, 0)) => Ok(0),
        Some((text, count)) => vault::replace(&path, &text).map(|()| count),
    }
}

/// A cell: what it says, and where it stands.
struct Cell {
    says: String,
    at: Range<usize>,
}

/// The file with other keys, and how many are other; `None` where a column is missing.
fn changed(bytes: &[u8], mut key: impl FnMut(&str, &str) -> Option<String>) -> Option<(Vec<u8>, usize)> {
    let records = cells(bytes);
    let (header, rows) = records.split_first()?;
    let column = |name: &str| header.iter().position(|cell| cell.says == name);
    let (device, public_key) = (column("device")?, column("public_key")?);
    let (mut text, mut copied, mut count) = (Vec::with_capacity(bytes.len()), 0, 0);
    for row in rows {
        let (Some(device), Some(cell)) = (row.get(device), row.get(public_key)) else { continue };
        let Some(other) = key(&device.says, &cell.says) else { continue };
        text.extend_from_slice(&bytes[copied..cell.at.start]);
        text.extend_from_slice(other.as_bytes());
        copied = cell.at.end;
        count += 1;
    }
    text.extend_from_slice(&bytes[copied..]);
    Some((text, count))
}

/// Every record's cells, by the same reader that reads elections.
fn cells(bytes: &[u8]) -> Vec<Vec<Cell>> {
    let (mut reader, mut records, mut record) = (Reader::new(), Vec::new(), Vec::new());
    let (mut says, mut piece) = (Vec::new(), [0; 256]);
    let (mut start, mut position) = (0, 0);
    loop {
        let (result, read, written) = reader.read_field(&bytes[position..], &mut piece);
        position += read;
        says.extend_from_slice(&piece[..written]);
        match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                let text = String::from_utf8_lossy(&says).trim().to_owned();
                let first = record.is_empty();
                record.push(Cell { says: text, at: place(bytes, start..position, first, record_end) });
                says.clear();
                start = position;
                if record_end {
                    records.push(std::mem::take(&mut record));
                }
            }
            ReadFieldResult::End => return records,
        }
    }
}

/// A cell without what separates it from others: the end of the line before it, and its own comma or end of line.
fn place(bytes: &[u8], read: Range<usize>, first: bool, record_end: bool) -> Range<usize> {
    let Range { mut start, mut end } = read;
    if start == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
        start = 3;
    }
    // Before the first cell stand the rest of the line above and empty lines.
    while first && start < end && matches!(bytes[start], b'\r' | b'\n') {
        start += 1;
    }
    if record_end {
        while end > start && matches!(bytes[end - 1], b'\r' | b'\n') {
            end -= 1;
        }
    } else {
        end -= 1;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Option<(String, usize)> {
        let key = |device: &str, held: &str| held.is_empty().then(|| format!("<{device}>"));
        changed(text.as_bytes(), key).map(|(bytes, count)| (String::from_utf8(bytes).unwrap(), count))
    }

    #[test]
    fn only_empty_keys_are_filled_in_and_every_other_byte_stays() {
        for (before, after) in [
            (
                "device,public_key,status\nu-1,,active\nu-2,ab,spare\n",
                "device,public_key,status\nu-1,<u-1>,active\nu-2,ab,spare\n",
            ),
            (
                "\u{feff}public_key,device\r\n,u-1\r\n\"\",u-2\r\n  ,u-3",
                "\u{feff}public_key,device\r\n<u-1>,u-1\r\n<u-2>,u-2\r\n<u-3>,u-3",
            ),
            (
                "device,note,public_key\n\n\"u-1\",\"a \"\"b\"\",\nc\",\n\nu-2,x,",
                "device,note,public_key\n\n\"u-1\",\"a \"\"b\"\",\nc\",<u-1>\n\nu-2,x,<u-2>",
            ),
            ("device, public_key ,x\nu-1,,\n,,\n", "device, public_key ,x\nu-1,<u-1>,\n,<>,\n"),
        ] {
            let (text, _) = filled(before).unwrap();
            assert_eq!(text, after);
        }
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let (once, count) = filled("device,public_key\nu-1,\n").unwrap();
        assert_eq!((count, filled(&once)), (1, Some((once.clone(), 0))));
        assert_eq!(filled("device,key\nu-1,\n"), None);
        assert_eq!(filled(""), None);
    }
}
