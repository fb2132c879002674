//! AWS managed keys: made when they are first asked for, one for each service in each account and region.
//!
//! The installation makes them by itself, as it deletes and rotates keys: nobody is asked, and nobody's quota is touched. What
//! such a key permits is its key policy's business.

use super::metadata::KeyMetadata;
use crate::Service;
use crate::operation::Failure;
use crate::service_event::ServiceEvent;
use catalog::{Changes, KeyAddress, World};
use keys::{
    Alias, Key, KeyId, KeyManager, KeyOrigin, KeySpec, KeyUsage, Material, RotationSchedule, Tags,
    aws_managed_alias, aws_managed_description, aws_managed_policy,
};
use module_api::NewKey;
use module_client::GeneratedKey;
use std::collections::BTreeMap;
use uuid::Uuid;
use wire::arn::{AliasArn, KeyArn};

/// The AWS managed key of a service, yet to be made.
#[derive(Clone, Debug)]
pub struct ManagedKey<'a> {
    /// Where it is to be.
    pub address: KeyAddress,
    /// The service, such as `s3.amazonaws.com`.
    pub service: &'a str,
}

impl<'a> ManagedKey<'a> {
    /// One with a new id.
    #[must_use]
    pub fn new(world: World, service: &'a str) -> Self {
        let id = KeyId::single_region(Uuid::new_v4().into_bytes());
        Self { address: KeyAddress { world, id }, service }
    }

    /// Makes it with its alias, and puts that on record. Of those who do so at the same moment one does; to the others it is a
    /// conflict, and they find what was made.
    pub async fn make(&self, service: &Service, changes: Changes) -> Result<(), Failure> {
        let made = service.module.generate_key(&self.new_key()).await?;
        let key = self.key(service, &made);
        let (now, name) = (key.created, aws_managed_alias(self.service));
        let alias = Alias { name, target: key.id, created: now, updated: now };
        // The limit is for keys that count.
        let changes = changes.create_key(&key, u64::MAX).create_alias(&self.address.world, &alias);
        service.catalog.commit(self.announce_creation(service, changes, &key)).await?;
        service.bell.ring();
        tracing::info!(service = self.service, account = %key.account, region = %key.region, "an AWS managed key was made");
        Ok(())
    }

    /// The service event `CreateKey`.
    fn announce_creation(&self, service: &Service, changes: Changes, key: &Key) -> Changes {
        let arn = service.settings.key_arn(key);
        let KeyArn { partition, region, account, .. } = arn.clone();
        let name = aws_managed_alias(self.service).into();
        let alias = Some(&AliasArn { partition, region, account, name });
        let elements = Some(&KeyMetadata::of(key, &arn, None, key.created).elements());
        ServiceEvent { name: "CreateKey", key: &arn, alias, elements, details: None, additional: None }
            .announce(service, changes)
    }

    fn new_key(&self) -> NewKey {
        let KeyAddress { world: World { account, region }, id } = self.address.clone();
        let (spec, usage, origin) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, KeyOrigin::AwsKms);
        NewKey { account, region, key_id: id, spec, usage, origin }
    }

    fn key(&self, service: &Service, made: &GeneratedKey) -> Key {
        let NewKey { account, region, key_id, spec, usage, origin } = self.new_key();
        let policy = aws_managed_policy(&service.settings.partition, &account, &region, self.service);
        Key {
            account,
            region,
            id: key_id,
            spec,
            usage,
            origin,
            created: service.clock.now(),
            description: aws_managed_description(self.service),
            enabled: true,
            deletion: None,
            policy: Some(policy),
            policy_principals: BTreeMap::new(),
            tags: Tags::default(),
            manager: KeyManager::Aws,
            service: Some(self.service.to_owned()),
            rotation: Some(RotationSchedule::from(service.clock.now(), PERIOD_IN_DAYS)),
            multi_region: None,
            transition: None,
            current_material: Some(Material::generated(made.material_id, made.token.as_bytes(), None)),
            former_materials: Vec::new(),
            pending_material: None,
            place: None,
        }
    }
}

//= kms: AWS managed keys are rotated every year (approximately 365 days)
const PERIOD_IN_DAYS: u16 = 365;
