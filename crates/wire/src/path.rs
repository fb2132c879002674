//! Where in a request a value stands, spelt as AWS's validation messages spell it.

use std::fmt;

/// A place in a request, such as `tags.1.member.tagKey`. Costs nothing until it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Element(usize),
}

impl Path<'_> {
    /// The request itself.
    pub const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    /// The member of that wire name.
    #[must_use]
    pub const fn member<'a>(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Member(name) }
    }

    /// The element at that index, counted from 0.
    #[must_use]
    pub const fn element(&self, index: usize) -> Path<'_> {
        Path { parent: Some(self), step: Step::Element(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent.filter(|parent| !matches!(parent.step, Step::Root)) {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) => {
                let mut letters = name.chars();
                letters.next().map_or(Ok(()), |first| write!(f, "{}", first.to_ascii_lowercase()))?;
                f.write_str(letters.as_str())
            }
            Step::Element(index) => write!(f, "{}.member", index.saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelt_as_aws_spells_it() {
        let tags = Path::ROOT.member("Tags");
        assert_eq!(tags.element(0).member("TagKey").to_string(), "tags.1.member.tagKey");
        assert_eq!(Path::ROOT.member("KeyId").to_string(), "keyId");
    }
}
