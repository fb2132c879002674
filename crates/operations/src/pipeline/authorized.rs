//! The proof that a caller may do what it asks. Only the pipeline can make one.

use std::ops::Deref;

/// A subject for which every permission was granted. Changing a record or using a key takes one.
#[derive(Debug)]
pub struct Authorized<S>(S);

impl<S> Authorized<S> {
    /// INVARIANT: called after the decision by [`super::run`], and by the service's own jobs, which nobody asks for.
    pub(in crate::pipeline) const fn new(subject: S) -> Self {
        Self(subject)
    }
}

impl<S> Deref for Authorized<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}
