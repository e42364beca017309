//! One context of a kubeconfig as a way to its cluster, by client-go's rules.
//!
//! kube has a loader of its own. It reads `HTTPS_PROXY` and `NO_PROXY` by itself, compares `NO_PROXY` with the proxy in
//! place of the server, and ends at a comma too many; and it takes an empty value for a value. What it does with a
//! config after that is kube's.

use std::path::Path;

use http::Uri;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig, KubeconfigError};
use secrecy::{ExposeSecret, SecretString};

use super::access::Access;
use super::identity::{CertificateError, Material, check_client};
use super::plugin::{self, PluginError};
use super::token_file::{TokenFile, TokenFileError};
use crate::proxies::{self, Proxies, ProxyError};

/// Why a context leads to no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// It names an entry that there is not.
    #[error("it names the {kind} \"{name}\", which the file does not have; it has: {}", known.join(", "))]
    NoEntry {
        /// `cluster` or `user`.
        kind: &'static str,
        /// As it is named.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The cluster has no address.
    #[error("the cluster \"{0}\" has no server; give its URL, such as https://10.0.0.1:6443")]
    NoServer(String),
    /// The address is no URL.
    #[error("server has the value \"{0}\": give a URL such as https://10.0.0.1:6443")]
    NotAServer(String),
    /// A certificate or a key.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A token.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// A proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A credential plugin.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// What a plugin is told of its cluster.
    #[error("the credential plugin cannot be told of the cluster: {0}")]
    ClusterInfo(#[source] KubeconfigError),
}

/// The way to the cluster of this context.
pub(super) fn access(
    kubeconfig: &Kubeconfig,
    context: &str,
    proxies: &Proxies,
) -> Result<Access, ContextError> {
    let named = kubeconfig.contexts.iter().find(|known| known.name == context);
    let context = named.and_then(|named| named.context.clone()).unwrap_or_default();
    let cluster = cluster(kubeconfig, &context.cluster)?;
    let mut user = user(kubeconfig, context.user.as_deref().unwrap_or_default())?;
    check_client(&client_certificate(&user), &client_key(&user))?;

    let mut config = kube::Config::new(server(&context.cluster, &cluster)?);
    config.default_namespace =
        context.namespace.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".into());
    config.root_cert = certificate_authority(&cluster).authorities()?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or_default();
    config.disable_compression = cluster.disable_compression.unwrap_or_default();
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    config.proxy_url = match &cluster.proxy_url {
        // What the kubeconfig says holds for every host, as in client-go.
        Some(url) => Some(proxies::usable("proxy-url", url)?),
        None => proxies.to(&config.cluster_url)?,
    };
    if let Some(exec) = &mut user.exec {
        plugin::check(exec)?;
        if exec.provide_cluster_info {
            exec.cluster = Some(ExecAuthCluster::try_from(&cluster).map_err(ContextError::ClusterInfo)?);
        }
    }
    let token = token_file(&mut user)?;
    config.auth_info = user;
    Ok(Access::new(config, token))
}

fn cluster(kubeconfig: &Kubeconfig, name: &str) -> Result<Cluster, ContextError> {
    let entries = &kubeconfig.clusters;
    let found = entries.iter().find(|entry| entry.name == name).and_then(|entry| entry.cluster.clone());
    let mut cluster = found.ok_or_else(|| ContextError::NoEntry {
        kind: "cluster",
        name: name.to_owned(),
        known: entries.iter().map(|entry| entry.name.clone()).collect(),
    })?;
    for value in [&mut cluster.server, &mut cluster.tls_server_name, &mut cluster.proxy_url] {
        trim(value);
    }
    tidy_file(&mut cluster.certificate_authority);
    tidy_data(&mut cluster.certificate_authority_data);
    Ok(cluster)
}

/// Without a user there are no credentials, as in client-go; a user that is named has to be there.
fn user(kubeconfig: &Kubeconfig, name: &str) -> Result<AuthInfo, ContextError> {
    if name.is_empty() {
        return Ok(AuthInfo::default());
    }
    let entries = &kubeconfig.auth_infos;
    let found = entries.iter().find(|entry| entry.name == name).ok_or_else(|| ContextError::NoEntry {
        kind: "user",
        name: name.to_owned(),
        known: entries.iter().map(|entry| entry.name.clone()).collect(),
    })?;
    let mut user = found.auth_info.clone().unwrap_or_default();
    for value in [&mut user.username, &mut user.impersonate, &mut user.impersonate_uid] {
        trim(value);
    }
    for file in [&mut user.token_file, &mut user.client_certificate, &mut user.client_key] {
        tidy_file(file);
    }
    tidy_data(&mut user.client_certificate_data);
    user.client_key_data = user.client_key_data.and_then(|key| {
        let mut text = Some(key.expose_secret().to_owned());
        tidy_data(&mut text);
        text.map(SecretString::from)
    });
    user.token = user.token.and_then(|token| {
        let text = token.expose_secret().trim();
        (!text.is_empty()).then(|| SecretString::from(text.to_owned()))
    });
    if user.username.is_none() {
        user.password = None;
    } else if user.password.is_none() {
        user.password = Some(SecretString::from(String::new()));
    }
    Ok(user)
}

/// The address. Without a scheme it is one of plain HTTP, as in client-go.
fn server(name: &str, cluster: &Cluster) -> Result<Uri, ContextError> {
    let given = cluster.server.as_deref().ok_or_else(|| ContextError::NoServer(name.to_owned()))?;
    let whole = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let url: Uri = whole.parse().map_err(|_| ContextError::NotAServer(given.to_owned()))?;
    let is_known = ["http", "https"].contains(&url.scheme_str().unwrap_or_default());
    if is_known && url.host().is_some_and(|host| !host.is_empty()) {
        Ok(url)
    } else {
        Err(ContextError::NotAServer(given.to_owned()))
    }
}

/// The token in a file, which comes before the one that stands in the kubeconfig, as in client-go.
fn token_file(user: &mut AuthInfo) -> Result<Option<TokenFile>, ContextError> {
    let Some(path) = user.token_file.take() else { return Ok(None) };
    match TokenFile::open(Path::new(&path)) {
        Ok(file) => {
            user.token = None;
            Ok(Some(file))
        }
        Err(_) if user.token.is_some() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn certificate_authority(cluster: &Cluster) -> Material<'_> {
    Material {
        data_key: "certificate-authority-data",
        data: cluster.certificate_authority_data.as_deref(),
        file_key: "certificate-authority",
        file: cluster.certificate_authority.as_deref(),
    }
}

fn client_certificate(user: &AuthInfo) -> Material<'_> {
    Material {
        data_key: "client-certificate-data",
        data: user.client_certificate_data.as_deref(),
        file_key: "client-certificate",
        file: user.client_certificate.as_deref(),
    }
}

fn client_key(user: &AuthInfo) -> Material<'_> {
    Material {
        data_key: "client-key-data",
        data: user.client_key_data.as_ref().map(ExposeSecret::expose_secret),
        file_key: "client-key",
        file: user.client_key.as_deref(),
    }
}

fn trim(value: &mut Option<String>) {
    *value = value.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
}

/// kube makes paths absolute as it reads them, so an empty one has become a folder by now.
fn tidy_file(path: &mut Option<String>) {
    *path = path.take().filter(|path| !path.is_empty() && !path.ends_with('/'));
}

/// Go's decoder passes line ends over; the one of kube does not.
fn tidy_data(data: &mut Option<String>) {
    *data =
        data.take().map(|text| text.split_whitespace().collect::<String>()).filter(|text| !text.is_empty());
}
