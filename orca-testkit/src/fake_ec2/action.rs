//! The actions of EC2's API, as values: what both faces send through the same pipeline.

use std::sync::Arc;

use jiff::Timestamp;
use orca_core::well_known::tag;

use super::api_error::ApiError;
use super::attachments::{Interface, SpotRequest, Volume};
use super::bucket::Class;
use super::instance::{Ec2Instance, Tags};
use super::model::{Described, Model};
use super::page::{Listing, Page};
use super::request::RunInstances;

mod change;
mod lookup;

pub(super) use change::{
    CancelSpotRequests, CreateTags, CreateVolume, DeleteInterface, DeleteVolume, StopInstances,
    TerminateInstances,
};
pub(super) use lookup::{GetParameter, Look};

/// One call of the API.
pub(super) trait Action: Send + Sync {
    /// What it answers when it succeeds.
    type Answer: Send;
    /// Its name.
    fn name(&self) -> &'static str;
    /// How it is counted against the limits.
    fn class(&self) -> Class;
    /// How many resources it is counted as.
    fn resources(&self) -> usize {
        0
    }
    /// Its parameters, for faults that look at them.
    fn words(&self) -> Vec<(String, String)>;
    /// What the ledger keeps besides: token, pod, and the instances that it names.
    fn note(&self) -> Note {
        Note::default()
    }
    /// Does it.
    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError>;
    /// The instances that the answer brought into being.
    fn made(_answer: &Self::Answer) -> Vec<String> {
        Vec::new()
    }
}

/// What the ledger keeps of a call.
#[derive(Debug, Default)]
pub(super) struct Note {
    pub(super) token: Option<String>,
    pub(super) pod: Option<String>,
    pub(super) instances: Vec<String>,
}

fn word(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn words_of_tags(tags: &Tags) -> impl Iterator<Item = (String, String)> {
    tags.iter().map(|(key, value)| (format!("Tag.{key}"), value.clone()))
}

fn words_of_ids(name: &str, ids: &[String]) -> Vec<(String, String)> {
    ids.iter().map(|id| word(name, id)).collect()
}

impl Action for RunInstances {
    type Answer = Vec<Arc<Ec2Instance>>;

    fn name(&self) -> &'static str {
        "RunInstances"
    }

    fn class(&self) -> Class {
        Class::Launch
    }

    fn resources(&self) -> usize {
        usize::try_from(self.most).unwrap_or(usize::MAX)
    }

    fn words(&self) -> Vec<(String, String)> {
        let named = [
            ("ClientToken", &self.client_token),
            ("ImageId", &self.image),
            ("InstanceType", &self.instance_type),
            ("SubnetId", &self.subnet),
            ("Placement.AvailabilityZone", &self.zone),
        ];
        let mut words: Vec<_> =
            named.into_iter().filter_map(|(name, value)| Some(word(name, value.as_ref()?))).collect();
        words.push(word("InstanceMarketOptions.MarketType", self.market.as_str()));
        words.extend(words_of_tags(&self.tags));
        words.extend(self.other.clone());
        words
    }

    fn note(&self) -> Note {
        let pod = self.tags.get(tag::POD_UID).cloned();
        Note { token: self.client_token.clone(), pod, instances: Vec::new() }
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.run_instances(self, now)
    }

    fn made(answer: &Self::Answer) -> Vec<String> {
        answer.iter().map(|instance| instance.id.clone()).collect()
    }
}

/// A read of one of the lists.
#[derive(Clone, Debug)]
pub(super) struct DescribeInstances(pub(super) Listing);

/// `DescribeInstanceStatus`.
#[derive(Clone, Debug)]
pub(super) struct DescribeStatus {
    pub(super) listing: Listing,
    pub(super) includes_all: bool,
}

/// `DescribeVolumes`.
#[derive(Clone, Debug)]
pub(super) struct DescribeVolumes(pub(super) Listing);

/// `DescribeNetworkInterfaces`.
#[derive(Clone, Debug)]
pub(super) struct DescribeInterfaces(pub(super) Listing);

/// `DescribeSpotInstanceRequests`.
#[derive(Clone, Debug)]
pub(super) struct DescribeRequests(pub(super) Listing);

fn reading(listing: &Listing) -> Class {
    if listing.is_everything() { Class::ReadAll } else { Class::Read }
}

fn words_of_listing(id: &str, listing: &Listing) -> Vec<(String, String)> {
    let mut words = words_of_ids(id, &listing.ids);
    for filter in &listing.filters {
        words.extend(filter.values.iter().map(|value| word(&format!("Filter.{}", filter.name), value)));
    }
    words.extend(listing.next_token.as_ref().map(|token| word("NextToken", token)));
    words
}

macro_rules! list {
    ($action:ty, $name:literal, $id:literal, $answer:ty, $listing:tt, |$this:ident, $model:ident, $now:ident| $run:expr) => {
        impl Action for $action {
            type Answer = $answer;

            fn name(&self) -> &'static str {
                $name
            }

            fn class(&self) -> Class {
                reading(&self.$listing)
            }

            fn words(&self) -> Vec<(String, String)> {
                words_of_listing($id, &self.$listing)
            }

            fn run(&self, $model: &mut Model, $now: Timestamp) -> Result<Self::Answer, ApiError> {
                let $this = self;
                $run
            }
        }
    };
}

list!(DescribeInstances, "DescribeInstances", "InstanceId", Described, 0, |this, model, now| model
    .describe_instances(&this.0, now));
list!(
    DescribeStatus,
    "DescribeInstanceStatus",
    "InstanceId",
    (Described, Timestamp),
    listing,
    |this, model, now| Ok((model.describe_status(&this.listing, this.includes_all, now)?, now))
);
list!(DescribeVolumes, "DescribeVolumes", "VolumeId", Page<Volume>, 0, |this, model, _now| model
    .describe_volumes(&this.0));
list!(
    DescribeInterfaces,
    "DescribeNetworkInterfaces",
    "NetworkInterfaceId",
    Page<Interface>,
    0,
    |this, model, _now| model.describe_interfaces(&this.0)
);
list!(
    DescribeRequests,
    "DescribeSpotInstanceRequests",
    "SpotInstanceRequestId",
    Page<SpotRequest>,
    0,
    |this, model, _now| model.describe_requests(&this.0)
);
