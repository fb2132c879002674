//! The shapes of members as data, so that tests can hold them against the public service model.

/// A member of a request or of an answer.
#[derive(Clone, Copy, Debug)]
pub struct MemberShape {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it may hold.
    pub shape: Shape,
}

/// What a member may hold.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Base64 text of so many bytes.
    Blob {
        /// The fewest bytes.
        min: usize,
        /// The most bytes.
        max: usize,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these names.
    Enumeration(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A list of so many.
    List {
        /// The fewest elements.
        min: usize,
        /// The most elements, if there is a limit.
        max: Option<usize>,
        /// What an element may hold.
        of: &'static Shape,
    },
    /// A map from text to text.
    Map,
    /// Members of its own.
    Structure(&'static [MemberShape]),
    /// Text of so many characters.
    Text {
        /// The fewest characters.
        min: usize,
        /// The most characters; [`NO_LIMIT`] if the model has none.
        max: usize,
        /// The regular expression that it must match, as the service model spells it.
        pattern: Option<&'static str>,
    },
    /// A number of seconds since 1970.
    Timestamp,
}

/// Stands for "no limit" where the greatest length of a text or a list is a constant.
pub const NO_LIMIT: usize = usize::MAX;
