//! The edges of the protocol's times: a second before, one thing is done, and at the second itself another.

use std::collections::BTreeMap;
use std::sync::Arc;

use orca_core::admission::Request;
use orca_core::cloud::LaunchOutcome;
use orca_core::instance::{CapacityType, Instance, InstanceState};
use orca_core::launch::{LaunchRecord, NewAttempt, Offer, RecordError};
use orca_core::lifecycle::{Action, Decision, Facts, Observation, Task, TaskState, decide};
use orca_core::pod::{self, Intent};
use orca_core::provider::{KnownInstances, Missing};
use orca_core::{CloudError, Kind, Owner, PodRef, limits};
use serde_json::{Value, json};

use crate::support::{NOW, at, pod as object};

const MINUTE: i64 = 60;
const T_SIG: i64 = 20 * MINUTE;
const MEMORY: i64 = 45 * MINUTE;

/// What is known of a pod whose times are looked at.
struct Scene {
    object: Value,
    is_gone: bool,
    record: Option<Result<LaunchRecord, RecordError>>,
    instances: KnownInstances,
}

/// A pod that was deleted at [`NOW`], with 30 seconds of grace before that.
fn deleted(phase: &str) -> Value {
    let mut object = wanted();
    object["metadata"]["deletionTimestamp"] = json!(at(NOW));
    object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    object["status"]["phase"] = json!(phase);
    object
}

fn wanted() -> Value {
    json!({
        "metadata": { "namespace": "ml", "name": "train", "uid": "uid", "creationTimestamp": at(NOW) },
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "main" }] },
        "status": { "phase": "Pending", "startTime": at(NOW) },
    })
}

fn instances() -> KnownInstances {
    KnownInstances {
        fresh: true,
        identity: Some("cloud".into()),
        token_memory: std::time::Duration::from_mins(45),
        ..KnownInstances::default()
    }
}

fn instance(state: InstanceState) -> Instance {
    let bare = Instance::from_tags("i-1".into(), "cloud://place/i-1", state, &BTreeMap::new());
    Instance { pod: Some(PodRef::new("ml", "train", "uid")), ..bare }
}

/// A record whose first send was announced at [`NOW`].
fn record() -> LaunchRecord {
    let offer = Offer {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        price: None,
        tags: BTreeMap::new(),
        parameters: Value::Null,
        provides: None,
    };
    let (cloud, request) = ("cloud".into(), request().digest());
    let (cluster, pod) = ("cluster".into(), "uid".into());
    LaunchRecord::open(
        NewAttempt { cluster: &cluster, pod: &pod, attempt: 1, cloud, offer, request_digest: request },
        at(NOW),
    )
}

fn request() -> Request {
    Request {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        max_price: None,
        image: None,
        notes: Vec::new(),
    }
}

impl Scene {
    fn new(object: Value) -> Self {
        Self { object, is_gone: false, record: None, instances: instances() }
    }

    fn gone() -> Self {
        Self { is_gone: true, ..Self::new(wanted()) }
    }

    fn record(self, record: LaunchRecord) -> Self {
        Self { record: Some(Ok(record)), ..self }
    }

    fn instances(self, instances: KnownInstances) -> Self {
        Self { instances, ..self }
    }

    /// What is done so many seconds after [`NOW`].
    fn after(&self, seconds: i64) -> &'static str {
        match self.decided(seconds, &Facts::default()).action {
            Action::None => "nothing",
            Action::Refresh => "list",
            Action::Prepare(_) => "prepare",
            Action::Send => "send",
            Action::Terminate => "end",
            Action::Release => "release",
            Action::Forget => "forget",
        }
    }

    fn decided(&self, seconds: i64, facts: &Facts) -> Decision {
        let object = object(self.object.clone());
        let intent = if self.is_gone { Intent::Gone } else { pod::intent(&object) };
        let observation = Observation {
            reference: &PodRef::new("ml", "train", "uid"),
            owner: &Owner { cluster: "cluster".into(), node: "node".into() },
            user_tags: &BTreeMap::new(),
            intent,
            pod: (!self.is_gone).then_some(&object),
            record: self.record.as_ref(),
            request: &Ok(request()),
            ignore_daemons: true,
            held_until: None,
            ready_unknown_after: None,
            capacity_memory: std::time::Duration::from_mins(3),
            abandoned: &[],
            check_fit: true,
            instances: &self.instances,
            facts,
        };
        decide(&observation, at(NOW + seconds))
    }

    /// One thing a second before, and another at the second.
    #[track_caller]
    fn turns(&self, at: i64, before: &str, then: &str) {
        assert_eq!((self.after(at - 1), self.after(at)), (before, then), "at {at} s");
    }
}

