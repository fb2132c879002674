//! The key stores of HSM clusters called in this process, as a worker of the service calls them: what is left when HTTP, policies, the
//! security module and the journal are away.

use super::super::cpu::Processes;
use super::super::load::{Client, Slice, Window, measure, runtime};
use super::super::{BenchError, Places};
use super::hsm::{ClusterKind, Sizes};
use super::soft_hsm::{PIN, SoftHsm};
use keys::{AccountId, CustomKeyStoreId, HsmKey, KeyId, KeyMaterialId, KeyPlace, OuterKey};
use keystores::{Cluster, ClusterSettings, HsmClient, HsmSeat, Pin, RequestMetadata, TransportKeys, Usage};
use module_api::EncryptionContext;
use module_api::blob::Header;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A cluster with one key.
#[derive(Debug)]
pub struct Boundary {
    settings: ClusterSettings,
    transport_keys: TransportKeys,
    /// Where the key is, as a record would say.
    place: Arc<KeyPlace>,
    key: HsmKey,
    header: Header,
    plaintext: usize,
}

impl Boundary {
    /// Makes the key.
    pub fn new(places: &Places, hsm: &SoftHsm, kind: &ClusterKind, sizes: Sizes) -> Result<Self, BenchError> {
        let settings = ClusterSettings {
            account: None,
            id: kind.id.to_owned(),
            library: kind.library(places)?,
            members: kind.tokens.map(str::to_owned).into(),
            trust_anchor: Vec::new(),
            synchronises: false,
            sessions: kind.sessions,
            program: places.program("cardea-pkcs11"),
            environment: hsm.environment()?,
        };
        let (cluster, seats) = start(&settings, 1)?;
        let made = runtime()?.block_on(async {
            let client = seats.into_iter().next().ok_or(BenchError::ThreadLost)?.take();
            let keys = client.connect(pin()?, &TransportKeys::default()).await.map_err(lost)?;
            let made = client.generate_key(pin()?, &keys, &KEY_ID, [5; 16]).await.map_err(lost)?;
            Ok::<_, BenchError>((keys, made))
        });
        cluster.stop();
        let (transport_keys, key) = made?;
        let place =
            KeyPlace { store: CustomKeyStoreId::from_random([3; 16]), key: OuterKey::Hsm(key.clone()) };
        Ok(Self {
            settings,
            transport_keys,
            place: Arc::new(place),
            key,
            header: header()?,
            plaintext: sizes.plaintext,
        })
    }

    /// So many calls in flight, from a thread for each core, to new processes.
    pub fn measure(&self, calls: usize, window: Window) -> Result<Slice, BenchError> {
        let before = Processes::children()?;
        let (cluster, seats) = start(&self.settings, thread::available_parallelism().map_or(1, usize::from))?;
        let processes = started(&before, self.settings.members.len())?;
        let seats: Mutex<Vec<_>> = Mutex::new(seats.into_iter().map(Some).collect());
        let slice = measure(calls, window, &processes, async |share: Range<usize>| {
            let is_first = share.start == 0;
            let seat = take(&seats, is_first).ok_or(BenchError::ThreadLost)?;
            let client = seat.take();
            // The first seat keeps the members logged in, and does not get to it any more once its thread waits for the others.
            if is_first {
                client.connect(pin()?, &self.transport_keys).await.map_err(lost)?;
            }
            Ok(share.map(|_| self.caller(&client)).collect())
        });
        cluster.stop();
        slice
    }

    fn caller(&self, client: &HsmClient) -> Caller {
        Caller {
            client: client.clone(),
            place: Arc::clone(&self.place),
            key: self.key.clone(),
            header: self.header,
            plaintext: vec![42; self.plaintext],
        }
    }
}

/// So many processes that were not there before: they are started in the background.
fn started(before: &Processes, count: usize) -> Result<Processes, BenchError> {
    let began = Instant::now();
    loop {
        let new = Processes::children()?.without(before);
        if new.len() >= count {
            return Ok(new);
        }
        if began.elapsed() > STARTED_WITHIN {
            return Err(BenchError::KeyStores("their processes do not start".to_owned()));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The first seat, or any other.
fn take(seats: &Mutex<Vec<Option<HsmSeat>>>, first: bool) -> Option<HsmSeat> {
    let mut seats = seats.lock().unwrap_or_else(PoisonError::into_inner);
    let skipped = usize::from(!first);
    seats.iter_mut().skip(skipped).find_map(Option::take)
}

/// How long what an `Encrypt` without a context is bound to is.
pub fn additional_data() -> Result<usize, BenchError> {
    let place = KeyPlace {
        store: CustomKeyStoreId::from_random([3; 16]),
        key: OuterKey::Hsm(HsmKey { id: String::new(), copies: std::collections::BTreeMap::new() }),
    };
    Ok(usage(header()?, &place, &EncryptionContext::default()).additional_data().len())
}

struct Caller {
    client: HsmClient,
    place: Arc<KeyPlace>,
    key: HsmKey,
    header: Header,
    plaintext: Vec<u8>,
}

impl Client for Caller {
    async fn call(&mut self) -> Result<(), BenchError> {
        let context = EncryptionContext::default();
        let usage = usage(self.header, &self.place, &context);
        self.client.seal(pin()?, &self.key, &usage, &self.plaintext).await.map(drop).map_err(lost)
    }
}

fn usage<'a>(header: Header, place: &'a KeyPlace, context: &'a EncryptionContext) -> Usage<'a> {
    let request = RequestMetadata {
        operation: "Encrypt",
        request_id: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        principal: "arn:aws:iam::111122223333:root",
        key_arn: "",
        via_service: None,
        source_vpc: None,
        source_vpce: None,
    };
    Usage { header, place, context: context.canonical(), request }
}

fn header() -> Result<Header, BenchError> {
    let account = AccountId::from_number(111_122_223_333).map_err(lost)?;
    Ok(Header { account, key_id: KEY_ID, material_id: KeyMaterialId::from_bytes([9; 32]) })
}

fn start(settings: &ClusterSettings, seats: usize) -> Result<(Cluster, Vec<HsmSeat>), BenchError> {
    Cluster::start(settings.clone(), seats).map_err(BenchError::io("start the PKCS#11 processes"))
}

fn pin() -> Result<Pin<'static>, BenchError> {
    Pin::new(PIN).map_err(lost)
}

fn lost(error: impl std::fmt::Display) -> BenchError {
    BenchError::KeyStores(error.to_string())
}

const KEY_ID: KeyId = KeyId::single_region([7; 16]);
const STARTED_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);
