//! The job controller alone.

use serde_json::json;

use super::super::harness::Harness;
use super::*;
use crate::fake_kube::store::DeleteOptions;

fn harness() -> Harness {
    Harness::new(vec![Box::<Jobs>::default()])
}

fn job(fields: Value) -> Value {
    let mut spec = json!({
        "parallelism": 1, "completions": 1, "backoffLimit": 6,
        "podReplacementPolicy": "TerminatingOrFailed",
        "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "main", "image": "i" }] } },
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        json::set(&mut spec, &[name], value.clone());
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": "work", "namespace": "default" }, "spec": spec,
    })
}

/// The pods that neither ended nor are to end, all of them bound to a node.
fn active(harness: &Harness) -> Vec<Arc<Object>> {
    let found = |harness: &Harness| {
        harness.list(&PODS).into_iter().filter(|pod| pods::is_active(pod)).collect::<Vec<_>>()
    };
    for pod in found(harness) {
        harness.update(&pod, |pod| pod["spec"]["nodeName"] = "n".into());
    }
    found(harness)
}

fn exit(harness: &Harness, pod: &Object, code: i64) {
    harness.phase(pod, if code == 0 { "Succeeded" } else { "Failed" });
    harness.update(pod, |pod| {
        let time = json::seconds(harness.store.now());
        let terminated = json!({ "exitCode": code, "finishedAt": time });
        pod["status"]["containerStatuses"] =
            json!([{ "name": "main", "restartCount": 0, "state": { "terminated": terminated } }]);
    });
}

fn status(harness: &Harness, name: &str) -> Value {
    harness.at(&JOBS, "work", &format!("/status/{name}"))
}

fn condition(harness: &Harness, kind: &str) -> String {
    harness.condition(&JOBS, "work", kind)
}

#[tokio::test(start_paused = true)]
async fn a_job_makes_its_pod_and_is_complete_when_that_succeeded() {
    let mut harness = harness();
    let uid = harness.create(job(json!({}))).uid().to_owned();
    harness.run_to_rest();
    let pod = Arc::clone(&active(&harness)[0]);
    let labels = json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": "work",
        "controller-uid": uid, "job-name": "work",
    });
    assert_eq!(pod.value()["metadata"]["labels"], labels);
    assert_eq!(pod.value()["metadata"]["finalizers"], json!([FINALIZER]));
    assert_eq!(pod.text("/metadata/generateName"), "work-");
    let mut now = harness.at(&JOBS, "work", "/status");
    assert!(now["startTime"].take().is_string());
    let expected = json!({
        "active": 1, "ready": 0, "startTime": null, "terminating": 0, "uncountedTerminatedPods": {},
    });
    assert_eq!(now, expected);
    harness.phase(&pod, "Running");
    harness.pass(2).await;
    assert_eq!(status(&harness, "ready"), 1);
    exit(&harness, &harness.get(&PODS, pod.name()), 0);
    harness.pass(2).await;
    assert_eq!(status(&harness, "succeeded"), 1);
    assert_eq!(status(&harness, "active"), Value::Null);
    assert!(status(&harness, "completionTime").is_string());
    assert_eq!(condition(&harness, "SuccessCriteriaMet"), "True CompletionsReached");
    assert_eq!(condition(&harness, "Complete"), "True CompletionsReached");
    assert!(!has_finalizer(&harness.get(&PODS, pod.name())));
    let created = format!("SuccessfulCreate: Created pod: {}", pod.name());
    assert_eq!(harness.events("work"), [created.as_str(), "Completed: Job completed"]);
}

#[tokio::test(start_paused = true)]
async fn as_many_run_at_a_time_as_allowed_and_as_many_in_all_as_wished() {
    let mut harness = harness();
    harness.create(job(json!({ "completions": 5, "parallelism": 2 })));
    harness.run_to_rest();
    for left in [2, 2, 1] {
        let now = active(&harness);
        assert_eq!(now.len(), left);
        for pod in &now {
            exit(&harness, pod, 0);
        }
        harness.pass(2).await;
    }
    assert_eq!(status(&harness, "succeeded"), 5);
    assert_eq!(condition(&harness, "Complete"), "True CompletionsReached");
}

#[tokio::test(start_paused = true)]
async fn without_a_number_of_completions_one_success_is_enough() {
    let mut harness = harness();
    harness.create(job(json!({ "completions": null, "parallelism": 2 })));
    harness.run_to_rest();
    let pods = active(&harness);
    exit(&harness, &pods[0], 0);
    harness.pass(2).await;
    assert_eq!(active(&harness).len(), 1);
    assert_eq!(condition(&harness, "Complete"), "");
    exit(&harness, &harness.get(&PODS, pods[1].name()), 0);
    harness.pass(2).await;
    assert_eq!(condition(&harness, "Complete"), "True CompletionsReached");
}

