//! An append-only file of small records that survives power loss at any moment.
//!
//! A record is `length (4 bytes, little endian), check of the length (4), check of the body (8), body`; a
//! check is the beginning of a SHA-256. Every record is on stable storage before [`Log::append`] returns, so
//! only the last one can be torn: a file that ends in the middle of a record lost one that nobody relied on.
//! Anything else that does not check is damage, and an error: a device that forgets a report it has sent
//! would use its number twice.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"outbox 1";
const HEAD: usize = 16;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refused.
    #[error("{path}: {why}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Another process has it.
    #[error("{path}: in use by another process; end that first", path = .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Bytes that are not what was written, with more after them.
    #[error("{path}: damaged at byte {at}; put another device in its place", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: usize,
    },
    /// An earlier write failed, so what is in the file is not known.
    #[error("{path}: an earlier write failed; open it again", path = .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
    },
}

/// The file, open and locked.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    length: u64,
    failed: bool,
}

impl Log {
    /// The bodies of all records of a file, none where there is no file; it stays locked while the returned
    /// handle lives.
    pub(super) fn read(path: &Path) -> Result<(Vec<Vec<u8>>, Option<File>), LogError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
            Err(why) => return Err(io_error(path, why)),
        };
        lock(path, &file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|why| io_error(path, why))?;
        let records = parse(&bytes).map_err(|at| LogError::Damaged { path: path.to_owned(), at })?;
        Ok((records, Some(file)))
    }

    /// A file of these records in place of the one that may be there: whole or not at all.
    pub(super) fn replace(path: &Path, bodies: &[Vec<u8>]) -> Result<Self, LogError> {
        let next = path.with_extension("new");
        let written = (|| {
            let mut file = File::create(&next)?;
            let mut bytes = MAGIC.to_vec();
            bodies.iter().for_each(|body| bytes.extend(record(body)));
            file.write_all(&bytes)?;
            file.sync_all()?;
            Ok((file, bytes.len() as u64))
        })();
        let (file, length) = written.map_err(|why| io_error(&next, why))?;
        lock(&next, &file)?;
        fs::rename(&next, path).and_then(|()| sync_directory(path)).map_err(|why| io_error(path, why))?;
        Ok(Self { path: path.to_owned(), file, length, failed: false })
    }

    /// Adds a record, and returns once it is on stable storage. After an error nothing more is written:
    /// whether a failed write has reached the disk, only opening the file again tells.
    pub(super) fn append(&mut self, body: &[u8]) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Failed { path: self.path.clone() });
        }
        let record = record(body);
        let written = self.file.write_all(&record).and_then(|()| self.file.sync_data());
        self.failed = written.is_err();
        self.length += record.len() as u64;
        written.map_err(|why| io_error(&self.path, why))
    }

    /// Puts these records in place of all that are there. After an error, see [`Self::append`].
    pub(super) fn rewrite(&mut self, bodies: &[Vec<u8>]) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Failed { path: self.path.clone() });
        }
        self.failed = true;
        *self = Self::replace(&self.path, bodies)?;
        Ok(())
    }

    /// Bytes in the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn io_error(path: &Path, why: io::Error) -> LogError {
    LogError::Io { path: path.to_owned(), why }
}

fn lock(path: &Path, file: &File) -> Result<(), LogError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => LogError::InUse { path: path.to_owned() },
        TryLockError::Error(why) => io_error(path, why),
    })
}

/// A new name is durable only once its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn check<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|at| digest[at])
}

fn record(body: &[u8]) -> Vec<u8> {
    // A record holds an envelope at most, which is far below 4 GiB.
    let length = (body.len() as u32).to_le_bytes();
    [&length, &check::<4>(&length)[..], &check::<8>(body), body].concat()
}

/// The bodies, or where the damage is.
fn parse(bytes: &[u8]) -> Result<Vec<Vec<u8>>, usize> {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else { return Err(0) };
    let mut bodies = Vec::new();
    while rest.len() >= HEAD {
        let at = bytes.len() - rest.len();
        let (head, body) = rest.split_at(HEAD);
        let length = [head[0], head[1], head[2], head[3]];
        if head[4..8] != check::<4>(&length) {
            // A file can grow before it is filled: zeros to the end are a torn record too.
            return if rest.iter().all(|byte| *byte == 0) { Ok(bodies) } else { Err(at) };
        }
        let length = u32::from_le_bytes(length) as usize;
        let Some(body) = body.get(..length) else { break };
        if head[8..] != check::<8>(body) {
            return if rest.len() == HEAD + length { Ok(bodies) } else { Err(at) };
        }
        bodies.push(body.to_vec());
        rest = &rest[HEAD + length..];
    }
    Ok(bodies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(bodies: &[&[u8]]) -> Vec<u8> {
        [MAGIC.to_vec(), bodies.iter().flat_map(|body| record(body)).collect()].concat()
    }

    #[test]
    fn a_file_cut_anywhere_gives_the_records_before_the_cut() {
        let bytes = file_of(&[b"one", b"", b"three"]);
        let ends = [8, 8 + 19, 8 + 19 + 16, bytes.len()];
        for cut in MAGIC.len()..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(parse(&bytes[..cut]).unwrap().len(), whole, "{cut}");
        }
    }

    #[test]
    fn a_tail_of_zeros_or_a_half_written_last_body_is_torn() {
        let bytes = file_of(&[b"one"]);
        assert_eq!(parse(&[bytes.clone(), vec![0; 100]].concat()).unwrap().len(), 1);
        let mut half = file_of(&[b"one", b"two"]);
        *half.last_mut().unwrap() = 0;
        assert_eq!(parse(&half).unwrap(), [b"one"]);
    }

    #[test]
    fn after_a_failed_write_nothing_is_written_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("outbox");
        let mut log = Log::replace(&path, &[b"one".to_vec()]).unwrap();
        log.append(b"two").unwrap();
        log.file = File::open(&path).unwrap();
        assert!(matches!(log.append(b"three"), Err(LogError::Io { .. })));
        assert!(matches!(log.append(b"four"), Err(LogError::Failed { .. })));
        assert!(matches!(log.rewrite(&[]), Err(LogError::Failed { .. })));
        drop(log);
        assert_eq!(Log::read(&path).unwrap().0, [b"one", b"two"]);
    }

    #[test]
    fn a_flipped_bit_before_the_last_record_is_damage() {
        let bytes = file_of(&[b"one", b"two"]);
        for bit in 0..(bytes.len() - HEAD - 3) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "bit {bit}");
        }
    }
}
