//! `root.env`: the lines that a shell reads to use an account of this service. They hold its secret: shown to nobody but
//! the file and whoever made the account.

use crate::ServerError;
use crate::data_dir::{DataDir, write_private};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a client needs to know to reach the service, besides who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// What the client is to trust, if it does not do so already.
    pub ca_bundle: Option<PathBuf>,
    /// The data directory, for `cardea admin` and `cardea dev`.
    pub data: PathBuf,
    /// The URL.
    pub endpoint: String,
    /// The region to name.
    pub region: String,
}

/// An access key and its secret.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Its id.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret_access_key: &'a str,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Reach {
    /// The `export` lines of an account.
    #[must_use]
    pub fn lines(&self, credentials: Credentials<'_>) -> Zeroizing<String> {
        // As much as it can need, so that no half-written copy stays behind in memory.
        let mut lines = Zeroizing::new(String::with_capacity(16 << 10));
        export(&mut lines, ACCESS_KEY_ID, credentials.access_key_id);
        export(&mut lines, SECRET_ACCESS_KEY, credentials.secret_access_key);
        for (name, value) in self.variables() {
            export(&mut lines, name, &value);
        }
        lines
    }

    /// Writes `root.env` for an account that was just made.
    pub fn write(&self, dir: &DataDir, credentials: Credentials<'_>) -> Result<(), ServerError> {
        write_private(&dir.root_env(), self.lines(credentials).as_bytes())
    }

    /// Brings an existing `root.env` up to date and leaves alone what is not ours to know: the credentials and added lines.
    pub fn refresh(&self, dir: &DataDir) -> Result<(), ServerError> {
        let path = dir.root_env();
        let old = Zeroizing::new(std::fs::read_to_string(&path).map_err(ServerError::file("read", &path))?);
        let new = self.refreshed(&old);
        if *new == *old { Ok(()) } else { write_private(&path, new.as_bytes()) }
    }

    fn refreshed(&self, old: &str) -> Zeroizing<String> {
        let mut new = Zeroizing::new(String::with_capacity(old.len() + (16 << 10)));
        for line in old.lines().filter(|line| !is_about(line, &OURS)) {
            new.push_str(line);
            new.push('\n');
        }
        for (name, value) in self.variables() {
            export(&mut new, name, &value);
        }
        new
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let ca = self.ca_bundle.as_deref().map(Path::to_string_lossy);
        let mut variables = vec![
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
        ];
        if let Some(ca) = ca {
            variables.push(("AWS_CA_BUNDLE", ca.clone().into_owned()));
            variables.push(("NODE_EXTRA_CA_CERTS", ca.into_owned()));
        }
        variables.push(("CARDEA_DATA", self.data.to_string_lossy().into_owned()));
        variables
    }
}

/// The endpoint that the `root.env` of a data directory names, if there is one.
pub(crate) fn endpoint_of(dir: &DataDir) -> Option<String> {
    let text = Zeroizing::new(std::fs::read_to_string(dir.root_env()).ok()?);
    let value = text.lines().find_map(|line| line.strip_prefix("export AWS_ENDPOINT_URL="))?;
    Some(value.strip_prefix('\'')?.strip_suffix('\'')?.replace(r"'\''", "'"))
}

fn is_about(line: &str, names: &[&str]) -> bool {
    let variable = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')).map(|(name, _)| name);
    variable.is_some_and(|name| names.contains(&name))
}

fn export(lines: &mut String, name: &str, value: &str) {
    // Writing into a string cannot fail.
    let _ = write!(lines, "export {name}='");
    for (at, piece) in value.split('\'').enumerate() {
        if at > 0 {
            lines.push_str(r"'\''");
        }
        lines.push_str(piece);
    }
    lines.push_str("'\n");
}

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// What each start writes anew. `AWS_DEFAULT_REGION` is there for botocore, which does not read `AWS_REGION`.
const OURS: [&str; 6] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "CARDEA_DATA",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_back_every_value_whatever_is_in_it() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(&outside.path().join("it's $HOME `id` \"quoted\"\\ dir")).unwrap();
        let reach = reach(&dir, "https://127.0.0.1:8443");
        reach.write(&dir, CREDENTIALS).unwrap();
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE", "CARDEA_DATA"];
        let values = shell(&dir, &names);
        let ca = reach.ca_bundle.unwrap().to_string_lossy().into_owned();
        let data = dir.path().to_string_lossy().into_owned();
        assert_eq!(values, ["AKIAEXAMPLE", "a/b+c$'\"", &ca, &data]);
    }

    #[test]
    fn a_refresh_changes_the_endpoint_and_keeps_the_credentials_and_added_lines() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        reach(&dir, "https://127.0.0.1:8443").write(&dir, CREDENTIALS).unwrap();
        let mut text = std::fs::read_to_string(dir.root_env()).unwrap();
        text.push_str("export MINE='1'\n");
        std::fs::write(dir.root_env(), text).unwrap();
        reach(&dir, "https://127.0.0.1:9999").refresh(&dir).unwrap();
        let values = shell(&dir, &["AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "MINE"]);
        assert_eq!(values, ["a/b+c$'\"", "https://127.0.0.1:9999", "1"]);
        assert_eq!(endpoint_of(&dir).as_deref(), Some("https://127.0.0.1:9999"));
    }

    #[test]
    fn a_refresh_without_a_change_does_not_write() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        let reach = reach(&dir, "https://127.0.0.1:8443");
        reach.write(&dir, CREDENTIALS).unwrap();
        let before = std::fs::metadata(dir.root_env()).unwrap().modified().unwrap();
        reach.refresh(&dir).unwrap();
        assert_eq!(std::fs::metadata(dir.root_env()).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn credentials_do_not_show_their_secret() {
        assert!(!format!("{CREDENTIALS:?}").contains("b+c"));
    }

    fn reach(dir: &DataDir, endpoint: &str) -> Reach {
        Reach {
            ca_bundle: Some(dir.file("tls/ca.pem")),
            data: dir.path().to_owned(),
            endpoint: endpoint.to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    fn shell(dir: &DataDir, names: &[&str]) -> Vec<String> {
        let script = r#". "$1"; shift; for name; do eval "printf '%s\n' \"\$$name\""; done"#;
        let output =
            Command::new("sh").args(["-c", script, "sh"]).arg(dir.root_env()).args(names).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    const CREDENTIALS: Credentials<'_> =
        Credentials { access_key_id: "AKIAEXAMPLE", secret_access_key: "a/b+c$'\"" };
}
