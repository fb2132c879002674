//! What floods do to the proxy: how much memory it takes, and how much of its good callers' rate is left.

use super::super::connection::Connection;
use super::super::load::{Slice, drive, runtime};
use super::super::{BenchError, Options, Places, note};
use super::api::Call;
use super::flood::{Flood, Kind};
use super::rig::Folder;
use serde::Serialize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The most memory that a proxy took that did nothing else.
#[derive(Debug, Serialize)]
pub struct Peak {
    /// What was done to it.
    pub of: String,
    /// Resident bytes before.
    pub before: u64,
    /// The most resident bytes, ever.
    pub most: u64,
    /// How often it was done.
    pub done: usize,
}

/// Good load beside a flood.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Beside {
    /// Alone.
    pub quiet: Slice,
    /// With the flood.
    pub beside: Slice,
    /// Answers that the flood got a second.
    pub flood_rate: f64,
}

/// Each with a proxy of its own, so that the peak is of nothing else.
pub fn memory(places: &Places, options: &Options) -> Result<Vec<Peak>, BenchError> {
    let folder = Folder::new(places, places.bench.join("xks-proxy-memory"))?;
    let key_manager = folder.software()?;
    let kinds = [Kind::OversizedBody, Kind::SlowBody, Kind::SlowHeader, Kind::Unauthenticated];
    let mut peaks = vec![idle_connections(&folder, &key_manager)?];
    for kind in kinds {
        note(&format!("memory of the XKS proxy: {}", kind.name()));
        let proxy = folder.start(&key_manager)?;
        let before = proxy.server.processes().resident()?;
        let flood = Flood::start(&proxy.api, kind, FLOODERS)?;
        thread::sleep(Duration::from_secs(options.seconds.max(LEAST_SECONDS)));
        let most = proxy.server.processes().most_resident()?;
        peaks.push(Peak {
            of: format!("{FLOODERS} connections, {}", kind.name()),
            before,
            most,
            done: flood.stop()?,
        });
        proxy.api.answer_length(Call::Encrypt)?;
    }
    Ok(peaks)
}

fn idle_connections(folder: &Folder, key_manager: &str) -> Result<Peak, BenchError> {
    note("memory of the XKS proxy: connections that stay open");
    let proxy = folder.start(key_manager)?;
    let before = proxy.server.processes().resident()?;
    let requests = proxy.api.requests(Call::Encrypt)?;
    let mut open = Vec::new();
    runtime()?.block_on(async {
        for number in 0..IDLE {
            let mut connection = Connection::open(&proxy.api.endpoint).await?;
            connection.exchange(requests.at(number % requests.len()).unwrap_or_default()).await?;
            open.push(connection);
        }
        Ok::<_, BenchError>(())
    })?;
    let most = proxy.server.processes().most_resident()?;
    Ok(Peak {
        of: format!("{IDLE} open connections, each with a request behind it"),
        before,
        most,
        done: open.len(),
    })
}

/// Quiet and beside the flood, in turn.
pub fn good_load(places: &Places, options: &Options) -> Result<Vec<Beside>, BenchError> {
    let folder = Folder::new(places, places.bench.join("xks-proxy-flood"))?;
    let proxy = folder.start(&folder.software()?)?;
    let load = || {
        let requests = Arc::new(proxy.api.requests(Call::Encrypt)?);
        drive(&proxy.api.endpoint, &requests, GOOD, options.window(), proxy.server.processes())
    };
    let round = |round| {
        note(&format!("XKS proxy beside a flood, round {round} of {}", options.rounds));
        let quiet = load()?;
        let flood = Flood::start(&proxy.api, Kind::Unauthenticated, FLOODERS_BESIDE)?;
        let (begun, before) = (std::time::Instant::now(), flood.done());
        let beside = load()?;
        let flood_rate = (flood.done() - before) as f64 / begun.elapsed().as_secs_f64();
        flood.stop()?;
        Ok(Beside { quiet, beside, flood_rate })
    };
    (1..=options.rounds).map(round).collect()
}

/// Connections that stay open.
pub const IDLE: usize = 2000;
/// Connections of the floods that are to take memory.
pub const FLOODERS: usize = 1000;
/// Connections of the flood beside good load, and of that.
pub const FLOODERS_BESIDE: usize = 64;
/// Connections of good load.
pub const GOOD: usize = 64;
/// Longer than the proxy waits for a head or a body.
const LEAST_SECONDS: u64 = 8;
