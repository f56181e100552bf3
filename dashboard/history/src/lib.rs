//! What the night was at any moment, and every election after it.
//!
//! A thread of its own ([`Follower`]) follows the feed and the journal into a file of SQLite, the [`Outbox`]. Where a
//! database is configured, a task copies the file's rows there. Either is a [`Store`], and [`Past`] asks it.
//!
//! | module | what it does |
//! | --- | --- |
//! | `value`, [`table`] | values, rows and the tables they stand in, the same in every store |
//! | `about` | an election beside its rows |
//! | `records` | from the journal's records and the feed's versions to rows |
//! | `sqlite` | the file: written by one, read by a few |
//! | `follow` | the thread that writes it |
//! | `store`, `past` | one trait for every store; the questions, and whom they go to |
//! | `postgres` | the database: connections, migrations, questions, and the task that copies the file to it |
//! | `timescale` | what TimescaleDB adds, and the only SQL that needs it |
//! | `archive` | an election as Parquet or CSV files, and back |
//! | `progress` | how far all this is |

mod about;
mod archive;
mod follow;
mod past;
mod postgres;
mod progress;
mod records;
mod sqlite;
mod store;
pub mod table;
mod timescale;
mod value;

pub use about::{About, Election};
pub use archive::{ArchiveError, Format, Target, export, import, seal};
pub use follow::{Follower, Sources};
pub use past::{
    DecisionRow, Moment, ObservationRow, Past, Recorded, ReportRow, ReportsWanted, Source, Span, State,
    Units, When,
};
pub use postgres::{
    AddressError, Connected, Database, PostgresStore, PrepareError, Prepared, Shipper, Shipping, prepare,
};
pub use progress::Progress;
pub use records::{Record, version_rows};
pub use sqlite::{Known, Late, Outbox, SqliteError, SqliteStore};
pub use store::{Dialect, Question, Store, StoreError};
pub use value::{Kind, Row, Value};

/// The name of the file in the directory of the data.
pub const FILE: &str = "history.sqlite";
