//! What the documentation of the XKS proxy has its readers type: the guide for Cardea as it stands there, with the unmodified aws command line
//! (`cargo xtask test --prepare` installs that), and what is said of `check-config` before a proxy is started.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use blackbox::{SoftHsm, program};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

#[test]
fn the_guide_for_cardea_is_true_from_its_beginning_to_its_end() {
    let reader = Reader::new();
    let [prepare, proxy, service, rest @ ..] = &guide()[..] else { panic!("the guide has other blocks") };
    let checked = reader.types(prepare);
    assert!(checked.contains("proxy.toml: OK") && checked.contains("1 keys: ACTIVE"), "{checked}");
    let _proxy = reader.starts("proxy", proxy);
    let _service = reader.starts("service", &service.replace("--data", "--listen 127.0.0.1:0 --data"));
    let said = reader.types(&rest.concat());
    for words in [
        "\"CONNECTED\"",
        "attack at dawn",
        "CiphertextBlob",
        "the key `payments-2026` is disabled",
        "version 2: newest",
        "  policy payments.json",
        "\nallowed",
        "\ndenied",
        "it ends with 3",
        "ok: ",
        "\"eventSource\":\"xks-proxy\"",
        "0 differences",
        "is in `keys.backup`",
    ] {
        assert!(said.contains(words), "{words:?} is not in what was said:\n{said}");
    }
    assert_eq!(said.matches("attack at dawn").count(), 2, "{said}");
}

#[test]
fn the_readmes_configuration_of_the_proxy_is_one_when_it_has_a_credential() {
    let reader = Reader::new();
    let readme = block(&text("README.md"), "\n## The other end: a proxy for your keys\n", "toml");
    let here = reader.folder.path().join("data").display().to_string();
    reader.writes("proxy.toml", &readme.replace("/var/lib/cardea-xks-proxy", &here));
    reader.types(&format!("umask 077; mkdir tls data\n{CERTIFICATE}\nopenssl rand -base64 24 > passphrase"));
    let said = reader.types(
        "cardea-xks-proxy credential new --store /payments >> proxy.toml
        cardea-xks-proxy key init --config proxy.toml
        cardea-xks-proxy key create mars --config proxy.toml
        cardea-xks-proxy check-config --config proxy.toml --open",
    );
    assert!(said.contains("proxy.toml: OK") && said.contains(": ACTIVE"), "{said}");
}

#[test]
fn tokens_that_are_well_are_said_to_be_active_before_a_proxy_is_started() {
    let reader = Reader::new();
    let tokens = SoftHsm::of_tokens(&["one", "two"]);
    reader.types(&format!(
        "umask 077; mkdir tls; openssl rand 32 > key; printf {} > pin\n{CERTIFICATE}",
        SoftHsm::PIN
    ));
    let key = reader.folder.path().join("key");
    ["one", "two"].iter().for_each(|token| tokens.import_key(token, "health", &key));
    let (library, configuration) = (SoftHsm::library(), tokens.configuration());
    let settings = format!(
        "data = 'data'
        [tls]
        certificate = 'tls/certificate.pem'
        private_key = 'tls/private-key.pem'
        [[key_manager]]
        name = 'hsm'
        kind = 'pkcs11'
        library = '{}'
        tokens = ['one', 'two']
        pin_file = 'pin'
        test_key = 'health'
        environment = {{ SOFTHSM2_CONF = '{}' }}
        [[store]]
        path_prefix = '/payments'
        key_manager = 'hsm'\n",
        library.display(),
        configuration.display()
    );
    reader.writes("proxy.toml", &settings);
    let said = reader.types(
        "cardea-xks-proxy credential new --store /payments >> proxy.toml
        cardea-xks-proxy check-config --config proxy.toml --open",
    );
    assert_eq!(said.matches(": ACTIVE").count(), 2, "{said}");
}

/// Somebody who reads the guide: an empty folder, and a port that nobody else has.
struct Reader {
    folder: tempfile::TempDir,
    port: u16,
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("guide-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, port }
    }

    fn writes(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// What the commands print, all of which succeed.
    #[track_caller]
    fn types(&self, commands: &str) -> String {
        let typed = self.shell(&format!("set -u\n{commands}")).output().unwrap();
        let said = String::from_utf8_lossy(&typed.stdout).into_owned();
        let errors = String::from_utf8_lossy(&typed.stderr);
        let logs = ["proxy", "service"].map(|name| self.log(name));
        assert!(typed.status.success(), "{said}\n{errors}\n{logs:?}");
        said
    }

    /// A program that is left running, when it says that it can serve.
    #[track_caller]
    fn starts(&self, name: &str, command: &str) -> Running {
        let log = File::create(self.folder.path().join(name)).unwrap();
        let command = format!("exec {command}");
        let mut child = self.shell(&command).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let running = Running(child);
        assert!(line.contains(" ready https://"), "{line}\n{}", self.log(name));
        running
    }

    fn shell(&self, commands: &str) -> Command {
        let programs = program("cardea").parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap();
        let path = [programs, aws()].into_iter().chain(std::env::split_paths(&path));
        let path: OsString = std::env::join_paths(path).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", &commands.replace("9443", &self.port.to_string())]);
        shell.env_clear().env("PATH", path).env("HOME", self.folder.path());
        shell.current_dir(&self.folder).stdin(Stdio::null());
        shell
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The blocks of commands, in their order.
fn guide() -> Vec<String> {
    let guide = text("docs/hold-your-own-keys-for-cardea.md");
    let begun = guide.split("\n```sh\n").skip(1);
    begun.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

/// The first block of that language below that heading.
fn block(text: &str, heading: &str, language: &str) -> String {
    let (_, section) = text.split_once(heading).unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

fn text(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

/// Where the aws command line is, in the target directory that this test is in too.
fn aws() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let mut places = test.ancestors().map(|place| place.join("venv-cli/bin"));
    let made = places.find(|place| place.join("aws").exists());
    made.unwrap_or_else(|| panic!("there is no venv-cli: run `cargo xtask test --prepare` first"))
}

const CERTIFICATE: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout tls/private-key.pem -out tls/certificate.pem";
