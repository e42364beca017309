//! What every end-to-end test stands on: servers, a config, `orca` as a process, and waiting without sleeping blindly.

mod process;
mod servers;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use orca_core::clock;
use orca_core::ids::ClusterId;
use orca_testkit::fake_ec2::Families;
use orca_testkit::servers::{ControlPlane, Ec2Probe, Ec2Proxy, Relay};
use orca_testkit::simulation::check::check;
use orca_testkit::simulation::history::{Entry, Fact, History, ledger};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

pub(crate) use self::process::{Orca, command};
use self::servers::Servers;
use super::cluster::{Cluster, NAMESPACES, NODES, PODS};

/// The node of the shipped RBAC.
pub(crate) const NODE: &str = "orca-aws-node";
/// The user of the shipped RBAC.
const USER: &str = "system:serviceaccount:kube-system:orca";

/// A cluster, a cloud behind the proxy, and a config that joins them.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    servers: Servers,
    pub(crate) proxy: Ec2Proxy,
    pub(crate) probe: Ec2Probe,
    pub(crate) image: String,
    pub(crate) subnet: String,
    kubeconfig: PathBuf,
    config: PathBuf,
    /// What the config holds before anything is added.
    base: String,
    folder: TempDir,
    /// When each process was started.
    starts: Mutex<Vec<Timestamp>>,
}

impl World {
    /// On a real control plane and moto.
    pub(crate) async fn real() -> Self {
        Self::on(Servers::real().await).await
    }

    /// On a real control plane and the fake EC2, for [`judge`](Self::judge).
    pub(crate) async fn judged() -> Self {
        let world = Self::on(Servers::judged().await).await;
        // A sweep every third of a second is what the rules call a storm.
        let calmer = world.base.replace("fastSweepSeconds: 0.3", "fastSweepSeconds: 1");
        std::fs::write(&world.config, &calmer).expect("the config");
        Self { base: calmer, ..world }
    }

    /// On both fakes.
    pub(crate) async fn fake() -> Self {
        Self::on(Servers::fake().await).await
    }

    async fn on(servers: Servers) -> Self {
        let proxy = Ec2Proxy::start(servers.cloud()).await.expect("the proxy");
        let probe = Ec2Probe::new(servers.cloud());
        let folder = TempDir::new().expect("a folder");
        let cluster = servers.cluster().await;
        let kubeconfig = servers.kubeconfig().await;
        let image = probe.known_image().await.expect("an image");
        let subnet = probe.default_subnet().await.expect("a subnet");
        let group = probe.default_security_group().await.expect("a group");
        let config = folder.path().join("config.yaml");
        let text = format!(
            "aws:\n  region: us-west-2\n  endpoint: {}\n  subnetID: {subnet}\n  securityGroupIDs: [{group}]\n  amiID: {image}\n  \
             rootVolume: {{sizeGiB: 30}}\n  tags: {{team: research}}\nnode:\n  gpu: \"100\"\ncontroller:\n  leaderLeaseSeconds: 2\n  \
             sweepSeconds: 1\n  fastSweepSeconds: 0.3\n  launchRate: {{burst: 100, perSecond: 100}}\nlogging:\n  format: json\n",
            proxy.endpoint()
        );
        std::fs::write(&config, &text).expect("the config");
        Self {
            cluster,
            servers,
            proxy,
            probe,
            image,
            subnet,
            kubeconfig,
            config,
            base: text,
            folder,
            starts: Mutex::default(),
        }
    }

    /// Starts `orca` and waits until the node is Ready.
    pub(crate) async fn orca(&self) -> Orca {
        let orca = self.spawn(&self.kubeconfig, &self.config, &[]);
        self.eventually("the node is Ready", || async {
            let node = self.cluster.get(NODES, NODE).await?;
            (condition(&node, "Ready")? == "True").then_some(())
        })
        .await;
        orca
    }

    /// Adds sections to the config of the processes that are started from now on, in place of those added before.
    pub(crate) fn configure(&self, sections: &str) {
        std::fs::write(&self.config, format!("{}{sections}", self.base)).expect("the config");
    }

    /// Starts `orca` and waits for nothing.
    pub(crate) fn start_only(&self) -> Orca {
        self.start_with(&[])
    }

    /// Starts `orca` with more, or other, environment variables, and waits for nothing.
    pub(crate) fn start_with(&self, environment: &[(&str, &str)]) -> Orca {
        self.spawn(&self.kubeconfig, &self.config, environment)
    }

