//! The way from the controller to the fake EC2: the AWS SDK over HTTP, or without the SDK the same cloud in process.

#[cfg(feature = "aws")]
use std::net::{Ipv4Addr, SocketAddr};
#[cfg(not(feature = "aws"))]
use std::sync::Arc;

use orca_core::config::Config;
#[cfg(feature = "aws")]
use orca_core::config::Credentials;
#[cfg(not(feature = "aws"))]
use orca_testkit::fake_ec2::FakeCloud;
use orca_testkit::fake_ec2::FakeEc2;
#[cfg(feature = "aws")]
use orca_testkit::fake_ec2::Served;

use crate::report::Failure;
use crate::run;

/// The cloud over HTTP, on a port of its own.
#[cfg(feature = "aws")]
pub(super) struct Cloud {
    served: Served,
}

#[cfg(feature = "aws")]
impl Cloud {
    pub(super) async fn start(ec2: &FakeEc2) -> Result<Self, Failure> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { served: ec2.serve(loopback).await.map_err(Failure::new)? })
    }

    pub(super) fn path(&self) -> String {
        format!("EC2 in memory, through the AWS SDK, at {}", self.served.endpoint())
    }

    pub(super) async fn connect(&self, _ec2: &FakeEc2, config: &Config) -> Result<run::Cloud, Failure> {
        let mut config = config.clone();
        config.aws.endpoint = Some(self.served.endpoint().to_string());
        // The fake checks no signature, but the SDK makes none without a key.
        config.aws.credentials =
            Some(Credentials { access_key_id: "sandbox".into(), secret_access_key: "sandbox".into() });
        run::connect(&config, orca_core::clock::system()).await
    }
}

/// The cloud in process.
#[cfg(not(feature = "aws"))]
pub(super) struct Cloud;

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the way over HTTP is prepared asynchronously")]
impl Cloud {
    pub(super) async fn start(_ec2: &FakeEc2) -> Result<Self, Failure> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "over HTTP it has a port to name")]
    pub(super) fn path(&self) -> String {
        "EC2 in memory; built with the feature aws it is reached through the AWS SDK".into()
    }

    pub(super) async fn connect(&self, ec2: &FakeEc2, _config: &Config) -> Result<run::Cloud, Failure> {
        let cloud = Arc::new(ec2.cloud());
        Ok(run::Cloud {
            client: Arc::<FakeCloud>::clone(&cloud),
            health: Some(Arc::<FakeCloud>::clone(&cloud)),
            leftovers: Some(cloud),
        })
    }
}
