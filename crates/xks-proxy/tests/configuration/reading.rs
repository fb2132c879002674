//! What is taken.

use crate::folder::{Folder, GOOD, ONE, TWO};
use http_server::tls::TlsVersion;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use xks_proxy::config::{DefaultDecision, KeyManagerKind};
use xks_proxy::credential::valid;

#[test]
fn a_configuration_is_read_with_every_file_that_it_names() {
    let folder = Folder::new();
    let config = folder.read(GOOD).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8443".parse().unwrap());
    assert_eq!(config.data, folder.path("data"));
    assert_eq!(config.host.as_deref(), Some("xks.example.com"));
    assert_eq!(config.limits.key_manager_timeout, Duration::from_millis(150));
    assert_eq!(config.limits.plaintext_bytes, 4300);
    assert_eq!(config.tls.minimum_version, TlsVersion::Tls12);
    assert!(config.tls.clients.is_none());
    let [payments, cards] = &config.stores[..] else { panic!("two stores") };
    assert_eq!((payments.path_prefix.as_str(), cards.path_prefix.as_str()), ("/payments", "/cards"));
    assert_eq!(payments.keys, Some(BTreeSet::from(["payments-2026".to_owned()])));
    assert_eq!((payments.default, cards.default), (DefaultDecision::Deny, DefaultDecision::Allow));
    assert!(payments.policy.is_some() && payments.key_policies.contains_key("payments-2026"));
    assert_eq!(payments.credentials[0].secret.expose(), ONE);
    assert_eq!(cards.credentials[0].secret.expose(), TWO, "without the end of its line");
    assert_eq!(payments.requests_per_second.get(), 1800);
    let [key_manager] = &config.key_managers[..] else { panic!("one key manager") };
    let KeyManagerKind::Software(settings) = &key_manager.kind else { panic!("a software key manager") };
    assert_eq!(settings.file, folder.path("keys"));
    let watched: BTreeSet<PathBuf> = config.files.iter().map(|(path, _)| path.clone()).collect();
    let named =
        ["proxy.toml", "certificate.pem", "private-key.pem", "policy.json", "one.secret", "two.secret"];
    assert_eq!(watched, named.map(|name| folder.path(name)).into());
    assert_eq!(config.warnings("2026-11-22T00:00:00Z".parse().unwrap()), [""; 0]);
}

#[test]
fn clients_are_asked_for_certificates_where_cas_and_subjects_are_named() {
    let folder = Folder::new();
    let mtls = "[tls]\nminimum_version = \"1.3\"\nclient_ca_files = [\"ca.pem\"]\nclient_subjects = [\"cks.kms.eu-central-1.amazonaws.com\"]";
    let config = folder.read(&GOOD.replace("[tls]", mtls)).unwrap();
    let clients = config.tls.clients.unwrap();
    assert_eq!((clients.authorities.len(), clients.subjects.len()), (1, 1));
    assert_eq!(config.tls.minimum_version, TlsVersion::Tls13);
}

#[test]
fn a_store_without_a_prefix_is_the_path_of_the_api_alone() {
    let folder = Folder::new();
    assert_eq!(folder.read(&GOOD.replace("/cards", "")).unwrap().stores[1].path_prefix, "");
}

#[test]
fn a_credential_is_found_by_its_id_and_only_while_it_is_good() {
    let folder = Folder::new();
    let config = folder.read(GOOD).unwrap();
    let credentials = &config.stores[0].credentials;
    let at = |moment: &str, id| valid(credentials, id, moment.parse().unwrap()).is_some();
    let id = "PAYMENTSPAYMENTSPAYMENTS";
    assert!(at("2026-11-01T00:00:00Z", id) && at("2126-10-31T23:59:59Z", id));
    assert!(!at("2026-10-31T23:59:59Z", id) && !at("2126-11-01T00:00:00Z", id));
    assert!(!at("2026-11-02T00:00:00Z", "CARDSCARDSCARDSCARDSCARDS"));
}

