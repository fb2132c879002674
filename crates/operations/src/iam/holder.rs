//! Policies of users, groups and roles: their own, and managed ones that are attached to them.
//!
//! One way for all three, over what their records have in common.

use super::entity::{Entity, Sought, quota_exceeded};
use super::pages::{Part, part};
use super::policy_text;
use crate::Fact;
use crate::identity::{account_and_name, aws_managed_policy};
use crate::operation::{Failure, Outcome};
use crate::pipeline::{Authorized, Scene};
use access::ConditionKey;
use audit::json::Object;
use catalog::{Changes, Group, ManagedPolicy, Role, Stored, User};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wire::member::iam::{Arn, Marker, MaxItems, PolicyDocument, PolicyName, PolicyPath};
use wire::{Fault, FaultKind, Members, UrlEncoded};

/// A user, a group or a role: what has policies.
pub trait Holder: Entity {
    /// How many characters its own policies may have together, white space not counted.
    const MOST_INLINE: usize;

    /// The name of the quota of policies that are attached to it.
    const ATTACHED_QUOTA: &'static str;

    /// Its own policies by name.
    fn inline(&self) -> &BTreeMap<String, String>;

    /// The same to change.
    fn inline_mut(&mut self) -> &mut BTreeMap<String, String>;

    /// The ARNs of the managed policies that are attached to it.
    fn attached(&self) -> &BTreeSet<String>;

    /// The same to change.
    fn attached_mut(&mut self) -> &mut BTreeSet<String>;
}

/// A user or a role: what a managed policy can bound.
pub trait Bounded: Holder {
    /// Sets the ARN of the policy that bounds it.
    fn bound_by(&mut self, boundary: Option<String>);
}

wire::output! {
    /// A managed policy that is attached to something.
    pub struct AttachedPolicy {
        required policy_name: String = "PolicyName",
        required policy_arn: String = "PolicyArn",
    }
}

wire::output! {
    /// The policy that bounds something.
    pub struct BoundaryElement {
        required kind: &'static str = "PermissionsBoundaryType",
        required arn: String = "PermissionsBoundaryArn",
    }
}

/// Puts a policy of its own on a holder, in place of one of the same name.
pub async fn put_inline<T: Holder>(
    holder: &Authorized<Sought<T>>,
    name: &PolicyName,
    document: &PolicyDocument,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    let old = holder.found()?;
    let mut new = T::clone(old);
    new.inline_mut().insert(name.as_str().to_owned(), document.as_str().to_owned());
    if new.inline().values().map(|text| policy_text::size(text)).sum::<usize>() > T::MOST_INLINE {
        let message = format!(
            "Maximum policy size of {} bytes exceeded for {} {}",
            T::MOST_INLINE,
            T::WORD,
            old.name()
        );
        return Err(Fault::new(FaultKind::LimitExceeded, message).into());
    }
    replace(holder, old, &new, scene).await
}

/// The text of a holder's own policy, as answers carry it.
pub fn inline<T: Holder>(holder: &T, name: &PolicyName) -> Result<(String, UrlEncoded), Fault> {
    let found = holder.inline().get_key_value(name.as_str());
    let (name, text) = found.ok_or_else(|| no_such_inline_policy::<T>(name))?;
    Ok((name.clone(), UrlEncoded(text.clone())))
}

/// Deletes a holder's own policy.
pub async fn delete_inline<T: Holder>(
    holder: &Authorized<Sought<T>>,
    name: &PolicyName,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    let old = holder.found()?;
    let mut new = T::clone(old);
    new.inline_mut().remove(name.as_str()).ok_or_else(|| no_such_inline_policy::<T>(name))?;
    replace(holder, old, &new, scene).await
}

/// A page of the names of a holder's own policies.
pub fn inline_names<T: Holder>(
    holder: &T,
    marker: Option<&Marker>,
    max_items: Option<MaxItems>,
) -> Result<Part<String>, Fault> {
    part("policies", holder.inline().keys().cloned(), marker, max_items)
}

/// Attaches a managed policy to a holder. One that is attached already stays so.
pub async fn attach<T: Holder>(
    holder: &Authorized<Sought<T>>,
    arn: &Arn,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    let old = holder.found()?;
    let policy = scene.attachable(arn, no_such_policy).await?;
    if old.attached().contains(&policy.arn) {
        return Ok(Outcome::of(()));
    }
    if old.attached().len() >= MOST_ATTACHED {
        return Err(quota_exceeded(T::ATTACHED_QUOTA, MOST_ATTACHED).into());
    }
    let mut new = T::clone(old);
    new.attached_mut().insert(policy.arn.clone());
    let changes = policy.kept(scene.changes()).replace(old, &new);
    scene.commit(holder, changes).await?;
    Ok(Outcome::of(()))
}

