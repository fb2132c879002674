//! What a well-typed request breaks of the limits: all of it, gathered into one message as AWS words it.

use crate::{Fault, FaultKind, Path};
use std::fmt::{Display, Write};

/// The limits that a request breaks, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Violations {
    count: usize,
    text: String,
    sentence: Option<String>,
    hide_values: bool,
}

impl Violations {
    /// For a protocol whose messages show no values.
    #[must_use]
    pub fn without_values() -> Self {
        Self { hide_values: true, ..Self::default() }
    }

    /// A value that may be shown breaks a constraint.
    pub fn value(&mut self, path: &Path<'_>, value: &dyn Display, constraint: &dyn Display) {
        if self.hide_values {
            return self.hidden_value(path, constraint);
        }
        self.add(format_args!("Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"));
    }

    /// A value that must not be shown, or cannot be, breaks a constraint.
    pub fn hidden_value(&mut self, path: &Path<'_>, constraint: &dyn Display) {
        self.add(format_args!("Value at '{path}' failed to satisfy constraint: {constraint}"));
    }

    /// A required member is not there.
    pub fn missing(&mut self, path: &Path<'_>) {
        self.add(format_args!(
            "Value null at '{path}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// The service itself has words for what is wrong. They are heard only if the framework before it finds nothing, and
    /// the first of them alone.
    pub fn sentence(&mut self, sentence: String) {
        self.sentence.get_or_insert(sentence);
    }

    /// The fault that says all this, or nothing if no limit is broken.
    #[must_use]
    pub fn into_fault(self) -> Option<Fault> {
        let errors = match self.count {
            0 => return self.sentence.map(|sentence| Fault::new(FaultKind::Validation, sentence)),
            1 => "error",
            _ => "errors",
        };
        let message = format!("{} validation {errors} detected: {}", self.count, self.text);
        Some(Fault::new(FaultKind::Validation, message))
    }

    fn add(&mut self, violation: std::fmt::Arguments<'_>) {
        let separator = if self.count == 0 { "" } else { "; " };
        self.count = self.count.saturating_add(1);
        // Writing into a string cannot fail.
        let _ = write!(self.text, "{separator}{violation}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_violation_is_an_error_and_two_are_errors() {
        let mut violations = Violations::default();
        violations.missing(&Path::ROOT.member("KeyId"));
        violations.value(
            &Path::ROOT.member("Limit"),
            &0,
            &"Member must have value greater than or equal to 1",
        );
        let fault = violations.into_fault().unwrap();
        assert_eq!(
            fault.message(),
            Some(
                "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; \
                 Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
            )
        );
    }
}
