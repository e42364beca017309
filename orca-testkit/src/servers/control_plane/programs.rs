//! How each server of the control plane is started.

use super::ServerName;
use super::layout::Layout;
use crate::servers::process::Program;
use crate::servers::{Error, Installation};
use std::ffi::OsString;
use std::path::Path;

/// One `--flag=value` each.
struct Flags(Vec<OsString>);

impl Flags {
    fn new(fixed: &[&str]) -> Self {
        Self(fixed.iter().map(OsString::from).collect())
    }

    fn set(mut self, flag: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        let mut argument = OsString::from(format!("--{flag}="));
        argument.push(value);
        self.0.push(argument);
        self
    }

    fn port(self, flag: &str, port: u16) -> Self {
        self.set(flag, port.to_string())
    }
}

pub(super) fn program(
    server: ServerName,
    layout: &Layout,
    installation: &Installation,
) -> Result<Program, Error> {
    let flags = match server {
        ServerName::Etcd => etcd(layout),
        ServerName::ApiServer => api_server(layout),
        ServerName::ControllerManager => controller_manager(layout)?,
        ServerName::Scheduler => scheduler(layout)?,
    };
    let name = server.program();
    Ok(Program {
        name,
        path: installation.program(name),
        arguments: flags.0,
        environment: Vec::new(),
        log: layout.log(name),
    })
}

fn etcd(layout: &Layout) -> Flags {
    let client = format!("http://127.0.0.1:{}", layout.ports.etcd);
    let peer = format!("http://127.0.0.1:{}", layout.ports.etcd_peer);
    // The data lives no longer than the test, so nothing is gained by waiting for the disk.
    Flags::new(&["--name=default", "--unsafe-no-fsync", "--log-level=warn"])
        .set("data-dir", layout.folder.join("etcd"))
        .set("listen-client-urls", &client)
        .set("advertise-client-urls", &client)
        .set("listen-peer-urls", &peer)
        .set("initial-advertise-peer-urls", &peer)
        .set("initial-cluster", format!("default={peer}"))
}

fn api_server(layout: &Layout) -> Flags {
    let ca = &layout.authority.own.certificate;
    Flags::new(&[
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        // Tests read the whole log, so it is not rotated.
        "--audit-log-maxsize=4096",
    ])
    .set("etcd-servers", format!("http://127.0.0.1:{}", layout.ports.etcd))
    .port("secure-port", layout.ports.api_server)
    .set("cert-dir", layout.folder.join("pki/generated"))
    .set("client-ca-file", ca)
    .set("tls-cert-file", &layout.api_server.certificate)
    .set("tls-private-key-file", &layout.api_server.key)
    .set("kubelet-certificate-authority", ca)
    .set("kubelet-client-certificate", &layout.kubelet_client.certificate)
    .set("kubelet-client-key", &layout.kubelet_client.key)
    .set("service-account-key-file", &layout.service_accounts.certificate)
    .set("service-account-signing-key-file", &layout.service_accounts.key)
    .set("audit-policy-file", &layout.audit_policy)
    .set("audit-log-path", layout.audit_log())
}

fn controller_manager(layout: &Layout) -> Result<Flags, Error> {
    let own = &layout.authority.own;
    Ok(client_server(layout, ServerName::ControllerManager, "system:kube-controller-manager")?
        .port("secure-port", layout.ports.controller_manager)
        .set("use-service-account-credentials", "true")
        .set("service-account-private-key-file", &layout.service_accounts.key)
        .set("root-ca-file", &own.certificate)
        .set("cluster-signing-cert-file", &own.certificate)
        .set("cluster-signing-key-file", &own.key))
}

fn scheduler(layout: &Layout) -> Result<Flags, Error> {
    Ok(client_server(layout, ServerName::Scheduler, "system:kube-scheduler")?
        .port("secure-port", layout.ports.scheduler))
}

/// What the two servers that are clients of the API server have in common.
fn client_server(layout: &Layout, server: ServerName, user: &str) -> Result<Flags, Error> {
    let kubeconfig = layout.kubeconfig(server.program(), user, &[])?;
    let generated: &Path = &layout.folder.join("pki/generated").join(server.program());
    Ok(Flags::new(&["--bind-address=127.0.0.1", "--leader-elect=false"])
        .set("cert-dir", generated)
        .set("kubeconfig", &kubeconfig)
        .set("authentication-kubeconfig", &kubeconfig)
        .set("authorization-kubeconfig", &kubeconfig))
}
