//! `GetCallerIdentity`: who the caller is. It needs no permission, for it tells nothing that the credentials do not hold.

use crate::operation::{Failure, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;

/// The operation.
#[derive(Debug)]
pub struct GetCallerIdentity;

wire::input! {
    /// What it takes: nothing.
    pub struct Input {}
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required user_id: String = "UserId",
        required account: String = "Account",
        required arn: String = "Arn",
    }
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(_: &Input, _: &mut Object<'_>) {}

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    //= sts:GetCallerIdentity: no permissions are required, even if a policy denies it
    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        Vec::new()
    }

    async fn execute(_: &Input, _: &Authorized<Own>, scene: &Scene<'_>) -> Result<Outcome<Answer>, Failure> {
        let principal = &scene.caller.identity.principal;
        Ok(Outcome::of(Answer {
            user_id: principal.user_id(),
            account: principal.account().to_string(),
            arn: principal.to_string(),
        }))
    }
}
