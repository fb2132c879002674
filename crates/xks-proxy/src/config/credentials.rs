//! The credentials of a store: their ids, their secrets and when they are good. No message here has any part of a secret.

use super::files::Stamp;
use super::reading::{Place, Reading};
use super::section::Section;
use super::written;
use crate::credential::{Credential, Secret, is_access_key_id};
use std::collections::BTreeSet;
use std::path::Path;
use zeroize::Zeroizing;

/// What the credentials before have, of all stores.
#[derive(Default)]
pub(super) struct Before {
    access_key_ids: BTreeSet<String>,
    secrets: Vec<Zeroizing<String>>,
}

/// Reads every `[[store.credential]]` of a store. Those that are wrong are left out.
pub(super) fn read(store: &Section<'_>, before: &mut Before, reading: &Reading<'_>) -> Vec<Credential> {
    let sections = store.sections("credential", reading);
    if sections.is_empty() {
        let message = "the store has no `[[store.credential]]`, so nobody could use it: `cardea-xks-proxy credential new` makes one";
        reading.wrong(store.place(), message);
    }
    sections.iter().filter_map(|section| one(section, before, reading)).collect()
}

fn one(section: &Section<'_>, before: &mut Before, reading: &Reading<'_>) -> Option<Credential> {
    let written: written::Credential = section.fields(reading)?;
    check_id(&written.access_key_id, section.at("access_key_id"), before, reading);
    let (secret, stamp) =
        secret(section.at("secret_access_key_file"), &written.secret_access_key_file, before, reading)?;
    let not_before = written.not_before.map(|moment| moment.0);
    let not_after = written.not_after.map(|moment| moment.0);
    if not_before.zip(not_after).is_some_and(|(from, end)| end <= from) {
        reading.wrong(
            section.at("not_after"),
            "`not_after` is not later than `not_before`: it would never be good",
        );
    }
    let access_key_id = written.access_key_id;
    Some(Credential { access_key_id, secret, written: stamp.written(), not_before, not_after })
}

//= xks-proxy: MUST map an access key id to one secret without doubt
fn check_id(id: &str, place: Place, before: &mut Before, reading: &Reading<'_>) {
    if !is_access_key_id(id) {
        // Not repeated: it may be the secret in the wrong place.
        reading.wrong(place, "`access_key_id` has 20 to 30 of the characters A-Z 2-7: `cardea-xks-proxy credential new` makes one");
    } else if !before.access_key_ids.insert(id.to_owned()) {
        let message =
            format!("a credential `{id}` is there already: an id stands for one secret in one store");
        reading.wrong(place, message);
    }
}

fn secret(place: Place, file: &Path, before: &mut Before, reading: &Reading<'_>) -> Option<(Secret, Stamp)> {
    if file.to_str().is_some_and(|text| Secret::is_one(text) && !reading.resolve(file).exists()) {
        let message = "`secret_access_key_file` looks like a secret itself: put it into a file that only the proxy's user can read, name that file here, and take the secret for known to others";
        reading.wrong(place, message);
        return None;
    }
    let (contents, stamp) = reading.private_file(place.clone(), file)?;
    let text = std::str::from_utf8(&contents).unwrap_or_default().trim_ascii_end();
    let text = Zeroizing::new(text.to_owned());
    if before.secrets.contains(&text) {
        reading.wrong(place, "another credential has the same secret: each has its own");
        return None;
    }
    let Some(secret) = Secret::new(text.clone()) else {
        let message = format!(
            "`{}` holds no secret access key: it has 43 to 64 of the characters a-z A-Z 0-9 / + =, and nothing else",
            reading.resolve(file).display()
        );
        reading.wrong(place, message);
        return None;
    };
    before.secrets.push(text);
    Some((secret, stamp))
}
