//! Roles that are assumed with the token of an OpenID Connect provider: a real issuer over HTTPS, asked by the service itself.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blackbox::{Answer, Issuer, IssuerAuthority, Server, base64, caller_of, covered, policy};
use serde_json::{Value, json};
use std::time::Instant;

const NO_JWT: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
                      AssumeRoleWithWebIdentity documentation for requirements";

/// A service that trusts the issuer's authority, a provider and a role that trusts it.
struct World {
    server: Server,
    issuer: Issuer,
    id: String,
    provider: String,
    role: String,
    _files: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let authority = IssuerAuthority::new();
        let issuer = Issuer::start(&authority);
        let (server, files) = server_trusting(&authority.certificate);
        Self::of(server, issuer, files)
    }

    fn of(server: Server, issuer: Issuer, files: tempfile::TempDir) -> Self {
        let id = server.account_id(server.root());
        let provider = register(&server, &issuer.address(), &[]);
        let role = server.create_role(server.root(), "web", &id).arn;
        let world = Self { server, issuer, id, provider, role, _files: files };
        world.trust(&json!({"StringEquals": {world.key("aud"): "sts.amazonaws.com"}}));
        world
    }

    fn trust(&self, condition: &Value) {
        let statement = json!([{
            "Effect": "Allow", "Principal": {"Federated": self.provider},
            "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
        }]);
        let trust = policy(&statement);
        let parameters = [("RoleName", "web"), ("PolicyDocument", trust.as_str())];
        let _ = self.server.iam("UpdateAssumeRolePolicy", &parameters).output();
    }

    /// The condition key of a claim.
    fn key(&self, claim: &str) -> String {
        format!("{}:{claim}", self.issuer.url())
    }

    fn good_token(&self) -> String {
        self.issuer.token("repo:octo/app", "sts.amazonaws.com")
    }

    fn assume(&self, token: &str) -> Answer {
        self.assume_with(token, &[])
    }

    fn assume_with(&self, token: &str, parameters: &[(&str, &str)]) -> Answer {
        let named = [("RoleArn", self.role.as_str()), ("RoleSessionName", "ci"), ("WebIdentityToken", token)];
        let request = self.server.query("sts", "AssumeRoleWithWebIdentity", &[&named, parameters].concat());
        self.server.send(&request)
    }

    fn signed(&self, changes: Value) -> String {
        let mut claims = self.issuer.claims("repo:octo/app", "sts.amazonaws.com", 3600);
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.issuer.sign(&json!({"alg": "ES256", "kid": "one"}), &claims)
    }
}

fn server_trusting(certificate: &str) -> (Server, tempfile::TempDir) {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("issuers.pem");
    std::fs::write(&path, certificate).unwrap();
    let config = format!("[oidc]\nextra_ca_files = [{:?}]\n", path.to_str().unwrap());
    (Server::builder().config(&config).dev_clock().start(), files)
}

fn register(server: &Server, address: &str, more: &[(&str, &str)]) -> String {
    let named = [("Url", address), ("ClientIDList.member.1", "sts.amazonaws.com")];
    let made = server.iam("CreateOpenIDConnectProvider", &[&named, more].concat()).output();
    made["OpenIDConnectProviderArn"].as_str().unwrap().to_owned()
}

#[test]
fn a_role_is_assumed_with_a_token_and_the_issuer_is_asked_once() {
    let world = World::new();
    let World { server, id, provider, role, .. } = &world;
    let token = world.good_token();
    let answer = world.assume(&token);
    let output = answer.output();
    assert_eq!(output["SubjectFromWebIdentityToken"], "repo:octo/app");
    assert_eq!((&output["Provider"], &output["Audience"]), (&json!(provider), &json!("sts.amazonaws.com")));
    let arn = format!("arn:aws:sts::{id}:assumed-role/web/ci");
    assert_eq!(output["AssumedRoleUser"]["Arn"], arn);
    let caller = caller_of(&output["Credentials"], server.root());
    assert_eq!(server.sts_as(&caller, "GetCallerIdentity", &[]).output()["Arn"], arn);
    let asked = world.issuer.asked();
    for _ in 0..5 {
        let _ = world.assume(&world.good_token()).output();
    }
    assert_eq!((asked, world.issuer.asked()), (2, 2), "discovery and keys, once each");

    let record = server.record_of(&answer);
    assert_eq!(record["userIdentity"]["type"], "WebIdentityUser");
    assert_eq!(record["userIdentity"]["identityProvider"], json!(provider));
    assert_eq!(record["userIdentity"]["userName"], "repo:octo/app");
    assert_eq!(record["requestParameters"], json!({"roleArn": role, "roleSessionName": "ci"}));
    assert_eq!(record["recipientAccountId"], json!(id));
    let signature = token.rsplit_once('.').unwrap().1;
    let body = token.split('.').nth(1).unwrap();
    let journal = json!(server.journal()).to_string();
    for part in [signature, body] {
        assert!(!journal.contains(part) && !server.log().contains(part));
    }
}

