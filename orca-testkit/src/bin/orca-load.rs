//! The `orca-load` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    orca_testkit::load::main()
}
