//! Launching: what is checked, in which order, and what is made.

use std::sync::Arc;

use jiff::Timestamp;
use orca_core::instance::{CapacityType, InstanceState};

use super::{Model, Step};
use crate::clock::later;
use crate::fake_ec2::api_error::{ApiError, bad_value, missing};
use crate::fake_ec2::attachments::{Interface, RequestState, SpotRequest, Volume};
use crate::fake_ec2::capacity::{Place, insufficient};
use crate::fake_ec2::catalog::{self, InstanceType};
use crate::fake_ec2::instance::Ec2Instance;
use crate::fake_ec2::ledger::Happening;
use crate::fake_ec2::model::tags::{check_tags, check_user_data};
use crate::fake_ec2::network::Network;
use crate::fake_ec2::request::RunInstances;
use crate::fake_ec2::token::{Made, Tokens};

/// Below it EC2 takes no price, in millionths of a US dollar per hour.
const LEAST_PRICE: u64 = 1_000;
/// The disk of an instance whose launch names no size.
const IMAGE_GIB: u32 = 8;

/// A launch whose values exist and fit each other.
#[derive(Debug)]
struct Checked {
    kind: &'static InstanceType,
    image: &'static str,
    subnet: String,
    place: Place,
}

impl Model {
    /// `RunInstances`.
    pub(in crate::fake_ec2) fn run_instances(
        &mut self,
        request: &RunInstances,
        now: Timestamp,
    ) -> Result<Vec<Arc<Ec2Instance>>, ApiError> {
        let checked = self.check(request)?;
        if request.dry_run {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(ApiError::new("DryRunOperation", message));
        }
        let is_zonal = request.subnet.is_some() || request.zone.is_some();
        let scope = is_zonal.then(|| checked.place.zone.clone());
        match self.tokens.find(&scope, request)? {
            Some(Made::Instances(numbers)) => return self.launched_before(&numbers),
            Some(Made::OpenRequest(id)) if self.is_open(&id) => return Err(self.price_too_low(&checked)),
            Some(Made::OpenRequest(_)) | None => {}
        }
        self.zone_up(&checked.place.zone)?;
        let memory = (now, self.settings.token_memory);
        if self.is_too_cheap(request, &checked) {
            let id = self.new_request(request, checked.kind, RequestState::Open, now);
            self.tokens.remember(&scope, request, Made::OpenRequest(id), memory);
            return Err(self.price_too_low(&checked));
        }
        let count = self.count(request, &checked, now)?;
        let reservation = self.new_id("r");
        let mut made = Vec::new();
        for _ in 0..count {
            let open = match request.market {
                CapacityType::Spot => {
                    Some(self.new_request(request, checked.kind, RequestState::Active, now))
                }
                CapacityType::OnDemand => None,
            };
            made.push(self.make(request, &checked, (&reservation, open), now)?);
        }
        self.tokens.remember(&scope, request, Made::Instances(made.clone()), memory);
        Ok(made.iter().filter_map(|number| self.instances.get(number).cloned()).collect())
    }

    fn check(&self, request: &RunInstances) -> Result<Checked, ApiError> {
        if let Some(token) = &request.client_token {
            Tokens::check(token)?;
        }
        if request.least == 0 || request.most < request.least {
            return Err(bad_value(format!("Invalid counts: {} to {}", request.least, request.most)));
        }
        let image = request.image.as_deref().ok_or_else(|| missing("ImageId"))?;
        if !image.starts_with("ami-") {
            return Err(ApiError::new("InvalidAMIID.Malformed", format!("Invalid id: \"{image}\"")));
        }
        let known = catalog::image(image).filter(|_| self.settings.knows_images);
        let image = known.ok_or_else(|| {
            ApiError::new("InvalidAMIID.NotFound", format!("The image id '[{image}]' does not exist"))
        })?;
        let name = request.instance_type.as_deref().unwrap_or("m5.large");
        let kind = catalog::instance_type(name)
            .ok_or_else(|| bad_value(format!("Invalid value '{name}' for InstanceType.")))?;
        if kind.architecture != image.architecture {
            let message = format!(
                "The architecture '{}' of the specified instance type does not match the architecture '{}' of the \
                 specified AMI.",
                kind.architecture.as_str(),
                image.architecture.as_str()
            );
            return Err(ApiError::new("UnsupportedOperation", message));
        }
        if let Some(unknown) = request.groups.iter().find(|group| !self.groups.contains(*group)) {
            let message = format!("The security group '{unknown}' does not exist");
            return Err(ApiError::new("InvalidGroup.NotFound", message));
        }
        check_user_data(request.user_data.as_deref())?;
        for tags in [&request.tags, &request.volume_tags, &request.interface_tags, &request.request_tags] {
            check_tags(tags)?;
        }
        if request.max_price.is_some_and(|price| price <= LEAST_PRICE) {
            return Err(bad_value("The maximum spot price must be above 0.001 USD per hour."));
        }
        let subnet = self.network.choose(request.subnet.as_deref(), request.zone.as_deref())?;
        if !kind.is_offered_in(&subnet.zone) {
            let message = format!(
                "Your requested instance type ({name}) is not supported in your requested Availability Zone ({}).",
                subnet.zone
            );
            return Err(ApiError::new("Unsupported", message));
        }
        let place = Place { kind: kind.name, zone: subnet.zone.clone(), market: request.market };
        Ok(Checked { kind, image: image.id, subnet: subnet.id.clone(), place })
    }

