//! What limits may be.

use super::reading::Reading;
use super::section::Section;
use super::{Audit, Limits};
use std::time::Duration;

/// Tells every limit that is out of its bounds.
pub(super) fn check(limits: &Limits, section: &Section<'_>, reading: &Reading<'_>) {
    for (name, value, least, most) in numbers(limits) {
        if value < least || most < value {
            reading.wrong(section.at(name), format!("`limits.{name}` is from {least} to {most}"));
        }
    }
    if MOST_FOR_A_KEY_MANAGER < limits.key_manager_timeout {
        reading.wrong(section.at("key_manager_timeout"), "`limits.key_manager_timeout` is a minute at most");
    }
    if MOST_FOR_KMS < limits.key_manager_timeout {
        reading.doubt(
            section.at("key_manager_timeout"),
            "KMS gives up after 250 ms: a `limits.key_manager_timeout` over 240ms leaves it no time for an answer",
        );
    }
}

/// Tells what is wrong with the settings of the journal.
pub(super) fn check_audit(audit: &Audit, section: &Section<'_>, reading: &Reading<'_>) {
    if !(LEAST_SEGMENT..=MOST_SEGMENT).contains(&audit.segment_bytes) {
        let message = format!("`audit.segment_bytes` is from {LEAST_SEGMENT} to {MOST_SEGMENT}");
        reading.wrong(section.at("segment_bytes"), message);
    }
}

/// Tells that the health of key managers would be found out too seldom, or all the time.
pub(super) fn check_health_interval(interval: Duration, whole: &Section<'_>, reading: &Reading<'_>) {
    if !(LEAST_HEALTH_INTERVAL..=MOST_HEALTH_INTERVAL).contains(&interval) {
        let message =
            "`health_interval` is from 1s to 45s: no health that is told may be older than a minute";
        reading.wrong(whole.at("health_interval"), message);
    }
}

fn numbers(limits: &Limits) -> [(&'static str, usize, usize, usize); 11] {
    let Limits { plaintext_bytes, additional_data_bytes, body_bytes, .. } = *limits;
    let in_base64 = |bytes: usize| bytes.div_ceil(3).saturating_mul(4);
    let largest_body = in_base64(plaintext_bytes)
        .saturating_add(in_base64(additional_data_bytes))
        .saturating_add(REST_OF_BODY);
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    [
        (
            "additional_data_bytes",
            additional_data_bytes,
            xks_api::LEAST_ADDITIONAL_DATA,
            MOST_ADDITIONAL_DATA,
        ),
        ("body_bytes", body_bytes, largest_body, MOST_BODY),
        ("buffered_body_bytes", limits.buffered_body_bytes, body_bytes, usize::MAX),
        ("connections", limits.connections, 1, 1 << 20),
        ("header_bytes", number(limits.header_bytes), LEAST_HEADER_BYTES, MOST_BODY),
        ("headers", limits.headers, LEAST_HEADERS, 1024),
        ("http2_connections", limits.http2_connections, 0, 1 << 20),
        ("http2_streams", number(limits.http2_streams), 1, 1 << 16),
        ("plaintext_bytes", plaintext_bytes, xks_api::LEAST_PLAINTEXT, MOST_PLAINTEXT),
        ("requests", limits.requests, 1, 1 << 20),
        ("tls_sessions", limits.tls_sessions, 0, 1 << 20),
    ]
}

/// KMS waits 250 ms for an answer, the connection included.
const MOST_FOR_KMS: Duration = Duration::from_millis(240);
const LEAST_HEALTH_INTERVAL: Duration = Duration::from_secs(1);
const MOST_HEALTH_INTERVAL: Duration = Duration::from_secs(45);
const MOST_FOR_A_KEY_MANAGER: Duration = Duration::from_mins(1);

/// Its length is bound with it, in two bytes.
const MOST_ADDITIONAL_DATA: usize = 65_535;
const MOST_PLAINTEXT: usize = 1 << 20;
const MOST_BODY: usize = 16 << 20;

/// What a body has beside its two great fields: above all two names of 2048 characters.
const REST_OF_BODY: usize = 8 << 10;

/// hyper's own least buffer.
const LEAST_HEADER_BYTES: usize = 8 << 10;
const LEAST_HEADERS: usize = 16;

/// What the journal makes at least of a shorter one.
const LEAST_SEGMENT: u64 = 64 << 10;
const MOST_SEGMENT: u64 = 4 << 30;