/// Detaches a managed policy from a holder.
pub async fn detach<T: Holder>(
    holder: &Authorized<Sought<T>>,
    arn: &Arn,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    let old = holder.found()?;
    check_arn(arn)?;
    let mut new = T::clone(old);
    if !new.attached_mut().remove(arn.as_str()) {
        return Err(was_not_found(arn).into());
    }
    replace(holder, old, &new, scene).await
}

/// A page of the managed policies that are attached to a holder and whose paths begin so.
pub fn attached<T: Holder>(
    holder: &T,
    path_prefix: Option<&PolicyPath>,
    marker: Option<&Marker>,
    max_items: Option<MaxItems>,
) -> Result<Part<AttachedPolicy>, Fault> {
    let prefix = path_prefix.map_or("/", PolicyPath::as_str);
    let kept = holder.attached().iter().filter(|arn| path_of(arn).starts_with(prefix));
    part("attached", kept.map(|arn| AttachedPolicy::of(arn)), marker, max_items)
}

/// Bounds a user or role by a managed policy.
pub async fn put_boundary<T: Bounded>(
    holder: &Authorized<Sought<T>>,
    arn: &Arn,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    let old = holder.found()?;
    let policy = scene.boundary_policy(arn).await?;
    let mut new = T::clone(old);
    new.bound_by(Some(policy.arn.clone()));
    let changes = policy.kept(scene.changes()).replace(old, &new);
    scene.commit(holder, changes).await?;
    Ok(Outcome::of(()))
}

/// Lets a user or role go without a boundary.
pub async fn delete_boundary<T: Bounded>(
    holder: &Authorized<Sought<T>>,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    let old = holder.found()?;
    let mut new = T::clone(old);
    new.bound_by(None);
    replace(holder, old, &new, scene).await
}

/// Refuses to delete what still has policies.
pub fn check_without_policies<T: Holder>(holder: &T) -> Result<(), Fault> {
    if !holder.attached().is_empty() {
        return Err(super::entity::delete_conflict("detach all policies"));
    }
    if !holder.inline().is_empty() {
        return Err(super::entity::delete_conflict("delete policies"));
    }
    Ok(())
}

/// A managed policy that is to be attached or to bound something.
#[derive(Debug)]
pub struct Attachable {
    /// Its ARN as it is.
    pub arn: String,
    /// Its record, unless it is one of AWS's.
    stored: Option<Arc<Stored<ManagedPolicy>>>,
}

impl Attachable {
    /// The changes, which come about only if the policy is still there then.
    #[must_use]
    pub fn kept(&self, changes: Changes) -> Changes {
        match &self.stored {
            Some(policy) => changes.touch(policy),
            None => changes,
        }
    }
}

impl Scene<'_> {
    /// The managed policy of that ARN: one of AWS's or of the caller's account.
    pub async fn attachable(&self, arn: &Arn, missing: fn(&Arn) -> Fault) -> Result<Attachable, Failure> {
        check_arn(arn)?;
        if !arn.as_str().starts_with(&format!("arn:{}:iam:", self.partition())) {
            return Err(missing(arn).into());
        }
        if aws_managed_policy(arn.as_str()).is_some() {
            return Ok(Attachable { arn: arn.as_str().to_owned(), stored: None });
        }
        let (account, name) = account_and_name(arn.as_str()).ok_or_else(|| missing(arn))?;
        if account != self.account() {
            return Err(missing(arn).into());
        }
        let stored = self.reader().find::<ManagedPolicy>(&account, name).await?;
        let stored = stored.ok_or_else(|| missing(arn))?;
        // Names are unique whatever the path and the case, and one policy has one ARN all the same: conditions on `iam:PolicyARN`
        // see what the request says.
        let exact = self.arn_of(&**stored);
        if exact != arn.as_str() {
            return Err(missing(arn).into());
        }
        Ok(Attachable { arn: exact, stored: Some(stored) })
    }

    /// The managed policy of that ARN, to bound a user or role.
    pub async fn boundary_policy(&self, arn: &Arn) -> Result<Attachable, Failure> {
        self.attachable(arn, no_such_boundary).await
    }
}

impl AttachedPolicy {
    fn of(arn: &str) -> Self {
        let name = arn.rsplit('/').next().unwrap_or_default();
        Self { policy_name: name.to_owned(), policy_arn: arn.to_owned() }
    }

    /// All that are attached to a holder.
    pub fn all<T: Holder>(holder: &T) -> Members<Self> {
        holder.attached().iter().map(|arn| Self::of(arn)).collect()
    }
}

