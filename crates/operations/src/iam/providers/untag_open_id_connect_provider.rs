//! `UntagOpenIDConnectProvider`: takes tags off an OpenID Connect provider.

use super::SoughtProvider;
use crate::Fact;
use crate::iam::{record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::OidcProvider;
use keys::KeyStates;
use wire::member::iam::{Arn, TagKey, TagKeys};

/// The operation.
#[derive(Debug)]
pub struct UntagOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
        required tag_keys: TagKeys = "TagKeys",
    }
}

impl Operation for UntagOpenIdConnectProvider {
    const NAME: &'static str = "UntagOpenIDConnectProvider";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
        record::texts(record, "tagKeys", input.tag_keys.0.iter().map(TagKey::as_str));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::key_facts(&input.tag_keys)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UntagOpenIDConnectProvider")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.found()?;
        let tags = tags::without(&old.tags, &input.tag_keys)?;
        let provider = OidcProvider { tags, ..OidcProvider::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &provider)).await?;
        Ok(Outcome::of(()))
    }
}