#[test]
fn the_trust_policy_sees_what_the_provider_says() {
    let world = World::new();
    let denied = |answer: Answer| answer.denies("Not authorized to perform sts:AssumeRoleWithWebIdentity");
    world.trust(&json!({"StringLike": {world.key("sub"): "repo:octo/*"}}));
    let _ = world.assume(&world.good_token()).output();
    denied(world.assume(&world.signed(json!({"sub": "repo:evil/app"}))));
    world.trust(&json!({"StringEquals": {world.key("aud"): "another"}}));
    denied(world.assume(&world.good_token()));
    world.trust(&json!({"ForAnyValue:StringEquals": {world.key("amr"): "strong"}}));
    denied(world.assume(&world.good_token()));
    let _ = world.assume(&world.signed(json!({"amr": ["weak", "strong"]}))).output();
    world.trust(
        &json!({"StringEquals": {"aws:FederatedProvider": world.provider, "sts:RoleSessionName": "ci"}}),
    );
    let _ = world.assume(&world.good_token()).output();
    let answer = world.assume_with(&world.good_token(), &[("ProviderId", "www.amazon.com")]);
    assert_eq!(answer.error(), "ValidationError");
}

#[test]
fn a_role_that_does_not_trust_the_provider_is_as_one_that_is_not_there() {
    let mut world = World::new();
    let (id, token) = (world.id.clone(), world.good_token());
    let _ = world.server.create_role(world.server.root(), "other", &id);
    for role in ["other", "absent"] {
        world.role = format!("arn:aws:iam::{id}:role/{role}");
        world.assume(&token).denies("Not authorized to perform sts:AssumeRoleWithWebIdentity");
    }
    world.role = format!("arn:aws:iam::{id}:user/web");
    world.assume(&token).refuses("ValidationError", "Request ARN is invalid");
    let stranger = world.server.account_id(&world.server.create_account());
    let unknown = format!("No OpenIDConnect provider found in your account for {}", world.issuer.address());
    for account in [stranger.as_str(), "999988887777"] {
        world.role = format!("arn:aws:iam::{account}:role/web");
        world.assume(&token).refuses("InvalidIdentityToken", &unknown);
    }
}

#[test]
fn what_the_provider_said_stays_with_the_session() {
    let world = World::new();
    let key = world.server.create_key();
    let allow = |claim: &str, value: &str| {
        let condition =
            json!({"StringEquals": {world.key(claim): value, "aws:FederatedProvider": world.provider}});
        let statements =
            json!([{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition}]);
        world.server.put_role_policy(world.server.root(), "web", &statements);
    };
    let caller = caller_of(&world.assume(&world.good_token()).output()["Credentials"], world.server.root());
    let encrypt =
        || world.server.call_as(&caller, "Encrypt", &json!({"KeyId": key, "Plaintext": base64(b"dawn")}));
    for (claim, right, wrong) in
        [("sub", "repo:octo/app", "repo:octo/other"), ("aud", "sts.amazonaws.com", "another")]
    {
        allow(claim, right);
        let _ = encrypt().output();
        allow(claim, wrong);
        assert_eq!(encrypt().error(), "AccessDeniedException");
    }
    allow("sub", "repo:octo/app");
    let used = encrypt();
    let context = &world.server.record_of(&used)["userIdentity"]["sessionContext"];
    assert_eq!(context["webIdFederationData"]["federatedProvider"], json!(world.provider), "{context}");
}

