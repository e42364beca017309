//! The fake EC2.

mod contract;
#[cfg(feature = "servers")]
mod http;
mod ledger;
mod life;
mod limits;
mod support;
mod tokens;