impl BoundaryElement {
    /// The boundary of a user or role, if it has one.
    pub fn of<T: Entity>(entity: &T) -> Option<Self> {
        let arn = entity.boundary()?.to_owned();
        Some(Self { kind: "Policy", arn })
    }
}

/// What conditions may look at in a request that attaches or detaches a managed policy.
pub fn policy_facts(arn: &Arn) -> Vec<Fact<'_>> {
    vec![Fact::text(ConditionKey::IamPolicyArn, arn.as_str())]
}

/// What conditions may look at in a request that sets a boundary.
pub fn boundary_facts(arn: Option<&Arn>) -> Vec<Fact<'_>> {
    arn.iter().map(|arn| Fact::text(ConditionKey::IamPermissionsBoundary, arn.as_str())).collect()
}

/// Shows a request that puts a policy on `name`, the member by which the request names it.
pub fn record_put(
    record: &mut Object<'_>,
    holder: (&str, &str),
    name: &PolicyName,
    document: &PolicyDocument,
) {
    record.string(holder.0, holder.1);
    record.string("policyName", name.as_str());
    record.string("policyDocument", document.as_str());
}

async fn replace<T: Holder>(
    holder: &Authorized<Sought<T>>,
    old: &Stored<T>,
    new: &T,
    scene: &Scene<'_>,
) -> Result<Outcome<()>, Failure> {
    scene.commit(holder, scene.changes().replace(old, new)).await?;
    Ok(Outcome::of(()))
}

/// Refuses what has not even the form of an ARN.
pub fn check_arn(arn: &Arn) -> Result<(), Fault> {
    let mut parts = arn.as_str().splitn(6, ':');
    if parts.next() == Some("arn") && parts.count() == 5 {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Validation, "Invalid ARN:  Could not be parsed!"))
}

/// The path in the ARN of a managed policy, slashes included.
fn path_of(arn: &str) -> &str {
    let path = arn.split_once(":policy").map_or("", |(_, path)| path);
    path.rfind('/').and_then(|last| path.get(..=last)).unwrap_or(path)
}

fn no_such_inline_policy<T: Holder>(name: &PolicyName) -> Fault {
    let message = format!("The {} policy with name {} cannot be found.", T::WORD, name.as_str());
    Fault::new(FaultKind::NoSuchEntity, message)
}

fn no_such_policy(arn: &Arn) -> Fault {
    let message = format!("Policy {} does not exist or is not attachable.", arn.as_str());
    Fault::new(FaultKind::NoSuchEntity, message)
}

fn no_such_boundary(arn: &Arn) -> Fault {
    let message = format!("Scope ARN: {} does not exist or is not attachable.", arn.as_str());
    Fault::new(FaultKind::NoSuchEntity, message)
}

/// There is no managed policy of that ARN, or none that is attached.
pub fn was_not_found(arn: &Arn) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("Policy {} was not found.", arn.as_str()))
}

//= iam quotas: inline policies of a user 2,048 characters, of a group 5,120, of a role 10,240
macro_rules! holders {
    ($($type:ident $most:literal $quota:literal)+) => {$(
        impl Holder for $type {
            const MOST_INLINE: usize = $most;
            const ATTACHED_QUOTA: &'static str = $quota;

            fn inline(&self) -> &BTreeMap<String, String> {
                &self.inline
            }

            fn inline_mut(&mut self) -> &mut BTreeMap<String, String> {
                &mut self.inline
            }

            fn attached(&self) -> &BTreeSet<String> {
                &self.attached
            }

            fn attached_mut(&mut self) -> &mut BTreeSet<String> {
                &mut self.attached
            }
        }
    )+};
}

holders! {
    Group 5120 "PoliciesPerGroup"
    Role 10_240 "PoliciesPerRole"
    User 2048 "PoliciesPerUser"
}

impl Bounded for Role {
    fn bound_by(&mut self, boundary: Option<String>) {
        self.boundary = boundary;
    }
}

impl Bounded for User {
    fn bound_by(&mut self, boundary: Option<String>) {
        self.boundary = boundary;
    }
}

//= iam quotas: 10 managed policies attached to a user, group or role
const MOST_ATTACHED: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_and_the_name_of_a_managed_policy_are_in_its_arn() {
        for (arn, path, name) in [
            ("arn:aws:iam::111122223333:policy/p", "/", "p"),
            ("arn:aws:iam::111122223333:policy/a/b/p", "/a/b/", "p"),
            ("arn:aws:iam::aws:policy/AdministratorAccess", "/", "AdministratorAccess"),
        ] {
            assert_eq!(path_of(arn), path);
            assert_eq!(AttachedPolicy::of(arn).policy_name, name);
        }
    }
}
