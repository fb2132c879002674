//! The module's process: what it is to the kernel, what it does when it is killed, stuck, or started wrongly.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that finds something else than expected fails"
)]

#[path = "support/mod.rs"]
mod support;

use keys::{EncryptionAlgorithm, KeyId, KeyOrigin, KeySpec, KeyUsage};
use module_api::{Binding, EncryptionContext, Key, KeyToken, NewKey};
use module_client::{CallError, DEADLINE, ModuleClient, StartError, Supervisor, User};
use rustix::process::{Pid, Resource, Rlimit, Signal, geteuid, getrlimit, kill_process, setrlimit};
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::time::{Duration, Instant};

#[tokio::test]
async fn it_has_no_new_privileges_a_filter_on_every_thread_and_locked_memory() {
    let process = support::start();
    let pid = module_in(process.directory.path());
    let threads: Vec<_> = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(Result::unwrap).collect();
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(
        threads.len(),
        cores + 4,
        "for the connection, slow commands, late ones, their answers, the end"
    );
    for thread in threads {
        let status = fs::read_to_string(thread.path().join("status")).unwrap();
        assert_eq!((field(&status, "NoNewPrivs"), field(&status, "Seccomp")), ("1", "2"));
        let locked: u64 = field(&status, "VmLck").split_whitespace().next().unwrap().parse().unwrap();
        assert!(locked >= 256, "{locked} KiB locked");
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    match fs::read(format!("/proc/{pid}/environ")) {
        Ok(environment) => assert_eq!(environment, b"", "an environment was handed down"),
        Err(error) => assert!(error.kind() == ErrorKind::PermissionDenied && !geteuid().is_root(), "{error}"),
    }
    process.supervisor.stop();
}

/// The kernel gives the files of an undumpable process to root, whoever it runs as.
#[tokio::test]
async fn it_is_undumpable_and_runs_as_its_own_user_within_a_common_limit_of_locked_memory() {
    let directory = tempfile::tempdir().unwrap();
    let own = User { uid: 65_534, gid: 65_534 };
    let user = geteuid().is_root().then_some(own);
    if user.is_some() {
        chown(directory.path(), Some(own.uid), Some(own.gid)).unwrap();
    }
    let mut config = support::config(directory.path(), user);
    // Where the tests are built, another user may not go.
    let reachable = directory.path().join("cardea-module");
    fs::copy(&config.program, &reachable).unwrap();
    config.program = reachable;
    // The limit that systems commonly set; what is inherited may be wider.
    let maximum = getrlimit(Resource::Memlock).maximum;
    setrlimit(Resource::Memlock, Rlimit { current: Some(8 << 20), maximum }).unwrap();
    let (supervisor, _connectors) = Supervisor::start(config, 16).unwrap();
    let pid = module_in(directory.path());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let locked: u64 = field(&status, "VmLck").split_whitespace().next().unwrap().parse().unwrap();
    assert!(locked >= 2048, "{locked} KiB locked");
    let uid = user.map_or(geteuid().as_raw(), |user| user.uid).to_string();
    assert!(field(&status, "Uid").split_whitespace().all(|is| is == uid), "{status}");
    if user.is_some() {
        assert_eq!(field(&status, "Groups"), "");
    }
    assert_eq!(fs::metadata(format!("/proc/{pid}/mem")).unwrap().uid(), 0);
    supervisor.stop();
}

#[tokio::test]
async fn its_files_are_its_owners_alone_and_it_starts_on_them_again() {
    let process = support::start();
    for file in ["module.seal", "module.domain"] {
        let mode = fs::metadata(process.directory.path().join(file)).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o600, "{file}");
    }
    let made = make(&process.client).await;
    let blob = encrypt(&process.client, &made).await.unwrap();
    let before = process.client.status().await.unwrap();
    process.supervisor.stop();
    let mut config = support::config(process.directory.path(), None);
    config.initialise = false;
    let (_supervisor, mut connectors) = Supervisor::start(config, 1).unwrap();
    let client = connectors.pop().unwrap().connect();
    assert_eq!(client.status().await.unwrap(), before);
    let key = Key::new(&made.0, &made.1);
    assert_eq!(
        client
            .decrypt(key, EncryptionAlgorithm::SymmetricDefault, &EncryptionContext::default(), &blob, None)
            .await
            .unwrap()
            .as_slice(),
        PLAINTEXT
    );
}

