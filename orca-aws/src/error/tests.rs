//! One check for each row, written apart from the table, and the rules for what is in no row.

use super::*;

const UNKNOWN: Kind = Kind::Unknown;
const POD: Kind = Kind::Invalid(Fault::Pod);
const CONFIG: Kind = Kind::Invalid(Fault::Config);

const EXPECTED: &[(Kind, &[&str])] = &[
    (
        UNKNOWN,
        &[
            "InternalError",
            "SpotMaxPriceTooLow",
            "InternalFailure",
            "ServerInternal",
            "ServiceUnavailable",
            "Unavailable",
            "RetryableError",
            "ConcurrentTagAccess",
            "IncorrectState",
            "IncorrectInstanceState",
            "IdempotentParameterMismatch",
            "IdempotentInstanceTerminated",
        ],
    ),
    (
        Kind::Throttled,
        &[
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "EC2ThrottledException",
        ],
    ),
    (
        Kind::NoCapacity,
        &[
            "InsufficientInstanceCapacity",
            "UnfulfillableCapacity",
            "InsufficientCapacity",
            "InsufficientHostCapacity",
            "InsufficientReservedInstanceCapacity",
            "InsufficientVolumeCapacity",
            "Unsupported",
            "VolumeTypeNotAvailableInZone",
            "InsufficientFreeAddressesInSubnet",
            "ReservationCapacityExceeded",
            "InvalidCapacityReservationState.PendingActivation",
        ],
    ),
    (
        Kind::Quota,
        &[
            "InstanceLimitExceeded",
            "VcpuLimitExceeded",
            "MaxSpotInstanceCountExceeded",
            "MaxFleetCountExceeded",
            "VolumeLimitExceeded",
            "MaxIOPSLimitExceeded",
        ],
    ),
    (
        Kind::Denied,
        &[
            "PendingVerification",
            "Blocked",
            "OptInRequired",
            "AccountDisabled",
            "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
            "RequestExpired",
            "ExpiredToken",
            "ExpiredTokenException",
            "AuthFailure",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "UnauthorizedOperation",
            "AccessDenied",
            "AccessDeniedException",
        ],
    ),
    (
        POD,
        &[
            "InvalidInstanceType",
            "InvalidInstanceType.NotFound",
            "UnsupportedOperation",
            "UnsupportedInstanceAttribute",
        ],
    ),
    (
        CONFIG,
        &[
            "InvalidAMIID.NotFound",
            "InvalidAMIID.Malformed",
            "InvalidAMIID.Unavailable",
            "InvalidSnapshot.NotFound",
            "InvalidParameterValue",
            "InvalidParameterCombination",
            "InvalidParameter",
            "MissingParameter",
            "UnknownParameter",
            "InvalidSubnetID.NotFound",
            "InvalidGroup.NotFound",
            "InvalidKeyPair.NotFound",
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateName.NotFoundException",
            "InvalidCapacityReservationId.NotFound",
            "InvalidBlockDeviceMapping",
            "InvalidUserData.Malformed",
            "TagLimitExceeded",
            "TagPolicyViolation",
            "DefaultVpcDoesNotExist",
            "VPCIdNotSpecified",
            "NoSuchEntity",
            "OperationNotPermitted",
            "ParameterNotFound",
            "InvalidInstanceID.Malformed",
        ],
    ),
    (Kind::NotFound, &["InvalidInstanceID.NotFound"]),
];

const LAUNCH: Context = Context { operation: Operation::RunInstances, pod_named_image: false };
const LAUNCH_OWN_IMAGE: Context = Context { operation: Operation::RunInstances, pod_named_image: true };

fn kind(context: Context, status: u16, code: &str, message: &str) -> Kind {
    classify(context, status, code, message).into_error().kind
}

