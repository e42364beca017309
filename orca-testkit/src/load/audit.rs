//! What a user wrote, counted from the API server's audit log.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The audit log of one API server: one JSON event a line, for every answered request.
#[derive(Clone, Debug)]
pub(super) struct Log {
    path: PathBuf,
}

/// Accepted or refused, writes of one user between two points of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Writes {
    /// To pods, their statuses included.
    pub(super) pods: u32,
    /// Events.
    pub(super) events: u32,
    /// Everything else, such as leases and the node.
    pub(super) others: u32,
}

#[derive(Deserialize)]
struct Event {
    verb: String,
    user: User,
    #[serde(rename = "objectRef")]
    object: Option<Object>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct Object {
    resource: Option<String>,
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The present end of the log, in bytes.
    pub(super) fn end(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |found| found.len())
    }

    /// Counts what the user wrote between two ends. Lines that are no event are passed over.
    pub(super) fn writes(&self, user: &str, from: u64, to: u64) -> std::io::Result<Writes> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut writes = Writes::default();
        for line in BufReader::new(std::io::Read::take(file, to.saturating_sub(from))).lines() {
            if let Ok(event) = serde_json::from_str::<Event>(&line?) {
                writes.count(user, &event);
            }
        }
        Ok(writes)
    }
}

impl Writes {
    fn count(&mut self, user: &str, event: &Event) {
        let is_write =
            matches!(event.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection");
        if !is_write || event.user.username != user {
            return;
        }
        match event.object.as_ref().and_then(|object| object.resource.as_deref()) {
            Some("pods") => self.pods += 1,
            Some("events") => self.events += 1,
            Some(_) | None => self.others += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_counted_by_user_and_kind_between_two_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.log");
        let line = |user: &str, verb: &str, resource: &str| {
            let event = serde_json::json!({
                "verb": verb, "user": { "username": user }, "objectRef": { "resource": resource },
            });
            format!("{event}\n")
        };
        let before = line("orca", "patch", "pods");
        let within = [
            line("orca", "patch", "pods"),
            line("orca", "delete", "pods"),
            line("orca", "get", "pods"),
            line("kwok", "patch", "pods"),
            line("orca", "create", "events"),
            line("orca", "update", "leases"),
            "no event\n".to_owned(),
        ]
        .concat();
        std::fs::write(&path, format!("{before}{within}{before}")).expect("written");
        let log = Log::new(path);
        let (from, to) = (before.len() as u64, (before.len() + within.len()) as u64);
        let writes = log.writes("orca", from, to).expect("readable");
        assert_eq!(writes, Writes { pods: 2, events: 1, others: 1 });
        assert_eq!(log.end(), to + from);
    }
}
