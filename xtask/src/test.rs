//! `cargo xtask test`: everything from a machine with Rust and a C compiler to the last green test.
//!
//! What the tests need beside Rust is installed where it is not there: Debian packages, and under the target directory Python packages in
//! virtual environments, Node.js in one of them, and packages of npm. It never changes a Python or a Node.js that the machine already
//! has, and installs nothing that is there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// What `cargo xtask test` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only make ready what the tests need: packages, virtual environments, the programs.
    #[arg(long)]
    prepare: bool,
    /// Passed on to the test runner, such as a filter.
    #[arg(last = true)]
    runner: Vec<String>,
}

/// Makes ready what the tests need, and runs them.
pub fn run(arguments: &Arguments) -> Result<(), TestError> {
    let workspace = Workspace::here()?;
    install_missing_packages()?;
    workspace.make_environment("venv", "requirements.txt")?;
    workspace.make_environment("venv-cli", "requirements-cli.txt")?;
    workspace.make_node_modules()?;
    // Without a package named, cargo builds the workspace's default members: all that is shipped.
    workspace.cargo(&["build", "--locked", "--bins"], &[])?;
    workspace.build_for_the_web()?;
    if arguments.prepare {
        return Ok(());
    }
    if succeeds(&["cargo", "nextest", "--version"]) {
        workspace.cargo(&["nextest", "run", "--locked", "--workspace"], &arguments.runner)?;
        workspace.cargo(&["test", "--locked", "--workspace", "--doc"], &[])
    } else {
        workspace.cargo(&["test", "--locked", "--workspace"], &arguments.runner)
    }
}

/// Where the sources are and where the results go.
struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    fn here() -> Result<Self, TestError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => env::current_dir().map_err(TestError::file("find", Path::new(".")))?.join(target),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A virtual environment with exactly what the requirements pin.
    fn make_environment(&self, name: &str, requirements: &str) -> Result<(), TestError> {
        let pinned = Pinned::read(self.root.join("tests/python").join(requirements))?;
        let environment = self.target.join(name);
        let python = environment.join("bin/python");
        if pinned.is_made_in(&environment) && succeeds(&[&python.to_string_lossy(), "--version"]) {
            return Ok(());
        }
        say(&format!("making {} from tests/python/{requirements}", environment.display()));
        must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        must(Command::new(&python).args(pip).arg(&pinned.file))?;
        pinned.was_made_in(&environment)
    }

    /// The packages of npm, exactly those whose digests the lock file has, by the Node.js of the virtual environment. No package
    /// gets to run anything while it is installed.
    fn make_node_modules(&self) -> Result<(), TestError> {
        let sources = self.root.join("tests/node");
        let pinned = Pinned::read(sources.join(NODE_LOCK))?;
        let modules = self.target.join("node");
        if pinned.is_made_in(&modules) {
            return Ok(());
        }
        say(&format!("making {} from tests/node/{NODE_LOCK}", modules.display()));
        fs::create_dir_all(&modules).map_err(TestError::file("make", &modules))?;
        for name in ["package.json", NODE_LOCK] {
            let source = sources.join(name);
            fs::copy(&source, modules.join(name)).map_err(TestError::file("copy", &source))?;
        }
        let programs = self.target.join("venv/bin");
        let mut npm = Command::new(programs.join("npm"));
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        must(npm.current_dir(&modules).env("PATH", path_beginning_with(programs)))?;
        pinned.was_made_in(&modules)
    }

    /// The policy engine runs in a browser too: it must build for WebAssembly. A compiler that did not come by rustup may lack
    /// that target, and then this is not tried.
    fn build_for_the_web(&self) -> Result<(), TestError> {
        if !succeeds(&["rustup", "target", "add", WEB]) {
            say("not building `access` for WebAssembly: this compiler has no such target");
            return Ok(());
        }
        self.cargo(&["build", "--locked", "--package", "access", "--target", WEB], &[])
    }

    fn cargo(&self, words: &[&str], more: &[String]) -> Result<(), TestError> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        must(Command::new(cargo).args(words).args(more).current_dir(&self.root))
    }
}

/// A file that pins packages. What was made from the same text is kept.
struct Pinned {
    file: PathBuf,
    text: String,
}

