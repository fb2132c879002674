//! `Encrypt` in HSM clusters of SoftHSM: at the door of the key stores and over HTTP, beside the same calls made directly on SoftHSM
//! with as many sessions, in turn.

use super::super::cardea::{Cardea, text};
use super::super::load::{Slice, drive};
use super::super::operation::{Operation, encrypt_bodies};
use super::super::store::remove;
use super::super::{BenchError, Options, Places, note};
use super::boundary::{self, Boundary};
use super::custom_key_store::{CustomKeyStore, call, new_key};
use super::direct::Direct;
use super::proxy::Proxy;
use super::soft_hsm::{PIN, SoftHsm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A cluster and what was measured of it.
#[derive(Debug, Serialize)]
pub struct Cluster {
    /// Its kind.
    pub kind: ClusterKind,
    /// What the rounds showed.
    pub rounds: Vec<Round>,
}

/// A kind of cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterKind {
    /// What it is called in the report.
    pub name: &'static str,
    /// Its id.
    pub id: &'static str,
    /// The labels of its tokens.
    pub tokens: [&'static str; 2],
    /// Sessions with each token.
    pub sessions: usize,
    /// Whether its library takes some milliseconds for an encryption.
    pub slow: bool,
}

/// A slice of each, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// Direct calls a second.
    pub direct_rate: f64,
    /// Processor time of a direct call in microseconds.
    pub direct_cpu_us: f64,
    /// The key stores, called in this process. CPU is that of the PKCS#11 processes.
    pub boundary: Slice,
    /// Cardea over HTTP. CPU is that of all its processes.
    pub http: Slice,
}

/// The lengths of what a token encrypts for an `Encrypt` of 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// What the security module has sealed.
    pub plaintext: usize,
    /// What it is bound to.
    pub additional_data: usize,
}

impl ClusterKind {
    /// The library that it is reached through.
    pub fn library(&self, places: &Places) -> Result<PathBuf, BenchError> {
        if self.slow { Ok(places.program("libfaulty_pkcs11.so")) } else { SoftHsm::library() }
    }
}

/// Measures every cluster in every round.
pub fn measure(places: &Places, options: &Options) -> Result<Vec<Cluster>, BenchError> {
    let directory = places.bench.join("hsm-stores");
    remove(&directory)?;
    fs::create_dir_all(&directory).map_err(BenchError::io("make a directory"))?;
    let hsm = SoftHsm::with(&directory.join("hsm"), KINDS.iter().flat_map(|kind| kind.tokens))?;
    hsm.faults(SLOW)?;
    let anchors = KINDS.iter().map(|kind| anchor(places, &directory.join(kind.id)));
    let anchors = anchors.collect::<Result<Vec<_>, _>>()?;
    let with_clusters = with_clusters(places, &directory, &hsm, &anchors)?;
    let cardea = Cardea::start(&with_clusters, &directory.join("data"))?;
    let sizes = sizes(&cardea)?;
    let subject =
        |(kind, anchor): (&ClusterKind, &PathBuf)| Subject::new(places, &hsm, &cardea, kind, anchor, sizes);
    let mut subjects = KINDS.iter().zip(&anchors).map(subject).collect::<Result<Vec<_>, _>>()?;
    let mut measured: Vec<_> = KINDS.map(|kind| Cluster { kind, rounds: Vec::new() }).into();
    for round in 1..=options.rounds {
        note(&format!("HSM clusters, round {round} of {}", options.rounds));
        for (subject, Cluster { rounds, .. }) in subjects.iter_mut().zip(&mut measured) {
            rounds.push(subject.round(options)?);
        }
    }
    Ok(measured)
}

struct Subject<'a> {
    cardea: &'a Cardea,
    key: String,
    direct: Direct,
    boundary: Boundary,
}

