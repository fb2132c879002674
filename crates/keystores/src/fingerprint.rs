//! What tells a certificate from others, however its text is laid out.

use aws_lc_rs::digest::{SHA256, digest};
use pki_types::CertificateDer;
use pki_types::pem::PemObject as _;
use std::fmt;

/// The SHA-256 digest of a certificate, 64 hexadecimal digits when written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of the first certificate in a PEM text; nothing if it holds none.
    #[must_use]
    pub fn of_pem(text: &str) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).ok()?;
        Some(Self::of_der(&certificate))
    }

    /// That of a certificate in DER.
    #[must_use]
    pub fn of_der(certificate: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_the_same_in_whatever_way_its_text_is_laid_out() {
        let text = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        let other = "customerCA\r\n-----BEGIN CERTIFICATE-----\r\nAQ\r\nID\r\n-----END CERTIFICATE-----\r\n";
        assert_eq!(Fingerprint::of_pem(text), Some(Fingerprint::of_der(&[1, 2, 3])));
        assert_eq!(Fingerprint::of_pem(other), Fingerprint::of_pem(text));
        assert_ne!(Fingerprint::of_der(&[1, 2, 3]), Fingerprint::of_der(&[1, 2]));
        // printf '\1\2\3' | sha256sum
        let digits = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";
        assert_eq!(Fingerprint::of_der(&[1, 2, 3]).to_string(), digits);
    }

    #[test]
    fn what_is_no_certificate_has_no_fingerprint() {
        for text in ["", "AQID", "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(Fingerprint::of_pem(text), None, "{text}");
        }
    }
}
