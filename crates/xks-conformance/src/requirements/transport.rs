//! How bytes travel: HTTPS, its versions and suites, HTTP, JSON.

use rustls::CipherSuite;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use xks_api::{ErrorName, Operation};

use crate::calls::{Cases, refused, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::wire::{HTTP_1, HTTP_2, Hello, Lost, PATIENCE, call_by_http2, excerpt, old_hello, open, within};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P1",
        level: Level::Must,
        sentence: "Speaks JSON both ways, with Content-Type application/json, over HTTPS.",
        checks: &[
            check!(Must, Ordinary, answers_in_json, "answers have Content-Type application/json"),
            check!(
                Must,
                Ordinary,
                refuses_what_is_no_json,
                "a body that is no JSON object is a ValidationException"
            ),
            check!(Must, Ordinary, speaks_only_https, "nothing is answered over plain HTTP"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P2",
        level: Level::Must,
        sentence: "Speaks HTTP/1.1 or later.",
        checks: &[
            check!(Must, Ordinary, speaks_http_1, "a call by HTTP/1.1 is answered"),
            check!(Must, Ordinary, reads_pieces, "a request that comes byte by byte is read"),
            check!(Must, Ordinary, reads_headers_in_any_case, "names of headers count in any case"),
            check!(Should, Ordinary, keeps_connections, "a connection serves fifty requests"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P3",
        level: Level::Must,
        sentence: "Falls back to HTTP/1.1 when it offers more.",
        checks: &[
            check!(
                Must,
                Ordinary,
                speaks_without_alpn,
                "a client that offers no protocol by ALPN is served HTTP/1.1"
            ),
            check!(Must, Ordinary, speaks_http_1_alone, "a client that offers only HTTP/1.1 is served"),
            check!(
                Must,
                Ordinary,
                speaks_what_it_chose,
                "a client that offers HTTP/2 and HTTP/1.1 is served by what the proxy chose"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P4",
        level: Level::Must,
        sentence: "Offers TLS 1.2 or later with at least one of the four suites.",
        checks: &[
            check!(Must, Ordinary, offers_a_suite, "at least one of the four suites is spoken"),
            check!(Must, Ordinary, offers_new_versions, "TLS 1.2 or 1.3 is spoken"),
            check!(Must, Ordinary, refuses_old_versions, "TLS 1.0 and 1.1 are refused"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P5",
        level: Level::Must,
        sentence: "Implements GetKeyMetadata, Encrypt, Decrypt and GetHealthStatus.",
        checks: &[check!(Must, Ordinary, implements_all, "each of the four calls is answered")],
        by_eye: None,
    },
];

async fn answers_in_json(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for operation in Operation::ALL {
        let answer = laboratory.ask_edited(operation, &[]).await?;
        let found = answer.header("content-type").unwrap_or("none").to_owned();
        let right = found.split(';').next().is_some_and(|kind| kind.trim() == JSON);
        cases.note(operation.as_str(), ensure(right, format!("Content-Type {JSON}"), || found))?;
    }
    cases.finding()
}

async fn refuses_what_is_no_json(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for text in ["", "no JSON", "[]", "\"text\"", "{\"requestMetadata\":", "{}}"] {
        let mut request = laboratory.unsigned(Operation::Encrypt, &laboratory.target.key, &().into());
        request.body = text.into();
        laboratory.signer().sign(&mut request);
        let answer = laboratory.send(&request).await?;
        cases.note(&format!("`{text}`"), refused(&answer, &[ErrorName::Validation]))?;
    }
    cases.finding()
}

async fn speaks_only_https(laboratory: &Laboratory) -> Finding {
    let body = laboratory.good_body(Operation::GetHealthStatus).await?;
    let request = laboratory.signed(Operation::GetHealthStatus, "", &body);
    let mut stream = open(&laboratory.target.store).await?;
    let mut found = Vec::new();
    // An end of the connection is as good a refusal as any.
    drop(stream.write_all(&request.bytes()).await);
    drop(tokio::time::timeout(PATIENCE, stream.read_buf(&mut found)).await);
    let served = found.starts_with(b"HTTP/1.1 2");
    ensure(!served, "no answer over plain HTTP", || String::from_utf8_lossy(&found).into_owned())?;
    PASSED
}

async fn speaks_http_1(laboratory: &Laboratory) -> Finding {
    let body = laboratory.good_body(Operation::GetHealthStatus).await?;
    let request = laboratory.signed(Operation::GetHealthStatus, "", &body);
    let answer = laboratory.connect().await?.ask(&request).await?;
    success(&answer)?;
    PASSED
}

async fn reads_pieces(laboratory: &Laboratory) -> Finding {
    let body = laboratory.good_body(Operation::GetHealthStatus).await?;
    let request = laboratory.signed(Operation::GetHealthStatus, "", &body);
    let pieces = request.bytes().into_iter().map(|byte| vec![byte]);
    let sent = laboratory.connect().await?.send(pieces, PATIENCE).await;
    success(&sent.answer?)?;
    PASSED
}

async fn reads_headers_in_any_case(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (name, change) in
        [("lower", str::to_ascii_lowercase as fn(&str) -> String), ("upper", str::to_ascii_uppercase)]
    {
        let body = laboratory.good_body(Operation::GetHealthStatus).await?;
        let mut request = laboratory.signed(Operation::GetHealthStatus, "", &body);
        request.headers.iter_mut().for_each(|(name, _)| *name = change(name));
        cases.note(name, success(&laboratory.send(&request).await?).map(drop))?;
    }
    cases.finding()
}

async fn keeps_connections(laboratory: &Laboratory) -> Finding {
    let mut connection = laboratory.connect().await?;
    for count in 1..=FIFTY {
        let body = laboratory.good_body(Operation::GetHealthStatus).await?;
        let request = laboratory.signed(Operation::GetHealthStatus, "", &body);
        let expected = || format!("{FIFTY} answers on one connection");
        let answer = connection
            .ask(&request)
            .await
            .map_err(|Lost(found)| Miss::failed(expected(), format!("request {count}: {found}")))?;
        ensure(answer.status == 200 || answer.status == 429, expected(), || excerpt(&answer))?;
    }
    PASSED
}

async fn speaks_without_alpn(laboratory: &Laboratory) -> Finding {
    health_by(laboratory, &[]).await?;
    PASSED
}

async fn speaks_http_1_alone(laboratory: &Laboratory) -> Finding {
    health_by(laboratory, &[HTTP_1]).await?;
    PASSED
}

async fn speaks_what_it_chose(laboratory: &Laboratory) -> Finding {
    noted(format!("it chose {}", health_by(laboratory, &[HTTP_2, HTTP_1]).await?))
}

/// A health check by whatever is agreed on; says what that was.
async fn health_by(laboratory: &Laboratory, protocols: &[&[u8]]) -> Result<&'static str, Miss> {
    let hello = Hello { protocols, ..Hello::usual(&laboratory.target) };
    let mut connection = laboratory.connect_by(&hello).await?;
    let body = laboratory.good_body(Operation::GetHealthStatus).await?;
    let request = laboratory.signed(Operation::GetHealthStatus, "", &body);
    let by_http_2 = connection.agreed().2.as_deref() == Some(HTTP_2);
    let answer =
        if by_http_2 { call_by_http2(connection, &request).await? } else { connection.ask(&request).await? };
    laboratory.remember(&answer);
    success(&answer)?;
    Ok(if by_http_2 { "HTTP/2" } else { "HTTP/1.1" })
}

async fn offers_a_suite(laboratory: &Laboratory) -> Finding {
    let mut spoken = Vec::new();
    let mut refused = Vec::new();
    for suite in SUITES {
        let versions: &[_] = if SUITES_OF_1_3.contains(&suite) { &[&TLS13] } else { &[&TLS12] };
        let hello = Hello { suite: Some(suite), versions, ..Hello::usual(&laboratory.target) };
        let connection = laboratory.connect_by(&hello).await;
        let agreed = connection.is_ok_and(|connection| connection.agreed().1 == Some(suite));
        if agreed { &mut spoken } else { &mut refused }.push(format!("{suite:?}"));
    }
    ensure(!spoken.is_empty(), "one of the four suites", || format!("none of {}", refused.join(", ")))?;
    let refused = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
    noted(format!("spoken: {}; not spoken: {refused}", spoken.join(", ")))
}

async fn offers_new_versions(laboratory: &Laboratory) -> Finding {
    let mut spoken = Vec::new();
    for (name, version) in [("TLS 1.3", &TLS13), ("TLS 1.2", &TLS12)] {
        let hello = Hello { versions: &[version], ..Hello::usual(&laboratory.target) };
        let connection = laboratory.connect_by(&hello).await;
        if connection.is_ok_and(|connection| connection.agreed().0 == Some(version.version)) {
            spoken.push(name);
        }
    }
    ensure(!spoken.is_empty(), "TLS 1.3 or 1.2", || "neither".to_owned())?;
    noted(spoken.join(", "))
}

async fn refuses_old_versions(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (name, minor) in [("TLS 1.0", 1), ("TLS 1.1", 2)] {
        let mut stream = open(&laboratory.target.store).await?;
        let hello = old_hello(minor, &laboratory.target.store.host);
        let mut first = [0];
        let answered = within(PATIENCE, async {
            stream.write_all(&hello).await.map_err(Lost::at("write"))?;
            stream.read_exact(&mut first).await.map_err(Lost::at("read"))
        });
        let agreed = answered.await.is_ok() && first == [HANDSHAKE];
        cases.note(name, ensure(!agreed, "an alert or an end", || "a handshake that goes on".to_owned()))?;
    }
    cases.finding()
}

async fn implements_all(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for operation in Operation::ALL {
        let answer = laboratory.ask_edited(operation, &[]).await?;
        cases.note(operation.as_str(), success(&answer).map(drop))?;
    }
    cases.finding()
}

const JSON: &str = "application/json";
const FIFTY: u32 = 50;
const SUITES_OF_1_3: [CipherSuite; 2] =
    [CipherSuite::TLS13_AES_256_GCM_SHA384, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256];
const SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
];

/// The kind of a TLS record that goes on with a handshake; an alert has another.
const HANDSHAKE: u8 = 22;
