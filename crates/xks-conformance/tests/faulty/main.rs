//! Every check against a proxy that can be told to misbehave: what it does well passes, and each misbehaviour is found by the
//! requirement that is for it. A check that nothing here makes fail stands in a list, with the reason.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what is not as expected fails the test")]

mod gullible;

use std::collections::BTreeSet;
use std::time::Duration;

use faulty_proxy::{
    Api, Authority, CipherSuite, ClientAuth, Credential as Known, ErrorName, ExternalKey, Fault,
    Identity as Issued, Leaf, Proxy, Scope, Setup, Tls,
};
use serde_json::{Value, json};
use xks_conformance::{Credential, Error, Identity, Options, Outcome, Report, Store, Target, run};

#[test]
fn a_proxy_that_does_all_right_passes_with_nothing_lent() {
    let proxy = Proxy::start(setup()).unwrap();
    let report = look(target(&proxy), &[]);
    assert_eq!(failed(&report), Vec::<&str>::new(), "{report}");
    assert!(report.passed() && report.totals.passed > 90, "{report}");
}

#[test]
fn a_proxy_that_does_all_right_passes_with_everything_lent() {
    let clients = Authority::new().unwrap();
    let proxy = Proxy::start(setup_for(&clients)).unwrap();
    let mut target = target(&proxy);
    target.other_key = Some("other".to_owned());
    target.encrypt_only_key = Some("encrypts".to_owned());
    target.decrypt_only_key = Some("decrypts".to_owned());
    target.disabled_key = Some("disabled".to_owned());
    target.small_key = Some("small".to_owned());
    target.second_credential = Some(Credential::new(SECOND_ID, SECOND_SECRET));
    target.client = Some(identity(&clients.issue(&Leaf::client(CALLER)).unwrap()));
    target.refused_clients = refused_clients(&clients);
    let report = look(target, &[]);
    assert_eq!(failed(&report), ["a key that only encrypts cannot answer an integrity value"; 0], "{report}");
    let skipped = |id: &str| {
        let checks = &report.requirement(id).unwrap().checks;
        checks.iter().any(|check| matches!(check.outcome, Outcome::Skipped { .. }))
    };
    for id in ["P18", "P19", "P20", "P42", "P53", "P60", "P62", "P66"] {
        assert!(!skipped(id), "{id}\n{report}");
    }
}

#[test]
fn each_misbehaviour_is_found_by_the_requirement_that_is_for_it() {
    let mut all = BTreeSet::new();
    let mut found = BTreeSet::new();
    for scenario in scenarios() {
        let proxy = Proxy::start((scenario.setup)()).unwrap();
        let mut target = target(&proxy);
        (scenario.misbehave)(&proxy, &mut target);
        let report = look(target, scenario.finds);
        for requirement in &report.requirements {
            assert!(requirement.failed().count() > 0, "{}: {}\n{report}", scenario.name, requirement.id);
        }
        found.extend(failed(&report));
    }
    found.extend(found_in_gullible_proxies());
    let proxy = Proxy::start(setup()).unwrap();
    let report = look(target(&proxy), &[]);
    all.extend(report.requirements.iter().flat_map(|it| it.checks.iter().map(|check| check.sentence)));
    let unproven: Vec<&str> = all.difference(&found).copied().collect();
    assert_eq!(unproven, UNPROVEN);
}

#[test]
fn a_proxy_that_dies_is_told_and_nothing_is_asked_of_it_any_more() {
    let proxy = Proxy::start(setup()).unwrap();
    let target = target(&proxy);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            proxy.wait_for_requests(5, Duration::from_secs(60)).unwrap();
            proxy.stop();
        });
        look(target, &["W1", "P54"])
    });
    let w1 = report.requirement("W1").unwrap();
    assert_eq!(w1.failed().count(), 1, "{report}");
    let skipped = w1.checks.iter().filter(|check| matches!(&check.outcome, Outcome::Skipped { reason } if reason.contains("not answered since")));
    assert_eq!(skipped.count(), w1.checks.len() - 1, "{report}");
    assert_eq!(report.requirement("P54").unwrap().failed().count(), 0, "{report}");
}

