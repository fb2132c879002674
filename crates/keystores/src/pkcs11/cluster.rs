//! The part of a cluster that a node has once: the processes of its members, and what is known of them.

use super::client::Way;
use super::member::Member;
use super::members::Members;
use super::{HsmClient, keeper};
use keys::{AccountId, HsmKey};
use sidecar::{Connector, Program, Supervisor, WhileDown};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
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
#[derive(Clone)]
pub struct Cluster {
    pub(super) shared: Arc<Members>,
    processes: Arc<Processes>,
}

/// One worker's place at a cluster. The first one also keeps the members logged in, so it must be taken.
pub struct HsmSeat {
    cluster: Cluster,
    connectors: Vec<Connector>,
    is_keeper: bool,
}

impl Cluster {
    /// Starts the members' processes, and gives as many workers a seat. That an HSM or its library is away is no failure.
    pub fn start(settings: ClusterSettings, seats: usize) -> Result<(Self, Vec<HsmSeat>), std::io::Error> {
        let mut connectors: Vec<_> = (0..seats).map(|_| Vec::new()).collect();
        let mut supervisors = Vec::new();
        for label in &settings.members {
            let (supervisor, of_member) =
                Supervisor::start_in_time(program(&settings, label), seats).map_err(std::io::Error::other)?;
            supervisors.push(supervisor);
            connectors.iter_mut().zip(of_member).for_each(|(seat, connector)| seat.push(connector));
        }
        let shared = Arc::new(Members::new(settings));
        let processes = Processes { shared: Arc::clone(&shared), supervisors: Mutex::new(supervisors) };
        let cluster = Self { shared, processes: Arc::new(processes) };
        let seat = |(at, connectors)| HsmSeat { cluster: cluster.clone(), connectors, is_keeper: at == 0 };
        let seats = connectors.into_iter().enumerate().map(seat).collect();
        Ok((cluster, seats))
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &ClusterSettings {
        &self.shared.settings
    }

    /// How many members are logged in to and answer.
    #[must_use]
    pub fn active_members(&self) -> usize {
        self.shared.active_count()
    }

    /// Whether no active member had the key when it was last looked for. It is looked for every few seconds.
    #[must_use]
    pub fn is_missing(&self, key: &HsmKey) -> bool {
        self.shared.lacks.is_missing(key)
    }

    /// Ends the members' processes and waits until they are gone.
    pub fn stop(&self) {
        self.processes.stop();
    }
}

impl HsmSeat {
    /// Takes the seat, on the runtime that this is called on.
    #[must_use]
    pub fn take(self) -> HsmClient {
        let members =
            self.connectors.into_iter().map(|connector| Member::new(connector.connect(WhileDown::Fail)));
        let way = Arc::new(Way { shared: Arc::clone(&self.cluster.shared), members: members.collect() });
        if self.is_keeper {
            keeper::keep(&way);
        }
        HsmClient::new(self.cluster, way)
    }
}

/// The processes of a cluster's members.
struct Processes {
    shared: Arc<Members>,
    supervisors: Mutex<Vec<Supervisor>>,
}

impl Processes {
    fn stop(&self) {
        self.shared.close();
        let supervisors =
            std::mem::take(&mut *self.supervisors.lock().unwrap_or_else(PoisonError::into_inner));
        supervisors.into_iter().for_each(Supervisor::stop);
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("id", &self.settings().id).finish_non_exhaustive()
    }
}

impl fmt::Debug for HsmSeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HsmSeat").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

fn program(settings: &ClusterSettings, label: &str) -> Program {
    let ClusterSettings { library, sessions, program, environment, .. } = settings;
    let arguments: [OsString; 6] = [
        "--library".into(),
        library.into(),
        "--token".into(),
        label.into(),
        "--sessions".into(),
        sessions.max(&1).to_string().into(),
    ];
    Program {
        name: format!("the PKCS#11 process of `{label}`"),
        path: program.clone(),
        arguments: arguments.into(),
        arguments_at_first: Vec::new(),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        user: None,
        longest_pause: LONGEST_PAUSE,
    }
}

/// As often as a member that failed is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
