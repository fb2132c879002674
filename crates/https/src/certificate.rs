//! What a server's certificate says of itself. It was verified before; nothing is decided by what is read here.

use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Any, Decode as _};

/// What a server's certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The common name of its subject, if it has one.
    pub common_name: Option<String>,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: u64,
}

impl PeerCertificate {
    /// Of a certificate; nothing if it cannot be read.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let certificate = certificate.tbs_certificate();
        let names = certificate.subject().iter();
        let common_name = names.filter(|name| name.oid == COMMON_NAME).find_map(|name| text(&name.value));
        let not_after = certificate.validity().not_after.to_unix_duration().as_secs();
        Some(Self { common_name, not_after })
    }

    pub(crate) fn of(session: &ClientConnection) -> Option<Self> {
        session.peer_certificates()?.first().and_then(Self::read)
    }
}

fn text(value: &Any) -> Option<String> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned());
    utf8.or_else(|_| printable()).ok()
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    fn certificate(name: Option<DnValue>) -> CertificateDer<'static> {
        let mut parameters = CertificateParams::new(["proxy.example".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::OrganizationName, "Example");
        if let Some(name) = name {
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        parameters.not_after = rcgen::date_time_ymd(2030, 1, 1);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_common_name_and_the_last_day_are_read() {
        let printable = DnValue::PrintableString("*.proxy.example".replace('*', "any").try_into().unwrap());
        for (name, expected) in [
            (Some(DnValue::Utf8String("*.proxy.example".into())), Some("*.proxy.example")),
            (Some(printable), Some("any.proxy.example")),
            (None, None),
        ] {
            let read = PeerCertificate::read(&certificate(name)).unwrap();
            assert_eq!((read.common_name.as_deref(), read.not_after), (expected, 1_893_456_000));
        }
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        let whole = certificate(None);
        for length in 0..whole.len() {
            assert_eq!(PeerCertificate::read(&CertificateDer::from(&whole[..length])), None, "{length}");
        }
    }
}
