//! Who calls, and into which region.

use crate::Environment;
use sigv4::Credentials;

/// An access key and the region that its calls go to.
#[derive(Clone)]
pub struct Caller {
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: String,
    /// A session token, if calls are to carry one.
    pub session_token: Option<String>,
    /// The region.
    pub region: String,
}

impl Caller {
    /// The account whose `export` lines those are.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        Self {
            access_key_id: environment.required("AWS_ACCESS_KEY_ID").to_owned(),
            secret_access_key: environment.required("AWS_SECRET_ACCESS_KEY").to_owned(),
            session_token: None,
            region: environment.required("AWS_REGION").to_owned(),
        }
    }

    /// The same caller in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.clone(),
            self.session_token.clone(),
        )
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("access_key_id", &self.access_key_id)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
