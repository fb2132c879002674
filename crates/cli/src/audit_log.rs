//! `cardea audit`: the journal, read from its files. A service that runs is not disturbed.

use crate::Done;
use audit::{JournalError, Report};
use clap::{Args, Subcommand};
use server::ServerError;
use server::data_dir::DataDir;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Check and read the audit journal
#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Print the records, oldest first, one JSON object a line
    Show {
        #[command(flatten)]
        place: Place,
        /// Only the last N.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
    },
    /// Check that every record is there and as it was written
    Verify(Place),
}

/// Where the journal is.
#[derive(Args)]
pub(crate) struct Place {
    /// The data directory.
    #[arg(long, value_name = "DIR", env = "CARDEA_DATA", required_unless_present = "journal")]
    data: Option<PathBuf>,
    /// The journal itself, wherever it is: of cardea-xks-proxy it is `audit` in its data directory.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
}

impl Audit {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Show { place, last } => show(&place.journal()?, last),
            Self::Verify(place) => verify(&place.journal()?),
        }
    }
}

impl Place {
    fn journal(self) -> Result<PathBuf, ServerError> {
        match (self.journal, self.data) {
            (Some(journal), _) => Ok(journal),
            (None, data) => Ok(DataDir::open(&data.unwrap_or_default())?.journal()),
        }
    }
}

fn show(journal: &Path, last: Option<usize>) -> Done {
    let mut output = io::BufWriter::new(io::stdout().lock());
    match last {
        None => audit::records(journal)?.try_for_each(|entry| print(&mut output, &entry?.record))?,
        Some(count) => newest(journal, count)?.iter().try_for_each(|record| print(&mut output, record))?,
    }
    Ok(output.flush()?)
}

fn newest(journal: &Path, count: usize) -> Result<VecDeque<Vec<u8>>, JournalError> {
    let mut newest = VecDeque::new();
    for entry in audit::records(journal)? {
        newest.push_back(entry?.record);
        if newest.len() > count {
            newest.pop_front();
        }
    }
    Ok(newest)
}

fn print(output: &mut impl Write, record: &[u8]) -> Done {
    output.write_all(record)?;
    Ok(output.write_all(b"\n")?)
}

fn verify(journal: &Path) -> Done {
    let report = audit::verify(journal)?;
    let mut output = io::stdout();
    writeln!(output, "{}", summary(&report))?;
    if let Some(torn) = &report.torn_tail {
        let file = torn.file.display();
        writeln!(output, "a batch that was never acknowledged is torn at the end of `{file}`: no harm")?;
    }
    Ok(())
}

fn summary(report: &Report) -> String {
    let Report { records, segments, head, .. } = report;
    let span = match (&report.first_time, &report.last_time) {
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    };
    format!("ok: {records} records in {segments} files{span}; chain {}", head.chain)
}
