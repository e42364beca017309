//! The same seed gives the same events.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, WatchParams};
use orca_core::clock::Clock;
use orca_testkit::fake_kube::{FakeKube, Options};
use serde_json::json;

/// Tokio's clock as a wall clock that begins at a fixed time.
#[derive(Debug)]
struct Simulated(tokio::time::Instant);

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        start + jiff::SignedDuration::try_from(self.0.elapsed()).expect("a duration")
    }
}

/// Several clients at work, as one of them sees it.
async fn trace(seed: u64) -> Vec<String> {
    let fake = FakeKube::new(&Options::new(Arc::new(Simulated(tokio::time::Instant::now())), seed));
    let pods: Api<Pod> = Api::default_namespaced(fake.client());
    let events = pods.watch(&WatchParams::default().timeout(30), "0").await.expect("a watch");
    let writers = (0..4_u64).map(|writer| {
        let pods = pods.clone();
        tokio::spawn(async move {
            for number in 0..5_u64 {
                let pod = json!({
                    "metadata": { "generateName": format!("w{writer}-") },
                    "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "i" }] },
                });
                let pod: Pod = serde_json::from_value(pod).expect("a pod");
                let made = pods.create(&PostParams::default(), &pod).await.expect("created");
                tokio::time::sleep(std::time::Duration::from_millis(writer * 7 + number)).await;
                let name = made.metadata.name.expect("a name");
                let status = json!({ "status": { "phase": "Running" } });
                pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
                    .await
                    .expect("patched");
                pods.delete(&name, &DeleteParams::default().grace_period(0)).await.expect("deleted");
            }
        })
    });
    futures::future::join_all(writers).await.into_iter().for_each(|ended| ended.expect("a writer"));
    let lines = events.map_ok(|event| serde_json::to_string(&event).expect("JSON")).take(60).try_collect();
    lines.await.expect("events")
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    let (one, again, other) = (trace(5).await, trace(5).await, trace(6).await);
    assert_eq!(one.len(), 60);
    assert!(one == again, "the same seed gave other events");
    assert!(one != other, "another seed gave the same events");
}
