//! `RemoveClientIDFromOpenIDConnectProvider`: accepts no more tokens of an OpenID Connect provider for an audience.

use super::SoughtProvider;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::OidcProvider;
use keys::KeyStates;
use wire::member::iam::{Arn, ClientId};

/// The operation.
#[derive(Debug)]
pub struct RemoveClientIdFromOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
        required client_id: ClientId = "ClientID",
    }
}

impl Operation for RemoveClientIdFromOpenIdConnectProvider {
    const NAME: &'static str = "RemoveClientIDFromOpenIDConnectProvider";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
        record.string("clientID", input.client_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:RemoveClientIDFromOpenIDConnectProvider")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let mut provider = OidcProvider::clone(old);
        provider.client_ids.retain(|known| known != input.client_id.as_str());
        scene.commit(subject, scene.changes().replace(old, &provider)).await?;
        Ok(Outcome::of(()))
    }
}
