//! The engine: keys with versions, and what is done with them.

use crate::answer::{Answer, Outcome, number, text};
use crate::cluster::Held;
use crate::routes::Call;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Keys by name.
#[derive(Debug, Default)]
pub(crate) struct Engine(BTreeMap<String, Key>);

impl Engine {
    pub(crate) fn make(&mut self, names: &[String]) {
        for name in names {
            self.0.entry(name.clone()).or_insert_with(|| Key::new(AES_256, false));
        }
    }
}

/// A key. Only those of one kind encrypt here.
#[derive(Debug)]
struct Key {
    kind: String,
    is_derived: bool,
    is_soft_deleted: bool,
    may_be_deleted: bool,
    least_for_encryption: usize,
    least_for_decryption: usize,
    versions: Vec<LessSafeKey>,
}

/// Whether a call makes a key that is not there, as encryption does.
pub(crate) fn makes_a_key(held: &Held, call: &Call<'_>) -> bool {
    let Some((mount, "encrypt", name)) = parts(call.path) else { return false };
    let engine = held.engines.get(&(call.namespace.to_owned(), mount.to_owned()));
    engine.is_some_and(|engine| !engine.0.contains_key(name))
}

pub(crate) fn answer(held: &mut Held, call: &Call<'_>) -> Outcome {
    let engines = &mut held.engines;
    let found = parts(call.path).and_then(|(mount, what, rest)| {
        Some((engines.get_mut(&(call.namespace.to_owned(), mount.to_owned()))?, what, rest))
    });
    let Some((Engine(keys), what, rest)) = found else {
        let path = call.path;
        return Err(Answer::error(404, &format!("no handler for route \"{path}\". route entry not found.")));
    };
    let (name, action) = rest.split_once('/').unwrap_or((rest, ""));
    match (what, call.method, action) {
        ("encrypt", _, "") => {
            let key = keys.entry(name.to_owned()).or_insert_with(|| Key::new(AES_256, false));
            key.encrypt(&call.body)
        }
        ("decrypt", _, "") => keys.get(name).ok_or_else(not_found)?.decrypt(&call.body),
        ("keys", &Method::GET, "") => Ok(keys.get(name).ok_or_else(Answer::absent)?.described(name)),
        ("keys", &Method::DELETE, "") => match keys.get(name).ok_or_else(not_found)?.may_be_deleted {
            true => {
                keys.remove(name);
                Ok(Answer::nothing())
            }
            false => Err(Answer::error(400, "error deleting policy: deletion is not allowed for this key")),
        },
        ("keys", _, "") => {
            let kind = text(&call.body, "type").unwrap_or(AES_256);
            let is_derived = call.body.get("derived") == Some(&Value::Bool(true));
            let key = keys.entry(name.to_owned()).or_insert_with(|| Key::new(kind, is_derived));
            Ok(key.described(name))
        }
        ("keys", _, action) => {
            let key = keys.get_mut(name).ok_or_else(not_found)?;
            key.change(action, &call.body)?;
            Ok(key.described(name))
        }
        _ => Err(Answer::absent()),
    }
}

impl Key {
    fn new(kind: &str, is_derived: bool) -> Self {
        Self {
            kind: kind.to_owned(),
            is_derived,
            is_soft_deleted: false,
            may_be_deleted: false,
            least_for_encryption: 0,
            least_for_decryption: 1,
            versions: material().into_iter().collect(),
        }
    }

    fn change(&mut self, action: &str, body: &Value) -> Result<(), Answer> {
        let least = |name| number(body, name).and_then(|number| usize::try_from(number).ok());
        match action {
            "rotate" => self.versions.extend(material()),
            "soft-delete" => self.is_soft_deleted = true,
            "soft-delete-restore" => self.is_soft_deleted = false,
            "config" => {
                self.least_for_encryption =
                    least("min_encryption_version").unwrap_or(self.least_for_encryption);
                self.least_for_decryption =
                    least("min_decryption_version").unwrap_or(self.least_for_decryption);
                let deletion = body.get("deletion_allowed").and_then(Value::as_bool);
                self.may_be_deleted = deletion.unwrap_or(self.may_be_deleted);
            }
            _ => return Err(Answer::absent()),
        }
        Ok(())
    }

    fn described(&self, name: &str) -> Answer {
        let (is_aead, is_rsa) = (self.is_aead(), self.kind.starts_with("rsa-"));
        let keys: BTreeMap<String, u64> = (self.least_for_decryption..=self.versions.len())
            .map(|version| (version.to_string(), 0))
            .collect();
        Answer::data(&json!({
            "name": name,
            "type": self.kind,
            "derived": self.is_derived,
            "keys": keys,
            "latest_version": self.versions.len(),
            "min_available_version": 0,
            "min_decryption_version": self.least_for_decryption,
            "min_encryption_version": self.least_for_encryption,
            "deletion_allowed": self.may_be_deleted,
            "soft_deleted": self.is_soft_deleted,
            "supports_encryption": is_aead || is_rsa,
            "supports_decryption": is_aead || is_rsa,
            "supports_derivation": is_aead,
            "supports_signing": is_rsa || self.kind == "ed25519",
        }))
    }

