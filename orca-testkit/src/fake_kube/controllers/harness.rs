//! What the tests of the controllers share: a store, a clock that follows tokio's, and some controllers.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orca_core::clock::Clock;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Controllers;
use super::controller::Controller;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::{self, EVENTS, PODS, Resource};
use crate::fake_kube::store::{DeleteOptions, Store};
use crate::fake_kube::{FakeKube, Options};

#[derive(Debug)]
struct Follows(Instant);

impl Clock for Follows {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).expect("a short time");
        Timestamp::from_second(1_800_000_000).expect("a time") + passed
    }
}

pub(super) struct Harness {
    pub(super) store: Arc<Store>,
    controllers: Controllers,
}

impl Harness {
    /// A cluster with these controllers. Make it on a runtime whose clock is paused.
    pub(super) fn new(controllers: Vec<Box<dyn Controller>>) -> Self {
        let kube = FakeKube::new(&Options::new(Arc::new(Follows(Instant::now())), 7));
        let store = Arc::clone(kube.store());
        let controllers = Controllers::of(&store, controllers);
        Self { store, controllers }
    }

    /// A cluster with all of them.
    pub(super) fn full() -> Self {
        let kube = FakeKube::new(&Options::new(Arc::new(Follows(Instant::now())), 7));
        let store = Arc::clone(kube.store());
        let controllers = Controllers::new(&store);
        Self { store, controllers }
    }

    /// Lets the controllers do all that is due. Gives the moment of the next work.
    pub(super) fn run_to_rest(&mut self) -> Option<Instant> {
        for _ in 0..1000 {
            let next = self.controllers.step();
            if next.is_none_or(|next| next > Instant::now()) {
                return next;
            }
        }
        panic!("the controllers never come to rest");
    }

    /// Lets time pass, with all that is due on the way.
    pub(super) async fn pass(&mut self, seconds: u64) {
        let end = Instant::now() + Duration::from_secs(seconds);
        while let Some(next) = self.run_to_rest().filter(|next| *next <= end) {
            tokio::time::sleep_until(next).await;
        }
        tokio::time::sleep_until(end).await;
        self.run_to_rest();
    }

    pub(super) fn create(&self, value: Value) -> Arc<Object> {
        let text = |name: &str| value[name].as_str().expect("a type").to_owned();
        let resource = resource::of_kind(&text("apiVersion"), &text("kind")).expect("a known kind");
        self.store.create(resource, value).expect("created")
    }

    pub(super) fn get(&self, resource: &Resource, name: &str) -> Arc<Object> {
        let namespace = if resource.namespaced { "default" } else { "" };
        self.store.get(resource, namespace, name).expect("found")
    }

    pub(super) fn find(&self, resource: &Resource, name: &str) -> Option<Arc<Object>> {
        let namespace = if resource.namespaced { "default" } else { "" };
        self.store.get(resource, namespace, name).ok()
    }

    pub(super) fn list(&self, resource: &Resource) -> Vec<Arc<Object>> {
        self.store.list(resource, None).0
    }

    /// The JSON at a pointer of an object.
    pub(super) fn at(&self, resource: &Resource, name: &str, pointer: &str) -> Value {
        self.get(resource, name).value().pointer(pointer).cloned().unwrap_or_default()
    }

    pub(super) fn update(&self, object: &Object, change: impl FnOnce(&mut Value)) {
        let (resource, namespace, name) = (object.resource(), object.namespace(), object.name());
        let updated = self.store.update(resource, namespace, name, |value| {
            change(value);
            Ok(())
        });
        updated.expect("updated");
    }

    pub(super) fn delete(&self, object: &Object, options: &DeleteOptions) {
        let deleted = self.store.delete(object.resource(), object.namespace(), object.name(), options);
        deleted.expect("deleted");
    }

    /// As a node does that has ended a pod.
    pub(super) fn remove(&self, pod: &Object) {
        self.delete(pod, &DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() });
    }

    /// As a node reports a pod.
    pub(super) fn phase(&self, pod: &Object, phase: &str) {
        self.update(pod, |value| {
            value["status"]["phase"] = phase.into();
            let ready = if phase == "Running" { "True" } else { "False" };
            let time = self.store.now().to_string();
            value["status"]["conditions"] =
                json!([{ "type": "Ready", "status": ready, "lastTransitionTime": time }]);
        });
    }

    /// Makes every pod that neither finished nor is to end run and be ready.
    pub(super) fn run_pods(&self) {
        for pod in self.list(&PODS) {
            if pod.text("/status/phase") != "Running" && super::pods::is_active(&pod) {
                self.phase(&pod, "Running");
            }
        }
    }

    /// What was said about objects of this name, in the order in which it was said.
    pub(super) fn events(&self, about: &str) -> Vec<String> {
        let mut events = self.list(&EVENTS);
        events.sort_by_key(|event| event.version());
        let said = events.iter().filter(|event| event.text("/involvedObject/name") == about);
        said.map(|event| format!("{}: {}", event.text("/reason"), event.text("/message"))).collect()
    }

    /// The condition of this type, as `status reason`.
    pub(super) fn condition(&self, resource: &Resource, name: &str, kind: &str) -> String {
        let object = self.get(resource, name);
        let Some(found) = super::json::condition(object.value(), kind) else { return String::new() };
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("status"), text("reason")).trim().to_owned()
    }

    /// Every object and its version: two runs are the same when these are.
    pub(super) fn trace(&self) -> Vec<String> {
        let all = resource::ALL.iter().flat_map(|resource| self.list(resource));
        all.map(|object| format!("{:?} {} {}", object.resource(), object.name(), object.version())).collect()
    }
}

/// A node with this many processors.
pub(super) fn node(name: &str, cpu: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name } },
        "spec": {},
        "status": {
            "allocatable": { "cpu": cpu.to_string(), "memory": "8Gi", "pods": "110" },
            "conditions": [{ "type": "Ready", "status": "True", "lastHeartbeatTime": "0" }],
        },
    })
}

/// A pod that asks for one processor.
pub(super) fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "default" },
        "spec": {
            "containers": [{ "name": "main", "image": "i", "resources": { "requests": { "cpu": "1" } } }],
            "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30,
        },
        "status": { "phase": "Pending" },
    })
}
