//! Contract suites: what every implementation of a seam must do, the fake ones and the real ones alike.

pub mod cloud;
pub mod kube;
