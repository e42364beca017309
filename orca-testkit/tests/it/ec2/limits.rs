//! What the fake EC2 refuses: capacity, quotas, addresses, permits, credentials, a zone.

use super::support::{launch, launch_as, launched, owner, refused, region, start};
use jiff::SignedDuration;
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::error::Kind;
use orca_core::instance::CapacityType;
use orca_testkit::fake_ec2::{Ec2Settings, Pool, Quotas, SubnetSettings, Supply};
use std::net::Ipv4Addr;
use std::time::Duration;

#[tokio::test]
async fn supply_changes_by_number_by_time_and_by_call() {
    let (ec2, clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let spot = Pool { market: Some(CapacityType::Spot), ..Pool::default() };
    ec2.set_supply(spot.clone(), Supply::AtMost(1));
    launched(launch_as(&cloud, "u1", CapacityType::Spot).await);
    let none = "InsufficientInstanceCapacity";
    assert_eq!(refused(launch_as(&cloud, "u2", CapacityType::Spot).await), none);
    launched(launch(&cloud, "u3").await);
    ec2.end(&ec2.alive()[0].id, orca_testkit::fake_ec2::Ender::SpotMarket).expect("known");
    launched(launch_as(&cloud, "u2", CapacityType::Spot).await);

    ec2.set_supply(spot.clone(), Supply::NoneUntil(start() + SignedDuration::from_secs(60)));
    assert_eq!(refused(launch_as(&cloud, "u4", CapacityType::Spot).await), none);
    clock.advance(Duration::from_mins(1));
    launched(launch_as(&cloud, "u4", CapacityType::Spot).await);
    ec2.set_supply(spot, Supply::NoneForCalls(1));
    assert_eq!(refused(launch_as(&cloud, "u5", CapacityType::Spot).await), none);
    launched(launch_as(&cloud, "u5", CapacityType::Spot).await);
}

#[tokio::test]
async fn quotas_count_the_vcpus_of_a_market() {
    let quotas = Quotas { on_demand_vcpus: Some(3), spot_vcpus: Some(2) };
    let (ec2, _clock) = region(Ec2Settings { quotas, ..Ec2Settings::instant() });
    let cloud = ec2.cloud();
    launched(launch(&cloud, "u1").await);
    assert_eq!(refused(launch(&cloud, "u2").await), "VcpuLimitExceeded");
    launched(launch_as(&cloud, "u3", CapacityType::Spot).await);
    let again = launch_as(&cloud, "u4", CapacityType::Spot).await;
    assert_eq!(refused(again), "MaxSpotInstanceCountExceeded");
    ec2.set_quotas(Quotas::default());
    launched(launch(&cloud, "u2").await);
}

#[tokio::test]
async fn addresses_run_out_and_come_back() {
    let small = SubnetSettings {
        id: "subnet-small".into(),
        zone: "us-west-2a".into(),
        base: Ipv4Addr::new(10, 1, 0, 0),
        prefix: 28,
        public_addresses: true,
    };
    let (ec2, _clock) = region(Ec2Settings { subnets: vec![small], ..Ec2Settings::instant() });
    let cloud = ec2.cloud();
    let mut addresses = Vec::new();
    for number in 0..11 {
        addresses.push(launched(launch(&cloud, &number.to_string()).await).private_ip.expect("an address"));
    }
    assert_eq!(addresses[0].to_string(), "10.1.0.4");
    assert_eq!(ec2.free_addresses("subnet-small"), Some(0));
    assert_eq!(refused(launch(&cloud, "late").await), "InsufficientFreeAddressesInSubnet");
    let first = &ec2.instances()[0];
    assert!(first.public_ip.is_some());
    ec2.end(&first.id, orca_testkit::fake_ec2::Ender::Operator).expect("known");
    assert_eq!(launched(launch(&cloud, "late").await).private_ip, Some(addresses[0]));
}

#[tokio::test]
async fn permits_are_those_of_aws() {
    let (ec2, clock) = region(Ec2Settings { throttling: true, ..Ec2Settings::instant() });
    let cloud = ec2.cloud();
    for number in 0..5 {
        launched(launch(&cloud, &number.to_string()).await);
    }
    assert_eq!(refused(launch(&cloud, "late").await), "RequestLimitExceeded");
    clock.advance(Duration::from_millis(500));
    launched(launch(&cloud, "late").await);
    assert_eq!(refused(launch(&cloud, "later").await), "RequestLimitExceeded");
    // Reads have their own permits.
    for _ in 0..100 {
        cloud.list_owned(&owner()).await.expect("a list");
    }
    assert_eq!(cloud.list_owned(&owner()).await.expect_err("too fast").kind, Kind::Throttled);
    ec2.set_throttling(false);
    launched(launch(&cloud, "later").await);
}

#[tokio::test]
async fn expired_credentials_refuse_everything() {
    let (ec2, clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    ec2.expire_credentials(Some(start() + SignedDuration::from_secs(1)));
    launched(launch(&cloud, "u1").await);
    clock.advance(Duration::from_secs(1));
    assert_eq!(refused(launch(&cloud, "u2").await), "RequestExpired");
    assert_eq!(cloud.list_owned(&owner()).await.expect_err("expired").kind, Kind::Denied);
    ec2.expire_credentials(None);
    launched(launch(&cloud, "u2").await);
}

#[tokio::test]
async fn a_zone_that_is_down_fails_lists_and_its_own_instances() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let (here, there) = (ec2.cloud(), ec2.cloud().in_subnet("subnet-0000000000000000b"));
    let (a, b) = (launched(launch(&here, "u1").await), launched(launch(&there, "u2").await));
    ec2.set_zone_down("us-west-2b", true);
    here.list_owned(&owner()).await.expect_err("a list asks every zone");
    here.describe(std::slice::from_ref(&b.id)).await.expect_err("its zone is down");
    assert_eq!(here.describe(&[a.id]).await.expect("an answer").len(), 1);
    let outcome = launch(&there, "u3").await;
    assert!(matches!(outcome, LaunchOutcome::Unknown(_)), "{outcome:?}");
    ec2.set_zone_down("us-west-2b", false);
    assert_eq!(here.list_owned(&owner()).await.expect("a list").len(), 2);
}
