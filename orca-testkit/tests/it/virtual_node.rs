//! A whole virtual node over a back end that hangs and panics: what is slow or broken costs its own pod time, and no other
//! pod anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, PostParams};
use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, LaunchOutcome, Terminations};
use orca_core::config::Config;
use orca_core::error::CloudError;
use orca_core::ids::{CloudIdentity, InstanceId, Owner};
use orca_core::instance::{Instance, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_kube::{Spawn as _, VirtualNode};
use orca_testkit::clock::TokioClock;
use orca_testkit::fake_ec2::{Ec2Settings, FakeCloud, FakeEc2};
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{AuditEntry, Effect, FakeKube, Fault, Options};
use orca_testkit::simulation::Process;
use prometheus_client::registry::Registry;
use tokio_util::task::AbortOnDropHandle;

/// The fake EC2 as a back end that does not always do what it should.
#[derive(Debug)]
struct Unruly {
    cloud: FakeCloud,
    /// No offer is ever made.
    offers_hang: AtomicBool,
    /// The verbs that panic at their next call, each once.
    panics: Mutex<BTreeSet<&'static str>>,
}

impl Unruly {
    fn stumble(&self, verb: &'static str) {
        let stumbles = self.panics.lock().expect("a lock").remove(verb);
        assert!(!stumbles, "{verb} stumbled");
    }
}

#[async_trait]
impl CloudClient for Unruly {
    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        self.cloud.identity().await
    }

    async fn offers(&self, request: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        self.stumble("offers");
        if self.offers_hang.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        self.cloud.offers(request).await
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        self.stumble("launch before it left");
        let outcome = self.cloud.launch(offer, token, not_after).await;
        self.stumble("launch after it was answered");
        outcome
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        self.stumble("sweep");
        self.cloud.list_owned(owner).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        self.cloud.describe(ids).await
    }

    async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations {
        self.cloud.terminate(instances).await
    }

    fn token_memory(&self) -> Duration {
        // It is asked for in every look at a pod.
        self.stumble("look");
        self.cloud.token_memory()
    }
}

/// A virtual node in a process of its own, and what it shows to the outside.
struct Node {
    cloud: Arc<Unruly>,
    registry: Registry,
    health: orca_kube::Health,
    process: Process,
    ended: tokio::sync::oneshot::Receiver<String>,
}

impl Node {
    fn start(kube: &FakeKube, ec2: &FakeEc2, clock: &Arc<dyn Clock>) -> Self {
        let cloud = Arc::new(Unruly {
            cloud: ec2.cloud(),
            offers_hang: AtomicBool::new(false),
            panics: Mutex::default(),
        });
        let mut config = Config::default();
        config.aws.region = ec2.settings().region;
        config.controller.launch_rate.burst = 1_000;
        let process = Process::default();
        let node = VirtualNode::builder(kube.client(), Arc::<Unruly>::clone(&cloud))
            .config(config)
            .clock(Arc::clone(clock))
            .seed(1)
            .spawn(Arc::new(process.clone()))
            .build()
            .expect("a node");
        let mut registry = Registry::default();
        node.register_metrics(&mut registry);
        let (health, (end, ended)) = (node.health(), tokio::sync::oneshot::channel());
        process.spawn(Box::pin(async move {
            let result = node.run().await;
            let _gone = end.send(format!("{result:?}"));
        }));
        Self { cloud, registry, health, process, ended }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill();
    }
}

fn region(settings: Ec2Settings, clock: &Arc<dyn Clock>) -> FakeEc2 {
    let ec2 = FakeEc2::new(settings, Arc::clone(clock));
    ec2.set_throttling(false);
    ec2
}

/// A cluster, a cloud and a virtual node between them, on tokio's paused clock.
struct World {
    kube: FakeKube,
    ec2: FakeEc2,
    clock: Arc<dyn Clock>,
    node: Node,
    pods: Api<Pod>,
    _controllers: AbortOnDropHandle<()>,
}

