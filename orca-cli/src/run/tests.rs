//! Both clients in one process: the program has one TLS provider, and both find it.

#[cfg(feature = "aws")]
#[tokio::test]
async fn a_kubernetes_client_and_an_aws_client_live_in_one_process() {
    // As in the program: another test may have installed it already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let cluster = kube::Config::new("https://127.0.0.1:9".parse().expect("a URL"));
    let client = kube::Client::try_from(cluster).expect("a Kubernetes client");
    let mut config = orca_core::config::Config::default();
    config.aws.region = "us-west-2".into();
    config.aws.endpoint = Some("https://127.0.0.1:9".into());
    config.aws.credentials = Some(orca_core::config::Credentials {
        access_key_id: "test".into(),
        secret_access_key: "test".into(),
    });
    let cloud = super::cloud::connect(&config, orca_core::clock::system()).await.expect("an AWS client");
    let owner = orca_core::Owner { cluster: "c".into(), node: "n".into() };
    let (kubernetes, aws) = tokio::join!(client.apiserver_version(), cloud.client.list_owned(&owner));
    assert!(kubernetes.is_err() && aws.is_err(), "nobody listens there, and nothing panicked");
}
