//! Where a name is, for names that are not looked up in the DNS. A route changes only where the connection goes: whose certificate is
//! asked for and what the `Host` header says stay those of the URL.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

/// Where connections for a name go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a host, by name or address, and a port.
    Tcp(String, u16),
    /// To a Unix socket.
    Unix(PathBuf),
}

/// What is not a route: `host:port` or `unix:/path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a route is `host:port` or `unix:/path`")]
pub struct InvalidRoute;

impl FromStr for Route {
    type Err = InvalidRoute;

    fn from_str(text: &str) -> Result<Self, InvalidRoute> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') { Ok(Self::Unix(path.into())) } else { Err(InvalidRoute) };
        }
        let (host, port) = text.rsplit_once(':').ok_or(InvalidRoute)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let is_host = !host.is_empty() && (bare.is_some() || !host.contains(':'));
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(InvalidRoute)?;
        if is_host { Ok(Self::Tcp(host.to_owned(), port)) } else { Err(InvalidRoute) }
    }
}

/// The routes that a configuration has, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(BTreeMap<String, Route>);

impl Routes {
    /// The route of a name, if it has one. Names of hosts are the same in capitals.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Route> {
        self.0.get(&name.to_ascii_lowercase())
    }
}

impl FromIterator<(String, Route)> for Routes {
    fn from_iter<I: IntoIterator<Item = (String, Route)>>(routes: I) -> Self {
        Self(routes.into_iter().map(|(name, route)| (name.to_ascii_lowercase(), route)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_host_and_a_port_or_a_unix_socket() {
        for (text, route) in [
            ("127.0.0.1:9443", Route::Tcp("127.0.0.1".into(), 9443)),
            ("proxy.internal:443", Route::Tcp("proxy.internal".into(), 443)),
            ("[::1]:9443", Route::Tcp("::1".into(), 9443)),
            ("unix:/run/proxy.sock", Route::Unix("/run/proxy.sock".into())),
        ] {
            assert_eq!(text.parse(), Ok(route), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in
            ["", "host", "host:", ":1", "host:0", "host:65536", "::1:443", "unix:", "unix:relative", "[::1]"]
        {
            assert_eq!(text.parse::<Route>(), Err(InvalidRoute), "{text}");
        }
    }

    #[test]
    fn a_name_is_found_in_whatever_case() {
        let routes: Routes = [("Proxy.Example".to_owned(), Route::Unix("/p".into()))].into_iter().collect();
        assert_eq!(routes.of("proxy.EXAMPLE"), Some(&Route::Unix("/p".into())));
        assert_eq!(routes.of("other.example"), None);
    }
}
