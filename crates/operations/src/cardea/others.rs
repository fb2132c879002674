//! Who else may: everybody whom a key's policy, its grants or its account could let do something, asked one by one.

use crate::identity::Identity;
use crate::operation::{Failure, NamedKey, On};
use crate::pipeline::{Scene, Supposition, key_policy};
use access::Outcome;
use catalog::{Role, User};
use keys::AccountId;
use serde::Serialize;
use std::collections::BTreeSet;

/// Somebody who may.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Other {
    /// Its ARN, or the name of a service.
    principal: String,
    /// What lets it: the policies, or a grant.
    through: Outcome,
    /// Whether it is of another account, whose own policies must let it besides and are not known here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    if_its_account_allows: bool,
}

/// Everybody who may do that with a key of the caller's account; and whether there are more than were asked.
pub async fn others(
    action: &str,
    key: &NamedKey,
    scene: &Scene<'_>,
    supposition: &Supposition,
) -> Result<(Vec<Other>, bool), Failure> {
    let owner = key.arn.account;
    let candidates = candidates(key, scene).await?;
    let mut others = Vec::new();
    for name in candidates.iter().take(MOST_ASKED) {
        let Some(identity) = scene.directory().named(name).await? else { continue };
        let is_foreign = *identity.principal.account() != owner && *identity.principal.account() != AccountId::INSTALLATION;
        let identity = if is_foreign { as_if_allowed(identity, scene).await? } else { identity };
        let explanation = scene.suppose(&identity, action, On::Key(key), supposition).await?;
        if let (true, Some(through)) = (explanation.allowed, explanation.outcome) {
            others.push(Other { principal: name.clone(), through, if_its_account_allows: is_foreign });
        }
    }
    Ok((others, candidates.len() > MOST_ASKED))
}

/// The names of all who come into question.
async fn candidates(key: &NamedKey, scene: &Scene<'_>) -> Result<BTreeSet<String>, Failure> {
    let owner = key.arn.account;
    let mut names = BTreeSet::from([format!("arn:{}:iam::{owner}:root", scene.partition())]);
    names.extend(key_policy(&key.key)?.principals().map(ToString::to_string));
    let partition = scene.partition();
    let users = scene.reader().list::<User>(&owner, None, MOST_ASKED).await?;
    names.extend(users.entries.iter().map(|user| format!("arn:{partition}:iam::{owner}:user{}{}", user.path, user.name)));
    let roles = scene.reader().list::<Role>(&owner, None, MOST_ASKED).await?;
    names.extend(roles.entries.iter().map(|role| format!("arn:{partition}:iam::{owner}:role{}{}", role.path, role.name)));
    let grants = scene.reader().grants(&key.address(), None, MOST_ASKED).await?;
    names.extend(grants.entries.iter().map(|grant| grant.grantee.name.clone()));
    Ok(names)
}

/// Somebody of another account, as if its own policies let it do everything.
async fn as_if_allowed(mut identity: Identity, scene: &Scene<'_>) -> Result<Identity, Failure> {
    identity.authority = scene.directory().administrator().await?;
    Ok(identity)
}

/// So many are asked at most.
const MOST_ASKED: usize = 2000;
