//! What instances left behind, as the domain sees it.

use async_trait::async_trait;
use orca_core::cloud::LeftoverSource;
use orca_core::error::CloudError;
use orca_core::ids::{ClusterId, Owner};
use orca_core::instance::Instance;
use orca_core::leftover::{Leftover, LeftoverId, LeftoverKind, OwnedLeftover};
use orca_core::well_known::tag;

use super::convert::{owner, pod};
use super::verdict::cloud_error;
use super::{FakeCloud, filters};
use crate::fake_ec2::action::{
    CancelSpotRequests, DeleteInterface, DeleteVolume, DescribeInterfaces, DescribeRequests, DescribeVolumes,
};
use crate::fake_ec2::instance::Tags;
use crate::fake_ec2::page::{Filter, Listing};

/// Within the largest page of each of the three calls.
const PAGE: u32 = 500;

#[async_trait]
impl LeftoverSource for FakeCloud {
    async fn leftovers(&self, of: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let mut found = self.unused_volumes(of).await?;
        found.extend(self.unused_interfaces(of).await?);
        found.extend(self.open_requests(of).await?);
        found.retain(|leftover| leftover.owner.as_ref() == Some(of));
        Ok(found)
    }

    async fn remove(&self, leftover: &OwnedLeftover) -> Result<(), CloudError> {
        let id = leftover.id().id.to_string();
        let removed = match leftover.id().kind {
            LeftoverKind::Volume => self.ec2.call(&DeleteVolume(id)).await,
            LeftoverKind::NetworkInterface => self.ec2.call(&DeleteInterface(id)).await,
            LeftoverKind::SpotRequest => self.ec2.call(&CancelSpotRequests(vec![id])).await.map(drop),
        };
        let gone = [
            "InvalidVolume.NotFound",
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidSpotInstanceRequestID.NotFound",
        ];
        match removed.map_err(cloud_error) {
            Err(error) if gone.contains(&error.code.as_str()) => Ok(()),
            result => result,
        }
    }

    async fn list_cluster(&self, cluster: &ClusterId) -> Result<Vec<Instance>, CloudError> {
        self.list(vec![Filter::tag(tag::CLUSTER, cluster.as_str())]).await
    }
}

impl FakeCloud {
    async fn unused_volumes(&self, of: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let mut listing = with(of, "status", "available");
        let mut found = Vec::new();
        loop {
            let page = self.ec2.call(&DescribeVolumes(listing.clone())).await.map_err(cloud_error)?;
            found.extend(page.items.iter().map(|volume| Leftover {
                created_at: Some(volume.created_at),
                ..leftover(LeftoverKind::Volume, &volume.id, &volume.tags)
            }));
            match page.next_token {
                Some(next) => listing.next_token = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn unused_interfaces(&self, of: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let mut listing = with(of, "status", "available");
        let mut found = Vec::new();
        loop {
            let page = self.ec2.call(&DescribeInterfaces(listing.clone())).await.map_err(cloud_error)?;
            let kind = LeftoverKind::NetworkInterface;
            found.extend(page.items.iter().map(|each| leftover(kind, &each.id, &each.tags)));
            match page.next_token {
                Some(next) => listing.next_token = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn open_requests(&self, of: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let mut listing = with(of, "state", "open");
        let mut found = Vec::new();
        loop {
            let page = self.ec2.call(&DescribeRequests(listing.clone())).await.map_err(cloud_error)?;
            found.extend(page.items.iter().map(|request| Leftover {
                created_at: Some(request.created_at),
                ..leftover(LeftoverKind::SpotRequest, &request.id, &request.tags)
            }));
            match page.next_token {
                Some(next) => listing.next_token = Some(next),
                None => return Ok(found),
            }
        }
    }
}

fn with(of: &Owner, name: &str, value: &str) -> Listing {
    let mut all = filters(of);
    all.push(Filter { name: name.to_owned(), values: vec![value.to_owned()] });
    Listing::filtered(all, PAGE)
}

fn leftover(kind: LeftoverKind, id: &str, tags: &Tags) -> Leftover {
    let id = LeftoverId { kind, id: id.into() };
    Leftover { id, owner: owner(tags), pod: pod(tags), created_at: None }
}
