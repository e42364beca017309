//! The HTTP client of the SDK: with an optional [`Proxy`], and with host names in its errors.
//!
//! The SDK does not read a proxy from the environment, as the AWS CLI does. The program has to read it and pass it on.

use std::io;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Always reached directly: loopback, and the addresses at which an instance or a pod gets its credentials.
const NEVER: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::/32";

/// A proxy on the way to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL, with `http://` or `https://`, and with user and password if it needs them.
    pub url: String,
    /// The hosts that are reached directly, in the syntax of `NO_PROXY`.
    pub no_proxy: String,
}

/// A name that no address was found for.
#[derive(Debug, thiserror::Error)]
#[error("the host {host} was not found")]
pub(crate) struct HostNotFound {
    pub(crate) host: String,
    #[source]
    source: io::Error,
}

/// An HTTP client for this endpoint, or for AWS's own. None: the URL of the proxy cannot be used.
pub(crate) fn http_client(proxy: Option<&Proxy>, endpoint: Option<&str>) -> Option<SharedHttpClient> {
    let config = match proxy {
        None => ProxyConfig::disabled(),
        Some(proxy) => {
            let is_plain = endpoint.is_some_and(|url| url.starts_with("http://"));
            let config =
                if is_plain { ProxyConfig::http(&*proxy.url) } else { ProxyConfig::https(&*proxy.url) };
            config.ok()?.no_proxy(format!("{NEVER},{}", proxy.no_proxy))
        }
    };
    Some(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .proxy_config(config.clone());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.build_with_resolver(Resolver)
    }))
}

/// The resolver of the operating system. Its errors name no host, so the host is added.
#[derive(Clone, Debug)]
struct Resolver;

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let host = name.to_owned();
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            match found.map(|addresses| addresses.map(|address| address.ip()).collect()) {
                Ok(addresses) => Ok(addresses),
                Err(source) => Err(ResolveDnsError::new(HostNotFound { host, source })),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use orca_core::cloud::CloudClient as _;
    use orca_core::ids::Owner;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::client::Ec2Client;
    use crate::config::{Aws, Credentials};
    use crate::testing::StoppedClock;

    /// What a server is asked first when instances are listed, and the error of the list.
    async fn asked(endpoint: Option<&str>, no_proxy: &str) -> (Option<String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = format!("http://{}", listener.local_addr().expect("an address"));
        let key = || "test".to_owned();
        let settings = Aws {
            region: "us-west-2".into(),
            endpoint: endpoint.map(|url| url.replace("HERE", &here)),
            credentials: Some(Credentials { access_key_id: key(), secret_access_key: key() }),
            ..Aws::default()
        };
        let proxy = Proxy {
            url: if endpoint == Some("HERE") { "http://127.0.0.1:9".into() } else { here },
            no_proxy: no_proxy.into(),
        };
        let client = Ec2Client::connect_via(&settings, StoppedClock::at(0).shared(), Some(&proxy)).await;
        let client = client.expect("a client");
        let first = tokio::spawn(async move {
            let (stream, _from) = listener.accept().await.ok()?;
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(refusal).await.ok()?;
            Some(line)
        });
        let owner = Owner { cluster: "c".into(), node: "n".into() };
        let error = client.list_owned(&owner).await.expect_err("refused").to_string();
        first.abort();
        (first.await.ok().flatten(), error)
    }

    #[tokio::test]
    async fn calls_to_aws_go_through_the_proxy() {
        let (line, _) = asked(None, "").await;
        assert_eq!(line.as_deref(), Some("CONNECT ec2.us-west-2.amazonaws.com:443 HTTP/1.1\r\n"));
        let (line, _) = asked(Some("http://ec2.example.invalid"), "").await;
        assert_eq!(line.as_deref(), Some("POST http://ec2.example.invalid/ HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn loopback_is_never_behind_the_proxy() {
        let (line, _) = asked(Some("HERE"), "").await;
        assert_eq!(line.as_deref(), Some("POST / HTTP/1.1\r\n"), "loopback is reached without the proxy");
    }

    #[tokio::test]
    async fn a_host_that_is_not_found_is_named_with_what_to_check() {
        let (line, error) = asked(Some("http://ec2.us-wets-2.invalid"), "ec2.us-wets-2.invalid").await;
        assert_eq!(line, None, "a host of NO_PROXY is reached without the proxy");
        assert!(error.starts_with("HostNotFound: the host ec2.us-wets-2.invalid was not found"), "{error}");
        assert!(error.contains("Check aws.region"), "{error}");
    }
}
