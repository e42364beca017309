//! Rounds over a scripted cloud and a scripted API server: what is read, what is ended, what stops everything.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;
use orca_core::cloud::{MockCloudClient, MockLeftoverSource};
use orca_core::config::{Config, Controller};
use orca_core::ids::PodRef;
use orca_core::instance::{CapacityType, Instance, InstanceState, OwnedInstance};
use orca_core::leftover::{Leftover, LeftoverKind};

use super::api_reader::Read;
use super::*;
use crate::call::CallError;
use crate::health::Health;
use crate::identity::{Accepted, Recorded};
use crate::metrics::Metrics;
use crate::{events, instances};

/// Begins long after any launch, and goes with tokio's clock, which stands still unless a test waits.
#[derive(Debug)]
struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.0.elapsed().as_secs()).expect("short");
        Timestamp::from_second(100_000 + elapsed).expect("in range")
    }
}

/// Another pod has its name.
fn absent(pod: &PodRef) -> Read {
    let value = serde_json::json!({ "metadata": { "namespace": &*pod.namespace, "name": &*pod.name, "uid": "other" } });
    let successor = serde_json::from_value(value).expect("a pod");
    Read::Absent(crate::absence::Absence::by_successor(&successor, pod).expect("a proof"))
}

#[derive(Default)]
struct TestCensus {
    cluster: Mutex<Option<&'static str>>,
    pods: Mutex<BTreeMap<&'static str, Read>>,
    reads: AtomicUsize,
}

#[async_trait]
impl ClusterReader for TestCensus {
    async fn cluster(&self) -> Result<ClusterId, CallError> {
        self.cluster.lock().expect("lock").map(ClusterId::new).ok_or(CallError::Timeout)
    }

    async fn pod(&self, pod: &PodRef) -> Read {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let found = self.pods.lock().expect("lock").get(pod.uid.as_str()).cloned();
        let is_asked = |read: &Read| match read {
            Read::There(object) => object.metadata.name.as_deref() == Some(&*pod.name),
            Read::Absent(_) | Read::Unknown => true,
        };
        found.filter(is_asked).unwrap_or_else(|| absent(pod))
    }
}

