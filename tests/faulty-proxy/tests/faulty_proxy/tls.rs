//! What the proxy shows and demands before a request is read.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what is not as expected fails the test")]

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use faulty_proxy::{
    Authority, BlackHole, CipherSuite, ClientAuth, Leaf, OldTlsServer, Proxy, Setup, TLS12, TLS13, Tls,
};

use crate::client::*;

/// One whose certificate is that, of that authority.
fn proxy_with(authority: &Authority, leaf: &Leaf) -> Proxy {
    Proxy::start(Setup::with_tls(Tls::new(authority.issue(leaf).unwrap()))).unwrap()
}

#[tokio::test]
async fn certificates_that_nobody_should_accept_are_not_accepted() {
    let authority = Authority::new().unwrap();
    for leaf in [Leaf::server().expired(), Leaf::named("elsewhere.example.com")] {
        let proxy = proxy_with(&authority, &leaf);
        let error = Client::of(&proxy).connect().await.err().unwrap().to_string();
        assert!(error.contains("invalid peer certificate"), "{error}");
    }
    let proxy = proxy_with(&authority, &Leaf::server());
    let stranger = Client { roots: Authority::new().unwrap().pem().to_owned(), ..Client::of(&proxy) };
    assert!(stranger.connect().await.err().unwrap().to_string().contains("UnknownIssuer"));
    for name in ["localhost", "xks.example.com", "127.0.0.1"] {
        let client = Client { name: name.to_owned(), ..Client::of(&proxy) };
        assert!(client.connect().await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn another_certificate_is_shown_to_whoever_connects_next() {
    let (old, new) = (Authority::new().unwrap(), Authority::new().unwrap());
    let proxy = proxy_with(&old, &Leaf::server());
    let trusts_old = Client::of(&proxy);
    let mut before = trusts_old.connect().await.unwrap();
    proxy.change_tls(&Tls::new(new.issue(&Leaf::server()).unwrap())).unwrap();
    assert!(trusts_old.connect().await.is_err());
    assert!(Client::of(&proxy).connect().await.is_ok());
    assert_eq!(before.call(HEALTH, &health()).await.unwrap().status, 200);
}

#[test]
fn a_certificate_expires_when_it_was_told_to() {
    const DAY: Duration = Duration::from_secs(86_400);
    let leaf = Leaf::server().expiring_in(10 * DAY);
    let identity = Authority::new().unwrap().issue(&leaf).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, identity.certificate_pem()).unwrap();
    let outlives = |time: Duration| {
        let seconds = time.as_secs().to_string();
        let mut openssl = Command::new("openssl");
        openssl.args(["x509", "-noout", "-checkend", &seconds, "-in"]).arg(file.path());
        openssl.output().unwrap().status.success()
    };
    assert!(outlives(10 * DAY - Duration::from_secs(60)) && !outlives(10 * DAY + Duration::from_secs(60)));
}

#[tokio::test]
async fn one_version_and_one_suite_can_be_all_there_is() {
    let authority = Authority::new().unwrap();
    let cases = [
        (&TLS12, Leaf::server().with_rsa(), CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
        (&TLS12, Leaf::server(), CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
        (&TLS13, Leaf::server(), CipherSuite::TLS13_AES_256_GCM_SHA384),
        (&TLS13, Leaf::server(), CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ];
    for (version, leaf, suite) in cases {
        let tls =
            Tls { versions: vec![version], suite: Some(suite), ..Tls::new(authority.issue(&leaf).unwrap()) };
        let proxy = Proxy::start(Setup::with_tls(tls)).unwrap();
        assert_eq!(call(&proxy, HEALTH, &health()).await.unwrap().status, 200);
        let port = proxy.address().port();
        let other = if version.version == TLS12.version { "-tls1_3" } else { "-tls1_2" };
        assert!(!openssl_connects(port, &[other]), "{suite:?} {other}");
    }
}

#[tokio::test]
async fn only_the_client_of_the_right_name_and_authority_gets_in() {
    const NAME: &str = "cks.kms.eu-central-2.amazonaws.com";
    let (ours, theirs) = (Authority::new().unwrap(), Authority::new().unwrap());
    let client_auth = Some(ClientAuth { authority_pem: ours.pem().to_owned(), common_name: NAME.to_owned() });
    let mut wrong_subject = Leaf::named(NAME);
    wrong_subject.common_name = "somebody.else".to_owned();
    for versions in [vec![&TLS12], vec![&TLS13]] {
        let identity = Authority::new().unwrap().issue(&Leaf::server()).unwrap();
        let tls = Tls { client_auth: client_auth.clone(), versions, ..Tls::new(identity) };
        let proxy = Proxy::start(Setup::with_tls(tls)).unwrap();
        let identities = [
            (None, false),
            (Some(ours.issue(&Leaf::client("somebody.else")).unwrap()), false),
            (Some(ours.issue(&wrong_subject).unwrap()), false),
            (Some(theirs.issue(&Leaf::client(NAME)).unwrap()), false),
            (Some(ours.issue(&Leaf::client(NAME).expired()).unwrap()), false),
            (Some(ours.issue(&Leaf::client(NAME)).unwrap()), true),
        ];
        for (number, (identity, expected)) in identities.into_iter().enumerate() {
            let client = Client { identity, ..Client::of(&proxy) };
            let answer = match client.connect().await {
                Ok(mut connection) => connection.call(HEALTH, &health()).await,
                Err(error) => Err(error),
            };
            assert_eq!(answer.is_ok(), expected, "{number}");
        }
        assert_eq!((proxy.counters().handshakes, proxy.counters().requests), (1, 1));
    }
}

#[tokio::test]
async fn tls_1_1_is_there_for_openssl_and_not_for_us() {
    let authority = Authority::new().unwrap();
    let server = OldTlsServer::start(&authority.issue(&Leaf::server()).unwrap()).unwrap();
    assert!(openssl_connects(server.address().port(), &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]));
    let proxy = proxy_with(&authority, &Leaf::server());
    assert!(!openssl_connects(proxy.address().port(), &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]));
    let client = Client { address: server.address(), ..Client::of(&proxy) };
    let error = client.connect().await.err().unwrap().to_string();
    assert!(error.contains("ProtocolVersion"), "{error}");
}

#[test]
fn nobody_connects_to_a_black_hole() {
    let hole = BlackHole::open().unwrap();
    let error = TcpStream::connect_timeout(&hole.address(), Duration::from_millis(200)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

fn openssl_connects(port: u16, options: &[&str]) -> bool {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &format!("127.0.0.1:{port}")]).args(options);
    openssl.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}
