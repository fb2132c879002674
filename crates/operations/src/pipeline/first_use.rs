//! The first use of an AWS managed key, which makes it: by its service on behalf of a principal, or by one who describes it.

use super::Scene;
use crate::admin::services;
use crate::kms::ManagedKey;
use crate::operation::{Failure, NamedIdentity, On, Permission};
use access::PrincipalKind;
use catalog::{AliasAddress, Stored, World};
use keys::{Alias, RESERVED_ALIAS_PREFIX, Tags, aws_managed_alias};
use std::sync::Arc;
use wire::arn::{AliasArn, KeyReference};
use wire::member::KeyIdText;

impl Scene<'_> {
    /// The alias, if the call is one that makes the key it is to stand for: the service's that the alias is for, on behalf of a
    /// principal of the account.
    pub(super) async fn alias_by_first_use(
        &self,
        arn: &AliasArn,
    ) -> Result<Option<Arc<Stored<Alias>>>, Failure> {
        let Some(via) = &self.caller.on_behalf else { return Ok(None) };
        if !self.is_of_callers_account(arn) || *arn.name != *aws_managed_alias(&via.service) {
            return Ok(None);
        }
        self.make(arn, &ManagedKey::new(self.world(), &via.service)).await
    }

    /// Makes the key that a predefined alias of the caller's account is to stand for, if the caller may do that to it.
    //= kms:DescribeKey: a predefined AWS alias without a key gets one
    pub async fn make_predefined(&self, text: &KeyIdText, action: &'static str) -> Result<(), Failure> {
        let Some(arn) = self.predefined(text) else { return Ok(()) };
        if self.managed_alias(&arn).await?.is_some() {
            return Ok(());
        }
        let there = services(self.reader()).await?;
        let of_alias = there.iter().find(|service| *aws_managed_alias(&service.name) == *arn.name);
        let Some(service) = of_alias else { return Ok(()) };
        let key = ManagedKey::new(self.world(), &service.name);
        // What the key's policy will say: the account may let its principals look at it.
        let named = NamedIdentity {
            arn: self.own_key_arn(key.address.id).to_string(),
            account: arn.account,
            tags: Tags::default(),
            boundary: None,
        };
        self.weigh(&Permission { action, on: On::Identity(&named) }).await?;
        self.make(&arn, &key).await.map(|_| ())
    }

    async fn make(
        &self,
        arn: &AliasArn,
        key: &ManagedKey<'_>,
    ) -> Result<Option<Arc<Stored<Alias>>>, Failure> {
        let made = key.make(self.service(), self.changes()).await;
        match (self.managed_alias(arn).await?, made) {
            // Whoever else made it at the same moment.
            (alias @ Some(_), Ok(()) | Err(Failure::Conflict)) => Ok(alias),
            (None, Ok(())) => Err(Failure::Conflict),
            (_, Err(failure)) => Err(failure),
        }
    }

    async fn managed_alias(&self, arn: &AliasArn) -> Result<Option<Arc<Stored<Alias>>>, Failure> {
        Ok(self.reader().alias(&AliasAddress { world: self.world(), name: arn.name.clone() }).await?)
    }

    /// The ARN of a predefined alias of the caller's account, if the text names one and the caller calls by itself.
    fn predefined(&self, text: &KeyIdText) -> Option<AliasArn> {
        let is_service = matches!(self.caller.identity.principal.kind(), PrincipalKind::Service { .. });
        let arn = match text.as_str().parse().ok()? {
            KeyReference::Alias(name) => self.alias_arn(&name),
            KeyReference::AliasArn(arn) => arn,
            KeyReference::Arn(_) | KeyReference::Id(_) => return None,
        };
        let is_ours = !is_service && self.caller.on_behalf.is_none() && self.is_of_callers_account(&arn);
        Some(arn).filter(|arn| is_ours && arn.name.starts_with(RESERVED_ALIAS_PREFIX))
    }

    fn is_of_callers_account(&self, arn: &AliasArn) -> bool {
        let World { account, region } = self.world();
        arn.account == account && arn.region == region && *arn.partition == *self.settings().partition
    }
}
