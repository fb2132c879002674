//! `AssumeRole`: temporary credentials of a role, of this account or another. A session may get them too: only tags that are
//! transitive and the source identity go from session to session.

use super::credentials::{Credentials, session_of};
use super::role::{AssumedRoleUser, Assumption, assumed_role_user, duration, named};
use super::session_limits::{check_policy_arns, check_tags, inherited, packed_size, put_policies, put_tags};
use super::{record_policies, record_tags, refuse_mfa};
use crate::Fact;
use crate::identity::{Session, SessionPrincipal};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use access::{ConditionKey, PrincipalKind};
use audit::json::{Json, Object, object};
use keys::KeyStates;
use std::borrow::Cow;
use wire::member::sts::{
    Arn, ExternalId, MinimumSessionTokenSize, PolicyDescriptors, ProvidedContexts, RoleDurationSeconds,
    RoleSessionName, SerialNumber, SourceIdentity, TagKeys, Tags, TokenCode,
    UnrestrictedSessionPolicyDocument,
};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct AssumeRole;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_arn: Arn = "RoleArn",
        required session_name: RoleSessionName = "RoleSessionName",
        optional policy_arns: PolicyDescriptors = "PolicyArns",
        optional policy: UnrestrictedSessionPolicyDocument = "Policy",
        optional duration: RoleDurationSeconds = "DurationSeconds",
        optional tags: Tags = "Tags",
        optional transitive_tag_keys: TagKeys = "TransitiveTagKeys",
        optional external_id: ExternalId = "ExternalId",
        optional serial_number: SerialNumber = "SerialNumber",
        optional token_code: TokenCode = "TokenCode",
        optional source_identity: SourceIdentity = "SourceIdentity",
        optional provided_contexts: ProvidedContexts = "ProvidedContexts",
        optional minimum_token_size: MinimumSessionTokenSize = "MinimumSessionTokenSize",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required credentials: Credentials = "Credentials",
        required assumed_role_user: AssumedRoleUser = "AssumedRoleUser",
        optional packed_policy_size: u32 = "PackedPolicySize",
        optional source_identity: String = "SourceIdentity",
        required token_utilization: u32 = "SessionTokenUtilization",
        required token_size: u32 = "SessionTokenSize",
    }
}

impl Operation for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Assumption;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleArn", input.role_arn.as_str());
        record.string("roleSessionName", input.session_name.as_str());
        record_policies(
            record,
            input.policy.as_ref().map(|policy| policy.as_str()),
            input.policy_arns.as_ref(),
        );
        if let Some(duration) = input.duration {
            record.number("durationSeconds", duration.value().into());
        }
        record_tags(record, input.tags.as_ref(), input.transitive_tag_keys.as_ref());
        for (name, text) in [
            ("externalId", input.external_id.as_ref().map(ExternalId::as_str)),
            ("serialNumber", input.serial_number.as_ref().map(SerialNumber::as_str)),
            ("sourceIdentity", input.source_identity.as_ref().map(SourceIdentity::as_str)),
        ] {
            if let Some(text) = text {
                record.string(name, text);
            }
        }
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        refuse_mfa(input.serial_number.is_some() || input.token_code.is_some())?;
        if input.provided_contexts.is_some() {
            return Err(Fault::new(FaultKind::Validation, NO_CONTEXTS));
        }
        check_policy_arns(input.policy_arns.as_ref())?;
        check_tags(input.tags.as_ref(), input.transitive_tag_keys.as_ref())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let text = |key, text: Option<&'a str>| text.map(|text| Fact::text(key, text));
        let transitive = input.transitive_tag_keys.as_ref().map(|keys| {
            let keys = keys.0.iter().map(|key| Cow::Borrowed(key.as_str()));
            Fact::texts(ConditionKey::StsTransitiveTagKeys, keys)
        });
        let mut facts = crate::iam::tags::facts(input.tags.as_ref());
        facts.extend(text(ConditionKey::StsRoleSessionName, Some(input.session_name.as_str())));
        facts.extend(text(ConditionKey::StsExternalId, input.external_id.as_ref().map(ExternalId::as_str)));
        let source = input.source_identity.as_ref().map(SourceIdentity::as_str);
        facts.extend(text(ConditionKey::StsSourceIdentity, source));
        facts.extend(transitive);
        facts
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Assumption, Failure> {
        if *scene.caller.identity.principal.kind() == PrincipalKind::Root {
            return Err(Fault::new(FaultKind::AccessDenied, BY_ROOT).into());
        }
        let role = named(&input.role_arn, ASSUME, scene).await?;
        let calling = scene.caller.session.as_deref();
        Ok(Assumption {
            role,
            is_chained: calling.is_some(),
            inherits_tags: calling.is_some_and(|session| !session.transitive.is_empty()),
            inherits_source: calling.is_some_and(|session| session.source_identity.is_some()),
        })
    }

    fn permissions<'a>(input: &Input, subject: &'a Assumption) -> Vec<Permission<'a>> {
        subject.permissions(ASSUME, input.tags.is_some(), input.source_identity.is_some())
    }

    fn fit(input: &Input, subject: &Assumption) -> Result<(), Fault> {
        duration(input.duration, &subject.role.role, subject.is_chained).map(|_| ())
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Assumption>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let session = session(input, subject, scene).await?;
        let packed_policy_size = packed_size(&session)?;
        let incoming = incoming_tags(scene);
        let source_identity = session.source_identity.clone();
        let credentials = Credentials::of(session, input.minimum_token_size, subject, scene).await?;
        let answer = Answer {
            token_utilization: credentials.token_utilization(),
            token_size: credentials.token_size(),
            credentials,
            assumed_role_user: assumed_role_user(&subject.role.role, input.session_name.as_str(), scene),
            packed_policy_size,
            source_identity,
        };
        let elements = answer.elements();
        let outcome = Outcome::of(answer).with_elements(elements);
        Ok(incoming.into_iter().fold(outcome, Outcome::with_additional))
    }
}

