//! What happens in the sandbox, as lines: one for each step of a pod, a node or an instance that people care about.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::object::{condition, has, says, text};

mod hint;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// What it is about, such as `pod/train` or `i-0123456789abcdef0`.
    pub(super) subject: String,
    /// In a word or two.
    pub(super) what: String,
    /// The rest; may be empty.
    pub(super) detail: String,
    /// Whether somebody should look at it.
    pub(super) tone: Tone,
}

/// How a line is meant, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tone {
    /// A step on the way.
    Step,
    /// A wish has come true.
    Good,
    /// Something failed or waits for somebody.
    Bad,
}

impl Line {
    pub(super) fn new(subject: impl Into<String>, what: &str, detail: impl Into<String>, tone: Tone) -> Self {
        Self { subject: subject.into(), what: what.to_owned(), detail: detail.into(), tone }
    }

    /// For people: time since the start, subject, what, detail.
    pub(super) fn text(&self, at: Duration, coloured: bool) -> String {
        let mut line =
            format!("{:>7.2}s  {:<28} {:<14} {}", at.as_secs_f64(), self.subject, self.what, self.detail);
        line.truncate(line.trim_end().len());
        if coloured {
            let colour = match self.tone {
                Tone::Step => return line,
                Tone::Good => "32",
                Tone::Bad => "33",
            };
            line = format!("\u{1b}[{colour}m{line}\u{1b}[0m");
        }
        line
    }

    /// For instances: the same as one JSON object.
    pub(super) fn json(&self, at: Duration) -> String {
        let mut object = serde_json::to_value(self).unwrap_or_default();
        object["elapsedSeconds"] = Value::from((at.as_secs_f64() * 1000.0).round() / 1000.0);
        object.to_string()
    }
}

/// What a change of an object means to people. `resource` is its name in paths.
pub(super) fn tell(resource: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<Line> {
    match resource {
        "pods" => pod(before, after),
        "nodes" => node(before, after),
        "events" => after.filter(|_| before.is_none()).and_then(event).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// `pod/name`, with the namespace when it is not the usual one.
pub(super) fn pod_name(pod: &Value) -> String {
    match text(pod, "/metadata/namespace") {
        "" | "default" => format!("pod/{}", text(pod, "/metadata/name")),
        other => format!("pod/{other}/{}", text(pod, "/metadata/name")),
    }
}

fn pod(before: Option<&Value>, after: Option<&Value>) -> Vec<Line> {
    let Some(after) = after else {
        let gone = before.map(|pod| Line::new(pod_name(pod), "gone", "the object is removed", Tone::Step));
        return gone.into_iter().collect();
    };
    let name = pod_name(after);
    let old = before.unwrap_or(&Value::Null);
    let mut lines = Vec::new();
    let mut say = |what: &str, detail: String, tone| lines.push(Line::new(name.clone(), what, detail, tone));
    if before.is_none() {
        say("created", images(after), Tone::Step);
    }
    let node = text(after, "/spec/nodeName");
    if !node.is_empty() && text(old, "/spec/nodeName") != node {
        say("scheduled", format!("to {node}"), Tone::Step);
    }
    if has(after, "PodScheduled", "False") && !has(old, "PodScheduled", "False") {
        let why = says(after, "PodScheduled");
        say("unschedulable", why.to_owned(), Tone::Bad);
        if let Some(remedy) = hint::of(after, why) {
            say("add", remedy, Tone::Step);
        }
    }
    let (phase, message) = (text(after, "/status/phase"), text(after, "/status/message"));
    let is_news = phase != text(old, "/status/phase") || message != text(old, "/status/message");
    if is_news && before.is_some() && !(phase == "Pending" && message.is_empty()) {
        let tone = match phase {
            "Running" | "Succeeded" => Tone::Good,
            "Failed" => Tone::Bad,
            _ => Tone::Step,
        };
        say(phase, message.to_owned(), tone);
    }
    if has(after, "Ready", "True") && !has(old, "Ready", "True") {
        say("Ready", String::new(), Tone::Good);
    }
    let deletion = "/metadata/deletionTimestamp";
    if !text(after, deletion).is_empty() && text(old, deletion).is_empty() {
        let grace =
            after.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
        say("deleting", format!("with {grace} s of grace"), Tone::Step);
    }
    lines
}

fn images(pod: &Value) -> String {
    let containers =
        pod.pointer("/spec/containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut text = String::new();
    for container in containers {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{}", container["image"].as_str().unwrap_or_default());
    }
    text
}

fn node(before: Option<&Value>, after: Option<&Value>) -> Vec<Line> {
    let Some(after) = after else {
        let gone = before.map(|node| Line::new(node_name(node), "gone", "", Tone::Bad));
        return gone.into_iter().collect();
    };
    let old = before.unwrap_or(&Value::Null);
    let mut lines = Vec::new();
    if before.is_none() {
        lines.push(Line::new(node_name(after), "registered", "", Tone::Step));
    }
    for (kind, good) in [("Ready", true), ("CloudReachable", true)] {
        let status = |object: &Value| condition(object, kind).map(|condition| condition["status"] == "True");
        if let Some(now) = status(after).filter(|now| status(old) != Some(*now)) {
            let what = if now { kind.to_owned() } else { format!("not {kind}") };
            let why = says(after, kind);
            let tone = if now == good { Tone::Good } else { Tone::Bad };
            lines.push(Line::new(node_name(after), &what, why, tone));
        }
    }
    lines
}

fn node_name(node: &Value) -> String {
    format!("node/{}", text(node, "/metadata/name"))
}

/// Warnings only: what goes as it should is shown by the objects themselves. Both APIs' spellings are read.
fn event(event: &Value) -> Option<Line> {
    // That nothing can be scheduled stands in the pod itself.
    if text(event, "/type") != "Warning" || text(event, "/reason") == "FailedScheduling" {
        return None;
    }
    let about = ["/regarding", "/involvedObject"].into_iter().find_map(|at| event.pointer(at))?;
    let kind = text(about, "/kind").to_lowercase();
    let note = ["/note", "/message"].into_iter().map(|at| text(event, at)).find(|note| !note.is_empty());
    let subject = format!("{kind}/{}", text(about, "/name"));
    Some(Line::new(subject, text(event, "/reason"), note.unwrap_or_default(), Tone::Bad))
}

#[cfg(test)]
mod tests;
