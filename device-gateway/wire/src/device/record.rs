//! The records of an outbox file: CBOR arrays that begin with their kind.

use election::report::{Digest, Seq};

use super::identity::Identity;
use crate::cbor::{Malformed, Reader, Writer};

/// One thing to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Where the file begins: whose it is, and what was so when it was written.
    Head(Head),
    /// A report, as sent.
    Made(Vec<u8>),
    /// The report of this digest needs no more sending.
    Done(Digest),
    /// The number of the last CONNECT.
    Boot(u64),
    /// No heartbeat has a counter over this one.
    Counter(u64),
}

/// Whose file it is, and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// `{election}/{precinct}/{device}`, for which all reports in the file are signed.
    pub(super) place: String,
    /// The number of the next report.
    pub(super) next: Seq,
    /// Digest of the last one.
    pub(super) prev: Digest,
    pub(super) boot: u64,
    pub(super) counter: u64,
}

/// What the reports of an identity are signed for.
pub(super) fn place_of(identity: &Identity) -> String {
    format!("{}/{}/{}", identity.election, identity.precinct, identity.device)
}

const HEAD: u64 = 0;
const MADE: u64 = 1;
const DONE: u64 = 2;
const BOOT: u64 = 3;
const COUNTER: u64 = 4;

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        Writer::encode(|w| match self {
            Self::Head(head) => {
                w.array(6);
                w.uint(HEAD);
                w.text(&head.place);
                w.uint(head.next);
                w.bytes(&head.prev.0);
                w.uint(head.boot);
                w.uint(head.counter);
            }
            Self::Made(envelope) => {
                w.array(2);
                w.uint(MADE);
                w.bytes(envelope);
            }
            Self::Done(digest) => {
                w.array(2);
                w.uint(DONE);
                w.bytes(&digest.0);
            }
            Self::Boot(boot) => {
                w.array(2);
                w.uint(BOOT);
                w.uint(*boot);
            }
            Self::Counter(counter) => {
                w.array(2);
                w.uint(COUNTER);
                w.uint(*counter);
            }
        })
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let parts = reader.enter_array()?;
        let record = match (reader.uint()?, parts) {
            (HEAD, 6) => Self::Head(Head {
                place: reader.text()?.to_owned(),
                next: reader.uint()?,
                prev: read_digest(&mut reader)?,
                boot: reader.uint()?,
                counter: reader.uint()?,
            }),
            (MADE, 2) => Self::Made(reader.bytes()?.to_vec()),
            (DONE, 2) => Self::Done(read_digest(&mut reader)?),
            (BOOT, 2) => Self::Boot(reader.uint()?),
            (COUNTER, 2) => Self::Counter(reader.uint()?),
            _ => return Err(Malformed::new("a record of an unknown kind")),
        };
        reader.end()?;
        Ok(record)
    }
}

fn read_digest(reader: &mut Reader<'_>) -> Result<Digest, Malformed> {
    reader.bytes()?.try_into().map(Digest).map_err(|_| Malformed::new("not of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let head = Head { place: "e/1/d".into(), next: 9, prev: Digest([3; 32]), boot: 2, counter: 300 };
        for record in [
            Record::Head(head),
            Record::Made(vec![1; 500]),
            Record::Done(Digest([7; 32])),
            Record::Boot(u64::MAX),
            Record::Counter(0),
        ] {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn a_record_of_an_unknown_kind_is_an_error() {
        for body in ["", "00", "80", "820900", "8101", "820140ff"] {
            assert!(Record::decode(&hex::decode(body).unwrap()).is_err(), "{body}");
        }
    }
}
