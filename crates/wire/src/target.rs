//! `X-Amz-Target`: which operation a request is for.

/// The operation that a KMS target names, if it has the prefix of the service.
#[must_use]
pub fn operation_of_target(target: &str) -> Option<&str> {
    target.strip_prefix("TrentService.").filter(|operation| !operation.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_prefix_counts() {
        assert_eq!(operation_of_target("TrentService.Encrypt"), Some("Encrypt"));
        for wrong in ["", "Encrypt", "trentservice.Encrypt", "TrentService.", "DynamoDB_20120810.GetItem"] {
            assert_eq!(operation_of_target(wrong), None, "{wrong}");
        }
    }
}
