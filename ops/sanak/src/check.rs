//! `sanak check`: every mistake in configuration and election files, before anything starts.

use std::{io::Write, path::Path};

use crate::{
    cli::Outcome,
    config::{self, Checked, Problem, Problems},
};

/// Checks a configuration and writes what it found: problems to `err`, one a line, and a summary to `out`.
///
/// # Errors
/// Where it cannot be written.
pub fn run(file: &Path, out: &mut impl Write, err: &mut impl Write) -> std::io::Result<Outcome> {
    match config::load(file, config::environment()) {
        Ok(Checked { config, warnings }) => {
            tell(&[], &warnings, err)?;
            let definition = &config.election.definition;
            let (id, precincts) = (&definition.about().id, definition.precincts().len());
            let devices = definition.devices().len();
            writeln!(out, "{id}: {precincts} precincts, {devices} devices, digest {}", definition.digest())?;
            writeln!(out, "no mistakes, {}", number(warnings.len(), "warning"))?;
            Ok(Outcome::Done)
        }
        Err(problems) => {
            let Problems { mistakes, warnings } = *problems;
            tell(&mistakes, &warnings, err)?;
            let count = number(mistakes.len(), "mistake");
            writeln!(out, "{count}, {}: nothing would start", number(warnings.len(), "warning"))?;
            Ok(Outcome::Misused)
        }
    }
}

/// Writes problems, one a line, mistakes first.
///
/// # Errors
/// Where it cannot be written.
pub fn tell(mistakes: &[Problem], warnings: &[Problem], err: &mut impl Write) -> std::io::Result<()> {
    for mistake in mistakes {
        writeln!(err, "{mistake}")?;
    }
    for warning in warnings {
        writeln!(err, "warning: {warning}")?;
    }
    Ok(())
}

fn number(count: usize, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}
