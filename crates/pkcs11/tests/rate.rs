//! How many plaintexts the process seals a second, beside the same calls made directly. Run by hand, in a release build:
//! `cargo test --release -p pkcs11 --test rate -- --ignored --nocapture`.

#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a measurement whose token is not there fails; its numbers are small"
)]

#[expect(dead_code, reason = "shared by several test programs")]
mod direct;
#[path = "../src/gcm.rs"]
#[expect(dead_code, reason = "only encryption is measured")]
mod gcm;
#[expect(dead_code, reason = "shared by several test programs")]
mod support;
#[path = "../src/trouble.rs"]
#[expect(dead_code, reason = "what the process does about it")]
mod trouble;

use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use pkcs11_api::{Bytes, Command, ObjectId, Reply};
use sidecar::{Client, Limit};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};
use support::{LIBRARY, PIN, SoftHsm};

#[test]
#[ignore = "a measurement"]
fn seal_keeps_its_share_of_the_direct_rate() {
    if let Some(library) = direct::library() {
        return measure_directly(&library);
    }
    let hsm = SoftHsm::with_tokens(&["one"]);
    println!("sessions  direct/s  in flight  sealed/s  share");
    for sessions in [1, 2, 8, 16] {
        for in_flight in [sessions, 64] {
            let mut shares: Vec<(f64, f64)> = (0..ROUNDS)
                .map(|_| (through_the_process(&hsm, sessions, in_flight), directly(&hsm, sessions)))
                .collect();
            shares.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
            let (sealed, direct) = shares[ROUNDS / 2];
            println!("{sessions:8}  {direct:8.0}  {in_flight:9}  {sealed:8.0}  {:.2}", sealed / direct);
        }
    }
}

fn through_the_process(hsm: &SoftHsm, sessions: usize, in_flight: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let member = hsm.start("one", sessions);
        member.log_in(PIN).await.unwrap();
        member.generate(ID).await.unwrap();
        let client = &member.client;
        let until = Instant::now() + WINDOW;
        let callers: Vec<_> =
            (0..in_flight).map(|_| tokio::spawn(seal_until(client.clone(), until))).collect();
        let mut sealed = 0;
        for caller in callers {
            sealed += caller.await.unwrap();
        }
        sealed as f64 / WINDOW.as_secs_f64()
    })
}

async fn seal_until(client: Client, until: Instant) -> u64 {
    let (id, additional_data, plaintext) = (ObjectId::new(ID).unwrap(), Bytes(&DATA), Bytes(&PLAINTEXT));
    let mut sealed = 0;
    while Instant::now() < until {
        let command = Command::Seal { id, additional_data, plaintext };
        let body = client.call(&command, Limit::KillAfter(Duration::from_secs(5))).await.unwrap();
        assert!(matches!(frames::decode(&body), Ok(Reply::Sealed { .. })));
        sealed += 1;
    }
    sealed
}

/// In a process of its own, as the library is there in ours.
fn directly(hsm: &SoftHsm, sessions: usize) -> f64 {
    let program = std::env::current_exe().unwrap();
    let mut command = hsm.command(program.to_str().unwrap());
    command.args(["--exact", "seal_keeps_its_share_of_the_direct_rate", "--ignored", "--nocapture"]);
    let run = command.env(direct::AGAIN, "1").env(SESSIONS, sessions.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let rate = said.lines().find_map(|line| line.split_once("direct rate: ")).unwrap().1;
    rate.trim().parse().unwrap()
}

fn measure_directly(library: &cryptoki::context::Pkcs11) {
    let sessions: usize = std::env::var(SESSIONS).unwrap().parse().unwrap();
    let gcm = gcm::Gcm::find(LIBRARY.as_ref()).unwrap();
    let slot = library.get_slots_with_initialized_token().unwrap().remove(0);
    let first = library.open_rw_session(slot).unwrap();
    first.login(UserType::User, Some(&AuthPin::from(PIN.to_owned()))).unwrap();
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Id(ID.to_vec())];
    let key = first.find_objects(&wanted).unwrap().remove(0);
    let (begin, over, sealed) =
        (Arc::new(Barrier::new(sessions + 1)), AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..sessions {
            let (begin, over, sealed, gcm) = (Arc::clone(&begin), &over, &sealed, &gcm);
            let session = library.open_rw_session(slot).unwrap();
            scope.spawn(move || {
                begin.wait();
                let mut count = 0_u64;
                while !over.load(Ordering::Relaxed) {
                    let mut iv = [0; 12];
                    iv[..8].copy_from_slice(&(count << 8 | number as u64).to_le_bytes());
                    gcm.encrypt(&session, key, &mut iv, &DATA, &PLAINTEXT).unwrap();
                    count += 1;
                }
                sealed.fetch_add(count, Ordering::Relaxed);
            });
        }
        begin.wait();
        thread::sleep(WINDOW);
        over.store(true, Ordering::Relaxed);
    });
    println!("direct rate: {:.0}", sealed.load(Ordering::Relaxed) as f64 / WINDOW.as_secs_f64());
}

const ID: &[u8] = b"a backing key id";
/// About as long as what the security module makes of a data key, and as the ARN and context around it.
const PLAINTEXT: [u8; 200] = [42; 200];
const DATA: [u8; 128] = [7; 128];
const WINDOW: Duration = Duration::from_millis(400);
const ROUNDS: usize = 9;
const SESSIONS: &str = "CARDEA_TEST_SESSIONS";