impl<'a> Subject<'a> {
    fn new(
        places: &Places,
        hsm: &SoftHsm,
        cardea: &'a Cardea,
        kind: &ClusterKind,
        anchor: &Path,
        sizes: Sizes,
    ) -> Result<Self, BenchError> {
        let trust_anchor = fs::read_to_string(anchor).map_err(BenchError::io("read a certificate"))?;
        let store = CustomKeyStore::connected(
            cardea,
            kind.name,
            &json!({
                "CustomKeyStoreType": "AWS_CLOUDHSM",
                "CloudHsmClusterId": kind.id,
                "KeyStorePassword": PIN,
                "TrustAnchorCertificate": trust_anchor,
            }),
        )?;
        let key = store.new_key(&json!({ "Origin": "AWS_CLOUDHSM" }))?;
        let direct = Direct::start(places, hsm, kind, sizes)?;
        Ok(Self { cardea, key, direct, boundary: Boundary::new(places, hsm, kind, sizes)? })
    }

    fn round(&mut self, options: &Options) -> Result<Round, BenchError> {
        let window = options.window();
        let (direct_rate, direct_cpu_us) = self.direct.rate(window)?;
        let boundary = self.boundary.measure(CALLS, window)?;
        let bodies = encrypt_bodies(vec![self.key.clone(); DISTINCT_REQUESTS].iter());
        let signed = Arc::new(self.cardea.sign(Operation::Encrypt.name(), &bodies)?);
        let http = drive(&self.cardea.http, &signed, CALLS, window, &self.cardea.server.processes_now()?)?;
        Ok(Round { direct_rate, direct_cpu_us, boundary, http })
    }
}

/// What the module makes of 32 bytes, and what the key stores bind it to.
fn sizes(cardea: &Cardea) -> Result<Sizes, BenchError> {
    let native = new_key(cardea, &json!({}))?;
    let body = json!({ "KeyId": native, "Plaintext": STANDARD.encode([42; 32]) });
    let blob = text(&call(cardea, Operation::Encrypt.name(), &body)?, "CiphertextBlob")?;
    let blob = STANDARD.decode(&blob).map_err(|_| BenchError::malformed("a ciphertext", blob))?;
    Ok(Sizes { plaintext: blob.len(), additional_data: boundary::additional_data()? })
}

/// A certificate that vouches for a cluster of its own. Any will do: SoftHSM shows none.
fn anchor(places: &Places, directory: &Path) -> Result<PathBuf, BenchError> {
    Ok(Proxy::start(places, directory)?.ca().to_owned())
}

fn with_clusters(
    places: &Places,
    directory: &Path,
    hsm: &SoftHsm,
    anchors: &[PathBuf],
) -> Result<Places, BenchError> {
    let environment = hsm.environment()?;
    let mut text = "[custom_key_stores]\nrequests_per_second = 1000000\n".to_owned();
    for (kind, anchor) in KINDS.iter().zip(anchors) {
        let (ClusterKind { id, tokens, sessions, .. }, library) = (kind, kind.library(places)?);
        text += &format!(
            "\n[[hsm_cluster]]\nid = {id:?}\nlibrary = {library:?}\nmembers = {tokens:?}\nsessions = {sessions}\ntrust_anchor = {anchor:?}\n\n[hsm_cluster.environment]\n"
        );
        environment.iter().for_each(|(name, value)| text += &format!("{name} = {value:?}\n"));
    }
    places.with_more_config(directory, &text)
}

const KINDS: [ClusterKind; 2] = [
    ClusterKind {
        name: "SoftHSM",
        id: "cluster-fastfastfast",
        tokens: ["fast-1", "fast-2"],
        sessions: 16,
        slow: false,
    },
    ClusterKind {
        name: "SoftHSM, 3 ms a call",
        id: "cluster-slowslowslow",
        tokens: ["slow-1", "slow-2"],
        sessions: 8,
        slow: true,
    },
];
/// Of the two calls of an encryption, the one that a network HSM has to travel for.
const SLOW: &str = "* C_Encrypt delay 3\n";
/// Calls in flight: more than sessions, so that none is idle.
pub const CALLS: usize = 64;
const DISTINCT_REQUESTS: usize = 256;
