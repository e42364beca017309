//! The first answer of the API server: waited for while it may still come, and given up at once when it cannot.

use std::time::Duration;

use http::Uri;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Client;
use kube::api::{Api, PostParams};
use orca_core::text;
use rustls::CertificateError;

use crate::kubeconfig::{Access, Source};
use crate::proxies::without_password;

/// How long to wait for an API server that does not answer at start. After that the mistake is more likely than the
/// outage, and in a cluster the next start comes by itself.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_secs(2);
/// The user of every request without credentials that the API server knows.
const ANONYMOUS: &str = "system:anonymous";

/// Why there is no answer, or none that can be worked with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreached {
    #[error(
        "the API server {server} did not answer within {} s ({last}); check the kubeconfig ({source_of_config}) and the network",
        PATIENCE.as_secs()
    )]
    Silent { server: String, source_of_config: String, last: String },
    #[error(
        "the API server {server} refuses these credentials ({last}); check the kubeconfig ({source_of_config})"
    )]
    Refused { server: String, source_of_config: String, last: String },
    #[error("the API server {server} cannot be trusted ({last}): {remedy} ({source_of_config})")]
    Tls { server: String, source_of_config: String, last: String, remedy: &'static str },
}

/// Waits for the first answer.
pub(super) async fn reach(client: &Client, access: &Access, source: &Source) -> Result<(), Unreached> {
    let began = tokio::time::Instant::now();
    let server = described(&access.config.cluster_url, access.config.proxy_url.as_ref());
    let source_of_config = source.to_string();
    loop {
        let answer = tokio::time::timeout(BETWEEN_TRIES * 2, client.apiserver_version()).await;
        let last = match answer {
            Ok(Ok(version)) => {
                let user = match user(client).await {
                    Ok(user) => user,
                    Err(last) => return Err(Unreached::Refused { server, source_of_config, last }),
                };
                tracing::info!(version = version.git_version, user, "API server answers");
                return Ok(());
            }
            Ok(Err(error)) => {
                let last = orca_kube::in_words(&error);
                if let Some(remedy) = hopeless(&access.config.cluster_url, &error) {
                    return Err(Unreached::Tls { server, source_of_config, last, remedy });
                }
                if matches!(&error, kube::Error::Api(status) if status.code == 401) {
                    return Err(Unreached::Refused { server, source_of_config, last });
                }
                last
            }
            Err(_elapsed) => "no answer".to_owned(),
        };
        if began.elapsed() + BETWEEN_TRIES > PATIENCE {
            return Err(Unreached::Silent { server, source_of_config, last });
        }
        tracing::warn!(error = last, server, "API server does not answer; trying again");
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

/// As whom the API server knows this client. Its version it tells everybody, so credentials that it does not even look at,
/// such as a password, would show in the first lease only.
///
/// None: this API server does not say.
async fn user(client: &Client) -> Result<Option<String>, String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let (parameters, nothing) = (PostParams::default(), SelfSubjectReview::default());
    let answer = tokio::time::timeout(BETWEEN_TRIES * 2, reviews.create(&parameters, &nothing)).await;
    match answer {
        Ok(Ok(review)) => {
            let user = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
            if user.as_deref() == Some(ANONYMOUS) { Err(nobody()) } else { Ok(user) }
        }
        Ok(Err(kube::Error::Api(status))) if status.code == 401 => Err(status.message.clone()),
        Ok(Err(kube::Error::Api(status))) if status.message.contains(ANONYMOUS) => Err(nobody()),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

fn nobody() -> String {
    format!("it takes this client for {ANONYMOUS}; give a token, a client certificate or a credential plugin")
}

/// The server, and the proxy on the way to it.
pub(super) fn described(server: &Uri, proxy: Option<&Uri>) -> String {
    match proxy {
        Some(proxy) => format!("{server} behind the proxy {}", without_password(proxy)),
        None => server.to_string(),
    }
}

/// What to do about an error that stays whenever it is tried again, which is one of TLS.
fn hopeless(server: &Uri, error: &kube::Error) -> Option<&'static str> {
    if server.scheme_str() == Some("http") && is_answer_of_tls(error) {
        return Some("it speaks TLS; write https:// in server");
    }
    let found = text::causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    if let rustls::Error::InvalidCertificate(wrong) = found {
        return Some(about_certificate(wrong));
    }
    matches!(found, rustls::Error::InvalidMessage(_))
        .then_some("what answers there does not speak TLS; check server, or write http:// in it")
}

/// A server of TLS answers plain HTTP with a sentence, which it may break off.
fn is_answer_of_tls(error: &kube::Error) -> bool {
    if let kube::Error::Api(status) = error {
        status.message.contains("HTTP request to an HTTPS server")
    } else {
        text::chain(error).contains("error reading a body")
    }
}

fn about_certificate(wrong: &CertificateError) -> &'static str {
    if let CertificateError::UnknownIssuer | CertificateError::BadSignature = wrong {
        "no certificate authority that is trusted has signed its certificate; give the authority of this cluster in \
         certificate-authority-data (the server's own certificate does for kubectl, and not for rustls)"
    } else if let CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } = wrong
    {
        "its certificate is for other names; write one of these in server, or in tls-server-name"
    } else if let CertificateError::Expired | CertificateError::ExpiredContext { .. } = wrong {
        "its certificate has expired; renew it, or check the clock here"
    } else if let CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } = wrong {
        "its certificate is not valid yet; check the clocks"
    } else {
        about_form(wrong).unwrap_or("check the certificate of the API server")
    }
}

