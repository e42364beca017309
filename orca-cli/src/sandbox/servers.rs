//! The cluster and the cloud, and everything that the sandbox asks of them.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use orca_aws::config::Document;
use orca_core::clock;
use orca_testkit::fake_ec2::FakeEc2;
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{Effect, FakeKube, Fault, Options, ServeError, Served, Transport, resource};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

mod cloud;
mod events;

use self::cloud::Cloud;
pub(super) use self::events::{Events, SandboxEvent};
use super::object::has;
use super::settings;
use crate::args::{SandboxArgs, Takeover};
use crate::kubeconfig::{self, Access};
use crate::report::Failure;
use crate::run;

/// Between looks for something that takes a moment.
const LOOK: Duration = Duration::from_millis(50);

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
enum StartFailure {
    #[error("port {0} of 127.0.0.1 is taken; give another with --port, or 0 for a free one")]
    PortTaken(u16),
    #[error("the kubeconfig cannot be written: {0}")]
    Kubeconfig(#[source] io::Error),
}

/// The cluster, the cloud, and the config of the controller between them.
pub(super) struct Sandbox {
    kube: FakeKube,
    served: Served,
    ec2: FakeEc2,
    cloud: Cloud,
    document: Document,
    cluster: Access,
    client: kube::Client,
    kubeconfig: PathBuf,
    /// Removed with everything in it when the sandbox ends.
    folder: TempDir,
}

impl Sandbox {
    /// Starts both fakes.
    pub(super) async fn start(args: &SandboxArgs, document: Document) -> Result<Self, Failure> {
        let kube = FakeKube::new(&Options::new(clock::system(), args.seed));
        if !args.chaos.api_latency.is_zero() {
            kube.faults().add(Fault::new(Effect::Delay(args.chaos.api_latency)));
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let served =
            kube.serve(address, Transport::Plain).await.map_err(|error| refused(args.port, error))?;
        let ec2 = FakeEc2::new(settings::ec2(args), clock::system());
        let cloud = Cloud::start(&ec2).await?;
        let folder = TempDir::with_prefix("orca-sandbox-").map_err(Failure::new)?;
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, served.kubeconfig())
            .map_err(StartFailure::Kubeconfig)
            .map_err(Failure::new)?;
        // Without the environment's proxies: this server is in this process.
        let request =
            kubeconfig::Request { kubeconfig: Some(kubeconfig.clone()), ..kubeconfig::Request::default() };
        let (cluster, _source) = kubeconfig::resolve(&request).map_err(Failure::new)?;
        let client = cluster.client().map_err(Failure::new)?;
        Ok(Self { kube, served, ec2, cloud, document, cluster, client, kubeconfig, folder })
    }

    /// What the controller is made from.
    pub(super) async fn parts(&self, shutdown: CancellationToken) -> Result<run::NodeParts, Failure> {
        Ok(run::NodeParts {
            cluster: self.cluster.clone(),
            client: self.client.clone(),
            cloud: self.cloud.connect(&self.ec2, &self.document.backend).await?,
            config: self.document.config.clone(),
            namespace: "kube-system".into(),
            takeover: Takeover::default(),
            metrics_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            shutdown,
        })
    }

    /// Runs the cluster's controllers, for ever.
    pub(super) async fn controllers(&self) {
        Controllers::new(self.kube.store()).run().await;
    }

    pub(super) fn url(&self) -> String {
        self.served.url()
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Removes the kubeconfig: whoever tells the sandbox to stop may do so a second time, and then nothing is tidied up.
    pub(super) fn remove_kubeconfig(&self) {
        if let Err(error) = std::fs::remove_dir_all(self.folder.path()) {
            tracing::debug!(error = %error, "The kubeconfig is not removed yet");
        }
    }

    /// How the controller reaches the cloud, for people.
    pub(super) fn cloud_path(&self) -> String {
        self.cloud.path()
    }

    pub(super) fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Everything that happens from now on.
    pub(super) fn watch(&self) -> Events {
        Events::new(&self.kube, &self.ec2)
    }

    /// Waits until the node is Ready.
    pub(super) async fn node_is_ready(&self) {
        let is_ready = |node: &Value| has(node, "Ready", "True");
        while !self.objects(&resource::NODES, None).iter().any(is_ready) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The pods of a namespace.
    pub(super) fn pods(&self, namespace: &str) -> Vec<Value> {
        self.objects(&resource::PODS, Some(namespace))
    }

    fn objects(&self, resource: &resource::Resource, namespace: Option<&str>) -> Vec<Value> {
        let (objects, _revision) = self.kube.store().list(resource, namespace);
        objects.iter().map(|object| object.value().clone()).collect()
    }

    /// Pods and instances that are not gone yet, by name, and whatever must not be.
    pub(super) fn left(&self) -> Vec<String> {
        let pods = self.objects(&resource::PODS, None);
        let uids: BTreeSet<String> =
            pods.iter().filter_map(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned)).collect();
        let names = pods.iter().map(super::story::pod_name);
        let instances = self.ec2.instances();
        let instances = instances
            .iter()
            .filter(|instance| instance.state != orca_core::instance::InstanceState::Terminated);
        let instances = instances.map(|instance| format!("{} ({})", instance.id, instance.state.as_str()));
        let wrong = self.ec2.audit(&uids).into_iter().map(|violation| format!("{violation:?}"));
        names.chain(instances).chain(wrong).collect()
    }
}

fn refused(port: u16, error: ServeError) -> Failure {
    match error {
        ServeError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            Failure::new(StartFailure::PortTaken(port))
        }
        error @ (ServeError::Listen { .. } | ServeError::Certificate(_) | ServeError::Tls(_)) => {
            Failure::new(error)
        }
    }
}
