//! What documents and scripts say: commands that exist, names that the code knows, and no path of somebody's machine.

use std::collections::{BTreeSet, HashSet};
use std::fs;

use serde_json::Value;

use crate::workspace::{File, files, none, packages, root, sources};

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

/// README and everything in `docs`.
fn documents() -> Vec<File> {
    let is_document = |file: &File| file.path == "README.md" || file.path.starts_with("docs/");
    files().into_iter().filter(is_document).collect()
}

/// The names of everything that a cargo command can choose: packages, and their targets and features.
fn choices() -> HashSet<String> {
    let mut found = HashSet::new();
    for package in packages() {
        let names =
            |list: &str| package[list].as_array().into_iter().flatten().cloned().collect::<Vec<Value>>();
        let targets = names("targets");
        found.extend(targets.iter().filter_map(|target| target["name"].as_str()).map(str::to_owned));
        found.extend(package["name"].as_str().map(str::to_owned));
        found.extend(package["features"].as_object().into_iter().flat_map(|map| map.keys().cloned()));
    }
    found
}

#[test]
fn every_cargo_command_of_the_documents_chooses_what_there_is() {
    let choices = choices();
    let flags = ["-p", "--package", "--bin", "--example", "--bench", "--features", "--test"];
    let mut wrong = Vec::new();
    let mut count = 0;
    for document in documents() {
        let commands = document.text.lines().filter_map(|line| line.strip_prefix("$ cargo "));
        for command in commands {
            let own = command.split(" -- ").next().unwrap_or_default();
            let words: Vec<&str> = own.split_whitespace().collect();
            let chosen =
                words.windows(2).filter(|pair| flags.contains(&pair[0])).flat_map(|pair| pair[1].split(','));
            for name in chosen {
                count += 1;
                if !choices.contains(name) {
                    wrong.push(format!("{}: {command}: {name}", document.path));
                }
            }
        }
    }
    assert!(count > 10, "the documents show cargo commands: {count}");
    none("names in cargo commands that do not exist", wrong);
}

/// Reasons, conditions, types and codes are written in one word with capitals inside: such a word in a document is one of the code's.
#[test]
fn every_reason_that_a_document_names_stands_in_the_code() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let manifests = files().into_iter().filter(|file| file.path.starts_with("examples/"));
    for file in sources().into_iter().chain(manifests) {
        let words = file.text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        known.extend(words.map(str::to_owned));
    }
    let is_reason = |word: &&str| {
        let humps = word.chars().filter(char::is_ascii_uppercase).count();
        word.starts_with(|letter: char| letter.is_ascii_uppercase())
            && humps > 1
            && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.')
            && word.chars().any(|letter| letter.is_ascii_lowercase())
    };
    let mut unknown = Vec::new();
    for document in documents() {
        let quoted = document.text.split('`').skip(1).step_by(2).filter(is_reason);
        let parts = quoted
            .flat_map(|word| word.split('.'))
            .filter(|part| !known.contains(*part) && *part != "RemoveOnlyOwnLeftovers");
        unknown.extend(parts.map(|part| format!("{}: {part}", document.path)));
    }
    none("reasons in documents that no code knows", unknown);
}
