//! Who is supposed to ask. Of a principal of another account nothing is known here but its name: what its own account says of it
//! is not looked at, and taken to allow everything.

use super::asked::{invalid, no_such};
use crate::identity::Identity;
use crate::operation::Failure;
use crate::pipeline::Scene;
use access::PrincipalName;
use keys::AccountId;
use std::collections::BTreeMap;
use wire::member::PrincipalText;

/// Somebody who is supposed to ask.
#[derive(Debug)]
pub struct Who {
    pub identity: Identity,
    /// Whether it is of another account, whose own policies must let it besides.
    pub is_foreign: bool,
}

impl Who {
    /// Whoever that text names; the caller if there is none.
    pub async fn find(text: Option<&PrincipalText>, scene: &Scene<'_>) -> Result<Self, Failure> {
        let Some(text) = text.map(PrincipalText::as_str) else {
            return Ok(Self { identity: scene.caller.identity.clone(), is_foreign: false });
        };
        let name: PrincipalName = text.parse().map_err(|_| no_principal(text))?;
        if matches!(name, PrincipalName::Anyone | PrincipalName::Federated(_)) {
            return Err(no_principal(text).into());
        }
        scene.directory().existing(&name).await?.ok_or_else(|| no_such(text))?;
        let identity = scene.directory().named(text).await?.ok_or_else(|| no_such(text))?;
        let who = Self::of(identity, scene).await?;
        let tags = if who.is_foreign { BTreeMap::new() } else { who.identity.tags };
        Ok(Self { identity: Identity { tags, ..who.identity }, ..who })
    }

    /// That principal, as if its own account let it do everything if it is another one.
    pub async fn of(mut identity: Identity, scene: &Scene<'_>) -> Result<Self, Failure> {
        let account = *identity.principal.account();
        let is_foreign = account != scene.account() && account != AccountId::INSTALLATION;
        if is_foreign {
            identity.authority = scene.directory().administrator().await?;
        }
        Ok(Self { identity, is_foreign })
    }
}

fn no_principal(text: &str) -> wire::Fault {
    invalid(format!("{text} names no principal: {HOW_TO_NAME}"))
}

const HOW_TO_NAME: &str =
    "give the ARN of a user, a role, a role session or an account's root, or the name of a service.";
