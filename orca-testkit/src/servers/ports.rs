//! Free loopback ports.

use super::Error;
use std::net::{Ipv4Addr, TcpListener};

/// Different ports that were free a moment ago.
///
/// Somebody else may take one before the server binds it, so a start that fails on it is repeated.
pub(crate) fn free<const N: usize>() -> Result<[u16; N], Error> {
    // All are bound before any is given back: otherwise the system may hand out the same one twice.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Port)?;
        *port = listener.local_addr().map_err(Error::Port)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Whether a start failed because another process took the port.
pub(crate) fn was_taken(error: &Error) -> bool {
    matches!(error, Error::Ended { log, .. } if log.to_lowercase().contains("address already in use"))
}
