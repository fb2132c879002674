//! `AssumeRoleWithWebIdentity`: temporary credentials of a role for whoever brings the token of an OpenID Connect provider that the
//! role trusts. The pipeline has verified the token.

use super::credentials::{Credentials, session_of};
use super::record_policies;
use super::role::{AssumedRoleUser, Assumption, assumed_role_user, duration, named};
use super::session_limits::{check_policy_arns, packed_size, put_policies};
use crate::Fact;
use crate::identity::{Federated, Session, SessionPrincipal};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Asserted, Authorized, Scene, WebIdentity};
use access::ConditionKey;
use audit::json::{Json, Object, object};
use keys::KeyStates;
use wire::member::sts::{
    Arn, MinimumSessionTokenSize, PolicyDescriptors, ProviderId, RoleDurationSeconds, RoleSessionName,
    SessionPolicyDocument, WebIdentityToken,
};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct AssumeRoleWithWebIdentity;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_arn: Arn = "RoleArn",
        required session_name: RoleSessionName = "RoleSessionName",
        required token: WebIdentityToken = "WebIdentityToken",
        optional provider_id: ProviderId = "ProviderId",
        optional policy_arns: PolicyDescriptors = "PolicyArns",
        optional policy: SessionPolicyDocument = "Policy",
        optional duration: RoleDurationSeconds = "DurationSeconds",
        optional minimum_token_size: MinimumSessionTokenSize = "MinimumSessionTokenSize",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required credentials: Credentials = "Credentials",
        required subject: String = "SubjectFromWebIdentityToken",
        required assumed_role_user: AssumedRoleUser = "AssumedRoleUser",
        optional packed_policy_size: u32 = "PackedPolicySize",
        required provider: String = "Provider",
        required audience: String = "Audience",
        optional source_identity: String = "SourceIdentity",
        required token_utilization: u32 = "SessionTokenUtilization",
        required token_size: u32 = "SessionTokenSize",
    }
}

impl Operation for AssumeRoleWithWebIdentity {
    const NAME: &'static str = super::WITH_WEB_IDENTITY;
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Assumption;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleArn", input.role_arn.as_str());
        record.string("roleSessionName", input.session_name.as_str());
        let policy = input.policy.as_ref().map(SessionPolicyDocument::as_str);
        record_policies(record, policy, input.policy_arns.as_ref());
        if let Some(duration) = input.duration {
            record.number("durationSeconds", duration.value().into());
        }
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        if input.provider_id.is_some() {
            return Err(Fault::new(FaultKind::Validation, NO_OAUTH));
        }
        check_policy_arns(input.policy_arns.as_ref())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        vec![Fact::text(ConditionKey::StsRoleSessionName, input.session_name.as_str())]
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Assumption, Failure> {
        let role = named(&input.role_arn, ASSUME, scene).await?;
        let asserted = scene.caller.web_identity.as_ref().map(|identity| &identity.asserted);
        Ok(Assumption {
            role,
            is_chained: false,
            inherits_tags: asserted.is_some_and(|asserted| !asserted.tags.is_empty()),
            inherits_source: asserted.is_some_and(|asserted| asserted.source_identity.is_some()),
        })
    }

    fn permissions<'a>(_: &Input, subject: &'a Assumption) -> Vec<Permission<'a>> {
        subject.permissions(ASSUME, false, false)
    }

    fn fit(input: &Input, subject: &Assumption) -> Result<(), Fault> {
        duration(input.duration, &subject.role.role, subject.is_chained).map(|_| ())
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Assumption>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let identity = scene.caller.web_identity.as_ref();
        let identity = identity.ok_or_else(|| Fault::new(FaultKind::AccessDenied, NO_TOKEN))?;
        let session = session(input, identity, subject, scene).await?;
        let packed_policy_size = packed_size(&session)?;
        let credentials = Credentials::of(session, input.minimum_token_size, subject, scene).await?;
        let answer = Answer {
            token_utilization: credentials.token_utilization(),
            token_size: credentials.token_size(),
            credentials,
            subject: identity.claims.subject.clone(),
            assumed_role_user: assumed_role_user(&subject.role.role, input.session_name.as_str(), scene),
            packed_policy_size,
            provider: identity.provider.clone(),
            audience: identity.claims.audience.clone(),
            source_identity: identity.asserted.source_identity.clone(),
        };
        let elements = answer.elements();
        Ok(Outcome::of(answer).with_elements(elements))
    }
}

async fn session(
    input: &Input,
    identity: &WebIdentity,
    subject: &Assumption,
    scene: &Scene<'_>,
) -> Result<Session, Failure> {
    let role = &subject.role.role;
    let principal = SessionPrincipal::Role {
        account: role.account,
        role: role.name.clone(),
        role_id: role.id.clone(),
        session: input.session_name.as_str().to_owned(),
    };
    let seconds = duration(input.duration, role, subject.is_chained)?;
    let federated = Some(federated(identity));
    let Asserted { tags, transitive, source_identity } = identity.asserted.clone();
    let new = session_of(principal, seconds, scene.now);
    let mut session = Session { federated, tags, transitive, source_identity, ..new };
    let policy = input.policy.as_ref().map(SessionPolicyDocument::as_str);
    put_policies(&mut session, policy, input.policy_arns.as_ref(), scene).await?;
    Ok(session)
}

//= iam: of a web identity's claims a session keeps amr, aud and sub
fn federated(identity: &WebIdentity) -> Federated {
    let kept = |name: &&str| {
        let size: usize = identity.claims.values(name).iter().map(String::len).sum();
        (1..=MOST_OF_CLAIM).contains(&size)
    };
    let claim = |name: &str| (name.to_owned(), identity.claims.values(name).to_vec());
    let claims = ["amr", "aud", "sub"].into_iter().filter(kept).map(claim).collect();
    Federated { provider: identity.provider.clone(), claims }
}

impl Answer {
    fn elements(&self) -> Json {
        object(|elements| {
            self.credentials.record(elements);
            elements.string("subjectFromWebIdentityToken", &self.subject);
            self.assumed_role_user.record(elements);
            if let Some(size) = self.packed_policy_size {
                elements.number("packedPolicySize", size.into());
            }
            elements.string("provider", &self.provider);
            elements.string("audience", &self.audience);
            if let Some(source) = &self.source_identity {
                elements.string("sourceIdentity", source);
            }
        })
    }
}

const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
const NO_TOKEN: &str = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
const NO_OAUTH: &str = "ProviderId is not supported: only tokens of OpenID Connect providers are.";

/// Bytes of a claim in a session, as many as a subject or an audience has at most.
const MOST_OF_CLAIM: usize = 1024;
