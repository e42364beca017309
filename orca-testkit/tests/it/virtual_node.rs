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
use orca_testkit::fake_kube::{FakeKube, Options};
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

/// A cluster, a cloud and a virtual node between them, on tokio's paused clock.
struct World {
    ec2: FakeEc2,
    cloud: Arc<Unruly>,
    pods: Api<Pod>,
    registry: Registry,
    health: orca_kube::Health,
    process: Process,
    ended: tokio::sync::oneshot::Receiver<String>,
    _controllers: AbortOnDropHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.process.kill();
    }
}

impl World {
    fn new() -> Self {
        let start = Timestamp::from_second(1_767_225_600).expect("a time");
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start));
        let kube = FakeKube::new(&Options::new(Arc::clone(&clock), 1));
        let ec2 = FakeEc2::new(Ec2Settings::default(), Arc::clone(&clock));
        ec2.set_throttling(false);
        let controllers = AbortOnDropHandle::new(tokio::spawn(Controllers::new(kube.store()).run()));
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
            .clock(clock)
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
        let pods = Api::default_namespaced(kube.client());
        Self { ec2, cloud, pods, registry, health, process, ended, _controllers: controllers }
    }

    /// The next call of this verb panics.
    fn stumble(&self, verb: &'static str) {
        self.cloud.panics.lock().expect("a lock").insert(verb);
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

    fn metric(&self, line: &str) -> bool {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("metrics");
        text.lines().any(|found| found == line)
    }
}

#[tokio::test(start_paused = true)]
async fn deletions_go_out_while_no_offer_is_ever_made() {
    let world = World::new();
    world.create_many("old", 100).await;
    world.eventually(&[("Running", 100)], Duration::from_mins(2)).await;
    world.cloud.offers_hang.store(true, Ordering::Release);
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
    world.cloud.offers_hang.store(true, Ordering::Release);
    world.create("slow").await;
    world.eventually(&[("BackEndTimeout", 1)], Duration::from_mins(2)).await;
    world.cloud.offers_hang.store(false, Ordering::Release);
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
        assert!(world.health.live().is_ok(), "{verb} is no reason to restart");
        world.delete("before").await;
        world.delete("stumbling").await;
        world.eventually(&[], Duration::from_mins(5)).await;
        let launched = world.ec2.launched();
        assert!(launched.values().all(|instances| instances.len() == 1), "S2 after {verb}: {launched:?}");
        assert!(world.ec2.alive().is_empty(), "nothing is left after {verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_loop_ends_the_node_and_its_health_says_so() {
    let mut world = World::new();
    world.create("pod").await;
    world.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    world.stumble("sweep");
    let end = tokio::time::timeout(Duration::from_mins(1), &mut world.ended).await.expect("it ended");
    assert!(end.expect("an end").contains("sweep stumbled"));
    let why = world.health.live().expect_err("not alive");
    assert!(why.contains("the sweep loop panicked (sweep stumbled)"), "{why}");
    assert_eq!(world.ec2.alive().len(), 1, "instances keep running");
}
