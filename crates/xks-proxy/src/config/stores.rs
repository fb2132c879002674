//! The stores: their paths, what they show, what is asked beyond a signature. What would let one tenant reach what is another's is refused.

use super::credentials;
use super::reading::{Place, Reading};
use super::section::Section;
use super::written;
use super::{DefaultDecision, KeyManager, KeyManagerKind, PolicyFile, Store};
use crate::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use xks_api::{API_PATH, ExternalKeyId, LONGEST_URI_PATH};

/// Reads every `[[store]]`. `None` stands for one that is wrong.
pub(super) fn read(
    whole: &Section<'_>,
    host: Option<&str>,
    key_managers: &[Option<KeyManager>],
    reading: &Reading<'_>,
) -> Vec<Option<Store>> {
    let sections = whole.sections("store", reading);
    if sections.is_empty() {
        let message = "there is no `[[store]]`: add one for each custom key store that is to use the proxy";
        reading.wrong(whole.at("store"), message);
    }
    let mut stores = Stores { host, key_managers, reading, before: Before::default() };
    let read = sections.iter().map(|section| stores.one(section)).collect();
    stores.tell_unused(whole);
    read
}

struct Stores<'a> {
    host: Option<&'a str>,
    key_managers: &'a [Option<KeyManager>],
    reading: &'a Reading<'a>,
    before: Before,
}

/// What the stores before have.
#[derive(Default)]
struct Before {
    prefixes: BTreeSet<String>,
    credentials: credentials::Before,
    /// By key manager: what each store shows of it; `None` for all.
    shown: BTreeMap<String, Vec<Option<BTreeSet<String>>>>,
}

