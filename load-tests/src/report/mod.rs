//! What a rehearsal found, as a page with plots, and two of them side by side.
//!
//! | module | what lives there |
//! | --- | --- |
//! | `page` | one self-contained page: verdict, figures, plots |
//! | `plot` | plots over time as SVG |
//! | `compare` | two rehearsals, for a terminal and as a page |
//! | `growth` | the same rehearsal of countries of several sizes |

mod compare;
mod growth;
mod page;
mod plot;

pub use compare::{comparison, table};
pub use growth::{Size, costs, growth_page, growth_table};
pub use page::page;
