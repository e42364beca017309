//! `docs/invariants.md` keeps in step with the tests and the numbers that it names.

use std::collections::BTreeSet;
use std::fs;

use crate::conformance::{exists, tests};
use crate::workspace::{File, none, root, sources};

const DOCUMENT: &str = "docs/invariants.md";
/// How many promises of either kind there are.
const PROMISES: [(char, usize); 2] = [('S', 15), ('L', 10)];

fn document() -> String {
    fs::read_to_string(root().join(DOCUMENT)).expect(DOCUMENT)
}

/// The rows of all tables, three cells each.
fn rows(document: &str) -> Vec<[&str; 3]> {
    let row = |line| match *str::split(line, '|').map(str::trim).collect::<Vec<_>>().as_slice() {
        ["", first, second, third, ""] => Some([first, second, third]),
        _ => None,
    };
    document.lines().filter_map(row).collect()
}

/// The texts between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether a constant of this name has this value in this file.
fn has_value(sources: &[File], path: &str, name: &str, value: &str) -> bool {
    let is_it =
        |line: &str| line.contains(&format!("const {name}: ")) && line.ends_with(&format!("= {value};"));
    sources.iter().any(|file| file.path == path && file.text.lines().any(is_it))
}

#[test]
fn every_promise_stands_there_once_and_says_what_holds_it() {
    let document = document();
    let rows = rows(&document);
    let mut found = Vec::new();
    for (letter, count) in PROMISES {
        for number in 1..=count {
            let held: Vec<&str> =
                rows.iter().filter(|row| row[0] == format!("{letter}{number}")).map(|row| row[2]).collect();
            let is_held = |held: &str| tests(held).count() > 0 || held.starts_with("not yet");
            if held.len() != 1 || !held.iter().all(|held| is_held(held)) {
                found.push(format!("{letter}{number} is held by {held:?}"));
            }
        }
    }
    none("promises", found);
}

#[test]
fn every_test_that_the_promises_name_exists_where_it_says() {
    let (document, sources) = (document(), sources());
    let named: BTreeSet<&str> = rows(&document).iter().flat_map(|row| tests(row[2])).collect();
    assert!(named.len() > 50, "the tables are read wrongly");
    none("tests that do not exist", named.into_iter().filter(|path| !exists(path, &sources)).map(Into::into));
}

#[test]
fn every_weakened_rule_of_the_model_is_listed() {
    let (document, sources) = (document(), sources());
    let file = sources.iter().find(|file| file.path.ends_with("/weakened.rs")).expect("the weakened model");
    let names = file.text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split_once('('));
    let is_listed = |name: &str| document.contains(&format!("::weakened::{name}`"));
    none(
        "rules that are not listed",
        names.filter(|(name, _)| !is_listed(name)).map(|(name, _)| name.into()),
    );
}

#[test]
fn every_number_has_the_value_that_is_written_there() {
    let (document, sources) = (document(), sources());
    let mut found = Vec::new();
    let mut count = 0;
    for row in rows(&document) {
        let (value, place) = (quoted(row[1]), quoted(row[2]));
        if let (&[value], &[path, name]) = (value.as_slice(), place.as_slice())
            && path.contains("/src/")
        {
            count += 1;
            if !has_value(&sources, path, name, value) {
                found.push(format!("{name} in {path} is not {value}"));
            }
        }
    }
    assert!(count > 20, "the tables are read wrongly");
    none("numbers", found);
}
