//! The pure steps of one look at one pod: decide, admit, read quantities, render and patch the status.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{self, Place, Rejection, Request};
use orca_core::annotations::Wishes;
use orca_core::config::Config;
use orca_core::ids::{Owner, PodRef};
use orca_core::instance::{CapacityType, Health, Instance, InstanceState};
use orca_core::launch::{LaunchRecord, NewAttempt, Offer};
use orca_core::lifecycle::{Facts, Observation, decide};
use orca_core::pod::Intent;
use orca_core::provider::KnownInstances;
use orca_core::quantity::Quantity;
use orca_core::selection;
use orca_core::status::{self, Ready, Shown};
use orca_core::well_known::annotation;
use serde_json::json;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn pod() -> Pod {
    let value = json!({
        "metadata": {
            "namespace": "ml", "name": "train", "uid": "u", "resourceVersion": "7", "generation": 1,
            "annotations": { annotation::INSTANCE_TYPE: "p5.48xlarge", annotation::LAUNCH_TYPE: "on-demand" },
        },
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": { "kubernetes.io/os": "linux" },
            "tolerations": [{ "operator": "Exists" }],
            "containers": [
                { "name": "main", "image": "train:1", "resources": { "requests": { "cpu": "90", "memory": "1Ti" } } },
                { "name": "log", "image": "log:1", "resources": { "requests": { "cpu": "100m", "memory": "64Mi" } } },
            ],
        },
        "status": {
            "phase": "Pending",
            "conditions": [
                { "type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" },
            ],
        },
    });
    serde_json::from_value(value).expect("a pod")
}

fn instance() -> Instance {
    Instance {
        id: "i-0123456789abcdef0".into(),
        reference: "ec2://us-west-2/i-0123456789abcdef0".into(),
        state: InstanceState::Running,
        cloud: None,
        state_reason: None,
        owner: None,
        pod: Some(PodRef::new("ml", "train", "u")),
        instance_type: "p5.48xlarge".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: Some([10, 0, 0, 7].into()),
        other_ip: None,
        public_ip: None,
        launched_at: Some(now()),
    }
}

fn request() -> Request {
    admission::admit(&pod(), &Config::default()).expect("an admitted pod")
}

fn record() -> LaunchRecord {
    let offer = Offer {
        instance_type: "p5.48xlarge".into(),
        capacity_type: CapacityType::OnDemand,
        zone: Some("us-west-2a".into()),
        price: None,
        tags: (0..10).map(|number| (format!("key-{number}"), format!("value-{number}"))).collect(),
        parameters: json!({ "image": "ami-0123456789abcdef0", "subnet": "subnet-0123456789abcdef0" }),
        provides: None,
    };
    let (cluster, pod) = ("c".into(), "u".into());
    let (cloud, request) = ("123456789012/us-west-2".into(), request().digest());
    LaunchRecord::open(
        NewAttempt { cluster: &cluster, pod: &pod, attempt: 1, cloud, offer, request_digest: request },
        now(),
    )
}

fn instances(seen: Vec<Instance>) -> KnownInstances {
    let token_memory = Duration::from_hours(12);
    KnownInstances {
        fresh: true,
        seen,
        health: Some(Health::Passed),
        token_memory,
        ..KnownInstances::default()
    }
}

fn decisions(criterion: &mut Criterion) {
    let (pod, request, record) = (pod(), Ok::<_, Rejection>(request()), Ok(record()));
    let (none, one) = (instances(Vec::new()), instances(vec![instance()]));
    let (reference, owner) =
        (PodRef::new("ml", "train", "u"), Owner { cluster: "c".into(), node: "n".into() });
    let (facts, user_tags) = (Facts::default(), std::collections::BTreeMap::new());
    let seen = |record, instances| Observation {
        reference: &reference,
        owner: &owner,
        user_tags: &user_tags,
        facts: &facts,
        ready_unknown_after: Some(Duration::from_mins(5)),
        capacity_memory: Duration::from_mins(3),
        abandoned: &[],
        check_fit: true,
        intent: Intent::Wanted,
        pod: Some(&pod),
        record,
        request: &request,
        ignore_daemons: true,
        held_until: None,
        instances,
    };
    let (fresh, running) = (seen(None, &none), seen(Some(&record), &one));
    criterion.bench_function("decide/a new pod", |bench| bench.iter(|| decide(black_box(&fresh), now())));
    criterion.bench_function("decide/a running instance", |bench| {
        bench.iter(|| decide(black_box(&running), now()));
    });
}

fn choices(criterion: &mut Criterion) {
    let (pod, config) = (pod(), Config::default());
    let wishes = Wishes::parse(pod.metadata.annotations.as_ref().expect("annotations")).expect("wishes");
    let taints = config.node.taints().into_owned();
    let labels = [("kubernetes.io/os".to_owned(), "linux".to_owned())].into();
    let place = Place { name: "orca-aws-node".into(), labels, taints };
    criterion.bench_function("selection/by annotation", |bench| {
        bench.iter(|| selection::select(black_box(&wishes), &config.instances));
    });
    criterion.bench_function("admission/the whole wish", |bench| {
        bench.iter(|| admission::admit(black_box(&pod), &config));
    });
    criterion.bench_function("admission/the place", |bench| {
        bench.iter(|| admission::place(black_box(&pod), &place));
    });
}

fn quantities(criterion: &mut Criterion) {
    for text in ["100m", "1Ti", "1.5", "12e6"] {
        criterion.bench_function(&format!("quantity/{text}"), |bench| {
            bench.iter(|| black_box(text).parse::<Quantity>());
        });
    }
}

fn statuses(criterion: &mut Criterion) {
    let (pod, record) = (pod(), record());
    let shown = Shown::Running { instance: Box::new(instance()), ready: Ready::Yes };
    let status = status::render(&pod, &shown, Some(&record), now());
    let annotations = status::annotations(Some(&shown), Some(&record));
    criterion.bench_function("status/render", |bench| {
        bench.iter(|| status::render(black_box(&pod), &shown, Some(&record), now()));
    });
    criterion.bench_function("status/patch", |bench| {
        bench.iter(|| status::patch(black_box(&pod), &status, &annotations));
    });
    criterion.bench_function("launch record/to its text and back", |bench| {
        bench.iter(|| {
            let text = black_box(&record).encode();
            LaunchRecord::decode(&text, &"c".into(), &"u".into())
        });
    });
}

criterion_group!(benches, decisions, choices, quantities, statuses);
criterion_main!(benches);
