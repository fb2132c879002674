//! Encrypt.

use std::collections::HashSet;

use serde_json::{Value, json};
use xks_api::{
    ErrorName, LEAST_ADDITIONAL_DATA, LEAST_PLAINTEXT, MOST_CIPHERTEXT_METADATA, Operation, TAG,
    integrity_value,
};

use crate::calls::{Cases, Encrypted, base64, decrypted, plaintext, refused, refused_somehow, success};
use crate::laboratory::{AAD, Laboratory};
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure, noted};
use crate::wire::excerpt;

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P22",
        level: Level::Must,
        sentence: "Takes plaintexts of up to 4,300 bytes.",
        checks: &[
            check!(
                Must,
                Ordinary,
                takes_plaintexts,
                "plaintexts of 1, 12, 16, 4,096 and 4,300 bytes are encrypted"
            ),
            check!(
                Should,
                Ordinary,
                takes_an_empty_plaintext,
                "an empty plaintext is encrypted, and decrypted to nothing"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P23",
        level: Level::Must,
        sentence: "Requires plaintext and encryptionAlgorithm, which is AES_GCM.",
        checks: &[
            check!(
                Must,
                Ordinary,
                requires_what_to_encrypt,
                "Encrypt without plaintext or encryptionAlgorithm is a ValidationException"
            ),
            check!(
                Must,
                Ordinary,
                refuses_other_algorithms,
                "Encrypt and Decrypt by another encryptionAlgorithm are refused"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P24",
        level: Level::Must,
        sentence: "Binds additionalAuthenticatedData, which is standard Base64.",
        checks: &[
            check!(
                Must,
                Ordinary,
                binds_data,
                "other additional data than those of Encrypt are an InvalidCiphertextException"
            ),
            check!(
                Must,
                Ordinary,
                refuses_other_base64,
                "Base64 of another alphabet, with spaces or without padding is a ValidationException"
            ),
            check!(
                Should,
                Ordinary,
                refuses_trailing_bits,
                "Base64 whose last bits mean nothing and are not zero is a ValidationException"
            ),
            check!(
                Must,
                Ordinary,
                refuses_other_types,
                "numbers and objects for what should be Base64 are a ValidationException"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P25",
        level: Level::Must,
        sentence: "Takes additional authenticated data of up to 8,192 bytes.",
        checks: &[check!(
            Must,
            Ordinary,
            takes_data,
            "additional data of 1, 4,096, 8,191 and 8,192 bytes are bound"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P26",
        level: Level::Must,
        sentence: "Answers a ciphertextDataIntegrityValue when asked with SHA_256.",
        checks: &[
            check!(Must, Ordinary, answers_integrity, "an integrity value is there when it is asked for"),
            check!(
                Must,
                Ordinary,
                refuses_other_integrity,
                "an integrity value by another algorithm is refused"
            ),
            check!(
                Should,
                Ordinary,
                answers_no_integrity,
                "an integrity value is not there when it is not asked for"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P27",
        level: Level::Must,
        sentence: "Answers ciphertext, initializationVector and authenticationTag.",
        checks: &[check!(
            Must,
            Ordinary,
            answers_parts,
            "Encrypt answers its three parts in standard Base64"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P28",
        level: Level::Must,
        sentence: "Answers a ciphertext as long as the plaintext.",
        checks: &[check!(
            Must,
            Ordinary,
            keeps_the_length,
            "ciphertexts of 1, 15, 16, 17 and 4,300 bytes are as long as their plaintexts"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P29",
        level: Level::Must,
        sentence: "Uses an initialization vector of 12 or 16 bytes.",
        checks: &[
            check!(Must, Ordinary, uses_right_vectors, "vectors have 12 or 16 bytes"),
            check!(Must, Ordinary, uses_new_vectors, "no two of fifty vectors are the same"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P30",
        level: Level::Must,
        sentence: "Answers a tag of 16 bytes.",
        checks: &[check!(Must, Ordinary, cuts_tags_off, "tags have 16 bytes")],
        by_eye: None,
    },
    Requirement {
        id: "P31",
        level: Level::Must,
        sentence: "Answers no more than 20 bytes of ciphertextMetadata, in Base64.",
        checks: &[check!(
            Must,
            Ordinary,
            answers_short_metadata,
            "ciphertextMetadata is absent, or at most 20 bytes in Base64"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P32",
        level: Level::Must,
        sentence: "Binds ciphertextMetadata, apart from the additional authenticated data.",
        checks: &[
            check!(
                Must,
                Ordinary,
                parts_metadata_and_data,
                "ciphertextMetadata behind the additional data is no ciphertextMetadata"
            ),
            check!(
                Must,
                Ordinary,
                parts_data_and_metadata,
                "the end of the additional data is no ciphertextMetadata"
            ),
            check!(
                Should,
                Ordinary,
                absent_data_are_empty,
                "empty additional data and absent ones are the same"
            ),
        ],
        by_eye: Some(
            "ask the vendor for the exact construction: lengths before each part, zero for an absent one",
        ),
    },
    Requirement {
        id: "P33",
        level: Level::Should,
        sentence: "Marks a change of that construction in ciphertextMetadata.",
        checks: &[],
        by_eye: Some(
            "ask the vendor how old ciphertexts stay readable; keep one, and decrypt it after each upgrade",
        ),
    },
    Requirement {
        id: "P34",
        level: Level::Must,
        sentence: "Computes the integrity value over data, metadata, vector, ciphertext and tag.",
        checks: &[check!(
            Must,
            Ordinary,
            computes_integrity,
            "the integrity value is the one that is computed here, with and without additional data"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P35",
        level: Level::Should,
        sentence: "Decrypts what it encrypted before it answers, when an integrity value is asked for.",
        checks: &[check!(
            Should,
            Ordinary,
            decrypts_at_once,
            "a key that only encrypts cannot answer an integrity value"
        )],
        by_eye: Some("let the key manager corrupt what it encrypts: the answer must be an error"),
    },
];

async fn takes_plaintexts(laboratory: &Laboratory) -> Finding {
    round_trips(laboratory, &[1, 12, 16, 4096, LEAST_PLAINTEXT]).await
}

async fn takes_an_empty_plaintext(laboratory: &Laboratory) -> Finding {
    round_trips(laboratory, &[0]).await
}

async fn round_trips(laboratory: &Laboratory, lengths: &[usize]) -> Finding {
    let mut cases = Cases::default();
    for &length in lengths {
        let plaintext = plaintext(length);
        let outcome = round_trip(laboratory, &plaintext, Some(AAD)).await;
        cases.note(&format!("{length} bytes"), outcome)?;
    }
    cases.finding()
}

/// That a plaintext comes back.
async fn round_trip(laboratory: &Laboratory, plaintext: &[u8], aad: Option<&[u8]>) -> Result<(), Miss> {
    let encrypted = laboratory.encrypt(plaintext, aad).await?;
    let answer = laboratory.decrypt(&encrypted, aad).await?;
    let same = decrypted(&answer)? == plaintext;
    ensure(same, "the plaintext that was encrypted", || format!("another one: {}", excerpt(&answer)))
}

async fn requires_what_to_encrypt(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for field in ["plaintext", "encryptionAlgorithm"] {
        for value in [None, Some(Value::Null)] {
            let case = format!("{field} {}", if value.is_some() { "null" } else { "absent" });
            let answer = laboratory.ask_edited(Operation::Encrypt, &[(field, value)]).await?;
            cases.note(&case, refused(&answer, &[ErrorName::Validation]))?;
        }
    }
    cases.finding()
}

async fn refuses_other_algorithms(laboratory: &Laboratory) -> Finding {
    refuses_values(laboratory, "encryptionAlgorithm", &["AES_CBC", "aes_gcm", "AES_GCM ", ""]).await?;
    let answer =
        laboratory.ask_edited(Operation::Decrypt, &[("encryptionAlgorithm", Some(json!("AES_CBC")))]).await?;
    refused(&answer, &NOT_SUPPORTED)?;
    PASSED
}

async fn refuses_values(laboratory: &Laboratory, field: &str, values: &[&str]) -> Finding {
    let mut cases = Cases::default();
    for value in values {
        let answer = laboratory.ask_edited(Operation::Encrypt, &[(field, Some(json!(value)))]).await?;
        cases.note(&format!("`{value}`"), refused(&answer, &NOT_SUPPORTED))?;
    }
    cases.finding()
}

async fn binds_data(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let mut cases = Cases::default();
    let longer = [AAD, b" "].concat();
    for (case, aad) in
        [("other", Some(&b"x"[..])), ("longer", Some(&longer)), ("empty", Some(b"")), ("absent", None)]
    {
        let answer = laboratory.decrypt(&encrypted, aad).await?;
        cases.note(case, refused(&answer, &[ErrorName::InvalidCiphertext]))?;
    }
    cases.finding()
}

async fn refuses_other_base64(laboratory: &Laboratory) -> Finding {
    let spoilt = ["-_-_", "AA", "AAA", "AA=", "AA==AA==", "A A=", "AAAA\n", " AAAA", "====", "AAA*", "é"];
    refuses_base64(laboratory, &spoilt).await
}

async fn refuses_trailing_bits(laboratory: &Laboratory) -> Finding {
    refuses_base64(laboratory, &["AB==", "AAB="]).await
}

async fn refuses_base64(laboratory: &Laboratory, texts: &[&str]) -> Finding {
    let mut cases = Cases::default();
    for field in ["plaintext", "additionalAuthenticatedData"] {
        for text in texts {
            let answer = laboratory.ask_edited(Operation::Encrypt, &[(field, Some(json!(text)))]).await?;
            cases.note(&format!("{field} {text:?}"), refused(&answer, &[ErrorName::Validation]))?;
        }
    }
    cases.finding()
}

async fn refuses_other_types(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for field in ["plaintext", "additionalAuthenticatedData", "encryptionAlgorithm"] {
        for value in [json!(1), json!({}), json!(["AAAA"]), json!(true)] {
            let case = format!("{field} {value}");
            let answer = laboratory.ask_edited(Operation::Encrypt, &[(field, Some(value))]).await?;
            cases.note(&case, refused(&answer, &[ErrorName::Validation]))?;
        }
    }
    cases.finding()
}

async fn takes_data(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for length in [1, 4096, LEAST_ADDITIONAL_DATA - 1, LEAST_ADDITIONAL_DATA] {
        let outcome = round_trip(laboratory, &plaintext(32), Some(&vec![0xa5; length])).await;
        cases.note(&format!("{length} bytes"), outcome)?;
    }
    cases.note("both at their most", {
        round_trip(laboratory, &plaintext(LEAST_PLAINTEXT), Some(&vec![0; LEAST_ADDITIONAL_DATA])).await
    })?;
    cases.finding()
}

async fn answers_integrity(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let length = encrypted.integrity.map_or(0, |value| value.len());
    ensure(length == 32, "ciphertextDataIntegrityValue of 32 bytes", || format!("{length} bytes"))?;
    PASSED
}

async fn refuses_other_integrity(laboratory: &Laboratory) -> Finding {
    refuses_values(laboratory, INTEGRITY_ALGORITHM, &["SHA_512", "sha_256", ""]).await
}

async fn answers_no_integrity(laboratory: &Laboratory) -> Finding {
    let answer = laboratory.ask_edited(Operation::Encrypt, &[(INTEGRITY_ALGORITHM, None)]).await?;
    let encrypted = Encrypted::of(&answer)?;
    ensure(encrypted.integrity.is_none(), "no ciphertextDataIntegrityValue", || excerpt(&answer))?;
    PASSED
}

async fn answers_parts(laboratory: &Laboratory) -> Finding {
    laboratory.encrypt(&plaintext(32), None).await?;
    PASSED
}

async fn keeps_the_length(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for length in [1, 15, 16, 17, LEAST_PLAINTEXT] {
        let found = laboratory.encrypt(&plaintext(length), Some(AAD)).await?.ciphertext.len();
        let expected = "as many bytes as the plaintext has";
        cases.note(
            &format!("{length} bytes"),
            ensure(found == length, expected, || format!("{found} bytes")),
        )?;
    }
    cases.finding()
}

async fn uses_right_vectors(laboratory: &Laboratory) -> Finding {
    let length = laboratory.encrypt(&plaintext(32), Some(AAD)).await?.iv.len();
    ensure(matches!(length, 12 | 16), "12 or 16 bytes", || format!("{length} bytes"))?;
    noted(format!("{length} bytes"))
}

async fn uses_new_vectors(laboratory: &Laboratory) -> Finding {
    let mut seen = HashSet::new();
    for count in 1..=50 {
        let iv = laboratory.encrypt(&plaintext(1), None).await?.iv;
        ensure(seen.insert(iv), "a new vector each time", || format!("one again at the {count}th"))?;
    }
    PASSED
}

async fn cuts_tags_off(laboratory: &Laboratory) -> Finding {
    let length = laboratory.encrypt(&plaintext(32), Some(AAD)).await?.tag.len();
    ensure(length == TAG, "16 bytes", || format!("{length} bytes"))?;
    PASSED
}

async fn answers_short_metadata(laboratory: &Laboratory) -> Finding {
    let metadata = laboratory.encrypt(&plaintext(32), Some(AAD)).await?.metadata;
    let length = metadata.map_or(0, |metadata| metadata.len());
    ensure(length <= MOST_CIPHERTEXT_METADATA, "at most 20 bytes", || format!("{length} bytes"))?;
    noted(format!("{length} bytes"))
}

async fn parts_metadata_and_data(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let Some(metadata) = encrypted.metadata.clone().filter(|it| !it.is_empty()) else {
        return Err(Miss::Skipped("the proxy answers no ciphertextMetadata".to_owned()));
    };
    let moved = Encrypted { metadata: None, ..encrypted };
    let answer = laboratory.decrypt(&moved, Some(&[AAD, &metadata].concat())).await?;
    refused_somehow(&answer)?;
    PASSED
}

async fn parts_data_and_metadata(laboratory: &Laboratory) -> Finding {
    let (head, tail) = AAD.split_at(AAD.len() - 10);
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let metadata = [tail, encrypted.metadata.as_deref().unwrap_or_default()].concat();
    let metadata = metadata.get(..MOST_CIPHERTEXT_METADATA).unwrap_or(&metadata).to_vec();
    let moved = Encrypted { metadata: Some(metadata), ..encrypted };
    let answer = laboratory.decrypt(&moved, Some(head)).await?;
    refused_somehow(&answer)?;
    PASSED
}

async fn absent_data_are_empty(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (case, first, second) in
        [("absent, then empty", None, Some(&b""[..])), ("empty, then absent", Some(&b""[..]), None)]
    {
        let encrypted = laboratory.encrypt(&plaintext(32), first).await?;
        let answer = laboratory.decrypt(&encrypted, second).await?;
        cases.note(case, decrypted(&answer).map(drop))?;
    }
    cases.finding()
}

async fn computes_integrity(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for (case, aad, length) in
        [("with data", Some(AAD), 12), ("without data", None, 12), ("4,300 bytes", Some(AAD), 4300)]
    {
        let it = laboratory.encrypt(&plaintext(length), aad).await?;
        let metadata = it.metadata.as_deref().unwrap_or_default();
        let expected = integrity_value(aad.unwrap_or_default(), metadata, &it.iv, &it.ciphertext, &it.tag);
        let found = it.integrity.unwrap_or_default();
        let told = || format!("another: {}", base64(&found).unwrap_or_default());
        cases.note(case, ensure(found == expected, "the value over what was answered", told))?;
    }
    cases.finding()
}

async fn decrypts_at_once(laboratory: &Laboratory) -> Finding {
    let Some(key) = &laboratory.target.encrypt_only_key else {
        return Err(Miss::needs("--encrypt-only-key"));
    };
    let body = laboratory.encrypt_body(&plaintext(32), Some(AAD));
    let answer = laboratory.ask(Operation::Encrypt, key, &body).await?;
    ensure(success(&answer).is_err(), "an error", || excerpt(&answer))?;
    PASSED
}

/// Either word is right for an algorithm that there is not.
const NOT_SUPPORTED: [ErrorName; 2] = [ErrorName::Validation, ErrorName::UnsupportedOperation];
const INTEGRITY_ALGORITHM: &str = "ciphertextDataIntegrityValueAlgorithm";