#[test]
fn a_run_that_cannot_begin_says_why() {
    let proxy = Proxy::start(setup()).unwrap();
    let stranger = Target::new(&proxy.endpoint(), REGION, credential(), Setup::KEY).unwrap();
    let unreachable = run(stranger, &Options::default()).unwrap_err();
    assert!(
        matches!(&unreachable, Error::Unreachable { reason, .. } if reason.contains("certificate")),
        "{unreachable}"
    );
    let mut options = Options::default();
    options.only.push("P77".to_owned());
    let unknown = run(target(&proxy), &options).unwrap_err();
    assert!(matches!(unknown, Error::UnknownRequirement { name } if name == "P77"));
    proxy.stop();
    let gone = run(target(&proxy), &Options::default()).unwrap_err();
    assert!(matches!(gone, Error::Unreachable { .. }), "{gone}");
}

#[test]
fn a_report_tells_no_secret_and_is_the_same_in_json() {
    let proxy = Proxy::start(setup()).unwrap();
    proxy.inject(Fault::WrongPlaintext, Scope::always(Api::Decrypt));
    let report = look(target(&proxy), &["P22", "P41"]);
    let json = serde_json::to_value(&report).unwrap();
    let text = format!("{report}{json}");
    assert!(!text.contains(Known::EXAMPLE_SECRET) && !text.contains("Signature="), "{text}");
    let outcomes = json.pointer("/requirements/0/checks/0/outcome");
    assert_eq!(outcomes, Some(&json!("failed")), "{json}");
    assert_eq!(json.pointer("/totals/failed_must"), Some(&json!(2)), "{json}");
}

/// What no proxy with a parser does wrong.
fn found_in_gullible_proxies() -> Vec<&'static str> {
    let mut found = Vec::new();
    for (status, finds) in
        [(200, &["P1", "P4", "P7", "P53", "P58", "W1", "W14"][..]), (500, &["P9", "P55", "W1"])]
    {
        let issued = Authority::new().unwrap().issue(&Leaf::server()).unwrap();
        let mut target = Target::new(&gullible::start(&issued, status), REGION, credential(), "key").unwrap();
        target.trust(issued.authority_pem().as_bytes(), "the proxy").unwrap();
        let mut options = Options::default();
        options.only = finds.iter().map(|&id| id.to_owned()).collect();
        (options.load, options.slow) = (true, Some(Duration::from_millis(100)));
        options.flood_bytes = 32 * 1024 * 1024;
        let report = run(target, &options).unwrap();
        for id in finds {
            assert!(report.requirement(id).unwrap().failed().count() > 0, "{id}\n{report}");
        }
        found.extend(failed(&report));
    }
    found
}

/// One way of doing wrong, and the requirements that must find it.
struct Scenario {
    name: &'static str,
    setup: fn() -> Setup,
    misbehave: Misbehaviour,
    finds: &'static [&'static str],
}

type Misbehaviour = Box<dyn Fn(&Proxy, &mut Target)>;

fn scenarios() -> Vec<Scenario> {
    let mut all = spoilt_answers();
    all.extend(blanket_answers());
    all.extend(wrongly_lent());
    all.extend(wrong_settings());
    all
}

