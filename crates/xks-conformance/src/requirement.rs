//! What a requirement is: a row of the list in `requirements`, with the checks that look at it.

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;

use crate::laboratory::Laboratory;

/// How much a requirement, or one check of it, weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// A proxy that does otherwise is wrong.
    Must,
    /// A proxy that does otherwise has a reason.
    Should,
    /// Told, and judged by whoever reads it.
    May,
}

impl Level {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

/// A row.
pub(crate) struct Requirement {
    /// `P1`.
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) sentence: &'static str,
    pub(crate) checks: &'static [Check],
    /// What to look at for what no machine can see from outside.
    pub(crate) by_eye: Option<&'static str>,
}

/// One thing that is looked at.
pub(crate) struct Check {
    /// What is right, as a sentence.
    pub(crate) sentence: &'static str,
    pub(crate) level: Level,
    pub(crate) turn: Turn,
    pub(crate) run: for<'a> fn(&'a Laboratory) -> Pin<Box<dyn Future<Output = Finding> + 'a>>,
}

/// `check!(Must, Ordinary, function, "what is right")`.
macro_rules! check {
    ($level:ident, $turn:ident, $function:path, $sentence:literal) => {
        $crate::requirement::Check {
            sentence: $sentence,
            level: $crate::requirement::Level::$level,
            turn: $crate::requirement::Turn::$turn,
            run: |laboratory| Box::pin($function(laboratory)),
        }
    };
}
pub(crate) use check;

/// When a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Among the others.
    Ordinary,
    /// Behind the others: what it sends may end a proxy.
    Dangerous,
    /// At the very end: it looks at all that was answered.
    Last,
}

/// What a check comes to.
pub(crate) type Finding = Result<Passed, Miss>;

/// As it should be; perhaps with something worth telling.
#[derive(Debug)]
pub(crate) struct Passed(pub(crate) Option<String>);

/// As it should be, with something worth telling.
pub(crate) fn noted(note: impl Into<String>) -> Finding {
    Ok(Passed(Some(note.into())))
}

/// As it should be, and nothing to tell.
pub(crate) const PASSED: Finding = Ok(Passed(None));

/// Not as it should be, or not looked at.
#[derive(Debug)]
pub(crate) enum Miss {
    Failed {
        expected: String,
        found: String,
    },
    /// The connection came to an end, or nothing came in time.
    Lost(String),
    Skipped(String),
}

impl Miss {
    pub(crate) fn failed(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Failed { expected: expected.into(), found: found.into() }
    }

    /// Nothing was lent to look with.
    pub(crate) fn needs(argument: &str) -> Self {
        Self::Skipped(format!("needs {argument}"))
    }
}

/// `expected` was not found unless `right`.
pub(crate) fn ensure(
    right: bool,
    expected: impl Into<String>,
    found: impl FnOnce() -> String,
) -> Result<(), Miss> {
    if right { Ok(()) } else { Err(Miss::failed(expected, found())) }
}
