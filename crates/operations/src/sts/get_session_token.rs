//! `GetSessionToken`: temporary credentials of a user or a root user, which can do what it can, but for IAM and most of STS.

use super::credentials::{Credentials, session_of};
use super::refuse_mfa;
use crate::identity::SessionPrincipal;
use crate::operation::{Failure, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use access::PrincipalKind;
use audit::json::Object;
use keys::KeyStates;
use wire::member::sts::{MinimumSessionTokenSize, SerialNumber, SessionDurationSeconds, TokenCode};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct GetSessionToken;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional duration: SessionDurationSeconds = "DurationSeconds",
        optional serial_number: SerialNumber = "SerialNumber",
        optional token_code: TokenCode = "TokenCode",
        optional minimum_token_size: MinimumSessionTokenSize = "MinimumSessionTokenSize",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required credentials: Credentials = "Credentials",
        required token_utilization: u32 = "SessionTokenUtilization",
        required token_size: u32 = "SessionTokenSize",
    }
}

impl Operation for GetSessionToken {
    const NAME: &'static str = "GetSessionToken";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        if let Some(duration) = input.duration {
            record.number("durationSeconds", duration.value().into());
        }
        if let Some(serial_number) = &input.serial_number {
            record.string("serialNumber", serial_number.as_str());
        }
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        refuse_mfa(input.serial_number.is_some() || input.token_code.is_some())
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<Own, Failure> {
        if scene.caller.session.is_some() || principal(scene).is_none() {
            return Err(Fault::new(FaultKind::AccessDenied, FROM_SESSION).into());
        }
        Ok(Own)
    }

    //= sts:GetSessionToken: no permissions are required, and policies cannot control it
    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        Vec::new()
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let principal = principal(scene).ok_or_else(|| Fault::new(FaultKind::AccessDenied, FROM_SESSION))?;
        let wanted = input.duration.map_or(USER_DEFAULT, SessionDurationSeconds::value);
        let seconds = match principal {
            SessionPrincipal::Root { .. } => wanted.min(ROOT_MOST),
            _ => wanted,
        };
        let session = session_of(principal, seconds, scene.now);
        let credentials = Credentials::of(session, input.minimum_token_size, subject, scene).await?;
        let elements = credentials.elements();
        let (token_utilization, token_size) = (credentials.token_utilization(), credentials.token_size());
        Ok(Outcome::of(Answer { credentials, token_utilization, token_size }).with_elements(elements))
    }
}

/// Whose session it will be: users and root users can have one.
fn principal(scene: &Scene<'_>) -> Option<SessionPrincipal> {
    let principal = &scene.caller.identity.principal;
    let account = *principal.account();
    match principal.kind() {
        PrincipalKind::Root => Some(SessionPrincipal::Root { account }),
        PrincipalKind::User { name, id, .. } => {
            Some(SessionPrincipal::User { account, user: name.to_string(), user_id: id.to_string() })
        }
        _ => None,
    }
}

const USER_DEFAULT: u32 = 43_200;
const ROOT_MOST: u32 = 3600;
const FROM_SESSION: &str = "Cannot call GetSessionToken with session credentials";
