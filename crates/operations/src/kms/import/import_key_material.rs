//! `ImportKeyMaterial`: takes in material that its owner has encrypted under the public key of an import token.
//!
//! The token is used up by the commit that takes the material in; a refused call leaves it as it was.

use super::told_id;
use crate::Fact;
use crate::kms::multi_region::{Family, not_primary};
use crate::kms::{new_key, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::console_time;
use audit::json::{Object, object};
use catalog::{Changes, SpentImportToken};
use keys::{
    ExpirationModel, ImportRefusal, ImportRequest, ImportType, Key, KeyMaterialId, KeyOrigin, KeyStates,
    Material, Moment,
};
use module_api::{ImportToken, Refusal};
use module_client::{CallError, GeneratedKey};
use wire::arn::KeyArn;
use wire::member::{CiphertextBlob, KeyIdText, KeyMaterialDescription};
use wire::{Fault, FaultKind, Timestamp};

/// The operation.
#[derive(Debug)]
pub struct ImportKeyMaterial;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required import_token: CiphertextBlob = "ImportToken",
        required material: CiphertextBlob = "EncryptedKeyMaterial",
        optional valid_to: Timestamp = "ValidTo",
        optional expiration_model: ExpirationModel = "ExpirationModel",
        optional import_type: ImportType = "ImportType",
        optional description: KeyMaterialDescription = "KeyMaterialDescription",
        optional key_material_id: KeyMaterialId = "KeyMaterialId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required key_id: KeyArn = "KeyId",
        optional key_material_id: KeyMaterialId = "KeyMaterialId",
    }
}

impl Operation for ImportKeyMaterial {
    const NAME: &'static str = "ImportKeyMaterial";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Importing;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::External];
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_text(record, "validTo", input.valid_to.map(|valid_to| console_time(valid_to.0)).as_deref());
        record_text(record, "expirationModel", input.expiration_model.map(ExpirationModel::name));
        record_text(record, "importType", input.import_type.map(ImportType::name));
        let description = input.description.as_ref().map(KeyMaterialDescription::as_str);
        record_text(record, "keyMaterialDescription", description);
        record_text(record, "keyMaterialId", input.key_material_id.map(|id| id.to_string()).as_deref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        let is_new = input.import_type == Some(ImportType::NewKeyMaterial);
        match (input.expires(), input.valid_to) {
            (true, None) => Err(validation(NO_VALID_TO)),
            (false, Some(_)) => Err(validation(VALID_TO)),
            _ if is_new && input.key_material_id.is_some() => Err(validation(ID_OF_NEW)),
            _ => Ok(()),
        }
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let model = input.expiration_model.map(ExpirationModel::name);
        let model = model.map(|model| Fact::text(ConditionKey::KmsExpirationModel, model));
        let valid_to = input.valid_to.map(|valid_to| valid_to.0.as_seconds().to_string());
        let valid_to = valid_to.map(|valid_to| Fact::text(ConditionKey::KmsValidTo, valid_to));
        model.into_iter().chain(valid_to).collect()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(input: &Input, subject: &NamedKey) -> Result<(), Fault> {
        let is_said =
            input.import_type.is_some() || input.description.is_some() || input.key_material_id.is_some();
        if is_said && !subject.key.has_rotatable_material() {
            return Err(validation(SYMMETRIC_ONLY));
        }
        match input.description.is_some() && subject.key.is_replica() {
            true => Err(validation(DESCRIPTION_OF_REPLICA)),
            false => Ok(()),
        }
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        check_valid_to(input, scene.now)?;
        let token = usable_token(input, scene).await?;
        let material = opened(input, subject, scene).await?;
        let (key, id) = (&subject.key, material.id);
        let imported = key
            .with_imported(scene.now, material, &input.request())
            .map_err(|refusal| refused(refusal, id, &subject.arn))?;
        let changes = scene.changes().spend_import_token(&token);
        scene.commit(subject, told_family(changes, subject, &imported, scene).await?).await?;
        scene.ring(subject);
        let key_material_id = told_id(key, id);
        let elements = object(|elements| {
            elements.string("keyId", &subject.arn.to_string());
            record_text(elements, "keyMaterialId", key_material_id.map(|id| id.to_string()).as_deref());
        });
        Ok(Outcome::of(Answer { key_id: subject.arn.clone(), key_material_id }).with_elements(elements))
    }
}

impl Input {
    //= kms:ImportKeyMaterial ExpirationModel: the default is KEY_MATERIAL_EXPIRES
    fn expires(&self) -> bool {
        self.expiration_model != Some(ExpirationModel::KeyMaterialDoesNotExpire)
    }

