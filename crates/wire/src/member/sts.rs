//! Members of requests to STS, named as in its service model without `Type`.

pub use super::iam::{Tag, TagKey, TagKeys, TagValue, Tags};

use super::iam::is_name_character;
use super::list::StructureList;
use super::text::{TextVisitor, is_policy_character, is_word_character, texts};
use super::{Integer, Member, Seconds, length_constraint};
use crate::{NO_LIMIT, Path, Sensitive, Shape, Violations};
use serde::de::Deserializer;

/// How long a session token is to be at least, in bytes.
pub type MinimumSessionTokenSize = Integer<0, 4096>;
/// Managed policies that limit a session.
pub type PolicyDescriptors = StructureList<PolicyDescriptor, 0, NO_LIMIT>;
/// What others assert of a session.
pub type ProvidedContexts = StructureList<ProvidedContext, 1, 5>;
/// How long a session of a role is to last.
pub type RoleDurationSeconds = Seconds<900, 43_200>;
/// How long a session of a user is to last.
pub type SessionDurationSeconds = Seconds<900, 129_600>;

crate::input! {
    /// A managed policy that limits a session.
    pub struct PolicyDescriptor {
        optional arn: Arn = "arn",
    }
}

crate::input! {
    /// What somebody else asserts of a session.
    pub struct ProvidedContext {
        optional provider_arn: Arn = "ProviderArn",
        optional assertion: ContextAssertion = "ContextAssertion",
    }
}

texts! {
    /// The id of an access key.
    AccessKeyId 16..=128, r"[\w]*" each is_word_character;
    /// An ARN.
    Arn 20..=2048, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+" each is_arn_character;
    /// A signed assertion of a context provider.
    ContextAssertion 4..=2048;
    /// An encoded authorization message.
    EncodedMessage 1..=10_240;
    /// What a third party names to be allowed to assume a role.
    ExternalId 2..=1224, r"[\w+=,.@:\/-]*" each is_external_id_character;
    /// The provider of an OAuth 2.0 access token, which is no OIDC token.
    ProviderId 4..=2048;
    /// The name of a session.
    RoleSessionName 2..=64, r"[\w+=,.@-]*" each is_name_character;
    /// The serial number of a device for multi-factor authentication.
    SerialNumber 9..=256, r"[\w+=/:,.@-]*" each is_external_id_character;
    /// A policy that limits a session, where plain text has a limit.
    SessionPolicyDocument 1..=2048, r"[\u0009\u000A\u000D\u0020-\u00FF]+" each is_policy_character;
    /// Who is behind a session, however many roles are assumed.
    SourceIdentity 2..=64, r"[\w+=,.@-]*" each is_name_character;
    /// What a device for multi-factor authentication shows.
    TokenCode 6..=6 secret, r"[\d]*" each is_digit;
    /// A policy that limits a session, where only its packed size has a limit.
    UnrestrictedSessionPolicyDocument 1..=NO_LIMIT, r"[\u0009\u000A\u000D\u0020-\u00FF]+" each is_policy_character;
}

/// The token of an OIDC provider: 4 to 20,000 characters.
#[derive(Debug)]
pub struct WebIdentityToken(Sensitive<String>);

impl WebIdentityToken {
    /// The token, for the narrowest expression that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Member for WebIdentityToken {
    type Raw = Sensitive<String>;

    const SHAPE: Shape = Shape::Text { min: 4, max: 20_000, pattern: None };

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error> {
        from.deserialize_any(TextVisitor).map(Sensitive::new)
    }

    fn check(raw: Self::Raw, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
        let broken = length_constraint(raw.expose().chars().count(), 4, Some(20_000));
        if let Some(constraint) = &broken {
            violations.hidden_value(path, constraint);
        }
        broken.is_none().then_some(Self(raw))
    }
}

const fn is_arn_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

const fn is_external_id_character(c: char) -> bool {
    is_name_character(c) || matches!(c, ':' | '/')
}

const fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input as _;
    use crate::query::Form;

    crate::input! {
        /// Some of what STS takes.
        pub struct Request {
            optional duration: SessionDurationSeconds = "DurationSeconds",
            optional policy_arns: PolicyDescriptors = "PolicyArns",
            optional token: WebIdentityToken = "WebIdentityToken",
            optional external_id: ExternalId = "ExternalId",
        }
    }

    fn read(form: &str) -> Result<Request, String> {
        let input = Request::parse_query(&Form::parse(form.as_bytes()).unwrap());
        input.map_err(|fault| fault.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_duration_is_a_number_within_its_limits() {
        let read = |seconds: &str| read(&format!("DurationSeconds={seconds}"));
        assert_eq!(read("129600").unwrap().duration.unwrap().value(), 129_600);
        assert!(read("899").unwrap_err().ends_with("Member must have value greater than or equal to 900"));
        assert!(read("129601").unwrap_err().ends_with("Member must have value less than or equal to 129600"));
    }

    #[test]
    fn the_policies_of_a_session_are_named_by_their_arns() {
        let input = read("PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3A111122223333%3Apolicy%2Fp").unwrap();
        let arns = input.policy_arns.unwrap().0;
        assert_eq!(arns[0].arn.as_ref().unwrap().as_str(), "arn:aws:iam::111122223333:policy/p");
    }

    #[test]
    fn a_token_is_not_shown() {
        let input = read("WebIdentityToken=eyJh.bGci").unwrap();
        assert!(!format!("{input:?}").contains("eyJh"));
        assert_eq!(input.token.unwrap().expose(), "eyJh.bGci");
        assert!(!read("WebIdentityToken=abc").unwrap_err().contains("abc"));
    }

    #[test]
    fn an_external_id_has_no_spaces() {
        assert_eq!(read("ExternalId=a:b/c-d_e").unwrap().external_id.unwrap().as_str(), "a:b/c-d_e");
        assert!(read("ExternalId=a+b").unwrap_err().ends_with(r"pattern: [\w+=,.@:\/-]*"));
    }
}
