//! Arbitrary observations: any pod, any record, any instances, any facts, at any time, whether or not they make sense together.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{Rejection, RejectionKind, Request};
use orca_core::cloud::LaunchOutcome;
use orca_core::instance::{CapacityType, Health, Instance, InstanceState};
use orca_core::launch::{LaunchRecord, LaunchRequest, Offer, RecordError};
use orca_core::lifecycle::{Facts, PrepareKey, Task, TaskFailure, TaskState};
use orca_core::pod::{self, Intent};
use orca_core::provider::{KnownInstances, Missing, Permit, Prepared};
use orca_core::{CloudError, Kind, PodRef};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{moment, pod as object, text};

/// Everything that a decision looks at, owned.
#[derive(Clone, Debug)]
pub(crate) struct OwnedObservation {
    pub(crate) now: Timestamp,
    pub(crate) intent: Intent,
    pub(crate) pod: Pod,
    pub(crate) record: Option<Result<LaunchRecord, RecordError>>,
    pub(crate) request: Result<Request, Rejection>,
    pub(crate) instances: KnownInstances,
    pub(crate) facts: Facts,
    pub(crate) held_until: Option<Timestamp>,
}

pub(crate) fn observation() -> impl Strategy<Value = OwnedObservation> {
    // On the heap: as values, strategies of this size use a test's stack up.
    let rest = (request().boxed(), instances().boxed(), prop::option::weighted(0.2, moment()).boxed());
    (moment(), any_pod().boxed(), any::<u8>(), prop::option::of(record()).boxed(), rest).prop_flat_map(
        |(now, pod, gone, record, (request, instances, held_until))| {
            let intent = if gone < 30 { Intent::Gone } else { pod::intent(&pod) };
            let known = record.as_ref().and_then(|record| record.as_ref().ok()).cloned();
            facts(known, request.as_ref().ok().map(Request::digest)).boxed().prop_map(move |facts| {
                OwnedObservation {
                    now,
                    intent,
                    pod: pod.clone(),
                    record: record.clone(),
                    request: request.clone(),
                    instances: instances.clone(),
                    facts,
                    held_until,
                }
            })
        },
    )
}

fn any_pod() -> impl Strategy<Value = Pod> {
    let phase = prop::sample::select(vec!["", "Pending", "Running", "Succeeded", "Failed", "Unknown"]);
    let policy = prop::sample::select(vec!["Always", "OnFailure", "Never"]);
    let deadline = prop::option::weighted(0.2, prop_oneof![0i64..100_000, Just(i64::MAX), Just(i64::MIN)]);
    let deleted = prop::option::weighted(0.4, (moment(), 0i64..2));
    (phase, policy, deadline, deleted, moment(), any::<bool>()).prop_map(
        |(phase, policy, deadline, deleted, created, owned)| {
            let mut value = json!({
                "metadata": {
                    "namespace": "ml", "name": "train", "uid": "uid", "resourceVersion": "1", "creationTimestamp": created,
                },
                "spec": {
                    "restartPolicy": policy, "containers": [{ "name": "main" }], "activeDeadlineSeconds": deadline,
                },
                "status": { "phase": phase, "startTime": created },
            });
            if let Some((at, grace)) = deleted {
                value["metadata"]["deletionTimestamp"] = json!(at);
                value["metadata"]["deletionGracePeriodSeconds"] = json!(grace * 30);
            }
            if owned {
                let owner = json!({ "apiVersion": "v1", "kind": "Job", "name": "j", "uid": "1", "controller": true });
                value["metadata"]["ownerReferences"] = json!([owner]);
            }
            object(value)
        },
    )
}

fn record() -> impl Strategy<Value = Result<LaunchRecord, RecordError>> {
    prop_oneof![
        9 => crate::records::record("uid").prop_map(Ok),
        1 => Just(Err(RecordError::Outdated)),
    ]
}

fn request() -> impl Strategy<Value = Result<Request, Rejection>> {
    let kind = prop::sample::select(vec![RejectionKind::Annotation, RejectionKind::Placement]);
    let rejected =
        (kind, text()).prop_map(|(kind, message)| Rejection { kind, reason: "Rejected".into(), message });
    prop_oneof![4 => Just(Ok(wanted())), 1 => rejected.prop_map(Err)]
}

fn wanted() -> Request {
    Request {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        max_price: None,
        image: None,
        notes: Vec::new(),
    }
}

fn instance() -> impl Strategy<Value = Instance> {
    let state = prop::sample::select(InstanceState::ALL.to_vec());
    (state, 1u8..4, prop::option::of(moment())).prop_map(|(state, number, launched_at)| {
        let id = format!("i-{number}");
        let reference = format!("cloud://place/{id}");
        let bare = Instance::from_tags(id.as_str().into(), &reference, state, &BTreeMap::new());
        Instance { pod: Some(PodRef::new("ml", "train", "uid")), launched_at, ..bare }
    })
}

