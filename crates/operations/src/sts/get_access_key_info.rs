//! `GetAccessKeyInfo`: the account that an access key is of, whether or not the key is active.

use super::{credentials, refuse_user_session};
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::{AccountId, KeyStates};
use wire::member::sts::AccessKeyId;
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct GetAccessKeyInfo;

wire::input! {
    /// What it takes.
    pub struct Input {
        required access_key_id: AccessKeyId = "AccessKeyId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required account: String = "Account",
    }
}

impl Operation for GetAccessKeyInfo {
    const NAME: &'static str = "GetAccessKeyInfo";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("accessKeyId", input.access_key_id.as_str());
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<Own, Failure> {
        refuse_user_session(scene, Self::NAME).map(|()| Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "sts:GetAccessKeyInfo", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let account = account_of(input.access_key_id.as_str(), scene).await?;
        let account = account.ok_or_else(|| Fault::new(FaultKind::UnrecognizedClient, UNKNOWN))?;
        Ok(Outcome::of(Answer { account: account.to_string() }))
    }
}

async fn account_of(access_key_id: &str, scene: &Scene<'_>) -> Result<Option<AccountId>, Failure> {
    if let Some(access_key) = scene.reader().access_key(access_key_id).await? {
        return Ok(Some(access_key.account));
    }
    let Some(account) = credentials::account_of(access_key_id) else { return Ok(None) };
    Ok(scene.reader().account(&account).await?.map(|_| account))
}

const UNKNOWN: &str = "The security token included in the request is invalid.";
