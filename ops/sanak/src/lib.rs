//! The `sanak` command: the composition root.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`cli`] | the command line, and which command runs |
//! | [`clock`] | the centre's clock, and whether it can be relied on |
//! | [`config`] | TOML and environment → a configuration that can be started |
//! | [`certificates`] | when they expire |
//! | [`check`] | `sanak check` |
//! | [`provision`] | `sanak provision`: keys and certificates |
//! | [`mod@publish`] | `sanak publish`: the public API as files |
//! | [`serve`], [`demo`] | `sanak serve`, `sanak demo` |
//! | [`rehearse`] | `sanak fleet`, `sanak viewers` |
//! | [`platform`] | the composition root: from settings to a running platform |
//! | [`runtime`] | the runtime that it runs on |
//! | [`journal_cmd`] | `sanak journal` |
//! | [`archive_cmd`] | `sanak archive` |
//! | [`limits`] | the limit of open files |
//! | [`logging`] | what is written to stderr while the service runs |

pub mod archive_cmd;
pub mod certificates;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod journal_cmd;
pub mod limits;
pub mod logging;
pub mod platform;
pub mod provision;
pub mod publish;
pub mod rehearse;
pub mod runtime;
pub mod serve;
