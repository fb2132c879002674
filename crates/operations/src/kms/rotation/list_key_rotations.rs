//! `ListKeyRotations`: the rotations of a key, the oldest first, or all the material that it has.

use super::check_rotatable;
use crate::kms::pages;
use crate::kms::{record_number, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{
    ExpirationModel, ImportState, Key, KeyMaterialId, KeyMaterialState, KeyOrigin, KeyStates, Material,
    Moment, RotationType,
};
use wire::arn::KeyArn;
use wire::member::{IncludeKeyMaterial, KeyIdText, Limit, Marker};
use wire::{Fault, Timestamp};

/// The operation.
#[derive(Debug)]
pub struct ListKeyRotations;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional include_key_material: IncludeKeyMaterial = "IncludeKeyMaterial",
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required rotations: Vec<Entry> = "Rotations",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

wire::output! {
    /// A rotation, or material that no rotation made current.
    pub struct Entry {
        required key_id: KeyArn = "KeyId",
        required key_material_id: KeyMaterialId = "KeyMaterialId",
        optional description: String = "KeyMaterialDescription",
        optional import_state: ImportState = "ImportState",
        optional material_state: KeyMaterialState = "KeyMaterialState",
        optional expiration_model: ExpirationModel = "ExpirationModel",
        optional valid_to: Timestamp = "ValidTo",
        optional rotation_date: Timestamp = "RotationDate",
        optional rotation_type: RotationType = "RotationType",
    }
}

impl Operation for ListKeyRotations {
    const NAME: &'static str = "ListKeyRotations";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    const ORIGINS: &'static [KeyOrigin] = &[KeyOrigin::AwsKms, KeyOrigin::External];
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        let include = input.include_key_material.map(IncludeKeyMaterial::name);
        record_text(record, "includeKeyMaterial", include);
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(_: &Input, subject: &NamedKey) -> Result<(), Fault> {
        check_rotatable(subject)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let after = pages::after(LIST, input.marker.as_ref())?;
        let listed = listed(&subject.key, input.include_key_material);
        let first = match after {
            None => 0,
            Some(id) => place_after(&listed, id).ok_or_else(pages::invalid_marker)?,
        };
        let page: Vec<_> = listed.iter().skip(first).take(pages::limit(input.limit, 100, 1000)).collect();
        let truncated = listed.len() > first.saturating_add(page.len());
        let last = page.last().filter(|_| truncated).map(|material| material.id.to_string());
        let entry = |material: &&&Material| Entry::of(subject, material, scene.now);
        Ok(Outcome::of(Answer {
            rotations: page.iter().map(entry).collect(),
            next_marker: pages::marker(LIST, last.as_deref()),
            truncated,
        }))
    }
}

fn listed(key: &Key, include: Option<IncludeKeyMaterial>) -> Vec<&Material> {
    let is_listed = |material: &&Material| match include {
        Some(IncludeKeyMaterial::AllKeyMaterial) => true,
        Some(IncludeKeyMaterial::RotationsOnly) | None => material.rotation.is_some(),
    };
    key.all_materials().filter(is_listed).collect()
}

/// Where the list goes on after the material of that id.
fn place_after(listed: &[&Material], id: &str) -> Option<usize> {
    let id: KeyMaterialId = id.parse().ok()?;
    listed.iter().position(|material| material.id == id)?.checked_add(1)
}

impl Entry {
    fn of(named: &NamedKey, material: &Material, now: Moment) -> Self {
        let is_imported = named.key.origin == KeyOrigin::External;
        let expiration_model = material.expiration_model(now);
        Self {
            key_id: named.arn.clone(),
            key_material_id: material.id,
            description: material.import.as_ref().and_then(|import| import.description.clone()),
            import_state: is_imported.then(|| material.import_state(now)),
            material_state: named.key.material_state(&material.id),
            expiration_model,
            valid_to: expiration_model.and(material.valid_to()).map(Timestamp),
            rotation_date: material.rotation.map(|rotation| Timestamp(rotation.date)),
            rotation_type: material.rotation.map(|rotation| rotation.rotation_type),
        }
    }
}

const PERMISSION: &str = "kms:ListKeyRotations";
const LIST: &str = "rotations";
