//! `sanak fleet` and `sanak viewers`: rehearsals against any running system.
//!
//! | module | what it does |
//! | --- | --- |
//! | `args` | the commands' options and their help |
//! | `fleet` | from options to a rehearsal, and from its outcome to files |
//! | `viewers` | readers alone |
//! | `system` | the system that is spoken to: addresses, and the centre's keys |
//! | `bar` | progress on stderr |

mod args;
mod bar;
mod fleet;
mod system;
mod viewers;

pub(crate) use args::{FLEET_ABOUT, FLEET_EXAMPLES, VIEWERS_EXAMPLES};
pub use args::{Fleet, FleetCommand, FleetRun, Viewers};
pub use fleet::{compare, country, fleet, growth};
pub use viewers::viewers;
