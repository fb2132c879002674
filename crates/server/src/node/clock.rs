//! The service's clock over restarts: how far it was moved is in the data directory, so that time never goes back.

use crate::ServerError;
use crate::config::Span;
use crate::data_dir::{DataDir, write_private};
use operations::Clock;
use serde::{Deserialize, Serialize};

/// The clock of a data directory.
#[derive(Clone, Debug)]
pub(crate) struct ServiceClock {
    dir: DataDir,
    clock: Clock,
    may_be_moved: bool,
}

/// What is in the file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    ahead_millis: i64,
}

impl ServiceClock {
    /// The clock as it was left. One that was moved is not gone on with unless it may be.
    pub(crate) fn open(dir: &DataDir, may_be_moved: bool) -> Result<Self, ServerError> {
        let ahead_millis = read(dir)?;
        if ahead_millis != 0 && !may_be_moved {
            return Err(ServerError::ClockMoved { path: dir.path().to_owned(), offset_millis: ahead_millis });
        }
        Ok(Self { dir: dir.clone(), clock: Clock::ahead_by(ahead_millis), may_be_moved })
    }

    /// The clock itself.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Moves it, if it may be moved. What is on the disk goes first.
    pub(crate) fn advance(&self, by: Span) -> Result<(), ServerError> {
        if !self.may_be_moved {
            let reason = "its clock is the real one; start it with --dev-clock to move it".to_owned();
            return Err(ServerError::AdminRefused { reason });
        }
        let ahead_millis = self.clock.ahead_millis().saturating_add(by.as_millis());
        if ahead_millis > Span::LONGEST.as_millis() {
            let reason = "its clock would be moved further than clocks go".to_owned();
            return Err(ServerError::AdminRefused { reason });
        }
        let text = serde_json::to_vec(&Moved { ahead_millis }).map_err(ServerError::part(UNWRITABLE))?;
        write_private(&self.dir.file(FILE), &text)?;
        self.clock.advance(by.as_millis());
        Ok(())
    }
}

fn read(dir: &DataDir) -> Result<i64, ServerError> {
    let path = dir.file(FILE);
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(ServerError::file("read", &path)(error)),
        Ok(text) => {
            let moved: Moved = serde_json::from_slice(&text).map_err(ServerError::part(UNREADABLE))?;
            Ok(moved.ahead_millis)
        }
    }
}

const FILE: &str = "clock.json";
const UNREADABLE: &str = "the file `clock.json` in the data directory is damaged";
const UNWRITABLE: &str = "the clock cannot be kept";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_moved_stays_moved_over_a_restart() {
        let (_outside, dir) = dir();
        let clock = ServiceClock::open(&dir, true).unwrap();
        clock.advance("365d".parse().unwrap()).unwrap();
        clock.advance("1h".parse().unwrap()).unwrap();
        let again = ServiceClock::open(&dir, true).unwrap();
        assert_eq!(again.clock().ahead_millis(), (365 * 24 + 1) * 3_600_000);
    }

    #[test]
    fn a_clock_that_was_moved_is_refused_where_clocks_are_not_moved() {
        let (_outside, dir) = dir();
        ServiceClock::open(&dir, true).unwrap().advance("1d".parse().unwrap()).unwrap();
        let refused = ServiceClock::open(&dir, false).unwrap_err().to_string();
        assert!(refused.contains("--dev-clock"), "{refused}");
    }

    #[test]
    fn a_real_clock_is_not_moved() {
        let (_outside, dir) = dir();
        let clock = ServiceClock::open(&dir, false).unwrap();
        assert!(clock.advance("1d".parse().unwrap()).is_err());
        assert_eq!(clock.clock().ahead_millis(), 0);
    }

    #[test]
    fn a_clock_does_not_leave_the_range_of_time() {
        let (_outside, dir) = dir();
        let clock = ServiceClock::open(&dir, true).unwrap();
        clock.advance(Span::LONGEST).unwrap();
        assert!(clock.advance("1s".parse().unwrap()).is_err());
        ServiceClock::open(&dir, true).unwrap();
    }

    #[test]
    fn a_damaged_clock_file_is_an_error_and_not_the_real_time() {
        let (_outside, dir) = dir();
        std::fs::write(dir.file(FILE), "{").unwrap();
        assert!(ServiceClock::open(&dir, true).is_err());
    }

    fn dir() -> (tempfile::TempDir, DataDir) {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        (outside, dir)
    }
}
