//! Label and field selectors: which objects a list or a watch is about.

mod field;
mod label;

pub use field::FieldSelector;
pub use label::LabelSelector;

use super::error::ApiError;
use super::object::Object;
use super::resource::Resource;

/// Both selectors of a request.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// By labels.
    pub labels: LabelSelector,
    /// By the fields that the API server indexes.
    pub fields: FieldSelector,
}

impl Selector {
    /// Reads both selectors; empty texts select everything.
    ///
    /// # Errors
    ///
    /// 400 as from the API server: it is no selector.
    pub fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self { labels: LabelSelector::parse(labels)?, fields: FieldSelector::parse(resource, fields)? })
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether the object is selected.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        self.fields.matches(object) && self.labels.matches(object)
    }
}

#[cfg(test)]
mod tests;
