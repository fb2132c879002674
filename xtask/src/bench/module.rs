//! The security module alone: a real `cardea-module` process, called over its socket by the client that the service uses.

use super::cpu::Processes;
use super::load::{Client, Slice, measure};
use super::{BenchError, Options, Places, note};
use keys::{AccountId, EncryptionAlgorithm, KeyId, KeyOrigin, KeySpec, KeyUsage};
use module_api::{Binding, EncryptionContext, Key, KeyToken, NewKey};
use module_client::{Config, Connector, ModuleClient, Supervisor};
use serde::Serialize;
use std::fs;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// `Encrypt` of 32 bytes with so many calls in flight.
#[derive(Debug, Serialize)]
pub struct InFlight {
    /// How many.
    pub calls: usize,
    /// What the rounds showed.
    pub rounds: Vec<Slice>,
}

/// Measures every number of calls in every round, each time with a new process.
pub fn alone(places: &Places, options: &Options) -> Result<Vec<InFlight>, BenchError> {
    let mut measured: Vec<_> =
        options.connections().into_iter().map(|calls| InFlight { calls, rounds: Vec::new() }).collect();
    for round in 1..=options.rounds {
        note(&format!("module alone, round {round} of {}", options.rounds));
        for InFlight { calls, rounds } in &mut measured {
            rounds.push(slice(places, options, *calls)?);
        }
    }
    Ok(measured)
}

fn slice(places: &Places, options: &Options, calls: usize) -> Result<Slice, BenchError> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (supervisor, connectors) = Supervisor::start(config(places)?, workers).map_err(lost)?;
    let processes = Processes::children()?;
    let connectors = Mutex::new(connectors);
    let slice = measure(calls, options.window(), &processes, async |share: Range<usize>| {
        let connector = connectors.lock().unwrap_or_else(PoisonError::into_inner).pop();
        open(connector.ok_or(BenchError::ThreadLost)?, share.len()).await
    });
    supervisor.stop();
    slice
}

fn config(places: &Places) -> Result<Config, BenchError> {
    let dir = places.bench.join("module");
    fs::create_dir_all(&dir).map_err(BenchError::io("make a directory"))?;
    let (seal_file, domain_file) = (dir.join("seal"), dir.join("domain"));
    let initialise = !domain_file.exists();
    Ok(Config { program: places.program("cardea-module"), seal_file, domain_file, initialise, user: None })
}

/// A thread's connection and so many callers that share it, as the requests of a worker do.
async fn open(connector: Connector, callers: usize) -> Result<Vec<Caller>, BenchError> {
    let client = connector.connect();
    let new_key = new_key()?;
    let made = client.generate_key(&new_key).await.map_err(lost)?;
    let key = Arc::new((made.token, new_key.with_material(made.material_id)));
    Ok((0..callers).map(|_| Caller { client: client.clone(), key: Arc::clone(&key) }).collect())
}

struct Caller {
    client: ModuleClient,
    key: Arc<(KeyToken, Binding)>,
}

impl Client for Caller {
    async fn call(&mut self) -> Result<(), BenchError> {
        let (token, binding) = &*self.key;
        let (key, algorithm) = (Key::new(token, binding), EncryptionAlgorithm::SymmetricDefault);
        let encrypted = self.client.encrypt(key, algorithm, &EncryptionContext::default(), &PLAINTEXT).await;
        encrypted.map(drop).map_err(lost)
    }
}

fn new_key() -> Result<NewKey, BenchError> {
    let region = "us-east-1".parse().map_err(|_| BenchError::malformed("a region", "us-east-1"))?;
    let account = AccountId::from_number(111_122_223_333).map_err(lost)?;
    Ok(NewKey {
        account,
        region,
        key_id: KeyId::single_region([7; 16]),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
    })
}

fn lost(error: impl std::fmt::Display) -> BenchError {
    BenchError::Module(error.to_string())
}

const PLAINTEXT: [u8; 32] = [42; 32];
