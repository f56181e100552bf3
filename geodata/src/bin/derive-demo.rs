//! Writes the demonstration election: `cargo run -p geodata --bin derive-demo -- ops/elections/kg-demo`, or with the
//! name of a variant behind the directory that one.

use std::{env, fs, path::Path, process::ExitCode};

use geodata::Variant;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let usage = || {
        let names = Variant::ALL.map(|(name, _)| name).join(" | ");
        eprintln!("usage: derive-demo DIRECTORY [{names}]");
        ExitCode::from(2)
    };
    let (Some(directory), name, None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return usage();
    };
    let variant = match name {
        None => None,
        Some(name) => match Variant::ALL.into_iter().find(|(known, _)| name == *known) {
            Some((_, variant)) => Some(variant),
            None => return usage(),
        },
    };
    match write(Path::new(&directory), variant) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("derive-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path, variant: Option<Variant>) -> Result<(), Box<dyn std::error::Error>> {
    let files = match variant {
        None => geodata::derive_demo()?,
        Some(variant) => geodata::derive_variant(variant)?,
    };
    fs::create_dir_all(directory.join("boundaries"))
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    for (name, content) in files {
        let path = directory.join(name);
        fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