    /// How many instances there will be: as many as fit, if those are enough.
    fn count(&mut self, request: &RunInstances, checked: &Checked, now: Timestamp) -> Result<u32, ApiError> {
        let subnet = self.network.get(&checked.subnet);
        let free = subnet.map_or(0, super::super::network::Subnet::free);
        if free < request.least {
            let exhausted = subnet.map(super::super::network::Subnet::exhausted);
            return Err(exhausted.unwrap_or_else(|| ApiError::new("InternalError", "The subnet went away.")));
        }
        if self.by_chance(self.settings.chaos.insufficient_capacity) {
            return Err(insufficient(&checked.place));
        }
        let fitting = self.capacity.fitting(&checked.place, checked.kind, request.most, now)?;
        if fitting < request.least {
            return Err(insufficient(&checked.place));
        }
        Ok(fitting.min(free))
    }

    fn make(
        &mut self,
        request: &RunInstances,
        checked: &Checked,
        (reservation, open): (&str, Option<String>),
        now: Timestamp,
    ) -> Result<u64, ApiError> {
        let subnet = self.network.get_mut(&checked.subnet);
        let address = match subnet {
            Some(subnet) => subnet.allocate()?,
            None => return Err(ApiError::new("InternalError", "The subnet went away.")),
        };
        let families = self.settings.families;
        self.launched += 1;
        let number = self.launched;
        let id = self.new_id("i");
        let volume = self.new_volume(request, &id, &checked.place.zone, now);
        let interface = self.new_interface(&checked.subnet, address, request, &id);
        if let Some(request) = open.as_deref().and_then(|id| self.attachments.find(id))
            && let Some(request) = self.attachments.requests.get_mut(&request)
        {
            request.instance = Some(id.clone());
            request.state = RequestState::Active;
        }
        let groups =
            if request.groups.is_empty() { vec![Network::GROUP.to_owned()] } else { request.groups.clone() };
        let instance = Ec2Instance {
            number,
            id: id.clone(),
            reservation: reservation.to_owned(),
            state: InstanceState::Pending,
            reason: None,
            transition: String::new(),
            token: request.client_token.clone(),
            kind: checked.kind,
            market: request.market,
            zone: checked.place.zone.clone(),
            subnet: checked.subnet.clone(),
            image: checked.image.to_owned(),
            groups,
            user_data: request.user_data.clone(),
            tags: request.tags.as_ref().clone(),
            private_ip: Some(address).filter(|_| families.has_v4()),
            ipv6: families.v6(address),
            public_ip: None,
            launched_at: now,
            visible_by_id_at: later(now, self.settings.visible_by_id.draw(&mut self.times)),
            visible_by_tag_at: later(now, self.settings.visible_by_tag.draw(&mut self.times)),
            checks_pass_at: None,
            is_impaired: false,
            is_protected: request.is_protected,
            ends_on_shutdown: request.ends_on_shutdown,
            spot_request: open,
            taken_back_at: None,
            volumes: vec![volume],
            interface,
            ended_by: None,
            generation: 0,
        };
        self.capacity.allocate(checked.place.clone(), checked.kind);
        let what = Happening::Launched {
            pod: instance.pod().map(str::to_owned),
            token: instance.token.clone(),
            instance_type: checked.kind.name,
            market: instance.market,
            zone: instance.zone.clone(),
        };
        self.by_id.insert(id.clone(), number);
        self.first_tags.insert(id.clone(), Arc::clone(&request.tags));
        self.instances.insert(number, Arc::new(instance));
        self.tell(now, &id, what);
        let runs_at = self.after(now, self.settings.boot);
        self.plan(runs_at, number, Step::Run);
        Ok(number)
    }

