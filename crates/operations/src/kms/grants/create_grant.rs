//! `CreateGrant`: lets a principal use a key for some operations. Repeated under the same name with the same parameters, it makes no
//! second grant.
//!
//! Whether somebody whom only a grant lets in may make this one is decided with the permission: the facts say what is asked for.

use super::principals::Party;
use super::token::GrantToken;
use super::{Constraints, invalid};
use crate::Fact;
use crate::kms::record_text;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::json::{Object, object};
use catalog::NamedGrants;
use keys::{Grant, GrantId, GrantOperation, GrantPrincipal, KeyStates};
use std::borrow::Cow;
use uuid::Uuid;
use wire::member::{
    GrantConstraints, GrantName, GrantOperations, GrantTokens, KeyIdText, PrincipalText, ServicePrincipalText,
};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct CreateGrant;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional grantee: PrincipalText = "GranteePrincipal",
        optional retiring: PrincipalText = "RetiringPrincipal",
        required operations: GrantOperations = "Operations",
        optional constraints: GrantConstraints = "Constraints",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional name: GrantName = "Name",
        optional dry_run: bool = "DryRun",
        optional grantee_service: ServicePrincipalText = "GranteeServicePrincipal",
        optional retiring_service: ServicePrincipalText = "RetiringServicePrincipal",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required grant_token: String = "GrantToken",
        required grant_id: GrantId = "GrantId",
    }
}

/// The key, and whom the grant is to name. That one of them is not there is told only to whoever may make grants.
#[derive(Debug)]
pub struct Granting {
    key: NamedKey,
    grantee: Result<GrantPrincipal, Fault>,
    retiring: Result<Option<GrantPrincipal>, Fault>,
}

impl Subject for Granting {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.key)
    }
}

impl Operation for CreateGrant {
    const NAME: &'static str = "CreateGrant";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Grantable;
    type Input = Input;
    type Output = Answer;
    type Subject = Granting;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_text(record, "granteePrincipal", input.grantee());
        record_text(record, "granteeServicePrincipal", input.grantee_service());
        record_text(record, "retiringPrincipal", input.retiring());
        record_text(record, "retiringServicePrincipal", input.retiring_service());
        record.array("operations", |list| {
            input.operations.0.iter().for_each(|operation| list.string(operation.name()));
        });
        if input.constraints.is_some() {
            record.object("constraints", |record| input.constraints().record(record));
        }
        record_text(record, "name", input.name.as_ref().map(GrantName::as_str));
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        check_operations(&input.operations.0)?;
        check_parties(input)?;
        input.constraints().check()
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let texts = [
            (ConditionKey::KmsGranteePrincipal, input.grantee()),
            (ConditionKey::KmsGranteeServicePrincipal, input.grantee_service()),
            (ConditionKey::KmsRetiringPrincipal, input.retiring()),
            (ConditionKey::KmsRetiringServicePrincipal, input.retiring_service()),
            (ConditionKey::KmsGrantConstraintSourceArn, input.constraints().source_arn()),
        ];
        let given = texts.into_iter().filter_map(|(key, text)| Some(Fact::text(key, text?)));
        let operations = input.operations.0.iter().map(|operation| Cow::Borrowed(operation.name()));
        let operations = Fact::texts(ConditionKey::KmsGrantOperations, operations);
        given.chain([operations]).chain(input.constraints().context_facts()).collect()
    }

    fn grant_tokens(input: &Input) -> Option<&GrantTokens> {
        input.grant_tokens.as_ref()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Granting, Failure> {
        let key = scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await?;
        let directory = scene.directory();
        let grantee = match input.grantee_party()? {
            Some(party) => party.find(&directory).await?,
            None => Err(invalid(NO_GRANTEE)),
        };
        let retiring = match input.retiring_party()? {
            Some(party) => party.find(&directory).await?.map(Some),
            None => Ok(None),
        };
        Ok(Granting { key, grantee, retiring })
    }

    fn permissions<'a>(_: &Input, subject: &'a Granting) -> Vec<Permission<'a>> {
        vec![subject.key.permission(PERMISSION)]
    }

    fn fit(input: &Input, subject: &Granting) -> Result<(), Fault> {
        subject.grantee.as_ref().map_err(Fault::clone)?;
        subject.retiring.as_ref().map_err(Fault::clone)?;
        check_is_for(input, &subject.key)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Granting>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (key, address) = (&subject.key, subject.key.address());
        let grant = grant(input, subject, scene)?;
        let named = match &grant.name {
            Some(name) => Some(scene.reader().grants_named(&address, name).await?),
            None => None,
        };
        let id = match named.as_ref().and_then(|named| same(named, &grant)) {
            Some(id) => id,
            None => {
                let limit = scene.settings().grants_per_key;
                let changes = scene.changes().create_grant(&key.key, &grant, named.as_ref(), limit);
                scene.commit(subject, changes).await?;
                grant.id
            }
        };
        let grant_token = GrantToken { key: address, grant: id }.issue();
        let elements = object(|elements| {
            elements.string("grantId", &id.to_string());
            elements.string("keyId", &key.arn.to_string());
        });
        Ok(Outcome::of(Answer { grant_token, grant_id: id }).with_elements(elements))
    }
}

