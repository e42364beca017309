//! Contract suites: what every cloud back end and every API server must do. The same assertions run on the fakes and on the
//! real servers.

pub mod cloud;
pub mod kube;
