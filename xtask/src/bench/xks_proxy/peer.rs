//! Another XKS proxy, which somebody else has started and configured: nothing of it is known here but how it is called.

use super::super::BenchError;
use super::super::connection::{Endpoint, tls_trusting};
use super::api::Api;
use http::Uri;
use rustls::pki_types::ServerName;
use sigv4::Credentials;
use std::fs;
use std::net::ToSocketAddrs;
use std::path::PathBuf;

/// How it is called.
#[derive(Debug, clap::Args)]
pub struct PeerOptions {
    /// The URL of another XKS proxy on the same library of the same HSM, with its path prefix: it gets the same load
    #[arg(long, value_name = "URL", requires_all = ["peer_ca", "peer_key", "peer_access_key_id", "peer_secret_file"])]
    peer: Option<Uri>,
    /// The certificate that vouches for it.
    #[arg(long, value_name = "FILE")]
    peer_ca: Option<PathBuf>,
    /// The id of an external key of it.
    #[arg(long, value_name = "ID")]
    peer_key: Option<String>,
    /// The id of the credential that it takes.
    #[arg(long, value_name = "ID")]
    peer_access_key_id: Option<String>,
    /// The file with the secret of that.
    #[arg(long, value_name = "FILE")]
    peer_secret_file: Option<PathBuf>,
    /// The region that it takes signatures for.
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    peer_region: String,
}

impl PeerOptions {
    /// The proxy, if one was named.
    pub fn api(&self) -> Result<Option<Api>, BenchError> {
        let (Some(url), Some(ca), Some(key), Some(id), Some(secret)) =
            (&self.peer, &self.peer_ca, &self.peer_key, &self.peer_access_key_id, &self.peer_secret_file)
        else {
            return Ok(None);
        };
        let wrong = || BenchError::malformed("the URL of the other proxy", url.to_string());
        let (host, port) = (url.host().ok_or_else(wrong)?, url.port_u16().unwrap_or(443));
        let mut addresses = (host, port).to_socket_addrs().map_err(BenchError::io("find the other proxy"))?;
        let address = addresses.find(std::net::SocketAddr::is_ipv4).ok_or_else(wrong)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong())?;
        let secret =
            fs::read_to_string(secret).map_err(BenchError::io("read the secret of the other proxy"))?;
        Ok(Some(Api {
            endpoint: Endpoint::secure(address, tls_trusting(ca)?).named(name),
            host: format!("{host}:{port}"),
            path_prefix: url.path().trim_end_matches('/').to_owned(),
            key: key.clone(),
            credentials: Credentials::new(id.clone(), secret.trim().to_owned(), None),
            region: self.peer_region.clone(),
        }))
    }
}
