//! The proxy as it runs: its parts, started one on the other and stopped the other way round. Only wiring: what a part does is its own
//! business.

use crate::config::watch::Watch;
use crate::config::{Config, Limits};
use crate::data::Data;
use crate::error::ProxyError;
use crate::gauges::Gauges;
use crate::health::Seen;
use crate::inject::{Injection, Rehearsal};
use crate::key_managers::KeyManagers;
use crate::metrics::Metrics;
use crate::pipeline::{Pipeline, Shared};
use crate::record;
use crate::reload::Reload;
use crate::state::State;
use crate::strangers::Strangers;
use crate::tls;
use audit::Appender;
use http_server::{Bound, Current, Door, MetricsEndpoint, Plan};
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, LocalSet};

/// Serves until SIGTERM or SIGINT. `ready` is called once, with the URL, when requests are answered.
pub(crate) fn serve(
    path: &Path,
    config: Config,
    injection: Option<Injection>,
    ready: impl FnOnce(&str),
) -> Result<(), ProxyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ProxyError::part("the runtime cannot start"))?;
    LocalSet::new().block_on(&runtime, async {
        let stop = Stop::listen()?;
        let watch = Watch::new(path, &config).map_err(ProxyError::part("SIGHUP cannot be caught"))?;
        let injection = injection.map(Arc::new);
        let node = Node::start(config, watch, injection.clone()).await?;
        let url = url_of(node.address);
        tracing::info!(url, metrics = node.metrics_address().map(tracing::field::display), "serving");
        ready(&url);
        stop.signalled().await;
        tracing::info!("stopping: finishing what is in flight");
        node.stop().await;
        if let Some(injection) = injection {
            eprintln!("{}", injection.report());
        }
        tracing::info!("stopped");
        Ok(())
    })
}

struct Node {
    address: SocketAddr,
    metrics: Option<Rc<MetricsEndpoint>>,
    door: Door,
    background: JoinSet<()>,
    strangers: Arc<Strangers>,
    journal: Arc<Appender>,
    key_managers: Arc<KeyManagers>,
    data: Data,
}

impl Node {
    async fn start(
        mut config: Config,
        watch: Watch,
        injection: Option<Arc<Injection>>,
    ) -> Result<Self, ProxyError> {
        let workers = config.workers.unwrap_or_else(http_server::one_a_core);
        let tls = Current::new(tls::server_config(&config)?);
        let limits = Current::new(of_http(&config.limits));
        let https = Some((config.listen, Arc::clone(&tls)));
        let bound = Plan { https, http: None, limits: Arc::clone(&limits), workers }.bind()?;
        let metrics = config.metrics.map(|address| MetricsEndpoint::bind(address, &limits.now()));
        let metrics = metrics.transpose()?.map(Rc::new);
        let data = Data::open(&config)?;
        let journal = Arc::new(data.journal().appender());
        // One thread more than there are workers: this one, which looks how they are.
        let key_managers =
            Arc::new(KeyManagers::open(&config.key_managers, workers.get().saturating_add(1))?);
        let mut registry = Registry::default();
        let shared = shared(&mut config, &key_managers, &journal, &mut registry)?;
        let mut background = JoinSet::new();
        look_for_ever(&shared, &key_managers, workers.get(), &mut background).await;
        let strangers = Arc::clone(&shared.strangers);
        let reload = Reload {
            state: Arc::clone(&shared.state),
            tls,
            limits,
            metrics: Arc::clone(&shared.metrics),
            key_managers: key_managers.names(),
        };
        let appenders = (0..workers.get()).map(|_| data.journal().appender()).collect();
        let door = open(bound, shared, &key_managers, appenders, injection.clone()).await?;
        background.spawn_local(async move { reload.for_ever(watch).await });
        begin_background(&mut background, &strangers, &journal, metrics.clone(), registry, injection);
        let address = door.https().unwrap_or(config.listen);
        Ok(Self { address, metrics, door, background, strangers, journal, key_managers, data })
    }

    fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|metrics| metrics.address())
    }

    /// Requests first: everything that they need goes on until the last one is answered.
    async fn stop(self) {
        let Self { door, mut background, strangers, journal, key_managers, data, .. } = self;
        door.close().await;
        background.shutdown().await;
        tell(&strangers, &journal).await;
        drop(journal);
        let closed = tokio::task::spawn_blocking(move || {
            data.close();
            drop(key_managers);
        });
        if closed.await.is_err() {
            tracing::error!("a part failed while it closed");
        }
    }
}

