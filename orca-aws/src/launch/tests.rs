//! The exact request, the one send, and what each answer becomes.

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use orca_core::launch::LaunchRequest;

use crate::testing::{Reply, Server, client, client_with, described, settings, wish};

use super::*;

fn token() -> LaunchToken {
    LaunchToken::new(&"c1".into(), &"u1".into(), 1)
}

/// Test clients' clocks stand at 1 000 s.
fn in_a_minute() -> Timestamp {
    Timestamp::from_second(1_060).expect("time")
}

async fn offer(wish: &LaunchRequest) -> Offer {
    let offers = client(&Server::new(described()), &settings()).make_offers(wish).await.expect("offers");
    offers.into_iter().next().expect("one offer")
}

/// The outcome of a launch that the server answers so, which must have been asked exactly once.
async fn outcome(reply: Reply) -> LaunchOutcome {
    let server = Server::new([reply]);
    let outcome =
        client(&server, &settings()).run_instances(&offer(&wish()).await, &token(), in_a_minute()).await;
    assert_eq!(server.requests().len(), 1, "a launch is sent once");
    outcome
}

async fn refusal(status: u16, code: &str) -> LaunchOutcome {
    outcome(Reply::error(status, code, "as it is")).await
}

async fn form_of(wish: &LaunchRequest) -> Vec<String> {
    let server = Server::new([Reply::Dropped]);
    client(&server, &settings()).run_instances(&offer(wish).await, &token(), in_a_minute()).await;
    server.forms()[0].iter().map(|(key, value)| format!("{key}={value}")).collect()
}

const COMMON: &[&str] = &[
    "Action=RunInstances",
    "BlockDeviceMapping.1.DeviceName=/dev/xvda",
    "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true",
    "BlockDeviceMapping.1.Ebs.Encrypted=true",
    "BlockDeviceMapping.1.Ebs.VolumeSize=40",
    "BlockDeviceMapping.1.Ebs.VolumeType=gp3",
    "ClientToken=o1eankh4itin102f2ed4ssfi704safg1qppbo2df5j62evsc1g6mm0",
    "IamInstanceProfile.Name=orca",
    "ImageId=ami-00000000000000001",
    "InstanceInitiatedShutdownBehavior=terminate",
    "InstanceType=t3.micro",
    "MaxCount=1",
    "MetadataOptions.HttpEndpoint=enabled",
    "MetadataOptions.HttpPutResponseHopLimit=1",
    "MetadataOptions.HttpTokens=required",
    "MetadataOptions.InstanceMetadataTags=disabled",
    "MinCount=1",
    "SecurityGroupId.1=sg-1",
    "SecurityGroupId.2=sg-2",
    "SubnetId=subnet-1",
    "Version=2016-11-15",
];

fn with_tags(resources: &[&str], others: &[&str]) -> Vec<String> {
    let mut fields: Vec<String> = COMMON.iter().chain(others).map(|&field| field.to_owned()).collect();
    for (index, resource) in resources.iter().enumerate() {
        let at = format!("TagSpecification.{}", index + 1);
        fields.push(format!("{at}.ResourceType={resource}"));
        for (tag, (key, value)) in
            [("Name", "orca-ml-train"), ("orca.research/pod-uid", "u1")].iter().enumerate()
        {
            fields.push(format!("{at}.Tag.{}.Key={key}", tag + 1));
            fields.push(format!("{at}.Tag.{}.Value={value}", tag + 1));
        }
    }
    fields.sort();
    fields
}

#[tokio::test]
async fn the_request_on_demand_is_exactly_this() {
    assert_eq!(form_of(&wish()).await, with_tags(&["instance", "volume", "network-interface"], &[]));
}

