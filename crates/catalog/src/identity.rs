//! Records of who there is: users, groups, roles, managed policies, OpenID Connect providers, integrated services.
//!
//! Only what is kept of them. What they may do is decided elsewhere.

use crate::cache::{Hot, NamedRecords};
use crate::layout;
use bytes::Bytes;
use keys::{AccountId, Moment, Tags, named};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A record that is found by its account and its name. Names compare without case and are shown as written.
pub trait Record: Indexed + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is a record of.
    const KIND: RecordKind;

    /// The account that it belongs to.
    fn account(&self) -> AccountId;

    /// Its name among the records of its kind and account.
    fn name(&self) -> &str;
}

named! {
    /// What a record with a name is a record of, as it stands in the key that it is stored at.
    RecordKind {
        /// A group of users.
        Group = "group",
        /// A managed policy.
        ManagedPolicy = "policy",
        /// An OpenID Connect provider.
        OidcProvider = "oidc-provider",
        /// A role.
        Role = "role",
        /// An integrated service.
        IntegratedService = "service",
        /// A user.
        User = "user",
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, slashes included.
    pub path: String,
    /// Its unique id, `AIDA…`.
    pub id: String,
    /// When it was made.
    pub created: Moment,
    /// Its tags.
    pub tags: Tags,
    /// The names of the groups that it is in.
    pub groups: BTreeSet<String>,
    /// The ARNs of the managed policies that are attached to it.
    pub attached: BTreeSet<String>,
    /// Its own policies by name.
    pub inline: BTreeMap<String, String>,
    /// The ARN of the managed policy that bounds it.
    pub boundary: Option<String>,
    /// The ids of its access keys, in the order in which they were made.
    pub access_keys: Vec<String>,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, slashes included.
    pub path: String,
    /// Its unique id, `AGPA…`.
    pub id: String,
    /// When it was made.
    pub created: Moment,
    /// The ARNs of the managed policies that are attached to it.
    pub attached: BTreeSet<String>,
    /// Its own policies by name.
    pub inline: BTreeMap<String, String>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, slashes included.
    pub path: String,
    /// Its unique id, `AROA…`.
    pub id: String,
    /// When it was made.
    pub created: Moment,
    /// What its owner says of it.
    pub description: String,
    /// How long a session of it may be.
    pub max_session_seconds: u32,
    /// Its trust policy: who may take it on.
    pub trust: String,
    /// Whom the trust policy names: each user's or role's ARN, and the unique id that it had when the policy was stored.
    pub trust_principals: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    /// The ARNs of the managed policies that are attached to it.
    pub attached: BTreeSet<String>,
    /// Its own policies by name.
    pub inline: BTreeMap<String, String>,
    /// The ARN of the managed policy that bounds it.
    pub boundary: Option<String>,
}

/// A managed policy of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, slashes included.
    pub path: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// When it was made.
    pub created: Moment,
    /// When its versions last changed.
    pub updated: Moment,
    /// What its owner says of it.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
    /// Its versions, the oldest first.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version in force.
    pub default: u32,
    /// The number that the next version gets: none is given twice.
    pub next: u32,
}

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Its number: 3 of version `v3`.
    pub number: u32,
    /// The policy as it was given.
    pub text: String,
    /// When it was made.
    pub created: Moment,
}

/// An OpenID Connect provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// The account that trusts it.
    pub account: AccountId,
    /// Its URL without `https://`.
    pub url: String,
    /// The audiences that its tokens may be for.
    pub client_ids: Vec<String>,
    /// The thumbprints of the certificate that its keys are fetched under.
    pub thumbprints: Vec<String>,
    /// When it was registered.
    pub created: Moment,
    /// Its tags.
    pub tags: Tags,
}

/// A service that uses keys on behalf of principals, anywhere in the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegratedService {
    /// Its name, such as `s3.amazonaws.com`.
    pub name: String,
    /// The ids of its access keys, in the order in which they were made.
    pub access_keys: Vec<String>,
    /// When it was made.
    pub created: Moment,
}

