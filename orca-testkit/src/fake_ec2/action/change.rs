//! Actions that change something, launches aside.

use jiff::Timestamp;

use super::{Action, Note, word, words_of_ids, words_of_tags};
use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::attachments::{RequestState, SpotRequest, Volume};
use crate::fake_ec2::bucket::Class;
use crate::fake_ec2::instance::Tags;
use crate::fake_ec2::model::{Change, Model};

/// `TerminateInstances`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct TerminateInstances(pub(in crate::fake_ec2) Vec<String>);

/// `StopInstances`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct StopInstances(pub(in crate::fake_ec2) Vec<String>);

/// `CreateTags`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct CreateTags {
    pub(in crate::fake_ec2) resources: Vec<String>,
    pub(in crate::fake_ec2) tags: Tags,
}

/// `CreateVolume`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct CreateVolume {
    pub(in crate::fake_ec2) zone: String,
    pub(in crate::fake_ec2) size_gib: u32,
    pub(in crate::fake_ec2) tags: Tags,
}

/// `DeleteVolume`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct DeleteVolume(pub(in crate::fake_ec2) String);

/// `DeleteNetworkInterface`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct DeleteInterface(pub(in crate::fake_ec2) String);

/// `CancelSpotInstanceRequests`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct CancelSpotRequests(pub(in crate::fake_ec2) Vec<String>);

impl Action for TerminateInstances {
    type Answer = Vec<Change>;

    fn name(&self) -> &'static str {
        "TerminateInstances"
    }

    fn class(&self) -> Class {
        Class::Terminate
    }

    fn resources(&self) -> usize {
        self.0.len()
    }

    fn words(&self) -> Vec<(String, String)> {
        words_of_ids("InstanceId", &self.0)
    }

    fn note(&self) -> Note {
        Note { instances: self.0.clone(), ..Note::default() }
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.terminate_instances(&self.0, now)
    }
}

impl Action for StopInstances {
    type Answer = Vec<Change>;

    fn name(&self) -> &'static str {
        "StopInstances"
    }

    fn class(&self) -> Class {
        Class::Stop
    }

    fn resources(&self) -> usize {
        self.0.len()
    }

    fn words(&self) -> Vec<(String, String)> {
        words_of_ids("InstanceId", &self.0)
    }

    fn note(&self) -> Note {
        Note { instances: self.0.clone(), ..Note::default() }
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.stop_instances(&self.0, now)
    }
}

impl Action for CreateTags {
    type Answer = ();

    fn name(&self) -> &'static str {
        "CreateTags"
    }

    fn class(&self) -> Class {
        Class::Tag
    }

    fn words(&self) -> Vec<(String, String)> {
        let mut words = words_of_ids("ResourceId", &self.resources);
        words.extend(words_of_tags(&self.tags));
        words
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.create_tags(&self.resources, &self.tags, now)
    }
}

impl Action for CreateVolume {
    type Answer = Volume;

    fn name(&self) -> &'static str {
        "CreateVolume"
    }

    fn class(&self) -> Class {
        Class::Storage
    }

    fn words(&self) -> Vec<(String, String)> {
        let mut words = vec![word("AvailabilityZone", &self.zone)];
        words.extend(words_of_tags(&self.tags));
        words
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.create_volume(&self.zone, self.size_gib, &self.tags, now)
    }
}

impl Action for DeleteVolume {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteVolume"
    }

    fn class(&self) -> Class {
        Class::Storage
    }

    fn words(&self) -> Vec<(String, String)> {
        vec![word("VolumeId", &self.0)]
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.delete_volume(&self.0, now)
    }
}

impl Action for DeleteInterface {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteNetworkInterface"
    }

    fn class(&self) -> Class {
        Class::Storage
    }

    fn words(&self) -> Vec<(String, String)> {
        vec![word("NetworkInterfaceId", &self.0)]
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        model.delete_interface(&self.0, now)
    }
}

impl Action for CancelSpotRequests {
    type Answer = Vec<(String, RequestState)>;

    fn name(&self) -> &'static str {
        "CancelSpotInstanceRequests"
    }

    fn class(&self) -> Class {
        Class::Change
    }

    fn words(&self) -> Vec<(String, String)> {
        words_of_ids("SpotInstanceRequestId", &self.0)
    }

    fn run(&self, model: &mut Model, now: Timestamp) -> Result<Self::Answer, ApiError> {
        let cancelled: Vec<SpotRequest> = model.cancel_requests(&self.0, now)?;
        Ok(cancelled.into_iter().map(|request| (request.id, request.state)).collect())
    }
}
