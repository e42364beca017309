//! What a pod asks for is compared with its instance type before anything is bought.

use std::time::Duration;

use kube::api::PostParams;
use serde_json::json;

use super::support::Harness;

/// Two pods on a `t3.micro` that ask for more than it has: one that a controller would make again, and one that waits.
async fn ask_for_too_much(harness: &Harness) {
    for (name, policy) in [("never", "Never"), ("always", "Always")] {
        let requests = json!({ "cpu": "1", "memory": "900Gi", "nvidia.com/gpu": "8" });
        let container = json!({ "name": "main", "image": "example.com/main", "resources": { "requests": requests, "limits": requests } });
        let pod = json!({
            "metadata": { "name": name, "annotations": { "orca.research/instance-type": "t3.micro" } },
            "spec": {
                "restartPolicy": policy,
                "nodeSelector": { "orca.research/provider": "aws" },
                "tolerations": [{ "key": "orca.research/burst-node", "operator": "Exists" }],
                "containers": [container],
            },
        });
        let pod = serde_json::from_value(pod).expect("a pod");
        harness.pods.create(&PostParams::default(), &pod).await.expect("created");
    }
}

async fn harness(check_fit: bool) -> Harness {
    let mut harness = Harness::new();
    let ec2 = harness.ec2.clone();
    harness
        .restart_with(&ec2, |builder, config| {
            config.node.gpu = Some("100".into());
            config.node.memory = "4Ti".into();
            config.instances.check_fit = check_fit;
            builder
        })
        .await;
    harness
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_type_is_too_small_launches_nothing_and_says_what_is_missing() {
    let harness = harness(true).await;
    ask_for_too_much(&harness).await;
    harness.eventually(&[("InstanceTypeTooSmall", 2)], Duration::from_mins(2)).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(harness.ec2.launched().is_empty());
    assert!(harness.was_told("InstanceTypeTooSmall").await);
    let waiting = harness.pods.get("always").await.expect("a pod").status.expect("a status");
    let failed = harness.pods.get("never").await.expect("a pod").status.expect("a status");
    assert_eq!((waiting.phase.as_deref(), failed.phase.as_deref()), (Some("Pending"), Some("Failed")));
    let text = serde_json::to_string(&failed).expect("JSON");
    assert!(text.contains("memory 900Gi of 1Gi, nvidia.com/gpu 8 of 0"), "{text}");
    assert!(!text.contains("DisruptionTarget"), "a Job counts it");
}

#[tokio::test(start_paused = true)]
async fn whoever_turns_the_comparison_off_gets_what_is_asked_for() {
    let harness = harness(false).await;
    ask_for_too_much(&harness).await;
    harness.eventually(&[("Running", 2)], Duration::from_mins(2)).await;
}