impl Stores<'_> {
    fn one(&mut self, section: &Section<'_>) -> Option<Store> {
        // Before all else, so that what is wrong with its credentials is told whatever else is.
        let credentials = credentials::read(section, &mut self.before.credentials, self.reading);
        let written: written::Store = section.fields(self.reading)?;
        self.check_path(&written.path_prefix, section.at("path_prefix"));
        self.check_keys(&written, section);
        self.check_key_manager(&written, section);
        self.check_sharing(&written, section);
        let policy = written.policy.as_deref().map(|file| self.policy(section.at("policy"), file));
        let of_key = |(id, file): (&String, &std::path::PathBuf)| {
            let policy = self.policy(section.at_key("key_policy", id), file);
            policy.map(|policy| (id.clone(), policy))
        };
        Some(Store {
            key_policies: written.key_policy.iter().filter_map(of_key).collect(),
            default: self.default_decision(&written, section),
            path_prefix: written.path_prefix,
            key_manager: written.key_manager,
            keys: written.keys.map(|keys| keys.into_iter().collect()),
            requests_per_second: written.requests_per_second,
            credentials,
            policy: policy.flatten(),
        })
    }

    //= xks-proxy: URI path within 128 characters of a-z A-Z 0-9 / - _, the whole URI within 256
    fn check_path(&mut self, prefix: &str, place: Place) {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
        let length = prefix.len().saturating_add(API_PATH.len());
        let uri = self.host.map(|host| length.saturating_add("https://".len()).saturating_add(host.len()));
        let message = if !prefix.bytes().all(is_one) {
            format!("`path_prefix` is of the characters a-z A-Z 0-9 / - _, and `{prefix}` is not")
        } else if !prefix.is_empty() && !prefix.starts_with('/') {
            format!("`path_prefix` begins with a slash: write `/{prefix}`")
        } else if prefix.ends_with('/') || prefix.contains("//") {
            "`path_prefix` does not end with a slash and has no two in a row: `/kms/xks/v1` is put behind it"
                .to_owned()
        } else if prefix.contains(API_PATH) {
            format!("`path_prefix` is without `{API_PATH}`: that is put behind it")
        } else if length > LONGEST_URI_PATH {
            let most = LONGEST_URI_PATH.saturating_sub(API_PATH.len());
            format!(
                "`path_prefix` has at most {most} characters, so that the path has {LONGEST_URI_PATH}; it has {}",
                prefix.len()
            )
        } else if uri.is_some_and(|length| LONGEST_URI < length) {
            format!(
                "`endpoint` and `path_prefix` are too long together: AWS takes a URI of {LONGEST_URI} characters at most"
            )
        } else if !self.before.prefixes.insert(prefix.to_owned()) {
            format!("a store with the prefix `{prefix}` is there already: each has a path of its own")
        } else {
            return;
        };
        self.reading.wrong(place, message);
    }

    fn check_keys(&self, written: &written::Store, section: &Section<'_>) {
        let keys = written.keys.as_deref();
        if keys.is_some_and(<[_]>::is_empty) {
            let message =
                "`keys` is empty: no key could be used; leave it out to show all keys of the key manager";
            self.reading.wrong(section.at("keys"), message);
        }
        for (index, key) in keys.unwrap_or_default().iter().enumerate() {
            if let Err(error) = ExternalKeyId::new(key) {
                self.reading.wrong(section.at_element("keys", index), error.to_string());
            }
        }
        for id in written.key_policy.keys() {
            let place = section.at_key("key_policy", id);
            if let Err(error) = ExternalKeyId::new(id) {
                self.reading.wrong(place, error.to_string());
            } else if keys.is_some_and(|keys| !keys.contains(id)) {
                self.reading.wrong(place, format!("`{id}` is not among `keys`: the store does not show it"));
            }
        }
    }

    fn check_key_manager(&self, written: &written::Store, section: &Section<'_>) {
        let named = self.key_managers.iter().flatten().find(|one| one.name == written.key_manager);
        let Some(key_manager) = named else {
            // One that is wrong in itself is told by that alone.
            if self.key_managers.iter().all(Option::is_some) {
                let names: Vec<_> =
                    self.key_managers.iter().flatten().map(|one| format!("`{}`", one.name)).collect();
                let message = format!(
                    "there is no key manager named `{}`; there is {}",
                    written.key_manager,
                    names.join(", ")
                );
                self.reading.wrong(section.at("key_manager"), message);
            }
            return;
        };
        let Some(test_key) = key_manager.kind.test_key() else { return };
        let shown = written.keys.iter().flatten().position(|key| key == test_key);
        if let Some(index) = shown {
            let message =
                format!("`{test_key}` is the test key of `{}`: no customer may use it", key_manager.name);
            self.reading.wrong(section.at_element("keys", index), message);
        }
    }

    /// Two stores with all keys of one key manager are no two tenants. Where only some keys are shared that may be meant.
    fn check_sharing(&mut self, written: &written::Store, section: &Section<'_>) {
        let keys = written.keys.as_ref().map(|keys| keys.iter().cloned().collect::<BTreeSet<_>>());
        let others = self.before.shown.entry(written.key_manager.clone()).or_default();
        let name = &written.key_manager;
        if keys.is_none() && others.contains(&None) {
            let message = format!(
                "two stores show all keys of `{name}`, so they would not be apart: name the `keys` of each"
            );
            self.reading.wrong(section.at("key_manager"), message);
        } else if others.iter().any(|other| overlap(keys.as_ref(), other.as_ref())) {
            let message =
                format!("another store shows keys of `{name}` that this one shows too: they are not apart");
            self.reading.doubt(section.at("keys"), message);
        }
        others.push(keys);
    }

    fn tell_unused(&self, whole: &Section<'_>) {
        for (index, key_manager) in self.key_managers.iter().enumerate() {
            let Some(KeyManager { name, .. }) = key_manager else { continue };
            if !self.before.shown.contains_key(name) {
                let place = whole.at_element("key_manager", index);
                self.reading.doubt(place, format!("no store uses the key manager `{name}`"));
            }
        }
    }

    fn default_decision(&self, written: &written::Store, section: &Section<'_>) -> DefaultDecision {
        let has_policies = written.policy.is_some() || !written.key_policy.is_empty();
        match written.default {
            Some(DefaultDecision::Deny) if !has_policies => {
                let message = "`default = \"deny\"` without a policy refuses every request: add `policy` or leave it out";
                self.reading.wrong(section.at("default"), message);
            }
            None if has_policies => {
                let message = "a store with a policy says what a request gets that no statement speaks of: add `default = \"deny\"` or `default = \"allow\"`";
                self.reading.wrong(section.place(), message);
            }
            _ => {}
        }
        written.default.unwrap_or(DefaultDecision::Allow)
    }

    fn policy(&self, place: Place, file: &Path) -> Option<PolicyFile> {
        let text = self.reading.file(place.clone(), file)?;
        let path = self.reading.resolve(file);
        let Ok(text) = String::from_utf8(text) else {
            self.reading.wrong(place, format!("`{}` is not UTF-8", path.display()));
            return None;
        };
        match Policy::compile(&path.to_string_lossy(), &text) {
            Ok(_) => Some(PolicyFile { path, text }),
            Err(error) => {
                self.reading.wrong(place, error.to_string());
                None
            }
        }
    }
}

impl KeyManagerKind {
    /// The key with which it is tried out, which is no customer's.
    pub(crate) fn test_key(&self) -> Option<&str> {
        match self {
            Self::Pkcs11(settings) => Some(&settings.test_key),
            Self::Vault(settings) => Some(&settings.test_key),
            Self::Software(_) => None,
        }
    }
}

fn overlap(one: Option<&BTreeSet<String>>, other: Option<&BTreeSet<String>>) -> bool {
    one.zip(other).is_none_or(|(one, other)| !one.is_disjoint(other))
}

/// The longest URI of a store.
const LONGEST_URI: usize = 256;
