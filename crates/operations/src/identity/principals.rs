//! Whom policies and grants name: whether there is such a principal now, and its unique id, by which it is remembered. A later
//! user or role of the same name is someone else.
//!
//! Reads, and never decides what a principal may do.

use super::Directory;
use crate::operation::Failure;
use access::{BoundPrincipals, MalformedPolicy, Policy, PrincipalName};
use catalog::{CatalogError, IntegratedService, OidcProvider, Role, User};
use keys::AccountId;
use wire::{Fault, FaultKind};

/// A principal that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The unique id of a user, a role (`AROA…`) or a role's session (`AROA…:name`); nothing else has one.
    pub id: Option<String>,
}

/// Why a policy cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The records could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It names a principal that there is not.
    #[error(transparent)]
    Malformed(#[from] MalformedPolicy),
}

impl Directory<'_> {
    /// The unique ids of the users, roles and sessions that a policy names, each of which must be there now.
    pub async fn bind(&self, policy: &Policy) -> Result<BoundPrincipals, BindError> {
        let mut bound = BoundPrincipals::new();
        for name in policy.principals() {
            let unknown = || MalformedPolicy::principal(policy.kind(), name);
            let existing = self.existing(name).await?.ok_or_else(unknown)?;
            bound.extend(existing.id.map(|id| (name.to_string(), id)));
        }
        Ok(bound)
    }

    /// Those among the bound principals that are no longer there: the name means nobody now, or somebody else.
    pub async fn gone(&self, bound: &BoundPrincipals) -> Result<BoundPrincipals, CatalogError> {
        let mut gone = BoundPrincipals::new();
        for (name, id) in bound {
            if !self.is_still(name, id).await? {
                gone.insert(name.clone(), id.clone());
            }
        }
        Ok(gone)
    }

    /// Whether that name means the user, role or session of that unique id now.
    pub async fn is_still(&self, name: &str, id: &str) -> Result<bool, CatalogError> {
        let Ok(name) = name.parse() else { return Ok(false) };
        Ok(self.existing(&name).await?.is_some_and(|existing| existing.id.as_deref() == Some(id)))
    }

    /// The principal of that name, if there is one now.
    pub async fn existing(&self, name: &PrincipalName) -> Result<Option<Existing>, CatalogError> {
        let is_here = |partition: &str| *partition == **self.partition;
        match name {
            PrincipalName::Anyone => Ok(Some(Existing { id: None })),
            PrincipalName::Account { partition, account } if partition.as_deref().is_none_or(is_here) => {
                Ok(self.reader.account(account).await?.map(|_| Existing { id: None }))
            }
            PrincipalName::User { partition, account, path, name } if is_here(partition) => {
                self.existing_user(account, path, name).await
            }
            PrincipalName::Role { partition, account, path, name } if is_here(partition) => {
                self.existing_role(account, path, name).await
            }
            PrincipalName::Session { partition, account, role, session } if is_here(partition) => {
                self.existing_session(account, role, session).await
            }
            PrincipalName::Federated(arn) => self.existing_provider(arn).await,
            PrincipalName::Service(name) => self.existing_service(name).await,
            _ => Ok(None),
        }
    }

    async fn existing_user(
        &self,
        account: &AccountId,
        path: &str,
        name: &str,
    ) -> Result<Option<Existing>, CatalogError> {
        let user = self.reader.find::<User>(account, name).await?;
        let named = user.filter(|user| user.path == path && user.name == name);
        Ok(named.map(|user| Existing { id: Some(user.id.clone()) }))
    }

    async fn existing_role(
        &self,
        account: &AccountId,
        path: &str,
        name: &str,
    ) -> Result<Option<Existing>, CatalogError> {
        let role = self.reader.find::<Role>(account, name).await?;
        let named = role.filter(|role| role.path == path && role.name == name);
        Ok(named.map(|role| Existing { id: Some(role.id.clone()) }))
    }

    /// A session is there as long as its role is.
    async fn existing_session(
        &self,
        account: &AccountId,
        role: &str,
        session: &str,
    ) -> Result<Option<Existing>, CatalogError> {
        let found = self.reader.find::<Role>(account, role).await?;
        let named = found.filter(|found| found.name == role);
        Ok(named.map(|found| Existing { id: Some(format!("{}:{session}", found.id)) }))
    }

    async fn existing_provider(&self, arn: &str) -> Result<Option<Existing>, CatalogError> {
        let Some((account, url)) = account_and_url(self.partition, arn) else { return Ok(None) };
        let provider = self.reader.find::<OidcProvider>(&account, url).await?;
        let named = provider.filter(|provider| provider.url == url);
        Ok(named.map(|_| Existing { id: None }))
    }

    /// A service that is integrated here, or one of AWS's names: nobody can call by a name that is not integrated.
    async fn existing_service(&self, name: &str) -> Result<Option<Existing>, CatalogError> {
        let there = is_of_aws(name)
            || self.reader.find::<IntegratedService>(&AccountId::INSTALLATION, name).await?.is_some();
        Ok(there.then_some(Existing { id: None }))
    }
}

/// The account and the URL in the ARN of an OpenID Connect provider of that partition.
#[must_use]
pub fn account_and_url<'a>(partition: &str, arn: &'a str) -> Option<(AccountId, &'a str)> {
    let rest = arn.strip_prefix("arn:")?.strip_prefix(partition)?.strip_prefix(":iam::")?;
    let (account, url) = rest.split_once(":oidc-provider/")?;
    Some((account.parse().ok()?, url)).filter(|_| !url.is_empty())
}

fn is_of_aws(name: &str) -> bool {
    AWS_DOMAINS.iter().any(|domain| name.strip_suffix(domain).is_some_and(|service| !service.is_empty()))
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Catalog(error) => error.into(),
            BindError::Malformed(error) => {
                Fault::new(FaultKind::MalformedPolicyDocument, error.to_string()).into()
            }
        }
    }
}

const AWS_DOMAINS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_provider_holds_its_account_and_its_url() {
        let arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/realm/nile";
        let account = "111122223333".parse().unwrap();
        assert_eq!(account_and_url("aws", arn), Some((account, "oidc.example.com/realm/nile")));
        for wrong in [
            "oidc.example.com",
            "arn:aws-cn:iam::111122223333:oidc-provider/oidc.example.com",
            "arn:aws:iam::111122223333:oidc-provider/",
            "arn:aws:iam::111122223333:saml-provider/oidc.example.com",
            "arn:aws:iam::1:oidc-provider/oidc.example.com",
        ] {
            assert_eq!(account_and_url("aws", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn services_of_aws_are_known_by_their_domain() {
        assert!(is_of_aws("ec2.amazonaws.com") && is_of_aws("logs.cn-north-1.amazonaws.com.cn"));
        assert!(!is_of_aws(".amazonaws.com") && !is_of_aws("amazonaws.com") && !is_of_aws("ec2.example.com"));
    }
}
