//! How keys are shown: for people, or as JSON for programs.

use jiff::Timestamp;
use key_manager_software::{Content, Key, Status, Usage};
use serde::Serialize;
use std::error::Error;
use std::fmt::Write;

/// All keys.
pub fn list(content: &Content, as_json: bool) -> Result<String, Box<dyn Error>> {
    let keys: Vec<_> = content.keys().iter().map(|(id, key)| Shown::new(id, key)).collect();
    if as_json {
        let store = content.store().iter().map(|byte| format!("{byte:02x}")).collect();
        let (generation, protector) = (content.generation(), content.protector().to_string());
        return json(&Store { store, generation, protector, keys });
    }
    let width = keys.iter().map(|key| key.id.len()).max().unwrap_or_default().max(2);
    let mut out =
        format!("{:width$}  STATUS     USAGE            VERSION  CREATED               ROTATED\n", "ID");
    for Shown { id, status, usage, newest_version, created, rotated, .. } in &keys {
        let (usage, rotated) = (usage.join(","), rotated.map_or_else(|| "-".to_owned(), |at| at.to_string()));
        writeln!(out, "{id:width$}  {status:9}  {usage:15}  {newest_version:<7}  {created}  {rotated}")?;
    }
    Ok(out)
}

/// One key and its versions.
pub fn show(content: &Content, id: &str, as_json: bool) -> Result<String, Box<dyn Error>> {
    let key = content.keys().iter().find(|(of, _)| *of == id);
    let (id, key) = key.ok_or_else(|| format!("there is no key `{id}`"))?;
    let key = Shown::new(id, key);
    if as_json {
        return json(&key);
    }
    let mut out = String::new();
    writeln!(out, "id:       {}", key.id)?;
    writeln!(out, "status:   {}", key.status)?;
    writeln!(out, "usage:    {}", key.usage.join(","))?;
    writeln!(out, "created:  {}", key.created)?;
    for ShownVersion { version, created, status } in &key.versions {
        writeln!(out, "version {version}: {status}, made {created}")?;
    }
    Ok(out)
}

#[derive(Serialize)]
struct Store<'a> {
    store: String,
    generation: u64,
    protector: String,
    keys: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    status: &'static str,
    usage: Vec<&'static str>,
    created: Timestamp,
    rotated: Option<Timestamp>,
    newest_version: usize,
    versions: Vec<ShownVersion>,
}

#[derive(Serialize)]
struct ShownVersion {
    version: usize,
    created: Timestamp,
    status: &'static str,
}

impl<'a> Shown<'a> {
    fn new(id: &'a str, key: &Key) -> Self {
        let newest = key.versions.len();
        let version = |(at, version): (usize, &key_manager_software::Version)| {
            let number = at.saturating_add(1);
            let status = match (version.is_destroyed(), number == newest) {
                (true, _) => "destroyed",
                (false, true) => "newest",
                (false, false) => "decrypts",
            };
            ShownVersion { version: number, created: time(version.created), status }
        };
        let rotated =
            key.newest().filter(|(number, _)| *number > 1).map(|(_, version)| time(version.created));
        Self {
            id,
            status: status(key.status),
            usage: usage(key.usage),
            created: time(key.created),
            rotated,
            newest_version: newest,
            versions: key.versions.iter().enumerate().map(version).collect(),
        }
    }
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Destroyed => "destroyed",
        Status::Disabled => "disabled",
        Status::Enabled => "enabled",
    }
}

fn usage(usage: Usage) -> Vec<&'static str> {
    let uses = [("ENCRYPT", usage.encrypts()), ("DECRYPT", usage.decrypts())];
    uses.into_iter().filter(|(_, may)| *may).map(|(name, _)| name).collect()
}

/// A time that no calendar has was never written by us.
fn time(seconds: u64) -> Timestamp {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

fn json(value: &impl Serialize) -> Result<String, Box<dyn Error>> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
