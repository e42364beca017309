//! The contract of clouds, through the SDK and HTTP: against the fake EC2, and against an EC2-compatible server that
//! this project did not write.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use orca_aws::Ec2Client;
use orca_aws::config::{Aws, Credentials, RootVolume};
use orca_core::clock;
use orca_core::ids::PodRef;
use orca_core::instance::CapacityType;
use orca_core::launch::LaunchRequest;
use orca_testkit::contract::cloud::CloudContract;
use orca_testkit::fake_ec2::{Ec2Settings, FakeEc2, Served};
use orca_testkit::servers::{Ec2Probe, Ec2Proxy, Moto, installed};

pub(crate) const IMAGE_PARAMETER: &str =
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// A config for the server at this address, with static keys that nobody checks.
pub(crate) fn settings(endpoint: &str) -> Aws {
    Aws {
        region: "us-west-2".into(),
        endpoint: Some(endpoint.to_owned()),
        credentials: Some(Credentials { access_key_id: "test".into(), secret_access_key: "test".into() }),
        ami_parameter: Some(IMAGE_PARAMETER.into()),
        root_volume: RootVolume { size_gib: Some(30), ..RootVolume::default() },
        ..Aws::default()
    }
}

pub(crate) fn wish(capacity_type: CapacityType) -> LaunchRequest {
    LaunchRequest {
        pod: PodRef::new("", "", ""),
        attempt: 1,
        instance_type: "t3.micro".into(),
        capacity_type,
        max_price: None,
        image: None,
        resources: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

/// A region on the system's clock, and where it listens.
pub(crate) async fn region(settings: Ec2Settings) -> (FakeEc2, Served) {
    let ec2 = FakeEc2::new(settings, clock::system());
    let served = ec2.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port");
    (ec2, served)
}

#[tokio::test]
async fn through_the_sdk_the_fake_keeps_the_contract() {
    let (ec2, served) = region(Ec2Settings::instant()).await;
    let subnet = ec2.settings().subnets[0].id.clone();
    let settings = Aws { subnet_id: Some(subnet), ..settings(served.endpoint().as_str()) };
    let client = Ec2Client::connect(&settings, clock::system()).await.expect("a client");
    for market in [CapacityType::OnDemand, CapacityType::Spot] {
        let suite = CloudContract::new(&client, clock::system(), market.as_str(), wish(market))
            .patience(Duration::from_secs(10))
            // More than the back end's pages hold, once.
            .many(if market == CapacityType::Spot { 10 } else { 1_005 })
            .counting(|| ec2.calls().len());
        suite.run().await.into_result().expect("the contract");
    }
    assert!(ec2.alive().is_empty(), "the contract left instances alive");
    assert!(ec2.doubles().is_empty(), "no pod had two instances: {:?}", ec2.doubles());
    assert_eq!(ec2.unserved(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn behind_the_proxy_the_other_server_keeps_the_contract() {
    let moto = Moto::start(&installed().expect("prepared servers")).await.expect("moto");
    let proxy = Ec2Proxy::start(moto.endpoint()).await.expect("a proxy");
    let probe = Ec2Probe::new(moto.endpoint());
    let settings = Aws {
        subnet_id: Some(probe.default_subnet().await.expect("a subnet")),
        ami_id: Some(probe.known_image().await.expect("an image")),
        ..settings(proxy.endpoint().as_str())
    };
    let client = Ec2Client::connect(&settings, clock::system()).await.expect("a client");
    let suite = CloudContract::new(&client, clock::system(), "moto", wish(CapacityType::OnDemand))
        .patience(Duration::from_secs(30))
        // More than its pages of a hundred hold.
        .many(105)
        .counting(|| proxy.calls().len());
    suite.run().await.into_result().expect("the contract");
    assert_eq!(proxy.unsupported(), Vec::<String>::new());
}