#[test]
fn every_row_means_what_is_written_here() {
    let mut checked = 0;
    for (expected, codes) in EXPECTED {
        for code in *codes {
            for status in [400, 500, 503] {
                assert_eq!(kind(LAUNCH, status, code, ""), *expected, "{code} with HTTP {status}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, TABLE.len(), "every row is checked");
    for (index, row) in TABLE.iter().enumerate() {
        assert!(
            TABLE.iter().skip(index + 1).all(|other| other.code != row.code),
            "{} is there twice",
            row.code
        );
    }
}

#[test]
fn the_codes_that_reach_pods_say_what_to_do() {
    for code in [
        "InsufficientInstanceCapacity",
        "InstanceLimitExceeded",
        "VcpuLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "UnauthorizedOperation",
        "AuthFailure",
        "ExpiredToken",
        "RequestExpired",
        "InvalidAMIID.NotFound",
        "InvalidParameterValue",
        "InvalidSubnetID.NotFound",
        "InvalidGroup.NotFound",
        "SpotMaxPriceTooLow",
        "InsufficientFreeAddressesInSubnet",
    ] {
        let error = classify(LAUNCH, 400, code, "as it is").into_error();
        assert!(error.remedy.is_some(), "{code}");
        assert!(error.to_string().starts_with(&format!("{code}: as it is. ")), "{error}");
    }
}

#[test]
fn a_mismatch_and_an_ended_token_are_different_verdicts() {
    assert!(matches!(classify(LAUNCH, 400, "IdempotentParameterMismatch", ""), Verdict::Mismatch(_)));
    assert!(matches!(classify(LAUNCH, 400, "IdempotentInstanceTerminated", ""), Verdict::Ended(_)));
}

#[test]
fn an_image_is_the_fault_of_who_named_it() {
    for code in [
        "InvalidAMIID.NotFound",
        "InvalidAMIID.Malformed",
        "InvalidAMIID.Unavailable",
        "InvalidSnapshot.NotFound",
    ] {
        assert_eq!(kind(LAUNCH, 400, code, ""), CONFIG, "{code}");
        assert_eq!(kind(LAUNCH_OWN_IMAGE, 400, code, ""), POD, "{code}");
    }
}

#[test]
fn a_parameter_is_the_fault_of_whom_the_message_names() {
    let message = "Invalid value 'p9.huge' for InstanceType.";
    assert_eq!(kind(LAUNCH, 400, "InvalidParameterValue", message), POD);
    assert_eq!(kind(LAUNCH, 400, "InvalidParameterValue", "The instance type is not eligible"), POD);
    assert_eq!(kind(LAUNCH, 400, "InvalidParameterValue", "The spot price 0.001 is too low"), POD);
    assert_eq!(
        kind(LAUNCH, 400, "InvalidParameterValue", "Value (x) for parameter imageId is invalid"),
        CONFIG
    );
    assert_eq!(
        kind(LAUNCH_OWN_IMAGE, 400, "InvalidParameterValue", "Value (x) for parameter imageId is invalid"),
        POD
    );
    let message =
        "Value (orca) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
    assert_eq!(kind(LAUNCH_OWN_IMAGE, 400, "InvalidParameterValue", message), CONFIG);
}

#[test]
fn an_unlisted_code_is_a_refusal_only_by_its_words_in_a_4xx_to_a_launch() {
    for code in ["InvalidSomethingNew", "MissingSomething", "Foo.Malformed", "Foo.NotFound"] {
        assert_eq!(kind(LAUNCH, 400, code, ""), CONFIG, "{code}");
        assert_eq!(kind(LAUNCH, 500, code, ""), UNKNOWN, "{code}");
        assert_eq!(kind(Operation::DescribeInstances.into(), 400, code, ""), UNKNOWN, "{code}");
    }
    assert_eq!(kind(LAUNCH_OWN_IMAGE, 400, "InvalidAMIAttribute", ""), POD);
    assert_eq!(kind(LAUNCH, 404, "InvalidInstanceType.Other", ""), POD);
    for code in ["SomethingNew", "UnsupportedThing", "insufficientinstancecapacity", ""] {
        assert_eq!(kind(LAUNCH, 400, code, ""), UNKNOWN, "{code}");
    }
}

#[test]
fn a_long_message_is_cut() {
    let error = classify(LAUNCH, 403, "UnauthorizedOperation", &"x".repeat(5_000)).into_error();
    assert_eq!(error.message.chars().count(), MAX_MESSAGE_CHARS);
}
