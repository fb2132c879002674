//! How fast it is, with a library that takes its time.

use crate::rig::{Key, Rig};
use key_manager::{ExternalKeyId, Trouble};
use key_manager_pkcs11::Settings;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// Each encryption is two calls, of which each takes 3 ms longer.
#[tokio::test]
async fn sessions_are_used_to_the_full() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let settings = Settings { sessions: NonZeroUsize::new(SESSIONS).unwrap(), ..rig.settings() };
    let opened = rig.open_with(settings);
    opened.until_all_work().await;
    rig.faults("* C_EncryptInit delay 3\n* C_Encrypt delay 3");
    let local = LocalSet::new();
    let began = Instant::now();
    let clients: Vec<_> = (0..4 * SESSIONS)
        .map(|_| {
            let session = Rc::clone(&opened.session);
            local.spawn_local(async move {
                let mut count = 0_u32;
                while began.elapsed() < Duration::from_secs(3) {
                    let key = ExternalKeyId::new("key").unwrap();
                    session.encrypt(key, b"a plaintext", b"data").await.unwrap();
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    local
        .run_until(async {
            for client in clients {
                count += client.await.unwrap();
            }
        })
        .await;
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    let most = f64::from(u32::try_from(SESSIONS).unwrap()) / 0.006;
    eprintln!("{rate:.0} encryptions a second, {:.2} of what 16 sessions can do", rate / most);
    // The machine is busy with other tests; what it can do is measured apart.
    assert!(rate > most * 0.4, "{rate}");
}

/// Three times as much is asked for as one session can do: most of what it does must be what somebody waits for.
#[tokio::test]
async fn more_than_a_token_can_do_is_refused_and_what_it_does_is_of_use() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let settings = Settings { sessions: NonZeroUsize::MIN, ..rig.quick_settings() };
    let opened = rig.open_with(settings);
    opened.until_all_work().await;
    let process = rig.process("one");
    rig.faults("* C_EncryptInit delay 5\n* C_Encrypt delay 5");
    let local = LocalSet::new();
    let began = Instant::now();
    let clients: Vec<_> = (0..60)
        .map(|_| {
            let session = Rc::clone(&opened.session);
            local.spawn_local(async move {
                let mut count = 0_u32;
                while began.elapsed() < Duration::from_secs(4) {
                    let key = ExternalKeyId::new("key").unwrap();
                    match session.encrypt(key, b"a plaintext", b"data").await {
                        Ok(_) => count += 1,
                        Err(Trouble::Busy | Trouble::TimedOut) => {
                            tokio::time::sleep(Duration::from_millis(200)).await
                        }
                        Err(trouble) => panic!("{trouble:?}"),
                    }
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    local
        .run_until(async {
            for client in clients {
                count += client.await.unwrap();
            }
        })
        .await;
    let share = f64::from(count) / (4.0 / 0.01);
    eprintln!("{count} encryptions, {share:.2} of what one session can do");
    assert!(share > 0.4, "{count}");
    assert_eq!(rig.process("one"), process, "having much to do is no reason to be killed");
    rig.faults("");
    opened.until_all_work().await;
}

const SESSIONS: usize = 16;