    /// Starts `orca` with a relay between it and the API server, and waits for nothing.
    pub(crate) fn start_through(&self, relay: &Relay) -> Orca {
        let text = std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let relayed = text.replace(&self.server_url(), &format!("https://{}", relay.address()));
        assert_ne!(text, relayed, "the kubeconfig names the API server");
        let path = self.folder.path().join("relayed");
        std::fs::write(&path, relayed).expect("a kubeconfig");
        self.spawn(&path, &self.config, &[])
    }

    /// Starts `orca` with this kubeconfig and this config.
    fn spawn(&self, kubeconfig: &Path, config: &Path, environment: &[(&str, &str)]) -> Orca {
        let mut starts = self.starts.lock().expect("no panic");
        let number = starts.len();
        starts.push(clock::system().now());
        drop(starts);
        let log = self.folder.path().join(format!("orca-{number}.log"));
        let file = std::fs::File::create(&log).expect("a log file");
        let child = command()
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--config")
            .arg(config)
            .args(["--metrics-addr", "127.0.0.1:0"])
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::from(file))
            .spawn()
            .expect("orca starts");
        Orca { child, log }
    }

    /// The control plane itself, for what only a real one has.
    pub(crate) fn plane(&self) -> &ControlPlane {
        self.servers.plane()
    }

    pub(crate) fn admin_kubeconfig(&self) -> &Path {
        self.servers.admin_kubeconfig()
    }

    pub(crate) fn server_url(&self) -> String {
        self.servers.server_url()
    }

    /// The API server takes connections and answers nothing.
    pub(crate) fn freeze_api(&self) {
        self.servers.freeze_api(true);
    }

    pub(crate) fn thaw_api(&self) {
        self.servers.freeze_api(false);
    }

    /// The cloud takes connections and answers nothing.
    pub(crate) fn freeze_cloud(&self) {
        self.servers.freeze_cloud(true);
    }

    pub(crate) fn thaw_cloud(&self) {
        self.servers.freeze_cloud(false);
    }

    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> String {
        self.plane()
            .kubectl()
            .run(arguments)
            .await
            .unwrap_or_else(|error| panic!("kubectl {arguments:?}: {error}"))
    }

    pub(crate) async fn apply(&self, manifest: &str) {
        self.cluster.apply(manifest).await;
    }

    /// The object that this `kubectl get` returns, if it exists.
    pub(crate) async fn object(&self, arguments: &[&str]) -> Option<Value> {
        let arguments = [arguments, &["-o", "json", "--ignore-not-found"]].concat();
        let text = self.plane().kubectl().run(&arguments).await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The pods of namespace `default`.
    pub(crate) async fn pods(&self) -> Vec<Value> {
        self.cluster.list(PODS).await
    }

    /// Waits until so many pods are Running and Ready.
    pub(crate) async fn running(&self, count: usize) -> Vec<Value> {
        self.eventually(&format!("{count} pods are Running and Ready"), || async {
            let pods = self.pods().await;
            let up = |pod: &&Value| {
                pod["status"]["phase"] == "Running" && condition(pod, "Ready") == Some("True".into())
            };
            (pods.iter().filter(up).count() == count).then_some(pods)
        })
        .await
    }

    /// Waits until message or reason of this pod, or of its container, contain this text, and returns the pod.
    pub(crate) async fn says(&self, pod: &str, text: &str) -> Value {
        self.eventually(&format!("pod {pod} says {text}"), || async {
            let object = self.cluster.get(PODS, pod).await?;
            let status = &object["status"];
            let waiting = &status["containerStatuses"][0]["state"]["waiting"]["reason"];
            let said = [&status["message"], &status["reason"], waiting];
            said.iter().any(|one| one.as_str().is_some_and(|one| one.contains(text))).then_some(object)
        })
        .await
    }

    /// Waits until an event about the object of this name contains this text in its reason or its note.
    pub(crate) async fn event_says(&self, name: &str, text: &str) {
        self.eventually(&format!("an event about {name} says {text}"), || async {
            self.cluster.events_about(name).await.contains(text).then_some(())
        })
        .await;
    }

    /// Which addresses instances get from now on: not where the EC2 is moto.
    pub(crate) fn set_families(&self, families: Families) {
        self.servers.set_families(families);
    }

    /// Waits until no pod and no instance is left.
    pub(crate) async fn empty(&self) {
        self.eventually("no pod and no instance is left", || async {
            let none = self.pods().await.is_empty() && self.probe.alive().await.ok()?.is_empty();
            none.then_some(())
        })
        .await;
    }

    /// How long a trouble of so many seconds lasts: all of it on the real servers, a third on the fakes.
    pub(crate) fn long(&self, seconds: u64) -> Duration {
        Duration::from_secs(if self.servers.are_real() { seconds } else { seconds.div_ceil(3) })
    }

    /// Asks until there is an answer, for at most a minute and a half.
    pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> T {
        let began = Instant::now();
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            if began.elapsed() > Duration::from_secs(90) {
                let log = std::fs::read_dir(self.folder.path())
                    .expect("a folder")
                    .flatten()
                    .map(|entry| entry.path());
                let log = log.filter(|path| path.extension().is_some_and(|ending| ending == "log"));
                let log: String = log.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
                let tail: Vec<&str> = log.lines().rev().take(60).collect();
                let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
                let pods = serde_json::to_string_pretty(&self.pods().await.first()).unwrap_or_default();
                panic!("not within 90 s: {what}\n--- first pod\n{pods}\n--- orca\n{tail}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks for so long, and fails as soon as it does not hold.
    pub(crate) async fn stays<F: Future<Output = bool>>(
        &self,
        lasts: Duration,
        what: &str,
        ask: impl Fn() -> F,
    ) {
        let began = Instant::now();
        while began.elapsed() < lasts {
            assert!(ask().await, "no longer after {:.1?}: {what}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How often ORCA used this verb on this resource, by the API server's audit log.
    pub(crate) fn audited(&self, verb: &str, resource: &str) -> usize {
        self.servers.audited(USER, verb, resource)
    }

    /// What both servers wrote down keeps every rule of the simulation; where they write nothing down, nothing is judged.
    pub(crate) async fn judge(&self) {
        let Some((mut entries, cloud)) = self.servers.written_down(USER) else { return };
        let starts = self.starts.lock().expect("no panic").clone();
        entries.extend(starts.into_iter().map(|at| Entry { at, fact: Fact::Started { process: 0 } }));
        entries.sort_by_key(|entry| entry.at);
        let system = self.cluster.get(NAMESPACES, "kube-system").await.expect("a namespace");
        let now = clock::system().now();
        let history = History {
            cluster: ClusterId::new(system["metadata"]["uid"].as_str().unwrap_or_default()),
            node: NODE.to_owned(),
            nodes: [NODE.to_owned()].into(),
            home: ledger::identity(cloud),
            calm_from: now,
            quiet_from: None,
            end: now,
            slack: Duration::from_millis(50),
            entries,
        };
        let pods = history.entries.iter().filter(|entry| matches!(entry.fact, Fact::Pod(_))).count();
        assert!(pods > 0 && history.launches() > 0, "there is nothing to judge");
        let violations = check(&history);
        let lines: Vec<String> = history.lines().collect();
        assert!(violations.is_empty(), "{violations:#?}\n{}", lines.join("\n"));
    }

    /// Every pod UID that was launched for, and how many distinct instances it got.
    pub(crate) fn assert_one_instance_each(&self, pods: usize) {
        let launched = self.proxy.launched();
        assert_eq!(launched.len(), pods, "pods that were launched for");
        for (uid, instances) in launched {
            assert_eq!(instances.len(), 1, "pod {uid} got {instances:?}");
        }
    }
}

/// A client of this identity.
pub(crate) async fn client(kubeconfig: &Path) -> kube::Client {
    // As in the program: another test may have installed it already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(file, &options).await.expect("a config");
    kube::Client::try_from(config).expect("a client")
}

/// A pod that asks for a small instance.
pub(crate) fn pod(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations: {{orca.research/instance-type: t3.micro}}\n\
         spec:\n  restartPolicy: Never\n  nodeSelector: {{orca.research/provider: aws}}\n  \
         tolerations: [{{key: orca.research/burst-node, operator: Exists, effect: NoSchedule}}]\n  \
         containers: [{{name: main, image: example.com/main}}]\n"
    )
}

/// The same pod with the node set: it passes by the scheduler.
pub(crate) fn bound(name: &str) -> String {
    pod(name).replace("spec:\n", &format!("spec:\n  nodeName: {NODE}\n"))
}

/// The status of a condition.
pub(crate) fn condition(object: &Value, kind: &str) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind)?;
    found["status"].as_str().map(Into::into)
}
