//! Uses of keys in an HSM.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use keys::{CustomKeyStoreId, HsmKey, KeyId, KeyMaterialId, KeyPlace, OuterKey};
use keystores::{RequestMetadata, Usage};
use module_api::EncryptionContext;
use module_api::blob::Header;

/// A use of a key, with what it borrows.
pub struct Use {
    header: Header,
    place: KeyPlace,
    context: EncryptionContext,
}

impl Use {
    /// Of that key.
    pub fn of(key: &HsmKey) -> Self {
        let place =
            KeyPlace { store: CustomKeyStoreId::from_random([3; 16]), key: OuterKey::Hsm(key.clone()) };
        Self { header: header(), place, context: [("purpose", "test")].into_iter().collect() }
    }

    pub fn usage(&self) -> Usage<'_> {
        let request = RequestMetadata {
            operation: "Encrypt",
            request_id: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
            principal: "arn:aws:iam::111122223333:user/alice",
            key_arn: "",
            via_service: None,
            source_vpc: None,
            source_vpce: None,
        };
        Usage { header: self.header, place: &self.place, context: self.context.canonical(), request }
    }
}

/// What a ciphertext of the key says of itself.
fn header() -> Header {
    Header {
        account: "111122223333".parse().unwrap(),
        key_id: KeyId::single_region([7; 16]),
        material_id: KeyMaterialId::from_bytes([9; 32]),
    }
}
