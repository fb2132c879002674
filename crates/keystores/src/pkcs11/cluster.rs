//! The part of a cluster that a node has once: the processes of its members, and what is known of them.

use super::HsmClient;
use super::holdings::Holdings;
use super::way::{Way, look_for_missing};
use keys::{AccountId, HsmKey};
use pkcs11_client::{Hsm, Seat, Settings, Times};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A cluster as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The account whose stores may be made on it; any account if there is none.
    pub account: Option<AccountId>,
    /// The id by which stores name it.
    pub id: String,
    /// The vendor's PKCS#11 library.
    pub library: PathBuf,
    /// The labels of the members' tokens.
    pub members: Vec<String>,
    /// The certificate that vouches for the cluster, PEM.
    pub trust_anchor: Vec<u8>,
    /// Whether its library brings every key to all members by itself, as CloudHSM's does.
    pub synchronises: bool,
    /// How many sessions are kept with each member.
    pub sessions: usize,
    /// The program that loads the library, `cardea-pkcs11`.
    pub program: PathBuf,
    /// The whole environment of the library, such as the variable that names its configuration. Nothing else is handed down.
    pub environment: BTreeMap<String, String>,
}

/// A cluster on this node. Clones are the same; with the last one its processes end.
#[derive(Clone, Debug)]
pub struct Cluster {
    hsm: Hsm,
    holdings: Arc<Holdings>,
}

/// One worker's place at a cluster. The first one also keeps the members logged in, so it must be taken.
#[derive(Debug)]
pub struct HsmSeat {
    cluster: Cluster,
    seat: Seat,
}

impl Cluster {
    /// Starts the members' processes, and gives as many workers a seat. That an HSM or its library is away is no failure.
    pub fn start(settings: ClusterSettings, seats: usize) -> Result<(Self, Vec<HsmSeat>), std::io::Error> {
        let (hsm, seats) = Hsm::start(of_hsm(&settings), seats)?;
        let cluster = Self { hsm, holdings: Arc::new(Holdings::new(settings)) };
        let seats = seats.into_iter().map(|seat| HsmSeat { cluster: cluster.clone(), seat }).collect();
        Ok((cluster, seats))
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &ClusterSettings {
        &self.holdings.settings
    }

    /// How many members are logged in to and answer.
    #[must_use]
    pub fn active_members(&self) -> usize {
        self.hsm.members().active_count()
    }

    /// Whether no active member had the key when it was last looked for. It is looked for every few seconds.
    #[must_use]
    pub fn is_missing(&self, key: &HsmKey) -> bool {
        self.holdings.lacks.is_missing(key)
    }

    /// Ends the members' processes and waits until they are gone.
    pub fn stop(&self) {
        self.hsm.stop();
    }
}

impl HsmSeat {
    /// Takes the seat, on the runtime that this is called on.
    #[must_use]
    pub fn take(self) -> HsmClient {
        let Self { cluster, seat } = self;
        let is_keeper = seat.is_keeper();
        let way = Way { hsm: seat.take(&cluster.holdings), holdings: Arc::clone(&cluster.holdings) };
        let way = Arc::new(way);
        if is_keeper {
            tokio::spawn(look_for_missing(Arc::clone(&way)));
        }
        HsmClient::new(cluster, way)
    }
}

fn of_hsm(settings: &ClusterSettings) -> Settings {
    let ClusterSettings { library, members, sessions, program, environment, .. } = settings;
    Settings {
        library: library.clone(),
        tokens: members.clone(),
        sessions: *sessions,
        requests_a_session: REQUESTS_A_SESSION,
        program: program.clone(),
        environment: environment.clone(),
        times: Times { request: REQUEST, answer: REQUEST, stuck: STUCK },
    }
}

/// Requests wait in the member's process for a session; more than that are refused here.
const REQUESTS_A_SESSION: usize = 64;
/// How long a request waits for a cluster.
const REQUEST: Duration = Duration::from_secs(3);
/// How long for one member: then its process is stuck.
pub(super) const STUCK: Duration = Duration::from_secs(1);
