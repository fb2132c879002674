//! Where no secret may be: the front end's memory, the files, the log. The secrets are learnt by opening the stored key tokens with
//! the security module's own code, and every search first shows that it finds what is there.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

use blackbox::{Connection, Request, Server, base64, bytes};
use keys::{AccountId, Key, Material};
use module::{Arena, Domain};
use module_api::{Binding, CredentialBinding};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use storage::{Embedded, Storage};

#[test]
fn no_key_of_the_module_is_in_the_front_end_s_memory_or_in_any_file_but_its_own() {
    let server = Server::start();
    let keys = load(&server);
    let memory = Memory::of(server.pid());
    // Nobody but root may look into the module; then the same search finds there what it must not find elsewhere.
    let of_module = rustix::process::geteuid().is_root().then(|| Memory::of(server.module_pid().unwrap()));
    assert!(server.terminate().success());
    let secrets = Secrets::of(&server);
    assert_eq!(secrets.backing_keys, keys.len(), "a backing key for every key");

    assert!(memory.holds(keys[0].as_bytes()), "the search does not find a key id in memory");
    assert!(memory.holds(DESCRIPTION.as_bytes()), "the search does not find a description in memory");
    for (name, forms) in &secrets.forms {
        for form in forms {
            assert!(!memory.holds(form), "{name} is in the front end's memory");
        }
        let kept = name.starts_with("the backing key");
        assert!(
            of_module.iter().all(|module| !kept || module.holds(&forms[0])),
            "{name} is not in the module"
        );
    }
    let seal_file = server.data().join("module/seal.key");
    let files = files_below(&server.data());
    assert!(files.iter().any(|file| contains(&fs::read(file).unwrap(), DESCRIPTION.as_bytes())));
    assert!(contains(&fs::read(&seal_file).unwrap(), &secrets.forms["the seal key"][0]));
    for file in files.iter().filter(|file| **file != seal_file) {
        let content = fs::read(file).unwrap();
        for (name, forms) in &secrets.forms {
            assert!(!forms.iter().any(|form| contains(&content, form)), "{name} is in {}", file.display());
        }
    }
}

#[test]
fn the_root_s_secret_access_key_is_in_no_file_but_root_env() {
    let server = Server::start();
    let _ = load(&server);
    let secret = server.root().secret_access_key.clone();
    assert!(server.terminate().success());
    for file in files_below(server.scratch()) {
        let found = forms(secret.as_bytes()).iter().any(|form| contains(&fs::read(&file).unwrap(), form));
        assert_eq!(found, file.ends_with("root.env"), "{}", file.display());
    }
}

#[test]
fn the_whole_log_at_its_most_talkative_tells_no_secret() {
    let server = Server::builder().config("[log]\nfilter = \"trace\"\n").start();
    let mut told = load_and_tell(&server);
    told.extend(load_over_http_2_and_tell(&server));
    told.push(("the secret access key", server.root().secret_access_key.clone().into_bytes()));
    let made = server.create_account();
    told.push(("another account's secret access key", made.secret_access_key.into_bytes()));
    assert!(server.terminate().success());
    let log = fs::read(server.scratch().join("log")).unwrap();
    assert!(contains(&log, b"TRACE h2::") && contains(&log, b"DEBUG"), "the log is not talkative");
    assert!(!contains(&log, b"Signature="), "a signature is in the log");
    for (name, secret) in told {
        for form in forms(&secret) {
            assert!(!contains(&log, &form), "{name} is in the log");
        }
    }
}

#[test]
fn no_plaintext_of_a_client_is_in_the_journal_or_in_the_store() {
    let server = Server::start();
    let told = load_and_tell(&server);
    assert!(server.terminate().success());
    let kept = [server.data().join("journal"), server.data().join("store")];
    for file in kept.iter().flat_map(|directory| files_below(directory)) {
        let content = fs::read(&file).unwrap();
        for (name, secret) in told.iter().filter(|(name, _)| *name != "a ciphertext") {
            assert!(
                !forms(secret).iter().any(|form| contains(&content, form)),
                "{name} is in {}",
                file.display()
            );
        }
    }
}

