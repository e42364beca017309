//! The cluster as a scenario sees it: objects, read and written through one client, whatever server is behind it.

use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt as _;
use http::{Request, header};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{
    Api, DeleteParams, DynamicObject, EvictParams, ListParams, Patch, PatchParams, PostParams,
    PropagationPolicy, WatchEvent, WatchParams,
};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The longest that a deletion is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// The kinds in the scenarios' manifests that belong to no namespace.
const CLUSTER_WIDE: [&str; 10] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "FlowSchema",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "Namespace",
    "Node",
    "PriorityClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

pub(crate) const PODS: Kind = Kind::new("", "Pod", "pods").within("default");
pub(crate) const NODES: Kind = Kind::new("", "Node", "nodes");
pub(crate) const NAMESPACES: Kind = Kind::new("", "Namespace", "namespaces");
pub(crate) const NODE_LEASES: Kind =
    Kind::new("coordination.k8s.io", "Lease", "leases").within("kube-node-lease");
pub(crate) const LEADER_LEASES: Kind =
    Kind::new("coordination.k8s.io", "Lease", "leases").within("kube-system");
pub(crate) const EVENTS: Kind = Kind::new("events.k8s.io", "Event", "events").within("default");
pub(crate) const JOBS: Kind = Kind::new("batch", "Job", "jobs").within("default");
pub(crate) const DEPLOYMENTS: Kind = Kind::new("apps", "Deployment", "deployments").within("default");
pub(crate) const CLUSTER_ROLES: Kind = Kind::new("rbac.authorization.k8s.io", "ClusterRole", "clusterroles");

/// A kind of object in its version v1, and the namespace to look in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    group: &'static str,
    name: &'static str,
    plural: &'static str,
    namespace: Option<&'static str>,
}

impl Kind {
    const fn new(group: &'static str, name: &'static str, plural: &'static str) -> Self {
        Self { group, name, plural, namespace: None }
    }

    const fn within(mut self, namespace: &'static str) -> Self {
        self.namespace = Some(namespace);
        self
    }
}

/// How an object is deleted, as kubectl's flags say it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deletion {
    /// And waited for until it is gone.
    Wait,
    /// `--wait=false`.
    Start,
    /// `--force --grace-period=0`.
    Force,
    /// `--cascade=foreground`, and waited for.
    Foreground,
}

/// A client with every right.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
}

