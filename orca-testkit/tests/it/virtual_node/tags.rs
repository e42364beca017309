//! An instance whose tags were changed from outside is never ended, and never in silence.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use orca_core::well_known::tag;

use super::support::Harness;

/// What was said about the pod for this reason.
async fn said(harness: &Harness, reason: &str) -> Vec<String> {
    let events: Api<Event> = Api::default_namespaced(harness.kube.client());
    let events = events.list(&ListParams::default()).await.expect("events");
    let found = events.items.into_iter().filter(|event| event.reason.as_deref() == Some(reason));
    found.filter_map(|event| event.note).collect()
}

#[tokio::test(start_paused = true)]
async fn an_instance_with_changed_tags_is_reported_and_ends_when_they_are_set_back() {
    for key in [tag::CLUSTER, tag::NODE, tag::POD_UID] {
        for value in [Some("somebody-elses"), None] {
            // Ours, and of a pod that does not exist: garbage collection ends an orphan.
            if (key, value.is_some()) == (tag::POD_UID, true) {
                continue;
            }
            let harness = Harness::new();
            harness.create("pod").await;
            harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
            let instance = harness.ec2.alive().remove(0);
            let mut changed: BTreeMap<String, String> = instance.tags.clone();
            changed.remove(key);
            changed.extend(value.map(|value| (key.to_owned(), value.to_owned())));
            harness.ec2.set_tags(&instance.id, changed).expect("known");
            // Tags are believed for a minute.
            tokio::time::sleep(Duration::from_secs(90)).await;
            harness.delete("pod").await;
            tokio::time::sleep(Duration::from_mins(10)).await;
            assert_eq!(harness.ec2.alive().len(), 1, "{key} {value:?}: not ours to end");
            let told = said(&harness, "InstanceNotOwned").await;
            assert!(
                told.iter().any(|note| note.contains(&instance.id) && note.contains("by hand")),
                "{key}: {told:?}"
            );
            assert_eq!(
                said(&harness, "InstanceTerminating").await,
                [""; 0],
                "{key}: nothing is said that is not done"
            );
            harness.ec2.set_tags(&instance.id, instance.tags.clone()).expect("known");
            harness.eventually(&[], Duration::from_mins(5)).await;
            assert_eq!(harness.ec2.alive().len(), 0, "{key} {value:?}");
        }
    }
}