async fn session(input: &Input, subject: &Assumption, scene: &Scene<'_>) -> Result<Session, Failure> {
    let role = &subject.role.role;
    let calling = scene.caller.session.as_deref();
    let principal = SessionPrincipal::Role {
        account: role.account,
        role: role.name.clone(),
        role_id: role.id.clone(),
        session: input.session_name.as_str().to_owned(),
    };
    let seconds = duration(input.duration, role, subject.is_chained)?;
    let (tags, transitive) = inherited(calling);
    let source_identity = source_identity(input, calling)?;
    let mut session =
        Session { tags, transitive, source_identity, ..session_of(principal, seconds, scene.now) };
    put_tags(&mut session, input.tags.as_ref(), input.transitive_tag_keys.as_ref())?;
    let policy = input.policy.as_ref().map(|policy| policy.as_str());
    put_policies(&mut session, policy, input.policy_arns.as_ref(), scene).await?;
    Ok(session)
}

//= sts:AssumeRole SourceIdentity: once it is set it cannot be changed, and persists across chained sessions
fn source_identity(input: &Input, calling: Option<&Session>) -> Result<Option<String>, Fault> {
    let kept = calling.and_then(|session| session.source_identity.as_deref());
    let wanted = input.source_identity.as_ref().map(SourceIdentity::as_str);
    match (kept, wanted) {
        (Some(kept), Some(wanted)) if kept != wanted => {
            Err(Fault::new(FaultKind::AccessDenied, OTHER_SOURCE))
        }
        _ => Ok(kept.or(wanted).map(str::to_owned)),
    }
}

/// The tags that come from the calling session, for the record.
fn incoming_tags(scene: &Scene<'_>) -> Option<Json> {
    let (tags, _) = inherited(scene.caller.session.as_deref());
    let pairs = |pairs: &mut Object<'_>| tags.iter().for_each(|(key, value)| pairs.string(key, value));
    (!tags.is_empty()).then(|| object(|data| data.object("incomingTransitiveTags", pairs)))
}

impl Answer {
    fn elements(&self) -> Json {
        object(|elements| {
            self.credentials.record(elements);
            self.assumed_role_user.record(elements);
            if let Some(size) = self.packed_policy_size {
                elements.number("packedPolicySize", size.into());
            }
            if let Some(source) = &self.source_identity {
                elements.string("sourceIdentity", source);
            }
        })
    }
}

const ASSUME: &str = "sts:AssumeRole";
const BY_ROOT: &str = "Roles may not be assumed by root accounts.";
const NO_CONTEXTS: &str = "ProvidedContexts is not supported.";
const OTHER_SOURCE: &str = "The source identity of the calling session cannot be changed.";