/// The grant that is asked for, under an id of its own.
fn grant(input: &Input, subject: &Granting, scene: &Scene<'_>) -> Result<Grant, Fault> {
    Ok(Grant {
        id: new_id(),
        grantee: subject.grantee.clone()?,
        retiring: subject.retiring.clone()?,
        operations: input.operations.0.iter().copied().collect(),
        constraints: input.constraints().kept(),
        name: input.name.as_ref().map(|name| name.as_str().to_owned()),
        created: scene.now,
        issuing_account: scene.world().account,
    })
}

/// The grant among those of its name that only its id and its age tell from this one.
//= kms:CreateGrant, Name: identical parameters give the id of the grant that is there
fn same(named: &NamedGrants, grant: &Grant) -> Option<GrantId> {
    let is_same = |old: &Grant| Grant { id: old.id, created: old.created, ..grant.clone() } == *old;
    named.grants.iter().find(|old| is_same(old)).map(|old| old.id)
}

fn new_id() -> GrantId {
    let mut bytes = [0; 32];
    for half in bytes.chunks_exact_mut(16) {
        half.copy_from_slice(Uuid::new_v4().as_bytes());
    }
    GrantId::from_bytes(bytes)
}

fn check_operations(operations: &[GrantOperation]) -> Result<(), Fault> {
    match operations {
        [] => Err(invalid(NO_OPERATIONS)),
        operations if operations.iter().all(|operation| *operation == GrantOperation::CreateGrant) => {
            Err(invalid(ONLY_CREATE_GRANT))
        }
        _ => Ok(()),
    }
}

//= kms:CreateGrant: a service as grantee needs a SourceArn constraint and somebody who can retire the grant
fn check_parties(input: &Input) -> Result<(), Fault> {
    let grantee = input.grantee_party()?.ok_or_else(|| invalid(NO_GRANTEE))?;
    let retiring = input.retiring_party()?;
    if !grantee.is_service() {
        return Ok(());
    }
    if input.constraints().source_arn().is_none() {
        return Err(invalid(NO_SOURCE_ARN));
    }
    retiring.map(|_| ()).ok_or_else(|| invalid(NO_RETIRING))
}

/// Refuses what a key of that type has no use for.
fn check_is_for(input: &Input, key: &NamedKey) -> Result<(), Fault> {
    let (spec, usage) = (key.key.spec, key.key.usage);
    let possible = keys::GrantOperations::of_key(spec, usage);
    if let Some(operation) = input.operations.0.iter().find(|operation| !possible.contains(**operation)) {
        let message =
            format!("Operation {operation} is not supported for key spec {spec} and key usage {usage}.");
        return Err(Fault::new(FaultKind::Validation, message));
    }
    if input.constraints().are_about_context() && !spec.is_symmetric_encryption() {
        return Err(invalid(CONTEXT_OF_ASYMMETRIC));
    }
    Ok(())
}

impl Input {
    fn grantee(&self) -> Option<&str> {
        self.grantee.as_ref().map(PrincipalText::as_str)
    }

    fn grantee_service(&self) -> Option<&str> {
        self.grantee_service.as_ref().map(ServicePrincipalText::as_str)
    }

    fn retiring(&self) -> Option<&str> {
        self.retiring.as_ref().map(PrincipalText::as_str)
    }

    fn retiring_service(&self) -> Option<&str> {
        self.retiring_service.as_ref().map(ServicePrincipalText::as_str)
    }

    fn grantee_party(&self) -> Result<Option<Party<'_>>, Fault> {
        Party::of(self.grantee.as_ref(), self.grantee_service.as_ref(), TWO_GRANTEES)
    }

    fn retiring_party(&self) -> Result<Option<Party<'_>>, Fault> {
        Party::of(self.retiring.as_ref(), self.retiring_service.as_ref(), TWO_RETIRING)
    }

    fn constraints(&self) -> Constraints<'_> {
        Constraints::asked(self.constraints.as_ref())
    }
}

const PERMISSION: &str = "kms:CreateGrant";
const NO_OPERATIONS: &str = "A grant must contain at least one operation.";
const ONLY_CREATE_GRANT: &str = "Grants must not contain only the CreateGrant operation.";
const NO_GRANTEE: &str = "You must specify either GranteePrincipal or GranteeServicePrincipal.";
const TWO_GRANTEES: &str =
    "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.";
const TWO_RETIRING: &str =
    "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.";
const NO_SOURCE_ARN: &str = "You must specify a SourceArn grant constraint with a GranteeServicePrincipal.";
const NO_RETIRING: &str =
    "You must specify a RetiringPrincipal or a RetiringServicePrincipal with a GranteeServicePrincipal.";
const CONTEXT_OF_ASYMMETRIC: &str =
    "Encryption context grant constraints are supported only for symmetric encryption KMS keys.";
