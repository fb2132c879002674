//! Members that fail while they are used.

use super::support::SoftHsm;
use super::{connected, eventually, generate, open, seal, works};
use keys::HsmKey;
use keystores::{HsmClient, HsmFailure, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Requests under way until it is ended: how many there were, and what the slowest took. None may fail.
struct Load {
    tasks: JoinSet<Result<(u64, Duration), StoreError>>,
    ended: Arc<AtomicBool>,
}

impl Load {
    fn on(client: &HsmClient, key: &HsmKey) -> Self {
        let (mut tasks, ended) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for _ in 0..8 {
            let (client, key, ended) = (client.clone(), key.clone(), Arc::clone(&ended));
            tasks.spawn(async move {
                let (mut count, mut slowest) = (0, Duration::ZERO);
                while !ended.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    works(&client, &key).await?;
                    slowest = slowest.max(began.elapsed());
                    count += 1;
                }
                Ok((count, slowest))
            });
        }
        Self { tasks, ended }
    }

    async fn end(self) -> (u64, Duration) {
        self.ended.store(true, Ordering::Relaxed);
        let done = self.tasks.join_all().await;
        done.into_iter()
            .map(Result::unwrap)
            .fold((0, Duration::ZERO), |(sum, most), (count, slowest)| (sum + count, most.max(slowest)))
    }
}

#[tokio::test]
async fn a_member_that_is_removed_under_load_and_returned_costs_no_request() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let load = Load::on(&client, &key);
    tokio::time::sleep(Duration::from_millis(300)).await;
    hsm.faults("b * removed");
    eventually(async || client.cluster().active_members() == 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    hsm.faults("");
    eventually(async || client.cluster().active_members() == 2).await;
    let (count, _) = load.end().await;
    assert!(count > 50, "{count}");
}

#[tokio::test]
async fn a_crash_in_a_call_costs_no_request_and_the_member_comes_back() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let load = Load::on(&client, &key);
    hsm.faults("a C_EncryptInit crash");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    hsm.faults("");
    eventually(async || client.cluster().active_members() == 2).await;
    let (count, slowest) = load.end().await;
    assert!(count > 50 && slowest < Duration::from_secs(1), "{count} {slowest:?}");
    hsm.faults("b * removed");
    works(&client, &key).await.unwrap();
}

#[tokio::test]
async fn a_hang_costs_one_deadline_and_then_calls_go_elsewhere() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    works(&client, &key).await.unwrap();
    hsm.faults("a * hang");
    let began = Instant::now();
    works(&client, &key).await.unwrap();
    works(&client, &key).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    let began = Instant::now();
    for _ in 0..20 {
        works(&client, &key).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    hsm.faults("");
    eventually(async || client.cluster().active_members() == 2).await;
}

#[tokio::test]
async fn a_member_that_hangs_only_when_it_is_used_delays_one_request_at_a_time() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    hsm.faults("a C_Encrypt hang\na C_EncryptInit hang\na C_EncryptUpdate hang");
    let load = Load::on(&client, &key);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (count, slowest) = load.end().await;
    assert!(count > 200 && slowest < Duration::from_millis(2500), "{count} {slowest:?}");
}

#[tokio::test]
async fn when_every_member_is_away_calls_end_in_time_then_at_once_and_work_again_after_the_return() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    hsm.faults("* * hang");
    let began = Instant::now();
    assert_eq!(open(&client, &key, &blob).await.err(), Some(HsmFailure::TimedOut.into()));
    assert!(began.elapsed() < Duration::from_millis(3500), "{:?}", began.elapsed());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let began = Instant::now();
    assert!(open(&client, &key, &blob).await.is_err());
    assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    hsm.faults("");
    eventually(async || open(&client, &key, &blob).await == Ok(super::INNER.to_vec())).await;
}
