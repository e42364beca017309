//! The program from outside: config errors without any server, and end to end on a real control plane and an EC2 server.

#![expect(clippy::panic, reason = "helpers of tests fail by panicking")]

mod config;
mod documents;
mod e2e;
#[cfg(feature = "sandbox")]
mod sandbox;