struct Harness {
    garbage: Garbage,
    api_reader: Arc<TestCensus>,
    listed: Arc<Mutex<Vec<Instance>>>,
    removed: Arc<Mutex<Vec<String>>>,
    metrics: GarbageMetrics,
    stop: CancellationToken,
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn owner() -> Owner {
    Owner { cluster: "c".into(), node: "n".into() }
}

fn instance(id: &str, uid: &str) -> Instance {
    Instance {
        id: id.into(),
        reference: format!("ec2://r/{id}").into(),
        state: InstanceState::Running,
        cloud: None,
        state_reason: None,
        owner: Some(owner()),
        pod: Some(PodRef::new("ml", uid, uid)),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        other_ip: None,
        public_ip: None,
        launched_at: Timestamp::from_second(0).ok(),
    }
}

fn object(uid: &str, more: serde_json::Value) -> Pod {
    let mut value = serde_json::json!({
        "metadata": { "namespace": "ml", "name": uid, "uid": uid, "resourceVersion": "1" }, "spec": { "nodeName": "n", "containers": [] },
    });
    for (key, section) in more.as_object().expect("an object") {
        value[key] = section.clone();
    }
    serde_json::from_value(value).expect("a pod")
}

fn leftover(id: &str, uid: &str) -> Leftover {
    Leftover {
        id: LeftoverId { kind: LeftoverKind::Volume, id: id.into() },
        owner: Some(owner()),
        pod: Some(PodRef::new("ml", uid, uid)),
        created_at: Timestamp::from_second(0).ok(),
    }
}

fn cloud(listed: &Arc<Mutex<Vec<Instance>>>) -> MockCloudClient {
    let mut cloud = MockCloudClient::new();
    cloud.expect_identity().returning(|| Ok("cloud".into()));
    let list = Arc::clone(listed);
    cloud.expect_list_owned().returning(move |_| Ok(list.lock().expect("lock").clone()));
    cloud.expect_describe().returning(|_| Ok(Vec::new()));
    let list = Arc::clone(listed);
    cloud.expect_terminate().returning(move |given: &[OwnedInstance]| {
        list.lock().expect("lock").retain(|instance| !given.iter().any(|owned| *owned.id() == instance.id));
        given.iter().map(|owned| (owned.id().clone(), Ok(InstanceState::Terminated))).collect()
    });
    cloud
}

fn source(left: Vec<Leftover>, removed: &Arc<Mutex<Vec<String>>>) -> MockLeftoverSource {
    let mut source = MockLeftoverSource::new();
    source.expect_leftovers().returning(move |_| Ok(left.clone()));
    let removed = Arc::clone(removed);
    source.expect_remove().returning(move |owned| {
        removed.lock().expect("lock").push(owned.id().to_string());
        Ok(())
    });
    let other = Instance { owner: None, ..instance("i-other", "x") };
    source.expect_list_cluster().returning(move |_| Ok(vec![other.clone(), instance("i-ours", "y")]));
    source
}

impl Harness {
    fn new(instances: Vec<Instance>, left: Vec<Leftover>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TestClock(Instant::now()));
        let listed = Arc::new(Mutex::new(instances));
        let removed = Arc::default();
        let metrics = Metrics::default();
        let settings = Controller { sweep_seconds: 1.0, fast_sweep_seconds: 1.0, ..Controller::default() };
        let identity = IdentityGuard::new(
            owner().cluster,
            Recorded::default(),
            Accepted::default(),
            Health::new(Arc::clone(&clock)),
        );
        let provider = InstanceProvider::new(instances::ProviderParts {
            cloud: Arc::new(cloud(&listed)),
            health: None,
            owner: owner(),
            clock: Arc::clone(&clock),
            settings,
            metrics: metrics.cloud.clone(),
            identity: identity.clone(),
            release: 0,
            check_fit: true,
        });
        // Nothing listens there: every answer of the API server comes from the reader.
        let url = "http://127.0.0.1:9".parse().expect("a url");
        let client = kube::Client::try_from(kube::Config::new(url)).expect("a client");
        let (events, _loop) =
            events::channel(client.clone(), Arc::clone(&clock), "test".into(), metrics.pods.events.clone());
        let life = crate::spawn::Life::begin();
        let pods = pods::Controller::new(pods::ControllerParts {
            client,
            provider: Arc::new(provider.clone()),
            owner: owner(),
            config: Arc::new(Config::default()),
            user_tags: BTreeMap::new(),
            devices: Vec::new(),
            clock: Arc::clone(&clock),
            events: events.clone(),
            node: tokio::sync::watch::channel(None).1,
            metrics: metrics.pods.clone(),
            identity: identity.clone(),
            set_back: SetBack::default(),
            random: Random::new(Some(1)),
            spawner: life.spawner(Arc::new(crate::spawn::TokioSpawn::default())),
        });
        let api_reader = Arc::new(TestCensus::default());
        *api_reader.cluster.lock().expect("lock") = Some("c");
        let stop = CancellationToken::new();
        let (running, token) = (provider.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::join!(running.sweep(token.clone()), running.terminate(token.clone()));
        });
        let garbage = Garbage::new(GarbageParts {
            api_reader: Arc::<TestCensus>::clone(&api_reader),
            provider,
            pods,
            owner: owner(),
            settings: Gc::default(),
            leader_since: clock.now(),
            clock,
            events,
            metrics: metrics.garbage.clone(),
            random: Random::new(Some(1)),
            leftovers: Some(Arc::new(source(left, &removed))),
            cluster_uid: Some("c".into()),
            identity,
            set_back: SetBack::default(),
            is_recorded: true,
        });
        Self { garbage, api_reader, listed, removed, metrics: metrics.garbage, stop }
    }

    /// So many turns, each after a new sweep, a minute apart.
    async fn turns(&mut self, count: usize) {
        for _ in 0..count {
            tokio::time::sleep(Duration::from_mins(1)).await;
            self.garbage.turn().await;
            // What was asked for is sent.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    fn alive(&self) -> Vec<String> {
        self.listed.lock().expect("lock").iter().map(|instance| instance.id.to_string()).collect()
    }

    fn removed(&self) -> Vec<String> {
        self.removed.lock().expect("lock").clone()
    }

    fn frozen(&self) -> Vec<&'static str> {
        let is_set = |cause: &&'static str| self.metrics.frozen.get_or_create(&Cause { cause }).get() == 1;
        CAUSES.into_iter().filter(is_set).collect()
    }

    fn knows(&self, uid: &'static str, read: Read) {
        self.api_reader.pods.lock().expect("lock").insert(uid, read);
    }
}

