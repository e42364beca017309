//! [`Ec2Client`]: how the SDK is set up, and which of its clients serves which method.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::cloud::{Capabilities, CloudClient, CloudInfo, HealthSource, LaunchOutcome};
use orca_core::config::BackendSection as _;
use orca_core::error::CloudError;
use orca_core::ids::{CloudIdentity, InstanceId, Owner};
use orca_core::instance::{Health, Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};

use crate::cache::Cache;
use crate::catalog::Catalog;
use crate::config::Aws;
use crate::connection::{Proxy, http_client};
use crate::fence::CONNECT_TIMEOUT;
use crate::skew::Skew;

/// How long one try of a Describe call may take.
const READ_ATTEMPT: Duration = Duration::from_secs(10);
/// How long a Describe call may take with all its tries.
const READ_OPERATION: Duration = Duration::from_secs(30);
/// How often a Describe call is tried.
const READ_ATTEMPTS: u32 = 3;
/// How long a call that changes something may take. It is tried once: after a first try without an answer, the refusal of a
/// hidden second try would look like a certain refusal.
const WRITE_ATTEMPT: Duration = Duration::from_secs(30);

/// AWS's only published figure is "at least 24 hours after the termination of the instance". ORCA relies on half of it.
const TOKEN_MEMORY_AWS: Duration = Duration::from_hours(12);
/// Nothing is published for other endpoints, so an hour is assumed. The last send may be executed 20 minutes later, and the
/// token must be remembered until then.
const TOKEN_MEMORY_ELSEWHERE: Duration = Duration::from_mins(40);

/// One AWS region as a cloud for ORCA.
///
/// Calls that read are tried up to three times, within 30 s. Calls that launch, terminate or remove are tried once, for up to
/// 30 s. Cloning is cheap; clones share connections, credentials, and what is cached about images and instance types.
#[derive(Clone)]
pub struct Ec2Client {
    pub(crate) clock: Arc<dyn Clock>,
    /// The config's section without credentials.
    pub(crate) settings: Arc<Aws>,
    /// For `Describe*`.
    pub(crate) read: aws_sdk_ec2::Client,
    /// For `RunInstances` and `TerminateInstances`.
    pub(crate) write: aws_sdk_ec2::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    /// The image of each SSM parameter.
    pub(crate) image_cache: Arc<Cache<String>>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) skew: Skew,
    token_memory: Duration,
}

/// Why no client can be made from the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The region is empty.
    #[error("aws.region is empty: give a region such as us-west-2")]
    NoRegion,
    /// The endpoint, given here, is not an `http://` or `https://` URL.
    #[error("aws.endpoint has the value \"{0}\": give a URL that begins with http:// or https://")]
    NotAnEndpoint(String),
    /// One of the two static keys is empty.
    #[error(
        "aws.credentials needs both accessKeyID and secretAccessKey; leave the section out to use a role"
    )]
    HalfCredentials,
    /// The URL of the proxy cannot be used.
    #[error("the proxy has no URL that calls to AWS can use: give http:// or https:// and a host")]
    NotAProxy,
}

impl Ec2Client {
    /// A client for the region and endpoint of these settings, with their static keys or the SDK's default credential chain.
    ///
    /// It makes no call to EC2: wrong credentials show with the first call, as [`Kind::Denied`](orca_core::Kind::Denied).
    /// `aws.endpoint` is used for EC2, SSM and STS alike. The clock decides whether a launch may still be sent, and whether
    /// it is too far from EC2's (over five minutes) to launch at all.
    ///
    /// # Errors
    ///
    /// A [`ConnectError`] that names the key of the config.
    pub async fn connect(settings: &Aws, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        Self::connect_via(settings, clock, None).await
    }

