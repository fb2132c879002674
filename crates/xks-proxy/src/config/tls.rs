//! The certificate and its key, and whose certificates are asked for.

use super::files;
use super::reading::{Place, Reading};
use super::section::Section;
use super::written::{self, MinimumVersion};
use super::{Clients, Tls};
use http_server::tls::{TlsVersion, provider};
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Reads `[tls]` and what it names. `host` is what clients know the proxy by.
pub(super) fn read(whole: &Section<'_>, host: Option<&str>, reading: &Reading<'_>) -> Option<Tls> {
    if !whole.has("tls") {
        reading.wrong(whole.place(), "there is no `[tls]`: add one with `certificate` and `private_key`");
    }
    let section = &whole.section("tls", reading)?;
    let written: written::Tls = section.fields(reading)?;
    let certificate = certificate(&written, section, reading);
    let clients = clients(&written, section, reading);
    let certificate = certificate?;
    if let Some(host) = host {
        check_name(&certificate, host, section.at("certificate"), reading);
    }
    let minimum_version = match written.minimum_version {
        MinimumVersion::Tls12 => TlsVersion::Tls12,
        MinimumVersion::Tls13 => TlsVersion::Tls13,
    };
    let (subject, not_after) = facts(&certificate)?;
    Some(Tls { certificate: Arc::new(certificate), subject, not_after, minimum_version, clients: clients? })
}

fn certificate(written: &written::Tls, section: &Section<'_>, reading: &Reading<'_>) -> Option<CertifiedKey> {
    let at_key = section.at("private_key");
    let chain = certificates(section.at("certificate"), &written.certificate, reading);
    let (key, _) = reading.private_file(at_key.clone(), &written.private_key)?;
    let shown = reading.resolve(&written.private_key);
    let Ok(key) = PrivateKeyDer::from_pem_slice(&key) else {
        reading.wrong(at_key, format!("`{}` holds no private key in PEM", shown.display()));
        return None;
    };
    let pair = CertifiedKey::from_der(chain?, key, &provider());
    pair.map_err(|error| {
        reading.wrong(at_key, format!("`{}` is not the key of `tls.certificate`: {error}", shown.display()));
    })
    .ok()
}

/// Its subject and its end. rustls has read it before: there is nothing to be told.
fn facts(certificate: &CertifiedKey) -> Option<(String, Timestamp)> {
    let leaf = Certificate::from_der(certificate.cert.first()?).ok()?;
    let leaf = leaf.tbs_certificate();
    let end = leaf.validity().not_after.to_unix_duration().as_secs();
    Some((leaf.subject().to_string(), Timestamp::from_second(i64::try_from(end).ok()?).ok()?))
}

fn check_name(certificate: &CertifiedKey, host: &str, place: Place, reading: &Reading<'_>) {
    let leaf = certificate.cert.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
    let (Some(leaf), Ok(name)) = (leaf, ServerName::try_from(host)) else { return };
    if rustls::client::verify_server_name(&leaf, &name).is_err() {
        let message =
            format!("the certificate is not for `{host}`, the name in `endpoint`: KMS would refuse it");
        reading.wrong(place, message);
    }
}

/// `None` if something is wrong; `Some(None)` if nobody's certificate is asked for.
fn clients(written: &written::Tls, section: &Section<'_>, reading: &Reading<'_>) -> Option<Option<Clients>> {
    let written::Tls { client_ca_files, client_subjects, .. } = written;
    let (at_files, at_subjects) = (section.at("client_ca_files"), section.at("client_subjects"));
    match (client_ca_files.is_empty(), client_subjects.is_empty()) {
        (true, true) => return Some(None),
        (false, true) => {
            reading.wrong(at_files, "`tls.client_ca_files` goes with `tls.client_subjects`: whose certificates of these CAs are accepted");
            return None;
        }
        (true, false) => {
            reading.wrong(
                at_subjects,
                "`tls.client_subjects` goes with `tls.client_ca_files`: whose certificates are believed",
            );
            return None;
        }
        (false, false) => {}
    }
    let empty = client_subjects.iter().position(|subject| subject.trim().is_empty());
    if let Some(index) = empty {
        let place = section.at_element("client_subjects", index);
        reading.wrong(
            place,
            "a subject is a common name, such as `cks.kms.eu-central-1.amazonaws.com`, and not empty",
        );
    }
    let authorities = authorities(client_ca_files, section, reading);
    (empty.is_none()).then_some(())?;
    Some(Some(Clients { authorities: authorities?, subjects: client_subjects.clone() }))
}

fn authorities(
    files: &[PathBuf],
    section: &Section<'_>,
    reading: &Reading<'_>,
) -> Option<Vec<CertificateDer<'static>>> {
    let read = |(index, file): (usize, &PathBuf)| {
        let place = section.at_element("client_ca_files", index);
        let found = certificates(place.clone(), file, reading)?;
        let mut store = RootCertStore::empty();
        if found.iter().any(|one| store.add(one.clone()).is_err()) {
            let shown = reading.resolve(file);
            reading.wrong(
                place,
                format!("`{}` holds something that is no certificate of a CA", shown.display()),
            );
            return None;
        }
        Some(found)
    };
    // All of them are read before the first failure counts, so that each is told.
    let read: Vec<_> = files.iter().enumerate().map(read).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(|found| found.concat())
}

fn certificates(place: Place, file: &Path, reading: &Reading<'_>) -> Option<Vec<CertificateDer<'static>>> {
    let pem = reading.file(place.clone(), file)?;
    let found = in_pem(&pem);
    if found.is_none() {
        reading.wrong(place, no_certificates(&reading.resolve(file)));
    }
    found
}

/// Tells if a file holds no certificates. It is not watched: whoever uses it reads it for itself.
pub(super) fn check_certificates(place: Place, file: &Path, reading: &Reading<'_>) {
    match files::read(file) {
        (Err(error), _) => reading.wrong(place, error.to_string()),
        (Ok(pem), _) if in_pem(&pem).is_none() => reading.wrong(place, no_certificates(file)),
        _ => {}
    }
}

fn in_pem(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!found.is_empty()).then_some(found)
}

fn no_certificates(file: &Path) -> String {
    format!("`{}` holds no certificate in PEM, or a damaged one", file.display())
}