/// What is answered in place of anything: agreement where a refusal belongs, or a refusal where agreement does.
fn blanket_answers() -> Vec<Scenario> {
    let nothing =
        |api| move |proxy: &Proxy, _: &mut Target| proxy.inject(Fault::EmptyBody, Scope::always(api));
    let every =
        |fault: Fault| move |proxy: &Proxy, _: &mut Target| proxy.inject(fault.clone(), Scope::EVERYTHING);
    vec![
        scenario(
            "agrees to every Decrypt",
            nothing(Api::Decrypt),
            &[
                "P10", "P12", "P22", "P23", "P24", "P25", "P32", "P36", "P37", "P38", "P39", "P40", "P41",
                "P42",
            ],
        ),
        scenario(
            "agrees to every Encrypt",
            nothing(Api::Encrypt),
            &["P1", "P12", "P23", "P24", "P26", "P55"],
        ),
        scenario(
            "agrees to every GetHealthStatus",
            lending_more(nothing(Api::Health)),
            &["P2", "P3", "P12", "P43", "P45", "P47", "P48", "P49", "P50", "P51", "P52", "P58", "P59", "P64"],
        ),
        scenario("agrees to every GetKeyMetadata", nothing(Api::Metadata), &["P10", "P11", "P12", "P17"]),
        scenario("has no content", every(Fault::Status(204)), &["P5", "P21"]),
        scenario(
            "is broken",
            lending_more(every(Fault::error(ErrorName::Internal))),
            &["P2", "P3", "P5", "P6", "P13", "P14", "P15", "P21", "P58", "P59", "P60", "P66", "P68"],
        ),
        scenario("answers pages", every(Fault::HtmlPage(500)), &["P1", "P53"]),
        scenario(
            "names errors by another status",
            every(error("ThrottlingException", Some(400), None)),
            &["P53"],
        ),
        scenario("names errors of its own", every(error("BusyException", Some(503), None)), &["P53"]),
        scenario(
            "writes long messages",
            every(error("InternalException", None, Some("x".repeat(512)))),
            &["P54"],
        ),
        scenario(
            "writes odd messages",
            every(error("InternalException", None, Some("é".to_owned()))),
            &["P54"],
        ),
        scenario(
            "is late",
            |proxy, _| {
                proxy.inject(Fault::Late(Duration::from_millis(300)), Scope::one_in(Api::Encrypt, 20));
                proxy.inject(Fault::Late(Duration::from_millis(40)), Scope::one_in(Api::Health, 2));
            },
            &["K11"],
        ),
    ]
}

/// Good answers of which one thing is wrong.
fn spoilt_answers() -> Vec<Scenario> {
    let encrypt = |fault: Fault| {
        move |proxy: &Proxy, _: &mut Target| proxy.inject(fault.clone(), Scope::always(Api::Encrypt))
    };
    let set = |api, field: &'static str, value: Value| {
        move |proxy: &Proxy, _: &mut Target| {
            let fault = Fault::SetField { field: field.to_owned(), value: value.clone() };
            proxy.inject(fault, Scope::always(api));
        }
    };
    let instance = |status: &str| json!([{ "id": "1", "model": "2", "healthStatus": status }]);
    let iv = set(Api::Encrypt, "initializationVector", json!("AAAAAAAAAAAAAAAA"));
    let value = set(Api::Encrypt, "ciphertextDataIntegrityValue", json!("AAAA"));
    let usages: Vec<String> =
        (0..9).map(|number| format!("USAGE_{number}")).chain(["ENCRYPT".into(), "DECRYPT".into()]).collect();
    vec![
        scenario("long metadata", encrypt(Fault::LongMetadata), &["P31"]),
        scenario("no integrity value", encrypt(Fault::NoIntegrityValue), &["P26"]),
        scenario("an integrity value unasked", value, &["P26"]),
        scenario("a wrong integrity value", encrypt(Fault::WrongIntegrityValue), &["P34"]),
        scenario("an odd vector", encrypt(Fault::OddInitializationVector), &["P29"]),
        scenario("one vector for all", iv, &["P29"]),
        scenario("a short ciphertext", encrypt(Fault::ShortCiphertext), &["P28"]),
        scenario("a short tag", encrypt(Fault::ShortTag), &["P30"]),
        scenario("a wrong tag", encrypt(Fault::WrongTag), &["P22", "P25", "P41"]),
        scenario("other Base64", encrypt(Fault::BadBase64), &["P27"]),
        scenario("no vector", encrypt(Fault::RemoveField("initializationVector".to_owned())), &["P27"]),
        scenario(
            "another plaintext",
            |proxy, _| proxy.inject(Fault::WrongPlaintext, Scope::always(Api::Decrypt)),
            &["P22", "P25", "P36", "P41"],
        ),
        scenario("another spec", set(Api::Metadata, "keySpec", json!("RSA_0")), &["P18"]),
        scenario("eleven usages", set(Api::Metadata, "keyUsage", json!(usages)), &["P19"]),
        scenario("no usages", set(Api::Metadata, "keyUsage", json!([])), &["P19"]),
        scenario("another status", set(Api::Metadata, "keyStatus", json!("FINE")), &["P20"]),
        scenario("no status", set(Api::Metadata, "keyStatus", json!(null)), &["P17"]),
        scenario("a fleet of none", set(Api::Health, "xksProxyFleetSize", json!(0)), &["P48"]),
        scenario("a fleet of one and a half", set(Api::Health, "xksProxyFleetSize", json!(1.5)), &["P48"]),
        scenario("no vendor", set(Api::Health, "ekmVendor", json!("")), &["P49"]),
        scenario("no version", set(Api::Health, "xksProxyModel", json!("proxy")), &["P50"]),
        scenario("no instances", set(Api::Health, "ekmFleetDetails", json!([])), &["P51"]),
        scenario("another word", set(Api::Health, "ekmFleetDetails", instance("FINE")), &["P52"]),
        scenario("all unavailable", set(Api::Health, "ekmFleetDetails", instance("UNAVAILABLE")), &["P43"]),
    ]
}