#[test]
fn a_provider_gives_sessions_tags_and_a_source_identity_if_the_role_lets_it() {
    let world = World::new();
    let tags = json!({"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]});
    let claims =
        json!({"https://aws.amazon.com/tags": tags, "https://aws.amazon.com/source_identity": "octo"});
    let token = world.signed(claims);
    world.assume(&token).denies("Not authorized to perform sts:TagSession");
    let actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"];
    let trust = |team: &str| {
        let condition = json!({"StringEquals": {"aws:RequestTag/team": team, "sts:SourceIdentity": "octo"}});
        let statement = json!([{
            "Effect": "Allow", "Principal": {"Federated": world.provider}, "Action": actions, "Condition": condition,
        }]);
        let parameters = [("RoleName", "web"), ("PolicyDocument", &policy(&statement))];
        let _ = world.server.iam("UpdateAssumeRolePolicy", &parameters).output();
    };
    trust("blue");
    assert_eq!(world.assume(&token).error(), "AccessDenied");
    trust("red");
    let made = world.assume(&token).output();
    assert_eq!(made["SourceIdentity"], "octo");
    let condition = json!({"StringEquals": {"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "octo"}});
    let statements = json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition}]);
    world.server.put_role_policy(world.server.root(), "web", &statements);
    let caller = caller_of(&made["Credentials"], world.server.root());
    let _ = world.server.call_as(&caller, "ListKeys", &json!({})).output();
    for wrong in [
        json!({"https://aws.amazon.com/tags": {"principal_tags": {"a": ["1", "2"]}}}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": {"a": ["1"], "A": ["1"]}}}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": {"aws:a": ["1"]}}}),
        json!({"https://aws.amazon.com/tags": {"principal_tags": {}, "transitive_tag_keys": ["b"]}}),
        json!({"https://aws.amazon.com/source_identity": "a b"}),
        json!({"https://aws.amazon.com/source_identity": 7}),
    ] {
        assert_eq!(world.assume(&world.signed(wrong.clone())).error(), "InvalidIdentityToken", "{wrong}");
    }
}

