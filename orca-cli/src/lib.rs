//! The `orca` program: flags, config, logging, health and the way to the cluster; `main.rs` only calls it.
//!
//! Reading order: [`args`], [`environment`], [`config`], [`logging`], [`proxies`], [`kubeconfig`], [`server`], [`report`], and
//! `dispatch`, which puts them in order.

pub mod args;
pub mod config;
mod dispatch;
pub mod environment;
pub mod kubeconfig;
pub mod logging;
mod process;
pub mod proxies;
pub mod report;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
pub mod server;

pub use dispatch::main;
