//! A proxy and our credential for it: requests are signed for whom they go to.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, Uri};
use jiff::Timestamp;
use keys::{Region, XksProxy, XksProxyConnectivity};
use sigv4::{Credentials, Signer, SigningKey};
use zeroize::Zeroizing;

use super::Shared;
use crate::XksFailure;

/// What the configuration says of all XKS proxies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which certificate authorities vouch for proxies, and who we are to those that ask.
    pub tls: https::Tls,
    /// Where hosts and VPC endpoint services are.
    pub routes: https::Routes,
}

/// A proxy, the connections with it, and our credential.
#[derive(Debug)]
pub(super) struct Proxy {
    endpoint: Endpoint,
    https: https::Client,
    authority: Authority,
    /// What the paths of the proxy's API begin with.
    path: String,
    host: HeaderValue,
    region: String,
    credentials: Credentials,
    /// Of one day.
    signing_key: Mutex<Option<(i64, Arc<SigningKey>)>>,
}

/// What connections depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Endpoint {
    uri: String,
    service: Option<String>,
}

impl Endpoint {
    fn of(proxy: &XksProxy) -> Self {
        let service = proxy.vpc_endpoint_service.as_ref().map(|service| service.name.clone());
        let is_service = proxy.connectivity == XksProxyConnectivity::VpcEndpointService;
        Self { uri: proxy.uri_endpoint.clone(), service: service.filter(|_| is_service) }
    }

    fn authority(&self) -> &str {
        self.uri.strip_prefix("https://").unwrap_or(&self.uri)
    }

    /// The route to this endpoint only, so that no other name is looked up elsewhere.
    fn routes(&self, settings: &Settings) -> Result<https::Routes, XksFailure> {
        let host = self.authority().split(':').next().unwrap_or_default();
        let route = match &self.service {
            Some(service) => Some(settings.routes.of(service).ok_or(XksFailure::VpcEndpointServiceNotFound)?),
            None => settings.routes.of(host),
        };
        Ok(route.map(|route| (host.to_owned(), route.clone())).into_iter().collect())
    }
}

impl Proxy {
    pub(super) fn new(
        settings: &Settings,
        proxy: &XksProxy,
        secret: Zeroizing<String>,
        region: &Region,
        shared: &Shared,
    ) -> Result<Self, XksFailure> {
        let endpoint = Endpoint::of(proxy);
        let https = https::Client::new(settings.tls.clone(), endpoint.routes(settings)?, shared.observer());
        Self::over(https, endpoint, proxy, secret, region.to_string())
    }

    /// The same with another credential or path, over the same connections; nothing if they lead elsewhere.
    pub(super) fn with_credential(&self, proxy: &XksProxy, secret: Zeroizing<String>) -> Option<Self> {
        let endpoint = Endpoint::of(proxy);
        if endpoint != self.endpoint {
            return None;
        }
        Self::over(self.https.clone(), endpoint, proxy, secret, self.region.clone()).ok()
    }

    fn over(
        https: https::Client,
        endpoint: Endpoint,
        proxy: &XksProxy,
        mut secret: Zeroizing<String>,
        region: String,
    ) -> Result<Self, XksFailure> {
        let authority = Authority::try_from(endpoint.authority()).map_err(|_| XksFailure::Unreachable)?;
        let path = proxy.uri_path.clone();
        let host = HeaderValue::from_str(endpoint.authority()).map_err(|_| XksFailure::Unreachable)?;
        let secret = std::mem::take(&mut *secret);
        let credentials = Credentials::new(proxy.access_key_id.clone(), secret, None);
        Ok(Self {
            endpoint,
            https,
            authority,
            path,
            host,
            region,
            credentials,
            signing_key: Mutex::default(),
        })
    }

    /// A request, signed as AWS KMS does: host and date, and no header more.
    pub(super) fn request(&self, path: &str, body: Bytes) -> Result<Request<Bytes>, XksFailure> {
        let uri = Uri::builder().scheme(Scheme::HTTPS).authority(self.authority.clone());
        // INVARIANT: path and key id were read by patterns that leave nothing that a URI cannot hold.
        let uri = uri.path_and_query(format!("{}{path}", self.path)).build();
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        parts.uri = uri.map_err(|_| XksFailure::Unreachable)?;
        parts.headers.insert(HOST, self.host.clone());
        let now = Timestamp::now();
        let signer = Signer { credentials: &self.credentials, region: &self.region, service: SIGNING_NAME };
        let key = self.signing_key(&signer, now);
        signer.sign_with(&key, &mut parts, &body, now).map_err(|_| XksFailure::AuthenticationFailed)?;
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Request::from_parts(parts, body))
    }

    pub(super) const fn https(&self) -> &https::Client {
        &self.https
    }

    fn signing_key(&self, signer: &Signer<'_>, now: Timestamp) -> Arc<SigningKey> {
        let today = now.as_second().div_euclid(SECONDS_A_DAY);
        let mut kept = self.signing_key.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((day, key)) if *day == today => Arc::clone(key),
            _ => Arc::clone(&kept.insert((today, Arc::new(signer.signing_key(now)))).1),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.endpoint.uri, self.path)
    }
}

//= xks: Service name
const SIGNING_NAME: &str = "kms-xks-proxy";
const SECONDS_A_DAY: i64 = 24 * 60 * 60;
