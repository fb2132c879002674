//! The operations that are measured, and the bodies of their requests.

use super::BenchError;
use super::cardea::{Cardea, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// An operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Operation {
    /// Of the plaintext that `Encrypt` was given.
    Decrypt,
    /// One key's metadata.
    DescribeKey,
    /// 32 bytes.
    Encrypt,
    /// An AES-256 key.
    GenerateDataKey,
}

impl Operation {
    /// All of them, the dearest targets first.
    pub const ALL: [Self; 4] = [Self::Encrypt, Self::Decrypt, Self::GenerateDataKey, Self::DescribeKey];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decrypt => "Decrypt",
            Self::DescribeKey => "DescribeKey",
            Self::Encrypt => "Encrypt",
            Self::GenerateDataKey => "GenerateDataKey",
        }
    }

    /// So many bodies, each for the next of those keys. `Decrypt` needs something to decrypt, which is encrypted here.
    pub fn bodies(self, cardea: &Cardea, keys: &[String], count: usize) -> Result<Vec<String>, BenchError> {
        let keys = || keys.iter().cycle().take(count);
        Ok(match self {
            Self::Decrypt => {
                let plaintexts = encrypt_bodies(keys());
                let encrypted = cardea.call_all(Self::Encrypt.name(), &plaintexts, PREPARING)?;
                let body = |blob: String| format!(r#"{{"CiphertextBlob":"{blob}"}}"#);
                encrypted
                    .iter()
                    .map(|answer| text(answer, "CiphertextBlob").map(body))
                    .collect::<Result<_, _>>()?
            }
            Self::DescribeKey => keys().map(|key| format!(r#"{{"KeyId":"{key}"}}"#)).collect(),
            Self::Encrypt => encrypt_bodies(keys()),
            Self::GenerateDataKey => {
                keys().map(|key| format!(r#"{{"KeyId":"{key}","KeySpec":"AES_256"}}"#)).collect()
            }
        })
    }
}

/// Bodies of `Encrypt`, each with another plaintext.
pub fn encrypt_bodies<'a>(keys: impl Iterator<Item = &'a String>) -> Vec<String> {
    let body = |(number, key): (u128, &String)| {
        let plaintext = STANDARD.encode([number.to_be_bytes(), (!number).to_be_bytes()].concat());
        format!(r#"{{"KeyId":"{key}","Plaintext":"{plaintext}"}}"#)
    };
    (0..).zip(keys).map(body).collect()
}

/// Connections of calls that are not measured.
const PREPARING: usize = 16;
