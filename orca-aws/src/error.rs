//! From an SDK error to a [`CloudError`]: by AWS's code alone, never by the HTTP status.
//!
//! `InsufficientInstanceCapacity` is a 500 and `RequestLimitExceeded` a 503, so the status says nothing about whether
//! a call was executed. Without a listed code it is not known, and the error is [`Kind::Unknown`].

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use orca_core::error::{CloudError, Fault, Kind};
use orca_core::text;

use crate::call::Operation;
use crate::connection::HostNotFound;

mod table;

use table::{Class, Row, TABLE};

/// `UnauthorizedOperation` carries an encoded message of kilobytes, and these texts go into a pod's status.
const MAX_MESSAGE_CHARS: usize = 600;

/// What a failed call was about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// The call.
    pub(crate) operation: Operation,
    /// Whether the pod named the machine image. If EC2 refuses the image, this decides whether pod or config is at fault.
    pub(crate) pod_named_image: bool,
}

impl From<Operation> for Context {
    fn from(operation: Operation) -> Self {
        Self { operation, pod_named_image: false }
    }
}

/// What a failed call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An error of a kind.
    Error(CloudError),
    /// The client token is known with other parameters.
    Mismatch(CloudError),
    /// The client token's instance has ended.
    Ended(CloudError),
}

impl Verdict {
    /// The error in it. The two answers about tokens have a meaning for a launch only; elsewhere they are unknown.
    pub(crate) fn into_error(self) -> CloudError {
        match self {
            Self::Error(error) | Self::Mismatch(error) | Self::Ended(error) => error,
        }
    }
}

/// What this error of the SDK means.
pub(crate) fn verdict<E>(context: Context, error: &SdkError<E, HttpResponse>) -> Verdict
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let SdkError::ServiceError(answer) = error {
        let status = answer.raw().status().as_u16();
        if let Some(code) = answer.err().code().filter(|code| !code.is_empty()) {
            let message = answer.err().message().unwrap_or_default();
            return classify(context, status, code, message);
        }
        let message = format!("{} was answered with HTTP {status} and no error code", context.operation);
        return Verdict::Error(CloudError::new(Kind::Unknown, "UnreadableAnswer", message));
    }
    Verdict::Error(without_answer(context.operation, error))
}

/// What this error of the SDK means, for every call but a launch.
pub(crate) fn cloud_error<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    verdict(operation.into(), error).into_error()
}

/// What this code means as the answer to that call.
fn classify(context: Context, status: u16, code: &str, message: &str) -> Verdict {
    let row = TABLE.iter().find(|row| row.code == code);
    let (class, remedy) = match row {
        Some(Row { class, remedy, .. }) => (*class, *remedy),
        None => (unlisted(context.operation, status, code), None),
    };
    let kind = match class {
        Class::Is(kind) => kind,
        Class::Image => Kind::Invalid(image_fault(context)),
        Class::Parameter => Kind::Invalid(parameter_fault(context, message)),
        Class::Mismatch | Class::Ended => Kind::Unknown,
    };
    let mut error = CloudError::new(kind, code, text::cut(message, MAX_MESSAGE_CHARS));
    if let Some(remedy) = remedy {
        error = error.with_remedy(remedy);
    }
    match class {
        Class::Mismatch => Verdict::Mismatch(error),
        Class::Ended => Verdict::Ended(error),
        Class::Is(_) | Class::Image | Class::Parameter => Verdict::Error(error),
    }
}

/// The rule for codes that are in no row of the table. Parts of a code are trusted only if they mean that the request of a
/// launch itself was refused. Any other call may have been executed.
fn unlisted(operation: Operation, status: u16, code: &str) -> Class {
    let refused = operation == Operation::RunInstances && (400..500).contains(&status);
    let named = |code: &str| {
        code.starts_with("Invalid")
            || code.starts_with("Missing")
            || code.ends_with(".Malformed")
            || code.ends_with(".NotFound")
    };
    match code {
        _ if !refused || !named(code) => Class::Is(Kind::Unknown),
        _ if code.starts_with("InvalidAMI") => Class::Image,
        _ if code.starts_with("InvalidInstanceType") => Class::Is(Kind::Invalid(Fault::Pod)),
        _ => Class::Is(Kind::Invalid(Fault::Config)),
    }
}

fn image_fault(context: Context) -> Fault {
    if context.pod_named_image { Fault::Pod } else { Fault::Config }
}

/// EC2 says `InvalidParameterValue` for nearly everything, and only the message says for what. A pod chooses type, price and
/// perhaps the image. Anything else comes from the config, and no pod may fail for that.
fn parameter_fault(context: Context, message: &str) -> Fault {
    let letters: String =
        message.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let mentions = |words: &[&str]| words.iter().any(|word| letters.contains(word));
    if mentions(&["instancetype", "spotprice", "maxprice", "maximumprice"]) {
        Fault::Pod
    } else if mentions(&["imageid", "specifiedami", "invalidami"]) {
        image_fault(context)
    } else {
        Fault::Config
    }
}

/// A call without an answer of the service: because of credentials, the network or a time-out.
fn without_answer<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: Error + 'static,
{
    if let Some(found) = credentials_error(error) {
        return credentials(found);
    }
    if let Some(missing) = text::causes(error).find_map(|cause| cause.downcast_ref::<HostNotFound>()) {
        return CloudError::new(Kind::Unknown, "HostNotFound", text::chain(missing))
            .with_remedy("Check aws.region, aws.endpoint if it is set, and the DNS of this network.");
    }
    let code = match error {
        SdkError::ConstructionFailure(_) => "RequestNotBuilt",
        SdkError::TimeoutError(_) => "TimedOut",
        SdkError::DispatchFailure(_) => "ConnectionFailed",
        // The last arm is for kinds that a later SDK adds.
        SdkError::ResponseError(_) | SdkError::ServiceError(_) | _ => "UnreadableAnswer",
    };
    let message = format!("{operation} brought no answer: {}", text::chain(error));
    CloudError::new(Kind::Unknown, code, text::cut(&message, MAX_MESSAGE_CHARS))
}

fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    text::causes(error).find_map(|cause| cause.downcast_ref())
}

/// Without credentials nothing was signed, so nothing was sent.
fn credentials(error: &CredentialsError) -> CloudError {
    let message = text::cut(&text::chain(error), MAX_MESSAGE_CHARS);
    match error {
        CredentialsError::ProviderTimedOut(_) => CloudError::new(Kind::Unknown, "CredentialsTimedOut", message),
        CredentialsError::CredentialsNotLoaded(_) => CloudError::new(Kind::Denied, "NoCredentials", message).with_remedy(
            "Give ORCA's service account a role (EKS Pod Identity or IRSA), or set aws.credentials for a test.",
        ),
        // The last arm is for kinds that a later SDK adds.
        CredentialsError::InvalidConfiguration(_)
        | CredentialsError::ProviderError(_)
        | CredentialsError::Unhandled(_)
        | _ => CloudError::new(Kind::Denied, "CredentialsRefused", message)
            .with_remedy("Look at the role of ORCA's service account and at its trust policy."),
    }
}

#[cfg(test)]
mod tests;
