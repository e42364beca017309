//! One TLS stack: what must not be in the program's dependency graph.

use crate::workspace::{none, run};

/// Packages that would bring a second TLS stack, C libraries of the system, or an abandoned parser.
const BANNED: [&str; 5] = ["ring", "native-tls", "openssl-sys", "openssl", "serde_yaml"];

#[test]
fn the_program_has_one_tls_stack() {
    let words = [
        "tree",
        "--locked",
        "--package",
        "orca-cli",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree = run(env!("CARGO"), &words);
    let mut packages: Vec<(&str, &str)> = tree.lines().filter_map(|line| line.split_once(" v")).collect();
    packages.sort_unstable();
    packages.dedup();
    assert!(packages.iter().any(|(name, _)| *name == "rustls"), "the tree is read wrongly: {tree}");
    let is_old = |name: &str, version: &str| name == "rustls" && !version.starts_with("0.23.");
    let found = packages.into_iter().filter(|(name, version)| BANNED.contains(name) || is_old(name, version));
    none("banned from the program", found.map(|(name, version)| format!("{name} {version}")));
}
