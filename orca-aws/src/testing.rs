//! For unit tests: a scripted server in place of the network, a clock that stands still, and a ready client.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::ids::{Owner, PodRef};
use orca_core::instance::{CapacityType, Instance, InstanceState, OwnedInstance};
use orca_core::launch::LaunchRequest;

use crate::client::Ec2Client;
use crate::config::{Aws, RootVolume};

/// A clock that shows what a test sets, in seconds of the epoch.
#[derive(Clone, Debug)]
pub(crate) struct StoppedClock(Arc<Mutex<i64>>);

impl StoppedClock {
    pub(crate) fn at(second: i64) -> Self {
        Self(Arc::new(Mutex::new(second)))
    }

    pub(crate) fn set(&self, second: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = second;
    }

    pub(crate) fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        let second = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::from_second(second).expect("a time")
    }
}

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers.
    Answer { status: u16, content_type: &'static str, body: String },
    /// Drops the connection after it has read the request.
    Dropped,
}

impl Reply {
    pub(crate) fn xml(status: u16, body: &str) -> Self {
        Self::Answer { status, content_type: "text/xml", body: body.to_owned() }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Answer { status, content_type: "application/x-amz-json-1.1", body: body.to_owned() }
    }

    /// An error as EC2 wraps it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>{code}</Code>\
             <Message>{message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
        );
        Self::xml(status, &body)
    }
}

/// An image for x86 with this root device and size.
pub(crate) fn image(root: &str, size_gib: u32) -> Reply {
    let body = format!(
        "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><architecture>x86_64</architecture>\
         <rootDeviceType>ebs</rootDeviceType><rootDeviceName>{root}</rootDeviceName><blockDeviceMapping>\
         <item><deviceName>/dev/sdz</deviceName><ebs><volumeSize>500</volumeSize></ebs></item>\
         <item><deviceName>{root}</deviceName><ebs><volumeSize>{size_gib}</volumeSize></ebs></item>\
         </blockDeviceMapping></item></imagesSet></DescribeImagesResponse>"
    );
    Reply::xml(200, &body)
}

/// A type for x86 with two processors, a GiB of memory and this beside it.
pub(crate) fn kind(more: &str) -> Reply {
    let body = format!(
        "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>t3.micro</instanceType><processorInfo>\
         <supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo>\
         <vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>1024</sizeInMiB></memoryInfo>{more}\
         </item></instanceTypeSet></DescribeInstanceTypesResponse>"
    );
    Reply::xml(200, &body)
}

/// What a client asks before its first offer: an image of 8 GiB and a small type.
pub(crate) fn described() -> [Reply; 2] {
    [image("/dev/xvda", 8), kind("")]
}

/// A server that answers from a script and records what it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Server(Arc<Mutex<Script>>);

#[derive(Debug)]
struct Script {
    replies: VecDeque<Reply>,
    requests: Vec<String>,
}

impl Server {
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = replies.into_iter().collect();
        Self(Arc::new(Mutex::new(Script { replies, requests: Vec::new() })))
    }

    /// The bodies of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    /// The form fields of each request so far.
    pub(crate) fn forms(&self) -> Vec<BTreeMap<String, String>> {
        self.requests().iter().map(|body| form(body)).collect()
    }
}

impl HttpConnector for Server {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        script.requests.push(body.unwrap_or_default());
        let reply = script.replies.pop_front().expect("a reply for every request");
        HttpConnectorFuture::ready(match reply {
            Reply::Answer { status, content_type, body } => {
                let mut response =
                    HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body));
                response.headers_mut().insert("content-type", content_type);
                Ok(response)
            }
            Reply::Dropped => Err(ConnectorError::io("connection reset by peer".into())),
        })
    }
}

impl HttpClient for Server {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Reads `application/x-www-form-urlencoded`.
fn form(body: &str) -> BTreeMap<String, String> {
    let fields = body.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(key, value)| (unescape(key), unescape(value))).collect()
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("a percent code"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// A config with a value in every key that a launch uses.
pub(crate) fn settings() -> Aws {
    Aws {
        region: "us-west-2".into(),
        subnet_id: Some("subnet-1".into()),
        security_group_ids: vec!["sg-1".into(), "sg-2".into()],
        ami_id: Some("ami-00000000000000001".into()),
        instance_profile: Some("orca".into()),
        root_volume: RootVolume { size_gib: Some(40), ..RootVolume::default() },
        ..Aws::default()
    }
}

/// A client of this server whose clock stands at 1 000 s.
pub(crate) fn client(server: &Server, settings: &Aws) -> Ec2Client {
    let keys = Credentials::new("AKID", "secret", None, None, "test");
    client_with(server, SharedCredentialsProvider::new(keys), settings)
}

/// The same with other credentials.
pub(crate) fn client_with(
    server: &Server,
    credentials: SharedCredentialsProvider,
    settings: &Aws,
) -> Ec2Client {
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .http_client(server.clone())
        .credentials_provider(credentials)
        .build();
    Ec2Client::from_sdk(&sdk, settings, StoppedClock::at(1_000).shared())
}

/// An instance whose tags say that it is ours.
pub(crate) fn owned(id: &str) -> OwnedInstance {
    let owner = Owner { cluster: "c1".into(), node: "n1".into() };
    let instance = Instance {
        id: id.into(),
        reference: "".into(),
        state: InstanceState::Running,
        cloud: None,
        state_reason: None,
        owner: Some(owner.clone()),
        pod: Some(PodRef::new("ml", "train", "u1")),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        other_ip: None,
        public_ip: None,
        launched_at: None,
    };
    instance.owned_by(&owner, &"u1".into()).expect("ours")
}

/// A pod's wish for one small instance on demand.
pub(crate) fn wish() -> LaunchRequest {
    LaunchRequest {
        pod: PodRef::new("ml", "train", "u1"),
        attempt: 1,
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        max_price: None,
        image: None,
        resources: BTreeMap::new(),
        tags: BTreeMap::from([
            ("Name".into(), "orca-ml-train".into()),
            ("orca.research/pod-uid".into(), "u1".into()),
        ]),
    }
}