/// Lists that began so many seconds after [`NOW`].
fn lists(seconds: &[i64]) -> KnownInstances {
    let began: Vec<_> = seconds.iter().map(|second| at(NOW + second)).collect();
    KnownInstances { complete_sweeps: Arc::from(began), ..instances() }
}

#[test]
fn an_instance_that_shuts_down_keeps_its_pod_for_two_minutes() {
    let seen = vec![instance(InstanceState::ShuttingDown)];
    let shutting = KnownInstances { seen, ending_since: Some(at(NOW)), ..instances() };
    let scene = Scene::new(deleted("Running")).record(record().launched(&"i-1".into())).instances(shutting);
    scene.turns(2 * MINUTE, "nothing", "release");
}

#[test]
fn a_deleted_pod_with_an_open_launch_is_let_go_five_minutes_after_its_grace_period() {
    let scene = Scene::new(deleted("Pending")).record(record());
    scene.turns(5 * MINUTE + 1, "prepare", "release");
}

#[test]
fn an_open_launch_is_sent_again_until_its_token_is_old() {
    let scene = Scene::new(wanted()).record(record());
    scene.turns(2, "nothing", "prepare");
    scene.turns(MEMORY, "prepare", "list");
}

#[test]
fn a_refusal_beside_an_open_send_waits_until_that_send_is_void() {
    let refusal = CloudError::new(Kind::NoCapacity, "NoCapacity", "none left");
    let refused = record().resend(at(NOW + 30)).refused(at(NOW + 30), refusal, at(NOW + 31));
    Scene::new(wanted()).record(refused).turns(T_SIG, "nothing", "prepare");
}

#[test]
fn a_lost_launch_is_given_up_after_three_lists_over_five_minutes_past_the_last_send() {
    let old = MEMORY;
    let searched = |begun: &[i64]| Scene::new(wanted()).record(record()).instances(lists(begun));
    let failed = |scene: &Scene, second| scene.after(second) == "nothing";
    let whole = [old, old + 100, old + 200];
    assert!(failed(&searched(&whole), old + 5 * MINUTE));
    assert!(!failed(&searched(&whole), old + 5 * MINUTE - 1), "not over five minutes");
    assert!(!failed(&searched(&whole[1..]), old + 10 * MINUTE), "two lists are not three");
    let early = [T_SIG, old, old + 100];
    assert!(!failed(&searched(&early), old + 10 * MINUTE), "one began when the send could still be executed");
    let just_after = [T_SIG + 1, old, old + 100];
    assert!(failed(&searched(&just_after), old + 10 * MINUTE));
    let stale = KnownInstances { fresh: false, ..lists(&whole) };
    let scene = Scene::new(wanted()).record(record()).instances(stale);
    assert!(!failed(&scene, old + 10 * MINUTE), "the last list is old");
}

#[test]
fn a_finished_pod_goes_when_nothing_of_it_can_be_executed_and_a_fresh_list_is_empty() {
    let launched = record().launched(&"i-1".into());
    let scene = Scene::new(deleted("Failed")).record(launched.clone());
    scene.turns(T_SIG, "list", "release");
    let missing = Missing { is_held: false, id: "i-1".into(), absences: 1, since: at(NOW), latest: at(NOW) };
    let vanished = KnownInstances { missing: Some(missing), ..instances() };
    Scene::new(deleted("Failed"))
        .record(launched.clone())
        .instances(vanished.clone())
        .turns(T_SIG, "list", "release");
    let stale = KnownInstances { fresh: false, ..vanished };
    assert_eq!(Scene::new(deleted("Failed")).record(launched.clone()).instances(stale).after(T_SIG), "list");
    let running = Scene::new(deleted("Running")).record(launched);
    assert_eq!(running.after(10 * T_SIG), "list", "a pod that was not seen to end waits for its instance");
}

