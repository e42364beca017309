//! The script that prepares the servers agrees with the harness on where they are.

use orca_testkit::servers::installed;
use std::process::Command;

#[test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
fn a_second_run_does_nothing_and_names_the_folder() {
    let installation = installed().expect("prepared servers");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/prepare");
    // Without PATH's compilers it could not do anything.
    let output = Command::new(script).env("PATH", "/usr/bin:/bin").output().expect("it runs");
    assert!(output.status.success());
    let folder = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    assert_eq!(folder, installation.folder().to_string_lossy());
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
}
