//! The key managers: their names, their kinds and, in the words of each kind's own crate, what it needs.

use super::reading::Reading;
use super::section::Section;
use super::written::{self, Kind};
use super::{KeyManager, KeyManagerKind};
use key_manager_software::ProtectorSettings;
use std::collections::BTreeSet;
use std::path::Path;

/// Reads every `[[key_manager]]`. `None` stands for one that is wrong.
pub(super) fn read(whole: &Section<'_>, reading: &Reading<'_>) -> Vec<Option<KeyManager>> {
    let sections = whole.sections("key_manager");
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
    };
    Some(KeyManager { name, kind: kind? })
}

fn pkcs11(section: &Section<'_>, reading: &Reading<'_>) -> Option<KeyManagerKind> {
    let settings: key_manager_pkcs11::Settings = section.fields(reading)?;
    let settings = settings.relative_to(reading.folder());
    if !(1..=MOST_TOKENS).contains(&settings.tokens.len()) {
        reading.wrong(
            section.at("tokens"),
            format!("`tokens` names 1 to {MOST_TOKENS} tokens: AWS KMS is told of no more"),
        );
    }
    let distinct: BTreeSet<_> = settings.tokens.iter().collect();
    if distinct.len() != settings.tokens.len() {
        reading.wrong(section.at("tokens"), "a token is named twice in `tokens`");
    }
    check_file(&settings.library, "library", section, reading);
    reading.check_private(section.at("pin_file"), &settings.pin_file);
    Some(KeyManagerKind::Pkcs11(settings))
}

fn software(section: &Section<'_>, reading: &Reading<'_>) -> Option<KeyManagerKind> {
    let settings: key_manager_software::Settings = section.fields(reading)?;
    let settings = settings.relative_to(reading.folder());
    match &settings.protector {
        ProtectorSettings::PassphraseFile(file) => reading.check_private(section.at("protector"), file),
        ProtectorSettings::Pkcs11(protector) => {
            check_file(&protector.library, "protector", section, reading);
            reading.check_private(section.at("protector"), &protector.pin_file);
        }
        ProtectorSettings::Module(_) => {}
    }
    Some(KeyManagerKind::Software(settings))
}

fn check_file(file: &Path, field: &str, section: &Section<'_>, reading: &Reading<'_>) {
    if !file.is_file() {
        reading.wrong(section.at(field), format!("there is no file `{}`", file.display()));
    }
}

/// GetHealthStatus lists no more of a fleet.
const MOST_TOKENS: usize = 10;
