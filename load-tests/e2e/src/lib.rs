//! Starts `sanak` as a user does, on free ports, and speaks to it as devices and readers do.
//!
//! A [`Sanak`] ends with its test, by its own process id. Tests are in `tests/`, one file a promise.

mod demo;
mod device;
mod honest;
mod line;
mod process;
mod provisioned;
mod small;
mod vectors;

pub use demo::Demo;
pub use device::{Client, Received};
pub use honest::{Honest, Lived, Patience};
pub use line::{Line, State};
pub use process::{Builder, Ready, Sanak, binary};
pub use provisioned::{Provisioned, TOKEN};
pub use small::Small;
pub use vectors::{Vector, Vectors};