/// A good proxy of which is said what is not so: the checks that need what is lent must see that.
fn wrongly_lent() -> Vec<Scenario> {
    let lend = |lend: fn(&mut Target)| move |_: &Proxy, target: &mut Target| lend(target);
    vec![
        scenario(
            "a known key as an unknown one",
            lend(|it| it.unknown_key = Setup::KEY.to_owned()),
            &["P10"],
        ),
        scenario(
            "a full key as every other",
            lend(|it| {
                for key in [
                    &mut it.other_key,
                    &mut it.encrypt_only_key,
                    &mut it.decrypt_only_key,
                    &mut it.disabled_key,
                    &mut it.small_key,
                ] {
                    *key = Some(Setup::KEY.to_owned());
                }
            }),
            &["P18", "P19", "P20", "P35", "P42", "P53"],
        ),
        scenario(
            "one store as two",
            |proxy, target| {
                target.other_store =
                    Some((Store::new(&proxy.endpoint(), credential()).unwrap(), Setup::KEY.to_owned()));
            },
            &["P10", "P64"],
        ),
        scenario(
            "everybody as denied",
            lend(|it| it.denied_principal = Some("arn:aws:iam::1:user/x".to_owned())),
            &["P45", "P68"],
        ),
        scenario(
            "odd credentials",
            lend(|it| it.second_credential = Some(Credential::new("lower", "short"))),
            &["P65", "P66"],
        ),
        scenario("no ping", lend(|it| it.ping = Some("/ping".to_owned())), &["P74"]),
        scenario(
            "an odd path",
            |proxy, target| {
                target.store = Store::new(&format!("{}/a.b", proxy.endpoint()), credential()).unwrap();
            },
            &["P8"],
        ),
        scenario(
            "an address for a name",
            |proxy, target| {
                target.store =
                    Store::new(&format!("https://127.0.0.1:{}", proxy.address().port()), credential())
                        .unwrap();
            },
            &["P56"],
        ),
        scenario(
            "a right client as a wrong one, and no need of any",
            |_, target| {
                let client = || identity(&Authority::new().unwrap().issue(&Leaf::client(CALLER)).unwrap());
                target.client = Some(client());
                target.refused_clients.push(("right".to_owned(), client()));
            },
            &["P62"],
        ),
    ]
}

fn wrong_settings() -> Vec<Scenario> {
    let shift = |minutes| {
        move |proxy: &Proxy, _: &mut Target| proxy.shift_clock(jiff::SignedDuration::from_mins(minutes))
    };
    vec![
        scenario("a clock ahead", shift(3), &["P59"]),
        scenario("a clock behind", shift(-3), &["P59"]),
        Scenario {
            setup: || Setup { region: None, ..setup() },
            ..scenario("any Region", |_, _| (), &["P58"])
        },
        Scenario {
            setup: || {
                let identity = Authority::new().unwrap().issue(&Leaf::server()).unwrap();
                let suite = Some(CipherSuite::TLS13_AES_128_GCM_SHA256);
                Setup {
                    region: Some(REGION.to_owned()),
                    ..Setup::with_tls(Tls { suite, ..Tls::new(identity) })
                }
            },
            ..scenario("another suite", |_, _| (), &["P4"])
        },
    ]
}

fn scenario(
    name: &'static str,
    misbehave: impl Fn(&Proxy, &mut Target) + 'static,
    finds: &'static [&'static str],
) -> Scenario {
    Scenario { name, setup, misbehave: Box::new(misbehave), finds }
}

