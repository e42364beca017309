//! Whose doing an end was decides whether a Job counts it: what it asked for itself must not launch for ever.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, PostParams};
use orca_testkit::fake_ec2::Ender;
use serde_json::json;

use super::support::Harness;

/// A Job that passes over disruptions, as the shipped example does.
async fn job(harness: &Harness) -> Api<Job> {
    let template = json!({
        "metadata": { "annotations": { "orca.research/instance-type": "t3.micro" } },
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": { "orca.research/provider": "aws" },
            "tolerations": [{ "key": "orca.research/burst-node", "operator": "Exists" }],
            "containers": [{ "name": "main", "image": "example.com/main" }],
        },
    });
    let rules = json!([{ "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget" }] }]);
    let spec = json!({ "backoffLimit": 2, "podFailurePolicy": { "rules": rules }, "template": template });
    let job = serde_json::from_value(json!({ "metadata": { "name": "job" }, "spec": spec })).expect("a job");
    let jobs = Api::default_namespaced(harness.kube.client());
    jobs.create(&PostParams::default(), &job).await.expect("created");
    jobs
}

/// How many instances were launched until the Job failed, or in half an hour in which it did not.
async fn launches_until_failed(by: Ender) -> (usize, bool) {
    let harness = Harness::new();
    let jobs = job(&harness).await;
    for _ in 0..360 {
        for instance in harness.ec2.alive() {
            harness.ec2.end(&instance.id, by).expect("known");
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let status = jobs.get("job").await.expect("a job").status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        if conditions.iter().any(|condition| condition.type_ == "Failed" && condition.status == "True") {
            return (harness.ec2.launched().len(), true);
        }
    }
    (harness.ec2.launched().len(), false)
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_its_own_wishes_make_fail_counts_against_the_jobs_limit() {
    assert_eq!(launches_until_failed(Ender::Request).await, (3, true), "a key that cannot be used");
    assert_eq!(launches_until_failed(Ender::Guest).await, (3, true), "the workload shuts down");
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_or_people_end_does_not_count_against_the_jobs_limit() {
    for by in [Ender::Provider, Ender::SpotMarket, Ender::Operator] {
        let (launched, has_failed) = launches_until_failed(by).await;
        assert!(launched > 3 && !has_failed, "{by:?}: {launched} launches");
    }
}
