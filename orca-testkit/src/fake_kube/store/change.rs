//! One write, as watchers and controllers learn of it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::fake_kube::object::Object;

/// What follows the object in a line.
const TAIL: &[u8] = b"}\n";

/// What a write did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It exists now.
    Added,
    /// It is another one now.
    Modified,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// The word of the watch protocol.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// The reader is behind what the store remembers: list anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("changes up to revision {compacted} are forgotten")]
pub struct Lagged {
    /// Changes up to this revision are forgotten.
    pub compacted: u64,
}

/// One write.
#[derive(Debug)]
pub struct Change {
    /// What it did.
    pub kind: ChangeKind,
    /// The revision of the write.
    pub version: u64,
    /// The object after it; of a deletion, its last state under the revision of the deletion.
    pub object: Arc<Object>,
    /// The object before it.
    pub old: Option<Arc<Object>>,
    line: OnceLock<Bytes>,
}

impl Change {
    pub(crate) fn new(kind: ChangeKind, object: Arc<Object>, old: Option<Arc<Object>>) -> Self {
        Self { kind, version: object.version(), object, old, line: OnceLock::new() }
    }

    /// The event as a line of a watch; computed once for all watchers.
    #[must_use]
    pub fn line(&self) -> Bytes {
        self.line.get_or_init(|| self.write()).clone()
    }

    /// The line, of which the object's own bytes become a part, so that memory holds them once.
    fn write(&self) -> Bytes {
        let object = serde_json::to_vec(self.object.value()).unwrap_or_default();
        let line = line(self.kind.word(), &object);
        let end = line.len() - TAIL.len();
        self.object.share(line.slice(end - object.len()..end));
        line
    }
}

/// A line of a watch.
#[must_use]
pub(crate) fn line(word: &str, object: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(object.len() + 40);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(word.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(object);
    line.extend_from_slice(TAIL);
    line.into()
}