/// Forms of certificates that Go takes, and with it kubectl, and rustls does not.
fn about_form(wrong: &CertificateError) -> Option<&'static str> {
    let CertificateError::Other(other) = wrong else { return None };
    let form = other.0.downcast_ref::<webpki::Error>()?;
    if *form == webpki::Error::CaUsedAsEndEntity {
        Some(
            "its certificate is one of a certificate authority, such as a self-signed one that is its own authority, and rustls \
             takes that for no server's; give the API server a certificate with CA:FALSE that an authority has signed, \
             and the authority's in certificate-authority-data",
        )
    } else if *form == webpki::Error::UnsupportedCertVersion {
        Some(
            "its certificate is of X.509 version 1, and rustls takes version 3 alone; give the API server one that names its \
             hosts as subjectAltName",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    fn refused(wrong: CertificateError) -> kube::Error {
        kube::Error::Service(Box::new(io::Error::other(rustls::Error::InvalidCertificate(wrong))))
    }

    #[test]
    fn what_stays_wrong_is_given_up_at_once_with_a_remedy() {
        let form = |error| CertificateError::Other(rustls::OtherError(Arc::new(error)));
        for (wrong, says) in [
            (form(webpki::Error::CaUsedAsEndEntity), "with CA:FALSE"),
            (form(webpki::Error::UnsupportedCertVersion), "X.509 version 1"),
            (CertificateError::UnknownIssuer, "certificate-authority-data"),
            (CertificateError::NotValidForName, "tls-server-name"),
            (CertificateError::Expired, "renew it"),
            (CertificateError::Revoked, "check the certificate"),
        ] {
            let remedy = hopeless(&Uri::from_static("https://a"), &refused(wrong)).expect("no hope");
            assert!(remedy.contains(says), "{remedy}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for error in [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset] {
            assert_eq!(
                hopeless(
                    &Uri::from_static("http://a"),
                    &kube::Error::Service(Box::new(io::Error::from(error)))
                ),
                None
            );
        }
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        let (server, proxy) = ("https://a:6443".parse(), "http://u:s3cret@p:3128".parse());
        let text = described(&server.expect("a URL"), Some(&proxy.expect("a URL")));
        assert_eq!(text, "https://a:6443/ behind the proxy http://p:3128");
    }
}
