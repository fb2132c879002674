//! What answers calls, without the door that calls come in by: store, catalog, journal, security module.

use crate::config::Config;
use crate::data_dir::{DataDir, DirLock, make_private_dir};
use crate::http::{Calls, Respond};
use crate::{ServerError, in_one_line};
use attestation::Roots;
use audit::{Appender, Journal};
use catalog::{Catalog, Followed};
use keystores::{KeyStores, Metrics, Stores};
use module_client::{Connector, Supervisor};
use oidc::Issuers;
use operations::{
    AccessKeyUses, Answer, Bell, Call, Clock, Decoy, KeyUses, Service, Sessions, Settings, key_uses,
};
use prometheus_client::registry::Registry;
use sigv4::SigningKeys;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage::{Embedded, Storage};

/// The parts that all workers share, and a seat at the module and the journal for each.
pub(super) struct Core {
    shared: Shared,
    seats: Seats,
    supervisor: Supervisor,
    journal: Journal,
    registry: Arc<Registry>,
    staleness_bound: Duration,
    // INVARIANT: let go last, when nothing of ours works on the directory any more.
    lock: DirLock,
}

impl Core {
    /// Opens everything in the data directory for so many workers, and for one more service beside them.
    pub(super) async fn open(
        dir: &DataDir,
        lock: DirLock,
        config: &Config,
        key_stores: keystores::Settings,
        clock: Clock,
        workers: usize,
    ) -> Result<Self, ServerError> {
        let catalog = Arc::new(Catalog::new(open_store(dir)?, config.storage.hot_records));
        let journal = open_journal(dir, config)?;
        let (supervisor, mut connectors) = start_module(dir, config, &catalog, workers + 2).await?;
        let decoy = Arc::new(decoy(connectors.pop()).await?);
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let (stores, places) = Stores::start(key_stores, connectors.len(), metrics)
            .map_err(ServerError::part("custom key stores cannot be had"))?;
        let at_each = connectors.into_iter().zip(places);
        let seats = at_each
            .map(|(connector, key_stores)| Seat { connector, key_stores, appender: journal.appender() })
            .collect();
        let shared = Shared {
            key_uses: Arc::new(recovered_key_uses(dir, &catalog).await),
            stores,
            catalog,
            followed: Arc::default(),
            clock,
            signing_keys: Arc::new(SigningKeys::new(config.storage.hot_records)),
            sessions: Arc::new(Sessions::new(config.storage.hot_records)),
            decoy,
            issuers: Arc::new(issuers(config)?),
            access_key_uses: Arc::default(),
            bell: Arc::default(),
            connections_bell: Arc::default(),
            settings: Arc::new(settings(config)?),
        };
        let staleness_bound = config.storage.staleness_bound.duration();
        Ok(Self {
            shared,
            seats: Arc::new(Mutex::new(seats)),
            supervisor,
            journal,
            registry: Arc::new(registry),
            staleness_bound,
            lock,
        })
    }

    /// The service as the calling thread holds it. There is one a worker, and one more.
    pub(super) fn service(&self) -> Result<Service, ServerError> {
        take_seat(&self.seats).map(|seat| self.shared.service(seat))
    }

