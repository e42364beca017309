//! A stateful model of EC2, for tests and simulations.
//!
//! Everything in it is a function of the settings, the seed, the clock and the calls: the same four give the same ids,
//! delays, failures and events. It has two faces, which send their calls through the same pipeline:
//!
//! - [`FakeEc2::cloud`]: the cloud traits of `orca-core`, in process;
//! - [`FakeEc2::serve`]: EC2's query protocol over HTTP, for the real SDK and for probes.
//!
//! Beside them stand [the orders of a test](FakeEc2::fault), [what others do to instances](FakeEc2::end), and a ledger of
//! [every call](FakeEc2::calls) and [every effect](FakeEc2::events).
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

/// A region of EC2. Cloning is cheap, and clones are the same region.
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
    /// A region without instances, on this clock.
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

    /// One step outside of every call, in a world that has caught up with the clock.
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
