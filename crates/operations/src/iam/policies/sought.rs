//! Managed policies as requests name them, by ARN: the account's own and those of AWS.
//!
//! Those of AWS belong to nobody: what is asked of one is weighed as if it were the caller's account's, and none is ever changed.

use super::{PolicyElement, Usage, VersionElement, element};
use crate::iam::entity::Entity;
use crate::iam::holder::{check_arn, was_not_found};
use crate::identity::{AwsManagedPolicy, account_and_name, aws_managed, aws_managed_policy};
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Permission, Subject};
use crate::pipeline::Scene;
use catalog::{ManagedPolicy, Stored};
use keys::Moment;
use std::sync::Arc;
use wire::member::iam::{Arn, PolicyScope, PolicyVersionId};
use wire::{Fault, FaultKind, IsoTimestamp, UrlEncoded};

/// A managed policy that a request names: it is there, or not.
#[derive(Debug)]
pub struct SoughtPolicy {
    found: Option<AnyPolicy>,
    asked: Arn,
    named: NamedIdentity,
}

/// A managed policy.
#[derive(Clone, Debug)]
pub enum AnyPolicy {
    /// One of AWS's.
    Aws(&'static AwsManagedPolicy),
    /// One of the account's own.
    Own(Arc<Stored<ManagedPolicy>>),
}

impl SoughtPolicy {
    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Identity(&self.named) }
    }

    /// It, which must be there.
    pub fn found(&self) -> Result<&AnyPolicy, Fault> {
        self.found.as_ref().ok_or_else(|| was_not_found(&self.asked))
    }

    /// It, which must be there and the account's own.
    pub fn own(&self) -> Result<&Arc<Stored<ManagedPolicy>>, Fault> {
        match self.found()? {
            AnyPolicy::Own(policy) => Ok(policy),
            AnyPolicy::Aws(_) => {
                let message = format!("Policy {} is managed by AWS.", self.arn());
                Err(Fault::new(FaultKind::InvalidInput, message))
            }
        }
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.named.arn
    }

    /// The number of that version of it, which must be there.
    pub fn version_number(&self, id: &PolicyVersionId) -> Result<u32, Fault> {
        let number = id.as_str().strip_prefix('v').and_then(|number| number.parse().ok());
        let number = number.filter(|number| self.own().is_ok_and(|policy| policy.version(*number).is_some()));
        number.ok_or_else(|| self.no_such_version(id))
    }

    /// There is no such version of it.
    pub fn no_such_version(&self, id: &PolicyVersionId) -> Fault {
        let message =
            format!("Policy {} version {} does not exist or is not attachable.", self.arn(), id.as_str());
        Fault::new(FaultKind::NoSuchEntity, message)
    }
}

impl Subject for SoughtPolicy {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl AnyPolicy {
    /// Its ARN, in the partition of this installation.
    pub fn arn(&self, scene: &Scene<'_>) -> String {
        match self {
            Self::Aws(policy) => format!("arn:{}:iam::aws:policy/{}", scene.partition(), policy.name),
            Self::Own(policy) => scene.arn_of(&***policy),
        }
    }

    /// Its path, slashes included.
    pub fn path(&self) -> &str {
        match self {
            Self::Aws(_) => "/",
            Self::Own(policy) => &policy.path,
        }
    }

    /// Where it stands in lists.
    pub fn place(&self) -> String {
        match self {
            Self::Aws(policy) => format!("aws/{}", policy.name.to_ascii_lowercase()),
            Self::Own(policy) => format!("local/{}", policy.name.to_ascii_lowercase()),
        }
    }

    /// It as answers show it.
    pub async fn element(&self, scene: &Scene<'_>) -> Result<PolicyElement, Failure> {
        match self {
            Self::Aws(policy) => of_aws(policy, self.arn(scene), scene).await,
            Self::Own(policy) => element(policy, scene).await,
        }
    }

    /// Its versions, the oldest first.
    pub fn versions(&self) -> Vec<VersionElement> {
        match self {
            Self::Aws(policy) => vec![VersionElement {
                document: Some(UrlEncoded(policy.text.to_owned())),
                version_id: "v1".into(),
                is_default: true,
                created: IsoTimestamp(SINCE),
            }],
            Self::Own(policy) => {
                policy.versions.iter().map(|version| VersionElement::of(version, policy.default)).collect()
            }
        }
    }
}

async fn of_aws(policy: &AwsManagedPolicy, arn: String, scene: &Scene<'_>) -> Result<PolicyElement, Failure> {
    let Usage { attachments, boundaries } = Usage::of(&arn, scene).await?;
    Ok(PolicyElement {
        policy_name: policy.name.into(),
        policy_id: policy.id.into(),
        arn,
        path: "/".into(),
        default_version_id: "v1".into(),
        attachments,
        boundaries,
        is_attachable: true,
        description: Some(policy.description.into()),
        created: IsoTimestamp(SINCE),
        updated: IsoTimestamp(SINCE),
        tags: None,
    })
}

impl Scene<'_> {
    /// The managed policy of that ARN, if there is one: one of AWS's, or one of the account that the ARN names.
    pub async fn sought_policy(&self, asked: &Arn) -> Result<SoughtPolicy, Failure> {
        check_arn(asked)?;
        let text = asked.as_str();
        let in_partition = text.starts_with(&format!("arn:{}:iam:", self.partition()));
        if let Some(policy) = aws_managed_policy(text).filter(|_| in_partition) {
            let (found, named) = (Some(AnyPolicy::Aws(policy)), self.plain_identity(text.to_owned()));
            return Ok(SoughtPolicy { found, asked: asked.clone(), named });
        }
        let mut named = self.plain_identity(text.to_owned());
        let Some((account, name)) = account_and_name(text).filter(|_| in_partition) else {
            return Ok(SoughtPolicy { found: None, asked: asked.clone(), named });
        };
        named.account = account;
        // Of another account's policies nothing is known, not even to conditions.
        if account != self.account() {
            return Ok(SoughtPolicy { found: None, asked: asked.clone(), named });
        }
        let stored = self.reader().find::<ManagedPolicy>(&account, name).await?;
        let stored = stored.filter(|policy| self.arn_of(&***policy) == text);
        let named = stored.as_ref().map_or(named, |policy| self.identity_of(&***policy));
        Ok(SoughtPolicy { found: stored.map(AnyPolicy::Own), asked: asked.clone(), named })
    }

    /// Every managed policy that the caller's account can attach.
    pub async fn all_policies(&self, scope: PolicyScope) -> Result<Vec<AnyPolicy>, Failure> {
        let mut all = Vec::new();
        if scope != PolicyScope::Local {
            all.extend(aws_managed().iter().map(AnyPolicy::Aws));
        }
        if scope != PolicyScope::Aws {
            // Those who make some at the same moment may have passed the quota by a few.
            let most = ManagedPolicy::QUOTA.1.saturating_mul(2);
            let page = self.reader().list::<ManagedPolicy>(&self.account(), None, most).await?;
            all.extend(page.entries.into_iter().map(AnyPolicy::Own));
        }
        Ok(all)
    }
}

/// When AWS made its managed policies: 6 February 2015.
const SINCE: Moment = Moment::from_millis(1_423_180_800_000);
