//! A certificate authority for tests, and the certificates that it issues: good ones, expired ones, ones of a wrong name.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::error::Error;

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one with a name of its own; nobody trusts it who was not told to.
    pub fn new() -> Result<Self, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        let name = format!("Faulty proxy test authority {:x}", Timestamp::now().as_nanosecond());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate.
    pub fn issue(&self, leaf: &Leaf) -> Result<Identity, Error> {
        let algorithm = match leaf.key {
            KeyKind::Ecdsa => &PKCS_ECDSA_P256_SHA256,
            KeyKind::Rsa => &PKCS_RSA_SHA256,
        };
        let key = KeyPair::generate_for(algorithm)?;
        let certificate = leaf.params()?.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: Zeroizing::new(key.serialize_pem()),
            key: Zeroizing::new(key.serialize_der()),
            authority_pem: self.pem.clone(),
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What is certified.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// DNS names and addresses that it is for; a client needs none.
    pub names: Vec<String>,
    /// The common name of its subject.
    pub common_name: String,
    /// Since when it is valid.
    pub not_before: SystemTime,
    /// Until when it is valid.
    pub not_after: SystemTime,
    /// Of which kind its key is.
    pub key: KeyKind,
}

impl Leaf {
    /// For `xks.example.com`, `localhost` and 127.0.0.1; good for a year.
    pub fn server() -> Self {
        Self::of(&["xks.example.com", "localhost", "127.0.0.1"], "xks.example.com")
    }

    /// For that name alone; good for a year.
    pub fn named(name: &str) -> Self {
        Self::of(&[name], name)
    }

    /// For a client that is known by the common name of its subject; good for a year.
    pub fn client(common_name: &str) -> Self {
        Self::of(&[], common_name)
    }

    /// The same, that expired a day ago.
    pub fn expired(self) -> Self {
        Self { not_after: before_now(DAY), ..self }
    }

    /// The same, that expires after that time.
    pub fn expiring_in(self, time: Duration) -> Self {
        Self { not_after: after_now(time), ..self }
    }

    /// The same with an RSA key.
    pub fn with_rsa(self) -> Self {
        Self { key: KeyKind::Rsa, ..self }
    }

    fn of(names: &[&str], common_name: &str) -> Self {
        Self {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            common_name: common_name.to_owned(),
            not_before: before_now(7 * DAY),
            not_after: after_now(365 * DAY),
            key: KeyKind::Ecdsa,
        }
    }

    fn params(&self) -> Result<CertificateParams, Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name.push(DnType::CommonName, self.common_name.as_str());
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }
}

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// On P-256.
    Ecdsa,
    /// Of 2,048 bits.
    Rsa,
}

/// A certificate with its key, and the authority that issued it.
pub struct Identity {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: Zeroizing<Vec<u8>>,
    key_pem: Zeroizing<String>,
    authority_pem: String,
}

impl Identity {
    /// The certificate, in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key, in PEM.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The authority that must be trusted, in PEM.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// The certificates of a PEM text; what is none is passed over.
pub(crate) fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect()
}

fn before_now(time: Duration) -> SystemTime {
    SystemTime::now().checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn after_now(time: Duration) -> SystemTime {
    SystemTime::now().checked_add(time).unwrap_or(SystemTime::UNIX_EPOCH)
}

const DAY: Duration = Duration::from_secs(86_400);
