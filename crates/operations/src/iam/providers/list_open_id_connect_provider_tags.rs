//! `ListOpenIDConnectProviderTags`: the tags of an OpenID Connect provider.

use super::SoughtProvider;
use crate::iam::tags::TagElement;
use crate::iam::{pages, record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Arn, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListOpenIdConnectProviderTags;

wire::input! {
    /// What it takes.
    pub struct Input {
        required arn: Arn = "OpenIDConnectProviderArn",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required tags: Members<TagElement> = "Tags",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListOpenIdConnectProviderTags {
    const NAME: &'static str = "ListOpenIDConnectProviderTags";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("openIDConnectProviderArn", input.arn.as_str());
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.sought_provider(&input.arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListOpenIDConnectProviderTags")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let all = subject.found()?.tags.iter().map(tags::element);
        let page = pages::part("tags", all, input.marker.as_ref(), input.max_items)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { tags: Members(page.entries), is_truncated, marker }))
    }
}
