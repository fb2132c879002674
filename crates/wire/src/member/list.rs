//! Lists: their own limits and those of their elements.

use super::{DryRunModifier, GrantToken, Member, ResourceOwner, Tag, TagKey, length_constraint};
use crate::input::Nullable;
use crate::{NO_LIMIT, Path, Shape, Violations};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// What a dry run passes over, as a list.
pub type DryRunModifiers = ScalarList<DryRunModifier, 0, NO_LIMIT>;

/// Up to ten grant tokens.
pub type GrantTokens = ScalarList<GrantToken, 0, 10>;

/// Whose keys a list is to hold: one or two kinds.
pub type ResourceOwners = ScalarList<ResourceOwner, 1, 2>;

/// Keys of tags.
pub type TagKeys = ScalarList<TagKey, 0, NO_LIMIT>;

/// Tags, without a limit of their own: a key's number of tags is not a matter of shape.
pub type Tags = StructureList<Tag, 0, NO_LIMIT>;

/// An element that AWS shows with its list, and whose limits it names all at once when one is broken.
pub trait Scalar: Member<Raw = String> {
    /// Whether no message may show it.
    const SECRET: bool = false;

    /// The words for every limit of an element.
    fn constraints() -> Vec<String>;

    /// Whether an element is within its limits.
    fn within_limits(raw: &str) -> bool;
}

/// A list of `MIN` to `MAX` scalars.
#[derive(Clone, Debug)]
pub struct ScalarList<T, const MIN: usize, const MAX: usize>(pub Vec<T>);

impl<T: Scalar + 'static, const MIN: usize, const MAX: usize> Member for ScalarList<T, MIN, MAX> {
    type Raw = Vec<String>;

    const SHAPE: Shape = Shape::List { min: MIN, max: limit(MAX), of: &T::SHAPE };

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error> {
        from.deserialize_any(Elements::<T>(PhantomData))
    }

    fn check(raw: Self::Raw, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
        let mut violate = |constraint: &str| match T::SECRET {
            true => violations.hidden_value(path, &constraint),
            false => violations.value(path, &format_args!("[{}]", raw.join(", ")), &constraint),
        };
        let length = length_constraint(raw.len(), MIN, limit(MAX));
        if let Some(constraint) = &length {
            violate(constraint);
        }
        if !raw.iter().all(|raw| T::within_limits(raw)) {
            violate(&format!("Member must satisfy constraint: [{}]", T::constraints().join(", ")));
            return None;
        }
        let elements = raw.into_iter().filter_map(|raw| T::check(raw, path, violations)).collect();
        length.is_none().then_some(Self(elements))
    }
}

/// A list of `MIN` to `MAX` structures.
#[derive(Debug)]
pub struct StructureList<T, const MIN: usize, const MAX: usize>(pub Vec<T>);

impl<T: Member + 'static, const MIN: usize, const MAX: usize> Member for StructureList<T, MIN, MAX> {
    type Raw = Vec<T::Raw>;

    const SHAPE: Shape = Shape::List { min: MIN, max: limit(MAX), of: &T::SHAPE };

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error> {
        from.deserialize_any(Elements::<T>(PhantomData))
    }

    fn check(raw: Self::Raw, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
        let count = raw.len();
        let length = length_constraint(count, MIN, limit(MAX));
        if let Some(constraint) = &length {
            violations.hidden_value(path, constraint);
        }
        let checked = raw.into_iter().enumerate();
        let elements: Vec<T> =
            checked.filter_map(|(index, raw)| T::check(raw, &path.element(index), violations)).collect();
        (length.is_none() && elements.len() == count).then_some(Self(elements))
    }
}

const fn limit(max: usize) -> Option<usize> {
    if max == NO_LIMIT { None } else { Some(max) }
}

struct Elements<T>(PhantomData<T>);

impl<'de, T: Member> Visitor<'de> for Elements<T> {
    type Value = Vec<T::Raw>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    /// A `null` among the elements is passed over, as AWS's front end does with sparse lists.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(Nullable::<T>::new())? {
            list.extend(element);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom("Start of structure or map found where not expected"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(UNEXPECTED))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(E::custom(UNEXPECTED))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom(UNEXPECTED))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(E::custom(UNEXPECTED))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(UNEXPECTED))
    }
}

const UNEXPECTED: &str = "Unexpected field type";
