//! The `orca-sim` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    orca_testkit::simulation::program::main()
}
