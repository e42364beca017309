//! The rows of everything else.

use jiff::Timestamp;
use serde_json::Value;

use super::workload::pairs;
use super::{Column, age, always, or_none, wide};
use crate::fake_kube::object::Object;

pub(super) const EVENT: &[Column] = &[
    always("Last Seen"),
    always("Type"),
    always("Reason"),
    always("Object"),
    wide("Subobject"),
    wide("Source"),
    always("Message"),
    wide("First Seen"),
    wide("Count"),
    wide("Name"),
];
pub(super) const LEASE: &[Column] = &[always("Name"), always("Holder"), always("Age")];
pub(super) const NAMESPACE: &[Column] = &[always("Name"), always("Status"), always("Age")];
pub(super) const CONFIG_MAP: &[Column] = &[always("Name"), always("Data"), always("Age")];
pub(super) const SECRET: &[Column] = &[always("Name"), always("Type"), always("Data"), always("Age")];
pub(super) const SERVICE: &[Column] = &[
    always("Name"),
    always("Type"),
    always("Cluster-IP"),
    always("External-IP"),
    always("Port(s)"),
    always("Age"),
    wide("Selector"),
];
pub(super) const PRIORITY_CLASS: &[Column] =
    &[always("Name"), always("Value"), always("Global-Default"), always("Age"), always("PreemptionPolicy")];
pub(super) const OTHER: &[Column] = &[always("Name"), always("Age")];

pub(super) fn event(event: &Object, now: Timestamp) -> Vec<Value> {
    let text = |pointer: &str| event.text(pointer);
    let first_of = |pointers: &[&str]| {
        let found = pointers.iter().map(|pointer| text(pointer)).find(|text| !text.is_empty());
        age::since(found.unwrap_or_default(), now)
    };
    let last = first_of(&["/series/lastObservedTime", "/lastTimestamp", "/firstTimestamp", "/eventTime"]);
    let first = first_of(&["/firstTimestamp", "/eventTime"]);
    let (component, host) = (text("/source/component"), text("/source/host"));
    let component = if component.is_empty() { text("/reportingComponent") } else { component };
    let source = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    let about = format!("{}/{}", text("/involvedObject/kind").to_lowercase(), text("/involvedObject/name"));
    let count = event.number("/series/count").or(event.number("/count")).unwrap_or(1);
    vec![
        last,
        text("/type").into(),
        text("/reason").into(),
        about.into(),
        text("/involvedObject/fieldPath").into(),
        source.into(),
        text("/message").trim().into(),
        first,
        count.into(),
        event.name().into(),
    ]
}

pub(super) fn lease(lease: &Object, now: Timestamp) -> Vec<Value> {
    vec![lease.name().into(), lease.text("/spec/holderIdentity").into(), age::of(lease, now)]
}

pub(super) fn namespace(namespace: &Object, now: Timestamp) -> Vec<Value> {
    vec![namespace.name().into(), namespace.text("/status/phase").into(), age::of(namespace, now)]
}

fn size(object: &Object) -> Value {
    let count = |key: &str| object.value()[key].as_object().map_or(0, serde_json::Map::len);
    (count("data") + count("binaryData")).into()
}

pub(super) fn config_map(map: &Object, now: Timestamp) -> Vec<Value> {
    vec![map.name().into(), size(map), age::of(map, now)]
}

pub(super) fn secret(secret: &Object, now: Timestamp) -> Vec<Value> {
    vec![secret.name().into(), secret.text("/type").into(), size(secret), age::of(secret, now)]
}

pub(super) fn service(service: &Object, now: Timestamp) -> Vec<Value> {
    let port = |port: &Value| format!("{}/{}", port["port"], port["protocol"].as_str().unwrap_or("TCP"));
    let ports: Vec<String> = service.items("/spec/ports").iter().map(port).collect();
    vec![
        service.name().into(),
        service.text("/spec/type").into(),
        or_none(service.text("/spec/clusterIP")),
        "<none>".into(),
        or_none(&ports.join(",")),
        age::of(service, now),
        or_none(&pairs(&service.value()["spec"]["selector"])),
    ]
}

pub(super) fn priority_class(class: &Object, now: Timestamp) -> Vec<Value> {
    vec![
        class.name().into(),
        class.value()["value"].clone(),
        (class.value()["globalDefault"] == true).into(),
        age::of(class, now),
        class.text("/preemptionPolicy").into(),
    ]
}

pub(super) fn other(object: &Object, now: Timestamp) -> Vec<Value> {
    vec![object.name().into(), age::of(object, now)]
}