#[tokio::test]
async fn the_request_for_spot_is_exactly_this() {
    let spot = LaunchRequest { capacity_type: CapacityType::Spot, max_price: "0.25".parse().ok(), ..wish() };
    let expected = with_tags(
        &["instance", "volume", "network-interface", "spot-instances-request"],
        &[
            "InstanceMarketOptions.MarketType=spot",
            "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior=terminate",
            "InstanceMarketOptions.SpotOptions.MaxPrice=0.25",
            "InstanceMarketOptions.SpotOptions.SpotInstanceType=one-time",
        ],
    );
    assert_eq!(form_of(&spot).await, expected);
}

#[tokio::test]
async fn the_request_comes_from_the_offer_and_not_from_the_config() {
    let offer = offer(&wish()).await;
    let server = Server::new([Reply::Dropped, Reply::Dropped]);
    client(&server, &settings()).run_instances(&offer, &token(), in_a_minute()).await;
    let mut changed = settings();
    changed.subnet_id = Some("subnet-2".into());
    changed.instance_profile = Some("arn:aws:iam::1:instance-profile/other".into());
    changed.root_volume.size_gib = None;
    client(&server, &changed).run_instances(&offer, &token(), in_a_minute()).await;
    let sent = server.requests();
    assert_eq!(sent[0], sent[1], "a repeated launch sends the same bytes");
}

#[tokio::test]
async fn a_profile_can_be_an_arn_and_a_volume_without_size_has_the_images() {
    let mut own = settings();
    own.instance_profile = Some("arn:aws:iam::1:instance-profile/orca".into());
    own.root_volume.size_gib = None;
    own.security_group_ids.clear();
    let server = Server::new(described().into_iter().chain([Reply::Dropped]));
    let client = client(&server, &own);
    let offers = client.make_offers(&wish()).await.expect("offers");
    client.run_instances(&offers[0], &token(), in_a_minute()).await;
    let form = &server.forms()[2];
    assert_eq!(form["IamInstanceProfile.Arn"], "arn:aws:iam::1:instance-profile/orca");
    assert_eq!(form["BlockDeviceMapping.1.Ebs.Encrypted"], "true");
    assert_eq!(
        form["BlockDeviceMapping.1.Ebs.VolumeSize"], "8",
        "some servers refuse a launch without a volume size"
    );
    assert!(!form.keys().any(|key| key.starts_with("SecurityGroupId")));
}

#[tokio::test]
async fn a_launched_instance_is_read_from_the_reply() {
    let reply = Reply::xml(
        200,
        "<RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationId>r-1</reservationId>\
         <instancesSet><item><instanceId>i-1</instanceId><instanceState><code>0</code><name>pending</name></instanceState>\
         <instanceType>t3.micro</instanceType><stateReason><code></code><message></message></stateReason>\
         <tagSet><item><key>orca.research/pod-uid</key><value>u1</value></item></tagSet></item></instancesSet>\
         </RunInstancesResponse>",
    );
    let LaunchOutcome::Launched(instance) = outcome(reply).await else { panic!("launched") };
    assert_eq!((instance.id.as_str(), &*instance.reference), ("i-1", "ec2://us-west-2/i-1"));
    assert_eq!(instance.pod.map(|pod| pod.uid), Some("u1".into()));
    assert_eq!(instance.state_reason, None);
}

#[tokio::test]
async fn a_success_that_names_no_instance_leaves_it_unknown() {
    let reply = Reply::xml(200, "<RunInstancesResponse><instancesSet/></RunInstancesResponse>");
    assert!(matches!(outcome(reply).await, LaunchOutcome::Unknown(_)));
    assert!(matches!(
        outcome(Reply::xml(200, "<RunInstancesResponse><instan")).await,
        LaunchOutcome::Unknown(_)
    ));
}

#[tokio::test]
async fn a_capacity_error_is_a_refusal_although_its_status_is_500() {
    let LaunchOutcome::Refused(error) = refusal(500, "InsufficientInstanceCapacity").await else {
        panic!("refused")
    };
    assert_eq!((error.kind, error.message.as_str()), (Kind::NoCapacity, "as it is"));
}

