//! The hand count, which decides (DOMAIN "The election day"): the form that a precinct commission fills in and signs,
//! and how it comes into the record without a slip of anybody's finger.
//!
//! | module | what it does |
//! | --- | --- |
//! | `form` | the lines of a protocol and what must hold between them |
//! | `entries` | entered twice by different people; where they differ a third decides |

mod entries;
mod form;

pub use entries::{Entered, Entry, HandCount, Refused};
pub use form::{Difference, Form, FormLine, Unbalanced, differences};
