//! Our own CA and the server certificate that it signs, in `DIR/tls`. Their keys leave these files for nowhere.

use crate::ServerError;
use crate::data_dir::{DataDir, make_private_dir, write_private};
use http_server::tls::{provider, read_certificate};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The CA of one data directory.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// The CA of that data directory, whether it has been made or not.
    #[must_use]
    pub fn of(dir: &DataDir) -> Self {
        Self { dir: dir.file("tls") }
    }

    /// What clients are to trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// The server's certificate for those names; a new one if there is none, if it lacks a name or is near its end.
    pub fn certificate(&self, names: &[String], now: Timestamp) -> Result<CertifiedKey, ServerError> {
        make_private_dir(&self.dir)?;
        if !self.ca_file().exists() {
            self.make_ca(now)?;
        }
        if !self.is_good(names, now) {
            self.issue(names, now)?;
        }
        Ok(read_certificate(&self.dir.join(SERVER), &self.dir.join(SERVER_KEY))?)
    }

    fn make_ca(&self, now: Timestamp) -> Result<(), ServerError> {
        let key = new_key()?;
        let mut params = ca_params();
        valid_for(&mut params, now, CA_DAYS);
        let ca = params.self_signed(&key).map_err(ServerError::part(CANNOT_ISSUE))?;
        // The key first: a CA without a key would be trusted and could sign nothing.
        self.write(CA_KEY, &Zeroizing::new(key.serialize_pem()))?;
        write_private(&self.ca_file(), ca.pem().as_bytes())
    }

    /// Whether the certificate there is would be accepted for every name for a good while yet.
    fn is_good(&self, names: &[String], now: Timestamp) -> bool {
        let Ok(shown) = read_certificate(&self.dir.join(SERVER), &self.dir.join(SERVER_KEY)) else {
            return false;
        };
        let Some(verifier) = self.verifier() else { return false };
        let accepted = |name: &String, at: Timestamp| {
            let seconds = u64::try_from(at.as_second()).unwrap_or_default();
            let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
            let name = ServerName::try_from(name.as_str()).ok();
            let leaf = shown.cert.first();
            name.zip(leaf)
                .is_some_and(|(name, leaf)| verifier.verify_server_cert(leaf, &[], &name, &[], at).is_ok())
        };
        let soon = now.saturating_add(RENEW_DAYS.saturating_mul(24).hours()).unwrap_or(now);
        names.iter().all(|name| accepted(name, now) && accepted(name, soon))
    }

    fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca_file()).ok()?).ok()?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()
    }

    fn issue(&self, names: &[String], now: Timestamp) -> Result<(), ServerError> {
        let path = self.dir.join(CA_KEY);
        let ca_key = Zeroizing::new(fs::read_to_string(&path).map_err(ServerError::file("read", &path))?);
        let ca_key = KeyPair::from_pem(&ca_key).map_err(ServerError::part(CANNOT_ISSUE))?;
        let key = new_key()?;
        let leaf = leaf_params(names, now)?
            .signed_by(&key, &Issuer::new(ca_params(), ca_key))
            .map_err(ServerError::part(CANNOT_ISSUE))?;
        self.write(SERVER_KEY, &Zeroizing::new(key.serialize_pem()))?;
        self.write(SERVER, &leaf.pem())
    }

    fn write(&self, name: &str, pem: &str) -> Result<(), ServerError> {
        write_private(&self.dir.join(name), pem.as_bytes())
    }
}

fn new_key() -> Result<KeyPair, ServerError> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(ServerError::part(CANNOT_ISSUE))
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("Cardea CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(names: &[String], now: Timestamp) -> Result<CertificateParams, ServerError> {
    let mut params = CertificateParams::new(names).map_err(ServerError::part(CANNOT_ISSUE))?;
    params.distinguished_name = common_name("Cardea");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid_for(&mut params, now, LEAF_DAYS);
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From yesterday, for clients whose clocks are behind, to so many days from now.
fn valid_for(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let midnight = |date: Date| {
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight(today.saturating_sub(1.day()));
    params.not_after = midnight(today.saturating_add(days.days()));
}

const CA_KEY: &str = "ca-key.pem";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server-key.pem";
const CANNOT_ISSUE: &str = "our own TLS certificate cannot be made";

/// Twenty years: clients hold on to a CA, and this one signs for one service only.
const CA_DAYS: i64 = 20 * 365;

/// What browsers accept at most, as others may come to do.
const LEAF_DAYS: i64 = 397;
const RENEW_DAYS: i64 = LEAF_DAYS / 3;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_certificate_is_good_for_its_names_and_its_keys_are_private() {
        let (_outside, authority) = authority();
        authority.certificate(&names(), now()).unwrap();
        assert!(authority.is_good(&names(), now()));
        for file in ["ca.pem", CA_KEY, SERVER, SERVER_KEY] {
            let mode = fs::metadata(authority.dir.join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_good_certificate_stays_as_it_is() {
        let (_outside, authority) = authority();
        let first = authority.certificate(&names(), now()).unwrap();
        assert_eq!(authority.certificate(&names(), now()).unwrap().cert, first.cert);
    }

    #[test]
    fn a_certificate_near_its_end_is_renewed_by_the_same_ca() {
        let (_outside, authority) = authority();
        let first = authority.certificate(&names(), now()).unwrap();
        let ca = fs::read(authority.ca_file()).unwrap();
        let later = now().saturating_add((24 * (LEAF_DAYS - RENEW_DAYS + 1)).hours()).unwrap();
        let second = authority.certificate(&names(), later).unwrap();
        assert_ne!(second.cert, first.cert);
        assert!(authority.is_good(&names(), later));
        assert_eq!(fs::read(authority.ca_file()).unwrap(), ca);
    }

    #[test]
    fn a_new_name_makes_a_new_certificate() {
        let (_outside, authority) = authority();
        let first = authority.certificate(&names(), now()).unwrap();
        let more = [names(), vec!["192.0.2.1".to_owned()]].concat();
        assert_ne!(authority.certificate(&more, now()).unwrap().cert, first.cert);
    }

    #[test]
    fn a_crash_between_key_and_certificate_is_mended() {
        let (_outside, authority) = authority();
        authority.certificate(&names(), now()).unwrap();
        authority.write(SERVER_KEY, &new_key().unwrap().serialize_pem()).unwrap();
        authority.certificate(&names(), now()).unwrap();
        assert!(authority.is_good(&names(), now()));
    }

    #[test]
    fn a_ca_key_taken_away_is_missed_only_when_it_is_needed() {
        let (_outside, authority) = authority();
        authority.certificate(&names(), now()).unwrap();
        fs::remove_file(authority.dir.join(CA_KEY)).unwrap();
        authority.certificate(&names(), now()).unwrap();
        let more = [names(), vec!["192.0.2.1".to_owned()]].concat();
        let refused = authority.certificate(&more, now()).unwrap_err().to_string();
        assert!(refused.contains(CA_KEY), "{refused}");
    }

    fn authority() -> (tempfile::TempDir, Authority) {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        (outside, Authority::of(&dir))
    }

    fn names() -> Vec<String> {
        ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into()
    }

    fn now() -> Timestamp {
        "2026-11-21T22:00:00Z".parse().unwrap()
    }
}