#[test]
fn what_ends_soon_and_what_is_likely_not_meant_is_warned_of() {
    let folder = Folder::new();
    let warned = |text: &str, at: &str| {
        let warnings = folder.read(text).unwrap().warnings(at.parse().unwrap());
        warnings.join("\n").replace(&format!("{}/", folder.root().display()), "")
    };
    let soon = warned(GOOD, "2126-10-15T00:00:00Z");
    assert!(soon.contains("the last credential of the store `/payments` expires at 2126-11-01T00:00:00Z, in 17 days: add one with `cardea-xks-proxy credential new`"), "{soon}");
    let over = warned(GOOD, "2126-11-01T00:00:00Z");
    assert!(over.contains("the last credential of the store `/payments` expired at"), "{over}");
    let early = warned(GOOD, "2026-10-01T00:00:00Z");
    assert!(early.contains("the store `/payments` cannot be used yet"), "{early}");
    let slow = warned(&GOOD.replace("150ms", "241ms"), "2026-11-22T00:00:00Z");
    assert!(slow.starts_with("proxy.toml:9:23: KMS gives up after 250 ms"), "{slow}");
    let shared = warned(&GOOD.replace("cards-2026", "payments-2026"), "2026-11-22T00:00:00Z");
    assert!(shared.starts_with("proxy.toml:33:8: another store shows keys of `file`"), "{shared}");
    let unused = GOOD.replace("[[store]]\npath_prefix = \"/payments\"", "[[key_manager]]\nname = \"idle\"\nkind = \"software\"\nfile = \"k\"\nprotector.passphrase_file = \"passphrase\"\n[[store]]\npath_prefix = \"/payments\"");
    let unused = warned(&unused, "2026-11-22T00:00:00Z");
    assert!(unused.starts_with("proxy.toml:17:1: no store uses the key manager `idle`"), "{unused}");
    let hsm = GOOD.replace("kind = \"software\"\nfile = \"keys\"\nprotector.passphrase_file = \"passphrase\"", "kind = \"pkcs11\"\nlibrary = \"gone.so\"\ntokens = [\"a\"]\npin_file = \"passphrase\"\ntest_key = \"health\"");
    let hsm = warned(&hsm, "2026-11-22T00:00:00Z");
    assert!(hsm.starts_with("proxy.toml:15:11: there is no file `gone.so`"), "{hsm}");
    let certificate = folder.read(GOOD).unwrap();
    let nearly = certificate.warnings(certificate.tls.not_after - SignedDuration::from_hours(36)).join("\n");
    assert!(nearly.contains("the certificate expires at") && nearly.contains("in 1 days"), "{nearly}");
}

#[test]
fn no_secret_is_shown_by_what_a_configuration_shows_of_itself() {
    let folder = Folder::new();
    let config = folder.read(GOOD).unwrap();
    let shown = format!("{config:?}{:?}", config.warnings(Timestamp::MAX));
    assert!(!shown.contains(ONE) && !shown.contains(TWO), "{shown}");
    let key = std::fs::read_to_string(folder.path("private-key.pem")).unwrap();
    assert!(!shown.contains(key.lines().nth(1).unwrap()), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_stops_the_reader(text in "(?s).{0,200}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxy.toml");
        std::fs::write(&path, text).unwrap();
        let told = xks_proxy::config::Config::read(&path).unwrap_err();
        prop_assert!(!told.mistakes.is_empty());
    }

    #[test]
    fn no_change_of_a_good_text_stops_the_reader(
        line in 0..GOOD.lines().count(),
        value in prop_oneof![
            "[-\\[\\]{}\"'=.,a-z0-9: é]{0,12}", Just("\"\"".to_owned()), Just("-1".to_owned()), Just("{}".to_owned()),
            Just("[[]]".to_owned()), Just("9223372036854775807".to_owned()), Just("1979-05-27".to_owned()), Just("nan".to_owned()),
        ],
        whole_line in any::<bool>(),
    ) {
        let folder = Folder::new();
        let change = |(at, text): (usize, &str)| match text.split_once(" = ") {
            Some((name, _)) if at == line && !whole_line => format!("{name} = {value}\n"),
            _ if at == line => format!("{value}\n"),
            _ => format!("{text}\n"),
        };
        let changed: String = GOOD.lines().enumerate().map(change).collect();
        if let Err(told) = folder.read(&changed) {
            prop_assert!(!told.mistakes.is_empty());
            prop_assert!(!told.to_string().contains(ONE));
        }
    }
}
