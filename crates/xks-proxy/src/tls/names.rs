//! What a certificate says of itself. Whoever decides by it has verified the certificate before.

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Any, Decode as _};

/// The one common name of its subject. Nothing if there is none, or if there are several: which of them would be meant?
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let mut names = certificate.tbs_certificate().subject().iter().filter(|name| name.oid == COMMON_NAME);
    let name = names.next()?;
    if names.next().is_some() { None } else { text(&name.value) }
}

fn text(value: &Any) -> Option<String> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned());
    utf8.or_else(|_| printable()).or_else(|_| teletex()).ok()
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    fn named(names: Vec<DnValue>) -> CertificateDer<'static> {
        let mut parameters = CertificateParams::new(["san.example".to_owned()]).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::OrganizationName, "Example");
        for name in names {
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_common_name_is_read_in_either_encoding_and_no_other_name_stands_in_for_it() {
        let utf8 = named(vec![DnValue::Utf8String("a.example".to_owned())]);
        assert_eq!(common_name(&utf8).as_deref(), Some("a.example"));
        let printable = named(vec![DnValue::PrintableString("a.example".try_into().unwrap())]);
        assert_eq!(common_name(&printable).as_deref(), Some("a.example"));
        assert_eq!(common_name(&named(vec![])), None);
        assert_eq!(common_name(&CertificateDer::from(vec![0x30, 0])), None);
    }
}
