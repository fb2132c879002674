//! Kinds of members: how each is read, what it may hold, and what AWS says when it holds something else.
//!
//! Reading finds wrong types (SerializationException), checking finds broken limits (ValidationException), all of them.

mod blob;
mod enumeration;
mod grant;
pub mod iam;
mod key_store;
mod list;
mod map;
mod material;
mod number;
pub mod sts;
mod text;

pub use blob::{AttestationDocument, CiphertextBlob, Plaintext, PublicKey, RecipientInfo};
pub use enumeration::{DryRunModifier, KeyEncryptionMechanism, LegacyKeySpec, ResourceOwner};
pub use grant::{
    GrantConstraintSourceArn, GrantConstraints, GrantId, GrantName, GrantOperations, PrincipalText,
    ServicePrincipalText,
};
pub use key_store::{
    AccountIdText, CloudHsmClusterId, CustomKeyStoreName, KeyStorePassword,
    NewXksProxyVpcEndpointServiceName, RawSecretAccessKey, TrustAnchorCertificate, XksProxyAccessKeyId,
    XksProxyAuthenticationCredential, XksProxyUriEndpoint, XksProxyUriPath, XksProxyVpcEndpointServiceName,
};
pub use list::{
    DryRunModifiers, GrantTokens, ResourceOwners, Scalar, ScalarList, StructureList, TagKeys, Tags,
};
pub use map::EncryptionContext;
pub use material::{IncludeKeyMaterial, KeyMaterialDescription};
pub use number::{Integer, Limit, NumberOfBytes, PendingWindowInDays, RotationPeriodInDays, Seconds};
pub use text::{
    AliasName, CustomKeyStoreId, Description, GrantToken, KeyIdText, Marker, PolicyName, PolicyText,
    RegionName, Tag, TagKey, TagValue, XksKeyId,
};

use crate::{Path, Shape, Violations};
use serde::de::Deserializer;

/// A kind of member.
pub trait Member: Sized {
    /// What is read: of the right type, not yet within its limits.
    type Raw;

    /// What it may hold, for comparison with the service model.
    const SHAPE: Shape;

    /// Reads it.
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error>;

    /// Holds it against its limits. `None` only if a violation was added.
    fn check(raw: Self::Raw, path: &Path<'_>, violations: &mut Violations) -> Option<Self>;
}

/// Checks a member that must be there.
pub fn required<T: Member>(raw: Option<T::Raw>, path: &Path<'_>, violations: &mut Violations) -> Option<T> {
    if raw.is_none() {
        violations.missing(path);
    }
    T::check(raw?, path, violations)
}

/// Checks a member that may be absent. The outer `None` means a violation, the inner one absence.
pub fn optional<T: Member>(
    raw: Option<T::Raw>,
    path: &Path<'_>,
    violations: &mut Violations,
) -> Option<Option<T>> {
    raw.map_or(Some(None), |raw| T::check(raw, path, violations).map(Some))
}

/// The words of a broken limit on length.
fn length_constraint(length: usize, min: usize, max: Option<usize>) -> Option<String> {
    if length < min {
        return Some(format!("Member must have length greater than or equal to {min}"));
    }
    let max = max.filter(|max| length > *max)?;
    Some(format!("Member must have length less than or equal to {max}"))
}
