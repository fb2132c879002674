//! Who signed what, and when.

use jiff::{SignedDuration, Timestamp};
use xks_api::{ErrorName, Operation};

use crate::calls::{Cases, refused, refused_somehow, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::target::Credential;
use crate::wire::{Answer, Request, Signer, excerpt};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P56",
        level: Level::Must,
        sentence: "Has a certificate for its DNS name.",
        checks: &[
            check!(
                Must,
                Ordinary,
                has_a_certificate,
                "the certificate of the proxy is one for its name, and is trusted"
            ),
            check!(Should, Ordinary, has_a_name, "the proxy is known by a DNS name, not by an address"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P57",
        level: Level::Must,
        sentence: "Has that certificate of an authority on the published list.",
        checks: &[check!(
            Must,
            Ordinary,
            has_a_public_authority,
            "the certificate is trusted by what this system trusts"
        )],
        by_eye: Some("compare the authority with the list that AWS publishes"),
    },
    Requirement {
        id: "P58",
        level: Level::Must,
        sentence: "Authenticates by Signature Version 4, over method, path, host, date and body.",
        checks: &[
            check!(Must, Ordinary, refuses_strangers, "unknown access key ids and wrong secrets are refused"),
            check!(
                May,
                Ordinary,
                keeps_ids_secret,
                "an unknown access key id and a wrong secret are answered alike"
            ),
            check!(
                Must,
                Ordinary,
                refuses_other_scopes,
                "signatures for another service, end or day are refused"
            ),
            check!(Should, Ordinary, refuses_other_regions, "signatures for another Region are refused"),
            check!(Must, Ordinary, refuses_without_host, "a signature that leaves the host out is refused"),
            check!(Must, Ordinary, refuses_without_date, "a signature that leaves the date out is refused"),
            check!(Must, Ordinary, refuses_without_body, "a signature that leaves the body out is refused"),
            check!(
                Must,
                Ordinary,
                refuses_changes,
                "a change of path, host, date, body or query behind the signature is refused"
            ),
            check!(Should, Ordinary, refuses_queries, "a query is refused, signed as it may be"),
            check!(
                Must,
                Ordinary,
                refuses_other_headers,
                "absent, double and malformed Authorization and X-Amz-Date headers are refused"
            ),
            check!(
                Must,
                Ordinary,
                accepts_more_headers,
                "more signed headers are accepted, as curl sends them"
            ),
            check!(Must, Ordinary, accepts_spaces, "spaces around the values of headers do not count"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P59",
        level: Level::Must,
        sentence: "Refuses requests of more than five minutes ago, or ahead.",
        checks: &[
            check!(Must, Ordinary, refuses_stale, "what was signed six minutes ago is refused"),
            check!(Must, Ordinary, refuses_early, "what is signed for in six minutes is refused"),
            check!(
                Must,
                Ordinary,
                accepts_recent,
                "what was signed four minutes ago, or is for in four minutes, is accepted"
            ),
        ],
        by_eye: None,
    },
];

async fn has_a_certificate(laboratory: &Laboratory) -> Finding {
    laboratory.connect().await?;
    noted(&laboratory.target.store.host)
}

async fn has_a_name(laboratory: &Laboratory) -> Finding {
    let host = &laboratory.target.store.host;
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    ensure(!address, "a DNS name", || host.clone())?;
    PASSED
}

async fn has_a_public_authority(laboratory: &Laboratory) -> Finding {
    if !laboratory.target.authorities.is_empty() {
        return Err(Miss::Skipped("needs a run without --ca".to_owned()));
    }
    laboratory.connect().await?;
    PASSED
}

async fn refuses_strangers(laboratory: &Laboratory) -> Finding {
    let good = &laboratory.target.store.credential;
    let mut cases = Cases::default();
    for (case, credential) in strangers(good) {
        let answer = health_by(laboratory, |signer| signer.credential = &credential).await?;
        cases.note(case, refused(&answer, &REFUSED))?;
    }
    cases.finding()
}

fn strangers(good: &Credential) -> [(&'static str, Credential); 4] {
    let (id, secret) = (&good.access_key_id, good.secret.as_str());
    [
        ("unknown id", Credential::new("CONFORMANCE2UNKNOWN3ID", secret)),
        ("id in lower case", Credential::new(&id.to_lowercase(), secret)),
        ("wrong secret", Credential::new(id, "conformance/conformance/conformance/conformance")),
        ("longer secret", Credential::new(id, &format!("{secret}a"))),
    ]
}

async fn keeps_ids_secret(laboratory: &Laboratory) -> Finding {
    let [unknown, _, wrong, _] = strangers(&laboratory.target.store.credential);
    let unknown = health_by(laboratory, |signer| signer.credential = &unknown.1).await?;
    let wrong = health_by(laboratory, |signer| signer.credential = &wrong.1).await?;
    let same = (unknown.status, &unknown.body) == (wrong.status, &wrong.body);
    ensure(same, "the same answer", || format!("{} and {}", excerpt(&unknown), excerpt(&wrong)))?;
    PASSED
}

async fn refuses_other_scopes(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    let answer = health_by(laboratory, |signer| signer.service = "kms").await?;
    cases.note("service", refused(&answer, &REFUSED))?;
    let answer = health_by(laboratory, |signer| signer.terminator = "aws4").await?;
    cases.note("end", refused(&answer, &REFUSED))?;
    let yesterday = ago(SignedDuration::from_hours(24))?;
    let mut request = health_request(laboratory).await?;
    Signer { now: yesterday, ..laboratory.signer() }.sign(&mut request);
    let date = now_text(laboratory);
    request.set("X-Amz-Date", date);
    cases.note("day", refused(&laboratory.send(&request).await?, &REFUSED))?;
    cases.finding()
}

/// Now, as `X-Amz-Date` has it.
fn now_text(laboratory: &Laboratory) -> String {
    let mut request = Request::new("POST", String::new(), String::new(), Vec::new());
    laboratory.signer().sign(&mut request);
    request.header("x-amz-date").unwrap_or_default().to_owned()
}

async fn refuses_other_regions(laboratory: &Laboratory) -> Finding {
    let answer = health_by(laboratory, |signer| signer.region = "mars-north-1").await?;
    refused(&answer, &REFUSED)?;
    PASSED
}

async fn refuses_without_host(laboratory: &Laboratory) -> Finding {
    let answer = health_by(laboratory, |signer| signer.signed = &["x-amz-date"]).await?;
    refused(&answer, &REFUSED)?;
    PASSED
}

async fn refuses_without_date(laboratory: &Laboratory) -> Finding {
    let answer = health_by(laboratory, |signer| signer.signed = &["host"]).await?;
    refused(&answer, &REFUSED)?;
    PASSED
}

async fn refuses_without_body(laboratory: &Laboratory) -> Finding {
    let mut request = health_request(laboratory).await?;
    request.add("X-Amz-Content-Sha256", UNSIGNED);
    let signed = &["host", "x-amz-content-sha256", "x-amz-date"];
    Signer { payload: Some(UNSIGNED), signed, ..laboratory.signer() }.sign(&mut request);
    refused(&laboratory.send(&request).await?, &REFUSED)?;
    PASSED
}

async fn refuses_changes(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (case, change) in CHANGES {
        let mut request = health_request(laboratory).await?;
        let good = request.path.clone();
        if *case == "path" {
            request.path = request.path.replace("/health", "/healthy");
        }
        laboratory.signer().sign(&mut request);
        request.path = good;
        change(&mut request);
        let answer = laboratory.send(&request).await?;
        // What stands before a proxy may know no such host.
        let outcome = if *case == "host" { refused_somehow(&answer) } else { refused(&answer, &REFUSED) };
        cases.note(case, outcome)?;
    }
    cases.finding()
}

async fn refuses_queries(laboratory: &Laboratory) -> Finding {
    let mut request = health_request(laboratory).await?;
    request.path.push_str("?conformance=1");
    laboratory.signer().sign(&mut request);
    refused_somehow(&laboratory.send(&request).await?)?;
    PASSED
}

async fn refuses_other_headers(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (case, change) in SPOILT_HEADERS {
        let mut request = health_request(laboratory).await?;
        laboratory.signer().sign(&mut request);
        change(&mut request);
        cases.note(case, refused(&laboratory.send(&request).await?, &REFUSED))?;
    }
    cases.finding()
}

async fn accepts_more_headers(laboratory: &Laboratory) -> Finding {
    let mut request = health_request(laboratory).await?;
    request.add("User-Agent", "curl/7.88.1");
    request.add("Accept", "*/*");
    Signer { signed: &["content-type", "host", "x-amz-date"], ..laboratory.signer() }.sign(&mut request);
    success(&laboratory.send(&request).await?)?;
    PASSED
}

async fn accepts_spaces(laboratory: &Laboratory) -> Finding {
    let mut request = health_request(laboratory).await?;
    laboratory.signer().sign(&mut request);
    for name in ["X-Amz-Date", "Authorization", "Content-Type"] {
        request.change(name, |value| format!("  {value}   "));
    }
    success(&laboratory.send(&request).await?)?;
    PASSED
}

async fn refuses_stale(laboratory: &Laboratory) -> Finding {
    let then = ago(SignedDuration::from_mins(6))?;
    refused(&health_by(laboratory, |signer| signer.now = then).await?, &REFUSED)?;
    PASSED
}

async fn refuses_early(laboratory: &Laboratory) -> Finding {
    let then = ago(SignedDuration::from_mins(-6))?;
    refused(&health_by(laboratory, |signer| signer.now = then).await?, &REFUSED)?;
    PASSED
}

async fn accepts_recent(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for minutes in [4, -4] {
        let then = ago(SignedDuration::from_mins(minutes))?;
        let answer = health_by(laboratory, |signer| signer.now = then).await?;
        cases.note(&format!("{minutes} minutes ago"), success(&answer).map(drop))?;
    }
    cases.finding()
}

/// A health check whose signer was changed.
pub(super) async fn health_by<'a>(
    laboratory: &'a Laboratory,
    change: impl FnOnce(&mut Signer<'a>),
) -> Result<Answer, Miss> {
    let mut request = health_request(laboratory).await?;
    let mut signer = laboratory.signer();
    change(&mut signer);
    signer.sign(&mut request);
    laboratory.send(&request).await
}

/// A health check that nobody signed yet.
pub(super) async fn health_request(laboratory: &Laboratory) -> Result<Request, Miss> {
    let body = laboratory.good_body(Operation::GetHealthStatus).await?;
    Ok(laboratory.unsigned(Operation::GetHealthStatus, "", &body))
}

fn ago(time: SignedDuration) -> Result<Timestamp, Miss> {
    let then = Timestamp::now().checked_sub(time);
    then.map_err(|error| Miss::Skipped(format!("the clock of this machine: {error}")))
}

type Change = fn(&mut Request);

/// What is changed behind the signature. The path was another one before.
const CHANGES: &[(&str, Change)] = &[
    ("path", |_| ()),
    ("host", |request| request.set("Host", "conformance.example.com")),
    ("date", |request| request.change("X-Amz-Date", next_second)),
    ("body", |request| request.body.push(b' ')),
    ("query", |request| request.path.push_str("?conformance=1")),
];

/// Another second of the same minute.
fn next_second(date: &str) -> String {
    let (start, second) = date.split_at_checked(14).unwrap_or((date, ""));
    format!("{start}{}Z", if second == "0Z" { "1" } else { "0" })
}

const SPOILT_HEADERS: &[(&str, Change)] = &[
    ("no Authorization", |request| request.remove("Authorization")),
    ("two Authorizations", |request| double(request, "Authorization")),
    ("an empty Authorization", |request| request.set("Authorization", "")),
    ("Basic", |request| request.set("Authorization", "Basic Y29uZm9ybWFuY2U6MQ==")),
    ("another algorithm", |request| replace(request, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512")),
    ("no credential", |request| replace(request, "Credential=", "Credentials=")),
    ("no signature", |request| cut(request, 64)),
    ("half a signature", |request| cut(request, 32)),
    ("a longer signature", |request| request.change("Authorization", |value| format!("{value}00"))),
    ("a signature of zeros", |request| {
        cut(request, 64);
        request.change("Authorization", |value| format!("{value}{}", "0".repeat(64)));
    }),
    ("no X-Amz-Date", |request| request.remove("X-Amz-Date")),
    ("two X-Amz-Dates", |request| double(request, "X-Amz-Date")),
    ("a malformed X-Amz-Date", |request| request.set("X-Amz-Date", "today")),
];

fn double(request: &mut Request, name: &str) {
    let value = request.header(name).unwrap_or_default().to_owned();
    request.add(name, value);
}

fn replace(request: &mut Request, from: &str, to: &str) {
    request.change("Authorization", |value| value.replace(from, to));
}

fn cut(request: &mut Request, characters: usize) {
    request.change("Authorization", |value| {
        value.get(..value.len().saturating_sub(characters)).unwrap_or_default().to_owned()
    });
}

pub(super) const REFUSED: [ErrorName; 1] = [ErrorName::AuthenticationFailed];
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
