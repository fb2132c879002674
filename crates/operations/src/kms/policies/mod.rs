//! Key policies: kept and given back byte for byte, but for the names of principals that are gone. No policy is kept that cannot be
//! enforced.

mod get_key_policy;
mod list_key_policies;
mod put_key_policy;

pub use get_key_policy::GetKeyPolicy;
pub use list_key_policies::ListKeyPolicies;
pub use put_key_policy::PutKeyPolicy;

use crate::operation::Failure;
use crate::pipeline::{PolicyHolder, Scene};
use access::{BoundPrincipals, LOCKED_OUT, MalformedPolicy, Policy, PolicyKind};
use wire::member::{PolicyName, PolicyText};
use wire::{Fault, FaultKind};

/// A key policy that a key may have.
#[derive(Debug)]
pub struct KeyPolicy {
    /// Its text, as it was given.
    pub text: String,
    /// The unique ids of whom it names.
    pub principals: BoundPrincipals,
}

impl KeyPolicy {
    /// The policy that the caller wants a key to have. One that would keep the caller from changing it again is refused, unless
    /// the caller insists.
    pub async fn accept(
        text: &PolicyText,
        holder: PolicyHolder<'_>,
        insists: Option<bool>,
        scene: &Scene<'_>,
    ) -> Result<Self, Failure> {
        let text = text.as_str();
        check_size(text)?;
        let policy = Policy::compile(PolicyKind::Key, text, &BoundPrincipals::new()).map_err(malformed)?;
        let principals = scene.directory().bind(&policy).await?;
        if insists != Some(true) && !scene.keeps_control(&policy, holder).await? {
            return Err(Fault::new(FaultKind::MalformedPolicyDocument, LOCKED_OUT).into());
        }
        Ok(Self { text: text.to_owned(), principals })
    }
}

fn check_size(text: &str) -> Result<(), Fault> {
    if text.len() <= MOST_BYTES {
        return Ok(());
    }
    let message = format!("The key policy is larger than {MOST_BYTES} bytes.");
    Err(Fault::new(FaultKind::LimitExceeded, message))
}

fn malformed(error: MalformedPolicy) -> Fault {
    Fault::new(FaultKind::MalformedPolicyDocument, error.to_string())
}

/// Refuses every policy name but the one there is.
fn check_name(name: Option<&PolicyName>) -> Result<(), Fault> {
    if name.is_none_or(|name| name.as_str() == DEFAULT) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::NotFound, "No such policy exists"))
}

/// The only name that a key policy can have.
const DEFAULT: &str = "default";
//= quotas: key policy document 32,768 bytes
const MOST_BYTES: usize = 32_768;