impl Pinned {
    fn read(file: PathBuf) -> Result<Self, TestError> {
        let text = fs::read_to_string(&file).map_err(TestError::file("read", &file))?;
        Ok(Self { file, text })
    }

    fn is_made_in(&self, directory: &Path) -> bool {
        fs::read_to_string(directory.join(MADE_FROM)).is_ok_and(|text| text == self.text)
    }

    fn was_made_in(&self, directory: &Path) -> Result<(), TestError> {
        let made_from = directory.join(MADE_FROM);
        fs::write(&made_from, &self.text).map_err(TestError::file("write", &made_from))
    }
}

/// The programs of this directory come before all others.
fn path_beginning_with(directory: PathBuf) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = [directory].into_iter().chain(env::split_paths(&path));
    env::join_paths(places).unwrap_or(path.clone())
}

/// Asks for root's rights only when a package is missing.
fn install_missing_packages() -> Result<(), TestError> {
    let missing = missing_packages();
    if missing.is_empty() {
        return Ok(());
    }
    let installer = installer().ok_or_else(|| TestError::not_installable(&missing))?;
    say(&format!("installing the Debian packages {}", missing.join(" ")));
    must(&mut words(&[installer, &["update", "--quiet"]].concat()))?;
    let install = ["install", "--quiet", "--yes", "--no-install-recommends"];
    must(&mut words(&[installer, &install, &missing].concat()))?;
    let still_missing = missing_packages();
    if still_missing.is_empty() { Ok(()) } else { Err(TestError::not_installable(&still_missing)) }
}

fn missing_packages() -> Vec<&'static str> {
    NEEDED.iter().filter(|need| !succeeds(need.probe)).map(|need| need.package).collect()
}

fn installer() -> Option<&'static [&'static str]> {
    let root = succeeds(&["sh", "-c", r#"test "$(id -u)" = 0"#]);
    match (succeeds(&["apt-get", "--version"]), root, succeeds(&["sudo", "--version"])) {
        (true, true, _) => Some(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]),
        (true, false, true) => Some(&["sudo", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]),
        _ => None,
    }
}

fn words(words: &[&str]) -> Command {
    let (program, rest) = words.split_first().unwrap_or((&"false", &[]));
    let mut command = Command::new(program);
    command.args(rest);
    command
}

fn succeeds(probe: &[&str]) -> bool {
    let quiet = words(probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn must(command: &mut Command) -> Result<(), TestError> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(TestError::Failed { line: as_typed(command), status }),
        Err(source) => Err(TestError::NotStarted { line: as_typed(command), source }),
    }
}

fn as_typed(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn say(what: &str) {
    eprintln!("cargo xtask test: {what}");
}

/// Why the tests did not all run and pass.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// A command failed.
    #[error("`{line}` failed: {status}")]
    Failed {
        /// The command.
        line: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// Something could not be done to a file.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Packages are missing and there is no way to install them.
    #[error(
        "the tests need the packages `{packages}`; install them (on Debian: apt-get install {packages}) and run this again"
    )]
    NotInstallable {
        /// Their Debian names.
        packages: String,
    },
    /// A command could not be started.
    #[error("`{line}` could not be started: {source}")]
    NotStarted {
        /// The command.
        line: String,
        /// Why not.
        source: io::Error,
    },
}

impl TestError {
    fn not_installable(packages: &[&str]) -> Self {
        Self::NotInstallable { packages: packages.join(" ") }
    }

    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}

/// A Debian package, and a command that succeeds where it is not needed any more.
struct Need {
    package: &'static str,
    probe: &'static [&'static str],
}

/// Stands last in what was made whole, and says from what.
const MADE_FROM: &str = "made-from.txt";

const NODE_LOCK: &str = "package-lock.json";

/// The target of what runs in a browser.
const WEB: &str = "wasm32-unknown-unknown";

const NEEDED: &[Need] = &[
    Need { package: "curl", probe: &["curl", "--version"] },
    Need { package: "openssl", probe: &["openssl", "version"] },
    Need { package: "procps", probe: &["pgrep", "--version"] },
    Need { package: "python3", probe: &["python3", "--version"] },
    Need { package: "python3-venv", probe: &["python3", "-c", "import ensurepip, venv"] },
    Need { package: "softhsm2", probe: &["softhsm2-util", "--version"] },
    Need { package: "util-linux", probe: &["unshare", "--version"] },
];
