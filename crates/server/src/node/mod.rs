//! A node: the parts of the service, started one on the other and stopped the other way round. Only wiring: what a part does is
//! its own business.

mod clock;
mod core;
mod first_start;
mod jobs;
mod key_stores;

use crate::admin::{AdminResponse, AdminSocket, Errand};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::root_env::Reach;
use crate::tls::{self, Tls};
use crate::{ServerError, in_one_line};
use http_server::{Current, Door, MetricsEndpoint, Plan, fence, one_a_core};
use jiff::Timestamp;
use rustls::ServerConfig;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, LocalSet};

pub(crate) use self::clock::ServiceClock;
use self::core::Core;
use self::first_start::FirstStart;
pub(crate) use self::jobs::Jobs;

/// What `cardea serve` is told.
#[derive(Clone, Debug)]
pub struct Serve {
    /// The data directory.
    pub data: PathBuf,
    /// The settings.
    pub config: Config,
    /// Whether the service's clock may be moved.
    pub dev_clock: bool,
}

/// Serves until SIGTERM or SIGINT. `ready` is called once, with the URL, when requests are answered.
pub fn serve(serve: Serve, ready: impl FnOnce(&str)) -> Result<(), ServerError> {
    fence::close()?;
    block_on(async {
        let stop = Stop::listen()?;
        let node = Node::start(serve).await?;
        let background = node.begin_background();
        node.core.followed().await?;
        let Facts { https, http, reach } = &node.facts;
        let metrics = node.metrics.as_ref().map(|metrics| tracing::field::display(metrics.address()));
        tracing::info!(%https, http = http.map(tracing::field::display), metrics, data = %reach.data.display(), "serving");
        ready(&format!("https://{https}"));
        stop.signalled().await;
        tracing::info!("stopping: finishing what is in flight");
        node.stop(background).await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Runs an errand of the administrator's on a data directory that no service runs on.
pub(crate) fn run_offline(
    data: &Path,
    config: &Config,
    errand: &Errand,
) -> Result<AdminResponse, ServerError> {
    block_on(async {
        let dir = DataDir::open(data)?;
        let lock = dir.lock()?;
        FirstStart::of(&dir)?;
        let clock = ServiceClock::open(&dir, true)?;
        // Nobody uses a key of theirs meanwhile: the HSMs are left alone.
        let key_stores = keystores::Settings { clusters: Vec::new(), ..key_stores::settings(config)? };
        let core = Core::open(&dir, lock, config, key_stores, clock.clock(), 0).await?;
        let endpoint = crate::root_env::endpoint_of(&dir).unwrap_or_else(|| url_of(config, config.listen));
        let reach = reach(&dir, config, endpoint);
        let done = errand.run(&core.service()?, &reach).await;
        core.close().await;
        done
    })
}

/// What the administrator may be told about the running service.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) https: SocketAddr,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) reach: Reach,
}

struct Node {
    core: Core,
    door: Door,
    metrics: Option<Rc<MetricsEndpoint>>,
    tls: Rc<Tls>,
    facts: Facts,
    jobs: Rc<Jobs>,
    health_check_interval: Duration,
    admin: Rc<AdminSocket>,
}

impl Node {
    async fn start(serve: Serve) -> Result<Self, ServerError> {
        let Serve { data, config, dev_clock } = serve;
        config.check_plain_http()?;
        let key_stores = key_stores::settings(&config)?;
        let dir = DataDir::create(&data)?;
        let lock = dir.lock()?;
        let first_start = FirstStart::of(&dir)?;
        let clock = ServiceClock::open(&dir, dev_clock)?;
        let tls = Rc::new(Tls::open(&dir, &config, Timestamp::now())?);
        let workers = config.workers.unwrap_or_else(one_a_core);
        let bound = plan(&config, tls.config(), workers).bind()?;
        let metrics = metrics(&config)?;
        let core = Core::open(&dir, lock, &config, key_stores, clock.clock(), workers.get()).await?;
        let door = bound.open(core.factory()).await?;
        let https = door.https().unwrap_or(config.listen);
        let facts = Facts { https, http: door.http(), reach: reach(&dir, &config, url_of(&config, https)) };
        let jobs = Rc::new(Jobs::new(core.service()?));
        let health_check_interval = config.xks.health_check_interval.duration();
        first_start.ensure(jobs.service(), &facts.reach).await?;
        let admin = Rc::new(AdminSocket::bind(&dir, Rc::clone(&jobs), clock, facts.clone())?);
        Ok(Self { core, door, metrics, tls, facts, jobs, health_check_interval, admin })
    }

    /// What goes on beside the answering of requests. Dropping it ends it.
    fn begin_background(&self) -> JoinSet<()> {
        let mut background = JoinSet::new();
        background.spawn_local(self.core.follow());
        let jobs = Rc::clone(&self.jobs);
        background.spawn_local(async move { jobs.run_for_ever().await });
        let jobs = Rc::clone(&self.jobs);
        background.spawn_local(async move { jobs.write_uses_and_shred_for_ever().await });
        let jobs = Rc::clone(&self.jobs);
        background.spawn_local(async move { jobs.keep_connections_for_ever().await });
        let (jobs, interval) = (Rc::clone(&self.jobs), self.health_check_interval);
        background.spawn_local(async move { jobs.check_health_for_ever(interval).await });
        let admin = Rc::clone(&self.admin);
        background.spawn_local(async move { admin.serve_for_ever().await });
        let tls = Rc::clone(&self.tls);
        background.spawn_local(async move { renew_for_ever(&tls).await });
        if let Some(metrics) = self.metrics.clone() {
            let registry = self.core.registry();
            background.spawn_local(async move { metrics.serve_for_ever(registry).await });
        }
        background
    }

    /// Requests first: everything that they need goes on until the last one is answered.
    async fn stop(self, mut background: JoinSet<()>) {
        self.door.close().await;
        background.shutdown().await;
        self.jobs.write_uses().await;
        drop((self.admin, self.jobs));
        self.core.close().await;
    }
}

/// The signals that stop the service, caught from now on.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> Result<Self, ServerError> {
        let catch = |kind| signal(kind).map_err(ServerError::part("signals cannot be caught"));
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    async fn signalled(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn renew_for_ever(tls: &Tls) {
    loop {
        tokio::time::sleep(RENEWAL_CHECK).await;
        if let Err(error) = tls.refresh(Timestamp::now()) {
            tracing::error!(error = in_one_line(&error), "the TLS certificate cannot be renewed");
        }
    }
}

fn plan(config: &Config, tls: Arc<Current<ServerConfig>>, workers: NonZeroUsize) -> Plan {
    let limits = Current::new(http_server::Limits::from(&config.limits));
    Plan { https: Some((config.listen, tls)), http: config.http, limits, workers }
}

fn metrics(config: &Config) -> Result<Option<Rc<MetricsEndpoint>>, ServerError> {
    let Some(address) = config.metrics else { return Ok(None) };
    let limits = http_server::Limits::from(&config.limits);
    Ok(Some(Rc::new(MetricsEndpoint::bind(address, &limits)?)))
}

fn reach(dir: &DataDir, config: &Config, endpoint: String) -> Reach {
    Reach {
        ca_bundle: tls::ca_bundle(dir, config),
        data: dir.path().to_owned(),
        endpoint,
        region: config.service.default_region.as_str().to_owned(),
    }
}

/// Where clients reach a service that listens there. Nobody can connect to "every address", but to this machine's own.
fn url_of(config: &Config, listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let listened = || format!("https://{}", SocketAddr::new(ip, listen.port()));
    config.endpoint.clone().unwrap_or_else(listened)
}

fn block_on<T>(work: impl Future<Output = Result<T, ServerError>>) -> Result<T, ServerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ServerError::part("the runtime cannot start"))?;
    LocalSet::new().block_on(&runtime, work)
}

const RENEWAL_CHECK: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_the_endpoint_or_an_address_that_can_be_reached() {
        let config = Config::default();
        let url = |config: &Config, address: &str| url_of(config, address.parse().unwrap());
        assert_eq!(url(&config, "127.0.0.1:8443"), "https://127.0.0.1:8443");
        assert_eq!(url(&config, "0.0.0.0:1"), "https://127.0.0.1:1");
        assert_eq!(url(&config, "[::]:1"), "https://[::1]:1");
        let named = Config { endpoint: Some("https://kms.example.org".to_owned()), ..config };
        assert_eq!(url(&named, "0.0.0.0:1"), "https://kms.example.org");
    }
}
