//! The way to call the fake in process: the cloud traits of `orca-core` over the model, without an SDK and without HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orca_core::cloud::{Capabilities, CloudClient, CloudInfo, HealthSource, LaunchOutcome};
use orca_core::error::{CloudError, Fault, Kind};
use orca_core::ids::{CloudIdentity, InstanceId, Owner};
use orca_core::instance::{Health, Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_core::well_known::tag;

use super::action::{DescribeInstances, DescribeStatus, TerminateInstances};
use super::catalog::{self, Architecture};
use super::page::{Filter, Listing};
use super::request::RunInstances;
use super::{Ec2Settings, FakeEc2};

mod convert;
mod leftovers;
mod parameters;
mod verdict;

use parameters::Parameters;
use verdict::{Verdict, cloud_error, verdict};

/// The largest page of `DescribeInstances`.
const PAGE: u32 = 1_000;
/// How many ids one read names, and how many one termination.
const READ_IDS: usize = 100;
const TERMINATE_IDS: usize = 500;

/// A fake region as a back end of ORCA. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct FakeCloud {
    pub(super) ec2: FakeEc2,
    subnet: Option<String>,
    image: Option<String>,
    page: u32,
    first_page_only: bool,
    tags: BTreeMap<String, String>,
}

impl FakeEc2 {
    /// This region as a back end of ORCA: a [`CloudClient`], a [`HealthSource`] and a
    /// [`LeftoverSource`](orca_core::cloud::LeftoverSource). It launches in the first subnet.
    #[must_use]
    pub fn cloud(&self) -> FakeCloud {
        let subnet = self.lock().settings.subnets.first().map(|subnet| subnet.id.clone());
        FakeCloud {
            ec2: self.clone(),
            subnet,
            image: None,
            page: PAGE,
            first_page_only: false,
            tags: BTreeMap::new(),
        }
    }

    /// The settings as they are now.
    #[must_use]
    pub fn settings(&self) -> Ec2Settings {
        self.lock().settings.clone()
    }
}

impl FakeCloud {
    /// The same region, with launches in this subnet.
    #[must_use]
    pub fn in_subnet(self, subnet: &str) -> Self {
        Self { subnet: Some(subnet.to_owned()), ..self }
    }

    /// The same region, with this image for pods that name none, whatever the architecture of their type.
    #[must_use]
    pub fn with_image(self, image: &str) -> Self {
        Self { image: Some(image.to_owned()), ..self }
    }

    /// The same region, read in pages of this size: EC2 takes 5 to 1000.
    #[must_use]
    pub fn with_pages_of(self, page: u32) -> Self {
        Self { page, ..self }
    }

    /// The same region, but only the first page of each list is read: a bug, to see whether tests find it.
    #[must_use]
    pub fn with_first_page_only(self) -> Self {
        Self { first_page_only: true, ..self }
    }

    /// The same region, with these tags for every instance.
    #[must_use]
    pub fn with_tags(self, tags: BTreeMap<String, String>) -> Self {
        Self { tags, ..self }
    }

    /// The region behind it.
    #[must_use]
    pub fn ec2(&self) -> &FakeEc2 {
        &self.ec2
    }

    fn place(&self) -> CloudIdentity {
        let settings = &self.ec2.lock().settings;
        CloudIdentity::new(format!("{}/{}", settings.account, settings.region))
    }

    pub(super) async fn list(&self, filters: Vec<Filter>) -> Result<Vec<Instance>, CloudError> {
        let place = self.place();
        let mut found = Vec::new();
        let mut listing = Listing::filtered(filters, self.page);
        loop {
            let page = self.ec2.call(&DescribeInstances(listing.clone())).await.map_err(cloud_error)?;
            found.extend(page.items.iter().map(|instance| convert::instance(&place, instance)));
            match page.next_token {
                Some(next) if !self.first_page_only => listing.next_token = Some(next),
                Some(_) | None => return Ok(found),
            }
        }
    }
}

