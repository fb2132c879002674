//! How fast it is, with a library that takes its time.

use crate::rig::{Key, Rig};
use key_manager::ExternalKeyId;
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

const SESSIONS: usize = 16;
