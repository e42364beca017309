//! The way to a cluster, as often as a client of it is wanted.

use http::Request;
use kube::Client;
use kube::client::{Body, ClientBuilder};
use tower::util::MapRequestLayer;

use super::plugin::{self, PluginError};
use super::token_file::TokenFile;

/// What a client is made from. The heartbeat has one of its own, on a runtime of its own.
#[derive(Clone, Debug)]
pub struct Access {
    /// The address, the trust and the credentials.
    pub config: kube::Config,
    token: Option<TokenFile>,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A credential plugin.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The client itself.
    #[error("{}", orca_kube::in_words(.0))]
    Client(Box<kube::Error>),
}

impl Access {
    pub(super) fn new(config: kube::Config, token: Option<TokenFile>) -> Self {
        Self { config, token }
    }

    /// A client without retries of its own: every call is bounded and retried by the virtual node, which knows what may
    /// be repeated. It has to be made in the runtime in which it is used.
    ///
    /// # Errors
    ///
    /// TLS or the credentials cannot be set up from what the kubeconfig says.
    pub fn client(&self) -> Result<Client, AccessError> {
        let mut config = self.config.clone();
        config.default_retry = false;
        let builder = ClientBuilder::try_from(config).map_err(|error| self.failure(error))?;
        Ok(match self.token.clone() {
            None => builder.build(),
            Some(token) => {
                let authorize = move |request: Request<Body>| token.authorize(request);
                builder.with_layer(&MapRequestLayer::new(authorize)).build()
            }
        })
    }

    fn failure(&self, error: kube::Error) -> AccessError {
        let failure = match &self.config.auth_info.exec {
            Some(exec) => plugin::failure(exec, error),
            None => Err(error),
        };
        failure.map_or_else(|error| AccessError::Client(Box::new(error)), AccessError::Plugin)
    }
}

impl From<kube::Config> for Access {
    fn from(config: kube::Config) -> Self {
        Self::new(config, None)
    }
}
