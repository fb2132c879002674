//! The examples in the documentation, each with the files beside it that it names.

use crate::folder::{Folder, ONE, POLICY, TWO};
use xks_proxy::config::{Config, KeyManagerKind};

#[test]
fn the_example_of_the_software_key_manager_is_good() {
    let config = example(SOFTWARE);
    assert!(matches!(config.key_managers[..], [ref one] if matches!(one.kind, KeyManagerKind::Software(_))));
}

#[test]
fn the_example_of_the_pkcs11_key_manager_is_good() {
    let config = example(PKCS11);
    assert!(matches!(config.key_managers[..], [ref one] if matches!(one.kind, KeyManagerKind::Pkcs11(_))));
    assert!(config.tls.clients.is_some());
}

#[test]
fn the_example_of_the_vault_key_manager_is_good() {
    let config = example(VAULT);
    assert!(matches!(config.key_managers[..], [ref one] if matches!(one.kind, KeyManagerKind::Vault(_))));
}

#[test]
fn what_an_example_leaves_to_be_chosen_is_good_too() {
    let text = SOFTWARE.replace("# client_", "client_");
    assert!(example(&text).tls.clients.is_some());
    example(&VAULT.replace("# namespace", "namespace"));
}

fn example(text: &str) -> Config {
    let folder = Folder::new();
    folder.certificate("tls/certificate.pem", "tls/private-key.pem");
    folder.write("tls/amazon-trust-services.pem", &std::fs::read_to_string(folder.path("ca.pem")).unwrap());
    folder.write("payments.secret", ONE);
    folder.write("archive.secret", TWO);
    folder.write("pin", "1234");
    folder.write("role-id", "role");
    folder.write("secret-id", "secret");
    folder.write("vault-ca.pem", &std::fs::read_to_string(folder.path("ca.pem")).unwrap());
    for policy in ["payments.json", "archive-2025.json"] {
        folder.write(policy, POLICY);
    }
    // Stands for a library that may not be on this machine.
    folder.write("library", "");
    let text = text.replace("/usr/lib/softhsm/libsofthsm2.so", "library");
    let config = folder.read(&text).unwrap();
    assert_eq!(config.warnings("2026-11-22T00:00:00Z".parse().unwrap()), [""; 0]);
    config
}

const SOFTWARE: &str = include_str!("../../../../docs/xks-proxy/software.toml");
const VAULT: &str = include_str!("../../../../docs/xks-proxy/vault.toml");
const PKCS11: &str = include_str!("../../../../docs/xks-proxy/pkcs11.toml");
