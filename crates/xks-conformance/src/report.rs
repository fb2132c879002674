//! What was found: a row a requirement, as text for people and as JSON for machines.

use std::fmt;

use serde::Serialize;

use crate::requirement::Level;

/// All that was found.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The URI of the proxy.
    pub target: String,
    /// Of checks.
    pub totals: Totals,
    /// In the order of the specification.
    pub requirements: Vec<RequirementResult>,
}

/// How many checks came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Checks that passed.
    pub passed: usize,
    /// Checks of what a proxy must do, that failed.
    pub failed_must: usize,
    /// Other checks that failed.
    pub failed_should: usize,
    /// Checks that were not made.
    pub skipped: usize,
    /// Requirements that no machine can check from outside.
    pub by_eye: usize,
}

/// What was found of one requirement.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct RequirementResult {
    /// Such as `P22`.
    pub id: &'static str,
    /// The part of the specification that it is of.
    pub section: &'static str,
    /// What it weighs.
    pub level: Level,
    /// What it asks for.
    pub sentence: &'static str,
    /// What was looked at.
    pub checks: Vec<CheckResult>,
    /// What to look at for what no machine can see from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_eye: Option<&'static str>,
}

/// What one check came to.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// What is right.
    pub sentence: &'static str,
    /// What it weighs.
    pub level: Level,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a check comes to.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Passed {
        /// What is worth telling.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Otherwise.
    Failed {
        /// What should have been.
        expected: String,
        /// What was.
        found: String,
    },
    /// Not looked at.
    Skipped {
        /// Why not, and what would let it run.
        reason: String,
    },
}

impl Report {
    pub(crate) fn new(target: String, requirements: Vec<RequirementResult>) -> Self {
        let totals = Totals::of(&requirements);
        Self { target, totals, requirements }
    }

    /// Whether the proxy does all that it must, as far as was looked at.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.totals.failed_must == 0
    }

    /// The requirement of that id.
    #[must_use]
    pub fn requirement(&self, id: &str) -> Option<&RequirementResult> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }
}

impl RequirementResult {
    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }

    /// One word for all checks.
    fn verdict(&self) -> &'static str {
        let worst = self.failed().map(|check| check.level).min();
        let made = self.checks.iter().any(|check| matches!(check.outcome, Outcome::Passed { .. }));
        match worst {
            Some(Level::Must) => "FAILED",
            Some(_) => "advice",
            None if made => "passed",
            None if self.checks.is_empty() => "by eye",
            None => "skipped",
        }
    }
}

impl Totals {
    fn of(requirements: &[RequirementResult]) -> Self {
        let mut totals = Self::default();
        for requirement in requirements {
            totals.by_eye += usize::from(requirement.checks.is_empty());
            requirement.checks.iter().for_each(|check| totals.count(check));
        }
        totals
    }

    fn count(&mut self, check: &CheckResult) {
        let counter = match check.outcome {
            Outcome::Passed { .. } => &mut self.passed,
            Outcome::Failed { .. } if check.level == Level::Must => &mut self.failed_must,
            Outcome::Failed { .. } => &mut self.failed_should,
            Outcome::Skipped { .. } => &mut self.skipped,
        };
        *counter += 1;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.target)?;
        let mut section = "";
        for requirement in &self.requirements {
            if requirement.section != section {
                section = requirement.section;
                writeln!(formatter, "\n{section}")?;
            }
            write!(formatter, "{requirement}")?;
        }
        writeln!(formatter, "\n{}", self.totals)
    }
}

impl fmt::Display for RequirementResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed =
            self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Passed { .. })).count();
        let share = format!("{passed}/{}", self.checks.len());
        let level = self.level.as_str();
        writeln!(
            formatter,
            "  {:<4} {:<7} {share:>5}  {level:<6} {}",
            self.id,
            self.verdict(),
            self.sentence
        )?;
        for check in &self.checks {
            write!(formatter, "{check}")?;
        }
        match self.by_eye {
            Some(by_eye) => writeln!(formatter, "{INDENT}by eye: {by_eye}"),
            None => Ok(()),
        }
    }
}

/// What passed is told only where there is something to tell.
impl fmt::Display for CheckResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sentence, level) = (self.sentence, self.level.as_str());
        match &self.outcome {
            Outcome::Passed { note: None } => Ok(()),
            Outcome::Passed { note: Some(note) } => writeln!(formatter, "{INDENT}{sentence}: {note}"),
            Outcome::Failed { expected, found } => {
                writeln!(formatter, "{INDENT}FAILED ({level}): {sentence}")?;
                writeln!(formatter, "{INDENT}  expected: {expected}")?;
                writeln!(formatter, "{INDENT}  found:    {found}")
            }
            Outcome::Skipped { reason } => writeln!(formatter, "{INDENT}skipped: {sentence} ({reason})"),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed_must, failed_should, skipped, by_eye } = self;
        write!(
            formatter,
            "{passed} checks passed, {failed_must} failed that a proxy must pass, {failed_should} failed that it \
             should pass, {skipped} skipped; {by_eye} requirements are to be looked at by eye"
        )
    }
}

const INDENT: &str = "                             ";
