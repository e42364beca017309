//! A cluster, a cloud that does not always do what it should, and a virtual node between them, in simulated time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, PostParams};
use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, CloudInfo, LaunchOutcome, Terminations};
use orca_core::config::Config;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{CloudIdentity, InstanceId, Owner};
use orca_core::instance::{Instance, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_kube::{Spawn as _, VirtualNode, VirtualNodeBuilder};
use orca_testkit::clock::TokioClock;
use orca_testkit::fake_ec2::{Ec2Settings, FakeCloud, FakeEc2};
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{AuditEntry, FakeKube, Options};
use orca_testkit::simulation::Process;
use prometheus_client::registry::Registry;
use tokio_util::task::AbortOnDropHandle;

/// The fake EC2 as a back end that does not always do what it should.
#[derive(Debug)]
pub(super) struct Unruly {
    pub(super) cloud: FakeCloud,
    /// No offer is ever made.
    pub(super) offers_hang: AtomicBool,
    /// What the caller's account is answered: 0 as it should be, 1 never, 2 with an error; with either the lists are another
    /// account's, and empty.
    pub(super) account: AtomicU8,
    /// The account that is answered instead; with it the lists are empty as well.
    pub(super) other: Mutex<Option<CloudIdentity>>,
    /// Where launches go instead, and whose account is answered.
    pub(super) elsewhere: Mutex<Option<FakeCloud>>,
    /// After the next launch its answer is lost, and the credentials are those of this region.
    pub(super) moves_to: Mutex<Option<FakeCloud>>,
    /// Lists are complete, and empty.
    pub(super) is_empty: AtomicBool,
    /// No list is ever answered.
    pub(super) is_silent: AtomicBool,
    /// The account that lists name instead.
    pub(super) lists_name: Mutex<Option<CloudIdentity>>,
    /// A call that is to end this one is never answered.
    pub(super) hangs_at: Mutex<Option<InstanceId>>,
    /// The verbs that panic at their next call, each once.
    pub(super) panics: Mutex<BTreeSet<&'static str>>,
}

impl Unruly {
    /// From now on the credentials are another account's, and who asks for it waits for ever or is refused.
    pub(super) fn lose_account(&self, hangs: bool) {
        self.account.store(if hangs { 1 } else { 2 }, Ordering::Release);
    }

    pub(super) fn find_account(&self) {
        self.account.store(0, Ordering::Release);
        self.is_silent.store(false, Ordering::Release);
        self.is_empty.store(false, Ordering::Release);
        *self.other.lock().expect("a lock") = None;
        *self.elsewhere.lock().expect("a lock") = None;
    }

    /// From now on no list is answered.
    pub(super) fn go_silent(&self) {
        self.is_silent.store(true, Ordering::Release);
    }

    async fn listen(&self) {
        if self.is_silent.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    }

    /// From now on the credentials are another account's.
    pub(super) fn change_account(&self, identity: &str) {
        *self.other.lock().expect("a lock") = Some(identity.into());
    }

    /// From now on what is listed is another account's, and the account is answered as before.
    pub(super) fn list_as(&self, identity: &str) {
        *self.lists_name.lock().expect("a lock") = Some(identity.into());
    }

    fn is_elsewhere(&self) -> bool {
        self.elsewhere.lock().expect("a lock").is_some()
            || self.account.load(Ordering::Acquire) != 0
            || self.other.lock().expect("a lock").is_some()
    }

    /// From now on lists are complete, and empty.
    pub(super) fn forget_instances(&self) {
        self.is_empty.store(true, Ordering::Release);
    }

    fn named(&self, mut instances: Vec<Instance>) -> Vec<Instance> {
        if self.is_empty.load(Ordering::Acquire) {
            return Vec::new();
        }
        if let Some(name) = self.lists_name.lock().expect("a lock").as_ref() {
            for instance in &mut instances {
                instance.cloud = Some(name.clone());
            }
        }
        instances
    }

    fn stumble(&self, verb: &'static str) {
        let stumbles = self.panics.lock().expect("a lock").remove(verb);
        assert!(!stumbles, "{verb} stumbled");
    }
}

#[async_trait]
impl CloudClient for Unruly {
    fn info(&self) -> CloudInfo {
        self.cloud.info()
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        match self.account.load(Ordering::Acquire) {
            0 => {
                let elsewhere = self.elsewhere.lock().expect("a lock").clone();
                if let Some(elsewhere) = elsewhere {
                    return elsewhere.identity().await;
                }
                let other = self.other.lock().expect("a lock").clone();
                other.map_or(self.cloud.identity().await, Ok)
            }
            1 => std::future::pending().await,
            _ => Err(CloudError::new(Kind::Denied, "AccessDenied", "no")),
        }
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
        let elsewhere = self.elsewhere.lock().expect("a lock").clone();
        let outcome = elsewhere.as_ref().unwrap_or(&self.cloud).launch(offer, token, not_after).await;
        let moves_to = self.moves_to.lock().expect("a lock").take();
        if let Some(other) = moves_to {
            *self.elsewhere.lock().expect("a lock") = Some(other);
            return LaunchOutcome::Unknown(CloudError::new(Kind::Unknown, "ServiceUnavailable", "no"));
        }
        self.stumble("launch after it was answered");
        outcome
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        self.stumble("sweep");
        self.listen().await;
        if self.is_elsewhere() {
            return Ok(Vec::new());
        }
        self.cloud.list_owned(owner).await.map(|found| self.named(found))
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        self.listen().await;
        if self.is_elsewhere() {
            return Ok(Vec::new());
        }
        self.cloud.describe(ids).await.map(|found| self.named(found))
    }

    async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations {
        let hangs_at = self.hangs_at.lock().expect("a lock").clone();
        if instances.iter().any(|owned| Some(owned.id()) == hangs_at.as_ref()) {
            std::future::pending::<()>().await;
        }
        self.cloud.terminate(instances).await
    }

    fn token_memory(&self) -> Duration {
        // It is asked for in every look at a pod.
        self.stumble("look");
        self.cloud.token_memory()
    }
}

/// A virtual node in a process of its own, and what it shows to the outside.
pub(super) struct Node {
    pub(super) cloud: Arc<Unruly>,
    pub(super) registry: Registry,
    pub(super) health: orca_kube::Health,
    pub(super) process: Process,
    pub(super) ended: tokio::sync::oneshot::Receiver<String>,
}

impl Node {
    pub(super) fn start(
        kube: &FakeKube,
        ec2: &FakeEc2,
        clock: &Arc<dyn Clock>,
        change: impl FnOnce(VirtualNodeBuilder, &mut Config) -> VirtualNodeBuilder,
    ) -> Self {
        let cloud = Arc::new(Unruly {
            cloud: ec2.cloud(),
            offers_hang: AtomicBool::new(false),
            account: AtomicU8::new(0),
            other: Mutex::default(),
            lists_name: Mutex::default(),
            is_silent: AtomicBool::new(false),
            is_empty: AtomicBool::new(false),
            elsewhere: Mutex::default(),
            moves_to: Mutex::default(),
            hangs_at: Mutex::default(),
            panics: Mutex::default(),
        });
        let mut config = Config::default();
        config.controller.launch_rate.burst = 1_000;
        let process = Process::default();
        let builder = VirtualNode::builder(kube.client()).cloud(Arc::<Unruly>::clone(&cloud));
        let node = change(builder, &mut config)
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

pub(super) fn region(settings: Ec2Settings, clock: &Arc<dyn Clock>) -> FakeEc2 {
    let ec2 = FakeEc2::new(settings, Arc::clone(clock));
    ec2.set_throttling(false);
    ec2
}

/// A cluster, a cloud and a virtual node between them, on tokio's paused clock.
pub(super) struct Harness {
    pub(super) kube: FakeKube,
    pub(super) ec2: FakeEc2,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) node: Node,
    pub(super) pods: Api<Pod>,
    _controllers: AbortOnDropHandle<()>,
}

impl Harness {
    pub(super) fn new() -> Self {
        let start = Timestamp::from_second(1_767_225_600).expect("a time");
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start));
        let kube = FakeKube::new(&Options::new(Arc::clone(&clock), 1));
        let controllers = AbortOnDropHandle::new(tokio::spawn(Controllers::new(kube.store()).run()));
        let ec2 = region(Ec2Settings::default(), &clock);
        let node = Node::start(&kube, &ec2, &clock, |builder, _config| builder);
        let pods = Api::default_namespaced(kube.client());
        Self { kube, ec2, clock, node, pods, _controllers: controllers }
    }

    /// Kills the controller and starts another one over this region.
    pub(super) async fn restart_over(&mut self, ec2: &FakeEc2) {
        self.restart_with(ec2, |builder, _config| builder).await;
    }

    /// The same, and it is built or configured otherwise.
    pub(super) async fn restart_with(
        &mut self,
        ec2: &FakeEc2,
        change: impl FnOnce(VirtualNodeBuilder, &mut Config) -> VirtualNodeBuilder,
    ) {
        self.node.process.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.node = Node::start(&self.kube, ec2, &self.clock, change);
    }

    /// The live Node object.
    pub(super) async fn node_object(&self) -> k8s_openapi::api::core::v1::Node {
        Api::all(self.kube.client()).get("orca-aws-node").await.expect("the node")
    }

    /// Whether the Node has a taint with this key.
    pub(super) async fn is_tainted(&self, key: &str) -> bool {
        let taints = self.node_object().await.spec.and_then(|spec| spec.taints).unwrap_or_default();
        taints.iter().any(|taint| taint.key == key)
    }

    /// How many status patches of pods the API server has answered.
    pub(super) fn pod_writes(&self) -> usize {
        let is_write = |entry: &AuditEntry| {
            entry.resource.starts_with("pods") && ["patch", "update", "delete"].contains(&entry.verb)
        };
        self.kube.audit().entries().iter().filter(|entry| is_write(entry)).count()
    }

    /// The next call of this verb panics.
    pub(super) fn stumble(&self, verb: &'static str) {
        self.node.cloud.panics.lock().expect("a lock").insert(verb);
    }

    pub(super) async fn create(&self, name: &str) {
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

    pub(super) async fn create_many(&self, prefix: &str, count: usize) {
        for number in 0..count {
            self.create(&format!("{prefix}-{number}")).await;
        }
    }

    pub(super) async fn delete(&self, name: &str) {
        self.pods.delete(name, &DeleteParams::default()).await.expect("deleted");
    }

    /// Phases, and the waiting reasons of pods that have none better to show, with how many pods show them.
    pub(super) async fn shown(&self) -> BTreeMap<String, usize> {
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
    pub(super) async fn eventually(&self, expected: &[(&str, usize)], within: Duration) {
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
    pub(super) async fn change(&self, name: &str) {
        let patch = serde_json::json!({ "spec": { "containers": [{ "name": "main", "image": "example.com/other" }] } });
        let params = kube::api::PatchParams::default();
        self.pods.patch(name, &params, &kube::api::Patch::Strategic(patch)).await.expect("changed");
    }

    /// Whether an event has this reason.
    pub(super) async fn was_told(&self, reason: &str) -> bool {
        let events: Api<k8s_openapi::api::core::v1::Event> = Api::default_namespaced(self.kube.client());
        let told = events.list(&kube::api::ListParams::default()).await.expect("events");
        told.iter().any(|event| event.reason.as_deref() == Some(reason))
    }

    pub(super) fn metric(&self, line: &str) -> bool {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.node.registry).expect("metrics");
        text.lines().any(|found| found == line)
    }
}