#[test]
fn session_policies_and_durations_are_those_of_roles() {
    let world = World::new();
    let key = world.server.create_key();
    let all = json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
    world.server.put_role_policy(world.server.root(), "web", &all);
    let only = policy(&json!([{"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"}]));
    let made =
        world.assume_with(&world.good_token(), &[("Policy", &only), ("DurationSeconds", "900")]).output();
    assert!(made["PackedPolicySize"].is_string(), "{made}");
    let caller = caller_of(&made["Credentials"], world.server.root());
    let call = |operation| {
        world.server.call_as(&caller, operation, &json!({"KeyId": key, "Plaintext": base64(b"a")}))
    };
    let _ = call("DescribeKey").output();
    assert_eq!(call("Encrypt").error(), "AccessDeniedException");
    let too_long = world.assume_with(&world.good_token(), &[("DurationSeconds", "3601")]);
    too_long.refuses(
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    world.server.advance("15m");
    assert_eq!(call("DescribeKey").error(), "ExpiredTokenException");
    let _ = world.assume(&world.good_token()).output();
}

#[test]
fn a_token_that_is_not_for_this_is_refused() {
    let world = World::new();
    let other = Issuer::start(&IssuerAuthority::new());
    let unknown = |address: &str| format!("No OpenIDConnect provider found in your account for {address}");
    let (long, late) = ("s".repeat(256), i64::from(u32::MAX));
    for (changes, error, message) in [
        (json!({"aud": "another"}), "InvalidIdentityToken", "Incorrect token audience".to_owned()),
        (json!({"iss": other.address()}), "InvalidIdentityToken", unknown(&other.address())),
        (json!({"iss": world.issuer.url()}), "InvalidIdentityToken", unknown(&world.issuer.url())),
        (json!({"sub": long}), "InvalidIdentityToken", NO_JWT.to_owned()),
        (json!({"nbf": late}), "IDPRejectedClaim", "The web identity token is not valid yet".to_owned()),
    ] {
        let answer = world.assume(&world.signed(changes.clone()));
        assert_eq!(answer.fault(), (error.to_owned(), Some(message)), "{changes}");
    }
    let _ = world.assume(&world.good_token()).output();
}

#[test]
fn a_token_that_is_over_is_refused_and_the_attempt_is_on_record() {
    let world = World::new();
    let claims = world.issuer.claims("repo:octo/app", "sts.amazonaws.com", -600);
    let expired = world.assume(&world.issuer.sign(&json!({"alg": "ES256", "kid": "one"}), &claims));
    let (error, message) = expired.fault();
    let (message, end) = (message.unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(error, "ExpiredTokenException");
    assert!(message.starts_with("Token expired: current date/time "), "{message}");
    assert!(message.ends_with(&format!("must be before the expiration date/time {end}")), "{message}");
    let record = world.server.record_of(&expired);
    assert_eq!(
        (&record["errorCode"], &record["eventName"]),
        (&json!(error), &json!("AssumeRoleWithWebIdentity"))
    );
    assert_eq!(record["recipientAccountId"], json!(world.id));
}

#[test]
fn a_token_that_the_issuer_has_not_signed_is_refused() {
    let world = World::new();
    let other = Issuer::start(&IssuerAuthority::new());
    let claims = || world.issuer.claims("repo:octo/app", "sts.amazonaws.com", 3600);
    let sign = |head: Value| world.issuer.sign(&head, &claims());
    let algorithm = "The signature algorithm of the web identity token is not supported";
    let signature = "Invalid signature on the web identity token";
    let good = world.good_token();
    let (covering, _) = good.rsplit_once('.').unwrap();
    let unsigned = covered(&json!({"alg": "none", "kid": "one"}), &claims());
    for (what, token, message) in [
        ("no algorithm", format!("{unsigned}."), algorithm),
        ("no algorithm, with a signature", sign(json!({"alg": "none", "kid": "one"})), algorithm),
        ("a shared secret", hs256(&world, &claims()), algorithm),
        ("another key id", sign(json!({"alg": "ES256", "kid": "two"})), NO_KEY),
        ("another's signature", other.sign(&json!({"alg": "ES256", "kid": "one"}), &claims()), signature),
        ("no signature", format!("{covering}."), signature),
        ("no JWT", "not-a-token".to_owned(), NO_JWT),
        ("two parts", covering.to_owned(), NO_JWT),
    ] {
        let answer = world.assume(&token);
        assert_eq!(answer.fault(), ("InvalidIdentityToken".to_owned(), Some(message.to_owned())), "{what}");
    }
    let _ = world.assume(&good).output();
}

/// A token whose signature is made with what everybody knows: the issuer's key as it is published.
fn hs256(world: &World, claims: &Value) -> String {
    let covered = covered(&json!({"alg": "HS256", "kid": "one"}), claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, world.issuer.url().as_bytes());
    let signature = hmac::sign(&key, covered.as_bytes());
    format!("{covered}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_token_is_valid_by_the_real_clock_and_its_session_by_the_services() {
    let world = World::new();
    world.server.advance("365d");
    let made = world.assume(&world.good_token()).output();
    let caller = caller_of(&made["Credentials"], world.server.root());
    let _ = world.server.sts_as(&caller, "GetCallerIdentity", &[]).output();
}

#[test]
fn an_issuer_that_is_down_or_slow_is_a_clear_error_in_bounded_time() {
    let authority = IssuerAuthority::new();
    let (server, files) = server_trusting(&authority.certificate);
    let silent = Issuer::start(&authority);
    silent.fall_silent();
    let mut world = World::of(server, silent, files);
    for stopped in [false, true] {
        if stopped {
            let next = Issuer::start(&authority);
            world.provider = register(&world.server, &next.address(), &[]);
            world.issuer = next;
            world.issuer.stop();
        }
        let begun = Instant::now();
        let answer = world.assume(&world.good_token());
        let (error, message) = answer.fault();
        assert_eq!(error, "IDPCommunicationError");
        assert!(message.unwrap().contains("could not be reached"));
        assert!(begun.elapsed().as_secs() < 9, "{:?}", begun.elapsed());
        assert_eq!(world.server.record_of(&answer)["errorCode"], "IDPCommunicationErrorException");
        let _ = world.server.create_key();
    }
}

#[test]
fn an_issuer_whose_certificate_nobody_vouches_for_is_not_believed() {
    let (authority, other) = (IssuerAuthority::new(), IssuerAuthority::new());
    let (server, files) = server_trusting(&other.certificate);
    let world = World::of(server, Issuer::start(&authority), files);
    assert_eq!(world.assume(&world.good_token()).error(), "IDPCommunicationError");
    assert_eq!(world.issuer.asked(), 0);
}

#[test]
fn a_file_of_authorities_that_cannot_be_read_stops_the_start_with_its_name() {
    let server = Server::builder().config("").start();
    assert!(server.terminate().success());
    let empty = server.scratch().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (path, reason) in [
        ("/nowhere/ca.pem".to_owned(), "/nowhere/ca.pem"),
        (empty.to_str().unwrap().to_owned(), "holds no certificate"),
    ] {
        let config = server.scratch().join("wrong.toml");
        std::fs::write(&config, format!("[oidc]\nextra_ca_files = [{path:?}]\n")).unwrap();
        let data = server.scratch().join("other");
        let output = blackbox::run(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            data.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
        ]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{said}");
    }
}
