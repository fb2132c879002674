//! The part of a cluster that a node has once: the processes of its members, and what is known of them.

use super::HsmClient;
use keys::HsmKey;
use std::path::PathBuf;
use std::sync::Arc;

/// A cluster as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
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
}

/// A cluster on this node. Clones are the same; with the last one its processes end.
#[derive(Clone, Debug)]
pub struct Cluster {
    settings: Arc<ClusterSettings>,
}

impl Cluster {
    /// Starts the members' processes, and gives as many workers a seat. That a member cannot be reached is no failure.
    pub fn start(settings: ClusterSettings, seats: usize) -> Result<(Self, Vec<HsmSeat>), std::io::Error> {
        let this = Self { settings: Arc::new(settings) };
        let seats = (0..seats).map(|_| HsmSeat { cluster: this.clone() }).collect();
        Ok((this, seats))
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &ClusterSettings {
        &self.settings
    }

    /// How many members are logged in to and answer.
    #[must_use]
    pub fn active_members(&self) -> usize {
        0
    }

    /// Whether no active member had the key when it was last looked for.
    #[must_use]
    pub fn is_missing(&self, _key: &HsmKey) -> bool {
        false
    }

    /// Ends the members' processes and waits until they are gone.
    pub fn stop(&self) {}
}

/// One worker's place at a cluster. The first one also keeps the members logged in: it must be taken.
#[derive(Debug)]
pub struct HsmSeat {
    cluster: Cluster,
}

impl HsmSeat {
    /// Takes the seat, on the runtime that this is called on.
    #[must_use]
    pub fn take(self) -> HsmClient {
        HsmClient { cluster: self.cluster }
    }
}
