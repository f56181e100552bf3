//! The `sanak` command: configuration, commands and wiring.
fn main() {}
