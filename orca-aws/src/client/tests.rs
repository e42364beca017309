//! How a client is made, and what it shows of itself.

use crate::config::Credentials as Keys;

use super::*;
use crate::testing::StoppedClock;

fn settings() -> Aws {
    let keys = Keys { access_key_id: "AKIDHIDDEN".into(), secret_access_key: "s3cr3t".into() };
    Aws { region: "us-west-2".into(), credentials: Some(keys), ..Aws::default() }
}

async fn connect(settings: Aws) -> Result<Ec2Client, ConnectError> {
    Ec2Client::connect(&settings, StoppedClock::at(0).shared()).await
}

#[tokio::test]
async fn tokens_are_remembered_for_less_time_by_other_endpoints() {
    let aws = connect(settings()).await.expect("client");
    assert_eq!(aws.token_memory(), Duration::from_hours(12));
    let elsewhere = Aws { endpoint: Some("http://127.0.0.1:1".into()), ..settings() };
    assert_eq!(connect(elsewhere).await.expect("client").token_memory(), Duration::from_mins(40));
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let shown = format!("{:?}", connect(settings()).await.expect("client"));
    assert!(shown.contains("us-west-2"), "{shown}");
    assert!(!shown.contains("AKIDHIDDEN") && !shown.contains("s3cr3t"), "{shown}");
}

#[tokio::test]
async fn a_wrong_config_is_refused_by_key() {
    assert_eq!(connect(Aws::default()).await.expect_err("no region"), ConnectError::NoRegion);
    let endpoint = Aws { endpoint: Some("localhost".into()), ..settings() };
    assert!(connect(endpoint).await.expect_err("endpoint").to_string().contains("aws.endpoint"));
    let keys = Keys { access_key_id: "AKID".into(), secret_access_key: String::new() };
    let half = Aws { credentials: Some(keys), ..settings() };
    assert_eq!(connect(half).await.expect_err("half"), ConnectError::HalfCredentials);
}
