//! A request's claim after every check that needs no secret, and the check that does. The order of the checks decides
//! which refusal a client sees and is AWS's.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use http::request::Parts;
use jiff::Timestamp;

use crate::canonical::{Form, HeaderAbsent, HexHash, Signed, hex_hash};
use crate::claim::Claim;
use crate::pieces::pieces;
use crate::time::{basic, day_of, parse_basic, parse_http};
use crate::{ALGORITHM, Refusal, SigningKey, TERMINATOR};

/// What a verifier asks of every request.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The service that a credential must be scoped to, such as `kms` or `iam`.
    pub service: &'a str,
    /// Whether a credential may be scoped to this Region.
    pub accepts_region: &'a dyn Fn(&str) -> bool,
    /// How far the clocks of client and verifier may differ; see [`DEFAULT_TOLERANCE`].
    pub tolerance: Duration,
    /// The verifier's time.
    pub now: Timestamp,
}

/// The tolerance of AWS KMS.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// What a request presents: well-formed, in time, rightly scoped, and not yet proven.
pub struct Presented<'a> {
    parts: &'a Parts,
    form: Form,
    /// Five elements, parted by slashes.
    credential: Cow<'a, str>,
    /// ISO-8601 basic format.
    date: Cow<'a, str>,
    /// Lower case and in order.
    signed_headers: Cow<'a, str>,
    signature: Cow<'a, str>,
    session_token: Option<Cow<'a, str>>,
    content_sha256: Option<Cow<'a, str>>,
}

impl<'a> Presented<'a> {
    /// Reads what `parts` presents and makes every check of `rules` that needs no secret.
    pub fn of(parts: &'a Parts, rules: &Rules<'_>) -> Result<Self, Refusal> {
        let claim = Claim::of(parts)?;
        let (date, instant) = parse_date(claim.date, claim.form)?;
        check_window(instant, claim.expires, rules)?;
        let signed_headers = in_order(claim.signed_headers);
        check_signed_headers(parts, &signed_headers)?;
        if claim.algorithm != ALGORITHM {
            return Err(Refusal::UnsupportedAlgorithm { algorithm: claim.algorithm.into_owned() });
        }
        check_credential(&claim.credential, &date, rules)?;
        Ok(Self {
            parts,
            form: claim.form,
            credential: claim.credential,
            date,
            signed_headers,
            signature: claim.signature,
            session_token: claim.session_token,
            content_sha256: claim.content_sha256,
        })
    }

    /// Whether the signature is that of `key` over this request with `body`.
    ///
    /// `key` must be that of [`access_key_id`](Self::access_key_id) in [`scope`](Self::scope).
    pub fn verify(&self, body: &[u8], key: &SigningKey) -> Result<(), Refusal> {
        if self.signature(body).is_of(Some(key)) { Ok(()) } else { Err(Refusal::SignatureMismatch) }
    }

    /// The signature over this request with `body`, to be compared with more than one key.
    pub fn signature(&self, body: &[u8]) -> Signature {
        let payload = hex_hash(body);
        let text = self.string_to_sign(&payload).ok().filter(|_| self.states_payload(&payload));
        Signature {
            claimed: parse_signature(&self.signature).filter(|_| text.is_some()),
            text: text.unwrap_or_default(),
        }
    }

    fn string_to_sign(&self, payload: &HexHash) -> Result<Vec<u8>, HeaderAbsent> {
        Signed {
            parts: self.parts,
            form: self.form,
            headers: &self.signed_headers,
            date: &self.date,
            scope: self.scope(),
        }
        .string_to_sign(payload)
    }

    /// The access key that the request is said to be signed with: word characters only, 128 at most.
    pub fn access_key_id(&self) -> &str {
        self.credential_element(0)
    }

    /// The day of the scope, `yyyymmdd`.
    pub fn date(&self) -> &str {
        self.credential_element(1)
    }

    /// The Region of the scope.
    pub fn region(&self) -> &str {
        self.credential_element(2)
    }

    /// The service of the scope.
    pub fn service(&self) -> &str {
        self.credential_element(3)
    }

    /// Whether the header of that lower-case name is among those that were signed.
    pub fn signs(&self, header: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == header)
    }

    /// The whole credential scope, `20150830/us-east-1/kms/aws4_request`.
    pub fn scope(&self) -> &str {
        self.credential.split_once('/').map_or("", |(_, scope)| scope)
    }

    /// The session token, if the credentials are temporary: the request is refused unless it is signed. Whether it is one, and
    /// is the access key's own, is for the caller to find out.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    fn credential_element(&self, position: usize) -> &str {
        pieces(&self.credential, |byte| byte == b'/').nth(position).unwrap_or_default()
    }

    /// A stated hash must be that of the real body; `UNSIGNED-PAYLOAD`, which S3 knows, is not.
    fn states_payload(&self, payload: &HexHash) -> bool {
        self.content_sha256.as_ref().is_none_or(|stated| stated.as_bytes() == payload)
            && self
                .parts
                .headers
                .get_all("x-amz-content-sha256")
                .iter()
                .all(|stated| stated.as_bytes() == payload)
    }
}

