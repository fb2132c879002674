//! What the specification does not say, and callers depend on: time, and surviving what is sent.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use xks_api::{ErrorName, Operation};

use crate::calls::{Cases, base64, refused, refused_somehow, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::wire::{Lost, PATIENCE, Request, Sent, excerpt};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "K11",
        level: Level::May,
        sentence: "Answers within 250 ms, connection included: KMS waits no longer.",
        checks: &[
            check!(
                May,
                Ordinary,
                answers_in_time,
                "of 200 calls on one connection 99 in 100 take less than 250 ms"
            ),
            check!(
                May,
                Ordinary,
                connects_in_time,
                "of 20 calls on new connections none takes more than 250 ms"
            ),
            check!(May, Ordinary, is_near, "half of 200 health checks take less than 35 ms"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "W14",
        level: Level::Must,
        sentence: "Spends little on who is not authenticated.",
        checks: &[
            check!(
                Must,
                Dangerous,
                refuses_floods,
                "a body of 200 MB that nobody signed is refused before 16 MiB of it"
            ),
            check!(
                Must,
                Dangerous,
                refuses_signed_floods,
                "a body of 200 MB under a wrong signature of a known access key id is refused before 16 MiB of it"
            ),
            check!(
                Must,
                Dangerous,
                refuses_chunked_floods,
                "the same without a length is refused before 16 MiB of it"
            ),
            check!(Should, Dangerous, ends_half_heads, "half a head is not awaited for ever"),
            check!(Should, Dangerous, ends_half_bodies, "half a body is not awaited for ever"),
            check!(
                Should,
                Dangerous,
                ends_half_handshakes,
                "a handshake that does not begin is not awaited for ever"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "W1",
        level: Level::Must,
        sentence: "Outlives every request, of whatever sizes.",
        checks: &[
            check!(
                Must,
                Dangerous,
                outlives_long_ciphertexts,
                "a ciphertext, vector, tag or metadata of 70,000 bytes is refused, and outlived"
            ),
            check!(
                Must,
                Dangerous,
                outlives_deep_json,
                "JSON that is nested 100,000 deep is refused, and outlived"
            ),
            check!(
                Must,
                Dangerous,
                outlives_long_heads,
                "a path and a header of 100,000 characters are outlived"
            ),
            check!(Must, Dangerous, outlives_broken_requests, "requests that are none of HTTP are outlived"),
            check!(
                Must,
                Dangerous,
                outlives_more_data,
                "additional data of 65,536 bytes and more are refused, and outlived"
            ),
        ],
        by_eye: None,
    },
];

async fn answers_in_time(laboratory: &Laboratory) -> Finding {
    let times = times(laboratory, Operation::Encrypt).await?;
    let slowest = times.percentile(99);
    ensure(slowest < BUDGET, "99 in 100 below 250 ms", || times.to_string())?;
    noted(times.to_string())
}

async fn is_near(laboratory: &Laboratory) -> Finding {
    let times = times(laboratory, Operation::GetHealthStatus).await?;
    ensure(times.percentile(50) < NEAR, "half of them below 35 ms", || times.to_string())?;
    noted(times.to_string())
}

async fn times(laboratory: &Laboratory, operation: Operation) -> Result<Times, Miss> {
    let mut connection = laboratory.connect().await?;
    let body = laboratory.good_body(operation).await?;
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let request = laboratory.signed(operation, &laboratory.target.key, &body);
        let began = Instant::now();
        let answer = connection.ask(&request).await?;
        times.push(began.elapsed());
        success(&answer)?;
    }
    Ok(Times::of(times))
}

async fn connects_in_time(laboratory: &Laboratory) -> Finding {
    let body = laboratory.good_body(Operation::Encrypt).await?;
    let mut times = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &body);
        let began = Instant::now();
        let answer = laboratory.connect().await?.ask(&request).await?;
        times.push(began.elapsed());
        success(&answer)?;
    }
    let times = Times::of(times);
    ensure(times.percentile(100) < BUDGET, "all below 250 ms", || times.to_string())?;
    noted(times.to_string())
}

