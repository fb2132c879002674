//! What a verified token says.

use std::collections::BTreeMap;

/// What a token says whose signature, issuer, audience and times are true.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// `iss`, which begins with `https://`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The audience that is registered: `azp` where the token has one, else what matched of `aud`.
    pub audience: String,
    /// `azp`.
    pub authorized_party: Option<String>,
    /// `exp`.
    pub expires: jiff::Timestamp,
    /// `iat`.
    pub issued_at: jiff::Timestamp,
    /// `jti`.
    pub jwt_id: Option<String>,
    /// The values of the condition keys `<provider>:<name>`, see [`Claims::values`].
    pub(crate) values: BTreeMap<String, Vec<String>>,
    /// Every claim as it was signed.
    pub(crate) all: serde_json::Map<String, serde_json::Value>,
}

impl Claims {
    /// The values of the condition key `<provider>:<name>`, none if the token has no such claim. Names compare without case.
    ///
    /// `aud` is the audience that matched and `oaud` the token's `aud`; all else is the claim of that name if it is a text, a
    /// number, true or false, or a list of texts.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.values.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// A claim of any shape, such as `https://aws.amazon.com/tags`.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&serde_json::Value> {
        self.all.get(name)
    }
}
