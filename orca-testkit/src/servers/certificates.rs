//! The certificate authority of one control plane.

use super::{Error, files};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// A certificate and its private key, as PEM files.
#[derive(Clone, Debug)]
pub struct PemPair {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    pub(crate) own: PemPair,
    pub(crate) pem: String,
}

impl Authority {
    /// A new authority that keeps its files in the folder.
    pub(crate) fn new(folder: PathBuf) -> Result<Self, Error> {
        files::make_folder(&folder)?;
        let key = KeyPair::generate()?;
        let mut wanted = CertificateParams::default();
        wanted.distinguished_name.push(DnType::CommonName, "orca-test-ca");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = wanted.self_signed(&key)?.pem();
        let own = write_pair(&folder, "ca", &pem, &key)?;
        Ok(Self { folder, issuer: Issuer::new(wanted, key), own, pem })
    }

    /// A certificate that says to the API server: I am this user, in these groups.
    pub(crate) fn client(&self, file: &str, user: &str, groups: &[&str]) -> Result<PemPair, Error> {
        let mut wanted = CertificateParams::default();
        wanted.distinguished_name.push(DnType::CommonName, user);
        // rcgen keeps one value per attribute type; the second group is the same attribute by its number.
        let organization = || DnType::CustomDnType(vec![2, 5, 4, 10]);
        match *groups {
            [] => {}
            [one] => wanted.distinguished_name.push(DnType::OrganizationName, one),
            [one, two] => {
                wanted.distinguished_name.push(DnType::OrganizationName, one);
                wanted.distinguished_name.push(organization(), two);
            }
            _ => {
                return Err(Error::TooManyGroups { user: user.to_owned(), count: groups.len() });
            }
        }
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(file, wanted)
    }

    /// A certificate for a server with these names and addresses.
    pub(crate) fn server(&self, file: &str, names: &[&str]) -> Result<PemPair, Error> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut wanted = CertificateParams::new(names)?;
        wanted.distinguished_name.push(DnType::CommonName, file);
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(file, wanted)
    }

    /// A bare key pair; the "certificate" is the public key.
    pub(crate) fn bare_key(&self, file: &str) -> Result<PemPair, Error> {
        let key = KeyPair::generate()?;
        write_pair(&self.folder, file, &key.public_key_pem(), &key)
    }

    fn sign(&self, file: &str, mut wanted: CertificateParams) -> Result<PemPair, Error> {
        wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let signed = wanted.signed_by(&key, &self.issuer)?;
        write_pair(&self.folder, file, &signed.pem(), &key)
    }
}

fn write_pair(folder: &Path, file: &str, public: &str, key: &KeyPair) -> Result<PemPair, Error> {
    let pair =
        PemPair { certificate: folder.join(format!("{file}.crt")), key: folder.join(format!("{file}.key")) };
    files::write(&pair.certificate, public)?;
    files::write(&pair.key, key.serialize_pem())?;
    Ok(pair)
}
