//! A stateful model of EC2, for tests and simulations.
//!
//! The same settings, seed, clock and calls give the same ids, delays, failures and events. There are two ways to call it,
//! through the same pipeline:
//!
//! - [`FakeEc2::cloud`]: the cloud traits of `orca-core`, in process;
//! - [`FakeEc2::serve`]: EC2's query protocol over HTTP, for the real SDK and for probes.
//!
//! A test can also order [faults](FakeEc2::fault), act like [other people](FakeEc2::end) and like EC2 itself, and read a
//! ledger of [every call](FakeEc2::calls) and [every effect](FakeEc2::events).
//!
//! ```
//! # use orca_core::cloud::CloudClient;
//! use orca_testkit::fake_ec2::{Ec2Settings, Effect, Fault, FakeEc2};
//!
//! # async fn example() {
//! let ec2 = FakeEc2::new(Ec2Settings::instant(), orca_core::clock::system());
//! ec2.fault(Fault::on("RunInstances", Effect::refuse("InsufficientInstanceCapacity")));
//! let cloud = ec2.cloud(); // a back end of ORCA; its first launch is refused
//! assert!(cloud.describe(&["i-00000000000000000".into()]).await.expect("an answer").is_empty());
//! assert_eq!(ec2.calls_of("DescribeInstances").len(), 1);
//! # }
//! ```
//!
//! ```text
//!  cloud ──┐                  ┌ fault? ► permits ► credentials ► zone ┐
//!          ├► delay ► [ lock: │ catch up with the clock               ├► model ► ledger ] ► delay ► answer, or none
//!  HTTP  ──┘                  └───────────────────────────────────────┘
//! ```
//!
//! What it does not have: launch templates, fleets, capacity reservations, placement groups, and a check of signatures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use orca_core::clock::Clock;

mod action;
mod api_error;
mod attachments;
mod bucket;
mod capacity;
pub mod catalog;
mod cloud;
mod control;
mod fault;
mod http;
mod instance;
mod ledger;
mod model;
mod network;
mod page;
mod pipeline;
mod request;
mod settings;
mod token;

pub use api_error::ApiError;
pub use capacity::{Pool, Supply};
pub use cloud::FakeCloud;
pub use fault::{Effect, Fault, FaultId};
pub use http::Served;

pub use attachments::{Interface, RequestState, SpotRequest, Volume};
pub use instance::{Ec2Instance, Ender, Tags};
pub use ledger::{Call, CallOutcome, Event, Happening, Violation};
pub use settings::{Chaos, Ec2Settings, Families, Quotas, Span, SubnetSettings};

use crate::signal::Signal;
use model::Model;

/// One account of EC2 in one region. Cloning is cheap; clones are the same region.
#[derive(Clone, Debug)]
pub struct FakeEc2 {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    // A blocking lock, held for one synchronous step of the model and never across an await.
    model: Mutex<Model>,
    frozen: Signal<bool>,
}

/// There is no instance with this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no instance {0}")]
pub struct UnknownInstance(pub String);

impl FakeEc2 {
    /// A region without instances. It takes all times from this clock.
    #[must_use]
    pub fn new(settings: Ec2Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                model: Mutex::new(Model::new(settings)),
                frozen: Signal::new(false),
            }),
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, Model> {
        self.shared.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step outside of any call, after the model has caught up with the clock.
    fn at_once<T>(&self, step: impl FnOnce(&mut Model, Timestamp) -> T) -> T {
        let now = self.now();
        let mut model = self.lock();
        model.catch_up(now);
        step(&mut model, now)
    }

    fn with(
        &self,
        instance: &str,
        step: impl FnOnce(&mut Model, u64, Timestamp),
    ) -> Result<(), UnknownInstance> {
        self.at_once(|model, now| {
            let number = model.number(instance).ok_or_else(|| UnknownInstance(instance.to_owned()))?;
            step(model, number, now);
            Ok(())
        })
    }
}
