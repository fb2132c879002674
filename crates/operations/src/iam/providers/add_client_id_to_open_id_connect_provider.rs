//! `AddClientIDToOpenIDConnectProvider`: accepts tokens of an OpenID Connect provider for a further audience.

use super::{MOST_CLIENT_IDS, SoughtProvider, too_many_client_ids};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::OidcProvider;
use keys::KeyStates;
use wire::member::iam::{Arn, ClientId};

/// The operation.
#[derive(Debug)]
pub struct AddClientIdToOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
        required client_id: ClientId = "ClientID",
    }
}

impl Operation for AddClientIdToOpenIdConnectProvider {
    const NAME: &'static str = "AddClientIDToOpenIDConnectProvider";
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
        vec![subject.permission("iam:AddClientIDToOpenIDConnectProvider")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        if old.client_ids.iter().any(|known| known == input.client_id.as_str()) {
            return Ok(Outcome::of(()));
        }
        if old.client_ids.len() >= MOST_CLIENT_IDS {
            return Err(too_many_client_ids().into());
        }
        let mut provider = OidcProvider::clone(old);
        provider.client_ids.push(input.client_id.as_str().to_owned());
        scene.commit(subject, scene.changes().replace(old, &provider)).await?;
        Ok(Outcome::of(()))
    }
}
