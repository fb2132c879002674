//! The encryption context in its one canonical form. Two contexts are the same exactly if their canonical bytes are.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Pairs of text that are authenticated with a ciphertext and not stored in it. No pair at all and no context are the same.
///
/// The canonical form is the pairs sorted by the bytes of their key; of each pair the key and then the value, each led by its
/// length in four bytes, big endian.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext(Vec<u8>);

impl EncryptionContext {
    /// The canonical form.
    #[must_use]
    pub fn canonical(&self) -> CanonicalContext<'_> {
        CanonicalContext(&self.0)
    }
}

/// Of several pairs with one key the last counts, as in a map.
impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for EncryptionContext {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let sorted: BTreeMap<&[u8], &[u8]> =
            pairs.iter().map(|(key, value)| (key.as_ref().as_bytes(), value.as_ref().as_bytes())).collect();
        let mut canonical =
            Vec::with_capacity(sorted.iter().map(|(key, value)| 8 + key.len() + value.len()).sum());
        for text in sorted.into_iter().flat_map(|(key, value)| [key, value]) {
            // A text of 4 GiB would get a length that no reader accepts; the frame limit is far below.
            canonical.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            canonical.extend_from_slice(text);
        }
        Self(canonical)
    }
}

/// Bytes that are known to be the canonical form of an encryption context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanonicalContext<'a>(&'a [u8]);

impl<'a> CanonicalContext<'a> {
    /// The bytes, if they are a canonical form.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut before: Option<&[u8]> = None;
        while !rest.is_empty() {
            let key = take_text(&mut rest)?;
            take_text(&mut rest)?;
            if before.is_some_and(|before| before >= key) {
                return None;
            }
            before = Some(key);
        }
        Some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    std::str::from_utf8(text).is_ok().then_some(text)
}

impl Serialize for CanonicalContext<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CanonicalContext<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(<&[u8]>::deserialize(from)?)
            .ok_or_else(|| D::Error::custom("not a canonical encryption context"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().copied().collect()
    }

    #[test]
    fn the_canonical_form_is_as_documented() {
        let canonical = b"\0\0\0\x01B\0\0\0\x01b\0\0\0\x01a\0\0\0\x02\xc3\xa9";
        assert_eq!(context(&[("a", "é"), ("B", "b")]).canonical().as_bytes(), canonical);
    }

    #[test]
    fn an_empty_context_is_no_context() {
        assert_eq!(context(&[]), EncryptionContext::default());
        assert_eq!(CanonicalContext::parse(&[]), Some(EncryptionContext::default().canonical()));
    }

    #[test]
    fn the_border_between_key_and_value_and_between_pairs_counts() {
        let contexts = [
            context(&[("ab", "c")]),
            context(&[("a", "bc")]),
            context(&[("abc", "")]),
            context(&[("", "abc")]),
            context(&[("a", "b"), ("c", "")]),
            context(&[("a", "b\0\0\0\x01c")]),
        ];
        for (at, one) in contexts.iter().enumerate() {
            assert!(contexts.iter().skip(at + 1).all(|other| one != other), "{one:?}");
        }
    }

    #[test]
    fn unsorted_repeated_truncated_and_non_text_forms_are_refused() {
        for wrong in [
            &b"\0\0\0\x01b\0\0\0\0\0\0\0\x01a\0\0\0\0"[..],
            b"\0\0\0\x01a\0\0\0\0\0\0\0\x01a\0\0\0\0",
            b"\0\0\0\x01a\0\0\0\x01",
            b"\0\0\0\x01a",
            b"\0\0\0",
            b"\0\0\0\x01\xff\0\0\0\0",
            b"\xff\xff\xff\xffa",
        ] {
            assert_eq!(CanonicalContext::parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_the_form_parses(pairs: BTreeMap<String, String>) {
            let forward: EncryptionContext = pairs.iter().collect();
            let backward: EncryptionContext = pairs.iter().rev().collect();
            prop_assert_eq!(&forward, &backward);
            prop_assert_eq!(CanonicalContext::parse(forward.canonical().as_bytes()), Some(forward.canonical()));
        }

        #[test]
        fn different_contexts_have_different_forms(
            one: BTreeMap<String, String>,
            other: BTreeMap<String, String>,
        ) {
            let same = one.iter().collect::<EncryptionContext>() == other.iter().collect::<EncryptionContext>();
            prop_assert_eq!(same, one == other);
        }
    }
}
