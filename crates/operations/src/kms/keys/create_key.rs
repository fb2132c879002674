//! `CreateKey`: makes a key. The module makes its backing key and remembers nothing; one commit keeps all there is of it. What an HSM
//! cluster has made for it is destroyed again if that commit does not come about.

use crate::Fact;
use crate::kms::custom_key_stores::{InStore, check_connected, event_data_of_new_key, keep, make_in_store};
use crate::kms::metadata::KeyMetadata;
use crate::kms::policies::KeyPolicy;
use crate::kms::tags::{record_tags, tag_facts, tags_of_new_key};
use crate::kms::{record_flag, record_text};
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, PolicyHolder, Scene};
use access::ConditionKey;
use audit::json::Object;
use catalog::World;
use keys::{
    Backend, CustomKeyStore, Key, KeyId, KeyManager, KeyOrigin, KeySpec, KeyStates, KeyUsage, Material,
    MultiRegion, Tags,
};
use module_api::NewKey;
use std::collections::BTreeSet;
use uuid::Uuid;
use wire::member::{self, CustomKeyStoreId, Description, LegacyKeySpec, PolicyText, XksKeyId};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct CreateKey;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional policy: PolicyText = "Policy",
        optional description: Description = "Description",
        optional usage: KeyUsage = "KeyUsage",
        optional legacy_spec: LegacyKeySpec = "CustomerMasterKeySpec",
        optional spec: KeySpec = "KeySpec",
        optional origin: KeyOrigin = "Origin",
        optional custom_key_store_id: CustomKeyStoreId = "CustomKeyStoreId",
        optional bypass_lockout_check: bool = "BypassPolicyLockoutSafetyCheck",
        optional tags: member::Tags = "Tags",
        optional multi_region: bool = "MultiRegion",
        optional xks_key_id: XksKeyId = "XksKeyId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_metadata: KeyMetadata = "KeyMetadata",
    }
}

impl Operation for CreateKey {
    const NAME: &'static str = "CreateKey";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = InStore;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record_text(record, "policy", input.policy.as_ref().map(PolicyText::as_str));
        record.string("description", input.description());
        record.string("origin", input.origin().name());
        record_text(record, "keyUsage", input.usage().map(KeyUsage::name));
        record.string("keySpec", input.spec().name());
        record.string("customerMasterKeySpec", input.spec().name());
        record_flag(record, "bypassPolicyLockoutSafetyCheck", Some(input.bypass_lockout_check == Some(true)));
        record_flag(record, "multiRegion", Some(input.multi_region == Some(true)));
        if let Some(tags) = &input.tags {
            record_tags(record, tags);
        }
        record_text(
            record,
            "customKeyStoreId",
            input.custom_key_store_id.as_ref().map(CustomKeyStoreId::as_str),
        );
        record_text(record, "xksKeyId", input.xks_key_id.as_ref().map(XksKeyId::as_str));
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        check_spec_and_usage(input)?;
        check_origin(input)?;
        check_external_id(input.xks_key_id.as_ref())?;
        input.tags().map(|_| ())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let (spec, usage) = (input.spec().name(), input.usage().map_or("", KeyUsage::name));
        let is_multi_region = input.multi_region == Some(true);
        let mut facts = vec![
            Fact::flag(
                ConditionKey::KmsBypassPolicyLockoutSafetyCheck,
                input.bypass_lockout_check == Some(true),
            ),
            Fact::text(ConditionKey::KmsKeySpec, spec),
            Fact::text(ConditionKey::KmsCustomerMasterKeySpec, spec),
            Fact::text(ConditionKey::KmsKeyUsage, usage),
            Fact::text(ConditionKey::KmsCustomerMasterKeyUsage, usage),
            Fact::text(ConditionKey::KmsKeyOrigin, input.origin().name()),
            Fact::flag(ConditionKey::KmsMultiRegion, is_multi_region),
        ];
        facts.extend(is_multi_region.then(|| Fact::text(ConditionKey::KmsMultiRegionKeyType, "PRIMARY")));
        facts.extend(input.tags.iter().flat_map(tag_facts));
        facts
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<InStore, Failure> {
        InStore::of(input.custom_key_store_id.as_ref(), scene).await
    }

