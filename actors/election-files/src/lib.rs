//! Reads an election directory (PROTOCOL §1) into a checked [`election::Definition`].
//!
//! Every mistake is found in one pass and told as `file:line: column: what is wrong`.
//!
//! | module | what it does |
//! | --- | --- |
//! | `directory` | files from disk, bounded in size; digest over them |
//! | `parse` | files → definition: the order of the steps, and the cross-checks told by line |
//! | `about`, `contests` | `election.toml` |
//! | `lines` | which line a cross-check of the whole definition is about |
//! | `units`, `options`, `precincts`, `devices` | the CSV file of that name and those that belong to it |
//! | `boundaries` | the GeoJSON layers: whether they speak of units that exist |
//! | `table`, `document` | a CSV file and a TOML document whose every value knows its line |
//! | `mistakes`, `near`, `times` | telling mistakes; the word that was probably meant; local times |

mod about;
mod boundaries;
mod contests;
mod devices;
mod directory;
mod document;
mod lines;
mod mistakes;
mod near;
mod options;
mod parse;
mod precincts;
mod table;
mod times;
mod units;

pub use directory::{FileFacts, MAX_FILE_BYTES, load};
pub use mistakes::{Mistake, Mistakes};
pub use parse::{Loaded, parse};
