//! What a failed pod means for its job, by the rules that the job brings.

use serde_json::Value;

use super::super::super::object::Object;

/// What becomes of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// It counts towards the limit.
    Count,
    /// It does not.
    Ignore,
    /// It ends the job, and this is why.
    FailJob(String),
}

/// The first rule that fits decides; without one the failure counts.
pub(super) fn judge(job: &Object, pod: &Object) -> Ruling {
    if pod.text("/status/phase") != "Failed" {
        return Ruling::Count;
    }
    for (place, rule) in job.items("/spec/podFailurePolicy/rules").iter().enumerate() {
        let Some(what) =
            exit_code(&rule["onExitCodes"], pod).or_else(|| condition(&rule["onPodConditions"], pod))
        else {
            continue;
        };
        let action = rule["action"].as_str().unwrap_or_default();
        return match action {
            "Ignore" => Ruling::Ignore,
            "FailJob" => Ruling::FailJob(format!("{what} matching {action} rule at index {place}")),
            _ => Ruling::Count,
        };
    }
    Ruling::Count
}

fn exit_code(rule: &Value, pod: &Object) -> Option<String> {
    let values = rule["values"].as_array()?;
    let wants_listed = rule["operator"] == "In";
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    for status in lists.iter().flat_map(|list| pod.items(list)) {
        let name = status["name"].as_str().unwrap_or_default();
        let is_meant = rule["containerName"].as_str().is_none_or(|wanted| wanted == name);
        let code = status["state"]["terminated"]["exitCode"].as_i64().filter(|code| *code != 0);
        if let Some(code) = code.filter(|_| is_meant)
            && values.iter().any(|value| value == code) == wants_listed
        {
            let (namespace, pod) = (pod.namespace(), pod.name());
            return Some(format!("Container {name} for pod {namespace}/{pod} failed with exit code {code}"));
        }
    }
    None
}

fn condition(patterns: &Value, pod: &Object) -> Option<String> {
    let patterns = patterns.as_array()?;
    let found = pod.items("/status/conditions").iter().find(|condition| {
        patterns.iter().any(|pattern| {
            let status = pattern["status"].as_str().unwrap_or("True");
            condition["type"] == pattern["type"] && condition["status"] == status
        })
    })?;
    let kind = found["type"].as_str().unwrap_or_default();
    Some(format!("Pod {}/{} has condition {kind}", pod.namespace(), pod.name()))
}
