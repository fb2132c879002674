//! Which of the four calls a request is, by its method, its path and its kind.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode};

use super::{Answer, JSON};
use crate::fault::ErrorName;
use crate::script::Api;

/// A call, with the name of the external key that it is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Decrypt(String),
    Encrypt(String),
    Health,
    Metadata(String),
}

impl Call {
    /// The call, or the answer to what is none. Who asks does not matter yet.
    pub(crate) fn of(parts: &Parts, prefixes: &[String]) -> Result<Self, Answer> {
        let path = parts.uri.path();
        let suffix =
            prefixes.iter().find_map(|prefix| path.strip_prefix(prefix.as_str())?.strip_prefix(BASE));
        let call = suffix.and_then(Self::parse).ok_or_else(|| Answer::error(ErrorName::InvalidUriPath))?;
        if parts.method != Method::POST {
            return Err(Answer::empty(StatusCode::METHOD_NOT_ALLOWED));
        }
        if parts.headers.get(CONTENT_TYPE).is_none_or(|kind| kind != JSON) {
            return Err(Answer::error(ErrorName::Validation));
        }
        Ok(call)
    }

    pub(crate) fn api(&self) -> Api {
        match self {
            Self::Decrypt(_) => Api::Decrypt,
            Self::Encrypt(_) => Api::Encrypt,
            Self::Health => Api::Health,
            Self::Metadata(_) => Api::Metadata,
        }
    }

    fn parse(suffix: &str) -> Option<Self> {
        if suffix == "/health" {
            return Some(Self::Health);
        }
        let (key, operation) = suffix.strip_prefix("/keys/")?.split_once('/')?;
        match operation {
            "decrypt" => Some(Self::Decrypt(key.to_owned())),
            "encrypt" => Some(Self::Encrypt(key.to_owned())),
            "metadata" => Some(Self::Metadata(key.to_owned())),
            _ => None,
        }
    }
}

const BASE: &str = "/kms/xks/v1";
