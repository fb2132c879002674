//! Decrypt.

use serde_json::Value;
use xks_api::{ErrorName, LEAST_ADDITIONAL_DATA, LEAST_PLAINTEXT, MOST_CIPHERTEXT_METADATA, Operation, TAG};

use crate::calls::{Cases, Encrypted, decrypted, plaintext, refused};
use crate::laboratory::{AAD, Laboratory};
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure};
use crate::wire::excerpt;

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P36",
        level: Level::Must,
        sentence: "Takes ciphertexts of up to 4,300 bytes.",
        checks: &[check!(Must, Ordinary, takes_ciphertexts, "a ciphertext of 4,300 bytes is decrypted")],
        by_eye: None,
    },
    Requirement {
        id: "P37",
        level: Level::Must,
        sentence: "Requires ciphertext, initializationVector, authenticationTag and encryptionAlgorithm.",
        checks: &[check!(
            Must,
            Ordinary,
            requires_what_to_decrypt,
            "Decrypt without any of the four is a ValidationException"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P38",
        level: Level::Must,
        sentence: "Takes vectors of 12 or 16 bytes and tags of 16, and nothing else.",
        checks: &[
            check!(Must, Ordinary, takes_long_vectors, "a vector of 16 bytes is not refused for its length"),
            check!(
                Must,
                Ordinary,
                refuses_other_base64,
                "Base64 of another form in Decrypt is a ValidationException"
            ),
            check!(Must, Ordinary, refuses_other_vectors, "vectors of other lengths are refused"),
            check!(
                Must,
                Ordinary,
                refuses_other_tags,
                "tags of other lengths are refused, shortened ones above all"
            ),
            check!(
                Must,
                Ordinary,
                parts_ciphertext_and_tag,
                "bytes that move between ciphertext and tag are refused"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P39",
        level: Level::Must,
        sentence: "Refuses more than 20 bytes of ciphertextMetadata, and notices changed ones.",
        checks: &[
            check!(Must, Ordinary, refuses_long_metadata, "ciphertextMetadata of 21 bytes are refused"),
            check!(
                Must,
                Ordinary,
                notices_changed_metadata,
                "ciphertextMetadata that are changed, added or taken away are refused"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P40",
        level: Level::Must,
        sentence: "Needs the additional authenticated data of Encrypt, up to 8,192 bytes.",
        checks: &[check!(
            Must,
            Ordinary,
            takes_data_again,
            "additional data of 8,192 bytes are needed, and are enough"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P41",
        level: Level::Must,
        sentence: "Answers the plaintext.",
        checks: &[check!(Must, Ordinary, answers_the_plaintext, "the plaintext comes back, byte for byte")],
        by_eye: None,
    },
    Requirement {
        id: "P42",
        level: Level::Must,
        sentence: "Answers InvalidCiphertextException for what is damaged.",
        checks: &[
            check!(
                Must,
                Ordinary,
                notices_damage,
                "a changed bit of ciphertext, vector, tag or data is an InvalidCiphertextException"
            ),
            check!(
                Must,
                Ordinary,
                notices_other_lengths,
                "a ciphertext that is longer or shorter is an InvalidCiphertextException"
            ),
            check!(
                Must,
                Ordinary,
                notices_other_keys,
                "a ciphertext of another key is an InvalidCiphertextException"
            ),
        ],
        by_eye: None,
    },
];

async fn takes_ciphertexts(laboratory: &Laboratory) -> Finding {
    comes_back(laboratory, &plaintext(LEAST_PLAINTEXT)).await
}

async fn answers_the_plaintext(laboratory: &Laboratory) -> Finding {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    comes_back(laboratory, &every_byte).await
}

async fn comes_back(laboratory: &Laboratory, plaintext: &[u8]) -> Finding {
    let encrypted = laboratory.encrypt(plaintext, Some(AAD)).await?;
    let answer = laboratory.decrypt(&encrypted, Some(AAD)).await?;
    let same = decrypted(&answer)? == plaintext;
    ensure(same, "the plaintext that was encrypted", || format!("another one: {}", excerpt(&answer)))?;
    PASSED
}

async fn requires_what_to_decrypt(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    for field in ["ciphertext", "initializationVector", "authenticationTag", "encryptionAlgorithm"] {
        for value in [None, Some(Value::Null)] {
            let case = format!("{field} {}", if value.is_some() { "null" } else { "absent" });
            let answer = laboratory.ask_edited(Operation::Decrypt, &[(field, value)]).await?;
            cases.note(&case, refused(&answer, &[ErrorName::Validation]))?;
        }
    }
    cases.finding()
}

async fn refuses_other_base64(laboratory: &Laboratory) -> Finding {
    let mut cases = Cases::default();
    let fields = ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"];
    for field in fields.into_iter().chain(["additionalAuthenticatedData"]) {
        for text in ["-_-_", "AAA", "A A=", "AAAA\n", "AAA*"] {
            let edits = [(field, Some(Value::from(text)))];
            let answer = laboratory.ask_edited(Operation::Decrypt, &edits).await?;
            cases.note(&format!("{field} {text:?}"), refused(&answer, &[ErrorName::Validation]))?;
        }
    }
    cases.finding()
}

async fn takes_long_vectors(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let other = Encrypted { iv: vec![7; 16], ..encrypted };
    refused(&laboratory.decrypt(&other, Some(AAD)).await?, &[ErrorName::InvalidCiphertext])?;
    PASSED
}

async fn refuses_other_vectors(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let mut cases = Cases::default();
    for length in [0, 1, 11, 13, 15, 17, 128] {
        let mut iv = encrypted.iv.clone();
        iv.resize(length, 0);
        let answer = laboratory.decrypt(&Encrypted { iv, ..encrypted.clone() }, Some(AAD)).await?;
        cases.note(&format!("{length} bytes"), refused(&answer, &WRONG))?;
    }
    cases.finding()
}

async fn refuses_other_tags(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let mut cases = Cases::default();
    for length in [0, 4, 8, 12, 13, 14, 15, 17, 32] {
        let mut tag = encrypted.tag.clone();
        tag.resize(length, 0);
        let answer = laboratory.decrypt(&Encrypted { tag, ..encrypted.clone() }, Some(AAD)).await?;
        cases.note(&format!("{length} bytes"), refused(&answer, &WRONG))?;
    }
    cases.finding()
}

async fn parts_ciphertext_and_tag(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let whole = [encrypted.ciphertext.as_slice(), &encrypted.tag].concat();
    let mut cases = Cases::default();
    for tag_length in [0, 8, 15, 17, 28, 48] {
        let (ciphertext, tag) = whole.split_at(whole.len().saturating_sub(tag_length));
        let moved = Encrypted { ciphertext: ciphertext.to_vec(), tag: tag.to_vec(), ..encrypted.clone() };
        let answer = laboratory.decrypt(&moved, Some(AAD)).await?;
        cases.note(&format!("a tag of {tag_length} bytes"), refused(&answer, &WRONG))?;
    }
    cases.finding()
}

async fn refuses_long_metadata(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let mut cases = Cases::default();
    for length in [MOST_CIPHERTEXT_METADATA + 1, 256] {
        let mut metadata = encrypted.metadata.clone().unwrap_or_default();
        metadata.resize(length, b' ');
        let long = Encrypted { metadata: Some(metadata), ..encrypted.clone() };
        let answer = laboratory.decrypt(&long, Some(AAD)).await?;
        cases.note(&format!("{length} bytes"), refused(&answer, &WRONG))?;
    }
    cases.finding()
}

async fn notices_changed_metadata(laboratory: &Laboratory) -> Finding {
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let metadata = encrypted.metadata.clone().unwrap_or_default();
    let mut changed = vec![("longer", [metadata.as_slice(), b"x"].concat())];
    changed.first_mut().into_iter().for_each(|(_, longer)| longer.truncate(MOST_CIPHERTEXT_METADATA));
    if !metadata.is_empty() {
        changed.push(("absent", Vec::new()));
        changed.push(("first bit", flipped(&metadata, 0)));
        changed.push(("last bit", flipped(&metadata, metadata.len() - 1)));
    }
    let mut cases = Cases::default();
    for (case, changed) in changed.into_iter().filter(|(_, changed)| *changed != metadata) {
        let other = Encrypted { metadata: Some(changed), ..encrypted.clone() };
        let answer = laboratory.decrypt(&other, Some(AAD)).await?;
        cases.note(case, refused(&answer, &WRONG))?;
    }
    cases.finding()
}

async fn takes_data_again(laboratory: &Laboratory) -> Finding {
    let aad = vec![0x5a; LEAST_ADDITIONAL_DATA];
    let encrypted = laboratory.encrypt(&plaintext(32), Some(&aad)).await?;
    let answer = laboratory.decrypt(&encrypted, Some(&aad)).await?;
    decrypted(&answer)?;
    let last = flipped(&aad, aad.len() - 1);
    refused(&laboratory.decrypt(&encrypted, Some(&last)).await?, &[ErrorName::InvalidCiphertext])?;
    PASSED
}

async fn notices_damage(laboratory: &Laboratory) -> Finding {
    let good = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let mut cases = Cases::default();
    for index in [0, TAG / 2, usize::MAX] {
        let at = |part: &[u8]| flipped(part, index.min(part.len().saturating_sub(1)));
        let damaged = [
            ("ciphertext", Encrypted { ciphertext: at(&good.ciphertext), ..good.clone() }, AAD.to_vec()),
            ("vector", Encrypted { iv: at(&good.iv), ..good.clone() }, AAD.to_vec()),
            ("tag", Encrypted { tag: at(&good.tag), ..good.clone() }, AAD.to_vec()),
            ("data", good.clone(), at(AAD)),
        ];
        for (case, damaged, aad) in damaged {
            let answer = laboratory.decrypt(&damaged, Some(&aad)).await?;
            cases.note(case, refused(&answer, &[ErrorName::InvalidCiphertext]))?;
        }
    }
    cases.finding()
}

async fn notices_other_lengths(laboratory: &Laboratory) -> Finding {
    let good = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let mut cases = Cases::default();
    for length in [0, 1, 31, 33, LEAST_PLAINTEXT] {
        let mut ciphertext = good.ciphertext.clone();
        ciphertext.resize(length, 0);
        let answer = laboratory.decrypt(&Encrypted { ciphertext, ..good.clone() }, Some(AAD)).await?;
        cases.note(&format!("{length} bytes"), refused(&answer, &[ErrorName::InvalidCiphertext]))?;
    }
    cases.finding()
}

async fn notices_other_keys(laboratory: &Laboratory) -> Finding {
    let Some(key) = &laboratory.target.other_key else {
        return Err(Miss::needs("--other-key"));
    };
    let encrypted = laboratory.encrypt(&plaintext(32), Some(AAD)).await?;
    let body = laboratory.decrypt_body(&encrypted, Some(AAD));
    let answer = laboratory.ask(Operation::Decrypt, key, &body).await?;
    refused(&answer, &[ErrorName::InvalidCiphertext])?;
    PASSED
}

/// With one bit of that byte changed.
fn flipped(bytes: &[u8], index: usize) -> Vec<u8> {
    let change = |(at, byte): (usize, &u8)| if at == index { byte ^ 1 } else { *byte };
    bytes.iter().enumerate().map(change).collect()
}

/// Either word is right for a part of a wrong form.
const WRONG: [ErrorName; 2] = [ErrorName::Validation, ErrorName::InvalidCiphertext];
