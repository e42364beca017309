//! The files and packages of the workspace, as git and cargo list them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A text file that belongs to the repository.
pub(crate) struct File {
    /// Its path from the root, with slashes.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
}

impl File {
    /// Whether it is code that only tests use.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.contains("/tests/")
            || ["tests.rs", "testing.rs"].contains(&name)
            || self.path.starts_with("orca-testkit/")
    }

    /// The code before the inline tests.
    pub(crate) fn code(&self) -> &str {
        let inline_tests = "\n#[cfg(test)]\nmod tests {";
        self.text.split(inline_tests).next().unwrap_or_default()
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// Every text file that is committed or will be.
pub(crate) fn files() -> Vec<File> {
    let listed = run("git", &["ls-files", "--cached", "--others", "--exclude-standard"]);
    let mut paths: Vec<&str> = listed.lines().collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is deleted and not committed yet is listed and cannot be read; nor can a picture as text.
    let text = |path: &&str| fs::read_to_string(root().join(path)).ok();
    paths.iter().filter_map(|path| Some(File { path: (*path).to_owned(), text: text(path)? })).collect()
}

/// Every Rust source file.
pub(crate) fn sources() -> Vec<File> {
    files()
        .into_iter()
        .filter(|file| Path::new(&file.path).extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// The packages of the workspace as `cargo metadata` tells them.
pub(crate) fn packages() -> Vec<Value> {
    let text = run(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let whole: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    whole["packages"].as_array().expect("packages").clone()
}

/// The output of a program that is run at the root.
pub(crate) fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(root()).output().expect(program);
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Fails with everything that breaks a rule.
#[track_caller]
pub(crate) fn none(rule: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}
