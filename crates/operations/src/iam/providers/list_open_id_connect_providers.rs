//! `ListOpenIDConnectProviders`: the ARNs of the account's OpenID Connect providers.

use super::{AllProviders, arn_of};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::OidcProvider;
use keys::KeyStates;
use wire::Members;

/// The operation.
#[derive(Debug)]
pub struct ListOpenIdConnectProviders;

wire::input! {
    /// What it takes.
    pub struct Input {}
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required providers: Members<Entry> = "OpenIDConnectProviderList",
    }
}

wire::output! {
    /// A provider in the list.
    pub struct Entry {
        required arn: String = "Arn",
    }
}

impl Operation for ListOpenIdConnectProviders {
    const NAME: &'static str = "ListOpenIDConnectProviders";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = AllProviders;

    fn parameters(_: &Input, _: &mut Object<'_>) {}

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<AllProviders, Failure> {
        Ok(scene.all_providers())
    }

    fn permissions<'a>(_: &Input, subject: &'a AllProviders) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListOpenIDConnectProviders")]
    }

    async fn execute(
        _: &Input,
        _: &Authorized<AllProviders>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let page = scene.reader().list::<OidcProvider>(&scene.account(), None, ALL).await?;
        let entry = |url: &str| Entry { arn: arn_of(url, scene.account(), scene) };
        let providers = page.entries.iter().map(|provider| entry(&provider.url));
        Ok(Outcome::of(Answer { providers: providers.collect() }))
    }
}

/// More than an account can have.
const ALL: usize = 1000;
