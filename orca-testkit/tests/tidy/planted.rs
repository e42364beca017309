//! Bugs can be planted in few places of the product, each is planted somewhere, and only the simulation orders them.

use std::collections::BTreeSet;

use crate::workspace::{none, sources};

/// More than these would be in the way of readers.
const MOST_PLACES: usize = 20;
/// The question, in pieces so that this file does not ask it.
const ASKED: &str = concat!("planted(", "Bug::");

#[test]
fn few_places_ask_for_planted_bugs_and_each_bug_has_one() {
    let sources = sources();
    let product = sources.iter().filter(|file| !file.path.starts_with("orca-testkit/") && !file.is_test());
    let mut places = 0;
    let mut asked = BTreeSet::new();
    for file in product {
        for (_, rest) in
            file.code().match_indices(ASKED).map(|(at, found)| file.code().split_at(at + found.len()))
        {
            places += 1;
            asked.insert(rest.split(')').next().unwrap_or_default().to_owned());
        }
    }
    assert!(places <= MOST_PLACES, "{places} places ask for planted bugs");
    let list = sources.iter().find(|file| file.path == "orca-core/src/planted.rs").expect("the list of bugs");
    let body =
        list.text.split("pub enum Bug {").nth(1).and_then(|rest| rest.split('}').next()).unwrap_or_default();
    let bugs =
        body.lines().filter_map(|line| line.trim().strip_suffix(',')).filter(|line| !line.starts_with("//"));
    none("bugs that are planted nowhere", bugs.filter(|bug| !asked.contains(*bug)).map(str::to_owned));
}

#[test]
fn no_program_is_built_with_planted_bugs() {
    let sources = sources();
    let orders = sources.iter().filter(|file| file.text.contains(concat!("planted::", "{Bug, plant}")));
    let elsewhere = orders.filter(|file| !file.path.starts_with("orca-testkit/src/simulation/"));
    none("files that order bugs", elsewhere.map(|file| file.path.clone()));
}