/// The signature that a request claims, and what it is said to be over. All that is the same whatever the key is done by now.
pub struct Signature {
    text: Vec<u8>,
    /// Not there if no key can have made it: it is malformed, or the request contradicts itself.
    claimed: Option<[u8; 32]>,
}

impl Signature {
    /// Whether `key` made it. Without a key the answer is no, after the same work, so that time does not tell whether there was one.
    pub fn is_of(&self, key: Option<&SigningKey>) -> bool {
        let claimed = self.claimed.unwrap_or_default();
        let equal = key.unwrap_or(&NOBODYS).is_signature(&self.text, &claimed);
        equal && key.is_some() && self.claimed.is_some()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signature(…)")
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Presented")
            .field("credential", &self.credential)
            .field("date", &self.date)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Rules<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rules")
            .field("service", &self.service)
            .field("tolerance", &self.tolerance)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The date as it is signed, and as an instant. Only a `Date` header may hold an HTTP date.
fn parse_date(text: Cow<'_, str>, form: Form) -> Result<(Cow<'_, str>, Timestamp), Refusal> {
    if let Some(instant) = parse_basic(&text) {
        return Ok((text, instant));
    }
    match parse_http(&text).filter(|_| form == Form::Header) {
        Some(instant) => Ok((Cow::Owned(basic(instant)), instant)),
        None => Err(Refusal::DateFormat { date: text.chars().take(DATE_ECHO_LIMIT).collect() }),
    }
}

/// A request is good from `tolerance` before its date until `tolerance` after it; a presigned one that says when it
/// expires is good until then.
fn check_window(date: Timestamp, expires: Option<Duration>, rules: &Rules<'_>) -> Result<(), Refusal> {
    let allowed = expires.unwrap_or(rules.tolerance);
    let now = rules.now;
    let (earliest, latest) = (before(now, allowed), after(now, rules.tolerance));
    if date.as_second() < earliest.as_second() {
        return Err(Refusal::Expired { date, earliest, now, allowed });
    }
    if date.as_second() > latest.as_second() {
        return Err(Refusal::NotYetCurrent { date, latest, now, allowed: rules.tolerance });
    }
    Ok(())
}

fn before(now: Timestamp, length: Duration) -> Timestamp {
    now.checked_sub(length).unwrap_or(Timestamp::MIN)
}

fn after(now: Timestamp, length: Duration) -> Timestamp {
    now.checked_add(length).unwrap_or(Timestamp::MAX)
}

/// AWS reads the list of signed headers in any case and any order, and signs it in lower case and in order.
fn in_order(names: Cow<'_, str>) -> Cow<'_, str> {
    let is_lower_case = !names.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_lower_case && header_names(&names).is_sorted_by(|a, b| a < b) {
        return names;
    }
    let names = names.to_ascii_lowercase();
    let mut ordered: Vec<&str> = header_names(&names).collect();
    ordered.sort_unstable();
    ordered.dedup();
    Cow::Owned(ordered.join(";"))
}

fn header_names(list: &str) -> impl Iterator<Item = &str> {
    pieces(list, |byte| byte == b';')
}

/// The host and every `x-amz-` header must be signed: `x-amz-target` is the operation.
fn check_signed_headers(parts: &Parts, names: &str) -> Result<(), Refusal> {
    let is_signed = |wanted: &str| header_names(names).any(|name| name == wanted);
    if names.bytes().filter(|byte| *byte == b';').count() >= SIGNED_HEADERS_LIMIT {
        return Err(Refusal::TooLarge { what: "The number of signed headers", limit: SIGNED_HEADERS_LIMIT });
    }
    if !is_signed("host") && !is_signed(":authority") {
        return Err(Refusal::HostNotSigned);
    }
    for header in parts.headers.keys().map(|name| name.as_str()) {
        if header.starts_with("x-amz-") && header != "x-amz-user-agent" && !is_signed(header) {
            return Err(Refusal::HeaderNotSigned { header: header.to_owned() });
        }
    }
    Ok(())
}

/// An id that no access key can have is refused as an unknown one, so that nobody looks it up.
fn check_credential(credential: &str, date: &str, rules: &Rules<'_>) -> Result<(), Refusal> {
    let [id, scope @ ..] =
        elements(credential).ok_or_else(|| Refusal::CredentialShape { credential: credential.to_owned() })?;
    let faults = scope_faults(scope, date, rules);
    if !faults.is_empty() {
        return Err(Refusal::CredentialScope { faults });
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let may_exist = (1..=ACCESS_KEY_ID_LIMIT).contains(&id.len()) && id.bytes().all(is_word);
    if may_exist { Ok(()) } else { Err(Refusal::UnrecognizedClient) }
}

fn elements(credential: &str) -> Option<[&str; 5]> {
    let mut rest = pieces(credential, |byte| byte == b'/');
    let five = [rest.next()?, rest.next()?, rest.next()?, rest.next()?, rest.next()?];
    rest.next().is_none().then_some(five)
}

/// All that is wrong with the scope is told at once.
fn scope_faults([day, region, service, terminator]: [&str; 4], date: &str, rules: &Rules<'_>) -> String {
    let mut faults = String::new();
    if !(rules.accepts_region)(region) {
        faults.push_str("Credential should be scoped to a valid region. ");
    }
    if service != rules.service {
        faults.push_str(&format!("Credential should be scoped to correct service: '{}'. ", rules.service));
    }
    if terminator != TERMINATOR {
        faults.push_str(&format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. "
        ));
    }
    let signed_day = day_of(date);
    if day != signed_day {
        faults.push_str(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{day}' != '{signed_day}', from '{date}'."
        ));
    }
    faults
}

/// 64 digits of lower-case hexadecimal. Upper case would make two spellings of one signature.
fn parse_signature(hex: &str) -> Option<[u8; 32]> {
    let mut signature = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in signature.iter_mut().zip(hex.as_bytes().as_chunks::<2>().0) {
        *byte = (hex_value(pair[0])? << 4) | hex_value(pair[1])?;
    }
    Some(signature)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// What a request is compared with when there is no key. Everybody knows it, so it never proves anything.
static NOBODYS: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[0; 32]));

/// AWS's own limit for an access key id.
const ACCESS_KEY_ID_LIMIT: usize = 128;

/// A header may be very long, and the message goes into the answer and into logs.
const DATE_ECHO_LIMIT: usize = 64;

/// Each `x-amz-` header is looked for among the signed ones, so their number is bounded.
const SIGNED_HEADERS_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;
    use crate::{Credentials, Signer};