#[test]
fn an_unreadable_record_keeps_its_deleted_pod_until_no_launch_can_show() {
    let searched = |begun: &[i64]| Scene {
        record: Some(Err(RecordError::Outdated)),
        ..Scene::new(deleted("Pending")).instances(lists(begun))
    };
    let whole = [T_SIG + 1, T_SIG + 100, T_SIG + 200];
    searched(&whole).turns(T_SIG + 1 + 5 * MINUTE, "list", "release");
    assert_eq!(searched(&[T_SIG, T_SIG + 100, T_SIG + 200]).after(T_SIG + 10 * MINUTE), "list");
}

#[test]
fn a_pod_that_is_gone_is_remembered_until_its_launch_can_no_longer_show() {
    let whole = [T_SIG + 1, T_SIG + 100, T_SIG + 200];
    Scene::gone().record(record()).instances(lists(&whole)).turns(T_SIG + 1 + 5 * MINUTE, "list", "forget");
    assert_eq!(Scene::gone().record(record().launched(&"i-1".into())).after(1), "forget");
    let shutting = KnownInstances { seen: vec![instance(InstanceState::ShuttingDown)], ..instances() };
    assert_eq!(Scene::gone().instances(shutting).after(1), "nothing", "it has not ended yet");
    let stale = KnownInstances { fresh: false, ..instances() };
    assert_eq!(Scene::gone().instances(stale).after(1), "list");
}

#[test]
fn an_absence_is_concluded_after_three_answers_over_five_minutes() {
    let missing = |absences, seconds| {
        let missing =
            Missing { is_held: false, id: "i-1".into(), absences, since: at(NOW), latest: at(NOW + seconds) };
        let scene = Scene::new(deleted("Running")).record(record().launched(&"i-1".into()));
        scene.instances(KnownInstances { missing: Some(missing), ..instances() }).after(seconds)
    };
    assert_eq!((limits::ABSENCES, limits::ABSENT_FOR.as_secs()), (3, 300));
    assert_eq!((missing(3, 299), missing(3, 300), missing(2, 300)), ("list", "release", "list"));
}

#[test]
fn the_pods_own_deadline_counts_from_its_start() {
    let mut limited = wanted();
    limited["spec"]["activeDeadlineSeconds"] = json!(100);
    let seen = vec![instance(InstanceState::Running)];
    let scene = Scene::new(limited).record(record().launched(&"i-1".into()));
    scene.instances(KnownInstances { seen, ..instances() }).turns(100, "nothing", "end");
}

#[test]
fn a_namesakes_instance_holds_a_new_pod_for_two_minutes() {
    let scene =
        Scene::new(wanted()).instances(KnownInstances { namesake: Some("i-0".into()), ..instances() });
    scene.turns(2 * MINUTE, "nothing", "prepare");
}

#[test]
fn the_answer_to_a_launch_is_recorded_while_its_pod_is_deleted_and_not_after_its_end_was_shown() {
    let result = Ok(LaunchOutcome::Launched(Box::new(instance(InstanceState::Pending))));
    let state = TaskState::Done { at: at(NOW), result };
    let facts = Facts { send: Some(Task { key: at(NOW), since: at(NOW), state }), prepare: None };
    let recorded = |phase| {
        let decision = Scene::new(deleted(phase)).record(record()).decided(1, &facts);
        decision.record().and_then(|record| record.instance_id.clone())
    };
    assert_eq!((recorded("Pending"), recorded("Failed")), (Some("i-1".into()), None));
}

#[test]
fn a_finished_pod_with_an_open_launch_is_let_go_and_a_known_token_is_searched_for() {
    assert_eq!(Scene::new(deleted("Failed")).record(record()).after(1), "release");
    let whole = [T_SIG + 1, T_SIG + 100, T_SIG + 200];
    let known = record().resend(at(NOW)).mismatched(at(NOW + 1));
    let scene = Scene::new(deleted("Pending")).record(known).instances(lists(&whole));
    scene.turns(T_SIG + 1 + 5 * MINUTE, "list", "release");
}
