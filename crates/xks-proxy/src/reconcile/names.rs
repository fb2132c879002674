//! Texts that come again and again, kept once each.

use super::ReconcileError;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use uuid::Uuid;

/// A text that [`Names`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name(NonZeroU32);

/// Every text, once.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_text: HashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

impl Names {
    /// The name of that text.
    pub(super) fn keep(&mut self, text: &str) -> Result<Name, ReconcileError> {
        if let Some(name) = self.find(text) {
            return Ok(name);
        }
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        let number = u32::try_from(self.texts.len()).ok().and_then(NonZeroU32::new);
        let name = Name(number.ok_or(ReconcileError::TooMany)?);
        self.by_text.insert(text, name);
        Ok(name)
    }

    /// That of each, if it is there.
    pub(super) fn keep_if_any(&mut self, text: Option<&str>) -> Result<Option<Name>, ReconcileError> {
        text.map(|text| self.keep(text)).transpose()
    }

    /// The name of that text, if it was kept.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        self.by_text.get(text).copied()
    }

    /// The text of that name.
    pub(super) fn text(&self, name: Name) -> &str {
        let place = usize::try_from(name.0.get()).unwrap_or(usize::MAX).saturating_sub(1);
        self.texts.get(place).map_or("", |text| &**text)
    }
}

/// The id of a request to a KMS: nearly always a UUID, which takes 16 bytes. Ids are the same if their texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum RequestId {
    Text(Name),
    Uuid([u8; 16]),
}

impl RequestId {
    pub(super) fn keep(text: &str, names: &mut Names) -> Result<Self, ReconcileError> {
        uuid(text).map_or_else(|| names.keep(text).map(Self::Text), |id| Ok(Self::Uuid(id)))
    }

    /// That id, if one that is no UUID was kept.
    pub(super) fn find(text: &str, names: &Names) -> Option<Self> {
        uuid(text).map(Self::Uuid).or_else(|| names.find(text).map(Self::Text))
    }

    pub(super) fn text(self, names: &Names) -> String {
        match self {
            Self::Text(name) => names.text(name).to_owned(),
            Self::Uuid(id) => Uuid::from_bytes(id).to_string(),
        }
    }
}

/// Only as it is written in lower case: else two texts would be one id.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let id = Uuid::try_parse(text).ok()?;
    let mut written = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut written) == text).then(|| id.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_name() {
        let mut names = Names::default();
        let (one, two) = (names.keep("a").unwrap(), names.keep("b").unwrap());
        assert_ne!(one, two);
        assert_eq!((names.keep("a").unwrap(), names.find("b"), names.find("c")), (one, Some(two), None));
        assert_eq!((names.text(one), names.text(two)), ("a", "b"));
    }

    #[test]
    fn ids_are_the_same_only_if_their_texts_are() {
        let mut names = Names::default();
        let texts = [
            "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
            "4112F4D6-DB54-4AF4-AE30-C55A22A8DFAE",
            "4112f4d6db544af4ae30c55a22a8dfae",
            "{4112f4d6-db54-4af4-ae30-c55a22a8dfae}",
            "4112",
        ];
        let ids: Vec<RequestId> =
            texts.iter().map(|text| RequestId::keep(text, &mut names).unwrap()).collect();
        for (text, id) in texts.iter().zip(&ids) {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{text}");
            assert_eq!(id.text(&names), **text);
            assert_eq!(RequestId::find(text, &names), Some(*id));
        }
        assert_eq!(RequestId::find("4113", &names), None);
    }
}
