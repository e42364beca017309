//! The form of source files: an opening sentence, a bounded size, no leftovers, names in one place.

use crate::workspace::{File, files, none, packages, sources};

/// The most lines of a source file, its inline tests aside.
const MAX_LINES: usize = 400;
/// The most lines of the root of a library, which only lists and explains its modules.
const MAX_ROOT_LINES: usize = 120;

/// Words that mark unfinished work, in pieces so that this file does not break its own rule.
const MARKERS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
/// Calls that do the same.
const CALLS: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];
/// The prefix of ORCA's names as a literal, which only `well_known.rs` spells.
const PREFIX: &str = concat!("\"orca", ".research/");

#[test]
fn every_file_opens_with_its_idea() {
    none("no `//!` on the first line", paths(sources().iter().filter(|file| !file.text.starts_with("//! "))));
}

#[test]
fn files_are_small() {
    let sources = sources();
    let lengths = sources.iter().map(|file| (file, file.code().lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > MAX_LINES);
    none("more than 400 lines", long.map(|(file, lines)| format!("{} has {lines}", file.path)));
}

#[test]
fn the_root_of_a_library_holds_no_code() {
    let sources = sources();
    let roots = sources.iter().filter(|file| file.path.ends_with("/src/lib.rs"));
    let is_code =
        |line: &str| !line.trim_start().starts_with("//") && line.split_whitespace().any(|word| word == "fn");
    let bad =
        roots.filter(|file| file.text.lines().count() > MAX_ROOT_LINES || file.text.lines().any(is_code));
    none("a lib.rs with code or more than 120 lines", paths(bad));
}

#[test]
fn nothing_is_left_unfinished() {
    let mut found = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if words.any(|word| MARKERS.contains(&word)) || CALLS.iter().any(|call| line.contains(call)) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none("leftovers", found);
}

#[test]
fn modules_have_names() {
    none(
        "a file named after no idea",
        paths(sources().iter().filter(|file| file.path.ends_with(concat!("/mod", ".rs")))),
    );
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let mut found = Vec::new();
    for package in packages() {
        let manifest =
            std::fs::read_to_string(package["manifest_path"].as_str().expect("a path")).expect("readable");
        if !manifest.contains("[lints]\nworkspace = true") {
            found.push(package["name"].to_string());
        }
    }
    none("no `[lints] workspace = true`", found);
}

#[test]
fn names_with_orcas_prefix_are_spelled_in_one_file() {
    let mut found = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test() && !file.path.ends_with("/well_known.rs")) {
        let code = file.code().lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let literals = code.filter(|(_, line)| line.contains(PREFIX));
        found.extend(literals.map(|(number, line)| format!("{}:{}: {}", file.path, number + 1, line.trim())));
    }
    none("literals that belong into well_known.rs", found);
}

fn paths<'f>(files: impl Iterator<Item = &'f File>) -> Vec<String> {
    files.map(|file| file.path.clone()).collect()
}
