//! Scans of what was printed and signed in a precinct (DOMAIN "The election day"): checked by what is in them, kept
//! under their digest, and served so that nothing in them can act.
//!
//! | module | what it does |
//! | --- | --- |
//! | `media` | what a file is, by its first bytes |
//! | `check` | one entrance: size, kind, and that it is nothing else at the same time |
//! | `picture` | pictures are decoded within bounds and drawn anew: only what is seen is left |
//! | `pdf` | a PDF is served as it is, so it may hold nothing that acts |
//! | `shelf` | where bytes are kept: a directory, or S3; nothing is ever replaced |

mod check;
mod media;
mod pdf;
mod picture;
mod refusal;
mod shelf;

pub use check::{Checked, MAX_BYTES, check};
pub use refusal::Refusal;
pub use shelf::{S3, Shelf, ShelfError};
