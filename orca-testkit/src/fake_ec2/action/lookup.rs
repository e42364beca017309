//! Reads of what never changes: parameters, images, types, subnets. They cost a permit and meet faults like all others.

use jiff::Timestamp;

use super::{Action, word};
use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::bucket::Class;
use crate::fake_ec2::catalog;
use crate::fake_ec2::model::Model;

/// The parameter store's `GetParameter`.
#[derive(Clone, Debug)]
pub(in crate::fake_ec2) struct GetParameter(pub(in crate::fake_ec2) String);

impl Action for GetParameter {
    type Answer = &'static str;

    fn name(&self) -> &'static str {
        "GetParameter"
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn words(&self) -> Vec<(String, String)> {
        vec![word("Name", &self.0)]
    }

    fn run(&self, _model: &mut Model, _now: Timestamp) -> Result<Self::Answer, ApiError> {
        let found = catalog::parameter(&self.0);
        found.ok_or_else(|| ApiError::new("ParameterNotFound", format!("Parameter {} not found.", self.0)))
    }
}

/// A read that is a function of the model.
pub(in crate::fake_ec2) struct Look<F> {
    pub(in crate::fake_ec2) name: &'static str,
    pub(in crate::fake_ec2) words: Vec<(String, String)>,
    pub(in crate::fake_ec2) read: F,
}

impl<T: Send, F: Fn(&Model) -> Result<T, ApiError> + Send + Sync> Action for Look<F> {
    type Answer = T;

    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn words(&self) -> Vec<(String, String)> {
        self.words.clone()
    }

    fn run(&self, model: &mut Model, _now: Timestamp) -> Result<Self::Answer, ApiError> {
        (self.read)(model)
    }
}
