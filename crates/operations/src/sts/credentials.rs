//! Temporary credentials: an access key whose secret the module makes, and the token that carries the session. Nothing of them is
//! stored.

use crate::identity::{Compiled, Session, SessionPrincipal, SessionToken};
use crate::operation::Failure;
use crate::pipeline::{Authorized, Scene};
use audit::json::{Json, Object, object};
use keys::{AccountId, Moment};
use module_api::CredentialBinding;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use wire::member::sts::MinimumSessionTokenSize;
use wire::{IsoTimestamp, SecretText, Sensitive};

wire::output! {
    /// Temporary credentials, as they are answered this once.
    pub struct Credentials {
        required access_key_id: String = "AccessKeyId",
        required secret_access_key: SecretText = "SecretAccessKey",
        required session_token: SecretText = "SessionToken",
        required expiration: IsoTimestamp = "Expiration",
    }
}

/// A session that begins now and lasts so many seconds; what limits and describes it is for the operation to add.
pub fn session_of(principal: SessionPrincipal, seconds: u32, now: Moment) -> Session {
    let end = now.as_seconds().saturating_add(seconds.into());
    Session {
        access_key_id: access_key_id(*principal.account()),
        principal,
        secret: Vec::new(),
        issued: now,
        expires: Moment::from_millis(end.saturating_mul(1000)),
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: BTreeMap::new(),
        transitive: BTreeSet::new(),
        source_identity: None,
        federated: None,
        padding: String::new(),
        compiled: Compiled::new(),
    }
}

impl Credentials {
    /// Those of a session, which is complete but for its secret. The token is as long as asked, or longer.
    pub async fn of<S>(
        mut session: Session,
        minimum: Option<MinimumSessionTokenSize>,
        subject: &Authorized<S>,
        scene: &Scene<'_>,
    ) -> Result<Self, Failure> {
        let module = scene.module(subject);
        let binding = CredentialBinding {
            account: *session.principal.account(),
            access_key_id: session.access_key_id.as_str().into(),
        };
        let mut made = module.create_access_key_secret(&binding).await?;
        session.secret = made.token.as_bytes().to_vec();
        pad(&mut session, minimum.map_or(0, MinimumSessionTokenSize::value).into());
        let SessionToken(token) = SessionToken::of(&session, module).await?;
        Ok(Self {
            access_key_id: session.access_key_id,
            secret_access_key: SecretText(Sensitive::new(std::mem::take(&mut *made.secret))),
            session_token: SecretText(Sensitive::new(token)),
            expiration: IsoTimestamp(session.expires),
        })
    }

    /// How long the token is, in bytes.
    pub fn token_size(&self) -> u32 {
        u32::try_from(self.session_token.0.expose().len()).unwrap_or(u32::MAX)
    }

    /// The same in hundredths of the longest there can be.
    pub fn token_utilization(&self) -> u32 {
        self.token_size().saturating_mul(100).div_ceil(LONGEST_TOKEN)
    }

    /// What a record shows of them: neither the secret nor the token.
    pub fn record(&self, elements: &mut Object<'_>) {
        elements.object("credentials", |credentials| {
            credentials.string("accessKeyId", &self.access_key_id);
            let end = jiff::Timestamp::from_second(self.expiration.0.as_seconds()).unwrap_or_default();
            //= cloudtrail: `"expiration": "Apr 19, 2019 7:00:00 PM"`
            credentials.string("expiration", &end.strftime("%b %-d, %Y %-I:%M:%S %p").to_string());
        });
    }

    /// The same as all that a record shows of an answer.
    pub fn elements(&self) -> Json {
        object(|elements| self.record(elements))
    }
}

fn pad(session: &mut Session, minimum: usize) {
    // Base64 makes four bytes of three.
    let lacking = minimum.saturating_sub(SessionToken::size_of(session)).div_ceil(4).saturating_mul(3);
    session.padding = "-".repeat(lacking);
}

/// The account that a temporary access key is of, if it is one that this service could have made.
pub fn account_of(access_key_id: &str) -> Option<AccountId> {
    let digits = access_key_id.strip_prefix(PREFIX).filter(|digits| digits.len() == DIGITS)?;
    let bits = digits.bytes().try_fold(0_u128, |bits, digit| {
        let value = ALPHABET.iter().position(|one| *one == digit)?;
        Some((bits << 5) | u128::try_from(value).ok()?)
    })?;
    let account = u64::try_from((bits & !MARK) >> RANDOM_BITS).ok()?;
    (bits & MARK != 0).then(|| AccountId::from_number(account).ok())?
}

//= sts:GetAccessKeyInfo: the account stands in the id of an access key: of the 80 bits of its 16 digits in base 32 it is those
//= after the first
/// A mark, the account and 39 random bits: nothing need be kept to know whose an access key is.
fn access_key_id(account: AccountId) -> String {
    let account: u128 = account.as_str().parse().unwrap_or_default();
    let random = Uuid::new_v4().as_u128() & ((1 << RANDOM_BITS) - 1);
    let bits = MARK | (account << RANDOM_BITS) | random;
    let digit = |position: usize| {
        let value = usize::try_from((bits >> (5 * position)) & 31).unwrap_or_default();
        ALPHABET.get(value).map_or('A', |digit| char::from(*digit))
    };
    PREFIX.chars().chain((0..DIGITS).rev().map(digit)).collect()
}

/// No session is longer: what it carries is bounded, piece by piece.
const LONGEST_TOKEN: u32 = 16_384;

const PREFIX: &str = "ASIA";
const DIGITS: usize = 16;
const RANDOM_BITS: u32 = 39;
const MARK: u128 = 1 << 79;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_access_key_says_whose_it_is() {
        for account in ["000000000001", "111122223333", "999999999999"] {
            let account: AccountId = account.parse().unwrap();
            let id = access_key_id(account);
            assert_eq!((id.len(), account_of(&id)), (20, Some(account)), "{id}");
        }
        for none in [
            "ASIA",
            "ASIAAAAAAAAAAAAAAAAA",
            "AKIAQAAAAAAAAAAAAAAA",
            "ASIA1AAAAAAAAAAAAAAA",
            "ASIA777777777777777777",
        ] {
            assert_eq!(account_of(none), None, "{none}");
        }
    }

    #[test]
    fn no_two_are_the_same() {
        let account = "111122223333".parse().unwrap();
        let ids: BTreeSet<String> = (0..1000).map(|_| access_key_id(account)).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn a_session_ends_on_a_whole_second() {
        let account = "111122223333".parse().unwrap();
        let session = session_of(SessionPrincipal::Root { account }, 900, Moment::from_millis(1_500));
        assert_eq!((session.issued.as_millis(), session.expires.as_millis()), (1_500, 901_000));
    }
}
