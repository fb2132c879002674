//! Credentials of kinds that there are not here: passwords for a console, MFA devices, SSH keys, certificates.
//!
//! Programs that delete users ask for all of them first, so each question is answered, and truthfully: with none.

mod delete_login_profile;
mod get_login_profile;
mod list_mfa_devices;
mod list_service_specific_credentials;
mod list_signing_certificates;
mod list_ssh_public_keys;
mod list_virtual_mfa_devices;

pub use delete_login_profile::DeleteLoginProfile;
pub use get_login_profile::GetLoginProfile;
pub use list_mfa_devices::ListMfaDevices;
pub use list_service_specific_credentials::ListServiceSpecificCredentials;
pub use list_signing_certificates::ListSigningCertificates;
pub use list_ssh_public_keys::ListSshPublicKeys;
pub use list_virtual_mfa_devices::ListVirtualMfaDevices;

use super::oneself::Oneself;
use serde::Serialize;
use wire::{Fault, FaultKind};

/// Something of which there is none.
#[derive(Debug, Serialize)]
pub enum Never {}

/// What there is to say of a user's password for a console.
fn no_login_profile(of: &Oneself) -> Result<Fault, Fault> {
    let name = of.name()?.unwrap_or("root");
    Ok(Fault::new(FaultKind::NoSuchEntity, format!("Login Profile for User {name} cannot be found.")))
}
