//! One word per thing: the names that `CONTRIBUTING.md` keeps out, in modules, types and prose.

use std::path::Path;

use crate::workspace::{files, none, root, sources};

/// Names that no module and no type of the workspace may have, beyond what stands in the table for prose.
const NAMES: [&str; 15] = [
    "census", "custody", "scarcity", "pace", "halves", "lean", "endings", "crew", "tally", "things",
    "sights", "voice", "visit", "machine", "seen",
];
/// What no function is called, alone or as the first word of its name: these meant a different thing in every module.
const FUNCTIONS: [&str; 3] = ["settle", "take_in", "take_back"];
/// Where "machine" is the right word: the computer that something runs on, and what AWS calls an image.
const MACHINES: [&str; 18] = [
    "machine image",
    "machineimage",
    "this machine",
    "this-machine",
    "fresh machine",
    "machine with rust",
    "your machine",
    "one machine",
    "the machine's monotonic",
    "share the machine",
    "on the machine",
    "what the machine can do",
    "another machine wrote",
    "apimachinery",
    "somebody's machine",
    "folder_of_one_machine",
    "clock of its machine",
    "machine that orca runs on",
];
/// Readers that are no people.
const READERS: [&str; 5] = ["for machines", "by_machines", "machines_get", "state machine", "orca-machines"];

#[test]
fn no_module_and_no_type_has_a_name_that_is_kept_out() {
    let mut found = Vec::new();
    for file in sources() {
        for (number, line) in file.text.lines().enumerate() {
            let declared = ["mod ", "struct ", "enum ", "trait "].into_iter().find_map(|word| {
                let (before, after) = line.split_once(word)?;
                let is_declaration = before.trim().is_empty() || before.trim_start().starts_with("pub");
                is_declaration.then(|| after.split(|c: char| !c.is_alphanumeric() && c != '_').next())?
            });
            if declared.is_some_and(|name| NAMES.contains(&name.to_lowercase().as_str())) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none("names that CONTRIBUTING.md keeps out", found);
}

#[test]
fn no_function_has_a_name_that_is_kept_out() {
    let mut found = Vec::new();
    for file in sources() {
        for (number, line) in file.text.lines().enumerate() {
            let name = line.split_once("fn ").map_or("", |(_, after)| after);
            let is_kept_out = |word: &str| {
                name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            };
            if FUNCTIONS.into_iter().any(is_kept_out) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none("functions with names that CONTRIBUTING.md keeps out", found);
}

#[test]
fn an_instance_is_not_called_a_machine() {
    let is_text = |path: &str| Path::new(path).extension().is_some_and(|end| end == "rs" || end == "md");
    let itself = ["CONTRIBUTING.md", "orca-testkit/tests/tidy/words.rs"];
    let mut found = Vec::new();
    for file in files().iter().filter(|file| is_text(&file.path) && !itself.contains(&file.path.as_str())) {
        for (number, line) in file.text.lines().enumerate() {
            let mut rest = line.to_lowercase();
            for allowed in MACHINES.iter().chain(&READERS) {
                rest = rest.replace(allowed, "");
            }
            if rest.contains("machine") {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none("lines that call an instance a machine", found);
}

#[test]
fn the_table_of_words_has_every_name() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    let (_, table) = text.split_once("### Words").expect("the section");
    none(
        "names without a row",
        NAMES
            .iter()
            .chain(&FUNCTIONS)
            .filter(|name| !table.to_lowercase().contains(**name))
            .map(|name| (*name).to_owned()),
    );
}