#[test]
fn the_front_end_leaves_no_core_file_and_its_memory_is_closed_to_everybody_who_is_not_root() {
    let server = Server::start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<_> = core.split_whitespace().rev().skip(1).take(2).collect();
    assert_eq!(words, ["0", "0"], "{core}");
    let maps = fs::metadata(format!("/proc/{}/maps", server.pid())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&maps), 0);
}

#[test]
fn the_module_s_memory_is_closed_to_everybody_who_is_not_root() {
    let server = Server::start();
    let module = server.module_pid().unwrap();
    let status = fs::metadata(format!("/proc/{module}/maps")).unwrap();
    // A process that may not be dumped belongs to root in /proc, and nobody else may trace it.
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&status), 0);
    let limits = fs::read_to_string(format!("/proc/{module}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().rev().nth(1), Some("0"), "{core}");
    let status = fs::read_to_string(format!("/proc/{module}/status")).unwrap();
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line} is not in {status}");
    }
}

#[test]
fn when_the_deletion_of_a_key_is_on_record_no_file_holds_any_piece_of_its_tokens() {
    let server = Server::builder().dev_clock().config("[journal]\nsegment_bytes = 1048576\n").start();
    let ids = load(&server);
    let (gone, kept) = (&ids[0], &ids[1]);
    let mut connection = server.connect().unwrap();
    let sealed =
        call(&server, &mut connection, "Encrypt", &json!({"KeyId": gone, "Plaintext": base64(b"x")}));
    // Each change of a key writes its record, and its token with it, to another place.
    for number in 0..CALLS {
        let input = json!({"KeyId": gone, "Description": DESCRIPTION.repeat(number % 9)});
        call(&server, &mut connection, "UpdateKeyDescription", &input);
    }
    assert!(server.terminate().success());
    let tokens = tokens(&server);
    server.start_again();
    assert!(pieces_in_files(&server, &tokens[gone]) > 0, "the search does not find what is there");

    let mut connection = server.connect().unwrap();
    let input = json!({"KeyId": gone, "PendingWindowInDays": 7});
    call(&server, &mut connection, "ScheduleKeyDeletion", &input);
    server.advance("8d");
    let begun = Instant::now();
    while !server.journal().iter().any(|record| record["eventName"] == "DeleteKey") {
        assert!(begun.elapsed() < PATIENCE, "the deletion is not on record");
    }
    assert_eq!(pieces_in_files(&server, &tokens[gone]), 0, "while it runs");
    assert!(pieces_in_files(&server, &tokens[kept]) > 0, "of a key that is still there");
    server.kill();
    assert_eq!(pieces_in_files(&server, &tokens[gone]), 0, "after a crash");
    server.start_again();
    let decrypt = server.call("Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
    assert_eq!(decrypt.error(), "AccessDeniedException");
    assert!(server.terminate().success());
    assert_eq!(pieces_in_files(&server, &tokens[gone]), 0, "at its end");
}

/// Makes keys and uses them, several clients at once. Says their ids.
fn load(server: &Server) -> Vec<String> {
    let make = || {
        let mut connection = server.connect().unwrap();
        let made = call(server, &mut connection, "CreateKey", &json!({"Description": DESCRIPTION}));
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        for _ in 0..CALLS {
            let data_key =
                call(server, &mut connection, "GenerateDataKey", &json!({"KeyId": id, "KeySpec": "AES_256"}));
            let sealed = data_key["CiphertextBlob"].clone();
            call(server, &mut connection, "Decrypt", &json!({"CiphertextBlob": sealed}));
            let input = json!({"KeyId": id, "Plaintext": data_key["Plaintext"]});
            let sealed = call(server, &mut connection, "Encrypt", &input)["CiphertextBlob"].clone();
            call(
                server,
                &mut connection,
                "ReEncrypt",
                &json!({"CiphertextBlob": sealed, "DestinationKeyId": id}),
            );
        }
        id
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..KEYS).map(|_| scope.spawn(make)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

/// One call of every kind that carries something secret, and all that was secret in them, signatures too.
fn load_and_tell(server: &Server) -> Vec<(&'static str, Vec<u8>)> {
    let key = server.create_key();
    let plaintext = *b"attack at dawn, by the river";
    let sign =
        |operation: &str, input: &Value| server.request(operation, input.to_string()).signed(server.root());
    let encrypt = sign("Encrypt", &json!({"KeyId": key, "Plaintext": base64(&plaintext)}));
    let sealed = server.send(&encrypt).output()["CiphertextBlob"].clone();
    let decrypt = sign("Decrypt", &json!({"CiphertextBlob": sealed}));
    assert_eq!(bytes(&server.send(&decrypt).output()["Plaintext"]), plaintext);
    let data_key = server.call("GenerateDataKey", &json!({"KeyId": key, "KeySpec": "AES_256"})).output();
    let random = server.call("GenerateRandom", &json!({"NumberOfBytes": 64})).output();
    let mut wrong = server.root().clone();
    wrong.secret_access_key = "a secret that is not the right one".to_owned();
    let refused = server.request("ListKeys", "{}").signed(&wrong);
    assert_eq!(server.send(&refused).error(), "InvalidSignatureException");
    vec![
        ("a plaintext", plaintext.to_vec()),
        ("a ciphertext", bytes(&sealed)),
        ("a data key", bytes(&data_key["Plaintext"])),
        ("random bytes", bytes(&random["Plaintext"])),
        ("a signature", signature(&encrypt)),
        ("a signature", signature(&decrypt)),
        ("a wrong signature", signature(&refused)),
        ("a wrong secret", wrong.secret_access_key.into_bytes()),
    ]
}

/// The same over TLS and HTTP/2, where more of what we build on has something to log.
fn load_over_http_2_and_tell(server: &Server) -> Vec<(&'static str, Vec<u8>)> {
    let plaintext = b"attack at noon, from the hills";
    let body = json!({"KeyId": server.create_key(), "Plaintext": base64(plaintext)}).to_string();
    let authority = server.https().strip_prefix("https://").unwrap().to_owned();
    let request = Request::new(&authority, "Encrypt", body.as_str()).signed(server.root());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--http2", "--data-raw", &body, "--cacert"]);
    curl.arg(server.data().join("tls/ca.pem")).arg(server.https());
    for (name, value) in &request.headers {
        curl.arg("--header").arg(format!("{name}: {value}"));
    }
    let output = curl.output().unwrap();
    assert!(contains(&output.stdout, b"CiphertextBlob"), "{}", server.log());
    vec![("a plaintext", plaintext.to_vec()), ("a signature", signature(&request))]
}

fn signature(request: &Request) -> Vec<u8> {
    request.header("authorization").rsplit_once("Signature=").unwrap().1.as_bytes().to_vec()
}

fn call(server: &Server, connection: &mut Connection, operation: &str, input: &Value) -> Value {
    let request = server.request(operation, input.to_string()).signed(server.root());
    connection.exchange(&request).unwrap().output()
}

/// A copy of all that a process can read and write in its memory.
struct Memory(Vec<Vec<u8>>);

impl Memory {
    fn of(pid: u32) -> Self {
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let writable =
            maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")));
        Self(writable.flat_map(|line| read_mapping(&memory, line)).collect())
    }

    fn holds(&self, wanted: &[u8]) -> bool {
        self.0.iter().any(|mapping| contains(mapping, wanted))
    }
}

/// What of a mapping is in use: the stretches between pages that hold nothing but zeros.
fn read_mapping(memory: &File, line: &str) -> Vec<Vec<u8>> {
    let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
    let number = |text| u64::from_str_radix(text, 16).unwrap();
    let (mut stretches, mut stretch) = (Vec::new(), Vec::new());
    let mut page = vec![0; PAGE];
    for at in (number(from)..number(to)).step_by(PAGE) {
        let in_use = memory.read_exact_at(&mut page, at).is_ok() && page != ZEROS;
        if in_use {
            stretch.extend_from_slice(&page);
        } else if !stretch.is_empty() {
            stretches.push(std::mem::take(&mut stretch));
        }
    }
    stretches.push(stretch);
    stretches
}

/// Every secret that a data directory protects, in every form in which it could have got out.
struct Secrets {
    forms: BTreeMap<String, Vec<Vec<u8>>>,
    backing_keys: usize,
}

impl Secrets {
    /// Opens the stored key tokens as the security module would.
    fn of(server: &Server) -> Self {
        let (seal_file, domain_file) =
            (server.data().join("module/seal.key"), server.data().join("module/domain.sealed"));
        let arena = Arena::new(PLACES).unwrap();
        let domain = Domain::load(&seal_file, &domain_file, false, &arena).unwrap();
        let seal = fs::read(seal_file).unwrap();
        let mut secrets = Self { forms: BTreeMap::new(), backing_keys: 0 };
        secrets.add("the seal key".to_owned(), &seal[seal.len() - 32..]);
        for (key, value) in stored(&server.data().join("store")) {
            secrets.learn(&domain, &String::from_utf8(key).unwrap(), &value);
        }
        secrets
    }

    fn learn(&mut self, domain: &Domain, stored_as: &str, value: &[u8]) {
        if stored_as.starts_with("a/") && stored_as.contains("/key/") {
            let key: Key = serde_json::from_slice(value).unwrap();
            for material in key.all_materials() {
                let backing_key = domain.open_key(&material.token, &binding(&key, material)).unwrap();
                self.add(format!("the backing key of {}", key.id), backing_key.bytes());
                self.backing_keys += 1;
            }
        } else if stored_as.starts_with("access-key/") {
            let record: Value = serde_json::from_slice(value).unwrap();
            let account: AccountId = record["account"].as_str().unwrap().parse().unwrap();
            let access_key_id = record["id"].as_str().unwrap();
            let token: Vec<u8> = serde_json::from_value(record["secret"].clone()).unwrap();
            let binding = CredentialBinding { account, access_key_id: access_key_id.into() };
            assert!(
                domain.open_credential(&token, &binding).is_ok(),
                "the stored secret access key is sealed"
            );
        }
    }

    fn add(&mut self, name: String, secret: &[u8]) {
        assert_eq!(secret.len(), 32, "{name}");
        self.forms.insert(name, forms(secret));
    }
}

fn binding(key: &Key, material: &Material) -> Binding {
    Binding {
        account: key.account,
        region: key.region,
        key_id: key.id,
        spec: key.spec,
        usage: key.usage,
        origin: key.origin,
        material_id: material.id,
    }
}

/// The key tokens of every key in the store of a server that is not running.
fn tokens(server: &Server) -> BTreeMap<String, Vec<Vec<u8>>> {
    let keys = stored(&server.data().join("store")).into_iter();
    let keys = keys.filter(|(at, _)| at.starts_with(b"a/") && contains(at, b"/key/"));
    let keys = keys.map(|(_, value)| serde_json::from_slice::<Key>(&value).unwrap());
    keys.map(|key| (key.id.to_string(), key.all_materials().map(|one| one.token.to_vec()).collect()))
        .collect()
}

/// How many pieces of 16 bytes of these tokens, as they are or in one of the forms of text, are in how many files.
fn pieces_in_files(server: &Server, tokens: &[Vec<u8>]) -> usize {
    assert!(!tokens.is_empty());
    // What all tokens begin with tells nothing of one.
    let pieces = tokens.iter().flat_map(|token| token[COMMON_TO_TOKENS..].chunks_exact(16)).flat_map(forms);
    let pieces: Vec<_> = pieces.collect();
    let files = files_below(&server.data()).into_iter().map(|file| fs::read(file).unwrap());
    files.map(|content| pieces.iter().filter(|piece| contains(&content, piece)).count()).sum()
}

/// Everything in a store that nobody else has open.
fn stored(directory: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let store = Embedded::open(directory, &storage::Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let entries = runtime.block_on(store.scan(b"", None, 10_000)).unwrap();
    entries.into_iter().map(|entry| (entry.key.to_vec(), entry.value.to_vec())).collect()
}

/// As it is, and as text: a secret that got out does so in one of these.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = secret.iter().map(u8::to_string).collect();
    let texts = [hex.to_uppercase(), hex, base64(secret), list.join(","), list.join(", ")];
    [secret.to_vec()].into_iter().chain(texts.map(String::into_bytes)).collect()
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(content, wanted).is_some()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let below = |entry: fs::DirEntry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => files_below(&entry.path()),
        kind if kind.is_file() => vec![entry.path()],
        _ => Vec::new(),
    };
    entries.flat_map(below).collect()
}

const DESCRIPTION: &str = "planted where a search must find it";
const KEYS: usize = 8;
const CALLS: usize = 50;
/// Version, kind and the domain key's id.
const COMMON_TO_TOKENS: usize = 18;
const PAGE: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(60);
const ZEROS: [u8; PAGE] = [0; PAGE];
const PLACES: usize = 64;
