//! What README and documents say about the program is what it says: every command that they show is one that it takes, and every
//! error that they quote is the one that it prints.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a document calls the program when it is not installed.
const BY_CARGO: &str = "cargo run -p orca-cli";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README and the pages of `docs`, by name.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let all = docs.chain([root().join("README.md"), root().join("examples/kubernetes/README.md")]);
    let pages = all.filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("UTF-8"))).collect()
}

/// The commands of all pages without their comments; what goes on over a line's end is one command.
fn commands() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (page, text) in pages() {
        let text = text.replace("\\\n", " ");
        let commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
        for command in commands {
            let command = command.split(" #").next().unwrap_or(command).trim();
            found.push((page.clone(), command.to_owned()));
        }
    }
    found
}

/// The words after the program's name, of a command that runs it.
fn words_for_orca(command: &str) -> Option<Vec<String>> {
    let words = match command.strip_prefix(BY_CARGO) {
        Some(rest) => rest.split_once(" -- ").map_or("", |(_, words)| words),
        None => command.strip_prefix("orca ").or((command == "orca").then_some(""))?,
    };
    Some(words.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn every_program_that_a_document_calls_is_known() {
    let known = [
        "orca",
        "cargo",
        "cd",
        "kubectl",
        "aws",
        "orca-testkit/servers/prepare",
        "orca-testkit/servers/prepare-peers",
        "target/sim/orca-sim",
    ];
    let unknown: BTreeSet<(String, String)> = commands()
        .into_iter()
        .filter(|(_, command)| !known.contains(&command.split_whitespace().next().unwrap_or_default()))
        .collect();
    assert_eq!(unknown, BTreeSet::new(), "no test looks at these");
}

/// `--help` at the end: everything before it is read first, and nothing is run.
#[test]
fn every_command_line_of_the_documents_is_one_that_the_program_takes() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (page, command) in commands() {
        let Some(words) = words_for_orca(&command) else { continue };
        count += 1;
        let output = Command::new(env!("CARGO_BIN_EXE_orca")).args(words).arg("--help").env_clear().output();
        let output = output.expect("it starts");
        if !output.status.success() {
            wrong.push(format!("{page}: {command}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(count > 6, "the documents show how to run it: {count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_that_a_command_of_the_documents_names_is_there() {
    let is_path =
        |word: &str| ["examples/", "orca-testkit/", "docs/"].iter().any(|start| word.starts_with(start));
    let mut missing = Vec::new();
    for (page, command) in commands() {
        let paths = command.split_whitespace().filter(|word| is_path(word));
        missing
            .extend(paths.filter(|path| !root().join(path).exists()).map(|path| format!("{page}: {path}")));
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// The text of the page between ```` ```text ```` and the end of the block, each on one line.
fn quoted(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).expect("the page");
    let blocks: Vec<&str> =
        text.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    blocks.into_iter().flat_map(str::lines).map(|line| line.trim().to_owned()).collect()
}

/// Whether a line says what is quoted, which may leave out an end: `…`.
fn says(text: &str, quoted: &str) -> bool {
    let lines = text.lines().map(str::trim);
    match quoted.strip_suffix('…') {
        Some(start) => lines.into_iter().any(|line| line.starts_with(start)),
        None => lines.into_iter().any(|line| line == quoted),
    }
}

#[test]
fn the_errors_that_the_page_on_configuration_quotes_are_those_of_the_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |yaml: &str, variables: &[(&str, &str)]| {
        fs::write(folder.path().join("my-config.yaml"), yaml).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_orca"));
        command.args(["config", "validate", "my-config.yaml"]).current_dir(folder.path());
        let output = command.env_clear().envs(variables.iter().copied()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "a wrong config ends it with 2");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let region = "aws: { region: us-west-2 }\n";
    let told = [
        run(region, &[("ORCA__AWS__REGOIN", "us-west-2")]),
        run(region, &[("ORCA__CONTROLLER__CONCURRENCY", "many")]),
        run("aws: { region: us-west-2 }\nnode:\n  name: orca-aws-node\n  tants: []\n", &[]),
        run(&format!("{region}node: {{ cpu: many }}\nlimits: {{ dailyBudget: 100 }}\n"), &[]),
    ]
    .join("\n");
    let quoted = quoted("docs/configuration.md");
    assert!(quoted.len() >= 6, "{quoted:?}");
    let unsaid: Vec<&String> = quoted.iter().filter(|line| !says(&told, line)).collect();
    assert_eq!(unsaid, Vec::<&String>::new(), "the program says: {told}");
}

#[test]
fn the_readme_shows_what_a_valid_config_is_answered_with() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let example = fs::read_to_string(root().join("examples/config.yaml")).expect("the example");
    fs::write(folder.path().join("my-config.yaml"), example).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_orca"));
    command.args(["config", "validate", "my-config.yaml"]).current_dir(folder.path()).env_clear();
    let output = command.output().expect("it starts");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let shown =
        readme.split_once("config validate my-config.yaml\n").and_then(|(_, rest)| rest.lines().next());
    assert_eq!(said.lines().next(), shown, "{}", String::from_utf8_lossy(&output.stderr));
}
