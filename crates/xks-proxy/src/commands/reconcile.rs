//! Joins the audit log of a KMS with the proxy's, and lists what only one of them has.

use super::Outcome;
use crate::reconcile::{Sources, reconcile};
use jiff::Timestamp;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Joins the audit log of a KMS with the proxy's, and lists what only one of them has
///
/// The exit code is 0 if nothing was found, 3 if there are differences, 1 if that cannot be told, 2 if the command line is wrong.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file of CloudTrail (.json or .json.gz), a folder of them, or a journal of Cardea; may be given several times.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    kms: Vec<PathBuf>,
    /// The proxy's journal: `audit` in its data directory.
    #[arg(long, value_name = "DIRECTORY")]
    proxy: PathBuf,
    /// From when on, such as 2026-11-01T00:00:00Z; both logs must be whole from there on.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Until when; both logs must be whole until then.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Only the calls of the key store at that path prefix; may be given several times.
    #[arg(long, value_name = "PREFIX")]
    key_store: Vec<String>,
    /// The ARN of a KMS key whose external key is behind the proxy; may be given several times. Those that the proxy was asked for by
    /// default.
    #[arg(long, value_name = "ARN")]
    kms_key: Vec<String>,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// Does it.
///
/// # Errors
///
/// A log cannot be read, is damaged, or is none.
pub fn run(arguments: &Arguments) -> Outcome {
    let Arguments { kms, proxy, from, to, key_store, kms_key, json } = arguments;
    let report = reconcile(&Sources {
        kms: kms.clone(),
        proxy: proxy.clone(),
        from: *from,
        to: *to,
        stores: key_store.clone(),
        kms_keys: kms_key.clone(),
    })?;
    let mut output = BufWriter::new(io::stdout().lock());
    if *json {
        serde_json::to_writer_pretty(&mut output, &report)?;
        writeln!(output)?;
    } else {
        write!(output, "{report}")?;
    }
    output.flush()?;
    Ok(if report.differences().len() == 0 { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

/// How the process ends if the logs do not agree.
const DIFFERENT: u8 = 3;
