//! `UpdateOpenIDConnectProviderThumbprint`: replaces the thumbprints of an OpenID Connect provider.

use super::{SoughtProvider, checked_thumbprints};
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::OidcProvider;
use keys::KeyStates;
use wire::member::iam::{Arn, Thumbprint, Thumbprints};

/// The operation.
#[derive(Debug)]
pub struct UpdateOpenIdConnectProviderThumbprint;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
        required thumbprints: Thumbprints = "ThumbprintList",
    }
}

impl Operation for UpdateOpenIdConnectProviderThumbprint {
    const NAME: &'static str = "UpdateOpenIDConnectProviderThumbprint";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
        record::texts(record, "thumbprintList", input.thumbprints.0.iter().map(Thumbprint::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UpdateOpenIDConnectProviderThumbprint")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let thumbprints = checked_thumbprints(Some(&input.thumbprints))?;
        let provider = OidcProvider { thumbprints, ..OidcProvider::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &provider)).await?;
        Ok(Outcome::of(()))
    }
}
