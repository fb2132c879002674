//! `GetOpenIDConnectProvider`: shows an OpenID Connect provider.

use super::SoughtProvider;
use crate::iam::tags::{self, TagElement};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::Arn;
use wire::{IsoTimestamp, Members};

/// The operation.
#[derive(Debug)]
pub struct GetOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required url: String = "Url",
        required client_ids: Members<String> = "ClientIDList",
        required thumbprints: Members<String> = "ThumbprintList",
        required created: IsoTimestamp = "CreateDate",
        optional tags: Members<TagElement> = "Tags",
    }
}

impl Operation for GetOpenIdConnectProvider {
    const NAME: &'static str = "GetOpenIDConnectProvider";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetOpenIDConnectProvider")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<SoughtProvider>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let provider = subject.found()?;
        Ok(Outcome::of(Answer {
            url: provider.url.clone(),
            client_ids: Members(provider.client_ids.clone()),
            thumbprints: Members(provider.thumbprints.clone()),
            created: IsoTimestamp(provider.created),
            tags: tags::elements(&provider.tags),
        }))
    }
}
