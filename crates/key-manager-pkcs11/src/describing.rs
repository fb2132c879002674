//! What a token says of a key, as KMS wants to hear it, and for how long that is believed.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use key_manager::{KeyDescription, Trouble};
use pkcs11_api::KeyDate;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// What a key is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Decrypt,
    Encrypt,
}

/// What the tokens have said of keys.
#[derive(Default)]
pub(crate) struct Descriptions(RefCell<HashMap<String, Said>>);

struct Said {
    when: Instant,
    key: pkcs11_api::KeyDescription,
}

impl Descriptions {
    /// What was said of the key just now.
    pub(crate) fn fresh(&self, label: &str) -> Option<pkcs11_api::KeyDescription> {
        let said = self.0.borrow();
        said.get(label).filter(|said| said.when.elapsed() < BELIEVED).map(|said| said.key)
    }

    pub(crate) fn note(&self, label: &str, key: pkcs11_api::KeyDescription) {
        let mut said = self.0.borrow_mut();
        if said.len() >= MOST && !said.contains_key(label) {
            said.clear();
        }
        said.insert(label.to_owned(), Said { when: Instant::now(), key });
    }

    /// Whether a token ever said something of it.
    pub(crate) fn has_been_seen(&self, label: &str) -> bool {
        self.0.borrow().contains_key(label)
    }

    pub(crate) fn forget(&self, label: &str) {
        self.0.borrow_mut().remove(label);
    }
}

/// Whether the key may be used so on that day.
pub(crate) fn check(key: &pkcs11_api::KeyDescription, wanted: Use, today: Date) -> Result<(), Trouble> {
    if !is_enabled(key, today) {
        return Err(Trouble::Disabled);
    }
    let is_for_it = match wanted {
        Use::Decrypt => key.decrypt,
        Use::Encrypt => key.encrypt,
    };
    (is_for_it && spec(key) == "AES_256").then_some(()).ok_or(Trouble::InvalidKeyUsage)
}

/// The key as KMS wants to hear of it, on that day.
pub(crate) fn described(key: &pkcs11_api::KeyDescription, today: Date) -> KeyDescription {
    let uses = [
        (key.encrypt, "ENCRYPT"),
        (key.decrypt, "DECRYPT"),
        (key.sign, "SIGN"),
        (key.verify, "VERIFY"),
        (key.wrap, "WRAP"),
        (key.unwrap, "UNWRAP"),
        (key.derive, "DERIVE"),
    ];
    let usage = uses.into_iter().filter(|(may, _)| *may).map(|(_, name)| name.to_owned()).collect();
    KeyDescription { spec: spec(key), usage, is_enabled: is_enabled(key, today) }
}

/// The day, in UTC.
pub(crate) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// From its first day to its last. A token that knows of no days can disable nothing.
fn is_enabled(key: &pkcs11_api::KeyDescription, today: Date) -> bool {
    let date = |KeyDate { year, month, day }| (i32::from(year), i32::from(month), i32::from(day));
    let today = (today.year().into(), today.month().into(), today.day().into());
    key.start.is_none_or(|start| date(start) <= today) && key.end.is_none_or(|end| today <= date(end))
}

