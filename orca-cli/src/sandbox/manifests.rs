//! Manifests to apply: read whole before anything is applied, so that a mistake in the last file leaves nothing behind.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One object of a manifest.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) file: PathBuf,
    pub(super) object: Value,
}

/// Why a manifest cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestFailure {
    #[error("the manifest {} cannot be read: {source}; check --apply", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("--apply has {}, which is {what}; {remedy}", given.display())]
    NoFile { given: PathBuf, what: &'static str, remedy: &'static str },
    #[error("the manifest {} is no YAML: {text}", file.display())]
    Malformed { file: PathBuf, text: String },
    #[error("document {document} of the manifest {} has no {field}; every object needs apiVersion, kind and metadata.name", file.display())]
    Incomplete { file: PathBuf, document: usize, field: &'static str },
    #[error("the manifest {} holds no object", file.display())]
    Empty { file: PathBuf },
}

impl Manifest {
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `Job/batch`, for messages.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.text("/kind"), self.text("/metadata/name"))
    }

    pub(super) fn namespace(&self) -> &str {
        match self.text("/metadata/namespace") {
            "" => "default",
            other => other,
        }
    }
}

/// Reads all files.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Manifest>, ManifestFailure> {
    let mut all = Vec::new();
    for file in files {
        only_files(file)?;
        let text = std::fs::read_to_string(file)
            .map_err(|source| ManifestFailure::Unreadable { file: file.clone(), source })?;
        all.extend(parse(file, &text)?);
    }
    Ok(all)
}

/// What kubectl would take besides files.
fn only_files(given: &Path) -> Result<(), ManifestFailure> {
    let text = given.to_string_lossy();
    let no_file = |what, remedy| Err(ManifestFailure::NoFile { given: given.into(), what, remedy });
    if text == "-" {
        return no_file("standard input", "write it to a file, and give that");
    }
    if text.contains("://") {
        return no_file("a URL", "download it, and give the file: nothing here reaches into a network");
    }
    if given.is_dir() {
        return no_file("a folder", "name the files in it, such as FOLDER/*.yaml");
    }
    Ok(())
}

fn parse(file: &Path, text: &str) -> Result<Vec<Manifest>, ManifestFailure> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)
        .map_err(|error| ManifestFailure::Malformed { file: file.into(), text: error.to_string() })?;
    let mut found = Vec::new();
    for (index, object) in documents.into_iter().enumerate().filter(|(_, object)| !object.is_null()) {
        let manifest = Manifest { file: file.into(), object };
        for (field, pointer) in
            [("apiVersion", "/apiVersion"), ("kind", "/kind"), ("metadata.name", "/metadata/name")]
        {
            if manifest.text(pointer).is_empty() {
                return Err(ManifestFailure::Incomplete { file: file.into(), document: index + 1, field });
            }
        }
        found.push(manifest);
    }
    if found.is_empty() { Err(ManifestFailure::Empty { file: file.into() }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("m.yaml"), text).expect_err("wrong").to_string()
    }

    #[test]
    fn every_document_is_read() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: b, namespace: ml}\n";
        let found = parse(Path::new("m.yaml"), text).expect("manifests");
        let names: Vec<_> = found.iter().map(|found| (found.name(), found.namespace().to_owned())).collect();
        assert_eq!(names, [("Pod/a".into(), "default".into()), ("Job/b".into(), "ml".into())]);
    }

    #[test]
    fn a_broken_manifest_is_named_with_what_it_lacks() {
        assert!(error("kind: [").starts_with("the manifest m.yaml is no YAML: "), "{}", error("kind: ["));
        assert!(error("kind: Pod\n").contains("document 1 of the manifest m.yaml has no apiVersion"));
        assert!(error("apiVersion: v1\nkind: Pod\nmetadata: {}\n").contains("has no metadata.name"));
        assert!(error("# nothing\n").contains("holds no object"));
        assert!(error("just text\n").contains("has no apiVersion"));
    }

    #[test]
    fn what_is_no_file_is_refused_by_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        for (given, says) in [
            (Path::new("-"), "has -, which is standard input; write it to a file"),
            (Path::new("https://example.com/a.yaml"), "which is a URL; download it"),
            (folder.path(), "which is a folder; name the files in it"),
        ] {
            let error = read(&[given.to_owned()]).expect_err("no file").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(&["nowhere.yaml".into()]).expect_err("not there").to_string();
        assert!(error.contains("nowhere.yaml") && error.contains("check --apply"), "{error}");
    }
}