    fn new_volume(&mut self, request: &RunInstances, instance: &str, zone: &str, now: Timestamp) -> String {
        let id = self.new_id("vol");
        let number = self.attachments.number(&id);
        let volume = Volume {
            number,
            id: id.clone(),
            size_gib: request.volume_gib.unwrap_or(IMAGE_GIB),
            zone: zone.to_owned(),
            tags: request.volume_tags.as_ref().clone(),
            instance: Some(instance.to_owned()),
            deleted_on_termination: !request.keeps_volumes,
            created_at: now,
        };
        self.attachments.volumes.insert(number, volume);
        id
    }

    fn new_interface(
        &mut self,
        subnet: &str,
        address: std::net::Ipv4Addr,
        request: &RunInstances,
        instance: &str,
    ) -> String {
        let id = self.new_id("eni");
        let number = self.attachments.number(&id);
        let interface = Interface {
            number,
            id: id.clone(),
            subnet: subnet.to_owned(),
            address,
            tags: request.interface_tags.as_ref().clone(),
            instance: Some(instance.to_owned()),
        };
        self.attachments.interfaces.insert(number, interface);
        id
    }

    fn new_request(
        &mut self,
        request: &RunInstances,
        kind: &'static InstanceType,
        state: RequestState,
        now: Timestamp,
    ) -> String {
        let id = self.new_id("sir");
        let number = self.attachments.number(&id);
        let launch = (state == RequestState::Open).then(|| request.clone());
        let request = SpotRequest {
            number,
            id: id.clone(),
            state,
            tags: request.request_tags.as_ref().clone(),
            kind: kind.name,
            max_price: request.max_price,
            instance: None,
            created_at: now,
            launch,
        };
        self.attachments.requests.insert(number, request);
        if state == RequestState::Open {
            self.tell(now, &id, Happening::Created);
        }
        id
    }

    /// An open request gets its instance, if there is capacity; else it stays open.
    pub(super) fn fulfil(&mut self, id: &str, now: Timestamp) {
        let number = self.attachments.find(id);
        let request = number.and_then(|number| self.attachments.requests.get(&number));
        let Some(launch) = request.and_then(|request| request.launch.clone()) else { return };
        let reservation = self.new_id("r");
        let made = self.check(&launch).and_then(|checked| {
            self.zone_up(&checked.place.zone)?;
            self.count(&launch, &checked, now)?;
            self.make(&launch, &checked, (&reservation, Some(id.to_owned())), now)
        });
        if let Ok(made) = made {
            self.tokens.fulfilled(id, made);
        }
    }

    /// The same token again: its instances as they are now.
    fn launched_before(&self, numbers: &[u64]) -> Result<Vec<Arc<Ec2Instance>>, ApiError> {
        let instances: Vec<_> =
            numbers.iter().filter_map(|number| self.instances.get(number).cloned()).collect();
        if instances.iter().all(|instance| instance.state == InstanceState::Terminated) {
            let message =
                "The request uses the same client token as a launch whose instance has been terminated.";
            return Err(ApiError::new("IdempotentInstanceTerminated", message));
        }
        Ok(instances)
    }

    fn is_open(&self, id: &str) -> bool {
        let request = self.attachments.find(id).and_then(|number| self.attachments.requests.get(&number));
        request.is_some_and(|request| request.state == RequestState::Open)
    }

    fn is_too_cheap(&self, request: &RunInstances, checked: &Checked) -> bool {
        request.market == CapacityType::Spot
            && request.max_price.is_some_and(|most| most < self.spot_price(checked.kind))
    }

    fn price_too_low(&self, checked: &Checked) -> ApiError {
        let price = self.spot_price(checked.kind);
        let message = format!(
            "Your Spot request price is lower than the minimum required Spot request fulfillment price of {}.{:06}.",
            price / 1_000_000,
            price % 1_000_000
        );
        ApiError::new("SpotMaxPriceTooLow", message)
    }
}
