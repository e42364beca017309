//! What the codes of the fake mean, by the rules that the real back end has for them.

use orca_core::error::{CloudError, Fault, Kind};

use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::pipeline::Failure;

/// What a failed call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An error of a kind.
    Error(CloudError),
    /// The client token is known with other parameters.
    Mismatch(CloudError),
    /// The client token's instance has ended.
    Ended(CloudError),
}

/// What a failed launch means.
pub(super) fn verdict(failure: Failure, pod_named_image: bool) -> Verdict {
    let error = match failure {
        Failure::Lost => {
            return Verdict::Error(CloudError::new(Kind::Unknown, "ConnectionFailed", "there was no answer"));
        }
        Failure::Refused(error) => error,
    };
    let made = |kind| CloudError::new(kind, error.code.clone(), error.message.clone());
    match error.code.as_str() {
        "IdempotentParameterMismatch" => Verdict::Mismatch(made(Kind::Unknown)),
        "IdempotentInstanceTerminated" => Verdict::Ended(made(Kind::Unknown)),
        _ => Verdict::Error(made(kind(&error, pod_named_image))),
    }
}

/// What a failed call means, for every call but a launch.
pub(super) fn cloud_error(failure: Failure) -> CloudError {
    match verdict(failure, false) {
        Verdict::Error(error) | Verdict::Mismatch(error) | Verdict::Ended(error) => error,
    }
}

fn kind(error: &ApiError, pod_named_image: bool) -> Kind {
    let image = Kind::Invalid(if pod_named_image { Fault::Pod } else { Fault::Config });
    match error.code.as_str() {
        "RequestLimitExceeded" => Kind::Throttled,
        "InsufficientInstanceCapacity" | "InsufficientFreeAddressesInSubnet" | "Unsupported" => {
            Kind::NoCapacity
        }
        "VcpuLimitExceeded" | "MaxSpotInstanceCountExceeded" | "InstanceLimitExceeded" => Kind::Quota,
        "RequestExpired" | "AuthFailure" | "UnauthorizedOperation" | "AccessDenied" | "ExpiredToken" => {
            Kind::Denied
        }
        "InvalidInstanceID.NotFound" => Kind::NotFound,
        "InvalidAMIID.NotFound" | "InvalidAMIID.Malformed" => image,
        "UnsupportedOperation" => Kind::Invalid(Fault::Pod),
        // Only the message says what it is about; a pod chooses type and price.
        "InvalidParameterValue" => {
            let is_pods = error.message.contains("InstanceType") || error.message.contains("spot price");
            Kind::Invalid(if is_pods { Fault::Pod } else { Fault::Config })
        }
        "InvalidParameterCombination"
        | "InvalidInstanceID.Malformed"
        | "InvalidSubnetID.NotFound"
        | "InvalidGroup.NotFound"
        | "InvalidUserData.Malformed"
        | "MissingParameter"
        | "TagLimitExceeded"
        | "DefaultVpcDoesNotExist"
        | "OperationNotPermitted" => Kind::Invalid(Fault::Config),
        // An open request can still launch, so it is no certain refusal. A code that is not listed is unknown.
        _ => Kind::Unknown,
    }
}

/// Whether one id may have failed a batch of terminations.
pub(super) fn may_be_one_id(error: &CloudError) -> bool {
    match error.kind {
        Kind::NotFound | Kind::Invalid(_) => true,
        Kind::Denied => ["UnauthorizedOperation", "AccessDenied"].contains(&error.code.as_str()),
        Kind::Unknown => ["IncorrectInstanceState", "IncorrectState"].contains(&error.code.as_str()),
        Kind::Throttled | Kind::NoCapacity | Kind::Quota => false,
    }
}