#[tokio::test]
async fn calls_in_flight_when_it_is_killed_are_answered_by_the_next() {
    let process = support::start();
    let made = make(&process.client).await;
    let mut callers = Vec::new();
    let until = Instant::now() + Duration::from_millis(1500);
    for _ in 0..64 {
        let (client, made) = (process.client.clone(), made.clone());
        callers.push(tokio::spawn(async move {
            let (mut answered, mut slowest) = (0, Duration::ZERO);
            while Instant::now() < until {
                let began = Instant::now();
                encrypt(&client, &made).await.unwrap();
                slowest = slowest.max(began.elapsed());
                answered += 1;
            }
            (answered, slowest)
        }));
    }
    let mut killed = 0;
    let mut last = None;
    while Instant::now() < until - Duration::from_millis(300) {
        process.client.status().await.unwrap();
        let pid = module_in(process.directory.path());
        assert_ne!(Some(pid), last);
        last = Some(pid);
        kill(pid, Signal::KILL);
        killed += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(killed >= 3);
    for caller in callers {
        let (answered, slowest) = caller.await.unwrap();
        assert!(answered > 0 && slowest < DEADLINE, "{answered} answers, the slowest after {slowest:?}");
    }
}

#[tokio::test]
async fn a_pause_of_the_process_is_survived() {
    let process = support::start();
    let pid = module_in(process.directory.path());
    for _ in 0..20 {
        kill(pid, Signal::STOP);
        kill(pid, Signal::CONT);
        assert!(process.client.status().await.is_ok());
    }
    assert_eq!(module_in(process.directory.path()), pid, "it was replaced");
}

#[tokio::test]
async fn a_module_that_does_not_answer_fails_calls_in_time_and_is_replaced() {
    let process = support::start();
    let made = make(&process.client).await;
    let pid = module_in(process.directory.path());
    kill(pid, Signal::STOP);
    while !all_threads_stopped(pid) {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    assert_eq!(encrypt(&process.client, &made).await, Err(CallError::ModuleGone));
    assert!((DEADLINE..DEADLINE * 2).contains(&(began.elapsed() + Duration::from_millis(100))));
    assert!(encrypt(&process.client, &made).await.is_ok());
}

#[tokio::test]
async fn a_restart_never_makes_a_new_domain_key_and_comes_back_when_the_old_one_does() {
    let process = support::start();
    let before = process.client.status().await.unwrap();
    let pid = module_in(process.directory.path());
    let (file, aside) =
        (process.directory.path().join("module.domain"), process.directory.path().join("aside"));
    fs::rename(&file, &aside).unwrap();
    kill(pid, Signal::KILL);
    assert_eq!(process.client.status().await, Err(CallError::ModuleGone));
    assert!(!file.exists());
    fs::rename(&aside, &file).unwrap();
    assert_eq!(process.client.status().await, Ok(before));
}

#[tokio::test]
async fn after_a_stop_the_process_is_gone_and_calls_fail_at_once() {
    let process = support::start();
    let pid = module_in(process.directory.path());
    process.supervisor.stop();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    let began = Instant::now();
    assert_eq!(process.client.status().await, Err(CallError::ModuleGone));
    assert!(began.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn many_workers_are_served_each_over_its_own_connection() {
    let directory = tempfile::tempdir().unwrap();
    let (_supervisor, connectors) = Supervisor::start(support::config(directory.path(), None), 16).unwrap();
    let clients: Vec<_> = connectors.into_iter().map(|connector| connector.connect()).collect();
    let made = make(clients.first().unwrap()).await;
    for client in &clients {
        let blob = encrypt(client, &made).await.unwrap();
        assert!(
            clients
                .first()
                .unwrap()
                .decrypt(
                    Key::new(&made.0, &made.1),
                    EncryptionAlgorithm::SymmetricDefault,
                    &EncryptionContext::default(),
                    &blob,
                    None
                )
                .await
                .is_ok()
        );
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = support::config(directory.path(), None);
    config.program = directory.path().join("nothing");
    let error = Supervisor::start(config, 1).unwrap_err();
    assert!(
        matches!(&error, StartError::NotStarted { .. }) && error.to_string().contains("nothing"),
        "{error}"
    );
}

#[test]
fn a_seal_file_that_others_may_read_is_refused_with_the_remedy() {
    let directory = made_files();
    let seal = directory.path().join("module.seal");
    fs::set_permissions(&seal, Permissions::from_mode(0o640)).unwrap();
    let reason = refusal(&directory, false);
    assert!(
        reason.contains("module.seal") && reason.contains("0640") && reason.contains("chmod"),
        "{reason}"
    );
}

#[test]
fn files_that_are_missing_damaged_or_do_not_belong_together_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    assert!(refusal(&directory, false).contains("module.seal"), "nothing is made after the first start");

    let directory = made_files();
    fs::remove_file(directory.path().join("module.seal")).unwrap();
    assert!(
        refusal(&directory, true).contains("module.seal"),
        "no new seal key for a domain key that exists"
    );
    assert!(!directory.path().join("module.seal").exists());

    let directory = made_files();
    fs::remove_file(directory.path().join("module.domain")).unwrap();
    assert!(refusal(&directory, false).contains("module.domain"));

    let (directory, other) = (made_files(), made_files());
    fs::copy(other.path().join("module.seal"), directory.path().join("module.seal")).unwrap();
    assert!(refusal(&directory, true).contains("module.domain"));

    let domain = fs::read(other.path().join("module.domain")).unwrap();
    for at in 0..domain.len() {
        let mut changed = domain.clone();
        *changed.get_mut(at).unwrap() ^= 1;
        fs::write(other.path().join("module.domain"), changed).unwrap();
        if at % 8 == 0 {
            assert!(refusal(&other, true).contains("module.domain"), "byte {at}");
        }
    }
}

#[test]
fn a_first_start_that_was_cut_off_is_taken_up_again() {
    let directory = made_files();
    fs::remove_file(directory.path().join("module.domain")).unwrap();
    fs::write(directory.path().join("module.domain.new"), b"half").unwrap();
    Supervisor::start(support::config(directory.path(), None), 1).unwrap().0.stop();
    assert!(directory.path().join("module.domain").exists());
    assert!(!directory.path().join("module.domain.new").exists());
}

fn made_files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    Supervisor::start(support::config(directory.path(), None), 1).unwrap().0.stop();
    directory
}

fn refusal(directory: &tempfile::TempDir, initialise: bool) -> String {
    let mut config = support::config(directory.path(), None);
    config.initialise = initialise;
    match Supervisor::start(config, 1) {
        Err(StartError::Refused { reason, .. }) => reason,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it started"),
    }
}

const PLAINTEXT: &[u8] = b"a plaintext";

type Made = std::sync::Arc<(KeyToken, Binding)>;

async fn make(client: &ModuleClient) -> Made {
    let new = NewKey {
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        key_id: KeyId::single_region([1; 16]),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
    };
    let made = client.generate_key(&new).await.unwrap();
    Made::new((made.token, new.with_material(made.material_id)))
}

async fn encrypt(client: &ModuleClient, made: &Made) -> Result<Vec<u8>, CallError> {
    client
        .encrypt(
            Key::new(&made.0, &made.1),
            EncryptionAlgorithm::SymmetricDefault,
            &EncryptionContext::default(),
            PLAINTEXT,
        )
        .await
}

/// The running module that was started on the files in that directory.
fn module_in(directory: &Path) -> i32 {
    let seal_file = directory.join("module.seal").into_os_string().into_encoded_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        // One that has ended and is not waited for yet has no command line.
        let Ok(command_line) = fs::read(entry.path().join("cmdline")) else { continue };
        if command_line.split(|byte| *byte == 0).any(|word| word == seal_file) {
            found.push(pid);
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.pop().unwrap()
}

fn all_threads_stopped(pid: i32) -> bool {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().all(|thread| {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        field(&status, "State").starts_with('T')
    })
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find(|line| line.split(':').next() == Some(name));
    line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
}