    /// As [`connect`](Self::connect), through a proxy. Loopback, and the addresses at which an instance or a pod gets its
    /// credentials, are always reached directly.
    ///
    /// # Errors
    ///
    /// A [`ConnectError`] that names the key of the config, or the proxy.
    pub async fn connect_via(
        settings: &Aws,
        clock: Arc<dyn Clock>,
        proxy: Option<&Proxy>,
    ) -> Result<Self, ConnectError> {
        if settings.region.is_empty() {
            return Err(ConnectError::NoRegion);
        }
        let http = http_client(proxy, settings.own_endpoint()).ok_or(ConnectError::NotAProxy)?;
        let region = Region::new(settings.region.clone());
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).region(region);
        if let Some(endpoint) = settings.own_endpoint() {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                return Err(ConnectError::NotAnEndpoint(endpoint.to_owned()));
            }
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(keys) = &settings.credentials {
            if keys.access_key_id.is_empty() || keys.secret_access_key.is_empty() {
                return Err(ConnectError::HalfCredentials);
            }
            let credentials =
                Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "aws.credentials");
            loader = loader.credentials_provider(credentials);
        }
        Ok(Self::from_sdk(&Box::pin(loader.load()).await, settings, clock))
    }

    /// A client on an existing SDK config: its region, endpoint, credentials and HTTP client are used, its retries and
    /// time-outs are not. `settings.region` counts only if the SDK config has no region.
    #[must_use]
    pub fn from_sdk(sdk: &SdkConfig, settings: &Aws, clock: Arc<dyn Clock>) -> Self {
        let reading = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(READ_ATTEMPT)
            .operation_timeout(READ_OPERATION)
            .build();
        let writing = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(WRITE_ATTEMPT)
            .build();
        let again = RetryConfig::standard().with_max_attempts(READ_ATTEMPTS);
        let skew = Skew::new(Arc::clone(&clock));
        let base = || aws_sdk_ec2::config::Builder::from(sdk).interceptor(skew.clone());
        let read = base().retry_config(again.clone()).timeout_config(reading.clone());
        let write = base().retry_config(RetryConfig::disabled()).timeout_config(writing);
        let ssm = aws_sdk_ssm::config::Builder::from(sdk);
        let ssm = ssm.retry_config(again.clone()).timeout_config(reading.clone());
        let sts = aws_sdk_sts::config::Builder::from(sdk).retry_config(again).timeout_config(reading);
        // The SDK also reads an endpoint from the environment, so its own config decides.
        let is_aws = sdk.endpoint_url().is_none();
        let region = sdk.region().map_or_else(|| settings.region.clone(), ToString::to_string);
        Self {
            clock,
            settings: Arc::new(Aws { region, credentials: None, ..settings.clone() }),
            read: aws_sdk_ec2::Client::from_conf(read.build()),
            write: aws_sdk_ec2::Client::from_conf(write.build()),
            ssm: aws_sdk_ssm::Client::from_conf(ssm.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            image_cache: Arc::default(),
            catalog: Arc::default(),
            skew,
            token_memory: if is_aws { TOKEN_MEMORY_AWS } else { TOKEN_MEMORY_ELSEWHERE },
        }
    }

    /// The region that every call goes to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.settings.region
    }
}

impl fmt::Debug for Ec2Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ec2Client")
            .field("region", &self.settings.region)
            .field("endpoint", &self.settings.endpoint)
            .field("token_memory", &self.token_memory)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl CloudClient for Ec2Client {
    fn info(&self) -> CloudInfo {
        self.settings.info()
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        self.caller_identity().await
    }

    async fn offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        self.make_offers(wish).await
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        self.run_instances(offer, token, not_after).await
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        self.describe_owned(owner).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        self.describe_ids(ids).await
    }

    async fn terminate(
        &self,
        instances: &[OwnedInstance],
    ) -> BTreeMap<InstanceId, Result<InstanceState, CloudError>> {
        self.terminate_instances(instances).await
    }

    fn token_memory(&self) -> Duration {
        self.token_memory
    }

    fn capabilities(self: Arc<Self>) -> Capabilities {
        Capabilities { health: Some(Arc::clone(&self) as _), leftovers: Some(self) }
    }
}

#[async_trait]
impl HealthSource for Ec2Client {
    async fn health(&self, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, Health>, CloudError> {
        self.describe_health(ids).await
    }

    async fn impaired(&self) -> Result<Vec<InstanceId>, CloudError> {
        self.describe_impaired().await
    }
}

#[cfg(test)]
mod tests;
