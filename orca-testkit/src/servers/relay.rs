//! A relay in front of a server whose connections can go dead: they stay open and accept data, but nothing ever comes back,
//! as behind a gateway that has forgotten them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::Error;

/// A port that relays to a server, bytes as they are; closed when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    /// Connections that were made before this many black holes are dead.
    holes: watch::Sender<u64>,
    _task: AbortOnDropHandle<()>,
}

impl Relay {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub async fn start(server: SocketAddr) -> Result<Self, Error> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(loopback).await.map_err(Error::Port)?;
        let address = listener.local_addr().map_err(Error::Port)?;
        let (holes, seen) = watch::channel(0);
        let task = AbortOnDropHandle::new(tokio::spawn(serve(listener, server, seen)));
        Ok(Self { address, holes, _task: task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every connection that there is now goes dead; new ones work.
    pub fn black_hole(&self) {
        self.holes.send_modify(|holes| *holes += 1);
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, holes: watch::Receiver<u64>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(relay(client, server, holes.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn relay(mut client: TcpStream, server: SocketAddr, mut holes: watch::Receiver<u64>) {
    let born = *holes.borrow_and_update();
    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
    let is_dead = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => false,
        hole = holes.wait_for(|holes| *holes > born) => hole.is_ok(),
    };
    if is_dead {
        // Both sockets stay open, and the client's words are swallowed, until the client gives up.
        drop(tokio::io::copy(&mut client, &mut tokio::io::sink()).await);
    }
}
