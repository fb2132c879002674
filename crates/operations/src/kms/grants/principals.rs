//! Whom grants name: users, roles, sessions of roles, accounts and services. A user or role is remembered by its unique id besides its
//! name: another one of that name gets nothing of the grant.

use crate::identity::Directory;
use crate::operation::Failure;
use access::PrincipalName;
use catalog::CatalogError;
use keys::GrantPrincipal;
use wire::member::{PrincipalText, ServicePrincipalText};
use wire::{Fault, FaultKind};

/// A principal as a request names it: by its ARN, or a service by its name.
#[derive(Clone, Copy, Debug)]
pub enum Party<'a> {
    Arn(&'a PrincipalText),
    Service(&'a ServicePrincipalText),
}

impl<'a> Party<'a> {
    /// The one that a request names. Naming it in both ways is refused in these words.
    pub fn of(
        arn: Option<&'a PrincipalText>,
        service: Option<&'a ServicePrincipalText>,
        both: &'static str,
    ) -> Result<Option<Self>, Fault> {
        match (arn, service) {
            (Some(_), Some(_)) => Err(super::invalid(both)),
            (Some(arn), None) => named(arn).map(|_| Some(Self::Arn(arn))),
            (None, service) => Ok(service.map(Self::Service)),
        }
    }

    pub const fn is_service(self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// The principal there is of that name. The inner error is for whoever may know that there is none.
    pub async fn find(self, directory: &Directory<'_>) -> Result<Result<GrantPrincipal, Fault>, Failure> {
        let name = match self {
            Self::Arn(text) => named(text)?,
            Self::Service(text) => PrincipalName::Service(text.as_str().into()),
        };
        let existing = directory.existing(&name).await?;
        let name = name.to_string();
        Ok(match existing {
            Some(existing) => Ok(GrantPrincipal { name, unique_id: existing.id }),
            None if self.is_service() => Err(no_such_service(&name)),
            None => Err(no_such_principal(&name)),
        })
    }
}

/// The user, role, session or account of that ARN, whether there is one or not.
pub fn named(text: &PrincipalText) -> Result<PrincipalName, Fault> {
    let invalid = || Fault::new(FaultKind::InvalidArn, format!("Invalid arn {}", text.as_str()));
    match text.as_str().parse() {
        Ok(
            name @ (PrincipalName::Account { partition: Some(_), .. }
            | PrincipalName::Role { .. }
            | PrincipalName::Session { .. }
            | PrincipalName::User { .. }),
        ) => Ok(name),
        _ => Err(invalid()),
    }
}

/// A grant's principal as it is shown: by its unique id once its name means nobody, or somebody else.
pub async fn shown(principal: &GrantPrincipal, directory: &Directory<'_>) -> Result<String, CatalogError> {
    let GrantPrincipal { name, unique_id } = principal;
    match unique_id {
        Some(id) if !directory.is_still(name, id).await? => Ok(id.clone()),
        _ => Ok(name.clone()),
    }
}

pub fn no_such_principal(arn: &str) -> Fault {
    Fault::new(FaultKind::InvalidArn, format!("ARN does not refer to a valid principal: {arn}"))
}

fn no_such_service(name: &str) -> Fault {
    Fault::new(FaultKind::Validation, format!("{name} is not a valid service principal."))
}