#[tokio::test(start_paused = true)]
async fn an_orphan_is_ended_after_two_judged_sweeps_and_only_it() {
    let foreign = Instance { owner: Some(Owner { node: "m".into(), ..owner() }), ..instance("i-2", "b") };
    let mut harness = Harness::new(vec![instance("i-1", "a"), foreign], vec![]);
    harness.turns(2).await;
    assert_eq!(
        harness.alive(),
        ["i-1", "i-2"],
        "the first sweep is not judged, and one round is no evidence"
    );
    harness.turns(1).await;
    assert_eq!(harness.alive(), ["i-2"]);
    assert_eq!(harness.metrics.terminated.get(), 1);
    harness.turns(3).await;
    assert_eq!(harness.alive(), ["i-2"], "S4");
}

#[tokio::test(start_paused = true)]
async fn the_same_sweep_is_not_judged_twice() {
    let mut harness = Harness::new(vec![instance("i-1", "a")], vec![]);
    harness.turns(2).await;
    harness.garbage.judged = harness.garbage.parts.provider.listed_alive().map(|(began, _)| began);
    for _ in 0..5 {
        harness.garbage.turn().await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(harness.alive(), ["i-1"], "no new sweep, no new evidence");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_kept() {
    let mut harness = Harness::new(vec![instance("i-1", "a")], vec![]);
    harness.knows("a", Read::Unknown);
    harness.turns(5).await;
    assert_eq!(harness.alive(), ["i-1"], "S13");
    assert_eq!(harness.metrics.orphaned.get(), 0);
    harness.knows("a", absent(&PodRef::new("ml", "a", "a")));
    *harness.api_reader.cluster.lock().expect("lock") = None;
    harness.turns(5).await;
    assert_eq!(harness.alive(), ["i-1"], "S13: nobody knows which cluster this is");
}

#[tokio::test(start_paused = true)]
async fn another_cluster_freezes_it_until_ours_is_back() {
    let mut harness = Harness::new(vec![instance("i-1", "a")], vec![leftover("vol-1", "b")]);
    harness.turns(2).await;
    *harness.api_reader.cluster.lock().expect("lock") = Some("restored");
    harness.turns(10).await;
    assert_eq!((harness.alive(), harness.frozen()), (vec!["i-1".to_owned()], vec!["cluster_changed"]));
    assert!(harness.removed().is_empty());
    *harness.api_reader.cluster.lock().expect("lock") = Some("c");
    harness.turns(1).await;
    assert_eq!((harness.alive().len(), harness.frozen().len()), (1, 0), "the rounds begin anew");
    harness.turns(1).await;
    assert!(harness.alive().is_empty());
}

/// `cluster.id` is set, and the kubeconfig is another cluster's: there none of the instances has its pod.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_only_the_config_names_has_to_be_proven_by_a_pod() {
    let mut harness = Harness::new(vec![instance("i-1", "a"), instance("i-2", "b")], vec![]);
    harness.garbage.proven = false;
    harness.turns(6).await;
    assert_eq!((harness.alive().len(), harness.frozen()), (2, vec!["cluster_unproven"]));
    harness.garbage.parts.pods.apply(object("a", serde_json::json!({})));
    harness.turns(3).await;
    assert_eq!(harness.alive(), ["i-1"], "one of them has its pod here, so the other one is an orphan");
}

#[tokio::test(start_paused = true)]
async fn a_known_pod_costs_no_read_and_an_unknown_one_that_exists_becomes_known() {
    let mut harness = Harness::new(vec![instance("i-1", "a"), instance("i-2", "b")], vec![]);
    harness.garbage.parts.pods.apply(object("a", serde_json::json!({})));
    harness.knows(
        "b",
        Read::There(Box::new(object("b", serde_json::json!({ "status": { "phase": "Failed" } })))),
    );
    harness.turns(5).await;
    assert_eq!(harness.alive(), ["i-1", "i-2"], "what has ended is ended by its own path");
    assert_eq!(harness.api_reader.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_the_one_in_the_pods_status_stays() {
    let older = instance("i-1", "a");
    let newer = Instance { launched_at: Timestamp::from_second(10).ok(), ..instance("i-2", "a") };
    let mut harness = Harness::new(vec![older, newer], vec![]);
    let status = serde_json::json!({ "containerStatuses": [{
        "name": "main", "image": "", "imageID": "", "ready": true, "restartCount": 0, "containerID": "ec2://r/i-2",
    }] });
    let pod = object("a", serde_json::json!({ "status": status }));
    harness.garbage.parts.pods.apply(pod.clone());
    harness.knows("a", Read::There(Box::new(pod)));
    harness.turns(3).await;
    assert_eq!(harness.alive(), ["i-2"]);
}

/// Somebody wrote the UID of one pod on the instance of another.
#[tokio::test(start_paused = true)]
async fn an_instance_whose_tags_contradict_each_other_is_no_proof_against_another_one() {
    let retagged = Instance { pod: Some(PodRef::new("ml", "other", "a")), ..instance("i-1", "a") };
    let mut harness = Harness::new(vec![retagged, instance("i-2", "a")], vec![]);
    let status = serde_json::json!({ "containerStatuses": [{
        "name": "main", "image": "", "imageID": "", "ready": true, "restartCount": 0, "containerID": "ec2://r/i-2",
    }] });
    let pod = object("a", serde_json::json!({ "status": status }));
    harness.garbage.parts.pods.apply(pod.clone());
    harness.knows("a", Read::There(Box::new(pod)));
    harness.turns(5).await;
    assert_eq!(harness.alive(), ["i-1", "i-2"], "S3");
}

#[tokio::test(start_paused = true)]
async fn the_brake_stops_instances_and_leftovers_alike() {
    let orphans = ["a", "b", "c", "d"].map(|uid| instance(&format!("i-{uid}"), uid)).to_vec();
    let mut harness = Harness::new(orphans, vec![leftover("vol-1", "x")]);
    harness.turns(20).await;
    assert_eq!((harness.alive().len(), harness.frozen()), (4, vec!["brake"]));
    assert!(harness.removed().is_empty());
    assert_eq!(harness.metrics.orphaned.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_leftover_goes_when_it_is_nobodys_and_foreign_instances_are_counted() {
    let bare = Leftover { owner: None, ..leftover("vol-bare", "z") };
    let left = vec![leftover("vol-1", "gone"), leftover("vol-2", "a"), leftover("vol-3", "b"), bare];
    let mut harness = Harness::new(vec![instance("i-1", "a")], left);
    harness.garbage.parts.pods.apply(object("a", serde_json::json!({})));
    harness.knows("b", Read::There(Box::new(object("b", serde_json::json!({})))));
    harness.turns(12).await;
    assert_eq!(harness.removed().first().map(String::as_str), Some("volume vol-1"));
    assert!(harness.removed().iter().all(|id| id == "volume vol-1"), "in use, wanted and not ours stay");
    assert_eq!(harness.metrics.foreign.get(), 1);
    assert_eq!(harness.alive(), ["i-1"]);
}

mod not_owned;
