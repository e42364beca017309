//! Kubeconfig files: one server, one identity each.

use crate::servers::certificates::PemPair;
use crate::servers::{Error, files};
use serde_json::{Value, json};
use std::path::Path;

/// Who the file speaks as.
#[derive(Debug)]
pub(crate) enum Identity<'a> {
    /// A client certificate.
    Certificate(&'a PemPair),
    /// A bearer token.
    Token(&'a str),
}

/// Writes the file as JSON, which is YAML too.
pub(crate) fn write(path: &Path, server: &str, ca: &Path, identity: &Identity<'_>) -> Result<(), Error> {
    let user: Value = match identity {
        Identity::Certificate(pair) => {
            json!({ "client-certificate": pair.certificate, "client-key": pair.key })
        }
        Identity::Token(token) => json!({ "token": token }),
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": { "server": server, "certificate-authority": ca } }],
        "users": [{ "name": "test", "user": user }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "current-context": "test",
    });
    files::write(path, config.to_string())
}
