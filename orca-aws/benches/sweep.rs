//! A sweep's answer: 1 000 instances in one page of `DescribeInstances`, from XML to the domain.

use std::fmt::Write as _;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use criterion::{Criterion, criterion_group, criterion_main};
use orca_aws::Ec2Client;
use orca_aws::config::Aws;
use orca_core::clock;
use orca_core::cloud::CloudClient as _;
use orca_core::ids::Owner;
use orca_core::well_known::tag;

const INSTANCES: usize = 1_000;

/// A server that gives the same answer to every request.
#[derive(Clone, Debug)]
struct Canned(Arc<str>);

impl HttpConnector for Canned {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let status = 200.try_into().expect("a status");
        let mut response = HttpResponse::new(status, SdkBody::from(&*self.0));
        response.headers_mut().insert("content-type", "text/xml");
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// What EC2 tells of an instance, in the fields that it fills for one of ORCA's.
fn instance(text: &mut String, number: usize) {
    let id = format!("i-{number:017x}");
    let tags = [
        (tag::MANAGED_BY, tag::MANAGED_BY_VALUE.to_owned()),
        (tag::NAME, format!("orca-ml-train-{number}")),
        (tag::CLUSTER, "c1".to_owned()),
        (tag::NODE, "n1".to_owned()),
        (tag::POD_NAMESPACE, "ml".to_owned()),
        (tag::POD_NAME, format!("train-{number}")),
        (tag::POD_UID, format!("00000000-0000-4000-8000-{number:012}")),
        (tag::ATTEMPT, "1".to_owned()),
        (tag::INSTANCE_TYPE, "t3.micro".to_owned()),
        (tag::CREATED_AT, "2026-01-01T00:00:00Z".to_owned()),
    ];
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>"))
        .collect();
    let tags = tags.concat();
    let written = write!(
        text,
        "<item><reservationId>r-{number:017x}</reservationId><ownerId>123456789012</ownerId><groupSet/>\
         <instancesSet><item><instanceId>{id}</instanceId><imageId>ami-0123456789abcdef0</imageId>\
         <instanceState><code>16</code><name>running</name></instanceState>\
         <privateDnsName>ip-10-0-0-1.us-west-2.compute.internal</privateDnsName><reason/>\
         <amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>t3.micro</instanceType>\
         <launchTime>2026-01-01T00:00:01.000Z</launchTime>\
         <placement><availabilityZone>us-west-2a</availabilityZone><tenancy>default</tenancy></placement>\
         <monitoring><state>disabled</state></monitoring><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
         <privateIpAddress>10.0.{}.{}</privateIpAddress><architecture>x86_64</architecture>\
         <rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>\
         <virtualizationType>hvm</virtualizationType><hypervisor>xen</hypervisor>\
         <ebsOptimized>false</ebsOptimized><tagSet>{tags}</tagSet></item></instancesSet></item>",
        number / 250,
        number % 250 + 1,
    );
    written.expect("a string takes everything");
}

fn answer() -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
                    <DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                    <requestId>r-1</requestId><reservationSet>"
        .to_owned();
    (0..INSTANCES).for_each(|number| instance(&mut text, number));
    text + "</reservationSet></DescribeInstancesResponse>"
}

fn sweep(criterion: &mut Criterion) {
    let keys = Credentials::new("AKID", "secret", None, None, "bench");
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .http_client(Canned(answer().into()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build();
    let settings = Aws { region: "us-west-2".into(), subnet_id: Some("subnet-1".into()), ..Aws::default() };
    let client = Ec2Client::from_sdk(&sdk, &settings, clock::system());
    let owner = Owner { cluster: "c1".into(), node: "n1".into() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listed = runtime.block_on(client.list_owned(&owner)).expect("a list");
    assert_eq!(listed.len(), INSTANCES, "what is measured is the whole answer");
    criterion.bench_function("sweep/1000 instances", |bench| {
        bench.iter(|| runtime.block_on(client.list_owned(&owner)));
    });
}

criterion_group!(benches, sweep);
criterion_main!(benches);
