//! What Transit says of keys, as KMS wants it said, and remembered for a few seconds.

use crate::message::TransitKey;
use key_manager::{KeyDescription, Trouble};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Decrypt,
    Encrypt,
}

impl TransitKey {
    /// What the key is.
    pub(crate) fn described(&self) -> KeyDescription {
        let may = [
            (ENCRYPT, self.supports_encryption && !self.derived),
            (DECRYPT, self.supports_decryption && !self.derived),
            ("SIGN", self.supports_signing),
            ("VERIFY", self.supports_signing),
        ];
        let usage = may.into_iter().filter(|(_, may)| *may).map(|(what, _)| what.to_owned()).collect();
        KeyDescription { spec: self.spec(), usage, is_enabled: self.is_enabled() }
    }

    /// Whether it may be used for that now.
    pub(crate) fn check(&self, wanted: Use) -> Result<(), Trouble> {
        let is_supported = match wanted {
            Use::Decrypt => self.supports_decryption,
            Use::Encrypt => self.supports_encryption,
        };
        // A derived key wants a context besides the additional data, and a shorter one is not what KMS asks for.
        if self.kind != AES_256 || self.derived || !is_supported {
            return Err(Trouble::InvalidKeyUsage);
        }
        if self.is_enabled() { Ok(()) } else { Err(Trouble::Disabled) }
    }

    fn is_enabled(&self) -> bool {
        !self.soft_deleted && self.min_encryption_version <= self.latest_version && self.latest_version > 0
    }

    fn spec(&self) -> String {
        match self.kind.as_str() {
            AES_256 => "AES_256".to_owned(),
            "aes128-gcm96" => "AES_128".to_owned(),
            other => other.to_ascii_uppercase().replace('-', "_"),
        }
    }
}

/// What was said of keys just now.
#[derive(Default)]
pub(crate) struct Keys(RefCell<HashMap<String, Known>>);

struct Known {
    key: Rc<TransitKey>,
    /// Until then it is as good as asked.
    until: Instant,
}

impl Keys {
    /// The key, if it was read just now. Who is told nothing reads it, and for a while the only one to: the others go on with what they know.
    pub(crate) fn fresh(&self, name: &str) -> Option<Rc<TransitKey>> {
        let mut keys = self.0.borrow_mut();
        let known = keys.get_mut(name)?;
        let now = Instant::now();
        if known.until <= now {
            known.until = now + READING_FOR;
            return None;
        }
        Some(Rc::clone(&known.key))
    }

    pub(crate) fn note(&self, name: &str, key: TransitKey) -> Rc<TransitKey> {
        let mut keys = self.0.borrow_mut();
        if keys.len() >= MOST_KEYS {
            keys.clear();
        }
        let key = Rc::new(key);
        let known = Known { key: Rc::clone(&key), until: Instant::now() + FRESH_FOR };
        keys.insert(name.to_owned(), known);
        key
    }

    pub(crate) fn forget(&self, name: &str) {
        self.0.borrow_mut().remove(name);
    }
}

const AES_256: &str = "aes256-gcm96";
const ENCRYPT: &str = "ENCRYPT";
const DECRYPT: &str = "DECRYPT";
/// How long a rotation may go unnoticed: what is encrypted under the version before it opens as well.
const FRESH_FOR: Duration = Duration::from_secs(3);
const READING_FOR: Duration = Duration::from_secs(1);
const MOST_KEYS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> TransitKey {
        TransitKey {
            kind: AES_256.to_owned(),
            latest_version: 3,
            min_encryption_version: 0,
            supports_encryption: true,
            supports_decryption: true,
            supports_signing: false,
            derived: false,
            soft_deleted: false,
        }
    }

    #[test]
    fn keys_are_described_as_what_they_are_and_only_aes_256_is_used() {
        for (kind, spec, used) in [
            (AES_256, "AES_256", Ok(())),
            ("aes128-gcm96", "AES_128", Err(Trouble::InvalidKeyUsage)),
            ("chacha20-poly1305", "CHACHA20_POLY1305", Err(Trouble::InvalidKeyUsage)),
            ("rsa-4096", "RSA_4096", Err(Trouble::InvalidKeyUsage)),
        ] {
            let key = TransitKey { kind: kind.to_owned(), ..key() };
            assert_eq!((key.described().spec.as_str(), key.check(Use::Decrypt)), (spec, used), "{kind}");
        }
        let usage = |key: TransitKey| key.described().usage;
        assert_eq!(usage(key()), ["ENCRYPT", "DECRYPT"]);
        let signs = TransitKey {
            supports_signing: true,
            supports_encryption: false,
            supports_decryption: false,
            ..key()
        };
        assert_eq!(usage(signs), ["SIGN", "VERIFY"]);
        let derived = TransitKey { derived: true, ..key() };
        assert_eq!((derived.check(Use::Encrypt), usage(derived).len()), (Err(Trouble::InvalidKeyUsage), 0));
    }

    #[test]
    fn a_key_that_is_deleted_softly_is_disabled() {
        let key = TransitKey { soft_deleted: true, ..key() };
        assert_eq!(
            (key.check(Use::Encrypt), key.check(Use::Decrypt)),
            (Err(Trouble::Disabled), Err(Trouble::Disabled))
        );
        assert!(!key.described().is_enabled);
    }
}