    /// Makes what answers calls in a worker's thread.
    pub(super) fn factory(&self) -> impl Fn() -> Ready + Clone + Send + 'static {
        let (shared, seats) = (self.shared.clone(), Arc::clone(&self.seats));
        move || {
            std::future::ready(
                take_seat(&seats).map(|seat| Calls::to(Operations(Rc::new(shared.service(seat))))),
            )
        }
    }

    /// What is measured.
    pub(super) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Keeps memory true to the store. Runs for ever.
    pub(super) fn follow(&self) -> impl Future<Output = ()> + use<> {
        let Shared { catalog, followed, .. } = self.shared.clone();
        async move {
            loop {
                if let Err(error) = catalog.follow(&followed).await {
                    tracing::error!(error = in_one_line(&error), "the store cannot be followed");
                }
                tokio::time::sleep(FOLLOW_AGAIN).await;
            }
        }
    }

    /// Waits until memory follows the store.
    pub(super) async fn followed(&self) -> Result<(), ServerError> {
        let begun = Instant::now();
        while !self.shared.followed.within(self.staleness_bound) {
            if begun.elapsed() > FOLLOWED_WITHIN {
                let source = Box::new(std::io::Error::from(std::io::ErrorKind::TimedOut));
                return Err(ServerError::Part { part: "the store cannot be followed", source });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Closes everything, when no service is left: what was appended and committed is on the disk.
    pub(super) async fn close(self) {
        let Self { shared, seats, supervisor, journal, lock, .. } = self;
        drop(seats);
        let closed = tokio::task::spawn_blocking(move || {
            journal.close();
            shared.stores.stop();
            supervisor.stop();
            drop(shared);
            drop(lock);
        });
        if closed.await.is_err() {
            tracing::error!("a part failed while it closed");
        }
    }
}

/// The operations, as one worker answers calls with them.
pub(super) struct Operations(Rc<Service>);

impl Respond for Operations {
    async fn respond(&self, call: Call) -> Answer {
        operations::answer(&self.0, call).await
    }
}

type Ready = std::future::Ready<Result<Calls<Operations>, ServerError>>;
type Seats = Arc<Mutex<Vec<Seat>>>;

/// One worker's place at the module's door and at the custom key stores, and its way into the journal.
struct Seat {
    connector: Connector,
    key_stores: keystores::Seat,
    appender: Appender,
}

fn take_seat(seats: &Mutex<Vec<Seat>>) -> Result<Seat, ServerError> {
    let seat = seats.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let none_left = || std::io::Error::other("there are no more seats than workers");
    seat.ok_or_else(none_left).map_err(ServerError::part("a worker cannot reach the security module"))
}

/// Credentials that nobody has, made over a connection that is needed for nothing else.
async fn decoy(connector: Option<Connector>) -> Result<Decoy, ServerError> {
    let unreachable = ServerError::part("the security module makes no credentials");
    let connector = connector
        .ok_or_else(|| std::io::Error::other("there is no connection"))
        .map_err(ServerError::part("a worker cannot reach the security module"))?;
    Decoy::new(&connector.connect()).await.map_err(unreachable)
}

/// What the journal tells of uses of keys that were not written down before the service stopped. That it cannot be read is no reason
/// to keep everybody from their keys.
async fn recovered_key_uses(dir: &DataDir, catalog: &Catalog) -> KeyUses {
    let uses = KeyUses::default();
    if let Err(error) = key_uses::recover(&uses, catalog, &dir.journal()).await {
        tracing::error!(error = in_one_line(&error), "the last uses of keys cannot be read from the journal");
    }
    uses
}

fn issuers(config: &Config) -> Result<Issuers, ServerError> {
    let mut extra_roots = Vec::new();
    for path in &config.oidc.extra_ca_files {
        extra_roots.extend(http_server::tls::certificates(path)?);
    }
    let settings = oidc::Settings { extra_roots, ..oidc::Settings::default() };
    Issuers::new(settings).map_err(ServerError::part("OIDC providers cannot be reached"))
}

#[derive(Clone)]
struct Shared {
    stores: Stores,
    catalog: Arc<Catalog>,
    followed: Arc<Followed>,
    clock: Clock,
    signing_keys: Arc<SigningKeys>,
    sessions: Arc<Sessions>,
    decoy: Arc<Decoy>,
    issuers: Arc<Issuers>,
    access_key_uses: Arc<AccessKeyUses>,
    key_uses: Arc<KeyUses>,
    bell: Arc<Bell>,
    connections_bell: Arc<Bell>,
    settings: Arc<Settings>,
}

impl Shared {
    fn service(&self, Seat { connector, key_stores, appender }: Seat) -> Service {
        let module = connector.connect();
        Service {
            key_stores: KeyStores::new(self.stores.clone(), key_stores, module.clone()),
            catalog: Arc::clone(&self.catalog),
            followed: Arc::clone(&self.followed),
            module,
            journal: appender,
            clock: self.clock.clone(),
            signing_keys: Arc::clone(&self.signing_keys),
            sessions: Arc::clone(&self.sessions),
            decoy: Arc::clone(&self.decoy),
            issuers: Arc::clone(&self.issuers),
            access_key_uses: Arc::clone(&self.access_key_uses),
            key_uses: Arc::clone(&self.key_uses),
            bell: Arc::clone(&self.bell),
            connections_bell: Arc::clone(&self.connections_bell),
            settings: Arc::clone(&self.settings),
        }
    }
}

fn settings(config: &Config) -> Result<Settings, ServerError> {
    Ok(Settings {
        attestation_roots: attestation_roots(config)?,
        partition: config.service.partition.as_str().into(),
        regions: config.service.regions.clone(),
        signature_tolerance: config.service.signature_tolerance.duration(),
        staleness_bound: config.storage.staleness_bound.duration(),
        grants_per_key: config.service.grants_per_key,
        keys_per_region: config.service.keys_per_region,
        custom_key_stores_per_region: config.custom_key_stores.per_region,
        loopback_proxies: config.xks.loopback.unwrap_or_else(|| config.listen.ip().is_loopback()),
        default_region: config.service.default_region,
    })
}

fn attestation_roots(config: &Config) -> Result<Roots, ServerError> {
    let Some(path) = &config.attestation.roots else { return Ok(Roots::default()) };
    let text = std::fs::read(path).map_err(ServerError::file("read the roots of attestation", path))?;
    Roots::from_pem(&text).map_err(ServerError::part("attestation documents cannot be verified"))
}

fn open_store(dir: &DataDir) -> Result<Arc<dyn Storage>, ServerError> {
    let store = Embedded::open(&dir.file("store"), &storage::Options::default());
    Ok(Arc::new(store.map_err(ServerError::part("the store cannot be opened"))?))
}

fn open_journal(dir: &DataDir, config: &Config) -> Result<Journal, ServerError> {
    make_private_dir(&dir.journal())?;
    let options = audit::Options { segment_bytes: config.journal.segment_bytes };
    Journal::open(&dir.journal(), options).map_err(ServerError::part("the journal cannot be opened"))
}

async fn start_module(
    dir: &DataDir,
    config: &Config,
    catalog: &Catalog,
    connections: usize,
) -> Result<(Supervisor, Vec<Connector>), ServerError> {
    let has_accounts = catalog.reader().has_accounts().await;
    let has_accounts = has_accounts.map_err(ServerError::part("the store cannot be read"))?;
    make_private_dir(&dir.file("module"))?;
    let config = module_client::Config {
        program: program(config.module.program.as_deref(), "cardea-module")?,
        seal_file: dir.file("module/seal.key"),
        domain_file: dir.file("module/domain.sealed"),
        // A domain key made anew would open nothing that the store holds.
        initialise: !has_accounts,
        user: None,
    };
    Supervisor::start(config, connections).map_err(ServerError::part("the security module cannot start"))
}

/// The program that the configuration names, or the one of that name beside the running one. It is there.
pub(super) fn program(configured: Option<&Path>, name: &str) -> Result<PathBuf, ServerError> {
    let program = match configured {
        Some(program) => program.to_owned(),
        None => std::env::current_exe()
            .map_err(ServerError::part("the programs beside this one cannot be found"))?
            .with_file_name(name),
    };
    std::fs::metadata(&program).map_err(ServerError::file("find the program", &program))?;
    Ok(program)
}

const FOLLOW_AGAIN: Duration = Duration::from_millis(250);
const FOLLOWED_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
