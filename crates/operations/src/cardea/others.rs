//! Who else may: everybody whom a key's policy, its grants or its account could let do something, asked one by one.

use super::who::Who;
use crate::operation::{Failure, NamedKey, On};
use crate::pipeline::{Scene, Supposition, key_policy};
use access::{Outcome, PrincipalName};
use catalog::{Role, User};
use keys::AccountId;
use serde::Serialize;
use std::collections::BTreeSet;

/// Somebody who may.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Other {
    /// Its ARN, the name of a service, or `*`: anybody.
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
    let candidates = candidates(key, scene).await?;
    let mut others = Vec::new();
    for name in candidates.iter().take(MOST_ASKED) {
        // Nothing here waits for anything while memory has it all: others on this thread have their turn.
        tokio::task::yield_now().await;
        let Some(who) = candidate(name, scene).await? else { continue };
        let explanation = scene.suppose(&who.identity, action, On::Key(key), supposition).await?;
        if let (true, Some(through)) = (explanation.allowed, explanation.outcome) {
            others.push(Other { principal: name.clone(), through, if_its_account_allows: who.is_foreign });
        }
        // Thousands are asked: others who wait for an answer get their turn in between.
        tokio::task::yield_now().await;
    }
    Ok((others, candidates.len() > MOST_ASKED))
}

/// Whoever has that name now. Anybody is somebody of an account that nothing names.
async fn candidate(name: &str, scene: &Scene<'_>) -> Result<Option<Who>, Failure> {
    let Ok(parsed) = name.parse() else { return Ok(None) };
    let directory = scene.directory();
    let identity = match parsed {
        PrincipalName::Anyone => {
            ANYBODYS_ACCOUNT.parse().ok().map(|account: AccountId| directory.root(account))
        }
        parsed if directory.existing(&parsed).await?.is_none() => None,
        _ => directory.named(name).await?,
    };
    match identity {
        Some(identity) => Ok(Some(Who::of(identity, scene).await?)),
        None => Ok(None),
    }
}

/// The names of all who come into question.
async fn candidates(key: &NamedKey, scene: &Scene<'_>) -> Result<BTreeSet<String>, Failure> {
    let (owner, partition) = (key.arn.account, scene.partition());
    let mut names = BTreeSet::from([format!("arn:{partition}:iam::{owner}:root")]);
    names.extend(key_policy(&key.key)?.principals().map(ToString::to_string));
    let users = scene.reader().list::<User>(&owner, None, MOST_ASKED).await?;
    names.extend(users.entries.iter().map(|user| scene.arn_of(&***user)));
    let roles = scene.reader().list::<Role>(&owner, None, MOST_ASKED).await?;
    names.extend(roles.entries.iter().map(|role| scene.arn_of(&***role)));
    let grants = scene.reader().grants(&key.address(), None, MOST_ASKED).await?;
    names.extend(grants.entries.iter().map(|grant| grant.grantee.name.clone()));
    Ok(names)
}

/// So many are asked at most.
const MOST_ASKED: usize = 2000;

/// An account that there is not: ids are random and begin with another digit.
const ANYBODYS_ACCOUNT: &str = "000000000001";