    fn permissions<'a>(input: &Input, _: &'a InStore) -> Vec<Permission<'a>> {
        let mut actions = vec!["kms:CreateKey"];
        actions.extend(input.tags.as_ref().map(|_| "kms:TagResource"));
        actions.into_iter().map(|action| Permission { action, on: On::Account }).collect()
    }

    fn fit(input: &Input, subject: &InStore) -> Result<(), Fault> {
        let Some(store) = subject.store()? else { return Ok(()) };
        check_type(store, input.origin())?;
        check_connected(store)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<InStore>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let mut key = new_key(input, subject, scene).await?;
        if let Some(store) = subject.store()? {
            key.place = Some(make_in_store(store, key.id, input.xks_key_id.as_ref(), subject, scene).await?);
        }
        keep(&key, subject, scene).await?;
        let arn = scene.own_key_arn(key.id);
        let key_metadata = KeyMetadata::of(&key, &arn, subject.home.as_ref(), scene.now);
        let elements = key_metadata.elements();
        let outcome = Outcome::of(Answer { key_metadata }).with_elements(elements).with_made(arn);
        Ok(Outcome { additional: key.place.as_ref().map(event_data_of_new_key), ..outcome })
    }
}

async fn new_key(input: &Input, subject: &Authorized<InStore>, scene: &Scene<'_>) -> Result<Key, Failure> {
    let World { account, region } = scene.world();
    let id = input.new_id();
    let (spec, usage, origin) =
        (input.spec(), input.usage().unwrap_or(KeyUsage::EncryptDecrypt), input.origin());
    let tags = input.tags()?;
    let policy = policy(input, id, &tags, scene).await?;
    let (policy, policy_principals) = policy.map(|policy| (policy.text, policy.principals)).unzip();
    let new = NewKey { account, region, key_id: id, spec, usage, origin };
    let current_material = material(&new, subject, scene).await?;
    Ok(Key {
        account,
        region,
        id,
        spec,
        usage,
        origin,
        created: scene.now,
        description: input.description().to_owned(),
        enabled: true,
        deletion: None,
        policy,
        policy_principals: policy_principals.unwrap_or_default(),
        manager: KeyManager::Customer,
        service: None,
        tags,
        rotation: None,
        multi_region: id
            .is_multi_region()
            .then(|| MultiRegion { primary: region, replicas: BTreeSet::new() }),
        transition: None,
        current_material,
        former_materials: Vec::new(),
        pending_material: None,
        place: None,
    })
}

/// The backing key, unless its owner is going to import one.
async fn material(
    new: &NewKey,
    subject: &Authorized<InStore>,
    scene: &Scene<'_>,
) -> Result<Option<Material>, Failure> {
    if new.origin == KeyOrigin::External {
        return Ok(None);
    }
    let made = scene.module(subject).generate_key(new).await?;
    Ok(Some(Material::generated(made.material_id, made.token.as_bytes(), made.public_key.as_deref())))
}

/// The policy that the key is to have, if not the default one.
async fn policy(
    input: &Input,
    id: KeyId,
    tags: &Tags,
    scene: &Scene<'_>,
) -> Result<Option<KeyPolicy>, Failure> {
    let Some(text) = &input.policy else { return Ok(None) };
    let holder = PolicyHolder::New { arn: &scene.own_key_arn(id), tags };
    Ok(Some(KeyPolicy::accept(text, holder, input.bypass_lockout_check, scene).await?))
}

impl Input {
    fn spec(&self) -> KeySpec {
        self.spec.or(self.legacy_spec.map(|legacy| legacy.0)).unwrap_or(KeySpec::SymmetricDefault)
    }

    /// The usage, which only a symmetric encryption key need not be given.
    fn usage(&self) -> Option<KeyUsage> {
        let default = self.spec().is_symmetric_encryption().then_some(KeyUsage::EncryptDecrypt);
        self.usage.or(default)
    }

