//! Which revision this is: `ORCA_REVISION` where the sources come without git, such as in a container image, else git's.

use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "a build script is told by the environment alone")]
fn main() {
    println!("cargo::rerun-if-env-changed=ORCA_REVISION");
    let given = std::env::var("ORCA_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = given.or_else(|| {
        // It grows with every commit and every checkout.
        if let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
            println!("cargo::rerun-if-changed={log}");
        }
        git(&["rev-parse", "--short=12", "HEAD"])
    });
    println!("cargo::rustc-env=ORCA_REVISION={}", revision.unwrap_or_else(|| "unknown".into()));
}

/// What git says about the folder of the crate.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