    fn parts() -> Parts {
        let mut parts = Request::builder().uri("https://localhost/").body(()).unwrap().into_parts().0;
        let credentials = Credentials::new("AKIDEXAMPLE".to_owned(), "secret".to_owned(), None);
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "sts" };
        signer.sign(&mut parts, b"body", Timestamp::UNIX_EPOCH).unwrap();
        parts
    }

    fn signature(parts: &Parts) -> Signature {
        let rules = Rules {
            service: "sts",
            accepts_region: &|_| true,
            tolerance: DEFAULT_TOLERANCE,
            now: Timestamp::UNIX_EPOCH,
        };
        Presented::of(parts, &rules).unwrap().signature(b"body")
    }

    #[test]
    fn a_signature_is_of_the_key_that_made_it_and_never_of_none() {
        let signature = signature(&parts());
        let key = |secret| SigningKey::derive(secret, "19700101", "us-east-1", "sts");
        assert!(signature.is_of(Some(&key("secret"))));
        assert!(!signature.is_of(Some(&key("other"))));
        assert!(!signature.is_of(None));
        assert_eq!(format!("{signature:?}"), "Signature(…)");
    }

    /// Whoever knows this code can sign with the key that stands in for none.
    #[test]
    fn a_signature_by_nobodys_key_is_of_nobody() {
        let mut parts = parts();
        let forged: String =
            NOBODYS.sign(&signature(&parts).text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let authorization = parts.headers["authorization"].to_str().unwrap();
        let (claim, _) = authorization.split_once("Signature=").unwrap();
        let value = HeaderValue::from_str(&format!("{claim}Signature={forged}")).unwrap();
        parts.headers.insert("authorization", value);
        let forged = signature(&parts);
        assert!(forged.is_of(Some(&NOBODYS)), "the test signs wrongly");
        assert!(!forged.is_of(None));
    }

    #[test]
    fn what_is_no_signature_is_of_no_key_even_if_it_is_empty() {
        let nothing = Signature { text: Vec::new(), claimed: None };
        assert!(!nothing.is_of(None));
        assert!(!nothing.is_of(Some(&NOBODYS)));
    }
}