    fn new_id(&self) -> KeyId {
        let random = Uuid::new_v4().into_bytes();
        if self.multi_region == Some(true) {
            KeyId::multi_region(random)
        } else {
            KeyId::single_region(random)
        }
    }

    fn origin(&self) -> KeyOrigin {
        self.origin.unwrap_or(KeyOrigin::AwsKms)
    }

    fn description(&self) -> &str {
        self.description.as_ref().map_or("", Description::as_str)
    }

    fn tags(&self) -> Result<Tags, Fault> {
        tags_of_new_key(self.tags.as_ref())
    }
}

fn check_spec_and_usage(input: &Input) -> Result<(), Fault> {
    if input.spec.is_some() && input.legacy_spec.is_some() {
        return Err(Fault::new(FaultKind::Validation, TWO_SPECS));
    }
    let spec = input.spec();
    if !spec.is_offered() {
        return Err(Fault::new(FaultKind::UnsupportedOperation, format!("KeySpec {spec} is not supported.")));
    }
    let usage = input.usage().ok_or_else(|| Fault::new(FaultKind::Validation, NO_USAGE))?;
    if spec.usages().contains(&usage) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Validation, format!("KeyUsage {usage} is not compatible with KeySpec {spec}")))
}

fn check_origin(input: &Input) -> Result<(), Fault> {
    let (spec, origin) = (input.spec(), input.origin());
    let in_custom_store = matches!(origin, KeyOrigin::AwsCloudHsm | KeyOrigin::ExternalKeyStore);
    let is_importable = !spec.wrapping_algorithms().is_empty();
    let is_out_of_place = in_custom_store && !spec.is_symmetric_encryption();
    if is_out_of_place || origin == KeyOrigin::External && !is_importable {
        let message = format!("KeySpec {spec} is not supported for Origin {origin}");
        return Err(Fault::new(FaultKind::Validation, message));
    }
    let wants_xks_key = origin == KeyOrigin::ExternalKeyStore;
    check_goes_with(origin, "CustomKeyStoreId", in_custom_store, input.custom_key_store_id.is_some())?;
    check_goes_with(origin, "XksKeyId", wants_xks_key, input.xks_key_id.is_some())?;
    if in_custom_store && input.multi_region == Some(true) {
        return Err(Fault::new(FaultKind::UnsupportedOperation, NO_MULTI_REGION));
    }
    Ok(())
}

/// Refuses a member that must be there with that origin and is not, or the other way round.
fn check_goes_with(origin: KeyOrigin, member: &str, wanted: bool, given: bool) -> Result<(), Fault> {
    let message = match (wanted, given) {
        (true, false) => format!("{member} is required with Origin {origin}"),
        (false, true) => format!("{member} cannot be used with Origin {origin}"),
        _ => return Ok(()),
    };
    Err(Fault::new(FaultKind::Validation, message))
}

/// Refuses what its pattern lets be an id and a URI takes for another place.
fn check_external_id(id: Option<&XksKeyId>) -> Result<(), Fault> {
    match id.map(XksKeyId::as_str) {
        Some("." | "..") => Err(Fault::new(FaultKind::Validation, "XksKeyId cannot be `.` or `..`.")),
        _ => Ok(()),
    }
}

/// Refuses a store of another type than the origin says.
fn check_type(store: &CustomKeyStore, origin: KeyOrigin) -> Result<(), Fault> {
    let of_store = match store.backend {
        Backend::CloudHsm(_) => KeyOrigin::AwsCloudHsm,
        Backend::Xks(_) => KeyOrigin::ExternalKeyStore,
    };
    if origin == of_store {
        return Ok(());
    }
    let message = format!("Custom key store {} is for keys of Origin {of_store}, not {origin}.", store.id);
    Err(Fault::new(FaultKind::Validation, message))
}

const TWO_SPECS: &str = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.";
const NO_USAGE: &str =
    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
const NO_MULTI_REGION: &str = "Multi-Region keys are not supported in custom key stores.";
