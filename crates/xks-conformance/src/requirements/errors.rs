//! Errors: their names, statuses and messages.

use serde_json::json;
use xks_api::{ErrorName, LEAST_ADDITIONAL_DATA, Operation};

use crate::calls::{Cases, base64, plaintext, refused, success};
use crate::laboratory::{AAD, Laboratory};
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::wire::{Answer, excerpt};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P53",
        level: Level::Must,
        sentence: "Answers errors by errorName, with the status that belongs to it.",
        checks: &[
            check!(
                Must,
                Ordinary,
                names_unknown_paths,
                "a path that there is not is an InvalidUriPathException"
            ),
            check!(
                Must,
                Ordinary,
                names_wrong_usages,
                "Decrypt with a key that only encrypts is an InvalidKeyUsageException"
            ),
            check!(
                Must,
                Ordinary,
                names_wrong_usages_again,
                "Encrypt with a key that only decrypts is an InvalidKeyUsageException"
            ),
            check!(
                Must,
                Ordinary,
                names_disabled_keys,
                "Encrypt and Decrypt with a disabled key are an InvalidStateException"
            ),
            check!(
                Must,
                Last,
                names_every_error,
                "every error of this run had one of the twelve names, and its status"
            ),
            check!(
                Must,
                Last,
                writes_errors_in_json,
                "every error of this run that had a body was JSON, and said so"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P54",
        level: Level::Must,
        sentence: "Keeps errorMessage under 512 characters of printable ASCII.",
        checks: &[check!(
            Must,
            Last,
            writes_short_messages,
            "every errorMessage of this run was short and of printable ASCII"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P55",
        level: Level::Must,
        sentence: "Answers UnsupportedOperationException for what is beyond it.",
        checks: &[
            check!(
                Must,
                Dangerous,
                refuses_long_plaintexts,
                "a plaintext of 70,000 bytes is encrypted, or an UnsupportedOperationException"
            ),
            check!(
                Must,
                Dangerous,
                refuses_more_data,
                "additional data of 8,193 and 65,535 bytes are bound, or an UnsupportedOperationException"
            ),
            check!(
                Must,
                Dangerous,
                refuses_long_bodies,
                "a well signed body of 3 MiB is read, or an UnsupportedOperationException"
            ),
        ],
        by_eye: None,
    },
];

async fn names_unknown_paths(laboratory: &Laboratory) -> Finding {
    let store = &laboratory.target.store;
    let paths = [
        format!("{}/keys/{}/sign", store.path, laboratory.target.key),
        format!("{}/healthy", store.path),
        format!("{}/", store.path),
        format!("/conformance-no-store{}/health", xks_api::API_PATH),
        "/".to_owned(),
    ];
    let mut cases = Cases::default();
    for path in paths {
        let body = laboratory.good_body(Operation::GetHealthStatus).await?;
        let mut request = laboratory.unsigned(Operation::GetHealthStatus, "", &body);
        request.path.clone_from(&path);
        laboratory.signer().sign(&mut request);
        let answer = laboratory.send(&request).await?;
        cases.note(&path, refused(&answer, &[ErrorName::InvalidUriPath]))?;
    }
    cases.finding()
}

async fn names_wrong_usages(laboratory: &Laboratory) -> Finding {
    let key = laboratory.target.encrypt_only_key.as_ref();
    misused(laboratory, key, "--encrypt-only-key", Operation::Decrypt, ErrorName::InvalidKeyUsage).await
}

async fn names_wrong_usages_again(laboratory: &Laboratory) -> Finding {
    let key = laboratory.target.decrypt_only_key.as_ref();
    misused(laboratory, key, "--decrypt-only-key", Operation::Encrypt, ErrorName::InvalidKeyUsage).await
}

async fn names_disabled_keys(laboratory: &Laboratory) -> Finding {
    let key = laboratory.target.disabled_key.as_ref();
    misused(laboratory, key, "--disabled-key", Operation::Encrypt, ErrorName::InvalidState).await?;
    misused(laboratory, key, "--disabled-key", Operation::Decrypt, ErrorName::InvalidState).await
}

async fn misused(
    laboratory: &Laboratory,
    key: Option<&String>,
    argument: &str,
    operation: Operation,
    expected: ErrorName,
) -> Finding {
    let key = key.ok_or_else(|| Miss::needs(argument))?;
    let body = laboratory.good_body(operation).await?;
    refused(&laboratory.ask(operation, key, &body).await?, &[expected])?;
    PASSED
}

async fn names_every_error(laboratory: &Laboratory) -> Finding {
    let wrong = |answer: &Answer| !is_plain(answer) && !has_a_right_name(answer);
    match laboratory.seen(wrong) {
        None => PASSED,
        Some(answer) => Err(Miss::failed("an errorName of the twelve, with its status", excerpt(&answer))),
    }
}

async fn writes_errors_in_json(laboratory: &Laboratory) -> Finding {
    let is_json = |answer: &Answer| {
        let kind = answer.header("content-type").unwrap_or_default();
        kind.starts_with("application/json") && answer.json().is_some()
    };
    match laboratory.seen(|answer| !is_plain(answer) && !answer.body.is_empty() && !is_json(answer)) {
        None => PASSED,
        Some(answer) => Err(Miss::failed("application/json", excerpt(&answer))),
    }
}

/// A success, or what has a status and no name: 405, and what HTTP itself refuses.
fn is_plain(answer: &Answer) -> bool {
    matches!(answer.status, 200..=299 | 405 | 408 | 413 | 414 | 431)
}

fn has_a_right_name(answer: &Answer) -> bool {
    let name = answer.error_name();
    ErrorName::ALL.iter().any(|it| Some(it.as_str()) == name.as_deref() && it.status() == answer.status)
}

async fn writes_short_messages(laboratory: &Laboratory) -> Finding {
    match laboratory.seen(|answer| answer.status != 200 && !has_a_right_message(answer)) {
        None => PASSED,
        Some(answer) => Err(Miss::failed("under 512 characters from space to tilde", excerpt(&answer))),
    }
}

/// One that is absent or null is none.
fn has_a_right_message(answer: &Answer) -> bool {
    let Some(json) = answer.json() else { return true };
    match json.get("errorMessage") {
        None | Some(serde_json::Value::Null) => true,
        Some(message) => message
            .as_str()
            .is_some_and(|text| text.len() < 512 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))),
    }
}

