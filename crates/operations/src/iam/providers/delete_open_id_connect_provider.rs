//! `DeleteOpenIDConnectProvider`: forgets an OpenID Connect provider. It is no error if there is none.

use super::SoughtProvider;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::Arn;

/// The operation.
#[derive(Debug)]
pub struct DeleteOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
    }
}

impl Operation for DeleteOpenIdConnectProvider {
    const NAME: &'static str = "DeleteOpenIDConnectProvider";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteOpenIDConnectProvider")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        if let Some(provider) = subject.stored() {
            scene.commit(subject, scene.changes().delete(provider)).await?;
        }
        Ok(Outcome::of(()))
    }
}
