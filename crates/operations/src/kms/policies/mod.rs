//! Key policies: kept and given back byte for byte.

mod get_key_policy;
mod list_key_policies;
mod put_key_policy;

pub use get_key_policy::GetKeyPolicy;
pub use list_key_policies::ListKeyPolicies;
pub use put_key_policy::PutKeyPolicy;

use wire::member::{PolicyName, PolicyText};
use wire::{Fault, FaultKind};

/// The only name that a key policy can have.
const DEFAULT: &str = "default";

/// Refuses a policy that is too large or no JSON object.
pub fn check_policy(policy: &PolicyText) -> Result<(), Fault> {
    if policy.as_str().len() > MOST_BYTES {
        let message = format!("The key policy is larger than {MOST_BYTES} bytes.");
        return Err(Fault::new(FaultKind::LimitExceeded, message));
    }
    let document = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(policy.as_str());
    document
        .map(|_| ())
        .map_err(|_| Fault::new(FaultKind::MalformedPolicyDocument, "This policy contains invalid Json"))
}

/// Refuses every policy name but the one there is.
fn check_name(name: Option<&PolicyName>) -> Result<(), Fault> {
    if name.is_none_or(|name| name.as_str() == DEFAULT) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::NotFound, "No such policy exists"))
}

//= quotas: key policy document 32,768 bytes
const MOST_BYTES: usize = 32_768;