/// In order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |percent| self.percentile(percent).as_secs_f64() * 1000.0;
        write!(
            formatter,
            "p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            at(50),
            at(90),
            at(99),
            at(100)
        )
    }
}

async fn outlives_more_data(laboratory: &Laboratory) -> Finding {
    for length in [65_536, 65_537, 131_072, 1_000_000] {
        for operation in [Operation::Encrypt, Operation::Decrypt] {
            let data = base64(&vec![b'a'; length]);
            outlives(laboratory, operation, "additionalAuthenticatedData", data, length).await?;
        }
    }
    PASSED
}

async fn outlives_long_ciphertexts(laboratory: &Laboratory) -> Finding {
    for field in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"] {
        let data = base64(&vec![b'a'; LONG]);
        outlives(laboratory, Operation::Decrypt, field, data, LONG).await?;
    }
    PASSED
}

async fn outlives(
    laboratory: &Laboratory,
    operation: Operation,
    field: &str,
    value: Option<Value>,
    length: usize,
) -> Result<(), Miss> {
    let outcome = laboratory.ask_edited(operation, &[(field, value)]).await;
    laboratory.ensure_alive(&format!("{operation} with {field} of {length} bytes")).await?;
    refused_somehow(&outcome?)
}

async fn outlives_deep_json(laboratory: &Laboratory) -> Finding {
    let mut request = laboratory.unsigned(Operation::Encrypt, &laboratory.target.key, &Value::Null);
    let nested = format!("{{\"conformanceList\":{}{}}}", "[".repeat(DEEP), "]".repeat(DEEP));
    request.body = nested.into_bytes();
    laboratory.signer().sign(&mut request);
    let outcome = laboratory.send(&request).await;
    laboratory.ensure_alive("JSON that is nested 100,000 deep").await?;
    refused(&outcome?, &[ErrorName::Validation, ErrorName::UnsupportedOperation])?;
    PASSED
}

/// An end of the connection is as good a refusal as any.
async fn outlives_long_heads(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for in_path in [true, false] {
        let key = if in_path { "a".repeat(DEEP) } else { laboratory.target.key.clone() };
        let body = laboratory.good_body(Operation::Encrypt).await?;
        let mut request = laboratory.signed(Operation::Encrypt, &key, &body);
        if !in_path {
            request.add("X-Conformance", "a".repeat(DEEP));
        }
        let outcome = laboratory.connect().await?.ask(&request).await;
        let case = if in_path { "a long path" } else { "a long header" };
        laboratory.ensure_alive(case).await?;
        if let Ok(answer) = outcome {
            let right = answer.status != 500 && (!in_path || answer.status != 200);
            cases.note(case, ensure(right, "a refusal", || excerpt(&answer)))?;
        }
    }
    cases.finding()
}

async fn outlives_broken_requests(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (case, bytes) in BROKEN {
        let sent = laboratory.connect().await?.send(std::iter::once(bytes.to_vec()), SHORT).await;
        laboratory.ensure_alive(case).await?;
        if let Ok(answer) = sent.answer {
            cases.note(case, ensure(answer.status != 200, "a refusal", || excerpt(&answer)))?;
        }
    }
    cases.finding()
}

async fn refuses_floods(laboratory: &Laboratory) -> Finding {
    let mut request = laboratory.unsigned(Operation::Encrypt, &laboratory.target.key, &Value::Null);
    request.set("Authorization", "AWS4-HMAC-SHA256 conformance");
    let sent = flood(laboratory, &request, false).await?;
    early(laboratory, sent).await
}

async fn refuses_signed_floods(laboratory: &Laboratory) -> Finding {
    let request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &Value::Null);
    let sent = flood(laboratory, &request, false).await?;
    early(laboratory, sent).await
}

async fn refuses_chunked_floods(laboratory: &Laboratory) -> Finding {
    let mut request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &Value::Null);
    request.add("Transfer-Encoding", "chunked");
    let sent = flood(laboratory, &request, true).await?;
    early(laboratory, sent).await
}

