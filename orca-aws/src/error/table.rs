//! The table of AWS's error codes: what each means, and what people can do about it.
//!
//! Codes are those of the EC2 developer guide's "Error codes for the Amazon EC2 API", with the throttling and
//! credentials codes that every AWS service shares. A code is compared exactly; for one that is in no row, see `unlisted` in
//! the parent module.

use orca_core::error::{Fault, Kind};

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Always this kind.
    Is(Kind),
    /// Invalid, by the fault of pod or config, whichever named the machine image.
    Image,
    /// Invalid; the message says whether pod or config is at fault.
    Parameter,
    /// The client token is known with other parameters.
    Mismatch,
    /// The client token's instance has ended.
    Ended,
}

/// One code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The code, as AWS spells it.
    pub(super) code: &'static str,
    /// What it means.
    pub(super) class: Class,
    /// What people can do about it.
    pub(super) remedy: Option<&'static str>,
}

const UNKNOWN: Class = Class::Is(Kind::Unknown);
const THROTTLED: Class = Class::Is(Kind::Throttled);
const NO_CAPACITY: Class = Class::Is(Kind::NoCapacity);
const QUOTA: Class = Class::Is(Kind::Quota);
const DENIED: Class = Class::Is(Kind::Denied);
const POD: Class = Class::Is(Kind::Invalid(Fault::Pod));
const CONFIG: Class = Class::Is(Kind::Invalid(Fault::Config));

const fn says(code: &'static str, class: Class, remedy: &'static str) -> Row {
    Row { code, class, remedy: Some(remedy) }
}

const fn plain(code: &'static str, class: Class) -> Row {
    Row { code, class, remedy: None }
}

const OTHER_OFFER: &str =
    "ORCA tries again by itself; another instance type or launch type may be available at once.";
const RAISE_QUOTA: &str =
    "Ask for a higher EC2 quota in Service Quotas; the pod stays Pending until there is room.";
const RENEW: &str =
    "Look at ORCA's credentials and at the clock of its machine; the pod stays Pending until they work.";
const ACTIVATE: &str =
    "Look at the AWS account: it or the offering has to be activated first; the pod stays Pending.";
const OWN_TAGS: &str = "Correct aws.tags in ORCA's config.";
const OWN_VOLUME: &str =
    "Compare aws.rootVolume in ORCA's config with the machine image: its root device and its size.";
const OWN_PROFILE: &str =
    "Correct aws.instanceProfile in ORCA's config; a new profile works about a minute after it was made.";
const IMAGE: &str =
    "Give an image of this region that ORCA's account may use: annotation orca.research/ami, or aws.amiID.";
const TYPE: &str = "Correct the annotation orca.research/instance-type: the type must exist in this region.";
const PROTECTED: &str = "Termination protection keeps the instance alive: switch it off in EC2.";

