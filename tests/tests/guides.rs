//! The guide for holding one's own keys for Cardea, typed as it stands there, with the unmodified aws command line. `cargo xtask test --prepare`
//! installs that.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use blackbox::program;
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
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/hold-your-own-keys-for-cardea.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let begun = guide.split("\n```sh\n").skip(1);
    begun.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

/// Where the aws command line is, in the target directory that this test is in too.
fn aws() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let mut places = test.ancestors().map(|place| place.join("venv-cli/bin"));
    let made = places.find(|place| place.join("aws").exists());
    made.unwrap_or_else(|| panic!("there is no venv-cli: run `cargo xtask test --prepare` first"))
}
