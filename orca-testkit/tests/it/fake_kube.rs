//! `FakeKube` through its faces.

mod basics;
mod contract;
#[cfg(feature = "servers")]
mod kubectl;
mod kubelet;
mod replay;
