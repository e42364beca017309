//! Tests of the back end through the SDK, against servers.

mod contract;
mod faults;
mod sweep;
