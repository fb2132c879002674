//! HSM clusters of real tokens: SoftHSM behind a library that injects faults.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

mod destruction;
mod faults;
mod logins;
mod making;
mod missing;
#[path = "../support/mod.rs"]
mod support;
mod usage;

use keys::{HsmKey, KeyId};
use keystores::{Cluster, ClusterSettings, HsmClient, Pin, StoreError, TransportKeys};
use std::time::Duration;
use support::PIN;
use usage::Use;

/// A cluster with one worker, not yet connected.
fn start(settings: ClusterSettings) -> HsmClient {
    let (_, mut seats) = Cluster::start(settings, 1).unwrap();
    seats.pop().unwrap().take()
}

/// A cluster that is connected, and the transport keys of its members.
async fn connected(settings: ClusterSettings) -> (HsmClient, TransportKeys) {
    let client = start(settings);
    let keys = client.connect(pin(), &TransportKeys::default()).await.unwrap();
    (client, keys)
}

fn pin() -> Pin<'static> {
    Pin::new(PIN).unwrap()
}

async fn generate(client: &HsmClient, known: &TransportKeys, number: u8) -> Result<HsmKey, StoreError> {
    client.generate_key(pin(), known, &KeyId::single_region([number; 16]), [number; 16]).await
}

async fn seal(client: &HsmClient, key: &HsmKey) -> Result<Vec<u8>, StoreError> {
    client.seal(pin(), key, &Use::of(key).usage(), INNER).await
}

async fn open(client: &HsmClient, key: &HsmKey, blob: &[u8]) -> Result<Vec<u8>, StoreError> {
    client.open(pin(), key, &Use::of(key).usage(), blob).await
}

/// Seals and opens.
async fn works(client: &HsmClient, key: &HsmKey) -> Result<(), StoreError> {
    let blob = seal(client, key).await?;
    assert_eq!(open(client, key, &blob).await?, INNER);
    Ok(())
}

/// Waits for what comes in the background.
async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let is_so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), is_so).await.expect("it does not come about");
}

/// What the security module sealed: here anything.
const INNER: &[u8] = &[5; 200];
