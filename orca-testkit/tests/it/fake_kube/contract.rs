//! The contract suite on both faces of the fake, and on the real control plane.

use orca_testkit::contract::kube as contract;
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{FakeKube, Options, Transport};
use tokio_util::task::AbortOnDropHandle;

#[track_caller]
fn none(failures: &[contract::Failure]) {
    let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} of {} cases fail:\n{}", lines.len(), contract::count(), lines.join("\n"));
}

/// The controllers of a fake, which end with the test.
fn control(fake: &FakeKube) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(Controllers::new(fake.store()).run()))
}

async fn client_of(kubeconfig: &str) -> kube::Client {
    let config = kube::config::Kubeconfig::from_yaml(kubeconfig).expect("a kubeconfig");
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(config, &options).await.expect("a config");
    // What is refused for now is an answer like any other.
    config.default_retry = false;
    kube::Client::try_from(config).expect("a client")
}

#[tokio::test]
async fn the_fake_in_process_keeps_the_contract() {
    let fake = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
    let _controllers = control(&fake);
    none(&contract::run(fake.client()).await);
}

#[tokio::test]
async fn the_fake_on_a_socket_keeps_the_contract() {
    let fake = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
    let _controllers = control(&fake);
    let address = "127.0.0.1:0".parse().expect("an address");
    let served = fake.serve(address, Transport::Plain).await.expect("served");
    none(&contract::run(client_of(&served.kubeconfig()).await).await);
}

#[cfg(feature = "servers")]
#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_real_server_keeps_the_contract() {
    let installation = orca_testkit::servers::installed().expect("prepared servers");
    let plane = orca_testkit::servers::ControlPlane::start(&installation).await.expect("a control plane");
    let kubeconfig = std::fs::read_to_string(plane.admin_kubeconfig()).expect("a kubeconfig");
    none(&contract::run(client_of(&kubeconfig).await).await);
}
