//! Reading instances: all of an owner's, or some by id. Every page, or an error.

use aws_sdk_ec2::operation::describe_instances::builders::DescribeInstancesFluentBuilder;
use aws_sdk_ec2::types::Filter;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{ClusterId, InstanceId, Owner};
use orca_core::instance::Instance;
use orca_core::well_known::tag;

use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::convert;
use crate::error::cloud_error;

/// The largest page (EC2 API reference, `DescribeInstances`).
pub(crate) const PAGE: i32 = 1_000;
/// A hundred full pages are a hundred thousand instances, more than one node can own. Ten times as many leave room for
/// pages that filters made short. A server whose pages never end is stopped here.
pub(crate) const MAX_PAGES: usize = 1_000;
/// How many ids one call names. EC2 accepts more, but one bad id is found faster in a smaller batch.
pub(crate) const IDS_PER_CALL: usize = 100;

impl Ec2Client {
    /// Every instance with both tags of this owner, alive or ended.
    pub(crate) async fn describe_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        let tagged =
            |key: &str, value: &str| Filter::builder().name(format!("tag:{key}")).values(value).build();
        let request = self
            .read
            .describe_instances()
            .filters(tagged(tag::CLUSTER, owner.cluster.as_str()))
            .filters(tagged(tag::NODE, owner.node.as_str()))
            .max_results(PAGE);
        let mut found = self.pages(request).await?;
        // Filters read `*` and `?` as wildcards, so instances of other owners are dropped here.
        found.retain(|instance| instance.owner.as_ref() == Some(owner));
        Ok(found)
    }

    /// Every instance with this tag of the cluster, whatever else its tags say.
    pub(crate) async fn describe_cluster(&self, cluster: &ClusterId) -> Result<Vec<Instance>, CloudError> {
        let filter = Filter::builder().name(format!("tag:{}", tag::CLUSTER)).values(cluster.as_str()).build();
        self.pages(self.read.describe_instances().filters(filter).max_results(PAGE)).await
    }

    /// Those of these that EC2 knows. One unknown id makes a whole call by ids fail; then a filter is used, which leaves that id
    /// out. The call by ids comes first, because it shows a new instance sooner.
    pub(crate) async fn describe_ids(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        let mut found = Vec::new();
        for batch in ids.chunks(IDS_PER_CALL) {
            let named: Vec<String> = batch.iter().map(|id| id.as_str().to_owned()).collect();
            let request = self.read.describe_instances().set_instance_ids(Some(named.clone()));
            match self.pages(request).await {
                Ok(instances) => found.extend(instances),
                Err(error) if is_bad_id(&error) => {
                    let filter = Filter::builder().name("instance-id").set_values(Some(named)).build();
                    let request = self.read.describe_instances().filters(filter).max_results(PAGE);
                    let instances = self.pages(request).await?;
                    // An id with a wildcard in it would let others through.
                    found.extend(instances.into_iter().filter(|instance| batch.contains(&instance.id)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// All pages of one question. The token says whether there are more; a page may be empty and not the last.
    async fn pages(&self, request: DescribeInstancesFluentBuilder) -> Result<Vec<Instance>, CloudError> {
        let mut found = Vec::new();
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = call(Operation::DescribeInstances, request.clone().set_next_token(next).send())
                .await
                .map_err(|error| cloud_error(Operation::DescribeInstances, &error))?;
            for reservation in page.reservations() {
                let place = (reservation.owner_id(), self.region());
                for instance in reservation.instances() {
                    found.push(convert::instance(place, instance)?);
                }
            }
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
        let message = format!("DescribeInstances gave {MAX_PAGES} pages and no end");
        Err(CloudError::new(Kind::Unknown, "TooManyPages", message))
    }
}

/// Whether the error is about an id, and not about the call.
pub(crate) fn is_bad_id(error: &CloudError) -> bool {
    error.kind == Kind::NotFound || error.code == "InvalidInstanceID.Malformed"
}

/// An id that is malformed for EC2 is worth a warning: something wrote it.
pub(crate) fn absent(id: &InstanceId, error: &CloudError) {
    if error.kind != Kind::NotFound {
        tracing::warn!(instance_id = %id, code = error.code, "the instance id is malformed and counts as absent");
    }
}

#[cfg(test)]
mod tests;
