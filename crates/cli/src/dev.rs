//! `cardea dev`: for trying things out.

use crate::{Data, Done};
use clap::Subcommand;
use server::config::Span;
use std::io::{self, Write};

/// Try things out; for services started with --dev-clock
#[derive(Subcommand)]
pub(crate) enum Dev {
    /// Move the service's clock ahead, and do what is due by then
    Advance {
        /// How far, such as 30s, 12h or 365d.
        duration: Span,
        #[command(flatten)]
        data: Data,
    },
}

impl Dev {
    pub(crate) fn run(self) -> Done {
        let Self::Advance { duration, data } = self;
        let now = server::admin::advance_clock(&data.dir, duration)?;
        Ok(writeln!(io::stdout(), "{now}")?)
    }
}
