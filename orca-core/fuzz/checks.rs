//! What holds for any input: run by the targets of cargo-fuzz, and by the tests on stable, so that neither is left behind.

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use k8s_openapi::jiff::Timestamp;
use orca_core::admission::{Place, admit, place};
use orca_core::config::Config;
use orca_core::launch::LaunchRecord;
use orca_core::lifecycle::deletion_held;
use orca_core::pod;
use orca_core::quantity::Quantity;
use orca_core::resources::{limited, requested};
use orca_core::status::{Shown, patch, render};

/// Any file in place of a config is read and shown, or refused. Whether it was read.
pub(crate) fn config(text: &str) -> bool {
    let Ok(config) = serde_saphyr::from_str::<Config>(text) else { return false };
    let _counted = (config.node.taints(), config.node.capacity());
    let shown = serde_json::to_string(&config).expect("JSON");
    let read: Config = serde_json::from_str(&shown).expect("what was shown");
    assert_eq!(read, config);
    true
}

/// Any text in place of a quantity is a number that is read back as it is written, or an error.
pub(crate) fn quantity(text: &str) -> bool {
    let Ok(quantity) = text.parse::<Quantity>() else { return false };
    assert_eq!(quantity.is_zero(), quantity == Quantity::ZERO);
    assert_eq!(quantity.is_negative(), quantity < Quantity::ZERO);
    assert_eq!(quantity.to_string().parse(), Ok(quantity));
    true
}

/// Any text in place of a launch record is one that was written, or an error.
pub(crate) fn record(text: &str) -> bool {
    let decode = |text: &str| LaunchRecord::decode(text, &"cluster".into(), &"uid".into());
    let Ok(record) = decode(text) else { return false };
    assert_eq!(decode(&record.encode()), Ok(record));
    true
}

/// Any object that the API server could take for a pod is admitted or refused in words, is shown with one patch, and
/// nothing panics.
pub(crate) fn pod(bytes: &[u8]) -> bool {
    let Ok(object) = serde_json::from_slice::<Pod>(bytes) else { return false };
    let config = Config::default();
    let node = Place {
        name: config.node.name.clone(),
        labels: config.node.labels.clone(),
        taints: config.node.taints().into_owned(),
    };
    let _placed = place(&object, &node);
    let _counted = (requested(&object), limited(&object));
    let _read = (pod::reference(&object), pod::intent(&object), pod::container_id(&object));
    let _told = deletion_held(&object, "it is looked for", now());
    if let Err(rejection) = admit(&object, &config) {
        assert!(!rejection.message.is_empty() && rejection.message.len() < 4_096, "{}", rejection.message);
    }
    shown_once(object);
    true
}

/// What was written is not written again (B79).
fn shown_once(live: Pod) {
    let shown = Shown::Waiting { reason: "InstanceBooting".into(), message: "starting".into() };
    let status = render(&live, &shown, None, now());
    let Some(written) = patch(&live, &status, &[]) else { return };
    let ours = status.conditions.clone().unwrap_or_default();
    let is_withdrawn = |kind: &str| {
        let changed = written["status"]["conditions"].as_array();
        changed.is_some_and(|all| all.iter().any(|one| one["$patch"] == "delete" && one["type"] == kind))
    };
    let is_others = |kind: &str| ours.iter().all(|new| new.type_ != kind) && !is_withdrawn(kind);
    let old = live.status.clone().and_then(|old| old.conditions).unwrap_or_default();
    let others = old.into_iter().filter(|old| is_others(&old.type_));
    let conditions = Some(others.chain(ours.iter().cloned()).collect());
    let next = Pod { status: Some(PodStatus { conditions, ..status }), ..live };
    assert_eq!(patch(&next, &render(&next, &shown, None, now()), &[]), None);
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("in range")
}