/// Who uses a managed policy, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment {
    /// What it is for.
    pub usage: PolicyUsage,
    /// Whether a user, a group or a role uses it.
    pub kind: RecordKind,
    /// The name of that user, group or role.
    pub name: String,
}

named! {
    /// What a managed policy is used for.
    PolicyUsage {
        /// It bounds what other policies permit.
        PermissionsBoundary = "PermissionsBoundary",
        /// It permits.
        PermissionsPolicy = "PermissionsPolicy",
    }
}

impl ManagedPolicy {
    /// The version of that number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }
}

/// What the catalog keeps besides the record: its place in memory, and the entries that find it by what it names.
///
/// Out of reach for others: only the catalog makes kinds of records.
pub trait Indexed: Sized {
    #[doc(hidden)]
    fn memory(hot: &Hot) -> &NamedRecords<Self>;

    #[doc(hidden)]
    fn entries(&self) -> BTreeSet<Bytes> {
        BTreeSet::new()
    }
}

impl Indexed for User {
    fn memory(hot: &Hot) -> &NamedRecords<Self> {
        &hot.users
    }

    fn entries(&self) -> BTreeSet<Bytes> {
        let membership = |group: &String| layout::member(&self.account, group, &self.name);
        let attachments = attachments(self, &self.attached, self.boundary.as_deref());
        attachments.chain(self.groups.iter().map(membership)).collect()
    }
}

impl Indexed for Group {
    fn memory(hot: &Hot) -> &NamedRecords<Self> {
        &hot.groups
    }

    fn entries(&self) -> BTreeSet<Bytes> {
        attachments(self, &self.attached, None).collect()
    }
}

impl Indexed for Role {
    fn memory(hot: &Hot) -> &NamedRecords<Self> {
        &hot.roles
    }

    fn entries(&self) -> BTreeSet<Bytes> {
        attachments(self, &self.attached, self.boundary.as_deref()).collect()
    }
}

impl Indexed for ManagedPolicy {
    fn memory(hot: &Hot) -> &NamedRecords<Self> {
        &hot.policies
    }
}

impl Indexed for OidcProvider {
    fn memory(hot: &Hot) -> &NamedRecords<Self> {
        &hot.oidc_providers
    }
}

impl Indexed for IntegratedService {
    fn memory(hot: &Hot) -> &NamedRecords<Self> {
        &hot.services
    }
}

fn attachments<'a, T: Record>(
    to: &'a T,
    attached: &'a BTreeSet<String>,
    boundary: Option<&'a str>,
) -> impl Iterator<Item = Bytes> + 'a {
    let attachment = |usage| Attachment { usage, kind: T::KIND, name: to.name().to_owned() };
    let permissions = attached.iter().map(|policy| (policy.as_str(), PolicyUsage::PermissionsPolicy));
    let boundary = boundary.map(|policy| (policy, PolicyUsage::PermissionsBoundary));
    permissions
        .chain(boundary)
        .map(move |(policy, usage)| layout::attachment(&to.account(), policy, &attachment(usage)))
}

macro_rules! records {
    ($($type:ident: $account:ident . $name:ident,)+) => {$(
        impl Record for $type {
            const KIND: RecordKind = RecordKind::$type;

            fn account(&self) -> AccountId {
                self.$account
            }

            fn name(&self) -> &str {
                &self.$name
            }
        }
    )+};
}

records! {
    Group: account.name,
    ManagedPolicy: account.name,
    OidcProvider: account.url,
    Role: account.name,
    User: account.name,
}

impl Record for IntegratedService {
    const KIND: RecordKind = RecordKind::IntegratedService;

    fn account(&self) -> AccountId {
        AccountId::INSTALLATION
    }

    fn name(&self) -> &str {
        &self.name
    }
}
