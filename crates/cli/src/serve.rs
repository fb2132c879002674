//! `cardea serve`.

use crate::{Data, Done};
use clap::Args;
use server::config::Config;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serve the API until SIGTERM
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    data: Data,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to serve HTTPS, 127.0.0.1:8443 by default.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where to serve plain HTTP besides; loopback only.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// A file of CA certificates to trust for XKS proxies, beside those of the configuration; may be given several times.
    #[arg(long, value_name = "FILE")]
    xks_ca: Vec<PathBuf>,
    /// Let `cardea dev advance` move the service's clock.
    #[arg(long)]
    dev_clock: bool,
}

impl Serve {
    pub(crate) fn run(self) -> Done {
        let mut config = read(self.config)?;
        config.listen = self.listen.unwrap_or(config.listen);
        config.http = self.http.or(config.http);
        config.xks.extra_ca_files.extend(self.xks_ca);
        let filter = std::env::var("CARDEA_LOG").ok();
        server::logging::start(&config.log, filter.as_deref())?;
        save_memory();
        let serve = server::Serve { data: self.data.dir, config, dev_clock: self.dev_clock };
        Ok(server::serve(serve, say_ready)?)
    }
}

/// The allocator would take huge pages, 2 MB for a few kilobytes. A kernel that has none need not be asked.
fn save_memory() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The settings of that file, or the defaults without one.
pub(crate) fn read(config: Option<PathBuf>) -> Result<Config, server::ServerError> {
    config.map_or_else(|| Ok(Config::default()), |path| Config::read(&path))
}

/// The one line on standard output. Whoever started the service may not be reading it: that is no reason to stop.
fn say_ready(url: &str) {
    let mut output = io::stdout();
    let _ = writeln!(output, "cardea ready {url}").and_then(|()| output.flush());
}
