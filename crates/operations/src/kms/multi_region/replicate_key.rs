//! `ReplicateKey`: makes a replica of a primary in another region. One commit makes its record and tells all of the family; the
//! jobs then give it its material.

use super::Family;
use crate::Fact;
use crate::kms::metadata::KeyMetadata;
use crate::kms::policies::KeyPolicy;
use crate::kms::tags::{record_tags, tag_facts, tags_of_new_key};
use crate::kms::{record_flag, record_text};
use crate::operation::{Elsewhere, Failure, NamedKey, On, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, PolicyHolder, Scene};
use access::ConditionKey;
use audit::json::{Json, Object, object};
use keys::{Key, KeyOrigin, KeyStates, Region, Tags, default_policy};
use wire::arn::KeyArn;
use wire::member::{self, Description, KeyIdText, PolicyText, RegionName};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct ReplicateKey;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required region: RegionName = "ReplicaRegion",
        optional policy: PolicyText = "Policy",
        optional bypass_lockout_check: bool = "BypassPolicyLockoutSafetyCheck",
        optional description: Description = "Description",
        optional tags: member::Tags = "Tags",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required metadata: KeyMetadata = "ReplicaKeyMetadata",
        required policy: String = "ReplicaPolicy",
        optional tags: Vec<Tag> = "ReplicaTags",
    }
}

wire::output! {
    /// A tag of the replica.
    pub struct Tag {
        required key: String = "TagKey",
        required value: String = "TagValue",
    }
}

/// The key to be replicated, and where to.
#[derive(Debug)]
pub struct Replication {
    primary: NamedKey,
    region: Region,
    is_served: bool,
}

impl Subject for Replication {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.primary)
    }
}

impl Operation for ReplicateKey {
    const NAME: &'static str = "ReplicateKey";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Replicable;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms, KeyOrigin::External];
    type Input = Input;
    type Output = Answer;
    type Subject = Replication;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("replicaRegion", input.region.as_str());
        input.record(record);
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        input.tags().map(drop)
    }

    fn facts<'a>(input: &'a Input, action: &str) -> Vec<Fact<'a>> {
        let tags = input.tags.iter().flat_map(tag_facts);
        let of_action = match action {
            PERMISSION => vec![Fact::text(ConditionKey::KmsReplicaRegion, input.region.as_str())],
            _ => vec![
                Fact::text(ConditionKey::KmsMultiRegionKeyType, "REPLICA"),
                Fact::flag(ConditionKey::KmsBypassPolicyLockoutSafetyCheck, input.bypasses()),
            ],
        };
        of_action.into_iter().chain(tags).collect()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Replication, Failure> {
        let primary = scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await?;
        let region = input.region.as_str();
        let is_served = scene.settings().serves(region);
        // INVARIANT: the member's pattern is that of a region's name.
        let region = region.parse().unwrap_or(primary.arn.region);
        Ok(Replication { primary, region, is_served })
    }

    //= kms:ReplicateKey kms:CreateKey in an IAM policy in the replica Region, and kms:TagResource to use the Tags parameter
    fn permissions<'a>(input: &Input, subject: &'a Replication) -> Vec<Permission<'a>> {
        let on = On::Replica(&subject.primary, subject.region);
        let mut permissions =
            vec![subject.primary.permission(PERMISSION), Permission { action: "kms:CreateKey", on }];
        permissions.extend(input.tags.as_ref().map(|_| Permission { action: "kms:TagResource", on }));
        permissions
    }

    fn fit(_: &Input, subject: &Replication) -> Result<(), Fault> {
        super::check_primary(&subject.primary)?;
        let (key, region) = (&subject.primary.key, subject.region);
        if key.region == region || key.siblings().any(|place| place == region) {
            let arn = subject.replica_arn();
            return Err(Fault::new(FaultKind::AlreadyExists, format!("Key '{arn}' already exists")));
        }
        if !subject.is_served {
            let message = format!("The replica Region {region} is not supported.");
            return Err(Fault::new(FaultKind::Validation, message));
        }
        if key.siblings().count() >= MOST_REPLICAS {
            let message = format!("{LIMIT_REACHED} ({MOST_REPLICAS}).");
            return Err(Fault::new(FaultKind::LimitExceeded, message));
        }
        Ok(())
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Replication>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let family = Family::of(scene.reader(), &subject.primary.key).await?;
        let replica = new_replica(input, subject, scene).await?;
        let changes = family.replace(scene.changes(), |key| key.with_replica(subject.region));
        scene.commit(subject, changes.create_key(&replica, scene.settings().keys_per_region)).await?;
        scene.ring(subject);
        let (arn, answer) = (subject.replica_arn(), Answer::of(&replica, subject, scene));
        let elsewhere = Elsewhere {
            key: arn.clone(),
            name: "CreateKey",
            parameters: creation(input, &replica),
            elements: answer.metadata.elements(),
        };
        let elements = answer.elements();
        Ok(Outcome::of(answer).with_elements(elements).with_made(arn).with_elsewhere(elsewhere))
    }
}

