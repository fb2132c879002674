//! What a token is bound to. The canonical encoding is authenticated with the token, so it must never change for bindings
//! that exist, and two different bindings must never have the same encoding.

use crate::Bytes;
use crate::fields::{key_id_bytes, put_text, take, take_account, take_key_id, take_text};
use keys::{AccountId, KeyId, KeyMaterialId, KeyOrigin, KeySpec, KeyUsage, Region};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// Everything that a key token is bound to. The module opens a token only if the binding given equals the one sealed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The account that owns the key.
    pub account: AccountId,
    /// The region that the key is in.
    pub region: Region,
    /// The key.
    pub key_id: KeyId,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// Which backing key of the key it is.
    pub material_id: KeyMaterialId,
}

/// A binding before there is a backing key: what the module needs to make one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewKey {
    /// The account that owns the key.
    pub account: AccountId,
    /// The region that the key is in.
    pub region: Region,
    /// The key.
    pub key_id: KeyId,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: KeyOrigin,
}

impl NewKey {
    /// The binding of the backing key with that id.
    #[must_use]
    pub fn with_material(&self, material_id: KeyMaterialId) -> Binding {
        let Self { account, region, key_id, spec, usage, origin } = self.clone();
        Binding { account, region, key_id, spec, usage, origin, material_id }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.account.as_str().as_bytes());
        put_text(self.region.as_str(), out);
        out.extend_from_slice(&key_id_bytes(&self.key_id));
        put_text(self.spec.name(), out);
        put_text(self.usage.name(), out);
        put_text(self.origin.name(), out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            account: take_account(bytes)?,
            region: take_text(bytes)?.parse().ok()?,
            key_id: take_key_id(bytes)?,
            spec: KeySpec::of_name(take_text(bytes)?)?,
            usage: KeyUsage::of_name(take_text(bytes)?)?,
            origin: KeyOrigin::of_name(take_text(bytes)?)?,
        })
    }
}

impl Binding {
    fn encode(&self, out: &mut Vec<u8>) {
        let Self { account, region, key_id, spec, usage, origin, material_id } = self;
        out.extend_from_slice(account.as_str().as_bytes());
        put_text(region.as_str(), out);
        out.extend_from_slice(&key_id_bytes(key_id));
        put_text(spec.name(), out);
        put_text(usage.name(), out);
        put_text(origin.name(), out);
        out.extend_from_slice(material_id.bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let key = NewKey::take(bytes)?;
        Some(key.with_material(KeyMaterialId::from_bytes(take(bytes)?)))
    }
}

/// What the token of a secret access key is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialBinding {
    /// The account that the access key belongs to.
    pub account: AccountId,
    /// The id of the access key, 1 to 128 bytes.
    pub access_key_id: Box<str>,
}

impl CredentialBinding {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.account.as_str().as_bytes());
        put_text(&self.access_key_id, out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let account = take_account(bytes)?;
        let access_key_id = take_text(bytes)?;
        let fits = (1..=MAX_ACCESS_KEY_ID).contains(&access_key_id.len());
        fits.then(|| Self { account, access_key_id: access_key_id.into() })
    }
}

/// The bytes are not the canonical encoding of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the canonical encoding of a binding")]
pub struct MalformedBinding;

