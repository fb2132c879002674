//! `RetireGrant`: gives a grant up. Who may is said by the grant: its retiring principal, its grantee if it has this operation, the
//! account that issued it. No key policy allows it; every policy can deny it.

use super::token::GrantToken;
use super::{grant_id, invalid};
use crate::kms::key_element;
use crate::operation::{Failure, NamedGrant, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Located, Naming, Scene};
use audit::json::{Object, object};
use keys::{GrantId, KeyStates};
use wire::Fault;
use wire::member::{self, KeyIdText};

/// The operation.
#[derive(Debug)]
pub struct RetireGrant;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional grant_token: member::GrantToken = "GrantToken",
        optional key_id: KeyIdText = "KeyId",
        optional grant_id: member::GrantId = "GrantId",
        optional dry_run: bool = "DryRun",
    }
}

impl Operation for RetireGrant {
    const NAME: &'static str = "RetireGrant";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = NamedGrant;

    //= CloudTrail: RetireGrant has no request parameters; which grant it was stands in additionalEventData
    fn parameters(_: &Input, _: &mut Object<'_>) {}

    fn examine(input: &Input) -> Result<(), Fault> {
        input.given().map(|_| ())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedGrant, Failure> {
        let (located, id) = match input.given()? {
            Given::Token(token) => (scene.locate_grant(&token)?, token.grant),
            Given::Ids(key_id, id) => (scene.locate(key_id, Naming::IdOrArn).await?, id),
        };
        scene.grant_at(located, id, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedGrant) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedGrant>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let changes = scene.changes().delete_grant(&subject.key.address(), &subject.grant);
        scene.commit(subject, changes).await?;
        let data = object(|data| data.string("grantId", &subject.grant.id.to_string()));
        Ok(Outcome::of(()).with_elements(key_element(&subject.key)).with_additional(data))
    }
}

/// How a request names the grant.
enum Given<'a> {
    Token(GrantToken),
    Ids(&'a KeyIdText, GrantId),
}

impl Input {
    fn given(&self) -> Result<Given<'_>, Fault> {
        match (&self.grant_token, &self.key_id, &self.grant_id) {
            (Some(token), None, None) => Ok(Given::Token(GrantToken::parse(token)?)),
            (None, Some(key_id), Some(id)) => Ok(Given::Ids(key_id, grant_id(id)?)),
            _ => Err(invalid(TOKEN_OR_IDS)),
        }
    }
}

impl Scene<'_> {
    /// Where the key is on which a token says that the grant is.
    fn locate_grant(&self, token: &GrantToken) -> Result<Located, Fault> {
        if token.key.world.region != self.caller.region {
            return Err(super::token::invalid_token());
        }
        let account = token.key.world.account;
        let arn = wire::arn::KeyArn { account, ..self.own_key_arn(token.key.id) };
        Ok(Located { arn, named: crate::operation::Named::default() })
    }
}

const PERMISSION: &str = "kms:RetireGrant";
const TOKEN_OR_IDS: &str = "You must specify either a GrantToken, or a KeyId and a GrantId.";
