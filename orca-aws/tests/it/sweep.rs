//! What a sweep costs: one call for a thousand instances, whatever they are for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orca_aws::Ec2Client;
use orca_core::clock;
use orca_core::cloud::{CloudClient as _, LaunchOutcome};
use orca_core::ids::{Owner, PodRef};
use orca_core::instance::CapacityType;
use orca_core::launch::{LaunchRequest, LaunchToken};
use orca_core::tags::{TagSource, tags};
use orca_testkit::fake_ec2::Ec2Settings;

use crate::contract::{region, settings, wish};

#[tokio::test]
async fn a_sweep_over_a_thousand_instances_is_one_call() {
    let (ec2, served) = region(Ec2Settings::instant()).await;
    let owner = Owner { cluster: "c1".into(), node: "n1".into() };
    let cloud = ec2.cloud();
    for number in 0..1_000 {
        let pod = PodRef::new("ml", &format!("train-{number}"), &format!("u{number}"));
        let tags = tags(&TagSource {
            owner: &owner,
            pod: &pod,
            attempt: 1,
            instance_type: "t3.micro",
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            user_tags: &BTreeMap::new(),
        });
        let token = LaunchToken::new(&owner.cluster, &pod.uid, 1);
        let wish = LaunchRequest { pod, tags, ..wish(CapacityType::OnDemand) };
        let offer = cloud.offers(&wish).await.expect("offers").remove(0);
        let outcome = cloud.launch(&offer, &token, Timestamp::MAX).await;
        assert!(matches!(outcome, LaunchOutcome::Launched(_)), "{outcome:?}");
    }
    let client =
        Ec2Client::connect(&settings(served.endpoint().as_str()), clock::system()).await.expect("a client");
    let before = ec2.calls_of("DescribeInstances").len();
    assert_eq!(client.list_owned(&owner).await.expect("a list").len(), 1_000);
    assert_eq!(ec2.calls_of("DescribeInstances").len() - before, 1);
}
