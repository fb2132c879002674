//! Says whether a request would be allowed, and why. Asks nothing but files: no proxy need run, and one that runs is not disturbed.

use super::Outcome;
use crate::config::{Config, DefaultDecision, Store};
use crate::policy::{Asked, Explanation, Policies, Policy};
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xks_api::{Operation, RequestMetadata};
use zeroize::Zeroizing;

/// Says whether a request would be allowed, and why
///
/// The exit code is 0 if it would be allowed, 3 if it would be denied, 1 if that cannot be told, 2 if the command line is wrong.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    policies: Where,
    #[command(flatten)]
    request: Request,
    /// Print the explanation as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Where {
    /// The configuration of the proxy.
    #[arg(long, value_name = "FILE", required_unless_present = "policy", conflicts_with_all = ["policy", "default"])]
    config: Option<PathBuf>,
    /// The path prefix of the store; may be left out if there is one store.
    #[arg(long, value_name = "PREFIX", requires = "config")]
    store: Option<String>,
    /// A policy, in place of a configuration; may be given several times.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// What a request gets that no statement of --policy speaks of: allow or deny.
    #[arg(long, value_name = "DECISION", value_parser = decision, default_value = "allow")]
    default: DefaultDecision,
}

#[derive(Debug, clap::Args)]
struct Request {
    /// The body of a request to the proxy, or a record of its journal: what either says need not be given.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// What KMS was asked for, such as GenerateDataKey.
    #[arg(long, value_name = "OPERATION", required_unless_present = "request")]
    operation: Option<String>,
    /// What the proxy is asked for: Encrypt, Decrypt or GetKeyMetadata. Follows from the operation, but of ReEncrypt and of
    /// operations that are not known here.
    #[arg(long, value_name = "CALL", value_parser = call)]
    call: Option<Operation>,
    /// Who asks: an ARN, the name of a service, or AWS Internal.
    #[arg(long, value_name = "ARN", required_unless_present = "request")]
    principal: Option<String>,
    /// The id of the external key.
    #[arg(long, value_name = "EXTERNAL_ID")]
    key: Option<String>,
    /// The ARN of the KMS key.
    #[arg(long, value_name = "ARN")]
    kms_key: Option<String>,
    /// The service by which KMS was asked.
    #[arg(long, value_name = "SERVICE")]
    via_service: Option<String>,
    /// The address that the connection to the proxy comes from.
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// The VPC that KMS was asked from.
    #[arg(long, value_name = "VPC")]
    source_vpc: Option<String>,
    /// The VPC endpoint by which KMS was asked.
    #[arg(long, value_name = "ENDPOINT")]
    source_vpce: Option<String>,
    /// When, such as 2026-12-24T18:00:00Z; now by default.
    #[arg(long, value_name = "TIME")]
    time: Option<Timestamp>,
}

/// Does it.
///
/// # Errors
///
/// A file cannot be read or is not what it should be, or what is asked is not whole.
pub fn run(arguments: &Arguments) -> Outcome {
    // A body may hold a plaintext.
    let text = arguments.request.request.as_deref().map(read).transpose()?.map(Zeroizing::new);
    let written = text.as_ref().map(|text| serde_json::from_str::<Written<'_>>(text)).transpose();
    let written =
        written.map_err(|error| format!("the request cannot be read: {error}"))?.unwrap_or_default();
    let explanation = explain(arguments, &written)?;
    let mut output = io::stdout();
    if arguments.json {
        writeln!(output, "{}", serde_json::to_string_pretty(&explanation)?)?;
    } else {
        write!(output, "{explanation}")?;
    }
    Ok(if explanation.allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
}

fn explain(arguments: &Arguments, written: &Written<'_>) -> Result<Explanation, Box<dyn Error>> {
    let request = &arguments.request;
    let metadata = request.metadata(written);
    let operation = operation(request, written, &metadata)?;
    let key = request.key.as_deref().or(written.external_key_id.as_deref());
    let policies = arguments.policies.read(operation, key)?;
    let peer = request.source_ip.or(written.source_ip_address);
    let at = request.time.or(written.event_time).unwrap_or_else(Timestamp::now);
    let external_key = key.unwrap_or_default();
    Ok(policies.explain(&Asked { operation, external_key, metadata: &metadata, peer, at }))
}

/// A body of a request, or a record. What else stands there is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written<'a> {
    #[serde(borrow)]
    request_metadata: RequestMetadata<'a>,
    #[serde(borrow)]
    event_name: Option<Cow<'a, str>>,
    event_time: Option<Timestamp>,
    #[serde(borrow)]
    external_key_id: Option<Cow<'a, str>>,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<IpAddr>,
    plaintext: Option<serde::de::IgnoredAny>,
    ciphertext: Option<serde::de::IgnoredAny>,
}

impl Request {
    /// What KMS would tell: what was given, else what was written.
    fn metadata<'a>(&'a self, written: &'a Written<'_>) -> RequestMetadata<'a> {
        let told = &written.request_metadata;
        RequestMetadata {
            aws_principal_arn: either(&self.principal, &told.aws_principal_arn),
            aws_source_vpc: either(&self.source_vpc, &told.aws_source_vpc),
            aws_source_vpce: either(&self.source_vpce, &told.aws_source_vpce),
            kms_key_arn: either(&self.kms_key, &told.kms_key_arn),
            kms_operation: either(&self.operation, &told.kms_operation),
            kms_request_id: told.kms_request_id.as_deref().map(Cow::Borrowed),
            kms_via_service: either(&self.via_service, &told.kms_via_service),
        }
    }
}

