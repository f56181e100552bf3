//! The `sanak` command.

fn main() -> std::process::ExitCode {
    sanak::cli::main()
}