/// Sends a body that nobody wants, until it is refused or all of it was taken.
async fn flood(laboratory: &Laboratory, request: &Request, chunked: bool) -> Result<Sent, Miss> {
    let pieces = laboratory.options.flood_bytes.div_ceil(PIECE);
    let piece = vec![b' '; usize::try_from(PIECE).unwrap_or_default()];
    let piece = if chunked { [format!("{PIECE:x}\r\n").as_bytes(), &piece, b"\r\n"].concat() } else { piece };
    let body = (0..pieces).map(move |_| piece.clone());
    let end = chunked.then(|| b"0\r\n\r\n".to_vec());
    let all = std::iter::once(request.head(pieces * PIECE)).chain(body).chain(end);
    Ok(laboratory.connect().await?.send(all, FLOOD_PATIENCE).await)
}

async fn early(laboratory: &Laboratory, sent: Sent) -> Finding {
    laboratory.ensure_alive("a flood").await?;
    let what = match &sent.answer {
        Ok(answer) => format!("status {}", answer.status),
        Err(Lost(reason)) => reason.clone(),
    };
    let told = format!("{what} after {} KiB and {} ms", sent.bytes / 1024, sent.took.as_millis());
    if let Ok(answer) = &sent.answer {
        laboratory.remember(answer);
        ensure(answer.status != 200, "a refusal", || told.clone())?;
    }
    ensure(sent.bytes < EARLY, "a refusal before 16 MiB were taken", || told.clone())?;
    noted(told)
}

async fn ends_half_heads(laboratory: &Laboratory) -> Finding {
    let body = laboratory.good_body(Operation::Encrypt).await?;
    let request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &body);
    let mut bytes = request.head(100);
    bytes.truncate(bytes.len() / 2);
    ends(laboratory, bytes).await
}

async fn ends_half_bodies(laboratory: &Laboratory) -> Finding {
    let body = laboratory.good_body(Operation::Encrypt).await?;
    let request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &body);
    let mut bytes = request.bytes();
    bytes.truncate(bytes.len().saturating_sub(10));
    ends(laboratory, bytes).await
}

async fn ends(laboratory: &Laboratory, bytes: Vec<u8>) -> Finding {
    let time = time_for_it(laboratory)?;
    let mut stream = laboratory.connect().await?.into_stream();
    stream.write_all(&bytes).await.map_err(Lost::at("write"))?;
    stream.flush().await.map_err(Lost::at("write"))?;
    ended(&mut stream, time).await
}

async fn ends_half_handshakes(laboratory: &Laboratory) -> Finding {
    let time = time_for_it(laboratory)?;
    let mut stream = crate::wire::open(&laboratory.target.store).await?;
    ended(&mut stream, time).await
}

fn time_for_it(laboratory: &Laboratory) -> Result<Duration, Miss> {
    laboratory.options.slow.ok_or_else(|| Miss::needs("--slow"))
}

/// That a connection ends in that time. What is said before that is no matter.
async fn ended(stream: &mut (impl AsyncReadExt + Unpin), time: Duration) -> Finding {
    let began = Instant::now();
    let mut said = Vec::new();
    let outcome = tokio::time::timeout(time, stream.read_to_end(&mut said)).await;
    ensure(outcome.is_ok(), format!("an end within {} s", time.as_secs()), || "still open".to_owned())?;
    noted(format!("after {} s", began.elapsed().as_secs()))
}

const BUDGET: Duration = Duration::from_millis(250);
const NEAR: Duration = Duration::from_millis(35);
const SHORT: Duration = Duration::from_secs(3);
const FLOOD_PATIENCE: Duration = PATIENCE.saturating_mul(12);
const CALLS: usize = 200;
const CONNECTIONS: usize = 20;
const LONG: usize = 70_000;
const DEEP: usize = 100_000;
const PIECE: u64 = 64 * 1024;

/// More than the sockets between here and there hold.
const EARLY: u64 = 16 * 1024 * 1024;

const BROKEN: &[(&str, &[u8])] = &[
    ("bytes that are no text", &[0, 0xff, 0x80, 13, 10, 13, 10]),
    ("HTTP/2 without being asked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    ("two lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    (
        "a length and chunks",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("a length below zero", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
    (
        "chunks without an end",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ),
    ("no host", b"POST / HTTP/1.1\r\n\r\n"),
];