impl World {
    fn new() -> Self {
        let start = Timestamp::from_second(1_767_225_600).expect("a time");
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start));
        let kube = FakeKube::new(&Options::new(Arc::clone(&clock), 1));
        let controllers = AbortOnDropHandle::new(tokio::spawn(Controllers::new(kube.store()).run()));
        let ec2 = region(Ec2Settings::default(), &clock);
        let node = Node::start(&kube, &ec2, &clock);
        let pods = Api::default_namespaced(kube.client());
        Self { kube, ec2, clock, node, pods, _controllers: controllers }
    }

    /// Kills the controller and starts another one over this region.
    async fn restart_over(&mut self, ec2: &FakeEc2) {
        self.node.process.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.node = Node::start(&self.kube, ec2, &self.clock);
    }

    /// The next call of this verb panics.
    fn stumble(&self, verb: &'static str) {
        self.node.cloud.panics.lock().expect("a lock").insert(verb);
    }

    async fn create(&self, name: &str) {
        let pod = serde_json::json!({
            "metadata": { "name": name, "annotations": { "orca.research/instance-type": "t3.micro" } },
            "spec": {
                "restartPolicy": "Never",
                "nodeSelector": { "orca.research/provider": "aws" },
                "tolerations": [{ "key": "orca.research/burst-node", "operator": "Exists" }],
                "containers": [{ "name": "main", "image": "example.com/main" }],
            },
        });
        let pod = serde_json::from_value(pod).expect("a pod");
        self.pods.create(&PostParams::default(), &pod).await.expect("created");
    }

    async fn create_many(&self, prefix: &str, count: usize) {
        for number in 0..count {
            self.create(&format!("{prefix}-{number}")).await;
        }
    }

    async fn delete(&self, name: &str) {
        self.pods.delete(name, &DeleteParams::default()).await.expect("deleted");
    }

    /// Phases, and the waiting reasons of pods that have none better to show, with how many pods show them.
    async fn shown(&self) -> BTreeMap<String, usize> {
        let mut shown = BTreeMap::new();
        for pod in self.pods.list(&kube::api::ListParams::default()).await.expect("a list") {
            let status = serde_json::to_value(&pod.status).expect("JSON");
            let phase = status["phase"].as_str().unwrap_or_default();
            let waits = status["containerStatuses"][0]["state"]["waiting"]["reason"].as_str();
            *shown.entry(waits.unwrap_or(phase).to_owned()).or_default() += 1;
        }
        shown
    }

    /// Waits, in simulated time, until so many pods show this and no others are there.
    async fn eventually(&self, expected: &[(&str, usize)], within: Duration) {
        let until = tokio::time::Instant::now() + within;
        let expected: BTreeMap<String, usize> =
            expected.iter().map(|(shown, count)| ((*shown).to_owned(), *count)).collect();
        loop {
            let shown = self.shown().await;
            if shown == expected {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{expected:?} within {within:?}, and not {shown:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Changes the pod's spec, so that its status has to be written.
    async fn change(&self, name: &str) {
        let patch = serde_json::json!({ "spec": { "containers": [{ "name": "main", "image": "example.com/other" }] } });
        let params = kube::api::PatchParams::default();
        self.pods.patch(name, &params, &kube::api::Patch::Strategic(patch)).await.expect("changed");
    }

    /// Whether an event has this reason.
    async fn was_told(&self, reason: &str) -> bool {
        let events: Api<k8s_openapi::api::core::v1::Event> = Api::default_namespaced(self.kube.client());
        let told = events.list(&kube::api::ListParams::default()).await.expect("events");
        told.iter().any(|event| event.reason.as_deref() == Some(reason))
    }

    fn metric(&self, line: &str) -> bool {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.node.registry).expect("metrics");
        text.lines().any(|found| found == line)
    }
}

#[tokio::test(start_paused = true)]
async fn deletions_go_out_while_no_offer_is_ever_made() {
    let world = World::new();
    world.create_many("old", 100).await;
    world.eventually(&[("Running", 100)], Duration::from_mins(2)).await;
    world.node.cloud.offers_hang.store(true, Ordering::Release);
    // More than may be prepared at the same time, and more than there are workers.
    world.create_many("new", 300).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.shown().await.get("LaunchPreparing"), Some(&300), "L10: the wait is told");
    for number in 0..100 {
        world.delete(&format!("old-{number}")).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(world.ec2.alive().is_empty(), "all are on their way out after 5 s");
    for number in 0..300 {
        world.delete(&format!("new-{number}")).await;
    }
    world.eventually(&[], Duration::from_mins(5)).await;
    assert_eq!(world.ec2.launched().len(), 100, "nothing was launched for what was deleted while it waited");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_offer_is_given_up_and_asked_for_anew() {
    let world = World::new();
    world.node.cloud.offers_hang.store(true, Ordering::Release);
    world.create("slow").await;
    world.eventually(&[("BackEndTimeout", 1)], Duration::from_mins(2)).await;
    world.node.cloud.offers_hang.store(false, Ordering::Release);
    world.eventually(&[("Running", 1)], Duration::from_mins(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_pod_some_time_and_is_counted() {
    for (verb, task) in [
        ("look", "look"),
        ("offers", "prepare"),
        ("launch before it left", "send"),
        ("launch after it was answered", "send"),
    ] {
        let world = World::new();
        world.create("before").await;
        world.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
        world.stumble(verb);
        world.create("stumbling").await;
        world.eventually(&[("Running", 2)], Duration::from_mins(2)).await;
        let counted = format!("orca_task_panics_total{{task=\"{task}\"}} 1");
        assert!(world.metric(&counted), "{verb}: {counted}");
        assert_eq!(world.node.health.live(), Ok(()), "{verb} is no reason to restart");
        world.delete("before").await;
        world.delete("stumbling").await;
        world.eventually(&[], Duration::from_mins(5)).await;
        let launched = world.ec2.launched();
        assert!(launched.values().all(|instances| instances.len() == 1), "S2 after {verb}: {launched:?}");
        assert!(world.ec2.alive().is_empty(), "nothing is left after {verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_the_registrys_ends_nothing() {
    for effect in [Effect::ForeignNotFound, Effect::ErrorBefore(404)] {
        let world = World::new();
        world.create("pod").await;
        world.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
        let faults = world.kube.faults();
        for (verb, resource) in [
            ("get", "pods"),
            ("patch", "pods/status"),
            ("delete", "pods"),
            ("get", "nodes"),
            ("patch", "nodes"),
            ("patch", "nodes/status"),
            ("get", "leases"),
            ("update", "leases"),
            ("get", "namespaces"),
        ] {
            faults.add(Fault::new(effect).verb(verb).resource(resource));
        }
        world.change("pod").await;
        tokio::time::sleep(Duration::from_mins(10)).await;
        let created =
            |entry: &AuditEntry| entry.verb == "create" && ["nodes", "leases"].contains(&&*entry.resource);
        let before = world.kube.audit().entries().iter().filter(|entry| created(entry)).count();
        assert_eq!(before, 3, "the node and its two leases were made once, and {effect:?} makes no other");
        assert_eq!(world.ec2.alive().len(), 1, "{effect:?}");
        faults.clear();
        world.eventually(&[("Running", 1)], Duration::from_mins(2)).await;
        assert_eq!(world.ec2.launched().len(), 1, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_region_or_account_fails_no_pod_and_ends_no_instance() {
    for other in [
        Ec2Settings { region: "eu-west-1".into(), ..Ec2Settings::default() },
        Ec2Settings { account: "999999999999".into(), ..Ec2Settings::default() },
    ] {
        let mut world = World::new();
        world.create_many("pod", 20).await;
        world.eventually(&[("Running", 20)], Duration::from_mins(1)).await;
        let elsewhere = region(other, &world.clock);
        world.restart_over(&elsewhere).await;
        world.delete("pod-0").await;
        tokio::time::sleep(Duration::from_hours(2)).await;
        assert_eq!(world.shown().await, [("Running".to_owned(), 20)].into(), "S13: unknown is not absent");
        assert_eq!((world.ec2.alive().len(), elsewhere.launched().len()), (20, 0));
        assert!(world.was_told("CloudIdentityChanged").await);
        let described =
            elsewhere.calls_of("DescribeInstances").iter().filter(|call| !call.instances.is_empty()).count();
        assert_eq!(described, 0, "nobody asks another account for what it cannot have");

        let home = world.ec2.clone();
        world.restart_over(&home).await;
        world.eventually(&[("Running", 19)], Duration::from_mins(10)).await;
        for number in 1..20 {
            world.delete(&format!("pod-{number}")).await;
        }
        world.eventually(&[], Duration::from_mins(10)).await;
        assert!(world.ec2.alive().is_empty());
    }
}

/// Pods that vanish without a word of the watch: how many instances are left after a while.
async fn left_after_vanishing(world: &World, minutes: u64) -> usize {
    // The watch stands still from here on, as it does over an API server that was restored.
    world.kube.faults().add(Fault::new(Effect::ErrorBefore(503)).verb("watch").resource("pods"));
    world.kube.faults().cut_watches();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let force = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    for number in 0..15 {
        world.pods.delete(&format!("pod-{number}"), &force).await.expect("deleted");
    }
    tokio::time::sleep(Duration::from_mins(minutes)).await;
    world.ec2.alive().len()
}

#[tokio::test(start_paused = true)]
async fn pods_that_vanish_untold_are_found_by_the_next_list_and_end_slowly() {
    let world = World::new();
    world.create_many("pod", 20).await;
    world.eventually(&[("Running", 20)], Duration::from_mins(1)).await;
    assert_eq!(left_after_vanishing(&world, 3).await, 20, "nobody has looked yet");
    tokio::time::sleep(Duration::from_secs(195)).await;
    let left = world.ec2.alive().len();
    assert!((8..=12).contains(&left), "three at once and five a minute, and not {left} left");
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(world.ec2.alive().len(), 5, "the API server is the one that was known, so it is believed");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_prove_itself_ends_a_few_and_no_more() {
    let world = World::new();
    world.create_many("pod", 20).await;
    world.eventually(&[("Running", 20)], Duration::from_mins(1)).await;
    world.kube.faults().add(Fault::new(Effect::ErrorBefore(500)).verb("get").resource("namespaces"));
    assert_eq!(left_after_vanishing(&world, 45).await, 17, "three could be mistakes");
    assert!(world.was_told("VanishedPods").await);
    assert_eq!(world.node.health.live(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_leader_lease_that_somebody_deleted_is_made_again() {
    let world = World::new();
    world.create("pod").await;
    world.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    let leases: Api<k8s_openapi::api::coordination::v1::Lease> =
        Api::namespaced(world.kube.client(), "kube-system");
    leases.delete("orca-aws-node", &DeleteParams::default()).await.expect("deleted");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(leases.get("orca-aws-node").await.is_ok(), "a second process would find it free otherwise");
    assert_eq!(world.node.health.live(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_loop_ends_the_node_and_its_health_says_so() {
    let mut world = World::new();
    world.create("pod").await;
    world.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    world.stumble("sweep");
    let end = tokio::time::timeout(Duration::from_mins(1), &mut world.node.ended).await.expect("it ended");
    assert!(end.expect("an end").contains("sweep stumbled"));
    let why = world.node.health.live().expect_err("not alive");
    assert!(why.contains("the sweep loop panicked (sweep stumbled)"), "{why}");
    assert_eq!(world.ec2.alive().len(), 1, "instances keep running");
}