#[async_trait]
impl CloudClient for FakeCloud {
    fn info(&self) -> CloudInfo {
        CloudInfo {
            provider: "aws".into(),
            os_image: "AWS EC2".into(),
            region: Some(self.ec2.lock().settings.region.clone()),
            tags: self.tags.clone(),
            devices: vec!["aws.amazon.com/neuron*".into(), "vpc.amazonaws.com/efa".into()],
            is_for_tests: true,
        }
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        Ok(self.place())
    }

    async fn offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        let named = wish.image.as_ref().or(self.image.as_ref());
        if let Some(image) = wish.image.as_ref().filter(|image| !image.starts_with("ami-")) {
            let message = format!("\"{image}\" is no machine image id");
            return Err(CloudError::new(Kind::Invalid(Fault::Pod), "InvalidAMIID.Malformed", message));
        }
        let kind = catalog::instance_type(&wish.instance_type);
        let architecture = kind.map_or(Architecture::X86, |kind| kind.architecture);
        let image = named.cloned().unwrap_or_else(|| catalog::default_image(architecture).to_owned());
        let parameters = Parameters {
            image,
            pod_named_image: wish.image.is_some(),
            subnet: self.subnet.clone(),
            max_price_micros: wish.max_price.map(orca_core::price::UsdPerHour::micros),
        };
        let provides = kind.map(catalog::InstanceType::provides);
        Ok(vec![Offer { provides, ..Offer::new(wish, parameters.write()?) }])
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        let parameters = match Parameters::read(&offer.parameters) {
            Ok(parameters) => parameters,
            Err(error) => return LaunchOutcome::NotSent(error),
        };
        if self.ec2.now() > not_after {
            let message = format!("stopped before it left: it could have been sent after {not_after}");
            return LaunchOutcome::NotSent(CloudError::new(Kind::Unknown, "TooLate", message));
        }
        match self.ec2.call(&request(offer, &parameters, token)).await {
            Ok(instances) => match instances.first() {
                Some(instance) => {
                    LaunchOutcome::Launched(Box::new(convert::instance(&self.place(), instance)))
                }
                None => LaunchOutcome::Unknown(CloudError::new(
                    Kind::Unknown,
                    "UnreadableAnswer",
                    "RunInstances succeeded and named no instance",
                )),
            },
            Err(failure) => match verdict(failure, parameters.pod_named_image) {
                Verdict::Mismatch(_) => LaunchOutcome::Mismatch,
                Verdict::Ended(_) => LaunchOutcome::Ended,
                Verdict::Error(error) if error.kind.is_definitive() => LaunchOutcome::Refused(error),
                Verdict::Error(error) => LaunchOutcome::Unknown(error),
            },
        }
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        let mut found = self.list(filters(owner)).await?;
        found.retain(|instance| instance.owner.as_ref() == Some(owner));
        Ok(found)
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        let place = self.place();
        let mut found = Vec::new();
        let mut batches: Vec<&[InstanceId]> = ids.chunks(READ_IDS).rev().collect();
        while let Some(batch) = batches.pop() {
            let listing = Listing::of_ids(batch.iter().map(|id| id.as_str().to_owned()).collect());
            match self.ec2.call(&DescribeInstances(listing)).await.map_err(cloud_error) {
                Ok(page) => found.extend(page.items.iter().map(|each| convert::instance(&place, each))),
                Err(error) if is_bad_id(&error) => halve(batch, &mut batches),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn terminate(
        &self,
        instances: &[OwnedInstance],
    ) -> BTreeMap<InstanceId, Result<InstanceState, CloudError>> {
        let mut outcomes = BTreeMap::new();
        let mut batches: Vec<&[OwnedInstance]> = instances.chunks(TERMINATE_IDS).rev().collect();
        while let Some(batch) = batches.pop() {
            let ids = batch.iter().map(|each| each.id().as_str().to_owned()).collect();
            match self.ec2.call(&TerminateInstances(ids)).await.map_err(cloud_error) {
                Ok(changes) => {
                    outcomes
                        .extend(changes.into_iter().map(|each| (InstanceId::new(&each.id), Ok(each.after))));
                }
                Err(error) if batch.len() > 1 && verdict::may_be_one_id(&error) => halve(batch, &mut batches),
                Err(error) => {
                    outcomes.extend(batch.iter().map(|each| (each.id().clone(), Err(error.clone()))));
                }
            }
        }
        outcomes
    }

    fn token_memory(&self) -> Duration {
        self.ec2.lock().settings.token_memory
    }

    fn capabilities(self: Arc<Self>) -> Capabilities {
        Capabilities { health: Some(Arc::clone(&self) as _), leftovers: Some(self) }
    }
}

#[async_trait]
impl HealthSource for FakeCloud {
    async fn health(&self, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, Health>, CloudError> {
        let mut found = BTreeMap::new();
        let mut batches: Vec<&[InstanceId]> = ids.chunks(READ_IDS).rev().collect();
        while let Some(batch) = batches.pop() {
            let listing = Listing::of_ids(batch.iter().map(|id| id.as_str().to_owned()).collect());
            let action = DescribeStatus { listing, includes_all: false };
            match self.ec2.call(&action).await.map_err(cloud_error) {
                Ok((page, now)) => {
                    found.extend(page.items.iter().map(|instance| {
                        (InstanceId::new(&instance.id), convert::health(instance.checks(now)))
                    }));
                }
                Err(error) if is_bad_id(&error) => halve(batch, &mut batches),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn impaired(&self) -> Result<Vec<InstanceId>, CloudError> {
        let mut found = Vec::new();
        for check in CHECKS {
            let mut listing = Listing::filtered(vec![Filter::field(check, "impaired")], PAGE);
            loop {
                let action = DescribeStatus { listing: listing.clone(), includes_all: false };
                let (page, _now) = self.ec2.call(&action).await.map_err(cloud_error)?;
                found.extend(page.items.iter().map(|instance| InstanceId::new(&instance.id)));
                match page.next_token {
                    Some(next) => listing.next_token = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }
}

/// The calls that `orca-aws` makes for the same: one for each of EC2's two checks.
const CHECKS: [&str; 2] = ["instance-status.status", "system-status.status"];

/// The call for an offer: its tags go on everything that it makes.
fn request(offer: &Offer, parameters: &Parameters, token: &LaunchToken) -> RunInstances {
    let tags = Arc::new(offer.tags.clone());
    RunInstances {
        client_token: Some(token.as_str().to_owned()),
        image: Some(parameters.image.clone()),
        instance_type: Some(offer.instance_type.clone()),
        least: 1,
        most: 1,
        subnet: parameters.subnet.clone(),
        market: offer.capacity_type,
        max_price: parameters.max_price_micros,
        ends_on_shutdown: true,
        tags: Arc::clone(&tags),
        volume_tags: Arc::clone(&tags),
        interface_tags: Arc::clone(&tags),
        request_tags: tags,
        ..RunInstances::default()
    }
}

/// The two tags of the owner.
fn filters(owner: &Owner) -> Vec<Filter> {
    vec![Filter::tag(tag::CLUSTER, owner.cluster.as_str()), Filter::tag(tag::NODE, owner.node.as_str())]
}

fn is_bad_id(error: &CloudError) -> bool {
    error.kind == Kind::NotFound || error.code == "InvalidInstanceID.Malformed"
}

/// Both halves go on the stack, the first on top. A single bad id has no halves: it is left out.
fn halve<'a, T>(batch: &'a [T], batches: &mut Vec<&'a [T]>) {
    if batch.len() > 1 {
        let (first, second) = batch.split_at(batch.len() / 2);
        batches.extend([second, first]);
    }
}
