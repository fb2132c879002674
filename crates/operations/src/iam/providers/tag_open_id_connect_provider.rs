//! `TagOpenIDConnectProvider`: puts tags on an OpenID Connect provider.

use super::SoughtProvider;
use crate::Fact;
use crate::iam::{record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::OidcProvider;
use keys::KeyStates;
use wire::member::iam::{Arn, Tags};

/// The operation.
#[derive(Debug)]
pub struct TagOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
        required tags: Tags = "Tags",
    }
}

impl Operation for TagOpenIdConnectProvider {
    const NAME: &'static str = "TagOpenIDConnectProvider";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
        record::tags(record, Some(&input.tags));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::facts(Some(&input.tags))
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:TagOpenIDConnectProvider")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let provider = OidcProvider { tags: tags::with(&old.tags, &input.tags)?, ..OidcProvider::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &provider)).await?;
        Ok(Outcome::of(()))
    }
}
