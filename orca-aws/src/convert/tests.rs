//! What becomes of an instance of a reply: states, reasons, owner and pod.

use aws_sdk_ec2::types::{InstanceLifecycleType, InstanceStateName, InstanceType, Placement, Tag};

use super::*;

fn with_state(name: &str) -> types::Instance {
    let state = types::InstanceState::builder().name(InstanceStateName::from(name)).build();
    types::Instance::builder().instance_id("i-1").state(state).build()
}

fn tagged(pairs: &[(&str, &str)]) -> types::Instance {
    let tags = pairs.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    let state = types::InstanceState::builder().name(InstanceStateName::Running).build();
    types::Instance::builder().instance_id("i-1").state(state).set_tags(Some(tags)).build()
}

#[test]
fn every_state_is_known_by_its_name() {
    for state in InstanceState::ALL {
        assert_eq!(instance((None, "r"), &with_state(state.as_str())).expect("known").state, state);
    }
}

#[test]
fn an_unknown_state_or_a_missing_id_is_an_error_and_no_absence() {
    let error = instance((None, "r"), &with_state("hibernating")).expect_err("unknown");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Unknown, "UnreadableAnswer"));
    assert!(error.message.contains("hibernating"));
    let nameless = types::Instance::builder().build();
    assert_eq!(instance((None, "r"), &nameless).expect_err("no id").kind, Kind::Unknown);
    let stateless = types::Instance::builder().instance_id("i-1").build();
    assert_eq!(instance((None, "r"), &stateless).expect_err("no state").kind, Kind::Unknown);
}

#[test]
fn everything_that_the_domain_reads_is_carried_over() {
    let source = types::Instance::builder()
        .instance_id("i-0123456789abcdef0")
        .state(types::InstanceState::builder().name(InstanceStateName::Running).build())
        .instance_type(InstanceType::from("p5.48xlarge"))
        .instance_lifecycle(InstanceLifecycleType::Spot)
        .placement(Placement::builder().availability_zone("us-west-2a").build())
        .private_ip_address("10.0.0.7")
        .public_ip_address("")
        .launch_time(DateTime::from_secs(1_700_000_000))
        .build();
    let read = instance((None, "us-west-2"), &source).expect("instance");
    assert_eq!((&*read.reference, read.cloud), ("ec2://us-west-2/i-0123456789abcdef0", None));
    let of = instance((Some("123456789012"), "us-west-2"), &source).expect("instance");
    assert_eq!(&*of.reference, "ec2://123456789012/us-west-2/i-0123456789abcdef0");
    assert_eq!(of.cloud, Some("123456789012/us-west-2".into()));
    assert_eq!((&*read.instance_type, read.capacity_type), ("p5.48xlarge", CapacityType::Spot));
    assert_eq!(read.zone.as_deref(), Some("us-west-2a"));
    assert_eq!(read.private_ip, Some("10.0.0.7".parse().expect("address")));
    assert_eq!(read.public_ip, None);
    assert_eq!(read.launched_at.map(Timestamp::as_second), Some(1_700_000_000));
    assert_eq!((read.owner, read.pod, read.state_reason), (None, None, None));
}

