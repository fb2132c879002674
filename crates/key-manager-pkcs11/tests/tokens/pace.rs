//! How fast it is, with a library that takes its time.

#![expect(clippy::panic, clippy::unwrap_used, reason = "what no client may get fails the test")]

use crate::rig::{Key, Opened, Rig};
use key_manager::{ExternalKeyId, Trouble, together};
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
    let rate = encryptions_a_second(&opened, 4 * SESSIONS).await;
    let most = f64::from(u32::try_from(SESSIONS).unwrap()) / 0.006;
    eprintln!("{rate:.0} encryptions a second, {:.2} of what 16 sessions can do", rate / most);
    // The machine is busy with other tests; what it can do is measured apart. One session alone could do a sixteenth.
    assert!(rate > most * 0.1, "{rate}");
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
    let share = encryptions_a_second(&opened, 60).await * 0.01;
    eprintln!("{share:.2} of what one session can do");
    assert!(share > 0.2, "{share}");
    assert_eq!(rig.process("one"), process, "having much to do is no reason to be killed");
    rig.faults("");
    opened.until_all_work().await;
}

/// A token that was slow for a moment has little room at first; whoever comes then waits for it.
#[tokio::test]
async fn a_token_that_has_caught_up_sends_nobody_away() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 1)]);
    let opened = rig.open_with(Settings { sessions: NonZeroUsize::new(4).unwrap(), ..rig.quick_settings() });
    opened.until_all_work().await;
    rig.faults("* C_Encrypt delay 60");
    encryptions_a_second(&opened, 32).await;
    rig.faults("");
    opened.until_all_work().await;
    let key = ExternalKeyId::new("key").unwrap();
    let at_once = (0..32).map(|_| opened.session.encrypt(key, b"a plaintext", b"data"));
    for outcome in together(at_once).await {
        assert!(!matches!(outcome, Err(Trouble::Busy)), "{outcome:?}");
    }
}

/// What so many clients get done, each of which begins again when it is answered, and a little later where it was refused.
async fn encryptions_a_second(opened: &Opened, clients: usize) -> f64 {
    let local = LocalSet::new();
    let began = Instant::now();
    let client = |_| {
        let session = Rc::clone(&opened.session);
        local.spawn_local(async move {
            let mut count = 0_u32;
            while began.elapsed() < LONG_ENOUGH {
                let key = ExternalKeyId::new("key").unwrap();
                match session.encrypt(key, b"a plaintext", b"data").await {
                    Ok(_) => count += 1,
                    Err(Trouble::Busy | Trouble::TimedOut) => tokio::time::sleep(PAUSE).await,
                    Err(trouble) => panic!("{trouble:?}"),
                }
            }
            count
        })
    };
    let clients: Vec<_> = (0..clients).map(client).collect();
    local.await;
    let mut count = 0;
    for client in clients {
        count += client.await.unwrap();
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

const SESSIONS: usize = 16;
const LONG_ENOUGH: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(200);
