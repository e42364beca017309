//! Launching: what is requested, what is offered, the token that makes a launch safe to repeat, and the record of it.

mod offer;
mod record;
mod request;
mod token;

pub use offer::Offer;
pub use record::{AttemptState, Held, LaunchRecord, NewAttempt, RecordError, Refusal};
pub use request::LaunchRequest;
pub use token::LaunchToken;
