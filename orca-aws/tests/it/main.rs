//! Tests of the back end through the SDK, against servers.

mod config;
mod contract;
mod faults;
mod sweep;
mod worlds;