#[tokio::test]
async fn definitive_codes_refuse_and_others_leave_it_unknown() {
    for (status, code, kind) in [
        (503, "RequestLimitExceeded", Kind::Throttled),
        (400, "VcpuLimitExceeded", Kind::Quota),
        (403, "UnauthorizedOperation", Kind::Denied),
        (400, "InvalidSubnetID.NotFound", Kind::Invalid(Fault::Config)),
        (400, "InvalidNovelty", Kind::Invalid(Fault::Config)),
    ] {
        let LaunchOutcome::Refused(error) = refusal(status, code).await else { panic!("{code} refuses") };
        assert_eq!(error.kind, kind, "{code}");
    }
    for (status, code) in
        [(500, "InternalError"), (503, "Unavailable"), (400, "Novelty"), (500, "InvalidNovelty")]
    {
        assert!(matches!(refusal(status, code).await, LaunchOutcome::Unknown(_)), "{code}");
    }
    assert_eq!(refusal(400, "IdempotentParameterMismatch").await, LaunchOutcome::Mismatch);
    assert_eq!(refusal(400, "IdempotentInstanceTerminated").await, LaunchOutcome::Ended);
}

#[tokio::test]
async fn the_images_fault_follows_the_offer() {
    let own = LaunchRequest { image: Some("ami-0123abcd".into()), ..wish() };
    let server = Server::new([Reply::error(400, "InvalidAMIID.NotFound", "no such image")]);
    let outcome =
        client(&server, &settings()).run_instances(&offer(&own).await, &token(), in_a_minute()).await;
    let LaunchOutcome::Refused(error) = outcome else { panic!("refused: {outcome:?}") };
    assert_eq!(error.kind, Kind::Invalid(Fault::Pod));
}

#[tokio::test]
async fn an_unreadable_500_and_a_dropped_connection_leave_it_unknown() {
    let LaunchOutcome::Unknown(error) = outcome(Reply::xml(500, "<html>Internal Server Error</html>")).await
    else {
        panic!("unknown")
    };
    assert_eq!(error.code, "UnreadableAnswer");
    let LaunchOutcome::Unknown(error) = outcome(Reply::Dropped).await else { panic!("unknown") };
    assert_eq!((error.kind, error.code.as_str()), (Kind::Unknown, "ConnectionFailed"));
}

#[tokio::test]
async fn nothing_is_sent_after_its_time() {
    let server = Server::new([]);
    let client = client(&server, &settings());
    let offer = offer(&wish()).await;
    let past = Timestamp::from_second(999).expect("time");
    let LaunchOutcome::NotSent(error) = client.run_instances(&offer, &token(), past).await else {
        panic!("not sent")
    };
    assert_eq!(error.code, "TooLate");
    assert!(server.requests().is_empty());
}

#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(
            "no providers in chain provided credentials",
        )))
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_error_says_so() {
    let server = Server::new([]);
    let client = client_with(&server, SharedCredentialsProvider::new(NoCredentials), &settings());
    let outcome = client.run_instances(&offer(&wish()).await, &token(), in_a_minute()).await;
    let LaunchOutcome::NotSent(error) = outcome else { panic!("not sent: {outcome:?}") };
    assert_eq!((error.kind, error.code.as_str()), (Kind::Denied, "NoCredentials"));
    assert!(error.remedy.is_some() && server.requests().is_empty());
}

#[tokio::test]
async fn an_offer_of_another_region_or_schema_is_not_sent() {
    let server = Server::new([]);
    let client = client(&server, &settings());
    for (key, value, code) in [
        ("region", serde_json::json!("eu-west-1"), "OtherRegion"),
        ("schema", serde_json::json!(2), "UnreadableOffer"),
        ("novelty", serde_json::json!(true), "UnreadableOffer"),
    ] {
        let mut offer = offer(&wish()).await;
        offer.parameters[key] = value;
        let outcome = client.run_instances(&offer, &token(), in_a_minute()).await;
        let LaunchOutcome::NotSent(error) = outcome else { panic!("not sent: {outcome:?}") };
        assert_eq!(error.code, code, "{key}");
    }
    assert!(server.requests().is_empty());
}
