//! A virtual node over a back end of one's own, in a program of one's own: pods as processes of this machine.
//!
//! ```console
//! $ cargo run --manifest-path examples/local-processes/Cargo.toml
//! ```
//!
//! The cluster is a fake in this process, so that it runs anywhere. For a real one, make the client of `kube::Config::infer`.

mod cloud;
mod config;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use orca_core::well_known::{annotation, label, taint};
use orca_kube::VirtualNode;
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{FakeKube, Options};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cloud::LocalProcesses;
use crate::config::Document;

const CONFIG: &str = "
processes: { most: 10 }
node: { name: this-machine }
";
/// How long each step may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let document: Document = serde_saphyr::from_str(CONFIG)?;
    document.validate().map_err(orca_kube::InvalidConfig)?;
    let kube = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
    let _scheduler = tokio::spawn(Controllers::new(kube.store()).run());
    let cloud = LocalProcesses::new(document.backend);
    let shutdown = CancellationToken::new();
    let node = VirtualNode::builder(kube.client())
        .cloud(Arc::new(cloud))
        .config(document.config)
        .shutdown(shutdown.clone())
        .build()?;
    let running = tokio::spawn(node.run());
    visit(Api::default_namespaced(kube.client())).await?;
    shutdown.cancel();
    Ok(running.await??)
}

/// One pod comes and goes.
async fn visit(pods: Api<Pod>) -> Result<(), Box<dyn Error>> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "nap", "annotations": { annotation::INSTANCE_TYPE: "sleep.600" } },
        "spec": {
            "nodeSelector": { label::PROVIDER: "local" },
            "tolerations": [{ "key": taint::BURST_NODE, "operator": "Exists" }],
            "containers": [{ "name": "main", "image": "none" }],
        },
    }))?;
    let uid = pods.create(&PostParams::default(), &pod).await?.uid().unwrap_or_default();
    let runs = await_condition(pods.clone(), "nap", conditions::is_pod_running());
    let pod = timeout(PATIENCE, runs).await??.unwrap_or_default();
    println!("pod {} runs as {:?}", pod.name_any(), pod.annotations().get(annotation::INSTANCE_ID));
    pods.delete("nap", &DeleteParams::default()).await?;
    timeout(PATIENCE, await_condition(pods, "nap", conditions::is_deleted(&uid))).await??;
    println!("pod nap is gone, and its process with it");
    Ok(())
}

#[test]
fn a_pod_comes_and_goes() {
    main().expect("the example");
}

#[test]
fn a_section_of_another_cloud_is_refused() {
    let error = serde_saphyr::from_str::<Document>("aws: { region: us-west-2 }").expect_err("refused");
    assert!(error.to_string().contains("processes"), "{error}");
}
