//! Another program embeds the controller: with its own runtime, shutdown token, metrics registry and health probes.
//! Cluster and cloud are the fakes in this process, so that it runs anywhere.
//!
//! ```console
//! $ cargo run -p orca-testkit --features sim --example embed
//! ```

#![expect(clippy::print_stdout, reason = "it is a program for people")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use orca_core::clock::{self, Clock};
use orca_core::config::Config;
use orca_core::well_known::{annotation, label, taint};
use orca_kube::VirtualNode;
use orca_testkit::fake_ec2::{Ec2Settings, FakeEc2};
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{FakeKube, Options};
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let metrics = runtime.block_on(embed(clock::system()))?;
    let launches = metrics.lines().filter(|line| line.starts_with("orca_instance_launches_total"));
    launches.for_each(|line| println!("metrics: {line}"));
    Ok(())
}

/// Runs the controller while one pod comes and goes, and returns the metrics as text.
async fn embed(clock: Arc<dyn Clock>) -> Result<String, Box<dyn Error>> {
    // In their place: a client of your cluster, and `orca_aws::Ec2Client` or a back end of your own.
    let kube = FakeKube::new(&Options::new(Arc::clone(&clock), 1));
    let _scheduler = tokio::spawn(Controllers::new(kube.store()).run());
    let cloud = FakeEc2::new(Ec2Settings::instant(), Arc::clone(&clock)).cloud();

    let shutdown = CancellationToken::new();
    let node = VirtualNode::builder(kube.client())
        .cloud(Arc::new(cloud))
        .config(Config::default())
        .clock(clock)
        .shutdown(shutdown.clone())
        .build()?;
    let (mut registry, health) = (Registry::default(), node.health());
    node.register_metrics(&mut registry);
    let running = tokio::spawn(node.run());

    let pods: Api<Pod> = Api::default_namespaced(kube.client());
    let uid = pods.create(&PostParams::default(), &pod()?).await?.uid().unwrap_or_default();
    let runs = await_condition(pods.clone(), "train", conditions::is_pod_running());
    let pod = timeout(PATIENCE, runs).await??.unwrap_or_default();
    println!("pod {} runs on {:?}", pod.name_any(), pod.annotations().get(annotation::INSTANCE_ID));
    health.live().and(health.node()).and(health.pods())?;
    println!("the controller is live, its node is registered, its pods are listed");
    pods.delete("train", &DeleteParams::default()).await?;
    timeout(PATIENCE, await_condition(pods, "train", conditions::is_deleted(&uid))).await??;
    println!("pod {} is gone", pod.name_any());

    shutdown.cancel();
    running.await??;
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// A pod that asks for an instance of its own.
fn pod() -> Result<Pod, serde_json::Error> {
    serde_json::from_value(json!({
        "metadata": { "name": "train", "annotations": { annotation::INSTANCE_TYPE: "t3.micro" } },
        "spec": {
            "nodeSelector": { label::PROVIDER: "aws" },
            "tolerations": [{ "key": taint::BURST_NODE, "operator": "Exists" }],
            "containers": [{ "name": "main", "image": "example.com/train" }],
        },
    }))
}

#[tokio::test(start_paused = true)]
async fn a_pod_comes_and_goes() {
    let began = jiff::Timestamp::UNIX_EPOCH;
    let clock = orca_testkit::clock::TokioClock::starting_at(began);
    let metrics = embed(Arc::new(clock)).await.expect("the example");
    assert!(metrics.contains("orca_instance_launches_total{result=\"launched\"} 1"), "{metrics}");
}
