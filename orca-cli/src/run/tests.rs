//! Both clients in one process: the program has one TLS provider, and both find it.

use orca_aws::config::{Aws, Credentials};

use crate::proxies::Proxies;

#[tokio::test]
async fn a_kubernetes_client_and_an_aws_client_live_in_one_process() {
    // As in the program: another test may have installed it already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let cluster = kube::Config::new("https://127.0.0.1:9".parse().expect("a URL"));
    let client = kube::Client::try_from(cluster).expect("a Kubernetes client");
    let key = || "test".to_owned();
    let aws = Aws {
        region: "us-west-2".into(),
        endpoint: Some("https://127.0.0.1:9".into()),
        credentials: Some(Credentials { access_key_id: key(), secret_access_key: key() }),
        ..Aws::default()
    };
    let cloud = super::cloud::connect(&aws, orca_core::clock::system(), &Proxies::default())
        .await
        .expect("an AWS client");
    let owner = orca_core::Owner { cluster: "c".into(), node: "n".into() };
    let (kubernetes, aws) = tokio::join!(client.apiserver_version(), cloud.list_owned(&owner));
    assert!(kubernetes.is_err() && aws.is_err(), "nobody listens there, and nothing panicked");
}
