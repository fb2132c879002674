//! `CreateOpenIDConnectProvider`: makes an OpenID Connect provider known to the account, so that roles can trust its tokens.

use super::{MOST_CLIENT_IDS, SoughtProvider, checked_thumbprints, too_many_client_ids};
use crate::Fact;
use crate::iam::entity::quota_exceeded;
use crate::iam::tags::TagElement;
use crate::iam::{record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::{Object, object};
use catalog::OidcProvider;
use keys::KeyStates;
use wire::member::iam::{ClientId, ClientIds, OpenIdConnectProviderUrl, Tags, Thumbprint, Thumbprints};
use wire::{Fault, FaultKind, Members};

/// The operation.
#[derive(Debug)]
pub struct CreateOpenIdConnectProvider;

wire::input! {
    /// What it takes.
    pub struct Input {
        required url: OpenIdConnectProviderUrl = "Url",
        optional client_ids: ClientIds = "ClientIDList",
        optional thumbprints: Thumbprints = "ThumbprintList",
        optional tags: Tags = "Tags",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required arn: String = "OpenIDConnectProviderArn",
        optional tags: Members<TagElement> = "Tags",
    }
}

impl Operation for CreateOpenIdConnectProvider {
    const NAME: &'static str = "CreateOpenIDConnectProvider";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtProvider;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("url", input.url.as_str());
        let client_ids = input.client_ids.iter().flat_map(|ids| &ids.0);
        record::texts(record, "clientIDList", client_ids.map(ClientId::as_str));
        let thumbprints = input.thumbprints.iter().flat_map(|thumbprints| &thumbprints.0);
        record::texts(record, "thumbprintList", thumbprints.map(Thumbprint::as_str));
        record::tags(record, input.tags.as_ref());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::facts(input.tags.as_ref())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtProvider, Failure> {
        scene.provider_to_be_made(address(&input.url)?).await
    }

    //= iam:CreateOpenIDConnectProvider: with tags, iam:TagOpenIDConnectProvider is needed too
    fn permissions<'a>(input: &Input, subject: &'a SoughtProvider) -> Vec<Permission<'a>> {
        let tagging = input.tags.as_ref().filter(|tags| !tags.0.is_empty());
        let tagging = tagging.map(|_| subject.permission("iam:TagOpenIDConnectProvider"));
        std::iter::once(subject.permission("iam:CreateOpenIDConnectProvider")).chain(tagging).collect()
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtProvider>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        if subject.stored().is_some() {
            let message = format!("Provider with url {} already exists.", input.url.as_str());
            return Err(Fault::new(FaultKind::EntityAlreadyExists, message).into());
        }
        let provider = OidcProvider {
            account: scene.account(),
            url: address(&input.url)?.to_owned(),
            client_ids: client_ids(input)?,
            thumbprints: checked_thumbprints(input.thumbprints.as_ref())?,
            created: scene.now,
            tags: tags::of(input.tags.as_ref())?,
        };
        check_quota(scene).await?;
        scene.commit(subject, scene.changes().create(&provider)).await?;
        let arn = subject.arn().to_owned();
        let elements = object(|elements| elements.string("openIDConnectProviderArn", &arn));
        Ok(Outcome::of(Answer { arn, tags: tags::elements(&provider.tags) }).with_elements(elements))
    }
}

/// The URL as it is kept: without its scheme, which must be HTTPS.
fn address(url: &OpenIdConnectProviderUrl) -> Result<&str, Fault> {
    let (scheme, address) = url.as_str().split_once("://").ok_or_else(invalid_url)?;
    if scheme != "https" {
        return Err(Fault::new(FaultKind::InvalidInput, NOT_HTTPS));
    }
    let host = address.split('/').next().unwrap_or_default();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%/:".contains(&b);
    let is_fit = !host.is_empty() && !host.starts_with(':') && address.bytes().all(is_plain);
    if is_fit { Ok(address) } else { Err(invalid_url()) }
}

fn client_ids(input: &Input) -> Result<Vec<String>, Fault> {
    let mut client_ids: Vec<String> = Vec::new();
    for id in input.client_ids.iter().flat_map(|ids| &ids.0) {
        if !client_ids.iter().any(|known| known == id.as_str()) {
            client_ids.push(id.as_str().to_owned());
        }
    }
    if client_ids.len() > MOST_CLIENT_IDS { Err(too_many_client_ids()) } else { Ok(client_ids) }
}

async fn check_quota(scene: &Scene<'_>) -> Result<(), Failure> {
    let page = scene.reader().list::<OidcProvider>(&scene.account(), None, MOST_PROVIDERS).await?;
    if page.entries.len() < MOST_PROVIDERS {
        return Ok(());
    }
    Err(quota_exceeded("OpenIdConnectProvidersPerAccount", MOST_PROVIDERS).into())
}

fn invalid_url() -> Fault {
    Fault::new(FaultKind::Validation, "Invalid Open ID Connect Provider URL")
}

const NOT_HTTPS: &str = "Invalid Open ID Connect Provider URL. The URL must begin with https://.";
//= iam quotas: 100 OpenID Connect providers in an account
const MOST_PROVIDERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Input as _;
    use wire::query::Form;

    fn checked(url: &str) -> Result<String, String> {
        let form = format!("Url={}", url.replace('%', "%25"));
        let input = Input::parse_query(&Form::parse(form.as_bytes()).unwrap()).unwrap();
        address(&input.url).map(str::to_owned).map_err(|fault| fault.message().unwrap().to_owned())
    }

    #[test]
    fn a_url_is_kept_without_its_scheme() {
        for address in ["oidc.example.com", "oidc.example.com/realms/nile", "localhost:8443", "a/"] {
            assert_eq!(checked(&format!("https://{address}")).as_deref(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_https_url_of_an_issuer_is_refused() {
        assert_eq!(checked("http://oidc.example.com"), Err(NOT_HTTPS.into()));
        for wrong in [
            "oidc.example.com",
            "https://",
            "https:///a",
            "https://:8443",
            "https://u@h",
            "https://h?a",
            "https://a b",
        ] {
            assert_eq!(checked(wrong), Err("Invalid Open ID Connect Provider URL".into()), "{wrong}");
        }
    }
}
