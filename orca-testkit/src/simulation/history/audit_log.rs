//! What a real API server's audit log says of pods and nodes, as facts of a history.
//!
//! Time is taken so that nothing true looks wrong: what the controller wrote counts from the moment when its request was
//! answered, what others asked for from the moment when their request arrived.

use jiff::Timestamp;
use serde_json::Value;

use super::{Entry, Fact, PodVersion};

/// The facts of an audit log of level `RequestResponse`, in the order of the log. What is no line of such a log is passed over.
#[must_use]
pub fn facts(log: &str, controller: &str) -> Vec<Entry> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["stage"] == "ResponseComplete").flat_map(|line| of(&line, controller)).collect()
}

fn of(line: &Value, controller: &str) -> Vec<Entry> {
    let time = |key: &str| line[key].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let (Some(arrived), Some(answered)) = (time("requestReceivedTimestamp"), time("stageTimestamp")) else {
        return Vec::new();
    };
    let is_controller = line["user"]["username"] == controller;
    let at = if is_controller { answered } else { arrived };
    let verb = line["verb"].as_str().unwrap_or_default();
    let object = &line["objectRef"];
    let name = object["name"].as_str().unwrap_or_default().to_owned();
    match object["resource"].as_str() {
        Some("pods") if matches!(verb, "create" | "update" | "patch" | "delete") => {
            let asked = is_controller.then(|| Entry { at: arrived, fact: request(line, verb, name) });
            let became = pod(&line["responseObject"], verb);
            asked.into_iter().chain(became.into_iter().map(|fact| Entry { at, fact })).collect()
        }
        Some("nodes") if matches!(verb, "create" | "delete") && is_done(line) => {
            vec![Entry { at, fact: Fact::Node { name, is_there: verb == "create" } }]
        }
        _ => Vec::new(),
    }
}

fn is_done(line: &Value) -> bool {
    line["responseStatus"]["code"].as_u64().is_some_and(|code| (200..300).contains(&code))
}

fn request(line: &Value, verb: &str, name: String) -> Fact {
    let uid = line["requestObject"]["preconditions"]["uid"].as_str().map(str::to_owned);
    let code = line["responseStatus"]["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    Fact::Request { verb: verb.to_owned(), name, uid, code: code.unwrap_or_default() }
}

/// What the answer shows: a version of the pod, and whether it was the last.
fn pod(answer: &Value, verb: &str) -> Vec<Fact> {
    if answer["kind"] != "Pod" {
        return Vec::new();
    }
    let metadata = &answer["metadata"];
    let version = metadata["resourceVersion"].as_str().and_then(|version| version.parse().ok());
    let pod = PodVersion::of(answer, version.unwrap_or_default());
    let no_grace = metadata["deletionGracePeriodSeconds"].as_u64() == Some(0);
    let is_over = match metadata["deletionTimestamp"].as_str() {
        Some(_) => no_grace,
        None => verb == "delete",
    };
    let is_held = metadata["finalizers"].as_array().is_some_and(|holders| !holders.is_empty());
    let gone = (is_over && !is_held).then(|| Fact::PodGone { uid: pod.uid.clone() });
    [Fact::Pod(Box::new(pod))].into_iter().chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(user: &str, verb: &str, code: u16, answer: Value) -> String {
        json!({
            "stage": "ResponseComplete", "verb": verb, "user": {"username": user},
            "objectRef": {"resource": "pods", "name": "pod"},
            "requestObject": {"preconditions": {"uid": "u"}},
            "responseStatus": {"code": code}, "responseObject": answer,
            "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
            "stageTimestamp": "2026-01-01T00:00:01.000000Z",
        })
        .to_string()
    }

    fn answer(metadata: Value) -> Value {
        let mut metadata = metadata;
        metadata["uid"] = "u".into();
        metadata["name"] = "pod".into();
        metadata["resourceVersion"] = "7".into();
        json!({"kind": "Pod", "metadata": metadata, "status": {"phase": "Running"}})
    }

    fn seconds(log: &str) -> Vec<(i64, bool)> {
        let facts = facts(log, "orca");
        facts
            .iter()
            .map(|entry| (entry.at.as_second() % 60, matches!(entry.fact, Fact::PodGone { .. })))
            .collect()
    }

    #[test]
    fn a_write_of_the_controller_counts_when_it_is_answered_and_one_of_others_when_it_arrives() {
        let write = answer(json!({}));
        assert_eq!(
            seconds(&line("orca", "patch", 200, write.clone())),
            [(0, false), (1, false)],
            "request, version"
        );
        assert_eq!(seconds(&line("kubectl", "patch", 200, write)), [(0, false)]);
    }

    #[test]
    fn a_pod_is_gone_when_its_grace_is_none_and_nobody_holds_it() {
        let deleted = |grace: u64| json!({"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": grace});
        let mut held = deleted(0);
        held["finalizers"] = json!(["example.com/hold"]);
        for (verb, metadata, is_gone) in [
            ("delete", deleted(30), false),
            ("delete", deleted(0), true),
            ("delete", json!({}), true),
            ("delete", held.clone(), false),
            ("patch", deleted(0), true),
            ("patch", deleted(30), false),
            ("patch", json!({}), false),
        ] {
            let gone =
                seconds(&line("kubectl", verb, 200, answer(metadata.clone()))).iter().any(|(_, gone)| *gone);
            assert_eq!(gone, is_gone, "{verb} {metadata}");
        }
    }

    #[test]
    fn a_refused_write_is_a_request_and_no_version() {
        let log = line("orca", "delete", 409, json!({"kind": "Status"}));
        let facts = facts(&log, "orca");
        let expected =
            Fact::Request { verb: "delete".into(), name: "pod".into(), uid: Some("u".into()), code: 409 };
        assert_eq!(facts.into_iter().map(|entry| entry.fact).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn what_is_no_line_of_an_audit_log_is_passed_over() {
        assert_eq!(facts("\nno JSON\n{}\n{\"stage\": \"ResponseComplete\"}\n", "orca"), []);
    }
}
