//! What a user asked for, counted from the API server's audit log.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fake_kube::FakeKube;

/// The audit log of one API server: every answered request.
#[derive(Clone, Debug)]
pub(super) enum Log {
    /// The real one writes one JSON event a line.
    File(PathBuf),
    /// The fake one remembers its latest requests.
    Fake(FakeKube),
}

/// Accepted or refused, requests of one user between two points of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Writes {
    /// To pods, their statuses included.
    pub(super) pods: u32,
    /// Events.
    pub(super) events: u32,
    /// Everything else, such as leases and the node.
    pub(super) others: u32,
    /// All of them, and everything that was read.
    pub(super) requests: u32,
    /// Watches on pods that ended: no writes, and each one's successor had to be asked for.
    pub(super) ended_watches: u32,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    stage: String,
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
    /// The present end of the log: in bytes, or in requests.
    pub(super) fn end(&self) -> u64 {
        match self {
            Self::File(path) => std::fs::metadata(path).map_or(0, |found| found.len()),
            Self::Fake(kube) => kube.audit().answered(),
        }
    }

    /// Counts what the user wrote between two ends. Lines that are no event are passed over.
    ///
    /// Errors: the file cannot be read, or the requests are too many to be remembered.
    pub(super) fn writes(&self, user: &str, from: u64, to: u64) -> std::io::Result<Writes> {
        let mut writes = Writes::default();
        match self {
            Self::File(path) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(from))?;
                for line in BufReader::new(std::io::Read::take(file, to.saturating_sub(from))).lines() {
                    if let Ok(event) = serde_json::from_str::<Event>(&line?)
                        && event.user.username == user
                        // A watch is logged when it begins, and again when it ends.
                        && event.stage != "ResponseStarted"
                    {
                        let resource = event.object.as_ref().and_then(|object| object.resource.as_deref());
                        writes.count(&event.verb, resource.unwrap_or_default());
                    }
                }
            }
            Self::Fake(kube) => {
                let entries = kube.audit().numbered(from..to).ok_or_else(|| {
                    std::io::Error::other("the fake API server remembers fewer requests than there were")
                })?;
                for entry in entries.iter().filter(|entry| entry.user == user) {
                    let resource = entry.resource.split('/').next().unwrap_or_default();
                    writes.count(entry.verb, resource);
                }
            }
        }
        Ok(writes)
    }
}

impl Writes {
    fn count(&mut self, verb: &str, resource: &str) {
        self.requests += 1;
        match (verb, resource) {
            ("create" | "update" | "patch" | "delete" | "deletecollection", resource) => match resource {
                "pods" => self.pods += 1,
                "events" => self.events += 1,
                _ => self.others += 1,
            },
            ("watch", "pods") => self.ended_watches += 1,
            _ => {}
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
                "stage": "ResponseComplete", "verb": verb, "user": { "username": user }, "objectRef": { "resource": resource },
            });
            format!("{event}\n")
        };
        let before = line("orca", "patch", "pods");
        let within = [
            line("orca", "patch", "pods"),
            line("orca", "delete", "pods"),
            line("orca", "get", "pods"),
            line("orca", "watch", "pods"),
            line("orca", "watch", "nodes"),
            line("orca", "watch", "pods").replace("ResponseComplete", "ResponseStarted"),
            line("kwok", "patch", "pods"),
            line("orca", "create", "events"),
            line("orca", "update", "leases"),
            "no event\n".to_owned(),
        ]
        .concat();
        std::fs::write(&path, format!("{before}{within}{before}")).expect("written");
        let log = Log::File(path);
        let (from, to) = (before.len() as u64, (before.len() + within.len()) as u64);
        let writes = log.writes("orca", from, to).expect("readable");
        assert_eq!(writes, Writes { pods: 2, events: 1, others: 1, requests: 7, ended_watches: 1 });
        assert_eq!(log.end(), to + from);
    }
}
