//! Tags of a key, and AWS's rules for them.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The tags of a key in the order in which they were first put on it: at most 50, each key once, none reserved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(Vec<Tag>);

/// Why tags are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTags {
    /// A character that tags cannot have.
    Character,
    /// The same tag key twice in one call.
    Duplicate,
    /// A tag key that begins with `aws:`.
    Reserved,
    /// More than a key can have.
    TooMany,
}

impl std::fmt::Display for InvalidTags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Character => "Tags contain invalid characters",
            Self::Duplicate => "Duplicate tag keys",
            Self::Reserved => "Tags beginning with aws: are reserved",
            Self::TooMany => "Too many tags",
        })
    }
}

impl Tags {
    /// The tags with others put on: an existing key keeps its place and gets the new value.
    pub fn with(&self, new: Vec<Tag>) -> Result<Self, InvalidTags> {
        new.iter().try_for_each(permitted)?;
        let mut seen = HashSet::new();
        if !new.iter().all(|tag| seen.insert(tag.key.as_str())) {
            return Err(InvalidTags::Duplicate);
        }
        let mut tags = self.clone();
        for tag in new {
            match tags.0.iter_mut().find(|old| old.key == tag.key) {
                Some(old) => *old = tag,
                None => tags.0.push(tag),
            }
        }
        if tags.0.len() > MOST_TAGS { Err(InvalidTags::TooMany) } else { Ok(tags) }
    }

    /// The tags without those of the given keys; keys that are not there are passed over.
    pub fn without<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result<Self, InvalidTags> {
        let keys: HashSet<&str> = keys.collect();
        if keys.iter().any(|key| is_reserved(key)) {
            return Err(InvalidTags::Reserved);
        }
        Ok(Self(self.0.iter().filter(|tag| !keys.contains(tag.key.as_str())).cloned().collect()))
    }

    /// The tags, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.0.iter()
    }
}

fn permitted(tag: &Tag) -> Result<(), InvalidTags> {
    if is_reserved(&tag.key) {
        return Err(InvalidTags::Reserved);
    }
    let plain = tag.key.chars().chain(tag.value.chars()).all(is_tag_character);
    if plain { Ok(()) } else { Err(InvalidTags::Character) }
}

fn is_reserved(key: &str) -> bool {
    key.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
}

//= kms:TagResource: letters, digits, spaces and `_ . : / = + - @`
fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

const RESERVED: &str = "aws:";
const MOST_TAGS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.into(), value: value.into() }
    }

    fn numbered(count: usize) -> Vec<Tag> {
        (0..count).map(|n| tag(&n.to_string(), "")).collect()
    }

    #[test]
    fn a_known_key_is_overwritten_in_place_and_a_new_one_comes_last() {
        let tags = Tags::default().with(vec![tag("a", "1"), tag("b", "2")]).unwrap();
        let tags = tags.with(vec![tag("c", "3"), tag("a", "4")]).unwrap();
        assert_eq!(tags.0, [tag("a", "4"), tag("b", "2"), tag("c", "3")]);
    }

    #[test]
    fn a_key_has_at_most_50_tags() {
        let full = Tags::default().with(numbered(50)).unwrap();
        assert_eq!(Tags::default().with(numbered(51)), Err(InvalidTags::TooMany));
        assert_eq!(full.with(vec![tag("one more", "")]), Err(InvalidTags::TooMany));
        assert!(full.with(vec![tag("7", "again")]).is_ok());
    }

    #[test]
    fn the_prefix_aws_is_reserved_in_any_case() {
        for key in ["aws:x", "AWS:x", "aWs:"] {
            assert_eq!(Tags::default().with(vec![tag(key, "")]), Err(InvalidTags::Reserved));
            assert_eq!(Tags::default().without([key].into_iter()), Err(InvalidTags::Reserved));
        }
        assert!(Tags::default().with(vec![tag("awsx", "")]).is_ok());
    }

    #[test]
    fn a_key_may_stand_once_in_a_call() {
        assert_eq!(Tags::default().with(vec![tag("a", ""), tag("a", "")]), Err(InvalidTags::Duplicate));
        assert!(Tags::default().with(vec![tag("a", ""), tag("A", "")]).is_ok());
    }

    #[test]
    fn letters_of_every_script_are_letters_and_other_signs_are_refused() {
        assert!(Tags::default().with(vec![tag("Größe", "1 m @ a/b=c+d-e_f.g:h")]).is_ok());
        assert_eq!(Tags::default().with(vec![tag("a!", "")]), Err(InvalidTags::Character));
    }

    #[test]
    fn what_is_not_there_need_not_be_taken_off() {
        let tags = Tags::default().with(numbered(2)).unwrap();
        assert_eq!(tags.without(["1", "7"].into_iter()).unwrap().0, numbered(1));
    }
}