fn spec(key: &pkcs11_api::KeyDescription) -> String {
    let name = KEY_TYPES.iter().find(|(key_type, _)| *key_type == key.key_type).map(|(_, name)| *name);
    let length = match key.key_type {
        AES => key.value_length.and_then(|bytes| bytes.checked_mul(8)),
        RSA => key.modulus_bits,
        _ => None,
    };
    match (name, length) {
        (Some(name), Some(bits)) => format!("{name}_{bits}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => format!("KEY_TYPE_0x{:x}", key.key_type),
    }
}

/// The owner may change what a key is for: that is seen after so long.
const BELIEVED: Duration = Duration::from_secs(5);
const MOST: usize = 4096;
const RSA: u64 = 0x00;
const AES: u64 = 0x1f;
/// `CKA_KEY_TYPE`, in the manner of `AES_256`.
const KEY_TYPES: [(u64, &str); 11] = [
    (RSA, "RSA"),
    (0x01, "DSA"),
    (0x03, "EC"),
    (0x10, "GENERIC_SECRET"),
    (0x13, "DES"),
    (0x14, "DES2"),
    (0x15, "DES3"),
    (AES, "AES"),
    (0x33, "CHACHA20"),
    (0x40, "EC_EDWARDS"),
    (0x41, "EC_MONTGOMERY"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn key() -> pkcs11_api::KeyDescription {
        let none = pkcs11_api::KeyDescription::default();
        pkcs11_api::KeyDescription {
            key_type: AES,
            value_length: Some(32),
            encrypt: true,
            decrypt: true,
            ..none
        }
    }

    #[test]
    fn a_key_is_told_by_its_kind_its_length_and_its_uses() {
        let today = date(2026, 11, 22);
        let usage = ["ENCRYPT".to_owned(), "DECRYPT".to_owned()].into();
        let told = KeyDescription { spec: "AES_256".to_owned(), usage, is_enabled: true };
        assert_eq!(described(&key(), today), told);
        let rsa =
            pkcs11_api::KeyDescription { key_type: 0, modulus_bits: Some(2048), value_length: None, ..key() };
        assert_eq!(described(&rsa, today).spec, "RSA_2048");
        for (key_type, length, spec) in [
            (AES, Some(16), "AES_128"),
            (AES, None, "AES"),
            (0x10, Some(32), "GENERIC_SECRET"),
            (0x03, None, "EC"),
            (0x8000_0001, None, "KEY_TYPE_0x80000001"),
        ] {
            let key = pkcs11_api::KeyDescription { key_type, value_length: length, ..key() };
            assert_eq!(described(&key, today).spec, spec);
        }
        let all = pkcs11_api::KeyDescription {
            sign: true,
            verify: true,
            wrap: true,
            unwrap: true,
            derive: true,
            ..key()
        };
        let usage = ["ENCRYPT", "DECRYPT", "SIGN", "VERIFY", "WRAP", "UNWRAP", "DERIVE"];
        assert_eq!(described(&all, today).usage, usage);
    }

    #[test]
    fn a_key_is_enabled_from_its_first_day_to_its_last() {
        let day = |year, month, day| Some(KeyDate { year, month, day });
        let today = date(2026, 11, 22);
        for (start, end, enabled) in [
            (None, None, true),
            (day(2026, 11, 22), day(2026, 11, 22), true),
            (day(2026, 11, 23), None, false),
            (None, day(2026, 11, 21), false),
            (day(2025, 12, 31), day(2027, 1, 1), true),
        ] {
            let key = pkcs11_api::KeyDescription { start, end, ..key() };
            assert_eq!(described(&key, today).is_enabled, enabled, "{start:?} {end:?}");
            let checked = check(&key, Use::Encrypt, today);
            assert_eq!(checked, if enabled { Ok(()) } else { Err(Trouble::Disabled) });
        }
    }

    #[test]
    fn only_aes_256_that_may_is_used() {
        let today = date(2026, 11, 22);
        let no = Err(Trouble::InvalidKeyUsage);
        let encrypts = pkcs11_api::KeyDescription { decrypt: false, ..key() };
        assert_eq!(check(&encrypts, Use::Encrypt, today), Ok(()));
        assert_eq!(check(&encrypts, Use::Decrypt, today), no);
        let decrypts = pkcs11_api::KeyDescription { encrypt: false, ..key() };
        assert_eq!(check(&decrypts, Use::Encrypt, today), no);
        for other in [
            pkcs11_api::KeyDescription { value_length: Some(16), ..key() },
            pkcs11_api::KeyDescription { value_length: None, ..key() },
            pkcs11_api::KeyDescription { key_type: 0x10, ..key() },
        ] {
            assert_eq!(check(&other, Use::Encrypt, today), no);
        }
    }
}
