//! `cardea admin`: what the administrator of the installation does.

use crate::{Data, Done};
use clap::{Args, Subcommand};
use server::admin::{ServiceName, ServiceSummary};
use server::config::Config;
use std::io::{self, Write};
use std::path::PathBuf;

/// Administer an installation, with its service running or not
#[derive(Subcommand)]
pub(crate) enum Admin {
    #[command(subcommand)]
    Account(Account),
    #[command(subcommand)]
    Service(Service),
    /// Say how the running service does
    Status(Data),
}

/// Accounts
#[derive(Subcommand)]
pub(crate) enum Account {
    /// Make an account with a root access key, and print what a shell reads to use it
    Create(Installation),
}

/// Integrated services, which call on behalf of principals and are trusted to say for whom
#[derive(Subcommand)]
pub(crate) enum Service {
    /// Make a service with an access key, and print what a shell reads to call as it
    Create(Named),
    /// Make another access key for a service, so that the one in use can be given up
    CreateAccessKey(Named),
    /// Delete a service with its access keys; the keys made for it in the accounts stay
    Delete(Named),
    /// Delete an access key of a service
    DeleteAccessKey {
        #[command(flatten)]
        named: Named,
        /// The id of the access key.
        #[arg(value_name = "ACCESS_KEY_ID")]
        access_key_id: String,
    },
    /// Print each service with the time it was made and the ids of its access keys
    List(Installation),
}

/// Where the installation is.
#[derive(Args)]
pub(crate) struct Installation {
    #[command(flatten)]
    data: Data,
    /// The configuration file, as for `serve`; only read where no service runs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A service of an installation.
#[derive(Args)]
pub(crate) struct Named {
    /// The name of the service, such as s3.amazonaws.com.
    #[arg(value_name = "NAME")]
    service: ServiceName,
    #[command(flatten)]
    installation: Installation,
}

impl Admin {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Account(Account::Create(installation)) => {
                let (data, config) = installation.read()?;
                print(&server::admin::create_account(&data, &config)?)
            }
            Self::Service(service) => service.run(),
            Self::Status(data) => status(&data),
        }
    }
}

impl Service {
    fn run(self) -> Done {
        match self {
            Self::Create(Named { service, installation }) => {
                let (data, config) = installation.read()?;
                print(&server::admin::create_service(&data, &config, service)?)
            }
            Self::CreateAccessKey(Named { service, installation }) => {
                let (data, config) = installation.read()?;
                print(&server::admin::create_service_access_key(&data, &config, service)?)
            }
            Self::Delete(Named { service, installation }) => {
                let (data, config) = installation.read()?;
                Ok(server::admin::delete_service(&data, &config, service)?)
            }
            Self::DeleteAccessKey { named: Named { service, installation }, access_key_id } => {
                let (data, config) = installation.read()?;
                Ok(server::admin::delete_service_access_key(&data, &config, service, access_key_id)?)
            }
            Self::List(installation) => {
                let (data, config) = installation.read()?;
                server::admin::list_services(&data, &config)?.iter().try_for_each(line)
            }
        }
    }
}

impl Installation {
    fn read(self) -> Result<(PathBuf, Config), Box<dyn std::error::Error>> {
        let config = crate::serve::read(self.config)?;
        Ok((self.data.dir, config))
    }
}

fn print(lines: &str) -> Done {
    Ok(io::stdout().write_all(lines.as_bytes())?)
}

fn line(service: &ServiceSummary) -> Done {
    let ServiceSummary { name, created, access_keys } = service;
    Ok(writeln!(io::stdout(), "{name} {created} {}", access_keys.join(" "))?)
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