/// The same, with a second credential, a client and a denied principal lent.
fn lending_more(misbehave: impl Fn(&Proxy, &mut Target)) -> impl Fn(&Proxy, &mut Target) {
    move |proxy, target| {
        target.second_credential = Some(Credential::new(SECOND_ID, SECOND_SECRET));
        target.client = Some(identity(&Authority::new().unwrap().issue(&Leaf::client(CALLER)).unwrap()));
        target.denied_principal = Some("arn:aws:iam::123456789012:user/Mallory".to_owned());
        misbehave(proxy, target);
    }
}

fn error(name: &str, status: Option<u16>, message: Option<String>) -> Fault {
    Fault::Error { name: name.to_owned(), status, message }
}

fn setup() -> Setup {
    Setup { region: Some(REGION.to_owned()), ..Setup::new().unwrap() }
}

/// One that has every kind of key, two credentials, and serves only the clients of that authority.
fn setup_for(clients: &Authority) -> Setup {
    let identity = Authority::new().unwrap().issue(&Leaf::server()).unwrap();
    let client_auth =
        Some(ClientAuth { authority_pem: clients.pem().to_owned(), common_name: CALLER.to_owned() });
    let mut setup = Setup {
        region: Some(REGION.to_owned()),
        ..Setup::with_tls(Tls { client_auth, ..Tls::new(identity) })
    };
    setup.credentials.push(Known::new(SECOND_ID, SECOND_SECRET));
    let mut small = ExternalKey::new();
    "AES_128".clone_into(&mut small.spec);
    let mut disabled = ExternalKey::new();
    disabled.enabled = false;
    for (name, key) in [
        ("other", ExternalKey::new()),
        ("encrypts", ExternalKey::for_usage(&["ENCRYPT"])),
        ("decrypts", ExternalKey::for_usage(&["DECRYPT"])),
        ("disabled", disabled),
        ("small", small),
    ] {
        setup.keys.push((name.to_owned(), key));
    }
    setup
}

/// Of another subject, of another authority, and with the right name in the wrong place.
fn refused_clients(clients: &Authority) -> Vec<(String, Identity)> {
    let stranger = Authority::new().unwrap();
    let alternative = Leaf { common_name: "somebody.else".to_owned(), ..Leaf::named(CALLER) };
    let issued = [
        ("another subject", clients.issue(&Leaf::client("somebody.else"))),
        ("another authority", stranger.issue(&Leaf::client(CALLER))),
        ("the name as an alternative one", clients.issue(&alternative)),
        ("expired", clients.issue(&Leaf::client(CALLER).expired())),
    ];
    issued.into_iter().map(|(name, issued)| (name.to_owned(), identity(&issued.unwrap()))).collect()
}

fn identity(issued: &Issued) -> Identity {
    Identity::from_pem(issued.certificate_pem().as_bytes(), issued.key_pem().as_bytes(), "a test").unwrap()
}

fn credential() -> Credential {
    Credential::new(Known::EXAMPLE_ID, Known::EXAMPLE_SECRET)
}

fn target(proxy: &Proxy) -> Target {
    let mut target = Target::new(&proxy.endpoint(), REGION, credential(), Setup::KEY).unwrap();
    target.trust(proxy.ca_pem().as_bytes(), "the proxy").unwrap();
    target
}

fn look(target: Target, only: &[&str]) -> Report {
    let mut options = Options::default();
    options.only = only.iter().map(|&id| id.to_owned()).collect();
    run(target, &options).unwrap()
}

/// The sentences of the checks that failed.
fn failed(report: &Report) -> Vec<&'static str> {
    report.requirements.iter().flat_map(|it| it.failed().map(|check| check.sentence)).collect()
}

const REGION: &str = "eu-central-2";
const CALLER: &str = "cks.kms.eu-central-2.amazonaws.com";
const SECOND_ID: &str = "SECONDCREDENTIAL234567";
const SECOND_SECRET: &str = "second/proxy+example/secret+of/sixty/four/characters/for/tests+=";

/// A proxy that does these wrong is not reached at all, or needs an authority that this machine does not trust.
const UNPROVEN: &[&str] = &[
    "TLS 1.2 or 1.3 is spoken",
    "the certificate is trusted by what this system trusts",
    "the certificate of the proxy is one for its name, and is trusted",
];
