//! One reading of a configuration: its text, what was found wrong with it so far, and every file that was looked at.

use super::files::{self, Files, Stamp, Unreadable};
use super::{ConfigError, Mistake};
use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// One reading of a configuration. Its parts are read one after another and tell it what is wrong with them.
pub(super) struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    found: RefCell<Found>,
}

/// Bytes of the configuration's text.
pub(super) type Place = Range<usize>;

#[derive(Default)]
struct Found {
    mistakes: Vec<(usize, Mistake)>,
    warnings: Vec<(usize, Mistake)>,
    files: Files,
}

impl<'a> Reading<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, found: RefCell::default() }
    }

    /// Something is wrong there.
    pub(super) fn wrong(&self, place: Place, message: impl Into<String>) {
        let mistake = self.mistake(&place, message.into());
        self.found.borrow_mut().mistakes.push((place.start, mistake));
    }

    /// Something there can be meant but is likely not.
    pub(super) fn doubt(&self, place: Place, message: impl Into<String>) {
        let mistake = self.mistake(&place, message.into());
        self.found.borrow_mut().warnings.push((place.start, mistake));
    }

    /// The folder of the configuration.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(self.path)
    }

    /// Where a file is that is named relative to the configuration.
    pub(super) fn resolve(&self, named: &Path) -> PathBuf {
        self.folder().join(named)
    }

    /// What is in a file that is named there.
    pub(super) fn file(&self, place: Place, named: &Path) -> Option<Vec<u8>> {
        self.told(place, named, files::read(&self.resolve(named))).map(|(contents, _)| contents)
    }

    /// What is in a file that is named there and that nobody else may read, and the file's stamp.
    pub(super) fn private_file(&self, place: Place, named: &Path) -> Option<(Zeroizing<Vec<u8>>, Stamp)> {
        self.told(place, named, files::read_private(&self.resolve(named)))
    }

    /// Tells if a file cannot be read, or can be read by others. It is not watched: whoever uses it reads it for itself.
    pub(super) fn check_private(&self, place: Place, file: &Path) {
        if let (Err(error), _) = files::read_private(file) {
            self.wrong(place, error.to_string());
        }
    }

    /// What the checks come to: the value if nothing is wrong, and in any case the files that were looked at.
    pub(super) fn end<T>(self, value: Option<T>) -> (Result<(T, Vec<Mistake>), ConfigError>, Files) {
        let Found { mistakes, warnings, files } = self.found.into_inner();
        let outcome = match value.filter(|_| mistakes.is_empty()) {
            Some(value) => Ok((value, in_order(warnings))),
            None => Err(ConfigError { mistakes: in_order(mistakes) }),
        };
        (outcome, files)
    }

    fn told<T>(
        &self,
        place: Place,
        named: &Path,
        (outcome, stamp): (Result<T, Unreadable>, Option<Stamp>),
    ) -> Option<(T, Stamp)> {
        self.found.borrow_mut().files.push((self.resolve(named), stamp));
        outcome.map_err(|error| self.wrong(place, error.to_string())).ok().zip(stamp)
    }

    fn mistake(&self, place: &Place, message: String) -> Mistake {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
        Mistake { file: self.path.to_owned(), place: Some((line, column)), message }
    }
}

fn in_order(mut mistakes: Vec<(usize, Mistake)>) -> Vec<Mistake> {
    mistakes.sort_by_key(|(at, _)| *at);
    mistakes.into_iter().map(|(_, mistake)| mistake).collect()
}
