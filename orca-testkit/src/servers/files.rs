//! File access with errors that name the file.

use super::Error;
use std::path::Path;
use tempfile::TempDir;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(failed(path))
}

pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Error> {
    std::fs::write(path, content).map_err(failed(path))
}

pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(failed(path))
}

/// A folder that is deleted when it is dropped.
pub(crate) fn temporary(prefix: &str) -> Result<TempDir, Error> {
    tempfile::Builder::new().prefix(prefix).tempdir().map_err(failed(&std::env::temp_dir()))
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

/// The last lines of a log: enough to see why a server ended, short enough for a test's output.
pub(crate) fn tail(path: &Path) -> String {
    const LINES: usize = 25;
    let Ok(content) = std::fs::read(path) else {
        return "(no log)".to_owned();
    };
    let text = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
