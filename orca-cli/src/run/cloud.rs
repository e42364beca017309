//! The cloud back end that this program was built with.

use std::sync::Arc;

use orca_aws::config::Aws;
use orca_core::clock::Clock;
use orca_core::cloud::CloudClient;

use crate::report::Failure;

/// Connects to AWS. No call is made yet: credentials are looked for with the first one.
#[cfg(feature = "aws")]
pub(crate) async fn connect(aws: &Aws, clock: Arc<dyn Clock>) -> Result<Arc<dyn CloudClient>, Failure> {
    let client = orca_aws::Ec2Client::connect(aws, clock).await.map_err(Failure::usage)?;
    // The endpoint is not shown: a URL can carry a password.
    tracing::info!(region = client.region(), own_endpoint = aws.own_endpoint().is_some(), "Using AWS");
    Ok(Arc::new(client))
}

/// Without a back end there is nothing to run pods on.
#[cfg(not(feature = "aws"))]
pub(crate) async fn connect(_aws: &Aws, _clock: Arc<dyn Clock>) -> Result<Arc<dyn CloudClient>, Failure> {
    Err(Failure::usage(
        "this orca was built without a cloud; build it with the feature aws, which is on by default",
    ))
}
