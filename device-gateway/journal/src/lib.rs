//! The append-only record of the night.
//!
//! What arrives is written to segment files, made durable by one sync for all that has queued up, and only
//! then released, in order. The state of the night is a fold over these records and nothing else.
//!
//! | module | what it does |
//! | --- | --- |
//! | `entry` | what a record holds, and [`Journaled`]: proof that it is durable |
//! | `format` | bytes of a segment's header and of a record |
//! | `storage` | the few operations that change the disk; tests let each of them fail |
//! | `segment`, `scan` | reading records back; telling a torn tail from damage |
//! | `writer` | appending, rolling, and what to do when the disk says no |
//! | `open` | [`Journal`]: the lock, recovery, the first segment |
//! | `appender` | the queue, the thread that writes, the release in order; [`Counters`] |
//! | `reader`, `records` | records by offset, or in sequence |
//! | `check` | the integrity of everything |
//! | `clock` | what time it is where reports arrive |

mod appender;
mod check;
mod clock;
mod entry;
mod error;
#[cfg(test)]
mod faults;
mod format;
mod open;
mod reader;
mod records;
mod scan;
mod segment;
mod storage;
mod writer;

pub use appender::{AppendError, Appender, Counters, Gone, NotQueued, Released, WriterThread};
pub use check::{Fault, Integrity, check, check_with};
pub use clock::{Clock, SystemClock};
pub use entry::{Entry, Journaled};
pub use error::Error;
pub use open::{Journal, Options, Recovered, Torn};
pub use reader::Reader;
pub use records::Records;
