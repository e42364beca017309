//! What documents and scripts say: the one test command, and no path of somebody's machine.

use std::fs;

use crate::workspace::{files, none, root};

/// The command that tests everything but the real servers.
const TEST_COMMAND: &str = "cargo test --workspace --all-features";
/// Folders of one machine, in pieces so that this file does not break its own rule.
const FOLDERS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];

#[test]
fn readme_and_ci_run_the_same_tests() {
    let lacks =
        |path: &&str| !fs::read_to_string(root().join(path)).unwrap_or_default().contains(TEST_COMMAND);
    let lacking = ["README.md", ".ci/run"].into_iter().filter(lacks).map(str::to_owned);
    none("files that do not name `cargo test --workspace --all-features`", lacking);
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let mut found = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            if FOLDERS.iter().any(|folder| names(line, folder)) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none("paths of one machine", found);
}

/// Whether the folder stands in the line as a path from the root, and not in the middle of a longer one.
fn names(line: &str, folder: &str) -> bool {
    let inside =
        |before: &str| before.ends_with(|letter: char| letter.is_alphanumeric() || "._-~}".contains(letter));
    line.match_indices(folder).any(|(at, _)| !inside(line.get(..at).unwrap_or_default()))
}
