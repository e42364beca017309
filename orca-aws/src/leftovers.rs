//! What instances left behind: volumes and network interfaces that nothing uses, spot requests that are still open.
//!
//! They are found by the two tags of the owner. EC2 itself refuses to delete a volume or an interface that is attached.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, NetworkInterfaceStatus, SpotInstanceState, VolumeState};
use orca_core::cloud::LeftoverSource;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{ClusterId, Owner};
use orca_core::instance::Instance;
use orca_core::leftover::{Leftover, LeftoverId, LeftoverKind, OwnedLeftover};
use orca_core::well_known::tag;

use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::convert;
use crate::error::cloud_error;

/// Within the largest page of each of the three calls (EC2 API reference).
const PAGE: i32 = 500;
/// Half a million leftovers of one node. A server whose pages never end is stopped here.
const MAX_PAGES: usize = 1_000;

#[async_trait]
impl LeftoverSource for Ec2Client {
    async fn leftovers(&self, owner: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let mut found = self.unused_volumes(owner).await?;
        found.extend(self.unused_interfaces(owner).await?);
        found.extend(self.open_spot_requests(owner).await?);
        // Filters read `*` and `?` as wildcards, so leftovers of other owners are dropped here.
        found.retain(|leftover| leftover.owner.as_ref() == Some(owner));
        Ok(found)
    }

    async fn remove(&self, leftover: &OwnedLeftover) -> Result<(), CloudError> {
        let id = &*leftover.id().id;
        let (operation, result) = match leftover.id().kind {
            LeftoverKind::Volume => {
                let operation = Operation::DeleteVolume;
                let sent = call(operation, self.write.delete_volume().volume_id(id).send()).await;
                (operation, sent.map(drop).map_err(|error| cloud_error(operation, &error)))
            }
            LeftoverKind::NetworkInterface => {
                let operation = Operation::DeleteNetworkInterface;
                let request = self.write.delete_network_interface().network_interface_id(id);
                let sent = call(operation, request.send()).await;
                (operation, sent.map(drop).map_err(|error| cloud_error(operation, &error)))
            }
            LeftoverKind::SpotRequest => {
                let operation = Operation::CancelSpotInstanceRequests;
                let request = self.write.cancel_spot_instance_requests().spot_instance_request_ids(id);
                let sent = call(operation, request.send()).await;
                (operation, sent.map(drop).map_err(|error| cloud_error(operation, &error)))
            }
        };
        match result {
            Err(error) if is_gone(&error) => {
                tracing::debug!(%operation, id, code = error.code, "It is gone already");
                Ok(())
            }
            result => result,
        }
    }

    async fn list_cluster(&self, cluster: &ClusterId) -> Result<Vec<Instance>, CloudError> {
        self.describe_cluster(cluster).await
    }
}

impl Ec2Client {
    async fn unused_volumes(&self, owner: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let operation = Operation::DescribeVolumes;
        let request = self.read.describe_volumes().set_filters(Some(with(owner, "status", "available")));
        let request = request.max_results(PAGE);
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = call(operation, request.clone().set_next_token(next).send())
                .await
                .map_err(|error| cloud_error(operation, &error))?;
            let unused =
                page.volumes().iter().filter(|volume| volume.state() == Some(&VolumeState::Available));
            for volume in unused {
                found.push(Leftover {
                    id: named(LeftoverKind::Volume, volume.volume_id())?,
                    owner: convert::owner(volume.tags()),
                    pod: convert::pod(volume.tags()),
                    created_at: volume.create_time().and_then(convert::timestamp),
                });
            }
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(endless(operation))
    }

    /// Interfaces have no time of creation. They are filtered here because moto has no filter by their state.
    async fn unused_interfaces(&self, owner: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let operation = Operation::DescribeNetworkInterfaces;
        let request = self.read.describe_network_interfaces().set_filters(Some(filters(owner)));
        let request = request.max_results(PAGE);
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = call(operation, request.clone().set_next_token(next).send())
                .await
                .map_err(|error| cloud_error(operation, &error))?;
            let unused = page
                .network_interfaces()
                .iter()
                .filter(|interface| interface.status() == Some(&NetworkInterfaceStatus::Available));
            for interface in unused {
                found.push(Leftover {
                    id: named(LeftoverKind::NetworkInterface, interface.network_interface_id())?,
                    owner: convert::owner(interface.tag_set()),
                    pod: convert::pod(interface.tag_set()),
                    created_at: None,
                });
            }
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(endless(operation))
    }

    /// A request whose price was too low stays open and can launch later.
    async fn open_spot_requests(&self, owner: &Owner) -> Result<Vec<Leftover>, CloudError> {
        let operation = Operation::DescribeSpotInstanceRequests;
        let request = self.read.describe_spot_instance_requests();
        let request = request.set_filters(Some(with(owner, "state", "open"))).max_results(PAGE);
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = call(operation, request.clone().set_next_token(next).send())
                .await
                .map_err(|error| cloud_error(operation, &error))?;
            let open = page.spot_instance_requests().iter().filter(|request| {
                request.state() == Some(&SpotInstanceState::Open) && request.instance_id().is_none()
            });
            for request in open {
                found.push(Leftover {
                    id: named(LeftoverKind::SpotRequest, request.spot_instance_request_id())?,
                    owner: convert::owner(request.tags()),
                    pod: convert::pod(request.tags()),
                    created_at: request.create_time().and_then(convert::timestamp),
                });
            }
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(endless(operation))
    }
}

/// The two tags of the owner.
fn filters(owner: &Owner) -> Vec<Filter> {
    let tagged = |key: &str, value: &str| Filter::builder().name(format!("tag:{key}")).values(value).build();
    vec![tagged(tag::CLUSTER, owner.cluster.as_str()), tagged(tag::NODE, owner.node.as_str())]
}

fn with(owner: &Owner, name: &str, value: &str) -> Vec<Filter> {
    let mut filters = filters(owner);
    filters.push(Filter::builder().name(name).values(value).build());
    filters
}

fn named(kind: LeftoverKind, id: Option<&str>) -> Result<LeftoverId, CloudError> {
    let named = id.filter(|id| !id.is_empty()).map(|id| LeftoverId { kind, id: id.into() });
    named.ok_or_else(|| {
        let message = format!("EC2 answered with a {} without an id", kind.as_str());
        CloudError::new(Kind::Unknown, "UnreadableAnswer", message)
    })
}

fn endless(operation: Operation) -> CloudError {
    CloudError::new(Kind::Unknown, "TooManyPages", format!("{operation} gave {MAX_PAGES} pages and no end"))
}

/// The codes of these three calls for something that no longer exists.
fn is_gone(error: &CloudError) -> bool {
    let gone = [
        "InvalidVolume.NotFound",
        "InvalidNetworkInterfaceID.NotFound",
        "InvalidSpotInstanceRequestID.NotFound",
    ];
    gone.contains(&error.code.as_str())
}

#[cfg(test)]
mod tests;