    fn request(&self) -> ImportRequest {
        ImportRequest {
            import_type: self.import_type,
            material_id: self.key_material_id,
            description: self.description.as_ref().map(|text| text.as_str().to_owned()),
            valid_to: self.valid_to.map(|valid_to| valid_to.0),
        }
    }
}

//= kms:ImportKeyMaterial ValidTo: a future date, at most 365 days from the request
fn check_valid_to(input: &Input, now: Moment) -> Result<(), Fault> {
    match input.valid_to {
        Some(Timestamp(valid_to)) if valid_to <= now => Err(validation(IN_THE_PAST)),
        Some(Timestamp(valid_to)) if valid_to > now.plus_days(MOST_DAYS) => Err(validation(TOO_FAR)),
        _ => Ok(()),
    }
}

/// What the token says of itself, if it is neither out of date nor used up. Whether it says so rightly is found when it is opened.
async fn usable_token(input: &Input, scene: &Scene<'_>) -> Result<SpentImportToken, Failure> {
    let token = ImportToken::parse(input.import_token.as_bytes()).map_err(|_| invalid_token())?;
    if token.valid_to <= scene.now {
        return Err(Fault::new(FaultKind::ExpiredImportToken, EXPIRED_TOKEN).into());
    }
    let token = SpentImportToken { id: token.id, valid_to: token.valid_to };
    match scene.reader().is_import_token_spent(&token).await? {
        true => Err(invalid_token().into()),
        false => Ok(token),
    }
}

/// The material as the security module has taken it in.
async fn opened(
    input: &Input,
    subject: &Authorized<NamedKey>,
    scene: &Scene<'_>,
) -> Result<Material, Failure> {
    let (token, material) = (input.import_token.as_bytes(), input.material.as_bytes());
    let opened = scene.module(subject).import(&new_key(&subject.key), token, material).await;
    let GeneratedKey { token, material_id, public_key } = opened.map_err(|error| match error {
        CallError::Refused(Refusal::InvalidImportToken) => invalid_token().into(),
        CallError::Refused(Refusal::IncorrectKeyMaterial) => incorrect_material().into(),
        other => Failure::from(other),
    })?;
    Ok(Material::generated(material_id, token.as_bytes(), public_key.as_deref()))
}

/// The key as it is now, and what that means to its family: replicas know what their primary has, and a primary what is still to be
/// imported into its replicas.
async fn told_family(
    changes: Changes,
    subject: &Authorized<NamedKey>,
    imported: &Key,
    scene: &Scene<'_>,
) -> Result<Changes, Failure> {
    let family = Family::of(scene.reader(), &subject.key).await?;
    if !imported.is_replica() {
        return Ok(family.replace_primary(changes, imported));
    }
    let changes = changes.replace_key(&subject.key, imported);
    let Some(primary) = family.primary() else { return Ok(changes) };
    let told = primary.heard_of_import(imported, scene.now);
    Ok(if told == ***primary { changes } else { changes.replace_key(primary, &told) })
}

fn refused(refusal: ImportRefusal, id: KeyMaterialId, arn: &KeyArn) -> Fault {
    match refusal {
        ImportRefusal::Incorrect => incorrect_material(),
        ImportRefusal::NewIntoReplica => not_primary(arn),
        ImportRefusal::AnotherIsPending { pending } => Fault::new(
            FaultKind::KmsInvalidState,
            format!(
                "New key material (id: {id}) cannot be imported into KMS key {arn}, because another key material (id: {pending}) \
                 is pending rotation."
            ),
        ),
    }
}

fn invalid_token() -> Fault {
    Fault::new(FaultKind::InvalidImportToken, INVALID_TOKEN)
}

fn incorrect_material() -> Fault {
    Fault::new(FaultKind::IncorrectKeyMaterial, INCORRECT_MATERIAL)
}

fn validation(message: &'static str) -> Fault {
    Fault::new(FaultKind::Validation, message)
}

const PERMISSION: &str = "kms:ImportKeyMaterial";
const MOST_DAYS: u32 = 365;
const NO_VALID_TO: &str = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES";
const VALID_TO: &str =
    "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE";
const ID_OF_NEW: &str = "KeyMaterialId cannot be specified if the ImportType is NEW_KEY_MATERIAL";
const SYMMETRIC_ONLY: &str = "ImportType, KeyMaterialDescription and KeyMaterialId can be specified for symmetric encryption keys only";
const DESCRIPTION_OF_REPLICA: &str =
    "KeyMaterialDescription cannot be specified for a multi-Region replica key";
const IN_THE_PAST: &str = "The validTo date must be in the future";
const TOO_FAR: &str = "The validTo date must be at most 365 days from now";
const INVALID_TOKEN: &str = "The request was rejected because the provided import token is invalid or is associated with a different KMS key.";
const EXPIRED_TOKEN: &str = "The request was rejected because the specified import token is expired. Use GetParametersForImport to get a new import token and public key, use the new public key to encrypt the key material, and then try the request again.";
const INCORRECT_MATERIAL: &str = "The request was rejected because the key material in the request is, expired, invalid, or does not meet expectations.";
