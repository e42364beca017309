//! The fake EC2.

mod contract;
#[cfg(feature = "servers")]
mod http;
mod life;
mod limits;
mod seen;
mod support;
mod tokens;
