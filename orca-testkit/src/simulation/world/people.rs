//! What people do in the cluster, each deed by itself: one that fails is a deed that was not done.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Resource;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use orca_core::well_known::{annotation, label, taint};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Stage;
use crate::fake_kube::resource::PODS;

/// Several types, so that one that is scarce does not hold up everybody.
const TYPES: [&str; 7] =
    ["t3.micro", "t3.small", "t3.medium", "t3.large", "m7i.large", "c7i.large", "r7i.large"];
const NAMESPACE: &str = "default";

fn template(kind: u8, spot: bool, restarts: &str) -> Value {
    json!({
        "metadata": {
            "annotations": {
                annotation::INSTANCE_TYPE: TYPES[usize::from(kind) % TYPES.len()],
                annotation::LAUNCH_TYPE: if spot { "spot" } else { "on-demand" },
            },
        },
        "spec": {
            "restartPolicy": restarts,
            "nodeSelector": { label::PROVIDER: "aws" },
            "tolerations": [{ "key": taint::BURST_NODE, "operator": "Exists" }],
            "containers": [{ "name": "main", "image": "example.com/main" }],
        },
    })
}

fn pod(name: &str, kind: u8, spot: bool) -> Value {
    let mut pod = template(kind, spot, "Never");
    pod["metadata"]["name"] = name.into();
    pod
}

fn job(name: &str, pods: u8) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": { "parallelism": pods, "completions": pods, "template": template(pods, false, "Never") },
    })
}

/// A replica set or a stateful set.
fn set(name: &str, pods: u8) -> Value {
    let mut template = template(pods, false, "Always");
    template["metadata"]["labels"] = json!({ "of": name });
    json!({
        "metadata": { "name": name },
        "spec": { "replicas": pods, "selector": { "matchLabels": { "of": name } }, "template": template },
    })
}

/// The deeds, as clients of the API.
#[derive(Clone)]
pub(super) struct People {
    client: kube::Client,
}

impl People {
    pub(super) fn of(stage: &Stage) -> Self {
        Self { client: stage.kube.client() }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// A deed that takes as long as the API server does.
    fn start(deed: impl Future<Output = Result<(), kube::Error>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(error) = deed.await {
                tracing::debug!(error = %error, "A deed was not done");
            }
        });
    }

    pub(super) fn create(&self, name: &str, kind: u8, spot: bool) {
        self.make::<Pod>(pod(name, kind, spot));
    }

    pub(super) fn job(&self, name: &str, pods: u8) {
        self.make::<Job>(job(name, pods));
    }

    pub(super) fn replica_set(&self, name: &str, pods: u8) {
        self.make::<ReplicaSet>(set(name, pods));
    }

    pub(super) fn stateful_set(&self, name: &str, pods: u8) {
        self.make::<StatefulSet>(set(name, pods));
    }

    fn make<K>(&self, object: Value)
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + serde::de::DeserializeOwned
            + serde::Serialize,
        K: Clone + std::fmt::Debug + Send + Sync + 'static,
        K::DynamicType: Default,
    {
        let api: Api<K> = self.api();
        Self::start(async move {
            let object = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
            api.create(&PostParams::default(), &object).await.map(drop)
        });
    }

    pub(super) fn delete(&self, name: &str, grace: Option<u32>) {
        let (api, name) = (self.api::<Pod>(), name.to_owned());
        let params = DeleteParams { grace_period_seconds: grace, ..DeleteParams::default() };
        Self::start(async move { api.delete(&name, &params).await.map(drop) });
    }

    pub(super) fn scale(&self, name: &str, pods: u8) {
        let (sets, others, name) = (self.api::<ReplicaSet>(), self.api::<StatefulSet>(), name.to_owned());
        let patch = Patch::Merge(json!({ "spec": { "replicas": pods } }));
        Self::start(async move {
            if sets.patch(&name, &PatchParams::default(), &patch).await.is_ok() {
                return Ok(());
            }
            others.patch(&name, &PatchParams::default(), &patch).await.map(drop)
        });
    }

    pub(super) fn delete_owner(&self, name: &str) {
        let (jobs, sets) = (self.api::<Job>(), self.api::<ReplicaSet>());
        let (others, name) = (self.api::<StatefulSet>(), name.to_owned());
        let params = DeleteParams::background();
        Self::start(async move {
            if jobs.delete(&name, &params).await.is_ok() || sets.delete(&name, &params).await.is_ok() {
                return Ok(());
            }
            others.delete(&name, &params).await.map(drop)
        });
    }

    pub(super) fn delete_node(&self, name: &str) {
        let (api, name) = (Api::<Node>::all(self.client.clone()), name.to_owned());
        Self::start(async move { api.delete(&name, &DeleteParams::default()).await.map(drop) });
    }

    /// Keeps a pod of this name for a while.
    pub(super) fn keep(&self, stage: &Arc<Stage>, name: &str, until: Instant) {
        let (this, name) = (self.clone(), name.to_owned());
        let store = Arc::clone(stage.kube.store());
        tokio::spawn(async move {
            let mut changes = store.subscribe(&[&PODS]);
            while Instant::now() < until {
                let found = store.get(&PODS, NAMESPACE, &name);
                match found {
                    Err(_) => this.create(&name, 0, false),
                    Ok(pod) if !pod.is_deleting() && pod.text("/status/phase") == "Failed" => {
                        this.delete(&name, None);
                    }
                    Ok(_) => {}
                }
                match tokio::time::timeout_at(until, changes.next()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) => changes = store.subscribe(&[&PODS]),
                    Err(_) => break,
                }
            }
            this.delete(&name, None);
        });
    }
}
