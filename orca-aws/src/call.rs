//! The one place that waits for AWS: it names the operations, and logs how each call ended.

use std::fmt;

use aws_sdk_ec2::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;

/// The AWS calls that this crate makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// EC2 `RunInstances`.
    RunInstances,
    /// EC2 `TerminateInstances`.
    TerminateInstances,
    /// EC2 `DescribeInstances`.
    DescribeInstances,
    /// EC2 `DescribeInstanceStatus`.
    DescribeInstanceStatus,
    /// EC2 `DescribeVolumes`.
    DescribeVolumes,
    /// EC2 `DescribeNetworkInterfaces`.
    DescribeNetworkInterfaces,
    /// EC2 `DescribeSpotInstanceRequests`.
    DescribeSpotInstanceRequests,
    /// EC2 `DeleteVolume`.
    DeleteVolume,
    /// EC2 `DeleteNetworkInterface`.
    DeleteNetworkInterface,
    /// EC2 `CancelSpotInstanceRequests`.
    CancelSpotInstanceRequests,
    /// EC2 `DescribeImages`.
    DescribeImages,
    /// EC2 `DescribeInstanceTypes`.
    DescribeInstanceTypes,
    /// SSM `GetParameter`.
    GetParameter,
    /// STS `GetCallerIdentity`.
    GetCallerIdentity,
}

impl Operation {
    /// The name of the call, as AWS spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RunInstances => "RunInstances",
            Self::TerminateInstances => "TerminateInstances",
            Self::DescribeInstances => "DescribeInstances",
            Self::DescribeInstanceStatus => "DescribeInstanceStatus",
            Self::DescribeVolumes => "DescribeVolumes",
            Self::DescribeNetworkInterfaces => "DescribeNetworkInterfaces",
            Self::DescribeSpotInstanceRequests => "DescribeSpotInstanceRequests",
            Self::DeleteVolume => "DeleteVolume",
            Self::DeleteNetworkInterface => "DeleteNetworkInterface",
            Self::CancelSpotInstanceRequests => "CancelSpotInstanceRequests",
            Self::DescribeImages => "DescribeImages",
            Self::DescribeInstanceTypes => "DescribeInstanceTypes",
            Self::GetParameter => "GetParameter",
            Self::GetCallerIdentity => "GetCallerIdentity",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The result of an SDK call.
pub(crate) type Answer<T, E> = Result<T, SdkError<E, HttpResponse>>;

/// Waits for the call, and logs its name, its request id and its duration, but never its content.
pub(crate) async fn call<T, E>(operation: Operation, send: impl Future<Output = Answer<T, E>>) -> Answer<T, E>
where
    T: RequestId,
    E: ProvideErrorMetadata,
{
    let began = Instant::now();
    // The SDK's futures are large. Boxed, they do not make the futures of all callers large as well.
    let answer = Box::pin(send).await;
    let duration_ms = began.elapsed().as_millis();
    match &answer {
        Ok(output) => {
            tracing::debug!(%operation, request_id = output.request_id(), duration_ms, "AWS call succeeded");
        }
        Err(error) => {
            let code = error.code();
            tracing::debug!(%operation, request_id = error.request_id(), duration_ms, code, "AWS call failed");
        }
    }
    answer
}