/// Every code that is known.
pub(super) const TABLE: &[Row] = &[
    // The same call again, with the same token.
    plain("InternalError", UNKNOWN),
    plain("InternalFailure", UNKNOWN),
    plain("ServerInternal", UNKNOWN),
    plain("ServiceUnavailable", UNKNOWN),
    plain("Unavailable", UNKNOWN),
    plain("RetryableError", UNKNOWN),
    plain("ConcurrentTagAccess", UNKNOWN),
    plain("IncorrectState", UNKNOWN),
    plain("IncorrectInstanceState", UNKNOWN),
    // Too fast.
    plain("RequestLimitExceeded", THROTTLED),
    plain("Throttling", THROTTLED),
    plain("ThrottlingException", THROTTLED),
    plain("ThrottledException", THROTTLED),
    plain("RequestThrottled", THROTTLED),
    plain("RequestThrottledException", THROTTLED),
    plain("EC2ThrottledException", THROTTLED),
    // Not available now.
    says("InsufficientInstanceCapacity", NO_CAPACITY, OTHER_OFFER),
    says("UnfulfillableCapacity", NO_CAPACITY, OTHER_OFFER),
    says("InsufficientCapacity", NO_CAPACITY, OTHER_OFFER),
    says("InsufficientHostCapacity", NO_CAPACITY, OTHER_OFFER),
    says("InsufficientReservedInstanceCapacity", NO_CAPACITY, OTHER_OFFER),
    says("InsufficientVolumeCapacity", NO_CAPACITY, OTHER_OFFER),
    says(
        "Unsupported",
        NO_CAPACITY,
        "The type is not offered in the subnet's zone: choose another type, or another aws.subnetID.",
    ),
    says(
        "VolumeTypeNotAvailableInZone",
        NO_CAPACITY,
        "Choose another aws.rootVolume.type, or another aws.subnetID.",
    ),
    // AWS says of this code that the spot request remains open, so it may still launch: no certain refusal, and no next
    // attempt before the same token was answered otherwise.
    says(
        "SpotMaxPriceTooLow",
        UNKNOWN,
        "The request stays open at EC2. To pay more, make a new pod with a higher orca.research/max-spot-price, or without one.",
    ),
    says(
        "InsufficientFreeAddressesInSubnet",
        NO_CAPACITY,
        "Free addresses in the subnet, or set aws.subnetID to a larger one.",
    ),
    says("ReservationCapacityExceeded", NO_CAPACITY, OTHER_OFFER),
    says(
        "InvalidCapacityReservationState.PendingActivation",
        NO_CAPACITY,
        "The capacity reservation has not begun yet.",
    ),
    // Limits of the account.
    says("InstanceLimitExceeded", QUOTA, RAISE_QUOTA),
    says("VcpuLimitExceeded", QUOTA, RAISE_QUOTA),
    says("MaxSpotInstanceCountExceeded", QUOTA, RAISE_QUOTA),
    says("MaxFleetCountExceeded", QUOTA, RAISE_QUOTA),
    says("VolumeLimitExceeded", QUOTA, RAISE_QUOTA),
    says("MaxIOPSLimitExceeded", QUOTA, RAISE_QUOTA),
    // The account.
    says("PendingVerification", DENIED, ACTIVATE),
    says("Blocked", DENIED, ACTIVATE),
    says("OptInRequired", DENIED, ACTIVATE),
    says("AccountDisabled", DENIED, ACTIVATE),
    says(
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        DENIED,
        "Create the service-linked role AWSServiceRoleForEC2Spot once, or allow ORCA iam:CreateServiceLinkedRole.",
    ),
    // Credentials and permissions.
    says("RequestExpired", DENIED, RENEW),
    says("ExpiredToken", DENIED, RENEW),
    says("ExpiredTokenException", DENIED, RENEW),
    says("AuthFailure", DENIED, RENEW),
    says("InvalidClientTokenId", DENIED, RENEW),
    says("UnrecognizedClientException", DENIED, RENEW),
    says("SignatureDoesNotMatch", DENIED, RENEW),
    says("InvalidSignatureException", DENIED, RENEW),
    says("IncompleteSignature", DENIED, RENEW),
    says("MissingAuthenticationToken", DENIED, RENEW),
    says(
        "UnauthorizedOperation",
        DENIED,
        "Allow this call in the policy of ORCA's role; `aws sts decode-authorization-message` shows what is missing.",
    ),
    says("AccessDenied", DENIED, "Allow this call in the policy of ORCA's role."),
    says("AccessDeniedException", DENIED, "Allow this call in the policy of ORCA's role."),
    // The machine image.
    says("InvalidAMIID.NotFound", Class::Image, IMAGE),
    says("InvalidAMIID.Malformed", Class::Image, IMAGE),
    says("InvalidAMIID.Unavailable", Class::Image, IMAGE),
    says("InvalidSnapshot.NotFound", Class::Image, IMAGE),
    // The instance type. EC2 itself says InvalidParameterValue; moto says InvalidInstanceType.NotFound.
    says("InvalidInstanceType", POD, TYPE),
    says("InvalidInstanceType.NotFound", POD, TYPE),
    says(
        "UnsupportedOperation",
        POD,
        "Type and image do not fit each other, for example by architecture: change one.",
    ),
    says("UnsupportedInstanceAttribute", POD, TYPE),
    // Whatever the message names.
    says(
        "InvalidParameterValue",
        Class::Parameter,
        "Correct the value that the message names: the pod's annotation, or ORCA's config.",
    ),
    says(
        "InvalidParameterCombination",
        Class::Parameter,
        "Change one of the two values that the message names.",
    ),
    says(
        "InvalidParameter",
        Class::Parameter,
        "Correct the value that the message names: subnet and security groups must be of one VPC.",
    ),
    // ORCA's config.
    says(
        "MissingParameter",
        CONFIG,
        "Set what the message names in ORCA's config: a volume's size is aws.rootVolume.sizeGiB, its type aws.rootVolume.type.",
    ),
    says(
        "UnknownParameter",
        CONFIG,
        "The endpoint does not know a parameter that ORCA sends: look at aws.endpoint.",
    ),
    says(
        "InvalidSubnetID.NotFound",
        CONFIG,
        "Correct aws.subnetID in ORCA's config: the subnet must be in this region.",
    ),
    says(
        "InvalidGroup.NotFound",
        CONFIG,
        "Correct aws.securityGroupIDs in ORCA's config: the groups must be in the subnet's VPC.",
    ),
    says("InvalidKeyPair.NotFound", CONFIG, "The key pair does not exist in this region."),
    says("InvalidLaunchTemplateId.NotFound", CONFIG, "The launch template does not exist in this region."),
    says(
        "InvalidLaunchTemplateName.NotFoundException",
        CONFIG,
        "The launch template does not exist in this region.",
    ),
    says(
        "InvalidCapacityReservationId.NotFound",
        CONFIG,
        "The capacity reservation does not exist in this region.",
    ),
    says("InvalidBlockDeviceMapping", CONFIG, OWN_VOLUME),
    says("InvalidUserData.Malformed", CONFIG, "User data is limited to 16384 bytes before base64."),
    says("TagLimitExceeded", CONFIG, OWN_TAGS),
    says("TagPolicyViolation", CONFIG, OWN_TAGS),
    says(
        "DefaultVpcDoesNotExist",
        CONFIG,
        "Set aws.subnetID in ORCA's config: the account has no default VPC.",
    ),
    says("VPCIdNotSpecified", CONFIG, "Set aws.subnetID in ORCA's config: the account has no default VPC."),
    // Only moto says it: EC2 answers InvalidParameterValue "Invalid IAM Instance Profile name".
    says("NoSuchEntity", CONFIG, OWN_PROFILE),
    says("OperationNotPermitted", CONFIG, PROTECTED),
    says("ParameterNotFound", CONFIG, "Correct aws.amiParameter in ORCA's config, or set aws.amiID."),
    // Instances.
    plain("InvalidInstanceID.NotFound", Class::Is(Kind::NotFound)),
    plain("InvalidInstanceID.Malformed", CONFIG),
    // Client tokens.
    plain("IdempotentParameterMismatch", Class::Mismatch),
    plain("IdempotentInstanceTerminated", Class::Ended),
];
