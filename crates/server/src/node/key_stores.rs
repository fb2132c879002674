//! What the configuration says of custom key stores, with the files that it names read. A file that cannot be used is a reason not to
//! start; an HSM's library is none, and is not looked at.

use super::core::program;
use crate::ServerError;
use crate::config::{Config, HsmCluster, TokenLabel, Xks};
use https::{CertificateDer, ClientCertificate, Roots, Route, Tls, TlsError};
use keystores::{ClusterSettings, Settings, xks};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The settings of custom key stores.
pub(super) fn settings(config: &Config) -> Result<Settings, ServerError> {
    Ok(Settings {
        requests_per_second: config.custom_key_stores.requests_per_second,
        xks: xks(&config.xks)?,
        clusters: clusters(config)?,
    })
}

fn xks(config: &Xks) -> Result<xks::Settings, ServerError> {
    let mut roots = Roots::system();
    for path in &config.extra_ca_files {
        let pem = read(EXTRA_CA_FILES, path)?;
        roots.add_pem(&pem).map_err(unusable(EXTRA_CA_FILES, path))?;
    }
    let routes = config.connect_to.iter().map(|(name, to)| (name.to_string(), Route::clone(&to.0)));
    Ok(xks::Settings { tls: tls(roots, config)?, routes: routes.collect() })
}

fn tls(roots: Roots, config: &Xks) -> Result<Tls, ServerError> {
    let (Some(certificate), Some(key)) = (&config.client_certificate, &config.client_key) else {
        return Tls::new(roots, None).map_err(ServerError::part("TLS with XKS proxies cannot be set up"));
    };
    let chain = read(CLIENT_CERTIFICATE, certificate)?;
    let secret = Zeroizing::new(read(CLIENT_KEY, key)?);
    let identity =
        ClientCertificate::from_pem(&chain, &secret).and_then(|client| Tls::new(roots, Some(client)));
    identity.map_err(|error| match error {
        TlsError::NoPrivateKey => unusable(CLIENT_KEY, key)(error),
        error => unusable(CLIENT_CERTIFICATE, certificate)(error),
    })
}

fn clusters(config: &Config) -> Result<Vec<ClusterSettings>, ServerError> {
    if config.hsm_cluster.is_empty() {
        return Ok(Vec::new());
    }
    let program = program(config.pkcs11.program.as_deref(), "cardea-pkcs11")?;
    config.hsm_cluster.iter().map(|cluster| of_cluster(cluster, program.clone())).collect()
}

fn of_cluster(cluster: &HsmCluster, program: PathBuf) -> Result<ClusterSettings, ServerError> {
    Ok(ClusterSettings {
        account: cluster.account,
        id: cluster.id.to_string(),
        library: cluster.library.clone(),
        members: cluster.members.iter().map(TokenLabel::to_string).collect(),
        trust_anchor: trust_anchor(cluster)?,
        synchronises: cluster.synchronises,
        sessions: cluster.sessions.get(),
        program,
        environment: environment(cluster),
    })
}

fn environment(cluster: &HsmCluster) -> BTreeMap<String, String> {
    cluster.environment.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

/// The file's text, which is one certificate.
fn trust_anchor(HsmCluster { id, trust_anchor: path, .. }: &HsmCluster) -> Result<Vec<u8>, ServerError> {
    let setting = format!("trust_anchor` of `hsm_cluster` `{id}");
    let pem = read(&setting, path)?;
    let certificates = http_server::tls::certificates(path).map_err(unusable(&setting, path))?;
    match <[CertificateDer<'_>; 1]>::try_from(certificates) {
        Ok([certificate]) => Roots::none().add(certificate).map_err(unusable(&setting, path))?,
        Err(_) => return Err(unusable(&setting, path)("it holds more than one certificate")),
    }
    Ok(pem)
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>, ServerError> {
    std::fs::read(path).map_err(unusable(setting, path))
}

fn unusable<E: Display>(setting: &str, path: &Path) -> impl FnOnce(E) -> ServerError {
    move |error| ServerError::Setting {
        setting: setting.to_owned(),
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

const CLIENT_CERTIFICATE: &str = "xks.client_certificate";
const CLIENT_KEY: &str = "xks.client_key";
const EXTRA_CA_FILES: &str = "xks.extra_ca_files` or `--xks-ca";
