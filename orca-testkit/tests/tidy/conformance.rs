//! `docs/conformance.md` and the tests that it names keep in step.

use std::collections::BTreeSet;
use std::fs;

use crate::workspace::{File, none, root, sources};

const DOCUMENT: &str = "docs/conformance.md";
/// The list of statements in the document, out of its readers' sight.
const LIST: (&str, &str) = ("<!-- statements:", "-->");

fn document() -> String {
    fs::read_to_string(root().join(DOCUMENT)).expect(DOCUMENT)
}

/// Whether a word is the number of a statement about the node (A) or about pods (B).
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['A', 'B']).unwrap_or_default();
    matches!(digits.len(), 1 | 2) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| is_number(word))
}

/// The statements that the document says it has.
fn listed(document: &str) -> Vec<&str> {
    let lists = document.split(LIST.0).skip(1).filter_map(|rest| rest.split_once(LIST.1));
    lists.flat_map(|(list, _)| numbers(list)).collect()
}

/// The rows of the tables: number, text, what holds it.
fn rows(document: &str) -> Vec<(&str, &str, &str)> {
    let row = |line| {
        let cells: Vec<&str> = str::split(line, '|').map(str::trim).collect();
        let &[_, number, text, held, _] = cells.as_slice() else { return None };
        is_number(number).then_some((number, text, held))
    };
    document.lines().filter_map(row).collect()
}

/// The tests that a cell names.
pub(crate) fn tests(held: &str) -> impl Iterator<Item = &str> {
    held.split('`').skip(1).step_by(2).filter(|word| word.contains("::"))
}

#[test]
fn every_statement_of_the_list_stands_in_a_table_once_and_says_what_holds_it() {
    let document = document();
    let (listed, rows) = (listed(&document), rows(&document));
    let mut found = Vec::new();
    if listed.is_empty() || listed.len() != listed.iter().collect::<BTreeSet<_>>().len() {
        found.push(format!("the list is empty or names a statement twice: {listed:?}"));
    }
    for number in &listed {
        let times = rows.iter().filter(|row| row.0 == *number).count();
        if times != 1 {
            found.push(format!("{number} stands in {times} rows"));
        }
    }
    for (number, text, held) in rows {
        if !listed.contains(&number) {
            found.push(format!("{number} is not in the list"));
        }
        let is_open = held.starts_with("not yet");
        if text.is_empty() || is_open == (tests(held).count() > 0) {
            found.push(format!("{number} must name a test or begin with `not yet`: {held}"));
        }
    }
    none("statements", found);
}

#[test]
fn every_test_that_the_document_names_exists_where_it_says() {
    let (document, sources) = (document(), sources());
    let named: BTreeSet<&str> = rows(&document).into_iter().flat_map(|row| tests(row.2)).collect();
    assert!(!named.is_empty(), "the tables are read wrongly");
    none("tests that do not exist", named.into_iter().filter(|path| !exists(path, &sources)).map(Into::into));
}

/// Whether the test stands in the file of its module; a module `tests` may be inline.
pub(crate) fn exists(path: &str, sources: &[File]) -> bool {
    let mut parts: Vec<&str> = path.split("::").collect();
    let name = parts.pop().unwrap_or_default();
    let package = parts.remove(0).replace('_', "-");
    let module = parts.join("/");
    // A crate lies at the root of the workspace, or within the harness that it belongs to.
    let folders = [package.clone(), package.replacen("orca-", "orca-testkit/", 1)];
    let in_folder = |folder: &String| {
        [
            format!("{folder}/src/{module}.rs"),
            format!("{folder}/src/{}.rs", module.trim_end_matches("/tests")),
            format!("{folder}/tests/{module}.rs"),
        ]
    };
    let places: Vec<String> = folders.iter().flat_map(in_folder).collect();
    let mut files = sources.iter().filter(|file| places.contains(&file.path));
    files.any(|file| file.text.contains(&format!("fn {name}(")))
}

/// The part of a file that only tests use.
fn test_part(file: &File) -> &str {
    let is_test = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    if is_test { &file.text } else { file.text.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests) }
}

#[test]
fn every_statement_that_a_test_cites_is_in_the_document() {
    let (document, sources) = (document(), sources());
    let listed: BTreeSet<&str> = listed(&document).into_iter().collect();
    let mut found = BTreeSet::new();
    for file in sources.iter().filter(|file| !file.path.ends_with("/tidy/conformance.rs")) {
        let cited = numbers(test_part(file)).filter(|number| !listed.contains(number));
        found.extend(cited.map(|number| format!("{} cites {number}", file.path)));
    }
    none("statements that tests cite and the document does not have", found);
}
