//! How far an applied object is: it waits, it is up, or it has ended without.

use serde_json::Value;

use super::object::{has, says};

/// How far an applied object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not yet, and why.
    Waiting(String),
    /// Each of its pods runs and is Ready, or has succeeded.
    Up,
    /// Some pod has failed, and why.
    Failed(String),
}

/// How far this object is, given all pods of its namespace.
pub(super) fn progress(object: &Value, pods: &[Value]) -> Progress {
    let uid = &object["metadata"]["uid"];
    match object["kind"].as_str().unwrap_or_default() {
        "Pod" => of_pod(object),
        "Job" => {
            let parallelism = object["spec"]["parallelism"].as_u64().unwrap_or(1);
            let wanted =
                object["spec"]["completions"].as_u64().map_or(parallelism, |all| all.min(parallelism));
            let own: Vec<&Value> = pods.iter().filter(|pod| is_owned(pod, uid)).collect();
            of_many(&own, wanted)
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            let wanted = object["spec"]["replicas"].as_u64().unwrap_or(1);
            let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
            if ready >= wanted {
                Progress::Up
            } else {
                Progress::Waiting(format!("{ready} of {wanted} replicas are ready"))
            }
        }
        "DaemonSet" => {
            let is_counted = object["status"]["observedGeneration"].is_u64();
            let wanted = object["status"]["desiredNumberScheduled"].as_u64().filter(|_| is_counted);
            let own: Vec<&Value> = pods.iter().filter(|pod| is_owned(pod, uid)).collect();
            wanted.map_or_else(
                || Progress::Waiting("nobody has counted it yet".into()),
                |wanted| of_many(&own, wanted),
            )
        }
        // What has no pods has nothing to wait for.
        _ => Progress::Up,
    }
}

fn is_owned(pod: &Value, uid: &Value) -> bool {
    let owners = pod["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
    owners.iter().any(|owner| owner["uid"] == *uid)
}

fn of_many(pods: &[&Value], wanted: u64) -> Progress {
    let all: Vec<Progress> = pods.iter().map(|pod| of_pod(pod)).collect();
    if let Some(failed) = all.iter().find(|progress| matches!(progress, Progress::Failed(_))) {
        return failed.clone();
    }
    let up = all.iter().filter(|progress| **progress == Progress::Up).count();
    if u64::try_from(up).unwrap_or(u64::MAX) >= wanted {
        return Progress::Up;
    }
    let why = all.iter().find_map(|progress| match progress {
        Progress::Waiting(why) => Some(format!("; {why}")),
        Progress::Up | Progress::Failed(_) => None,
    });
    Progress::Waiting(format!("{up} of {wanted} pods are ready{}", why.unwrap_or_default()))
}

fn of_pod(pod: &Value) -> Progress {
    let status = &pod["status"];
    let message = status["message"].as_str().unwrap_or_default();
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    match status["phase"].as_str().unwrap_or_default() {
        "Succeeded" => Progress::Up,
        "Failed" => Progress::Failed(format!("pod {name} has failed: {message}")),
        "Running" if has(pod, "Ready", "True") => Progress::Up,
        "Running" => Progress::Waiting(format!("pod {name} is not Ready yet")),
        _ => {
            let why = if message.is_empty() { unscheduled(pod).unwrap_or("it is Pending") } else { message };
            Progress::Waiting(format!("pod {name}: {why}"))
        }
    }
}

fn unscheduled(pod: &Value) -> Option<&str> {
    has(pod, "PodScheduled", "False").then(|| says(pod, "PodScheduled"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(phase: &str, ready: &str, message: &str) -> Value {
        json!({
            "kind": "Pod",
            "metadata": { "name": "p", "uid": "u", "ownerReferences": [{ "uid": "job" }] },
            "status": { "phase": phase, "message": message, "conditions": [{ "type": "Ready", "status": ready }] },
        })
    }

    #[test]
    fn a_pod_is_up_when_it_is_ready_or_has_succeeded() {
        assert_eq!(progress(&pod("Running", "True", ""), &[]), Progress::Up);
        assert_eq!(progress(&pod("Succeeded", "False", ""), &[]), Progress::Up);
        assert_eq!(
            progress(&pod("Running", "False", ""), &[]),
            Progress::Waiting("pod p is not Ready yet".into())
        );
        assert_eq!(
            progress(&pod("Pending", "False", "no capacity"), &[]),
            Progress::Waiting("pod p: no capacity".into())
        );
        assert_eq!(
            progress(&pod("Failed", "False", "gone"), &[]),
            Progress::Failed("pod p has failed: gone".into())
        );
    }

    #[test]
    fn a_job_is_up_when_as_many_pods_as_it_runs_at_a_time_are() {
        let job = json!({ "kind": "Job", "metadata": { "uid": "job" }, "spec": { "parallelism": 3, "completions": 2 } });
        let up = pod("Running", "True", "");
        assert_eq!(progress(&job, &[up.clone(), up.clone()]), Progress::Up);
        let waiting = progress(&job, &[up.clone(), pod("Pending", "False", "booting")]);
        assert_eq!(waiting, Progress::Waiting("1 of 2 pods are ready; pod p: booting".into()));
        let mut foreign = up;
        foreign["metadata"]["ownerReferences"] = json!([]);
        assert_eq!(progress(&job, &[foreign]), Progress::Waiting("0 of 2 pods are ready".into()));
    }

    #[test]
    fn replicas_count_and_other_kinds_are_up_at_once() {
        let web =
            json!({ "kind": "Deployment", "spec": { "replicas": 2 }, "status": { "readyReplicas": 1 } });
        assert_eq!(progress(&web, &[]), Progress::Waiting("1 of 2 replicas are ready".into()));
        let db = json!({ "kind": "StatefulSet", "spec": { "replicas": 1 }, "status": {} });
        assert_eq!(progress(&db, &[]), Progress::Waiting("0 of 1 replicas are ready".into()));
        assert_eq!(progress(&json!({ "kind": "ConfigMap" }), &[]), Progress::Up);
    }

    #[test]
    fn a_daemon_set_is_up_when_each_node_that_it_is_for_has_its_pod() {
        let set =
            |status: Value| json!({ "kind": "DaemonSet", "metadata": { "uid": "job" }, "status": status });
        let zeros = json!({ "desiredNumberScheduled": 0 });
        assert_eq!(progress(&set(zeros), &[]), Progress::Waiting("nobody has counted it yet".into()));
        let one = set(json!({ "desiredNumberScheduled": 1, "observedGeneration": 1 }));
        let ignored = progress(&one, &[pod("Pending", "False", "pods of DaemonSets buy no instance")]);
        let why = "0 of 1 pods are ready; pod p: pods of DaemonSets buy no instance";
        assert_eq!(ignored, Progress::Waiting(why.into()));
        assert_eq!(progress(&one, &[pod("Running", "True", "")]), Progress::Up);
    }
}
