//! Which action is answered where.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;

use super::answer::{Style, refusal, response};
use super::query::Query;
use crate::fake_ec2::action::Action;
use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::pipeline::Failure;
use crate::fake_ec2::{Ec2Settings, FakeEc2};

mod change;
mod instances;
mod launch;
mod lookup;
mod storage;

/// How old a signature may be when it arrives, or how far in the future: the most that AWS may accept.
const SIGNATURE: Duration = Duration::from_mins(15);

/// The answer to one call; none is to close the connection without one.
pub(super) async fn answer(ec2: &FakeEc2, query: &Query) -> Option<Response<Full<Bytes>>> {
    let style = match query.action.as_str() {
        "GetCallerIdentity" => Style::Query,
        _ if query.is_json => Style::Json,
        _ => Style::Ec2,
    };
    let executed = match (stale(ec2, query, style), elsewhere(ec2, query)) {
        (Some(refused), _) => Err(refused),
        (None, Some(other)) => Box::pin(execute(&other, query)).await,
        (None, None) => execute(ec2, query).await,
    };
    let (status, body) = match executed {
        Ok(body) => (200, body),
        Err(Failure::Refused(error)) => (error.status, refusal(style, &error)),
        Err(Failure::Lost) => return None,
    };
    Some(response(style, status, body, ec2.now()))
}

/// The refusal of a call that was signed with a clock that is too far off.
fn stale(ec2: &FakeEc2, query: &Query, style: Style) -> Option<Failure> {
    let off = query.signed_at?.duration_since(ec2.now()).unsigned_abs();
    let code = match style {
        Style::Ec2 => "RequestExpired",
        Style::Query => "SignatureDoesNotMatch",
        Style::Json => "InvalidSignatureException",
    };
    (off > SIGNATURE).then(|| Failure::Refused(ApiError::new(code, "Signature expired, or not yet current.")))
}

/// The region that the call was signed for, when it is another one: nothing is there, and no image is known.
fn elsewhere(ec2: &FakeEc2, query: &Query) -> Option<FakeEc2> {
    let region = query.region.clone()?;
    let own = ec2.settings();
    (region != own.region).then(|| {
        let settings = Ec2Settings { region, subnets: Vec::new(), knows_images: false, ..own };
        FakeEc2::new(settings, Arc::clone(&ec2.shared.clock))
    })
}

async fn execute(ec2: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let is_dry = query.is_true("DryRun");
    match query.action.as_str() {
        // It checks everything before it says that it would have succeeded.
        "RunInstances" => launch::run_instances(ec2, query).await,
        "AmazonSSM.GetParameter" => lookup::parameter(ec2, query).await,
        "GetCallerIdentity" => lookup::caller(ec2).await,
        action if is_dry && SERVED.contains(&action) => {
            let message = "Request would have succeeded, but DryRun flag is set.";
            Err(Failure::Refused(ApiError::new("DryRunOperation", message)))
        }
        "DescribeInstances" => instances::describe(ec2, query).await,
        "DescribeInstanceStatus" => instances::status(ec2, query).await,
        "DescribeInstanceAttribute" => instances::attribute(ec2, query).await,
        "TerminateInstances" => change::terminate(ec2, query).await,
        "StopInstances" => change::stop(ec2, query).await,
        "CreateTags" => change::create_tags(ec2, query).await,
        "CancelSpotInstanceRequests" => change::cancel_requests(ec2, query).await,
        "DescribeVolumes" => storage::volumes(ec2, query).await,
        "CreateVolume" => storage::create_volume(ec2, query).await,
        "DeleteVolume" => storage::delete_volume(ec2, query).await,
        "DescribeNetworkInterfaces" => storage::interfaces(ec2, query).await,
        "DeleteNetworkInterface" => storage::delete_interface(ec2, query).await,
        "DescribeSpotInstanceRequests" => storage::requests(ec2, query).await,
        "DescribeImages" => lookup::images(ec2, query).await,
        "DescribeInstanceTypes" => lookup::types(ec2, query).await,
        "DescribeSubnets" => lookup::subnets(ec2, query).await,
        "DescribeSecurityGroups" => lookup::groups(ec2, query).await,
        "DescribeAvailabilityZones" => lookup::zones(ec2, query).await,
        action => Err(not_served(ec2, action)),
    }
}

/// The refusal of an action that this fake does not serve; it is kept for a test to fail on.
fn not_served(ec2: &FakeEc2, action: &str) -> Failure {
    tracing::warn!(action, "a call that this fake does not serve");
    ec2.lock().ledger.not_served(action);
    let message = format!("The action {action} is not valid for this web service.");
    Failure::Refused(ApiError::new("InvalidAction", message))
}

/// The actions that a dry run of can be asked for.
const SERVED: [&str; 18] = [
    "DescribeInstances",
    "DescribeInstanceStatus",
    "DescribeInstanceAttribute",
    "TerminateInstances",
    "StopInstances",
    "CreateTags",
    "CancelSpotInstanceRequests",
    "DescribeVolumes",
    "CreateVolume",
    "DeleteVolume",
    "DescribeNetworkInterfaces",
    "DeleteNetworkInterface",
    "DescribeSpotInstanceRequests",
    "DescribeImages",
    "DescribeInstanceTypes",
    "DescribeSubnets",
    "DescribeSecurityGroups",
    "DescribeAvailabilityZones",
];

/// Sends an action through, or says why its parameters cannot be read.
async fn send<A: Action>(ec2: &FakeEc2, action: Result<A, ApiError>) -> Result<A::Answer, Failure> {
    ec2.call(&action.map_err(Failure::Refused)?).await
}
