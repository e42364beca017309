//! Simulated worlds through the SDK: drawn worlds of the simulation keep its rules also when the controller reaches EC2
//! through this back end, its retries and time-outs, and the SDK.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use orca_aws::Ec2Client;
use orca_aws::config::Aws;
use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::error::Kind;
use orca_core::ids::Owner;
use orca_core::instance::CapacityType;
use orca_core::launch::LaunchToken;
use orca_core::planted::Bug;
use orca_testkit::clock::ManualClock;
use orca_testkit::fake_ec2::{Ec2Settings, FakeEc2};
use orca_testkit::simulation::plan::Plan;
use orca_testkit::simulation::planted::trial_with;
use orca_testkit::simulation::trial::Trial;
use orca_testkit::simulation::world::{Connect, Place};

use crate::contract::{IMAGE_PARAMETER, wish};

/// Whose worlds are run: unoptimised, each takes two to three seconds of a processor. In some of them many answers are
/// lost, and in one the clock is an hour off.
const SEEDS: RangeInclusive<u64> = 21..=40;

/// A region in place of the network.
#[derive(Clone)]
struct InProcess(FakeEc2);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let region = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&region, request).await })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// One request and its answer. Once the fake has a request it carries it out, also when nobody waits for the answer.
async fn exchange(region: &FakeEc2, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let other = |error| ConnectorError::other(error, None);
    // As a real client does it: the SDK watches whether its body is taken.
    let body = request.take_body().collect().await.map_err(other)?.to_bytes();
    let mut sent = http::Request::builder().method(request.method()).uri(request.uri());
    for (name, value) in request.headers() {
        sent = sent.header(name, value);
    }
    let sent: http::Request<Bytes> = sent.body(body).map_err(|error| other(error.into()))?;
    let Some(answer) = region.answer_http(sent).await else {
        return Err(ConnectorError::io("connection reset by peer".into()));
    };
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| other(error.into()))?.to_bytes();
    let status = head.status.as_u16().try_into().map_err(|_| other("no status".into()))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &head.headers {
        let value = value.to_str().map_err(|error| other(error.into()))?;
        response.headers_mut().insert(name.as_str().to_owned(), value.to_owned());
    }
    Ok(response)
}

/// The clock of the process, for the SDK.
#[derive(Debug)]
struct ClockOf(Arc<dyn Clock>);

impl TimeSource for ClockOf {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// The client of one process: nothing is shared with another but what the SDK shares in any process.
fn client(region: &FakeEc2, place: Place) -> Arc<dyn CloudClient> {
    let name = region.settings().region;
    let keys = Credentials::new("AKID", "secret", None, None, "worlds");
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(name.clone()))
        .http_client(InProcess(region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .sleep_impl(TokioSleep::new())
        .time_source(ClockOf(Arc::clone(&place.clock)))
        .build();
    let settings = Aws {
        region: name,
        subnet_id: place.subnet,
        ami_id: place.image,
        ami_parameter: Some(IMAGE_PARAMETER.into()),
        ..Aws::default()
    };
    Arc::new(Ec2Client::from_sdk(&sdk, &settings, place.clock))
}

/// What is wrong in the world of this seed.
fn broken_in(seed: u64, connect: &Connect) -> Vec<String> {
    let plan = Plan::drawn(seed);
    match Trial::with(&plan, connect) {
        Ok(trial) => trial.violations.iter().map(|each| format!("seed {seed}: {each}")).collect(),
        Err(error) => vec![format!("seed {seed}: {error}")],
    }
}

#[test]
fn drawn_worlds_keep_the_rules_through_the_sdk() {
    let connect = Connect::with(client);
    let next = AtomicU64::new(*SEEDS.start());
    let broken = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !SEEDS.contains(&seed) {
                        return;
                    }
                    let found = broken_in(seed, &connect);
                    broken.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_planted_bug_is_found_through_the_sdk() {
    let trial = trial_with(Bug::RunningAtLaunch, &Plan::drawn(1), &Connect::with(client)).expect("a run");
    assert!(!trial.violations.is_empty(), "the planted bug was not found");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_far_off_is_refused_and_then_known() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let region = FakeEc2::new(Ec2Settings::default(), Arc::new(clock.clone()));
    let ahead = ManualClock::at(Timestamp::from_second(901).expect("a time"));
    let place = Place { subnet: None, image: None, page: 1_000, clock: Arc::new(ahead.clone()) };
    let client = client(&region, place);
    let owner = Owner { cluster: "c1".into(), node: "n1".into() };
    let refused = client.list_owned(&owner).await.expect_err("signed too far ahead");
    assert_eq!((refused.kind, refused.code.as_str()), (Kind::Denied, "RequestExpired"));
    clock.advance(Duration::from_secs(2));
    let offer = client.offers(&wish(CapacityType::OnDemand)).await.expect("offers").remove(0);
    let token = LaunchToken::new(&owner.cluster, &"u1".into(), 1);
    let outcome = client.launch(&offer, &token, Timestamp::MAX).await;
    assert!(matches!(&outcome, LaunchOutcome::NotSent(error) if error.code == "ClockSkew"), "{outcome:?}");
}