#[test]
fn the_addresses_of_both_families_are_read_wherever_ec2_says_them() {
    let (v4, one, two) = ("10.0.0.7", "2001:db8::1", "2001:db8::2");
    let interface = |device, addresses: &[(&str, bool)]| {
        let address = |(ip, is_primary): &(&str, bool)| {
            types::InstanceIpv6Address::builder().ipv6_address(*ip).is_primary_ipv6(*is_primary).build()
        };
        types::InstanceNetworkInterface::builder()
            .attachment(types::InstanceNetworkInterfaceAttachment::builder().device_index(device).build())
            .set_ipv6_addresses(Some(addresses.iter().map(address).collect()))
            .build()
    };
    let running = || {
        let state = types::InstanceState::builder().name(InstanceStateName::Running).build();
        types::Instance::builder().instance_id("i-1").state(state)
    };
    for (what, source, expected) in [
        ("IPv4 alone", running().private_ip_address(v4), (Some(v4), None)),
        (
            "both",
            running().private_ip_address(v4).network_interfaces(interface(0, &[(one, false)])),
            (Some(v4), Some(one)),
        ),
        ("IPv6 alone", running().network_interfaces(interface(0, &[(one, false)])), (Some(one), None)),
        ("with the instance", running().private_ip_address("").ipv6_address(one), (Some(one), None)),
        (
            "the primary one",
            running().network_interfaces(interface(0, &[(one, false), (two, true)])),
            (Some(two), None),
        ),
        (
            "the first interface",
            running()
                .network_interfaces(interface(1, &[(one, false)]))
                .network_interfaces(interface(0, &[(two, false)])),
            (Some(two), None),
        ),
        ("none", running(), (None, None)),
    ] {
        let read = instance((None, "r"), &source.build()).expect("an instance");
        let parsed = |ip: Option<&str>| ip.map(|ip| ip.parse().expect("an address"));
        assert_eq!((read.private_ip, read.other_ip), (parsed(expected.0), parsed(expected.1)), "{what}");
    }
}

#[test]
fn owner_and_pod_need_their_identities() {
    let whole = tagged(&[
        ("orca.research/cluster", "c1"),
        ("orca.research/node", "n1"),
        ("orca.research/pod-uid", "u1"),
        ("orca.research/pod-namespace", "ml"),
        ("orca.research/pod-name", "train"),
    ]);
    let read = instance((None, "r"), &whole).expect("instance");
    assert_eq!(read.owner, Some(Owner { cluster: "c1".into(), node: "n1".into() }));
    assert_eq!(read.pod, Some(PodRef::new("ml", "train", "u1")));
    let read = instance(
        (None, "r"),
        &tagged(&[("orca.research/cluster", "c1"), ("orca.research/pod-name", "train")]),
    )
    .expect("instance");
    assert_eq!((read.owner, read.pod), (None, None));
    let read = instance((None, "r"), &tagged(&[("orca.research/pod-uid", "u1")])).expect("instance");
    assert_eq!(read.pod, Some(PodRef::new("", "", "u1")));
}

#[test]
fn the_messages_own_code_decides_before_the_code() {
    let cause_of = |code: &str, message: &str| {
        reason(&types::StateReason::builder().code(code).message(message).build()).map(|reason| reason.cause)
    };
    for (code, message, cause) in [
        ("", "", None),
        (
            "Client.UserInitiatedShutdown",
            "Client.UserInitiatedShutdown: User initiated shutdown",
            Some(EndCause::ApiCall),
        ),
        (
            "Client.InstanceInitiatedShutdown",
            "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
            Some(EndCause::Guest),
        ),
        (
            "Server.SpotInstanceTermination",
            "Server.SpotInstanceTermination: Spot",
            Some(EndCause::SpotInterruption),
        ),
        ("Server.SpotInstanceShutdown", "", Some(EndCause::SpotInterruption)),
        (
            "Server.InternalError",
            "Client.VolumeLimitExceeded: Volume limit exceeded",
            Some(EndCause::LaunchInvalid),
        ),
        ("Server.InternalError", "Server.InternalError: Internal error on launch", Some(EndCause::Provider)),
        ("Server.ScheduledStop", "stopped due to a scheduled retirement", Some(EndCause::Provider)),
        ("Server.InsufficientInstanceCapacity", "no capacity", Some(EndCause::LaunchFailed)),
        ("Client.InvalidSnapshot.NotFound", "", Some(EndCause::LaunchInvalid)),
        (
            "Client.InternalError",
            "Client.InternalError: Client error on launch",
            Some(EndCause::LaunchInvalid),
        ),
        ("Client.SomethingNew", "", Some(EndCause::LaunchInvalid)),
        ("Client.InstanceTerminated", "", Some(EndCause::Other)),
        ("", "something new", Some(EndCause::Other)),
    ] {
        assert_eq!(cause_of(code, message), cause, "{code} / {message}");
    }
}
