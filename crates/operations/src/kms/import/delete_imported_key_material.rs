//! `DeleteImportedKeyMaterial`: takes imported material away. The key is of no use until the same material is imported again.

use super::told_id;
use crate::Service;
use crate::kms::multi_region::replace_without_material;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::{Json, Object, object};
use keys::{KeyMaterialId, KeyOrigin, KeyStates};
use wire::arn::KeyArn;
use wire::member::KeyIdText;
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct DeleteImportedKeyMaterial;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
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

impl Operation for DeleteImportedKeyMaterial {
    const NAME: &'static str = "DeleteImportedKeyMaterial";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Settled;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::External];
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_material(record, input.key_material_id);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let current = subject.key.current_material.as_ref().map(|material| material.id);
        let id = input.key_material_id.or(current);
        if let Some(id) = id {
            let without = subject.key.without_imported(&id).ok_or_else(|| no_such_material(&id))?;
            let (reader, changes) = (scene.reader(), scene.changes());
            let changes = replace_without_material(reader, changes, &subject.key, &without).await?;
            scene.commit(subject, changes).await?;
            shred(scene.service_for(subject)).await;
        }
        let key_material_id = id.and_then(|id| told_id(&subject.key, id));
        let elements = elements(subject, key_material_id);
        Ok(Outcome::of(Answer { key_id: subject.arn.clone(), key_material_id }).with_elements(elements))
    }
}

/// Removes what is left of it from the disk too. If that cannot be done now, the next time does what was left undone.
async fn shred(service: &Service) {
    if let Err(error) = service.catalog.shred().await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "what is left of deleted key material could not be removed from the disk yet");
    }
}

fn no_such_material(id: &KeyMaterialId) -> Fault {
    Fault::new(FaultKind::NotFound, format!("Key material ID {id} not found"))
}

fn elements(named: &NamedKey, id: Option<KeyMaterialId>) -> Json {
    object(|elements| {
        elements.string("keyId", &named.arn.to_string());
        record_material(elements, id);
    })
}

fn record_material(record: &mut Object<'_>, id: Option<KeyMaterialId>) {
    if let Some(id) = id {
        record.string("keyMaterialId", &id.to_string());
    }
}

const PERMISSION: &str = "kms:DeleteImportedKeyMaterial";
