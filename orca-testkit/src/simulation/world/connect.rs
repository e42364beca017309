//! What the controller reaches EC2 with: the fake itself as a rule, or a back end that is given a region to call.

use std::fmt;
use std::sync::Arc;

use orca_core::clock::Clock;
use orca_core::cloud::CloudClient;

use crate::fake_ec2::FakeEc2;

/// What a process gets to know about the region that it uses.
#[derive(Clone, Debug)]
pub struct Place {
    /// The subnet that it launches in.
    pub subnet: Option<String>,
    /// The image for pods that name none. None: the region's usual one.
    pub image: Option<String>,
    /// How many instances a page has, for a client that can choose.
    pub page: u32,
    /// The process's clock, which can be wrong.
    pub clock: Arc<dyn Clock>,
}

type Make = dyn Fn(&FakeEc2, Place) -> Arc<dyn CloudClient> + Send + Sync;

/// Makes the client that a process reaches a region with, once for each start of a process.
///
/// The client has to keep to the contract by itself: it looks at its own clock before it sends a launch, and what has left
/// it goes on when its futures are dropped.
#[derive(Clone)]
pub struct Connect(Arc<Make>);

impl Connect {
    /// Connects by calling this.
    #[must_use]
    pub fn with(make: impl Fn(&FakeEc2, Place) -> Arc<dyn CloudClient> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn to(&self, region: &FakeEc2, place: Place) -> Arc<dyn CloudClient> {
        (self.0)(region, place)
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").finish_non_exhaustive()
    }
}

/// The fake itself as a client.
pub(super) fn directly(region: &FakeEc2, place: Place, first_page_only: bool) -> Arc<dyn CloudClient> {
    let mut cloud = region.cloud().with_pages_of(place.page);
    if let Some(subnet) = &place.subnet {
        cloud = cloud.in_subnet(subnet);
    }
    if let Some(image) = &place.image {
        cloud = cloud.with_image(image);
    }
    Arc::new(if first_page_only { cloud.with_first_page_only() } else { cloud })
}
