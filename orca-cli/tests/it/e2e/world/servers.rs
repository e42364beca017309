//! The servers of a world: a cluster and a cloud, and how each is taken away for a while.

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use orca_testkit::fake_ec2::{self, Ec2Settings, FakeEc2, Families};
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{self, FakeKube, Options, Transport};
use orca_testkit::servers::{self, Audit, ControlPlane, Moto, ServerName};
use orca_testkit::simulation::history::{Entry, audit_log, ledger};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::client;
use crate::e2e::cluster::Cluster;

const RBAC: &str = include_str!("../../../../../examples/kubernetes/rbac.yaml");

/// A cluster and a cloud.
pub(super) enum Servers {
    /// A real control plane, and a server of EC2's API that is not ours.
    Real { plane: Box<ControlPlane>, moto: Box<Moto> },
    /// A real control plane and the fake EC2, which both write down all that happens.
    Judged { plane: Box<ControlPlane>, ec2: Box<Cloud> },
    /// Both fakes, on sockets of their own.
    Fake(Box<Fake>),
}

/// The fake EC2, over HTTP.
pub(super) struct Cloud {
    ec2: FakeEc2,
    served: fake_ec2::Served,
}

impl Cloud {
    /// As fast as moto: what takes time in AWS takes none, and nobody throttles.
    async fn start() -> Self {
        let settings = Ec2Settings { throttling: false, ..Ec2Settings::instant() };
        let ec2 = FakeEc2::new(settings, orca_core::clock::system());
        let served = ec2.serve(loopback()).await.expect("a cloud");
        Self { ec2, served }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// The fakes, with nothing of them in the process under test.
pub(super) struct Fake {
    kube: FakeKube,
    served: fake_kube::Served,
    cloud: Cloud,
    admin: PathBuf,
    _controllers: AbortOnDropHandle<()>,
    folder: TempDir,
}

impl Fake {
    async fn start() -> Self {
        let kube = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
        let served = kube.serve(loopback(), Transport::Tls).await.expect("an API server");
        let cloud = Cloud::start().await;
        let controllers = AbortOnDropHandle::new(tokio::spawn(Controllers::new(kube.store()).run()));
        let folder = TempDir::new().expect("a folder");
        let admin = folder.path().join("admin");
        std::fs::write(&admin, served.kubeconfig()).expect("a kubeconfig");
        Self { kube, served, cloud, admin, _controllers: controllers, folder }
    }

    /// That of the service account, with a token.
    async fn kubeconfig(&self, client: kube::Client) -> PathBuf {
        let accounts: Api<ServiceAccount> = Api::namespaced(client, "kube-system");
        let (parameters, request) = (PostParams::default(), TokenRequest::default());
        let answer = accounts.create_token_request("orca", &parameters, &request);
        let token = answer.await.expect("a token").status.expect("a status").token.expect("a secret");
        let text = self.served.kubeconfig().replace("  user: {}", &format!("  user: {{token: {token}}}"));
        let path = self.folder.path().join("orca");
        std::fs::write(&path, text).expect("a kubeconfig");
        path
    }
}

impl Servers {
    pub(super) async fn real() -> Self {
        let installation = servers::installed().expect("the servers are prepared");
        let (plane, moto) = tokio::join!(ControlPlane::start(&installation), Moto::start(&installation));
        Self::Real { plane: Box::new(plane.expect("a control plane")), moto: Box::new(moto.expect("moto")) }
    }

    pub(super) async fn judged() -> Self {
        let installation = servers::installed().expect("the servers are prepared");
        let plane = ControlPlane::start_audited(&installation, Audit::PodBodies).await;
        let ec2 = Cloud::start().await;
        Self::Judged { plane: Box::new(plane.expect("a control plane")), ec2: Box::new(ec2) }
    }

    /// What both servers wrote down, where they do: of the API server by this user, of the cloud by everybody.
    pub(super) fn written_down(&self, user: &str) -> Option<(Vec<Entry>, &FakeEc2)> {
        let Self::Judged { plane, ec2 } = self else { return None };
        let log = std::fs::read_to_string(plane.audit_log()).expect("an audit log");
        let mut entries = audit_log::facts(&log, user);
        entries.extend(ledger::facts(&ec2.ec2));
        Some((entries, &ec2.ec2))
    }

    pub(super) async fn fake() -> Self {
        Self::Fake(Box::new(Fake::start().await))
    }

    pub(super) fn are_real(&self) -> bool {
        matches!(self, Self::Real { .. } | Self::Judged { .. })
    }

    /// A client with every right, after the shipped RBAC was applied.
    pub(super) async fn cluster(&self) -> Cluster {
        let cluster = Cluster::new(client(self.admin_kubeconfig()).await);
        cluster.apply(RBAC).await;
        cluster
    }

    /// What the cloud is reached at, without the proxy.
    pub(super) fn cloud(&self) -> &Url {
        match self {
            Self::Real { moto, .. } => moto.endpoint(),
            Self::Judged { ec2, .. } => ec2.served.endpoint(),
            Self::Fake(fake) => fake.cloud.served.endpoint(),
        }
    }

    /// The control plane, for what only a real one has.
    pub(super) fn plane(&self) -> &ControlPlane {
        match self {
            Self::Real { plane, .. } | Self::Judged { plane, .. } => plane,
            Self::Fake(_) => panic!("this scenario needs a real control plane"),
        }
    }

    pub(super) fn admin_kubeconfig(&self) -> &Path {
        match self {
            Self::Real { plane, .. } | Self::Judged { plane, .. } => plane.admin_kubeconfig(),
            Self::Fake(fake) => &fake.admin,
        }
    }

    /// That of the service account that the shipped RBAC is for.
    pub(super) async fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Real { plane, .. } | Self::Judged { plane, .. } => {
                plane.kubeconfig_for_service_account("kube-system", "orca").await.expect("a token")
            }
            Self::Fake(fake) => fake.kubeconfig(client(&fake.admin).await).await,
        }
    }

