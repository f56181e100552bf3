//! Reading the records of one segment, one after the other.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    format::{FRAME_BYTES, HEADER_BYTES, Header, Raw, body_length, decode},
};

const EXTENSION: &str = "journal";

/// Where a segment's file is.
pub(crate) fn path_of(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.{EXTENSION}"))
}

/// Where a segment is made before it gets its name.
pub(crate) fn draft_of(dir: &Path) -> PathBuf {
    dir.join(format!("next.{EXTENSION}.draft"))
}

/// The segments of a directory in their order: first offset by name, and path.
pub(crate) fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io(dir, "be listed"))? {
        let path = entry.map_err(Error::io(dir, "be listed"))?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let first = stem.parse().ok().filter(|_| stem.len() == 20);
        let Some(first) = first else {
            let what = "its name is not the 20 digits of an offset".into();
            return Err(Error::Damaged { file: path, position: 0, offset: Default::default(), what });
        };
        segments.push((first, path));
    }
    segments.sort();
    Ok(segments)
}

/// Reads a segment from a record on.
pub(crate) struct SegmentReader {
    file: BufReader<File>,
    path: PathBuf,
    header: Header,
    position: u64,
    next: u64,
    end: u64,
    body: Vec<u8>,
}

/// Why there is no next record.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The segment ends.
    End,
    /// What stands there is not a record, or not the one that should.
    Bad(String),
    /// It cannot be read.
    Io(io::Error),
}

impl SegmentReader {
    /// Opens a segment at its first record. It is read up to `end`, or to the end of the file.
    pub fn open(path: &Path, end: Option<u64>) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::io(path, "be opened"))?;
        let length = file.metadata().map_err(Error::io(path, "be read"))?.len();
        let damaged = |what| {
            let file = path.to_owned();
            Error::Damaged { file, position: 0, offset: Default::default(), what }
        };
        let mut bytes = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Err(damaged("it ends within its header".into()));
        }
        file.read_exact(&mut bytes).map_err(Error::io(path, "be read"))?;
        let header = Header::decode(&bytes).map_err(damaged)?;
        Ok(Self {
            file: BufReader::with_capacity(1 << 18, file),
            path: path.to_owned(),
            header,
            position: HEADER_BYTES as u64,
            next: header.first,
            end: end.unwrap_or(length),
            body: Vec::new(),
        })
    }

    /// Goes on from a record whose position is known.
    pub fn seek(&mut self, offset: u64, position: u64) -> Result<(), Error> {
        self.file.seek(SeekFrom::Start(position)).map_err(Error::io(&self.path, "be read"))?;
        (self.next, self.position) = (offset, position);
        Ok(())
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record stands, and its offset.
    pub fn place(&self) -> (u64, u64) {
        (self.position, self.next)
    }

    /// The next record. After a [`Stop`] the place is still that of the record which is not there.
    pub fn next(&mut self) -> Result<Raw<'_>, Stop> {
        if self.position == self.end {
            return Err(Stop::End);
        }
        let left = self.end.saturating_sub(self.position);
        let mut frame = [0; FRAME_BYTES];
        if left < FRAME_BYTES as u64 {
            return Err(Stop::Bad("it ends within a record".into()));
        }
        self.file.read_exact(&mut frame).map_err(Stop::Io)?;
        let Some(length) = body_length(&frame) else {
            return Err(Stop::Bad("no record has such a length".into()));
        };
        if left < (FRAME_BYTES + length) as u64 {
            return Err(Stop::Bad("it ends within a record".into()));
        }
        self.body.resize(length, 0);
        self.file.read_exact(&mut self.body).map_err(Stop::Io)?;
        match decode(self.header.seed, &frame, &self.body) {
            None => Err(Stop::Bad("the record is not what was written".into())),
            Some(raw) if raw.offset != self.next => {
                Err(Stop::Bad(format!("record {} stands here", raw.offset)))
            }
            Some(raw) => {
                self.position += (FRAME_BYTES + length) as u64;
                self.next += 1;
                Ok(raw)
            }
        }
    }

    /// The bytes from the next record to the end, as it was when the segment was opened: what another process
    /// appends meanwhile is not looked at.
    pub fn rest(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.position))?;
        let mut bytes = Vec::new();
        file.take(self.end.saturating_sub(self.position)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A [`Stop`] as an error; `None` at the end.
    pub fn error(&self, stop: Stop) -> Option<Error> {
        match stop {
            Stop::End => None,
            Stop::Io(source) => Some(Error::Io { path: self.path.clone(), doing: "be read", source }),
            Stop::Bad(what) => Some(self.damaged(what)),
        }
    }

    /// Damage at the next record.
    pub fn damaged(&self, what: impl Into<String>) -> Error {
        let (file, offset) = (self.path.clone(), election::report::Offset(self.next));
        Error::Damaged { file, position: self.position, offset, what: what.into() }
    }
}
