//! The four calls, and the path by which each is asked for.

use crate::{API_PATH, ExternalKeyId, InvalidExternalKeyId};
use std::fmt;

/// One of the four calls of an XKS proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Opens what Encrypt made.
    Decrypt,
    /// Encrypts with AES-256-GCM under an external key.
    Encrypt,
    /// How the proxy and what is behind it are.
    GetHealthStatus,
    /// What an external key is.
    GetKeyMetadata,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Decrypt, Self::Encrypt, Self::GetHealthStatus, Self::GetKeyMetadata];

    /// Its name, as AWS writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decrypt => "Decrypt",
            Self::Encrypt => "Encrypt",
            Self::GetHealthStatus => "GetHealthStatus",
            Self::GetKeyMetadata => "GetKeyMetadata",
        }
    }

    /// What comes behind [`API_PATH`]. The key of GetHealthStatus is not looked at.
    #[must_use]
    pub fn path(self, key: &str) -> String {
        match self {
            Self::Decrypt => format!("/keys/{key}/decrypt"),
            Self::Encrypt => format!("/keys/{key}/encrypt"),
            Self::GetHealthStatus => "/health".to_owned(),
            Self::GetKeyMetadata => format!("/keys/{key}/metadata"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// What is before [`API_PATH`]: empty, or a slash and more. Says which store.
    pub prefix: &'a str,
    /// Which call.
    pub operation: Operation,
    /// Of which key, as it stands in the path; `None` for GetHealthStatus.
    pub key: Option<Result<ExternalKeyId<'a>, InvalidExternalKeyId>>,
}

impl<'a> Target<'a> {
    /// Reads a path, without its query. `None`: it is none of the API's.
    #[must_use]
    pub fn of(path: &'a str) -> Option<Self> {
        let (prefix, rest) = path.rsplit_once(API_PATH)?;
        if rest == "/health" {
            return Some(Self { prefix, operation: Operation::GetHealthStatus, key: None });
        }
        let (key, operation) = rest.strip_prefix("/keys/")?.split_once('/')?;
        let operation = match operation {
            "decrypt" => Operation::Decrypt,
            "encrypt" => Operation::Encrypt,
            "metadata" => Operation::GetKeyMetadata,
            _ => return None,
        };
        (!key.is_empty()).then(|| Self { prefix, operation, key: Some(ExternalKeyId::new(key)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_which_store_which_call_and_which_key() {
        for operation in [Operation::Decrypt, Operation::Encrypt, Operation::GetKeyMetadata] {
            let path = format!("/a/b{API_PATH}{}", operation.path("the.key"));
            let target = Target::of(&path).unwrap();
            assert_eq!((target.prefix, target.operation), ("/a/b", operation));
            assert_eq!(target.key.unwrap().unwrap().as_str(), "the.key");
        }
        let health = Target { prefix: "", operation: Operation::GetHealthStatus, key: None };
        assert_eq!(Target::of("/kms/xks/v1/health"), Some(health));
    }

    #[test]
    fn other_paths_are_none_of_the_api() {
        for path in [
            "/",
            "",
            "/kms/xks/v1",
            "/kms/xks/v1/",
            "/kms/xks/v1/health/",
            "/kms/xks/v1/keys//encrypt",
            "/kms/xks/v1/keys/k",
        ] {
            assert_eq!(Target::of(path), None, "{path}");
        }
        for path in [
            "/kms/xks/v1/keys/k/encrypt/",
            "/kms/xks/v1/keys/k/Encrypt",
            "/kms/xks/v2/health",
            "/kms/xks/v1/keys/a/b/encrypt",
        ] {
            assert_eq!(Target::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_one_is_told_apart_from_a_path_that_is_none() {
        let target = Target::of("/kms/xks/v1/keys/a%20b/encrypt").unwrap();
        assert_eq!(target.key, Some(Err(InvalidExternalKeyId)));
    }
}