    pub(super) fn server_url(&self) -> String {
        match self {
            Self::Real { plane, .. } | Self::Judged { plane, .. } => plane.server_url(),
            Self::Fake(fake) => fake.served.url(),
        }
    }

    /// The API server takes connections and answers nothing, or is well again.
    pub(super) fn freeze_api(&self, is_frozen: bool) {
        match self {
            Self::Real { plane, .. } | Self::Judged { plane, .. } if is_frozen => {
                plane.freeze(ServerName::ApiServer).expect("frozen");
            }
            Self::Real { plane, .. } | Self::Judged { plane, .. } => {
                plane.thaw(ServerName::ApiServer).expect("thawed");
            }
            Self::Fake(fake) if is_frozen => fake.kube.faults().freeze(),
            Self::Fake(fake) => fake.kube.faults().thaw(),
        }
    }

    /// The cloud takes connections and answers nothing, or is well again.
    pub(super) fn freeze_cloud(&self, is_frozen: bool) {
        match self {
            Self::Real { moto, .. } if is_frozen => moto.freeze().expect("frozen"),
            Self::Real { moto, .. } => moto.thaw().expect("thawed"),
            Self::Judged { ec2, .. } => ec2.ec2.set_frozen(is_frozen),
            Self::Fake(fake) => fake.cloud.ec2.set_frozen(is_frozen),
        }
    }

    /// Which addresses instances get from now on. Only the fake EC2 can give others than those of version 4.
    pub(super) fn set_families(&self, families: Families) {
        match self {
            Self::Real { .. } => panic!("moto has one family of addresses"),
            Self::Judged { ec2, .. } => ec2.ec2.set_families(families),
            Self::Fake(fake) => fake.cloud.ec2.set_families(families),
        }
    }

    /// How often this user used this verb on this resource, by the audit log.
    pub(super) fn audited(&self, user: &str, verb: &str, resource: &str) -> usize {
        match self {
            Self::Real { plane, .. } | Self::Judged { plane, .. } => {
                in_audit_log(&plane.audit_log(), user, verb, resource)
            }
            Self::Fake(fake) => fake
                .kube
                .audit()
                .count(|entry| entry.user == user && entry.verb == verb && entry.resource == resource),
        }
    }
}

fn in_audit_log(log: &Path, user: &str, verb: &str, resource: &str) -> usize {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["stage"] == "ResponseComplete" && entry["verb"] == verb)
        .filter(|entry| entry["user"]["username"] == user)
        .filter(|entry| {
            let object = &entry["objectRef"];
            let name = [object["resource"].as_str(), object["subresource"].as_str()].into_iter().flatten();
            name.collect::<Vec<_>>().join("/") == resource
        })
        .count()
}
