//! A grant in a list.

use super::constraints::{Constraints, ConstraintsEntry};
use super::principals::shown;
use crate::kms::pages;
use crate::operation::Failure;
use crate::pipeline::Scene;
use catalog::KeyAddress;
use keys::{Grant, GrantId, GrantOperations, GrantPrincipal};
use wire::Timestamp;
use wire::arn::KeyArn;

wire::output! {
    /// A grant in a list.
    pub struct Entry {
        required key_id: KeyArn = "KeyId",
        required grant_id: GrantId = "GrantId",
        required name: String = "Name",
        required created: Timestamp = "CreationDate",
        optional grantee: String = "GranteePrincipal",
        optional retiring: String = "RetiringPrincipal",
        required issuing_account: String = "IssuingAccount",
        required operations: GrantOperations = "Operations",
        optional constraints: ConstraintsEntry = "Constraints",
        optional grantee_service: String = "GranteeServicePrincipal",
        optional retiring_service: String = "RetiringServicePrincipal",
    }
}

wire::output! {
    /// What both lists answer.
    pub struct Answer {
        required grants: Vec<Entry> = "Grants",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

impl Answer {
    /// A page of grants; `next` is where the next one begins.
    pub async fn of(
        grants: &[(KeyAddress, Grant)],
        next: Option<String>,
        scene: &Scene<'_>,
    ) -> Result<Self, Failure> {
        let mut entries = Vec::with_capacity(grants.len());
        for (key, grant) in grants {
            entries.push(entry(key, grant, scene).await?);
        }
        Ok(Self {
            grants: entries,
            truncated: next.is_some(),
            next_marker: pages::marker(LIST, next.as_deref()),
        })
    }
}

async fn entry(key: &KeyAddress, grant: &Grant, scene: &Scene<'_>) -> Result<Entry, Failure> {
    let partition = scene.partition();
    let issuing_account = format!("arn:{partition}:iam::{}:root", grant.issuing_account);
    let (account, region) = (key.world.account, key.world.region);
    let (grantee, grantee_service) = names(Some(&grant.grantee), scene).await?;
    let (retiring, retiring_service) = names(grant.retiring.as_ref(), scene).await?;
    Ok(Entry {
        key_id: KeyArn { partition, region, account, key_id: key.id },
        grant_id: grant.id,
        name: grant.name.clone().unwrap_or_default(),
        created: Timestamp(grant.created),
        grantee,
        retiring,
        issuing_account,
        operations: grant.operations,
        constraints: Constraints::of(&grant.constraints).entry(),
        grantee_service,
        retiring_service,
    })
}

/// A principal's name, as that of a principal or as that of a service.
async fn names(
    principal: Option<&GrantPrincipal>,
    scene: &Scene<'_>,
) -> Result<(Option<String>, Option<String>), Failure> {
    let Some(principal) = principal else { return Ok((None, None)) };
    if !principal.name.starts_with("arn:") {
        return Ok((None, Some(principal.name.clone())));
    }
    Ok((Some(shown(principal, &scene.directory()).await?), None))
}

/// What markers of these lists begin with.
pub const LIST: &str = "grants";
