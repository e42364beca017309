//! kwok and virtual-kubelet, with the settings that their own documents give.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::plane::Plane;
use crate::servers::process::{Process, Program};
use crate::servers::{Error as ServersError, environment, files, installation, ports};

/// A config file switches kwok's defaults off, so that each has to be given again.
const KWOK_CONFIG: &str = "\
apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options:
  manageNodesWithAnnotationSelector: kwok.x-k8s.io/node=fake
  nodeLeaseDurationSeconds: 40
  nodeLeaseParallelism: 4
  nodePlayStageParallelism: 4
  podPlayStageParallelism: 4
  podsOnNodeSyncParallelism: 1
";

/// The folder that `orca-testkit/servers/prepare-peers` has made for this peer.
pub(super) fn installed(peer: &'static str) -> Result<PathBuf, Error> {
    let cache = environment::cache_folder().ok_or(ServersError::CacheFolderUnknown)?;
    let inputs = [format!("peers/{peer}/go.mod"), format!("peers/{peer}/go.sum"), "prepare-peers".to_owned()];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let folder = cache.join("orca/peers").join(format!("{peer}-{}", installation::key(&inputs)?));
    if folder.join("prepared").is_file() {
        Ok(folder)
    } else {
        Err(ServersError::PeerNotPrepared { peer, folder }.into())
    }
}

/// kwok, for the nodes that carry its annotation.
pub(super) fn kwok(plane: &Plane, kubeconfig: &Path, node: &str) -> Result<Process, Error> {
    let folder = installed("kwok")?;
    let config = plane.file("kwok.yaml");
    files::write(&config, KWOK_CONFIG)?;
    let mut arguments = Vec::new();
    for (flag, value) in
        [("--kubeconfig", kubeconfig), ("--config", &config), ("--config", &folder.join("stages.yaml"))]
    {
        arguments.extend([OsString::from(flag), value.into()]);
    }
    arguments.extend(["--cidr", "10.0.0.0/16", "--node-ip", "10.0.0.1"].map(OsString::from));
    start(plane, node, ("kwok", folder), arguments, Vec::new())
}

/// virtual-kubelet with its mock provider, which keeps pods in memory.
pub(super) fn virtual_kubelet(plane: &Plane, kubeconfig: &Path, node: &str) -> Result<Process, Error> {
    let folder = installed("virtual-kubelet")?;
    let [kubelet, metrics] = ports::free()?;
    let provider = plane.file("virtual-kubelet.json");
    // By default its node takes 20 pods.
    let size = serde_json::json!({ node: { "cpu": "1000", "memory": "4Ti", "pods": "1000000" } });
    files::write(&provider, size.to_string())?;
    let pair =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(ServersError::from)?;
    let (certificate, key) = (plane.file("virtual-kubelet.crt"), plane.file("virtual-kubelet.key"));
    files::write(&certificate, pair.cert.pem())?;
    files::write(&key, pair.signing_key.serialize_pem())?;
    let mut arguments: Vec<OsString> = vec!["--kubeconfig".into(), kubeconfig.into()];
    arguments.extend(["--nodename", node, "--provider", "mock", "--provider-config"].map(OsString::from));
    arguments.push(provider.into());
    arguments.extend(["--metrics-addr".into(), format!("127.0.0.1:{metrics}").into()]);
    let environment = vec![
        ("APISERVER_CERT_LOCATION", certificate.into()),
        ("APISERVER_KEY_LOCATION", key.into()),
        ("KUBELET_PORT", kubelet.to_string().into()),
        ("VKUBELET_POD_IP", "127.0.0.1".into()),
    ];
    start(plane, node, ("virtual-kubelet", folder), arguments, environment)
}

fn start(
    plane: &Plane,
    node: &str,
    (name, folder): (&'static str, PathBuf),
    arguments: Vec<OsString>,
    mut environment: Vec<(&'static str, OsString)>,
) -> Result<Process, Error> {
    // Nothing is read from the user's home, and nothing is left there.
    environment.push(("HOME", plane.file("home").into()));
    let log = plane.file(&format!("{node}.log"));
    Ok(Process::start(Program { name, path: folder.join(name), arguments, environment, log })?)
}