/// What all workers share, and what is read of it as metrics.
fn shared(
    config: &mut Config,
    key_managers: &KeyManagers,
    journal: &Arc<Appender>,
    registry: &mut Registry,
) -> Result<Shared, ProxyError> {
    let metrics = Metrics::new(registry);
    let state = Current::new(State::of(config, key_managers.names(), None)?);
    let seen = Arc::new(Seen::new(&key_managers.names()));
    let strangers = Arc::new(Strangers::new(Arc::clone(&metrics)));
    let gauges = Gauges { state: Arc::clone(&state), seen: Arc::clone(&seen), journal: Arc::clone(journal) };
    registry.register_collector(Box::new(gauges));
    Ok(Shared { state, seen, metrics, strangers })
}

/// Opens the door, with a pipeline in each worker's thread.
async fn open(
    bound: Bound,
    shared: Shared,
    key_managers: &Arc<KeyManagers>,
    appenders: Vec<Appender>,
    injection: Option<Arc<Injection>>,
) -> Result<Door, ProxyError> {
    let seats = Arc::new(Mutex::new(appenders.into_iter().enumerate().collect::<Vec<_>>()));
    let key_managers = Arc::clone(key_managers);
    let make = move || {
        let seat = seats.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let made = seat.ok_or(ProxyError::TooManyWorkers).map(|(thread, journal)| {
            let pipeline = Pipeline::new(shared.clone(), key_managers.sessions(thread), journal);
            Rehearsal::new(pipeline, injection.clone())
        });
        std::future::ready(made)
    };
    bound.open(make).await
}

/// Looks how every key manager is, and goes on doing so. Returns when it is known of all, or will not be soon.
async fn look_for_ever(
    shared: &Shared,
    key_managers: &KeyManagers,
    thread: usize,
    background: &mut JoinSet<()>,
) {
    let mut first_looks = JoinSet::new();
    for (at, session) in key_managers.sessions(thread).into_iter().enumerate() {
        let (seen, for_ever) = (Arc::clone(&shared.seen), Rc::clone(&session));
        first_looks.spawn_local(async move { seen.look_first(at, &*session).await });
        let (seen, state) = (Arc::clone(&shared.seen), Arc::clone(&shared.state));
        let interval = move || state.now().health_interval;
        background.spawn_local(async move { seen.look_for_ever(at, &*for_ever, interval).await });
    }
    while first_looks.join_next().await.is_some() {}
}

fn begin_background(
    background: &mut JoinSet<()>,
    strangers: &Arc<Strangers>,
    journal: &Arc<Appender>,
    metrics: Option<Rc<MetricsEndpoint>>,
    registry: Registry,
    injection: Option<Arc<Injection>>,
) {
    let (strangers, journal) = (Arc::clone(strangers), Arc::clone(journal));
    background.spawn_local(async move {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            tell(&strangers, &journal).await;
        }
    });
    if let Some(metrics) = metrics {
        let registry = Arc::new(registry);
        background.spawn_local(async move { metrics.serve_for_ever(registry).await });
    }
    if let Some(injection) = injection {
        background.spawn_local(async move { injection.report_for_ever().await });
    }
}

/// Puts what was counted of strangers into the journal.
async fn tell(strangers: &Strangers, journal: &Appender) {
    for (store, counted) in strangers.take() {
        let record = record::Strangers::of(store.as_deref(), &counted, Timestamp::now());
        if let Err(error) = journal.append(record.line()).await {
            tracing::error!(%error, refused = ?counted.refused, "requests of strangers are not in the journal");
        }
    }
}

/// What the server of HTTP is told of the limits.
pub(crate) const fn of_http(limits: &Limits) -> http_server::Limits {
    http_server::Limits {
        body_bytes: limits.body_bytes,
        body_timeout: limits.body_timeout,
        buffered_body_bytes: limits.buffered_body_bytes,
        connections: limits.connections,
        drain_timeout: limits.drain_timeout,
        handshake_timeout: limits.handshake_timeout,
        header_bytes: limits.header_bytes,
        header_timeout: limits.header_timeout,
        headers: limits.headers,
        http2_connections: limits.http2_connections,
        http2_streams: limits.http2_streams,
        http2_window: HTTP2_WINDOW,
        idle_timeout: limits.idle_timeout,
        read_buffer_bytes: READ_BUFFER_BYTES,
    }
}

/// The signals that stop the proxy, caught from now on.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> Result<Self, ProxyError> {
        let catch = |kind| signal(kind).map_err(ProxyError::part("signals cannot be caught"));
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    async fn signalled(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Where clients on this machine reach it. Nobody can connect to "every address", but to this machine's own.
fn url_of(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("https://{}", SocketAddr::new(ip, listen.port()))
}

const TELL_EVERY: Duration = Duration::from_secs(1);

/// A body of the API and what goes with it; 2,000 connections of it are little memory.
const READ_BUFFER_BYTES: usize = 8 << 10;
const HTTP2_WINDOW: u32 = 64 << 10;
