//! Tests of the harness itself.

#[cfg(feature = "servers")]
mod client;
#[cfg(feature = "servers")]
mod control_plane;
#[cfg(feature = "fakes")]
mod ec2;
#[cfg(feature = "fakes")]
mod fake_kube;
#[cfg(all(feature = "fakes", feature = "servers"))]
mod fake_kube_controllers;
#[cfg(feature = "load")]
mod load;
#[cfg(feature = "servers")]
mod moto;
#[cfg(feature = "servers")]
mod prepare;
#[cfg(feature = "servers")]
mod proxy_calls;
#[cfg(feature = "servers")]
mod proxy_faults;
#[cfg(feature = "servers")]
mod proxy_tokens;
#[cfg(feature = "sim")]
mod simulation;
#[cfg(feature = "servers")]
mod upstream;
#[cfg(feature = "sim")]
mod virtual_node;
