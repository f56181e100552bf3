//! The `sanak` command.

/// Precincts' actors, connections and versions come and go in a million pieces (ADR 014).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    sanak::cli::main()
}
