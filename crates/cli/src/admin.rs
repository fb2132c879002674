//! `cardea admin`: what the administrator of the installation does.

use crate::{Data, Done};
use clap::{Args, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;

/// Administer an installation, with its service running or not
#[derive(Subcommand)]
pub(crate) enum Admin {
    #[command(subcommand)]
    Account(Account),
    /// Say how the running service does
    Status(Data),
}

/// Accounts
#[derive(Subcommand)]
pub(crate) enum Account {
    /// Make an account with a root access key, and print what a shell reads to use it
    Create(Create),
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    data: Data,
    /// The configuration file, as for `serve`; only read where no service runs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Admin {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Account(Account::Create(create)) => create.run(),
            Self::Status(data) => status(&data),
        }
    }
}

impl Create {
    fn run(self) -> Done {
        let config = crate::serve::read(self.config)?;
        let lines = server::admin::create_account(&self.data.dir, &config)?;
        Ok(io::stdout().write_all(lines.as_bytes())?)
    }
}

fn status(data: &Data) -> Done {
    let status = server::admin::status(&data.dir)?;
    let working = |works: bool| if works { "working" } else { "failing" };
    let http = status.http.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let mut output = io::stdout();
    writeln!(output, "version {}", status.version)?;
    writeln!(output, "process {}", status.process)?;
    writeln!(output, "https   {}", status.https)?;
    writeln!(output, "http    {http}")?;
    writeln!(output, "time    {} ({} ms ahead)", status.time, status.clock_ahead_millis)?;
    writeln!(output, "module  {}", working(status.module_answers))?;
    writeln!(output, "journal {}", working(status.journal_is_healthy))?;
    Ok(())
}
