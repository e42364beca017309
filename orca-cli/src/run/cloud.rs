//! The cloud back end that this program was built with.

use std::sync::Arc;

use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, HealthSource, LeftoverSource};
use orca_core::config::Config;

use crate::report::Failure;

/// A connected back end.
pub(crate) struct Cloud {
    pub(crate) client: Arc<dyn CloudClient>,
    pub(crate) health: Option<Arc<dyn HealthSource>>,
    pub(crate) leftovers: Option<Arc<dyn LeftoverSource>>,
}

/// Connects to AWS. No call is made yet: credentials are looked for with the first one.
#[cfg(feature = "aws")]
pub(crate) async fn connect(config: &Config, clock: Arc<dyn Clock>) -> Result<Cloud, Failure> {
    let client = orca_aws::Ec2Client::connect(&config.aws, clock).await.map_err(Failure::usage)?;
    // The endpoint is not shown: a URL can carry a password.
    tracing::info!(region = client.region(), own_endpoint = config.aws.endpoint.is_some(), "Using AWS");
    let client = Arc::new(client);
    let health: Arc<dyn HealthSource> = Arc::<orca_aws::Ec2Client>::clone(&client);
    let leftovers: Arc<dyn LeftoverSource> = Arc::<orca_aws::Ec2Client>::clone(&client);
    Ok(Cloud { client, health: Some(health), leftovers: Some(leftovers) })
}

/// Without a back end there is nothing to run pods on.
#[cfg(not(feature = "aws"))]
pub(crate) async fn connect(_config: &Config, _clock: Arc<dyn Clock>) -> Result<Cloud, Failure> {
    Err(Failure::usage(
        "this orca was built without a cloud; build it with the feature aws, which is on by default",
    ))
}
