//! What the configuration says of the tokens of an HSM.

use crate::binding::OURS;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use key_manager::{MOST_CIPHERTEXT_METADATA, duration};
use pkcs11_api::KeyLabel;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The tokens of an HSM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The vendor's library.
    pub library: PathBuf,
    /// The labels of the tokens, 1 to 10, which hold the same keys.
    #[serde(deserialize_with = "tokens")]
    pub tokens: Vec<String>,
    /// The file with the PIN of the user of all tokens.
    pub pin_file: PathBuf,
    /// How many sessions are kept with each token: so many calls it gets at once. 1 to 1024.
    #[serde(default = "default_sessions", deserialize_with = "sessions")]
    pub sessions: NonZeroUsize,
    /// The label of an AES-256 key in every token that no customer uses: with it the tokens are tried out.
    #[serde(deserialize_with = "label")]
    pub test_key: String,
    /// How long a token may take before another is asked, such as `100ms`.
    #[serde(default = "default_try_timeout", deserialize_with = "duration")]
    pub try_timeout: Duration,
    /// How long all tokens together may take.
    #[serde(default = "default_timeout", deserialize_with = "duration")]
    pub timeout: Duration,
    /// The environment of the library, such as the variable that names its configuration. It gets no other.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// What AWS's sample proxy put into every `ciphertextMetadata`, in Base64 as its `ciphertext_metadata_b64`, empty if it had none. What
    /// it encrypted with the same keys opens then.
    #[serde(default, deserialize_with = "metadata")]
    pub aws_sample_metadata: Option<Vec<u8>>,
}

impl Settings {
    /// The same, with relative paths taken from that folder.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        Self { library: folder.join(&self.library), pin_file: folder.join(&self.pin_file), ..self }
    }
}

fn tokens<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let tokens = Vec::<String>::deserialize(from)?;
    let labels: BTreeSet<_> = tokens.iter().filter(|label| !label.is_empty()).collect();
    let is_good = labels.len() == tokens.len() && (1..=MOST_TOKENS).contains(&tokens.len());
    is_good
        .then_some(tokens)
        .ok_or_else(|| Error::custom("there are to be 1 to 10 tokens, each of another label"))
}

fn sessions<'de, D: Deserializer<'de>>(from: D) -> Result<NonZeroUsize, D::Error> {
    let sessions = NonZeroUsize::deserialize(from)?;
    let fits = sessions.get() <= MOST_SESSIONS;
    fits.then_some(sessions).ok_or_else(|| Error::custom("there are to be 1 to 1024 sessions"))
}

fn label<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    KeyLabel::new(&text).map_err(Error::custom)?;
    Ok(text)
}

fn metadata<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
    let bytes = STANDARD.decode(&*<Cow<'de, str>>::deserialize(from)?).map_err(Error::custom)?;
    match bytes.len() <= MOST_CIPHERTEXT_METADATA && bytes != OURS {
        true => Ok(Some(bytes)),
        false => Err(Error::custom("no metadata that KMS takes and that is not this key manager's own")),
    }
}

const fn default_sessions() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(15)
}

const fn default_try_timeout() -> Duration {
    Duration::from_millis(100)
}

const fn default_timeout() -> Duration {
    Duration::from_millis(200)
}

/// As many as KMS is told of.
const MOST_TOKENS: usize = 10;
/// As many as `cardea-pkcs11` opens.
const MOST_SESSIONS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_as_documented_and_paths_are_relative_to_the_configuration() {
        let least = "library = '/l.so'\ntokens = ['one', 'two']\npin_file = 'pin'\ntest_key = 'health'";
        let expected = Settings {
            library: "/l.so".into(),
            tokens: vec!["one".to_owned(), "two".to_owned()],
            pin_file: "/etc/proxy/pin".into(),
            sessions: NonZeroUsize::new(16).unwrap(),
            test_key: "health".to_owned(),
            try_timeout: Duration::from_millis(100),
            timeout: Duration::from_millis(200),
            environment: BTreeMap::new(),
            aws_sample_metadata: None,
        };
        let settings = toml::from_str::<Settings>(least).unwrap();
        assert_eq!(settings.relative_to(Path::new("/etc/proxy")), expected);
        let more = "sessions = 4\ntry_timeout = '1s'\ntimeout = '1500ms'\naws_sample_metadata = 'djAuMC4x'\n[environment]\nA = 'b'";
        let settings = toml::from_str::<Settings>(&format!("{least}\n{more}")).unwrap();
        assert_eq!((settings.sessions.get(), settings.try_timeout), (4, Duration::from_secs(1)));
        assert_eq!(settings.timeout, Duration::from_millis(1500));
        assert_eq!(settings.aws_sample_metadata.as_deref(), Some(b"v0.0.1".as_slice()));
        assert_eq!(settings.environment.get("A").map(String::as_str), Some("b"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let least = "library = '/l.so'\npin_file = 'pin'";
        let rest = "tokens = ['one']\ntest_key = 'health'";
        assert!(toml::from_str::<Settings>(&format!("{least}\n{rest}")).is_ok());
        for wrong in [
            "session = 4",
            "sessions = 0",
            "sessions = 1025",
            "timeout = 100",
            "timeout = '0s'",
            "timeout = '5 s'",
            "timeout = '+5s'",
            "timeout = '2h'",
            "aws_sample_metadata = 'AQ=='",
            "aws_sample_metadata = 'v1'",
            "aws_sample_metadata = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkw'",
        ] {
            assert!(toml::from_str::<Settings>(&format!("{least}\n{rest}\n{wrong}")).is_err(), "{wrong}");
        }
        let eleven: Vec<_> = (0..11).map(|number| format!("'{number}'")).collect();
        for tokens in ["", "''", "'one', 'one'", &eleven.join(",")] {
            let text = format!("{least}\ntokens = [{tokens}]\ntest_key = 'health'");
            assert!(toml::from_str::<Settings>(&text).is_err(), "{tokens}");
        }
        assert!(toml::from_str::<Settings>(&format!("{least}\ntokens = ['one']\ntest_key = ''")).is_err());
    }
}