async fn refuses_long_plaintexts(laboratory: &Laboratory) -> Finding {
    let edits = [("plaintext", base64(&plaintext(70_000)))];
    let answer = laboratory.ask_edited(Operation::Encrypt, &edits).await?;
    taken_or_unsupported(&answer)?;
    laboratory.ensure_alive("a plaintext of 70,000 bytes").await?;
    noted(if answer.status == 200 { "encrypted" } else { "refused" })
}

async fn refuses_more_data(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for length in [LEAST_ADDITIONAL_DATA + 1, 65_535] {
        for operation in [Operation::Encrypt, Operation::Decrypt] {
            let data = base64(&vec![b'a'; length]);
            let edits = [("additionalAuthenticatedData", data)];
            let answer = laboratory.ask_edited(operation, &edits).await?;
            // Data that are taken are other ones than those that the ciphertext is bound to.
            let noticed =
                operation == Operation::Decrypt && refused(&answer, &[ErrorName::InvalidCiphertext]).is_ok();
            let outcome = if noticed { Ok(()) } else { taken_or_unsupported(&answer) };
            cases.note(&format!("{operation} with {length} bytes"), outcome)?;
        }
    }
    cases.finding()
}

async fn refuses_long_bodies(laboratory: &Laboratory) -> Finding {
    let padding = json!(" ".repeat(3 * 1024 * 1024));
    let body = laboratory.encrypt_body(b"", Some(AAD));
    let body = crate::calls::edited(&body, "conformancePadding", Some(padding));
    let request = laboratory.signed(Operation::Encrypt, &laboratory.target.key, &body);
    let answer = laboratory.connect().await?.ask(&request).await?;
    laboratory.remember(&answer);
    let fits =
        matches!(answer.status, 200 | 413) || refused(&answer, &[ErrorName::UnsupportedOperation]).is_ok();
    ensure(fits, "501 UnsupportedOperationException, or 413", || excerpt(&answer))?;
    laboratory.ensure_alive("a body of 3 MiB").await?;
    noted(format!("status {}", answer.status))
}

fn taken_or_unsupported(answer: &Answer) -> Result<(), Miss> {
    if answer.status == 200 {
        return success(answer).map(drop);
    }
    refused(answer, &[ErrorName::UnsupportedOperation])
}
