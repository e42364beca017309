//! Request and resource buckets, with AWS's default sizes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::api_error::ApiError;

/// How a call is counted (EC2 developer guide, "Request throttling for the Amazon EC2 API").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `RunInstances`: 5 and 2 a second; and as many resources as it launches, 1000 and 2 a second.
    Launch,
    /// `TerminateInstances`: 100 and 5 a second; and its instances, 1000 and 20 a second.
    Terminate,
    /// `StopInstances`: an ordinary change; and its instances, 1000 and 20 a second.
    Stop,
    /// A read with filters, ids or pages: 100 and 20 a second.
    Read,
    /// A read of everything at once: 50 and 10 a second.
    ReadAll,
    /// `CreateTags`: 100 and 10 a second.
    Tag,
    /// Volumes and interfaces: 100 and 5 a second.
    Storage,
    /// Any other change: 50 and 5 a second.
    Change,
}

impl Class {
    fn requests(self) -> (f64, f64) {
        match self {
            Self::Launch => (5.0, 2.0),
            Self::Terminate | Self::Storage => (100.0, 5.0),
            Self::Read => (100.0, 20.0),
            Self::ReadAll => (50.0, 10.0),
            Self::Tag => (100.0, 10.0),
            Self::Stop | Self::Change => (50.0, 5.0),
        }
    }

    fn resources(self) -> Option<(f64, f64)> {
        match self {
            Self::Launch => Some((1000.0, 2.0)),
            Self::Terminate | Self::Stop => Some((1000.0, 20.0)),
            Self::Read | Self::ReadAll | Self::Tag | Self::Storage | Self::Change => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    at: Timestamp,
}

/// One bucket a key; an action's reads with and without filters are two.
#[derive(Debug, Default)]
pub(super) struct Buckets(BTreeMap<(&'static str, &'static str), Bucket>);

impl Buckets {
    /// Acquires the permits of one call, or refuses it. A call that is refused for its resources has cost its request.
    pub(super) fn try_acquire(
        &mut self,
        action: &'static str,
        class: Class,
        resources: usize,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let kind = if class == Class::ReadAll { "requests for everything" } else { "requests" };
        self.try_acquire_from((action, kind), class.requests(), 1.0, now)?;
        match class.resources() {
            Some(sizes) => {
                let count = f64::from(u32::try_from(resources).unwrap_or(u32::MAX));
                self.try_acquire_from((action, "resources"), sizes, count, now)
            }
            None => Ok(()),
        }
    }

    fn try_acquire_from(
        &mut self,
        key: (&'static str, &'static str),
        (capacity, per_second): (f64, f64),
        count: f64,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let bucket = self.0.entry(key).or_insert(Bucket { level: capacity, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.level = (bucket.level + passed * per_second).min(capacity);
        bucket.at = now;
        if bucket.level < count {
            return Err(ApiError::new("RequestLimitExceeded", "Request limit exceeded."));
        }
        bucket.level -= count;
        Ok(())
    }
}