fn instances() -> impl Strategy<Value = KnownInstances> {
    let missing =
        (0u32..5, moment(), moment(), any::<bool>()).prop_map(|(absences, since, latest, is_held)| Missing {
            id: "i-1".into(),
            absences,
            since,
            latest,
            is_held,
        });
    let health = prop::sample::select(vec![Health::Passed, Health::Initializing, Health::Impaired]);
    let known = (
        any::<bool>(),
        prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(instance(), 1..3)],
        prop::option::weighted(0.3, missing),
        prop::option::of(health),
        prop::collection::vec(moment(), 0..5),
    );
    let rest = (
        prop::option::of(moment()),
        prop::option::weighted(0.2, moment()),
        prop::option::weighted(0.2, error()),
        prop::option::weighted(0.9, prop::sample::select(vec!["cloud", "cloud", "cloud", "another"])),
        prop_oneof![Just(Duration::ZERO), Just(Duration::from_mins(45)), Just(Duration::MAX)],
    );
    (known, rest).prop_map(|((fresh, seen, missing, health, sweeps), rest)| {
        let (ending_since, unconfirmed_since, trouble, identity, token_memory) = rest;
        KnownInstances {
            fresh,
            seen,
            missing,
            health,
            ending_since,
            unconfirmed_since,
            trouble,
            identity: identity.map(Into::into),
            token_memory,
            complete_sweeps: sweeps.into(),
            ..KnownInstances::default()
        }
    })
}

fn error() -> impl Strategy<Value = CloudError> {
    (prop::sample::select(Kind::ALL.to_vec()), text())
        .prop_map(|(kind, text)| CloudError::new(kind, "Code", text))
}

/// Facts of this pod's own tasks mostly, and of others now and then.
fn facts(record: Option<LaunchRecord>, digest: Option<String>) -> impl Strategy<Value = Facts> {
    let attempt = record.as_ref().map_or(0, |record| record.attempt);
    let sent = record.map(|record| record.send_at);
    let digest = digest.unwrap_or_default();
    let key = prop_oneof![
        2 => (0u32..2).prop_map(move |next| {
            PrepareKey::Attempt { attempt: attempt + next, request_digest: digest.clone() }
        }),
        1 => Just(PrepareKey::Resend { attempt }),
    ];
    let mark = prop_oneof![3 => Just(sent).prop_flat_map(|sent| sent.map_or(moment().boxed(), |at| Just(at).boxed())), 1 => moment()];
    let prepare = task(key.boxed(), prepared().boxed());
    let send = task(mark.boxed(), outcome().boxed());
    (prop::option::weighted(0.5, prepare.boxed()), prop::option::weighted(0.4, send.boxed()))
        .prop_map(|(prepare, send)| Facts { prepare, send })
}

fn task<K: std::fmt::Debug, T: std::fmt::Debug + Clone>(
    key: impl Strategy<Value = K>,
    result: impl Strategy<Value = T>,
) -> impl Strategy<Value = Task<K, T>> {
    let failure = prop_oneof![
        error().prop_map(TaskFailure::Cloud),
        text().prop_map(TaskFailure::Panicked),
        Just(TaskFailure::TimedOut(Duration::from_mins(2))),
    ];
    let result = prop_oneof![3 => result.prop_map(Ok), 1 => failure.prop_map(Err)];
    let state = prop_oneof![
        1 => Just(TaskState::UnderWay),
        3 => (moment(), result).prop_map(|(at, result)| TaskState::Done { at, result }),
    ];
    (key, moment(), state).prop_map(|(key, since, state)| Task { key, since, state })
}

fn prepared() -> impl Strategy<Value = Prepared> {
    let permit = prop_oneof![3 => Just(Permit::Granted), 1 => moment().prop_map(Permit::Until)];
    (any::<bool>(), permit).prop_map(|(has_offer, permit)| Prepared { offer: has_offer.then(offer), permit })
}

fn offer() -> Offer {
    let request = LaunchRequest {
        pod: PodRef::new("ml", "train", "uid"),
        attempt: 1,
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        max_price: None,
        image: None,
        resources: BTreeMap::new(),
        tags: BTreeMap::new(),
    };
    Offer::new(&request, serde_json::Value::Null)
}

fn outcome() -> impl Strategy<Value = LaunchOutcome> {
    prop_oneof![
        instance().prop_map(|instance| LaunchOutcome::Launched(Box::new(instance))),
        error().prop_map(LaunchOutcome::Refused),
        Just(LaunchOutcome::Mismatch),
        Just(LaunchOutcome::Ended),
        error().prop_map(LaunchOutcome::NotSent),
        error().prop_map(LaunchOutcome::Unknown),
    ]
}
