//! A data directory with so many keys in it, made through the API.

use super::cardea::Cardea;
use super::{BenchError, Places, note};
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A data directory that holds the keys it should.
#[derive(Debug)]
pub struct Store {
    /// Where it is.
    pub data: PathBuf,
    /// The ids of its keys.
    pub keys: Vec<String>,
    /// How its keys were made, if they were made now.
    pub creation: Option<Creation>,
}

/// How long keys took to make.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Creation {
    /// How many.
    pub keys: usize,
    /// How long.
    pub seconds: f64,
    /// Keys a second.
    pub rate: f64,
}

impl Store {
    /// That many keys, in a new data directory or in the one that a former run has left.
    pub fn prepare(places: &Places, count: usize, reuse: bool) -> Result<Self, BenchError> {
        let data = places.bench.join(format!("keys-{count}"));
        if !reuse {
            remove(&data)?;
        }
        let cardea = Cardea::start(places, &data)?;
        let mut keys = cardea.key_ids()?;
        let missing = count.saturating_sub(keys.len());
        let creation = (missing > 0).then(|| create(&cardea, missing)).transpose()?;
        if creation.is_some() {
            keys = cardea.key_ids()?;
        }
        Ok(Self { data, keys, creation })
    }
}

fn create(cardea: &Cardea, count: usize) -> Result<Creation, BenchError> {
    let began = Instant::now();
    let mut told = began;
    for done in (0..count).step_by(SIGNED_AT_ONCE) {
        let bodies = vec!["{}".to_owned(); SIGNED_AT_ONCE.min(count - done)];
        cardea.call_all("CreateKey", &bodies, CONNECTIONS)?;
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            note(&format!("{} of {count} keys are made", done + bodies.len()));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Creation { keys: count, seconds, rate: count as f64 / seconds })
}

/// Removes a data directory, if it is there.
pub fn remove(data: &PathBuf) -> Result<(), BenchError> {
    match fs::remove_dir_all(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(BenchError::io("remove an old data directory")),
    }
}

/// Few enough to be sent while their signatures are good.
const SIGNED_AT_ONCE: usize = 5_000;
const CONNECTIONS: usize = 64;
const TELL_EVERY: Duration = Duration::from_secs(15);