async fn new_replica(input: &Input, subject: &Replication, scene: &Scene<'_>) -> Result<Key, Failure> {
    let tags = input.tags()?;
    let policy = match &input.policy {
        Some(text) => {
            let holder = PolicyHolder::New { arn: &subject.replica_arn(), tags: &tags };
            Some(KeyPolicy::accept(text, holder, input.bypass_lockout_check, scene).await?)
        }
        None => None,
    };
    let (policy, principals) = policy.map(|policy| (policy.text, policy.principals)).unzip();
    Ok(Key {
        description: input.description().to_owned(),
        policy,
        policy_principals: principals.unwrap_or_default(),
        tags,
        ..subject.primary.key.replica(subject.region, scene.now)
    })
}

/// `requestParameters` of the record in the replica's region.
fn creation(input: &Input, replica: &Key) -> Json {
    object(|record| {
        input.record(record);
        record.string("origin", replica.origin.name());
        record.string("keyUsage", replica.usage.name());
        record.string("keySpec", replica.spec.name());
        record.string("customerMasterKeySpec", replica.spec.name());
        record.boolean("multiRegion", true);
    })
}

impl Replication {
    fn replica_arn(&self) -> KeyArn {
        KeyArn { region: self.region, ..self.primary.arn.clone() }
    }
}

impl Answer {
    fn of(replica: &Key, subject: &Replication, scene: &Scene<'_>) -> Self {
        let tag = |tag: &keys::Tag| Tag { key: tag.key.clone(), value: tag.value.clone() };
        let tags: Vec<_> = replica.tags.iter().map(tag).collect();
        let default = || default_policy(&scene.settings().partition, &replica.account);
        Self {
            metadata: KeyMetadata::of(replica, &subject.replica_arn(), None, scene.now),
            policy: replica.policy.clone().unwrap_or_else(default),
            tags: Some(tags).filter(|tags| !tags.is_empty()),
        }
    }

    fn elements(&self) -> Json {
        object(|elements| {
            elements.object("replicaKeyMetadata", |key| self.metadata.write(key));
            elements.string("replicaPolicy", &self.policy);
            if let Some(tags) = &self.tags {
                elements.array("replicaTags", |list| {
                    for tag in tags {
                        list.object(|entry| {
                            entry.string("tagKey", &tag.key);
                            entry.string("tagValue", &tag.value);
                        });
                    }
                });
            }
        })
    }
}

impl Input {
    fn description(&self) -> &str {
        self.description.as_ref().map_or("", Description::as_str)
    }

    fn bypasses(&self) -> bool {
        self.bypass_lockout_check == Some(true)
    }

    fn tags(&self) -> Result<Tags, Fault> {
        tags_of_new_key(self.tags.as_ref())
    }

    /// What both records show of it.
    fn record(&self, record: &mut Object<'_>) {
        record_text(record, "policy", self.policy.as_ref().map(PolicyText::as_str));
        record_flag(record, "bypassPolicyLockoutSafetyCheck", Some(self.bypasses()));
        record.string("description", self.description());
        if let Some(tags) = &self.tags {
            record_tags(record, tags);
        }
    }
}

const PERMISSION: &str = "kms:ReplicateKey";
/// The keys of a family are changed in one commit, of which this many are well within the limits.
const MOST_REPLICAS: usize = 31;
const LIMIT_REACHED: &str =
    "You have reached the maximum number of replica keys that a multi-Region key can have";