/// Bindings have one encoding each, which is also how they go through the door.
macro_rules! canonical {
    ($($name:ident)+) => {$(
        impl $name {
            /// The canonical encoding, as `docs/formats.md` has it.
            #[must_use]
            pub fn canonical(&self) -> Vec<u8> {
                let mut out = Vec::with_capacity(160);
                self.encode(&mut out);
                out
            }

            /// Reads a canonical encoding; nothing may follow it.
            pub fn parse(mut bytes: &[u8]) -> Result<Self, MalformedBinding> {
                let binding = Self::take(&mut bytes).ok_or(MalformedBinding)?;
                if bytes.is_empty() { Ok(binding) } else { Err(MalformedBinding) }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_bytes(&self.canonical())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::parse(Bytes::deserialize(from)?.0).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

canonical!(Binding CredentialBinding NewKey);

/// Opaque bytes that only the module can open, and that whoever stores them hands back as they are.
macro_rules! token {
    ($($(#[$about:meta])* $name:ident)+) => {$(
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Box<[u8]>);

        impl $name {
            /// The token with those bytes, whatever they are; the module says whether they are one.
            #[must_use]
            pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
                Self(bytes.into())
            }

            /// The bytes to store.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({} bytes)", stringify!($name), self.0.len())
            }
        }
    )+};
}

token! {
    /// A backing key sealed under a domain key, with its [`Binding`].
    KeyToken
    /// A secret access key sealed under a domain key, with its [`CredentialBinding`].
    CredentialToken
}

/// A backing key as the front end can name it: its token and what the token is bound to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key<'a> {
    /// The key token.
    #[serde(borrow)]
    pub token: Bytes<'a>,
    /// What the token must be bound to.
    pub binding: Cow<'a, Binding>,
}

impl<'a> Key<'a> {
    /// The backing key of that token, bound so.
    #[must_use]
    pub fn new(token: &'a KeyToken, binding: &'a Binding) -> Self {
        Self { token: Bytes(token.as_bytes()), binding: Cow::Borrowed(binding) }
    }
}

/// The longest access key id.
//= iam:AccessKeyMetadata AccessKeyId: 16 to 128 characters
const MAX_ACCESS_KEY_ID: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binding() -> Binding {
        Binding {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: KeyOrigin::AwsKms,
            material_id: KeyMaterialId::from_bytes([7; 32]),
        }
    }

    #[test]
    fn the_canonical_encoding_is_as_documented() {
        let mut expected = b"123456789012\x0ceu-central-1\x01\x12\x34\xab\xcd\x12\xab\x44\xcd\x96\xef\x12\x34\x56\x78\x90\xab\
            \x11SYMMETRIC_DEFAULT\x0fENCRYPT_DECRYPT\x07AWS_KMS"
            .to_vec();
        expected.extend([7; 32]);
        assert_eq!(binding().canonical(), expected);
    }

    #[test]
    fn a_new_key_is_its_binding_without_the_material() {
        let binding = binding();
        let canonical = binding.canonical();
        let new = NewKey::parse(&canonical[..canonical.len() - 32]).unwrap();
        assert_eq!(new.with_material(binding.material_id), binding);
        assert_eq!(new.canonical(), canonical[..canonical.len() - 32]);
    }

    #[test]
    fn every_truncation_and_an_extension_are_refused() {
        let mut canonical = binding().canonical();
        for length in 0..canonical.len() {
            assert_eq!(Binding::parse(&canonical[..length]), Err(MalformedBinding), "{length}");
        }
        canonical.push(0);
        assert_eq!(Binding::parse(&canonical), Err(MalformedBinding));
    }

    #[test]
    fn an_access_key_id_has_1_to_128_bytes() {
        let of_length = |length: usize| CredentialBinding {
            account: "123456789012".parse().unwrap(),
            access_key_id: "A".repeat(length).into(),
        };
        for length in [1, 128] {
            assert_eq!(CredentialBinding::parse(&of_length(length).canonical()), Ok(of_length(length)));
        }
        for length in [0, 129, 255, 256, 300] {
            assert_eq!(CredentialBinding::parse(&of_length(length).canonical()), Err(MalformedBinding));
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_canonical(
            account in 0_u64..1_000_000_000_000,
            region in "[a-z]{2,8}-[a-z]{2,8}-[0-9]{1,2}",
            key_id: [u8; 16],
            multi_region: bool,
            choice: (usize, usize, usize),
            material: [u8; 32],
        ) {
            let binding = Binding {
                account: AccountId::from_number(account).unwrap(),
                region: region.parse().unwrap(),
                key_id: if multi_region { KeyId::multi_region(key_id) } else { KeyId::single_region(key_id) },
                spec: KeySpec::ALL[choice.0 % KeySpec::ALL.len()],
                usage: KeyUsage::ALL[choice.1 % KeyUsage::ALL.len()],
                origin: KeyOrigin::ALL[choice.2 % KeyOrigin::ALL.len()],
                material_id: KeyMaterialId::from_bytes(material),
            };
            prop_assert_eq!(Binding::parse(&binding.canonical()), Ok(binding));
        }

        #[test]
        fn other_bytes_never_parse_to_the_same_binding(at in 0_usize..117, flip in 1_u8..) {
            let mut canonical = binding().canonical();
            let at = at % canonical.len();
            canonical[at] ^= flip;
            prop_assert_ne!(Binding::parse(&canonical), Ok(binding()));
        }
    }
}
