//! The `sanak` command: the composition root.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`cli`] | the command line, and which command runs |
//! | [`config`] | TOML and environment → a configuration that can be started |
//! | [`check`] | `sanak check` |
//! | [`limits`] | the limit of open files |
//! | [`logging`] | what is written to stderr while the service runs |

pub mod check;
pub mod cli;
pub mod config;
pub mod limits;
pub mod logging;
