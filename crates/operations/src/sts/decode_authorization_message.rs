//! `DecodeAuthorizationMessage`: why a caller of the same account was denied, from the message that it was given.

use super::refuse_user_session;
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{AuthorizationMessage, Authorized, Scene};
use audit::json::Object;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keys::KeyStates;
use module_api::MessagePurpose;
use module_client::CallError;
use wire::member::sts::EncodedMessage;
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct DecodeAuthorizationMessage;

wire::input! {
    /// What it takes.
    pub struct Input {
        required message: EncodedMessage = "EncodedMessage",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required message: String = "DecodedMessage",
    }
}

impl Operation for DecodeAuthorizationMessage {
    const NAME: &'static str = "DecodeAuthorizationMessage";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("encodedMessage", input.message.as_str());
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<Own, Failure> {
        refuse_user_session(scene, Self::NAME).map(|()| Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "sts:DecodeAuthorizationMessage", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let own = *scene.caller.identity.principal.account();
        let message = opened(input, subject, scene).await?.filter(|message| message.account == own);
        let message =
            message.ok_or_else(|| Fault::new(FaultKind::InvalidAuthorizationMessage, NOT_A_MESSAGE))?;
        Ok(Outcome::of(Answer { message: message.explanation }))
    }
}

/// `None` for what this installation never sealed as such a message.
async fn opened(
    input: &Input,
    subject: &Authorized<Own>,
    scene: &Scene<'_>,
) -> Result<Option<AuthorizationMessage>, Failure> {
    let Ok(sealed) = STANDARD.decode(input.message.as_str()) else { return Ok(None) };
    match scene.module(subject).open_message(MessagePurpose::AuthorizationMessage, &sealed).await {
        Ok(plain) => Ok(serde_json::from_slice(&plain).ok()),
        Err(CallError::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const NOT_A_MESSAGE: &str = "Message is not valid";
