//! One launch attempt: the [request](LaunchRequest) of a pod, the [offer](Offer) of a back end, the
//! [token](LaunchToken) that makes a launch safe to repeat, and the [record](LaunchRecord) in the pod's status.
//!
//! `ARCHITECTURE.md` explains the protocol that they are for, under "The launch protocol".

mod offer;
mod record;
mod request;
mod token;

pub use offer::Offer;
pub use record::{AttemptState, Held, LaunchRecord, NewAttempt, RecordError, Refusal};
pub use request::LaunchRequest;
pub use token::LaunchToken;
