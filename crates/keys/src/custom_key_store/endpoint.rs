//! Where an XKS proxy may be, beyond the pattern that its endpoint and path have.

//= xks: K2: https and a fully qualified name, no address, no port, no path; here also this machine, which has ports
/// Whether that is `https://` and a fully qualified name, or this machine, with a port or without.
#[must_use]
pub fn is_proxy_endpoint(endpoint: &str) -> bool {
    let Some(host) = endpoint.strip_prefix("https://") else { return false };
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    match port {
        _ if LOOPBACK.contains(&name) => true,
        None => is_fully_qualified(name),
        Some(_) => false,
    }
}

/// Whether it is on this machine, as far as its name says.
#[must_use]
pub fn is_loopback_endpoint(endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("https://").unwrap_or_default();
    LOOPBACK.contains(&host.split_once(':').map_or(host, |(name, _)| name))
}

//= xks: K3: the path ends in /kms/xks/v1, of which 1 is the version of the API
/// Whether that is the path of an API of the version that is spoken here.
#[must_use]
pub fn is_proxy_path(path: &str) -> bool {
    path.starts_with('/') && path.ends_with("/kms/xks/v1")
}

/// A name of several labels. Of an address the last one is a number.
fn is_fully_qualified(name: &str) -> bool {
    let mut labels = name.split('.').rev();
    let is_name = |top: &str| is_label(top) && !is_number(top);
    let is_top = labels.next().is_some_and(is_name);
    let mut below = labels.peekable();
    is_top && below.peek().is_some() && below.all(is_label)
}

/// As resolvers of names read numbers: in hexadecimal, too.
fn is_number(label: &str) -> bool {
    let is_decimal = label.bytes().all(|byte| byte.is_ascii_digit());
    let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    is_decimal || digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_label(label: &str) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(within)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_fully_qualified_name_or_is_on_this_machine() {
        let loopback = |endpoint| is_proxy_endpoint(endpoint) && is_loopback_endpoint(endpoint);
        assert!(loopback("https://localhost:9443") && loopback("https://127.0.0.1"));
        assert!(!is_loopback_endpoint("https://xks.example.com"));
        for good in [
            "https://xks.example.com",
            "https://a-b.3.example",
            "https://XKS.Example.com",
            "https://localhost",
            "https://localhost:9443",
            "https://127.0.0.1:1",
            "https://127.0.0.1",
        ] {
            assert!(is_proxy_endpoint(good), "{good}");
        }
        for wrong in [
            "http://xks.example.com",
            "https://xks",
            "https://10.0.0.1",
            "https://127.0.0.2",
            "https://127.0.0.0x2",
            "https://0xa9.0xFE.0xa9.0XFE",
            "https://xks.example.0x",
            "https://xks.example.com.",
            "https://.example.com",
            "https://a..example.com",
            "https://-a.example.com",
            "https://a-.example.com",
            "https://xks.example.com:443",
            "https://localhost.:1",
            "https://",
        ] {
            assert!(!is_proxy_endpoint(wrong), "{wrong}");
        }
        assert!(!is_proxy_endpoint(&format!("https://{}.example.com", "a".repeat(64))));
    }

    #[test]
    fn a_path_is_of_the_first_version() {
        assert!(is_proxy_path("/kms/xks/v1") && is_proxy_path("/a/kms/xks/v1"));
        assert!(
            !is_proxy_path("/kms/xks/v2") && !is_proxy_path("/kms/xks/v11") && !is_proxy_path("a/kms/xks/v1")
        );
    }
}
