//! What an action is on, as a policy's `Resource` sees it.

use std::cell::OnceCell;
use std::fmt;

/// A resource by its ARN, which is written down only when a statement asks for it.
pub(crate) struct Target<'a> {
    name: Name<'a>,
    written: OnceCell<String>,
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Display(&'a dyn fmt::Display),
    Text(&'a str),
}

impl<'a> Target<'a> {
    /// Nothing in particular: only what covers everything covers it.
    pub(crate) const fn any() -> Self {
        Self::text("*")
    }

    /// The resource with that ARN.
    pub(crate) const fn text(arn: &'a str) -> Self {
        Self { name: Name::Text(arn), written: OnceCell::new() }
    }

    /// The resource that shows itself as its ARN.
    pub(crate) const fn of(resource: &'a dyn fmt::Display) -> Self {
        Self { name: Name::Display(resource), written: OnceCell::new() }
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> &str {
        match self.name {
            Name::Display(resource) => self.written.get_or_init(|| resource.to_string()),
            Name::Text(arn) => arn,
        }
    }
}
