//! The cloud back end that this program was built with.

use std::sync::Arc;

use orca_aws::config::Aws;
use orca_core::clock::Clock;
use orca_core::cloud::CloudClient;

use crate::proxies::Proxies;
#[cfg(feature = "aws")]
use crate::proxies::without_password;
use crate::report::Failure;

/// Connects to AWS. No call is made yet: credentials are looked for with the first one.
#[cfg(feature = "aws")]
pub(crate) async fn connect(
    aws: &Aws,
    clock: Arc<dyn Clock>,
    proxies: &Proxies,
) -> Result<Arc<dyn CloudClient>, Failure> {
    let own = aws.own_endpoint().map(str::to_owned);
    let url = own.clone().unwrap_or_else(|| format!("https://ec2.{}.amazonaws.com", aws.region));
    // What is no URL is refused with its key below.
    let found =
        url.parse().ok().map(|url| proxies.to_aws(&url)).transpose().map_err(Failure::usage)?.flatten();
    let shown = found.as_ref().map(|(url, _)| without_password(url));
    let proxy = found.map(|(url, no_proxy)| orca_aws::Proxy { url: url.to_string(), no_proxy });
    let client =
        orca_aws::Ec2Client::connect_via(aws, clock, proxy.as_ref()).await.map_err(Failure::usage)?;
    // The endpoint is not shown: a URL can carry a password.
    tracing::info!(region = client.region(), own_endpoint = own.is_some(), proxy = shown, "Using AWS");
    Ok(Arc::new(client))
}

/// Without a back end there is nothing to run pods on.
#[cfg(not(feature = "aws"))]
pub(crate) async fn connect(
    _aws: &Aws,
    _clock: Arc<dyn Clock>,
    _proxies: &Proxies,
) -> Result<Arc<dyn CloudClient>, Failure> {
    Err(Failure::usage(
        "this orca was built without a cloud; build it with the feature aws, which is on by default",
    ))
}
