//! One run: every requirement's checks, the dangerous ones behind the others, and the report.

use std::time::Duration;

use xks_api::Operation;

use crate::calls;
use crate::error::Error;
use crate::laboratory::Laboratory;
use crate::report::{CheckResult, Outcome, Report, RequirementResult};
use crate::requirement::{Check, Miss, Passed, Requirement, Turn};
use crate::requirements::{SECTIONS, Section};
use crate::target::Target;

/// What a run is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Only these requirements, such as `P22`; all if there are none.
    pub only: Vec<String>,
    /// Whether the proxy is put under load, to see whether it throttles.
    pub load: bool,
    /// How long a connection may stay open that says nothing more; `None`: there is no time to look at that.
    pub slow: Option<Duration>,
    /// How many bytes of a body that nobody wants are sent at most.
    pub flood_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { only: Vec::new(), load: false, slow: None, flood_bytes: 200 * 1024 * 1024 }
    }
}

/// Looks at a proxy. Blocks the thread until the report is there.
pub fn run(target: Target, options: &Options) -> Result<Report, Error> {
    let chosen = chosen(options)?;
    let laboratory = Laboratory::new(target, options.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        reach(&laboratory).await?;
        Ok(look(&laboratory, &chosen).await)
    })
}

type Chosen = Vec<(&'static Section, &'static Requirement)>;

fn chosen(options: &Options) -> Result<Chosen, Error> {
    let all = || SECTIONS.iter().flat_map(|section| section.requirements.iter().map(move |it| (section, it)));
    for name in &options.only {
        if !all().any(|(_, requirement)| requirement.id == name) {
            return Err(Error::UnknownRequirement { name: name.clone() });
        }
    }
    let wanted = |id: &str| options.only.is_empty() || options.only.iter().any(|name| name == id);
    Ok(all().filter(|(_, requirement)| wanted(requirement.id)).collect())
}

/// A proxy that does not answer at all is no matter for a report.
async fn reach(laboratory: &Laboratory) -> Result<(), Error> {
    let body = calls::plain(Operation::GetHealthStatus, laboratory.next());
    let unreachable = |reason| Error::Unreachable { url: laboratory.target.store.url(), reason };
    match laboratory.ask(Operation::GetHealthStatus, "", &body).await {
        Err(Miss::Lost(reason)) => Err(unreachable(reason)),
        _ => Ok(()),
    }
}

async fn look(laboratory: &Laboratory, chosen: &Chosen) -> Report {
    let mut made: Vec<Vec<Option<Outcome>>> =
        chosen.iter().map(|(_, requirement)| requirement.checks.iter().map(|_| None).collect()).collect();
    let mut dead = None;
    for turn in [Turn::Ordinary, Turn::Dangerous, Turn::Last] {
        for ((_, requirement), outcomes) in chosen.iter().zip(&mut made) {
            for (check, outcome) in requirement.checks.iter().zip(outcomes) {
                if check.turn == turn {
                    *outcome = Some(outcome_of(laboratory, check, &mut dead).await);
                }
            }
        }
    }
    let results = chosen.iter().zip(made).map(|((section, it), outcomes)| result(section, it, outcomes));
    Report::new(laboratory.target.store.url(), results.collect())
}

/// Behind the death of a proxy only what was answered before can be looked at.
async fn outcome_of(laboratory: &Laboratory, check: &Check, dead: &mut Option<&'static str>) -> Outcome {
    if let (Some(killer), true) = (&dead, check.turn != Turn::Last) {
        return Outcome::Skipped { reason: format!("the proxy has not answered since: {killer}") };
    }
    match (check.run)(laboratory).await {
        Ok(Passed(note)) => Outcome::Passed { note },
        Err(Miss::Skipped(reason)) => Outcome::Skipped { reason },
        Err(miss) => {
            if check.turn != Turn::Last && !laboratory.is_alive().await {
                *dead = Some(check.sentence);
            }
            failed(miss)
        }
    }
}

fn failed(miss: Miss) -> Outcome {
    match miss {
        Miss::Failed { expected, found } => Outcome::Failed { expected, found },
        Miss::Lost(found) => Outcome::Failed { expected: "an answer".to_owned(), found },
        Miss::Skipped(reason) => Outcome::Skipped { reason },
    }
}

fn result(
    section: &'static Section,
    requirement: &Requirement,
    outcomes: Vec<Option<Outcome>>,
) -> RequirementResult {
    let checks = requirement.checks.iter().zip(outcomes).filter_map(|(check, outcome)| {
        Some(CheckResult { sentence: check.sentence, level: check.level, outcome: outcome? })
    });
    RequirementResult {
        id: requirement.id,
        section: section.title,
        level: requirement.level,
        sentence: requirement.sentence,
        checks: checks.collect(),
        by_eye: requirement.by_eye,
    }
}
