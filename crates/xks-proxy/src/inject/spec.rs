//! What is to go wrong, as a text says it: `latency=normal:20ms:5ms,timeout=1/1000,operation=Encrypt,seed=7`.

use super::latency::Latency;
use std::fmt;
use std::num::{NonZeroU64, ParseIntError};
use std::str::FromStr;
use std::time::Duration;
use xks_api::{ErrorName, Operation, Target};

/// What is to go wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spec {
    /// As it was written.
    pub(super) text: String,
    pub(super) latency: Option<Latency>,
    /// Each in so many calls one; the first that is drawn.
    pub(super) faults: Vec<(Fault, NonZeroU64)>,
    pub(super) seed: Option<u64>,
    operation: Option<Operation>,
    store: Option<String>,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// That error, and nothing is done.
    Error(ErrorName),
    /// The answer is no JSON.
    NotJson,
    /// The connection ends instead of an answer.
    Reset,
    /// The answer never comes.
    Timeout,
    /// The answer ends in its middle.
    Truncated,
    /// The tag of a ciphertext, or the first byte of a plaintext, is another.
    WrongTag,
    /// The integrity value of a ciphertext is another.
    WrongValue,
}

impl Spec {
    /// Whether a request for that is among those that go wrong.
    pub(super) fn concerns(&self, target: &Target<'_>) -> bool {
        self.operation.is_none_or(|operation| operation == target.operation)
            && self.store.as_ref().is_none_or(|store| store == target.prefix)
    }
}

impl FromStr for Spec {
    type Err = InvalidSpec;

    fn from_str(text: &str) -> Result<Self, InvalidSpec> {
        let mut spec = Self {
            text: text.to_owned(),
            latency: None,
            faults: Vec::new(),
            seed: None,
            operation: None,
            store: None,
        };
        for item in text.split(',').map(str::trim) {
            let wrong = || InvalidSpec(item.to_owned());
            let (name, value) = item.split_once('=').ok_or_else(wrong)?;
            spec.add(name, value).ok_or_else(wrong)?;
        }
        Ok(spec)
    }
}

impl Spec {
    fn add(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "latency" => self.latency = Some(value.parse().ok()?),
            "operation" => {
                self.operation = Some(Operation::ALL.into_iter().find(|one| one.as_str() == value)?);
            }
            "store" => self.store = Some(value.to_owned()),
            "seed" => self.seed = Some(value.parse().ok()?),
            "error" => {
                let (error, share) = value.split_once(':')?;
                let error = ErrorName::ALL.iter().find(|one| one.as_str() == error)?;
                self.faults.push((Fault::Error(*error), one_in(share).ok()?));
            }
            _ => {
                let (_, fault) = NAMED.iter().find(|(named, _)| *named == name)?;
                self.faults.push((*fault, one_in(value).ok()?));
            }
        }
        Some(())
    }
}

/// The text is no specification of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be injected: it is latency=fixed:TIME, uniform:LEAST:MOST, normal:MEAN:DEVIATION, exponential:MEAN or \
     table:PERCENT=TIME;…, or timeout, reset, wrong-tag, wrong-value, truncated or not-json=1/N, or error=NAME:1/N, or operation=NAME, \
     store=PREFIX or seed=NUMBER"
)]
pub(crate) struct InvalidSpec(pub(super) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "error={error}"),
            fault => f.write_str(NAMED.iter().find(|(_, named)| named == fault).map_or("", |(name, _)| name)),
        }
    }
}

fn one_in(text: &str) -> Result<NonZeroU64, ParseIntError> {
    text.strip_prefix("1/").unwrap_or("").parse()
}

/// Such as `20ms`, `1.5s` or `300us`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|symbol: char| symbol.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

const NAMED: [(&str, Fault); 6] = [
    ("not-json", Fault::NotJson),
    ("reset", Fault::Reset),
    ("timeout", Fault::Timeout),
    ("truncated", Fault::Truncated),
    ("wrong-tag", Fault::WrongTag),
    ("wrong-value", Fault::WrongValue),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_go_wrong_can_be_written() {
        let text = "latency=uniform:1ms:2s,timeout=1/1000,error=ThrottlingException:1/9,wrong-value=1/3,operation=Encrypt,store=/a,seed=7";
        let spec: Spec = text.parse().unwrap();
        let one_in = |number| NonZeroU64::new(number).unwrap();
        assert_eq!(
            spec.faults,
            [
                (Fault::Timeout, one_in(1000)),
                (Fault::Error(ErrorName::Throttling), one_in(9)),
                (Fault::WrongValue, one_in(3))
            ]
        );
        assert_eq!(spec.seed, Some(7));
        assert!(spec.concerns(&Target::of("/a/kms/xks/v1/keys/k/encrypt").unwrap()));
        assert!(!spec.concerns(&Target::of("/a/kms/xks/v1/keys/k/decrypt").unwrap()));
        assert!(!spec.concerns(&Target::of("/b/kms/xks/v1/keys/k/encrypt").unwrap()));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_part_that_is_wrong() {
        for wrong in [
            "timeout",
            "timeout=2/3",
            "timeout=1/0",
            "error=Nope:1/2",
            "latency=fixed",
            "latency=fixed:-1s",
            "nonsense=1/2",
            "",
        ] {
            let refused = format!("seed=1,{wrong}").parse::<Spec>().unwrap_err();
            assert_eq!(refused, InvalidSpec(wrong.to_owned()));
        }
    }
}
