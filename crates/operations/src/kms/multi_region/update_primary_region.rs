//! `UpdatePrimaryRegion`: makes a replica the primary, and the primary a replica. One commit tells all of the family; the jobs then
//! say that it is done.

use super::Family;
use crate::Fact;
use crate::kms::key_element;
use crate::operation::{Elsewhere, Failure, Named, NamedKey, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, Scene, no_such_key};
use access::ConditionKey;
use audit::json::{Object, object};
use keys::{KeyOrigin, KeyStates, Region};
use std::sync::Arc;
use wire::arn::KeyArn;
use wire::member::{KeyIdText, RegionName};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct UpdatePrimaryRegion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required region: RegionName = "PrimaryRegion",
    }
}

/// The primary and the replica that is to be it, if there is one.
#[derive(Debug)]
pub struct Succession {
    primary: NamedKey,
    family: Family,
    region: Region,
    replica: Option<NamedKey>,
}

impl Subject for Succession {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.primary).chain(&self.replica)
    }
}

impl Operation for UpdatePrimaryRegion {
    const NAME: &'static str = "UpdatePrimaryRegion";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Enabled;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms, KeyOrigin::External];
    type Input = Input;
    type Output = ();
    type Subject = Succession;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("primaryRegion", input.region.as_str());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        vec![Fact::text(ConditionKey::KmsPrimaryRegion, input.region.as_str())]
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Succession, Failure> {
        let primary = scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await?;
        let family = Family::of(scene.reader(), &primary.key).await?;
        // INVARIANT: the member's pattern is that of a region's name.
        let region = input.region.as_str().parse().unwrap_or(primary.arn.region);
        let there = family.key_in(region).filter(|key| key.is_replica());
        let replica = there.map(|key| NamedKey {
            key: Arc::clone(key),
            arn: KeyArn { region, ..primary.arn.clone() },
            named: Named::default(),
            // A key of several regions is in no custom key store.
            home: None,
        });
        Ok(Succession { primary, family, region, replica })
    }

    //= kms:UpdatePrimaryRegion on the current primary key and on the current replica key, in both key policies
    fn permissions<'a>(_: &Input, subject: &'a Succession) -> Vec<Permission<'a>> {
        subject.governed().map(|key| key.permission(PERMISSION)).collect()
    }

    fn fit(_: &Input, subject: &Succession) -> Result<(), Fault> {
        super::check_primary(&subject.primary)?;
        if subject.region == subject.primary.arn.region {
            let message = format!("{} is the primary key already.", subject.primary.arn);
            return Err(Fault::new(FaultKind::UnsupportedOperation, message));
        }
        subject.replica.as_ref().map(drop).ok_or_else(|| no_such_key(&subject.new_primary_arn()))
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Succession>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let former = &subject.primary.key;
        let changes = subject.family.replace(scene.changes(), |key| key.with_primary(subject.region, former));
        scene.commit(subject, changes).await?;
        scene.ring(subject);
        let key = subject.new_primary_arn();
        let elsewhere = Elsewhere {
            name: Self::NAME,
            parameters: object(|record| Self::parameters(input, record)),
            elements: object(|elements| elements.string("keyId", &key.to_string())),
            key,
        };
        Ok(Outcome::of(()).with_elements(key_element(&subject.primary)).with_elsewhere(elsewhere))
    }
}

impl Succession {
    fn new_primary_arn(&self) -> KeyArn {
        KeyArn { region: self.region, ..self.primary.arn.clone() }
    }
}

const PERMISSION: &str = "kms:UpdatePrimaryRegion";
