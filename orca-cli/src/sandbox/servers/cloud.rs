//! The way from the controller to the fake EC2: the AWS SDK over HTTP, or without the SDK the same cloud in process.

#[cfg(feature = "aws")]
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use orca_aws::config::Aws;
#[cfg(feature = "aws")]
use orca_aws::config::Credentials;
use orca_core::cloud::CloudClient;
use orca_testkit::fake_ec2::FakeEc2;
#[cfg(feature = "aws")]
use orca_testkit::fake_ec2::Served;

#[cfg(feature = "aws")]
use crate::proxies::Proxies;
use crate::report::Failure;
#[cfg(feature = "aws")]
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

    pub(super) async fn connect(&self, _ec2: &FakeEc2, aws: &Aws) -> Result<Arc<dyn CloudClient>, Failure> {
        // The fake checks no signature, but the SDK makes none without a key.
        let key = || "sandbox".to_owned();
        let aws = Aws {
            endpoint: Some(self.served.endpoint().to_string()),
            credentials: Some(Credentials { access_key_id: key(), secret_access_key: key() }),
            ..aws.clone()
        };
        // No proxy: this cloud is in this process.
        run::connect(&aws, orca_core::clock::system(), &Proxies::default()).await
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

    pub(super) async fn connect(&self, ec2: &FakeEc2, aws: &Aws) -> Result<Arc<dyn CloudClient>, Failure> {
        Ok(Arc::new(ec2.cloud().with_tags(aws.tags.clone())))
    }
}