    fn encrypt(&self, body: &Value) -> Outcome {
        let plaintext = text(body, "plaintext").ok_or_else(|| bad("missing plaintext to encrypt"))?;
        let mut bytes = STANDARD.decode(plaintext).map_err(|error| bad(&error.to_string()))?;
        let additional = self.additional_data(body)?;
        let latest = self.versions.len();
        let asked = number(body, "key_version").and_then(|number| usize::try_from(number).ok());
        let version = asked.filter(|version| *version > 0).unwrap_or(latest);
        if version > latest {
            return Err(bad("requested version for encryption is higher than the latest key version"));
        }
        if version < self.least_for_encryption {
            return Err(bad(
                "requested version for encryption is less than the minimum encryption key version",
            ));
        }
        let key = self.version(version)?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Answer::error(500, "no randomness"))?;
        let sealed = key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(&additional),
            &mut bytes,
        );
        sealed.map_err(|_| Answer::error(500, "cannot be encrypted"))?;
        let text = STANDARD.encode([nonce.as_slice(), &bytes].concat());
        Ok(Answer::data(&json!({ "ciphertext": format!("vault:v{version}:{text}"), "key_version": version })))
    }

    fn decrypt(&self, body: &Value) -> Outcome {
        let whole = text(body, "ciphertext").ok_or_else(|| bad("missing ciphertext to decrypt"))?;
        let additional = self.additional_data(body)?;
        let rest = whole.strip_prefix("vault:v").ok_or_else(|| bad("invalid ciphertext: no prefix"))?;
        let (version, rest) =
            rest.split_once(':').ok_or_else(|| bad("invalid ciphertext: wrong number of fields"))?;
        let version: usize =
            version.parse().map_err(|_| bad("invalid ciphertext: version number could not be decoded"))?;
        // As the first release counted.
        let version = version.max(1);
        if version > self.versions.len() {
            return Err(bad("invalid ciphertext: version is too new"));
        }
        if version < self.least_for_decryption {
            return Err(bad("ciphertext or signature version is disallowed by policy (too old)"));
        }
        let bytes = STANDARD.decode(rest).map_err(|_| bad("invalid ciphertext: could not decode base64"))?;
        let (nonce, sealed) = bytes.split_first_chunk().ok_or_else(|| bad("invalid ciphertext length"))?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.version(version)?.open_in_place(nonce, Aad::from(&additional), &mut sealed);
        let plaintext = opened.map_err(|_| bad("cipher: message authentication failed"))?;
        Ok(Answer::data(&json!({ "plaintext": STANDARD.encode(plaintext) })))
    }

    fn additional_data(&self, body: &Value) -> Result<Vec<u8>, Answer> {
        if self.is_soft_deleted {
            return Err(bad("refusing to use soft-deleted key"));
        }
        let data = text(body, "associated_data").unwrap_or_default();
        if !self.is_aead() {
            let kind = &self.kind;
            return Err(bad(&format!("'[0].associated_data' provided for non-AEAD cipher suite {kind}")));
        }
        if self.is_derived {
            return Err(bad("missing 'context' for key derivation; the key was created using a derived key"));
        }
        STANDARD.decode(data).map_err(|error| bad(&error.to_string()))
    }

    fn version(&self, number: usize) -> Result<&LessSafeKey, Answer> {
        let index = number.checked_sub(1);
        let key = index.and_then(|index| self.versions.get(index));
        key.ok_or_else(|| Answer::error(500, "no such version"))
    }

    fn is_aead(&self) -> bool {
        self.kind.ends_with("-gcm96") || self.kind.ends_with("chacha20-poly1305")
    }
}

/// The mount, what is done, and to what; mounts may have several segments.
fn parts(path: &str) -> Option<(&str, &str, &str)> {
    ["keys", "encrypt", "decrypt"].into_iter().find_map(|what| {
        let (mount, rest) = path.split_once(&format!("/{what}/"))?;
        Some((mount, what, rest))
    })
}

fn material() -> Option<LessSafeKey> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok()?;
    UnboundKey::new(&AES_256_GCM, &bytes).ok().map(LessSafeKey::new)
}

fn not_found() -> Answer {
    bad("encryption key not found")
}

fn bad(text: &str) -> Answer {
    Answer::error(400, text)
}

const AES_256: &str = "aes256-gcm96";
