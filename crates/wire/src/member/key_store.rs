//! Members of requests about custom key stores. Secrets among them are wiped when dropped and never shown.

use super::Member;
use super::enumeration::enumerations;
use super::text::{Limits, Matches, Pattern, TextVisitor, is_region_name, texts};
use crate::{Path, Sensitive, Shape, Violations};
use keys::{CustomKeyStoreType, XksProxyConnectivity};
use serde::de::Deserializer;

crate::input! {
    /// What requests to an XKS proxy are signed with.
    pub struct XksProxyAuthenticationCredential {
        required access_key_id: XksProxyAccessKeyId = "AccessKeyId",
        required raw_secret_access_key: RawSecretAccessKey = "RawSecretAccessKey",
    }
}

texts! {
    /// The id of an account.
    AccountIdText 12..=12, "[0-9]{12}" whole is_account_id;
    /// The id of an HSM cluster.
    CloudHsmClusterId 19..=24, "cluster-[2-7a-zA-Z]{11,16}" whole is_cluster_id;
    /// The name of a custom key store.
    CustomKeyStoreName 1..=256;
    /// The certificate that vouches for an HSM cluster, PEM.
    TrustAnchorCertificate 1..=5000;
    /// The access key id of an XKS proxy.
    XksProxyAccessKeyId 20..=30 secret, "^[A-Z2-7]+$" each is_access_key_character;
    /// `https://` and the host name of an XKS proxy.
    XksProxyUriEndpoint 10..=128, "^https://[a-zA-Z0-9.-]+$" whole is_uri_endpoint;
    /// The path of the API of an XKS proxy.
    XksProxyUriPath 10..=128, r"^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$" whole is_uri_path;
    /// The name of a VPC endpoint service.
    XksProxyVpcEndpointServiceName 20..=64, r"^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$" whole is_service_name;
}

enumerations! {
    CustomKeyStoreType XksProxyConnectivity
}

/// The name of a VPC endpoint service that a store is to have from now on; an empty one stands for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewXksProxyVpcEndpointServiceName(Option<XksProxyVpcEndpointServiceName>);

impl NewXksProxyVpcEndpointServiceName {
    /// The name, if there is to be one.
    #[must_use]
    pub const fn name(&self) -> Option<&XksProxyVpcEndpointServiceName> {
        self.0.as_ref()
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", XksProxyVpcEndpointServiceName::as_str)
    }
}

//= kms:UpdateCustomKeyStore: specify a null or empty string for the XksProxyVpcEndpointServiceName value
impl Member for NewXksProxyVpcEndpointServiceName {
    type Raw = String;

    const SHAPE: Shape = XksProxyVpcEndpointServiceName::SHAPE;

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        XksProxyVpcEndpointServiceName::read(from)
    }

    fn check(raw: String, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
        if raw.is_empty() {
            return Some(Self(None));
        }
        XksProxyVpcEndpointServiceName::check(raw, path, violations).map(|name| Self(Some(name)))
    }
}

macro_rules! secrets {
    ($($(#[$about:meta])* $name:ident $limits:expr;)+) => {$(
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name(Sensitive<String>);

        impl $name {
            const LIMITS: Limits = $limits;

            /// The text, for the narrowest expression that needs it.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
        }

        impl Member for $name {
            type Raw = Sensitive<String>;

            const SHAPE: Shape = Self::LIMITS.shape();

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error> {
                from.deserialize_any(TextVisitor).map(Sensitive::new)
            }

            fn check(raw: Self::Raw, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
                Self::LIMITS.hold(raw.expose(), true, path, violations).then_some(Self(raw))
            }
        }
    )+};
}

secrets! {
    /// The password of the crypto user in an HSM cluster: its PIN.
    KeyStorePassword Limits { min: 7, max: 32, pattern: None };
    /// The secret access key of an XKS proxy.
    RawSecretAccessKey Limits { min: 43, max: 64, pattern: Some(SECRET_PATTERN) };
}

const SECRET_PATTERN: Pattern =
    Pattern { text: r"^[a-zA-Z0-9\/+=]+$", matches: Matches::Each(is_secret_character), sentence: None };

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

const fn is_access_key_character(c: char) -> bool {
    matches!(c, 'A'..='Z' | '2'..='7')
}

const fn is_secret_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '+' | '=')
}

fn is_cluster_id(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphabetic() || matches!(c, '2'..='7');
    text.strip_prefix("cluster-").is_some_and(|id| (11..=16).contains(&id.len()) && id.chars().all(is_part))
}

