//! The key managers: their names, their kinds and, in the words of each kind's own crate, what it needs.

use super::reading::{Place, Reading};
use super::section::Section;
use super::tls;
use super::written::{self, Kind};
use super::{KeyManager, KeyManagerKind};
use key_manager_software::ProtectorSettings;
use key_manager_vault::Login;
use std::collections::BTreeSet;
use std::path::Path;

/// Reads every `[[key_manager]]`. `None` stands for one that is wrong.
pub(super) fn read(whole: &Section<'_>, reading: &Reading<'_>) -> Vec<Option<KeyManager>> {
    let sections = whole.sections("key_manager", reading);
    if sections.is_empty() {
        reading.wrong(
            whole.at("key_manager"),
            "there is no `[[key_manager]]`: add one, it is what encrypts and decrypts",
        );
    }
    let mut names = BTreeSet::new();
    sections.iter().map(|section| one(section, &mut names, reading)).collect()
}

fn one(section: &Section<'_>, names: &mut BTreeSet<String>, reading: &Reading<'_>) -> Option<KeyManager> {
    let written: written::KeyManager = section.fields(reading)?;
    let name = written.name;
    if name.is_empty() {
        reading.wrong(section.at("name"), "the name of a key manager is not empty");
    }
    if !names.insert(name.clone()) {
        reading.wrong(
            section.at("name"),
            format!("a key manager named `{name}` is there already: each has a name of its own"),
        );
    }
    let settings = section.without(&["name", "kind"]);
    let kind = match written.kind {
        Kind::Pkcs11 => pkcs11(&settings, reading),
        Kind::Software => software(&settings, reading),
        Kind::Vault => vault(&settings, reading),
    };
    Some(KeyManager { name, kind: kind? })
}

fn pkcs11(section: &Section<'_>, reading: &Reading<'_>) -> Option<KeyManagerKind> {
    let settings: key_manager_pkcs11::Settings = section.fields(reading)?;
    let settings = settings.relative_to(reading.folder());
    check_library(&settings.library, section.at("library"), reading);
    reading.check_private(section.at("pin_file"), &settings.pin_file);
    Some(KeyManagerKind::Pkcs11(settings))
}

fn software(section: &Section<'_>, reading: &Reading<'_>) -> Option<KeyManagerKind> {
    let settings: key_manager_software::Settings = section.fields(reading)?;
    let settings = settings.relative_to(reading.folder());
    match &settings.protector {
        ProtectorSettings::PassphraseFile(file) => reading.check_private(section.at("protector"), file),
        ProtectorSettings::Pkcs11(protector) => {
            check_library(&protector.library, section.at("protector"), reading);
            reading.check_private(section.at("protector"), &protector.pin_file);
        }
        ProtectorSettings::Module(_) => {}
    }
    Some(KeyManagerKind::Software(settings))
}

fn vault(section: &Section<'_>, reading: &Reading<'_>) -> Option<KeyManagerKind> {
    let settings: key_manager_vault::Settings = section.fields(reading)?;
    let settings = settings.relative_to(reading.folder());
    match &settings.login {
        Login::TokenFile(file) => reading.check_private(section.at("token_file"), file),
        Login::AppRole(role) => reading.check_private(section.at("approle"), &role.secret_id_file),
    }
    for (index, file) in settings.ca_files.iter().enumerate() {
        tls::check_certificates(section.at_element("ca_files", index), file, reading);
    }
    Some(KeyManagerKind::Vault(settings))
}

/// A library may come later, as of a disk that is not there yet.
fn check_library(library: &Path, place: Place, reading: &Reading<'_>) {
    if !library.is_file() {
        let message = format!(
            "there is no file `{}`: nothing can be done with its tokens before it is there",
            library.display()
        );
        reading.doubt(place, message);
    }
}