#[tokio::test(start_paused = true)]
async fn a_failed_pod_is_replaced_after_ten_seconds_and_the_next_one_after_twenty() {
    let mut harness = harness();
    harness.create(job(json!({ "backoffLimit": 2 })));
    harness.run_to_rest();
    for wait in [10, 20] {
        exit(&harness, &active(&harness)[0], 1);
        harness.pass(wait - 1).await;
        assert!(active(&harness).is_empty());
        harness.pass(3).await;
        assert_eq!(active(&harness).len(), 1);
    }
    exit(&harness, &active(&harness)[0], 1);
    harness.pass(60).await;
    assert_eq!(status(&harness, "failed"), 3);
    assert_eq!(condition(&harness, "FailureTarget"), "True BackoffLimitExceeded");
    assert_eq!(condition(&harness, "Failed"), "True BackoffLimitExceeded");
    let expected = "BackoffLimitExceeded: Job has reached the specified backoff limit";
    assert_eq!(harness.events("work").last().map(String::as_str), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_waits_for_its_other_pods_to_end() {
    let mut harness = harness();
    harness.create(job(
        json!({ "backoffLimit": 0, "parallelism": 2, "completions": 2, "podReplacementPolicy": "Failed" }),
    ));
    harness.run_to_rest();
    let pods = active(&harness);
    exit(&harness, &pods[0], 1);
    harness.pass(5).await;
    assert!(harness.get(&PODS, pods[1].name()).is_deleting());
    assert_eq!(condition(&harness, "FailureTarget"), "True BackoffLimitExceeded");
    assert_eq!(condition(&harness, "Failed"), "");
    assert_eq!(status(&harness, "terminating"), 1);
    exit(&harness, &harness.get(&PODS, pods[1].name()), 143);
    harness.pass(2).await;
    assert_eq!(condition(&harness, "Failed"), "True BackoffLimitExceeded");
    assert_eq!(status(&harness, "failed"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_is_replaced_at_once_or_when_it_has_ended() {
    for (policy, replaced_at_once) in [("TerminatingOrFailed", true), ("Failed", false)] {
        let mut harness = harness();
        harness.create(job(json!({ "podReplacementPolicy": policy })));
        harness.run_to_rest();
        let pod = Arc::clone(&active(&harness)[0]);
        harness.delete(&pod, &DeleteOptions::default());
        harness.pass(15).await;
        assert_eq!(active(&harness).len(), usize::from(replaced_at_once), "{policy}");
        assert_eq!(status(&harness, "terminating"), 1);
        if !replaced_at_once {
            exit(&harness, &harness.get(&PODS, pod.name()), 143);
        }
        harness.remove(&harness.get(&PODS, pod.name()));
        harness.pass(15).await;
        assert_eq!(active(&harness).len(), 1);
        assert_eq!(status(&harness, "terminating"), 0);
        assert_eq!(status(&harness, "failed"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_fails() {
    let mut harness = harness();
    harness.create(job(json!({ "activeDeadlineSeconds": 30 })));
    harness.pass(29).await;
    let pod = Arc::clone(&active(&harness)[0]);
    harness.pass(3).await;
    assert!(harness.get(&PODS, pod.name()).is_deleting());
    harness.remove(&harness.get(&PODS, pod.name()));
    harness.pass(2).await;
    assert_eq!(condition(&harness, "Failed"), "True DeadlineExceeded");
    let expected = "DeadlineExceeded: Job was active longer than specified deadline";
    assert_eq!(harness.events("work").last().map(String::as_str), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn rules_decide_what_a_failure_means() {
    let rules = json!({ "rules": [
        { "action": "FailJob", "onExitCodes": { "containerName": "main", "operator": "In", "values": [42] } },
        { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
    ] });
    let mut harness = harness();
    harness.create(job(json!({ "backoffLimit": 0, "podFailurePolicy": rules })));
    harness.run_to_rest();
    let pod = Arc::clone(&active(&harness)[0]);
    exit(&harness, &pod, 137);
    harness.update(&pod, |pod| {
        let conditions = pod["status"]["conditions"].as_array_mut().expect("conditions");
        conditions.push(json!({ "type": "DisruptionTarget", "status": "True" }));
    });
    harness.pass(15).await;
    assert_eq!(status(&harness, "failed"), Value::Null);
    let next = Arc::clone(&active(&harness)[0]);
    exit(&harness, &next, 42);
    harness.pass(2).await;
    assert_eq!(condition(&harness, "Failed"), "True PodFailurePolicy");
    let expected = format!(
        "PodFailurePolicy: Container main for pod default/{} failed with exit code 42 matching FailJob rule \
         at index 0",
        next.name()
    );
    assert_eq!(harness.events("work").last(), Some(&expected));
}

#[tokio::test(start_paused = true)]
async fn every_index_has_a_pod_of_its_own_until_it_succeeds() {
    let mut harness = harness();
    harness.create(job(json!({ "completionMode": "Indexed", "completions": 4, "parallelism": 3 })));
    harness.run_to_rest();
    let pods = active(&harness);
    let indexes: Vec<u32> = pods.iter().filter_map(|pod| index::of(pod)).collect();
    assert_eq!(indexes, [0, 1, 2]);
    assert_eq!(pods[1].text("/spec/hostname"), "work-1");
    assert!(pods[1].name().starts_with("work-1-"));
    assert_eq!(pods[1].text("/spec/containers/0/env/0/name"), "JOB_COMPLETION_INDEX");
    exit(&harness, &pods[0], 0);
    exit(&harness, &pods[1], 1);
    exit(&harness, &pods[2], 0);
    harness.pass(20).await;
    assert_eq!(status(&harness, "completedIndexes"), "0,2");
    let pods = active(&harness);
    assert_eq!(pods.iter().filter_map(|pod| index::of(pod)).collect::<Vec<_>>(), [1, 3]);
    for pod in &pods {
        exit(&harness, pod, 0);
    }
    harness.pass(2).await;
    assert_eq!(status(&harness, "completedIndexes"), "0-3");
    assert_eq!(condition(&harness, "Complete"), "True CompletionsReached");
}

#[tokio::test(start_paused = true)]
async fn a_suspended_job_has_no_pods_and_goes_on_later() {
    let mut harness = harness();
    harness.create(job(json!({ "podReplacementPolicy": "Failed" })));
    harness.run_to_rest();
    let pod = Arc::clone(&active(&harness)[0]);
    harness.update(&harness.get(&JOBS, "work"), |job| job["spec"]["suspend"] = true.into());
    harness.run_to_rest();
    assert!(harness.get(&PODS, pod.name()).is_deleting());
    assert_eq!(condition(&harness, "Suspended"), "True JobSuspended");
    assert_eq!(status(&harness, "startTime"), Value::Null);
    exit(&harness, &harness.get(&PODS, pod.name()), 143);
    harness.remove(&harness.get(&PODS, pod.name()));
    harness.pass(20).await;
    harness.update(&harness.get(&JOBS, "work"), |job| job["spec"]["suspend"] = false.into());
    harness.run_to_rest();
    assert_eq!(condition(&harness, "Suspended"), "False JobResumed");
    assert!(status(&harness, "startTime").is_string());
    assert_eq!(active(&harness).len(), 1);
    let events = harness.events("work");
    assert!(events.contains(&"Suspended: Job suspended".to_owned()));
    assert!(events.contains(&"Resumed: Job resumed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_ended_job_goes_after_its_time_and_its_pods_are_free() {
    let mut harness =
        Harness::new(vec![Box::<Jobs>::default(), Box::<super::super::garbage::GarbageCollector>::default()]);
    harness.create(job(json!({ "ttlSecondsAfterFinished": 30 })));
    harness.run_to_rest();
    exit(&harness, &active(&harness)[0], 0);
    harness.pass(25).await;
    assert_eq!(condition(&harness, "Complete"), "True CompletionsReached");
    harness.pass(10).await;
    assert!(harness.find(&JOBS, "work").is_none());
    assert!(harness.list(&PODS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_deleted_job_are_not_held_back() {
    let mut harness =
        Harness::new(vec![Box::<Jobs>::default(), Box::<super::super::garbage::GarbageCollector>::default()]);
    harness.create(job(json!({ "parallelism": 3, "completions": 3 })));
    harness.run_to_rest();
    let pods = active(&harness);
    harness.delete(&harness.get(&JOBS, "work"), &DeleteOptions::default());
    harness.pass(5).await;
    for pod in &pods {
        harness.remove(pod);
    }
    harness.pass(5).await;
    assert!(harness.list(&PODS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pods_that_end_one_by_one_are_counted_together() {
    let mut harness = harness();
    harness.create(job(json!({ "parallelism": 1000, "completions": 1000 })));
    harness.pass(1).await;
    let pods = active(&harness);
    assert_eq!(pods.len(), 1000);
    for pod in &pods {
        exit(&harness, pod, 0);
        harness.run_to_rest();
    }
    harness.pass(3).await;
    assert_eq!(status(&harness, "succeeded"), 1000);
    assert_eq!(condition(&harness, "Complete"), "True CompletionsReached");
}

#[test]
fn indexes_are_written_as_ranges() {
    for text in ["", "0", "0,1", "0-2", "1,3-5,7"] {
        assert_eq!(index::format(&index::parse(text)), text);
    }
    assert!(index::parse("x,2-y").is_empty());
}