impl Cluster {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(kind.group, "v1", kind.name),
            kind.plural,
        );
        match kind.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// The object, if it exists and the server answers.
    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Option<Value> {
        let object = self.api(kind).get_opt(name).await.ok()??;
        serde_json::to_value(object).ok()
    }

    /// What `kubectl get pod` prints of a pod in READY and STATUS, as the API server makes it.
    pub(crate) async fn printed(&self, name: &str) -> Option<(String, String)> {
        let request = Request::get(format!("/api/v1/namespaces/default/pods/{name}"))
            .header(header::ACCEPT, "application/json;as=Table;v=v1;g=meta.k8s.io")
            .body(Vec::new())
            .ok()?;
        let table: Value = self.client.request(request).await.ok()?;
        let cells = &table["rows"][0]["cells"];
        Some((cells[1].as_str()?.to_owned(), cells[2].as_str()?.to_owned()))
    }

    /// All objects of the kind's namespace; none when the server does not answer.
    pub(crate) async fn list(&self, kind: Kind) -> Vec<Value> {
        let list = self.api(kind).list(&ListParams::default()).await;
        let objects = list.map(|list| list.items).unwrap_or_default();
        objects.into_iter().filter_map(|object| serde_json::to_value(object).ok()).collect()
    }

    /// Applies every document of a manifest.
    pub(crate) async fn apply(&self, manifest: &str) {
        let objects: Vec<Value> = serde_saphyr::from_multiple(manifest).expect("a manifest");
        for object in objects.into_iter().filter(|object| !object.is_null()) {
            self.apply_one(&object).await;
        }
    }

    async fn apply_one(&self, object: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
        let api: Api<DynamicObject> = if CLUSTER_WIDE.contains(&kind.as_str()) {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        };
        let name = text(&object["metadata"]["name"]);
        let applied = api.patch(&name, &PatchParams::apply("scenario").force(), &Patch::Apply(object)).await;
        applied.unwrap_or_else(|error| panic!("apply: {error}\n{object:#}"));
    }

    pub(crate) async fn delete(&self, kind: Kind, name: &str, how: Deletion) {
        let api = self.api(kind);
        let uid = self.get(kind, name).await.map(|object| object["metadata"]["uid"].clone());
        let parameters = match how {
            Deletion::Wait | Deletion::Start => DeleteParams::background(),
            Deletion::Force => DeleteParams::background().grace_period(0),
            Deletion::Foreground => DeleteParams {
                propagation_policy: Some(PropagationPolicy::Foreground),
                ..DeleteParams::default()
            },
        };
        api.delete(name, &parameters).await.unwrap_or_else(|error| panic!("delete {name}: {error}"));
        if matches!(how, Deletion::Start | Deletion::Force) {
            return;
        }
        let gone = async {
            while let Ok(Some(object)) = api.get_opt(name).await
                && object.metadata.uid.as_deref() == uid.as_ref().and_then(Value::as_str)
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{name} is still there"));
    }

    /// As `kubectl drain` does it.
    pub(crate) async fn evict(&self, name: &str) {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), "default");
        let evicted = pods.evict(name, &EvictParams::default()).await;
        evicted.unwrap_or_else(|error| panic!("evict {name}: {error}"));
    }

    /// A merge patch, as `kubectl label`, `annotate` and `scale` send it.
    pub(crate) async fn merge(&self, kind: Kind, name: &str, patch: Value) {
        self.patch(kind, name, &Patch::Merge(patch)).await;
    }

    pub(crate) async fn patch(&self, kind: Kind, name: &str, patch: &Patch<Value>) {
        let patched = self.api(kind).patch(name, &PatchParams::default(), patch).await;
        patched.unwrap_or_else(|error| panic!("patch {name}: {error}"));
    }

    pub(crate) async fn patch_status(&self, kind: Kind, name: &str, patch: &Patch<Value>) {
        let patched = self.api(kind).patch_status(name, &PatchParams::default(), patch).await;
        patched.unwrap_or_else(|error| panic!("patch the status of {name}: {error}"));
    }

    /// Reads, changes and replaces an object until nobody else wrote in between, for a minute at most.
    pub(crate) async fn edit(&self, kind: Kind, name: &str, change: impl Fn(&mut Value)) {
        let api = self.api(kind);
        for _ in 0..600 {
            let object = api.get(name).await.unwrap_or_else(|error| panic!("read {name}: {error}"));
            let mut value = serde_json::to_value(object).expect("JSON");
            change(&mut value);
            let object: DynamicObject = serde_json::from_value(value).expect("an object");
            match api.replace(name, &PostParams::default(), &object).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                other => return drop(other.unwrap_or_else(|error| panic!("replace {name}: {error}"))),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{name} changes all the time");
    }

    /// Watches one object. Once this has returned, its result will be the changes from now on until the object is gone, for
    /// a minute and a half at most: type and object.
    pub(crate) async fn watch_until_gone(
        &self,
        kind: Kind,
        name: &str,
    ) -> JoinHandle<Vec<(&'static str, Value)>> {
        let fields = format!("metadata.name={name}");
        let list = self.api(kind).list(&ListParams::default().fields(&fields)).await.expect("a list");
        let version = list.metadata.resource_version.unwrap_or_default();
        let parameters = WatchParams::default().fields(&fields).timeout(90);
        let stream = self.api(kind).watch(&parameters, &version).await.expect("a watch");
        tokio::spawn(async move {
            let mut stream = std::pin::pin!(stream);
            let mut events = Vec::new();
            while let Some(Ok(event)) = stream.next().await {
                let (name, object) = match event {
                    WatchEvent::Added(object) => ("ADDED", object),
                    WatchEvent::Modified(object) => ("MODIFIED", object),
                    WatchEvent::Deleted(object) => ("DELETED", object),
                    WatchEvent::Bookmark(_) | WatchEvent::Error(_) => continue,
                };
                events.push((name, serde_json::to_value(object).expect("JSON")));
                if name == "DELETED" {
                    break;
                }
            }
            events
        })
    }

    /// Adds a taint that nothing tolerates.
    pub(crate) async fn taint(&self, node: &str, key: &str, value: &str) {
        self.edit(NODES, node, |node| {
            let taint = json!({ "key": key, "value": value, "effect": "NoSchedule" });
            match node["spec"]["taints"].as_array_mut() {
                Some(taints) => taints.push(taint),
                None => node["spec"]["taints"] = json!([taint]),
            }
        })
        .await;
    }

    /// Takes every taint of this key away.
    pub(crate) async fn untaint(&self, node: &str, key: &str) {
        self.edit(NODES, node, |node| {
            if let Some(taints) = node["spec"]["taints"].as_array_mut() {
                taints.retain(|taint| taint["key"] != key);
            }
        })
        .await;
    }

    /// The events about an object of this name, one a line: reason and note.
    pub(crate) async fn events_about(&self, name: &str) -> String {
        let events = self.list(EVENTS).await;
        let about = events.iter().filter(|event| event["regarding"]["name"] == name);
        let line = |event: &Value| {
            let text = |key: &str| event[key].as_str().unwrap_or_default();
            format!("{}: {}\n", text("reason"), text("note"))
        };
        about.map(line).collect()
    }
}

impl Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}
