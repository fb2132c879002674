//! Keys whose material their owners bring along: the parameters for it, the import, and taking it away again.
//!
//! The material is encrypted by its owner for the security module, which alone opens it. An import token works once, for its key and
//! for a day.

mod delete_imported_key_material;
mod get_parameters_for_import;
mod import_key_material;

pub use delete_imported_key_material::DeleteImportedKeyMaterial;
pub use get_parameters_for_import::GetParametersForImport;
pub use import_key_material::ImportKeyMaterial;

use keys::{Key, KeyMaterialId};

/// The id of a material as it is told: of keys that can have several.
fn told_id(key: &Key, id: KeyMaterialId) -> Option<KeyMaterialId> {
    key.has_rotatable_material().then_some(id)
}
