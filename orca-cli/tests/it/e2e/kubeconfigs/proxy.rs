//! A proxy that makes tunnels: by CONNECT, by CONNECT inside TLS, or by SOCKS 5.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orca_testkit::servers::PemPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Connect,
    ConnectOverTls,
    Socks,
}

/// A proxy on loopback; it ends when dropped.
pub(super) struct Proxy {
    address: SocketAddr,
    tunnels: Arc<AtomicUsize>,
    _serving: AbortOnDropHandle<()>,
}

impl Proxy {
    pub(super) async fn start(kind: Kind, pair: &PemPair) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let tunnels = Arc::new(AtomicUsize::new(0));
        let certificate = CertificateDer::from_pem_file(&pair.certificate).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(&pair.key).expect("a key");
        let tls = rustls::ServerConfig::builder().with_no_client_auth();
        let tls = TlsAcceptor::from(Arc::new(tls.with_single_cert(vec![certificate], key).expect("TLS")));
        let counter = Arc::clone(&tunnels);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _from)) = listener.accept().await {
                let (tls, counter) = (tls.clone(), Arc::clone(&counter));
                tokio::spawn(async move {
                    match kind {
                        Kind::Connect => connect(stream, &counter).await,
                        Kind::ConnectOverTls => connect(tls.accept(stream).await.ok()?, &counter).await,
                        Kind::Socks => socks(stream, &counter).await,
                    }
                });
            }
        });
        Self { address, tunnels, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many tunnels it has made.
    pub(super) fn tunnels(&self) -> usize {
        self.tunnels.load(Ordering::Relaxed)
    }
}

/// It wants the user `user` with the password `pass`, as the second line of defence that such proxies have.
async fn connect(mut stream: impl AsyncRead + AsyncWrite + Unpin, tunnels: &AtomicUsize) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split_whitespace().next()?.to_owned();
    if !head.to_lowercase().contains("proxy-authorization: basic dxnlcjpwyxnz") {
        return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.ok();
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    tunnel(stream, target, tunnels).await
}

async fn socks(mut stream: TcpStream, tunnels: &AtomicUsize) -> Option<()> {
    let mut greeting = [0_u8; 2];
    stream.read_exact(&mut greeting).await.ok()?;
    stream.read_exact(&mut vec![0; usize::from(greeting[1])]).await.ok()?;
    stream.write_all(&[5, 0]).await.ok()?;
    let mut request = [0_u8; 4];
    stream.read_exact(&mut request).await.ok()?;
    let host = if request[3] == 1 {
        std::net::Ipv4Addr::from(stream.read_u32().await.ok()?).to_string()
    } else {
        let mut name = vec![0; usize::from(stream.read_u8().await.ok()?)];
        stream.read_exact(&mut name).await.ok()?;
        String::from_utf8(name).ok()?
    };
    let port = stream.read_u16().await.ok()?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    tunnel(stream, format!("{host}:{port}"), tunnels).await
}

async fn tunnel(
    mut near: impl AsyncRead + AsyncWrite + Unpin,
    target: String,
    tunnels: &AtomicUsize,
) -> Option<()> {
    let mut far = TcpStream::connect(target).await.ok()?;
    tunnels.fetch_add(1, Ordering::Relaxed);
    copy_bidirectional(&mut near, &mut far).await.ok().map(drop)
}
