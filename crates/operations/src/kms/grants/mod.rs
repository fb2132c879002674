//! Grants: made, listed, retired, revoked. Whether one lets a caller in is not decided here but by `access`.

mod constraints;
mod create_grant;
mod entry;
mod list_grants;
mod list_retirable_grants;
mod principals;
mod retire_grant;
mod revoke_grant;
mod token;

pub use constraints::Constraints;
pub use create_grant::CreateGrant;
pub use list_grants::ListGrants;
pub use list_retirable_grants::ListRetirableGrants;
pub use retire_grant::RetireGrant;
pub use revoke_grant::RevokeGrant;
pub use token::check_tokens;

use keys::GrantId;
use wire::{Fault, FaultKind, member};

/// The id of a grant that a request names.
fn grant_id(text: &member::GrantId) -> Result<GrantId, Fault> {
    text.as_str().parse().map_err(|_| Fault::new(FaultKind::InvalidGrantId, INVALID_GRANT_ID))
}

/// A mistake in a request, in these words.
fn invalid(message: &'static str) -> Fault {
    Fault::new(FaultKind::Validation, message)
}

const INVALID_GRANT_ID: &str = "The request was rejected because the specified GrantId is not valid.";
