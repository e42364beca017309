//! Certificates of a kubeconfig, looked at before the first connection.
//!
//! kubectl is built on Go's TLS, which takes more than rustls does. What rustls will refuse is said here with its
//! remedy: in a handshake it would be a failed connection like any other.

use std::path::PathBuf;

use data_encoding::BASE64;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Why a certificate or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The data is not base64.
    #[error("{key} is not base64: {source}; encode the PEM file with `base64 -w0`")]
    Encoding {
        /// The key of the kubeconfig.
        key: &'static str,
        /// What is wrong.
        source: data_encoding::DecodeError,
    },
    /// The file cannot be read.
    #[error("the file {} of {key} cannot be read: {source}", path.display())]
    Unreadable {
        /// The key of the kubeconfig.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// There is no certificate in it.
    #[error("{0} holds no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate(&'static str),
    /// A certificate of version 1, such as `openssl x509 -req` makes without extensions.
    #[error(
        "the client certificate ({0}) is of X.509 version 1, and rustls takes version 3 alone; issue it again with an extension, \
         such as extendedKeyUsage=clientAuth in openssl's -extfile, or let Kubernetes sign it with a CertificateSigningRequest"
    )]
    VersionOne(&'static str),
    /// A certificate that cannot be read for another reason.
    #[error("the client certificate ({0}) cannot be read: {1:?}")]
    Unparsable(&'static str, webpki::Error),
    /// One of the pair is missing.
    #[error("{given} is given without {missing}")]
    Half {
        /// The key that is there.
        given: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
}

/// Content of the kubeconfig that stands in it, or in a file that it names.
#[derive(Debug)]
pub(super) struct Material<'a> {
    pub(super) data_key: &'static str,
    pub(super) data: Option<&'a str>,
    pub(super) file_key: &'static str,
    pub(super) file: Option<&'a str>,
}

impl Material<'_> {
    /// The key that counts: data comes before a file, as in client-go.
    pub(super) fn key(&self) -> Option<&'static str> {
        self.data.map(|_| self.data_key).or(self.file.map(|_| self.file_key))
    }

    /// The content in PEM form.
    fn load(&self) -> Result<Option<Vec<u8>>, CertificateError> {
        if let Some(data) = self.data {
            let decoded = BASE64.decode(data.as_bytes());
            return decoded
                .map(Some)
                .map_err(|source| CertificateError::Encoding { key: self.data_key, source });
        }
        let Some(path) = self.file else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|source| CertificateError::Unreadable {
            key: self.file_key,
            path: path.into(),
            source,
        })
    }

    fn certificates(&self) -> Result<Option<Vec<CertificateDer<'static>>>, CertificateError> {
        let (Some(pem), Some(key)) = (self.load()?, self.key()) else { return Ok(None) };
        let found: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
        if found.is_empty() { Err(CertificateError::NoCertificate(key)) } else { Ok(Some(found)) }
    }

    /// The certificates of a bundle that can be trusted. As in Go, others in it do not matter.
    pub(super) fn authorities(&self) -> Result<Option<Vec<Vec<u8>>>, CertificateError> {
        let (Some(found), Some(key)) = (self.certificates()?, self.key()) else { return Ok(None) };
        let usable = found.iter().filter(|der| webpki::anchor_from_trusted_cert(der).is_ok());
        let usable: Vec<Vec<u8>> = usable.map(|der| der.to_vec()).collect();
        if usable.is_empty() { Err(CertificateError::NoCertificate(key)) } else { Ok(Some(usable)) }
    }
}

/// Whether rustls will take this client certificate, and whether it has its key.
pub(super) fn check_client(certificate: &Material<'_>, key: &Material<'_>) -> Result<(), CertificateError> {
    match (certificate.key(), key.key()) {
        (None, None) => return Ok(()),
        (Some(given), None) => return Err(CertificateError::Half { given, missing: key.data_key }),
        (None, Some(given)) => return Err(CertificateError::Half { given, missing: certificate.data_key }),
        (Some(_), Some(_)) => {}
    }
    key.load()?;
    let chain = certificate.certificates()?.unwrap_or_default();
    let (Some(first), Some(name)) = (chain.first(), certificate.key()) else { return Ok(()) };
    match webpki::EndEntityCert::try_from(first) {
        Ok(_) => Ok(()),
        Err(webpki::Error::UnsupportedCertVersion) => Err(CertificateError::VersionOne(name)),
        Err(error) => Err(CertificateError::Unparsable(name, error)),
    }
}