/// On the same machine a proxy may have another port.
fn is_uri_endpoint(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let Some(host) = text.strip_prefix("https://") else { return false };
    let is_name = !host.is_empty() && host.chars().all(is_part);
    is_name || host.split_once(':').is_some_and(|(host, port)| LOOPBACK.contains(&host) && is_port(port))
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

fn is_uri_path(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    let Some((prefix, version)) = text.rsplit_once("/kms/xks/v") else { return false };
    let is_version = (1..=2).contains(&version.len()) && version.chars().all(|c| c.is_ascii_digit());
    let is_prefix = |inner: &str| !inner.is_empty() && inner.chars().all(is_part);
    is_version && (prefix.is_empty() || prefix.strip_prefix('/').is_some_and(is_prefix))
}

fn is_service_name(text: &str) -> bool {
    let after_partition = || text.strip_prefix("com.").or_else(|| text.strip_prefix("eu."));
    let parts = || after_partition()?.strip_prefix("amazonaws.vpce.")?.split_once(".vpce-svc-");
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    parts().is_some_and(|(region, id)| is_region_name(region) && is_id(id))
}

const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T: Member<Raw = Sensitive<String>>>(text: &str) -> Option<String> {
        let mut violations = Violations::default();
        let checked =
            T::check(Sensitive::new(text.to_owned()), &Path::ROOT.member("Secret"), &mut violations);
        let fault = violations.into_fault();
        assert_eq!(checked.is_none(), fault.is_some());
        fault.and_then(|fault| fault.message().map(str::to_owned))
    }

    #[test]
    fn an_endpoint_is_a_name_without_a_port_unless_it_is_on_the_same_machine() {
        for good in [
            "https://xks.example.com",
            "https://a",
            "https://localhost",
            "https://localhost:9443",
            "https://127.0.0.1:1",
        ] {
            assert!(is_uri_endpoint(good), "{good}");
        }
        for wrong in [
            "http://xks.example.com",
            "https://",
            "https://xks.example.com:443",
            "https://xks.example.com/",
            "https://[::1]:443",
            "https://localhost:",
            "https://localhost:0",
            "https://localhost:65536",
            "https://localhost:+1",
            "https://127.0.0.2:443",
        ] {
            assert!(!is_uri_endpoint(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_path_ends_in_the_version_of_the_api() {
        for good in ["/kms/xks/v1", "/a/kms/xks/v12", "/a/b-c_d/kms/xks/v1", "//kms/xks/v1/kms/xks/v1"] {
            assert!(is_uri_path(good), "{good}");
        }
        for wrong in [
            "kms/xks/v1",
            "a/kms/xks/v1",
            "//kms/xks/v1",
            "/kms/xks/v",
            "/kms/xks/v123",
            "/kms/xks/v1/",
            "/a b/kms/xks/v1",
            "/a?/kms/xks/v1",
        ] {
            assert!(!is_uri_path(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_service_has_the_name_that_aws_gives_it() {
        for good in [
            "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
            "eu.amazonaws.vpce.eusc-de-east-1.vpce-svc-a",
        ] {
            assert!(is_service_name(good), "{good}");
        }
        for wrong in [
            "com.amazonaws.vpce.us-east-1.vpce-svc-",
            "org.amazonaws.vpce.us-east-1.vpce-svc-0",
            "com.amazonaws.vpce.us.vpce-svc-0",
            "com.amazonaws.vpce.us-east-1.vpce-svc-A",
            "com.amazonaws.us-east-1.vpce-svc-0",
        ] {
            assert!(!is_service_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_cluster_has_the_id_that_aws_gives_it() {
        assert!(is_cluster_id("cluster-2abcdefghij"));
        for wrong in [
            "cluster-",
            "cluster-1abcdefghij",
            "cluster-2abcdefghi",
            "cluster-22222222222222222",
            "2abcdefghij",
        ] {
            assert!(!is_cluster_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn no_message_about_a_secret_shows_it() {
        let long = "s3cret".repeat(20);
        for message in [
            error::<KeyStorePassword>(&long),
            error::<RawSecretAccessKey>(&long),
            error::<RawSecretAccessKey>(&"s3cret ".repeat(7)),
        ] {
            let message = message.unwrap();
            assert!(message.contains("at 'secret' failed") && !message.contains("s3cret"), "{message}");
        }
        assert_eq!(error::<KeyStorePassword>("1234567"), None);
        assert!(!format!("{:?}", KeyStorePassword(Sensitive::new("s3cret!".to_owned()))).contains("s3cret"));
    }
}
