//! Starts `sanak` as a user does, on free ports, and speaks to it as devices and readers do.
//!
//! A [`Sanak`] ends with its test, by its own process id. Tests are in `tests/`, one file a promise.

mod country;
mod demo;
mod device;
mod honest;
mod library;
mod line;
mod process;
mod provisioned;
mod record;
mod small;
mod synthetic;
mod vectors;

pub use country::{Country, identity};
pub use demo::Demo;
pub use device::{Client, Received};
pub use honest::{Honest, Lived, Patience};
pub use library::{Held, Library, Member, Settled, now};
pub use line::{Line, State};
pub use process::{Builder, OTHERS, Prepared, ROOM_TOKEN, Ready, Sanak, binary};
pub use provisioned::{Provisioned, TOKEN};
pub use record::Record;
pub use small::Small;
pub use synthetic::{Synthetic, sanak};
pub use vectors::{Vector, Vectors};
