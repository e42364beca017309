//! The API server on a socket: HTTP/1.1, plain or with TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::service::ApiService;
use super::verbs::Upgrade;

/// A client that says nothing for this long in the handshake is given up.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);
/// The most connections at a time.
const CONNECTIONS: usize = 4096;

/// How the API is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS, with a certificate of an authority made for it.
    Tls,
    /// Plain HTTP: for loopback only.
    Plain,
}

/// Why the API cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be used.
    #[error("cannot use the certificate: {0}")]
    Tls(#[from] rustls::Error),
}

/// An API that is offered; it ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    ca_pem: Option<String>,
    task: AbortHandle,
}

impl Served {
    /// The address of the API, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The socket that is listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that clients are to trust; none without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// A kubeconfig of an administrator, as YAML.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_with("administrator")
    }

    /// A kubeconfig with this token, as YAML.
    #[must_use]
    pub fn kubeconfig_with(&self, token: &str) -> String {
        let authority = self.ca_pem.as_ref().map_or_else(String::new, |pem| {
            format!("    certificate-authority-data: {}\n", BASE64.encode(pem.as_bytes()))
        });
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n\
             - name: fake\n\
             \x20 cluster:\n\
             \x20   server: {}\n\
             {authority}\
             users:\n\
             - name: admin\n\
             \x20 user:\n\
             \x20   token: {token}\n\
             contexts:\n\
             - name: fake\n\
             \x20 context:\n\
             \x20   cluster: fake\n\
             \x20   user: admin\n\
             \x20   namespace: default\n\
             current-context: fake\n",
            self.url()
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Offers the service on this address; port 0 means any free port.
pub(crate) async fn serve(
    service: ApiService,
    address: SocketAddr,
    transport: Transport,
) -> Result<Served, ServeError> {
    let listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (acceptor, ca_pem) = match transport {
        Transport::Plain => (None, None),
        Transport::Tls => {
            let (config, ca_pem) = identity(address)?;
            (Some(TlsAcceptor::from(Arc::new(config))), Some(ca_pem))
        }
    };
    let task = tokio::spawn(accept(service, listener, acceptor)).abort_handle();
    Ok(Served { address, ca_pem, task })
}

/// A server certificate of a fresh authority.
fn identity(address: SocketAddr) -> Result<(ServerConfig, String), ServeError> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "orca-fake-ca");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let names =
        vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
    let mut wanted = CertificateParams::new(names)?;
    wanted.distinguished_name.push(DnType::CommonName, "orca-fake-api-server");
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = wanted.signed_by(&key, &authority)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, authority.pem()))
}

/// Accepts connections until it is dropped, and with it all of them.
async fn accept(service: ApiService, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let _detached = connections.spawn(connection(service.clone(), stream, acceptor.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(service: ApiService, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
    // Events are small and must not wait for others.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let Some(acceptor) = acceptor else {
        return speak(service, stream).await;
    };
    match tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => speak(service, stream).await,
        Ok(Err(error)) => tracing::debug!(%error, "a handshake has failed"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}

async fn speak(service: ApiService, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let handler = service_fn(move |mut request: Request<Incoming>| {
        let mut service = service.clone();
        if request.headers().contains_key(http::header::UPGRADE) {
            let upgrade = Upgrade::new(hyper::upgrade::on(&mut request));
            request.extensions_mut().insert(upgrade);
        }
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), handler)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection has ended");
    }
}
