//! The `orca` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    orca_cli::main()
}