fn either<'a>(given: &'a Option<String>, written: &'a Option<Cow<'_, str>>) -> Option<Cow<'a, str>> {
    given.as_deref().or(written.as_deref()).map(Cow::Borrowed)
}

/// The call of the proxy: as given, else as written, else as it follows from what KMS was asked for.
fn operation(
    request: &Request,
    written: &Written<'_>,
    metadata: &RequestMetadata<'_>,
) -> Result<Operation, Box<dyn Error>> {
    let given = request.call.map(Ok).or_else(|| written.event_name.as_deref().map(call));
    if let Some(given) = given {
        return Ok(given?);
    }
    match (written.plaintext.is_some(), written.ciphertext.is_some()) {
        (true, false) => return Ok(Operation::Encrypt),
        (false, true) => return Ok(Operation::Decrypt),
        _ => {}
    }
    match metadata.kms_operation.as_deref().unwrap_or_default() {
        "CreateKey" => Ok(Operation::GetKeyMetadata),
        "Decrypt" => Ok(Operation::Decrypt),
        "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => Ok(Operation::Encrypt),
        "ConnectCustomKeyStore" | "CreateCustomKeyStore" | "KmsHealthCheck" | "UpdateCustomKeyStore" => {
            Ok(Operation::GetHealthStatus)
        }
        other => Err(format!("by which call `{other}` comes to a proxy is to be told with --call").into()),
    }
}

impl Where {
    fn read(&self, operation: Operation, key: Option<&str>) -> Result<Policies, Box<dyn Error>> {
        let Some(config) = &self.config else {
            let policies = self.policy.iter().map(|path| Ok(Policy::compile(&name(path), &read(path)?)?));
            return Ok(Policies::new(policies.collect::<Result<_, Box<dyn Error>>>()?, self.default));
        };
        let config = Config::read(config)?;
        let store = self.find(&config.stores)?;
        let is_shown = |key| store.keys.as_ref().is_none_or(|keys| keys.contains(key));
        match key {
            Some(key) if !is_shown(key) => Err(format!("the store shows no key `{key}`").into()),
            None if operation != Operation::GetHealthStatus && !store.key_policies.is_empty() => {
                Err("the store has policies of single keys: say with --key which external key it is".into())
            }
            _ => Ok(Policies::of(store)?),
        }
    }

    fn find<'a>(&self, stores: &'a [Store]) -> Result<&'a Store, String> {
        match (&self.store, stores) {
            (Some(prefix), _) => stores
                .iter()
                .find(|store| store.path_prefix == *prefix)
                .ok_or_else(|| format!("no store has the path prefix `{prefix}`")),
            (None, [store]) => Ok(store),
            (None, _) => Err("there are several stores: say with --store which".to_owned()),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn decision(text: &str) -> Result<DefaultDecision, &'static str> {
    match text {
        "allow" => Ok(DefaultDecision::Allow),
        "deny" => Ok(DefaultDecision::Deny),
        _ => Err("it is allow or deny"),
    }
}

fn call(text: &str) -> Result<Operation, String> {
    let found = Operation::ALL.into_iter().find(|operation| operation.as_str() == text);
    found.ok_or_else(|| format!("a proxy has no call `{text}`"))
}

/// How the process ends if the request would be denied.
const DENIED: u8 = 3;
