//! Unmodified clients, over TLS, with `root.env` as their only configuration: the aws command line, boto3, the AWS SDK for JavaScript, the
//! AWS Encryption SDKs for Python and for JavaScript, the signer of TUF, curl and OpenSSL. `cargo xtask test --prepare` installs them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

use blackbox::{Caller, Issuer, IssuerAuthority, Server, policy, program, vpc_endpoint_service};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[test]
fn the_first_session_of_the_readme_works_word_for_word() {
    let server = Server::start();
    let directory = server.scratch().join("session");
    std::fs::create_dir_all(directory.join("target/release")).unwrap();
    symlink(program("cardea"), directory.join("target/release/cardea")).unwrap();
    symlink(server.data(), directory.join("cardea-data")).unwrap();
    let session = readme_block("## A first session");
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-c", &session]).current_dir(directory).stdin(Stdio::null());
    shell.env_clear().env("PATH", path()).env("HOME", server.scratch());
    let said = succeeded(shell.output().unwrap());
    assert!(said.contains("attack at dawn"), "{said}");
    let used: BTreeSet<String> = names_in_the_journal(&server);
    for name in ["CreateKey", "CreateAlias", "Encrypt", "Decrypt", "GenerateDataKey", "CancelKeyDeletion"] {
        assert!(used.contains(name), "{name} is not in the journal");
        assert!(
            said.contains(&format!("\"eventName\":\"{name}\"")),
            "`cardea audit show` does not show {name}"
        );
    }
}

#[test]
fn the_aws_command_line_tags_lists_and_describes_what_it_made() {
    let server = Server::start();
    let made =
        aws_json(&server, &["create-key", "--description", "payroll", "--tags", "TagKey=team,TagValue=pay"]);
    let id = text(&made, "/KeyMetadata/KeyId");
    assert_eq!(aws_json(&server, &["describe-key", "--key-id", &id]), made);
    aws(&server, &["create-alias", "--alias-name", "alias/pay", "--target-key-id", &id]);
    let aliases = aws_json(&server, &["list-aliases", "--key-id", &id]);
    assert_eq!(text(&aliases, "/Aliases/0/AliasName"), "alias/pay");
    aws(&server, &["tag-resource", "--key-id", &id, "--tags", "TagKey=stage,TagValue=test"]);
    aws(&server, &["untag-resource", "--key-id", &id, "--tag-keys", "team"]);
    let tags = aws_json(&server, &["list-resource-tags", "--key-id", &id]);
    assert_eq!(tags.pointer("/Tags"), Some(&serde_json::json!([{"TagKey": "stage", "TagValue": "test"}])));
    let keys = aws_json(&server, &["list-keys"]);
    assert_eq!(keys.pointer("/Keys").and_then(Value::as_array).map(Vec::len), Some(1));
    assert_eq!(text(&keys, "/Keys/0/KeyId"), id);
}

#[test]
fn the_aws_command_line_prints_errors_as_it_prints_those_of_aws() {
    let server = Server::start();
    let id = text(&aws_json(&server, &["create-key"]), "/KeyMetadata/KeyId");
    aws(&server, &["schedule-key-deletion", "--key-id", &id, "--pending-window-in-days", "7"]);
    let refusals: [(&[&str], &str); 4] = [
        (
            &["describe-key", "--key-id", "alias/nowhere"],
            "An error occurred (NotFoundException) when calling the DescribeKey operation: Alias arn:aws:kms:",
        ),
        (
            &["encrypt", "--key-id", &id, "--plaintext", "YQ=="],
            "An error occurred (KMSInvalidStateException) when calling the Encrypt operation: arn:aws:kms:",
        ),
        (
            &["schedule-key-deletion", "--key-id", &id, "--pending-window-in-days", "6"],
            "An error occurred (ValidationException) when calling the ScheduleKeyDeletion operation: ",
        ),
        (
            &["rotate-key-on-demand", "--key-id", "no-key"],
            "An error occurred (NotFoundException) when calling the RotateKeyOnDemand operation: Invalid keyId",
        ),
    ];
    for (words, message) in refusals {
        let output = aws_command(&server, words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(0), "{words:?}");
        assert!(said.contains(message), "{words:?}: {said}");
    }
}

#[test]
fn the_aws_command_line_calls_every_operation_of_kms() {
    let server = Server::start();
    let directory = server.scratch().join("operations");
    std::fs::create_dir_all(&directory).unwrap();
    let mut shell = client(&server, Path::new("sh"));
    shell.arg(workspace().join("tests/story/every_operation.sh")).current_dir(directory);
    shell.env("AWS_DATA_PATH", newest_models()).env("VPC_ENDPOINT_SERVICE", vpc_endpoint_service(0));
    succeeded(shell.output().unwrap());
    let used = names_in_the_journal(&server);
    let missing: Vec<_> =
        operations::OPERATIONS.iter().map(|entry| entry.name).filter(|name| !used.contains(*name)).collect();
    assert!(missing.is_empty(), "tests/story/every_operation.sh does not call {missing:?}");
    audit_holds(&server);
}

#[test]
fn boto3_calls_every_operation_that_there_is() {
    let world = World::new();
    for script in [
        "boto3_operations.py",
        "boto3_algorithms.py",
        "boto3_key_life.py",
        "boto3_iam_users.py",
        "boto3_iam_roles.py",
    ] {
        python(&world.server, script, &[]);
    }
    python(&world.server, "boto3_custom_key_stores.py", &[&vpc_endpoint_service(0)]);
    let mut command = client(&world.server, &environment("venv").join("bin/python"));
    command
        .arg("-B")
        .arg(workspace().join("tests/python/boto3_sts.py"))
        .arg(&world.role)
        .arg(&world.token_file);
    assert_eq!(succeeded(world.as_user(command).output().unwrap()), "done\n");
    let used: BTreeSet<_> = world.server.journal().iter().map(source_and_name).collect();
    let all = operations::APIS.iter().filter(|api| api.service != "cardea").flat_map(|api| {
        api.operations.iter().map(|entry| (api.event_source.to_owned(), entry.name.to_owned()))
    });
    let missing: Vec<_> = all.filter(|operation| !used.contains(operation)).collect();
    assert!(missing.is_empty(), "no script in tests/python calls {missing:?}");
    audit_holds(&world.server);
}

#[test]
fn the_story_of_who_may_do_what_is_told_to_its_end() {
    let server = Server::start();
    let directory = server.scratch().join("story");
    std::fs::create_dir_all(directory.join("bin")).unwrap();
    symlink(program("cardea"), directory.join("bin/cardea")).unwrap();
    let mut shell = Command::new("sh");
    shell.arg(workspace().join("tests/story/who_may_do_what.sh")).arg(server.data());
    shell.env_clear().env("PATH", format!("{}:{}", directory.join("bin").display(), path()));
    shell.env("HOME", &directory).current_dir(&directory).stdin(Stdio::null());
    let said = succeeded(shell.output().unwrap());
    let lines: Vec<&str> = said.lines().collect();
    let denials = lines.windows(2).filter(|lines| lines[0].contains(" may not: "));
    assert!(denials.clone().count() >= 11, "{said}");
    denials.for_each(|lines| assert!(lines[1].starts_with("    because: "), "{} without a reason", lines[0]));
    assert!(said.matches(" may: ").count() >= 11, "{said}");
    audit_holds(&server);
}

#[test]
fn the_aws_command_line_hands_out_an_access_key_and_takes_it_back() {
    let server = Server::start();
    let iam = |words: &[&str]| succeeded(aws_service(&server, "iam", words).output().unwrap());
    iam(&["create-user", "--user-name", "nile"]);
    let made: Value = serde_json::from_str(&iam(&["create-access-key", "--user-name", "nile"])).unwrap();
    let (id, secret) = (text(&made, "/AccessKey/AccessKeyId"), text(&made, "/AccessKey/SecretAccessKey"));
    let policy = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";
    let as_nile = || {
        let mut command = aws_command(&server, &["list-keys"]);
        command.env("AWS_ACCESS_KEY_ID", &id).env("AWS_SECRET_ACCESS_KEY", &secret);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, said) = as_nile();
    assert!(said.contains("user/nile is not authorized to perform: kms:ListKeys"), "{said}");
    iam(&["attach-user-policy", "--user-name", "nile", "--policy-arn", policy]);
    assert!(as_nile().0);
    iam(&["detach-user-policy", "--user-name", "nile", "--policy-arn", policy]);
    iam(&["delete-access-key", "--user-name", "nile", "--access-key-id", &id]);
    let (_, said) = as_nile();
    assert!(said.contains("(UnrecognizedClientException)"), "{said}");
    iam(&["delete-user", "--user-name", "nile"]);
}

#[test]
fn the_aws_command_line_assumes_roles_by_itself_and_with_web_identities() {
    let world = World::new();
    let server = &world.server;
    let sts = |words: &[&str]| {
        let output = succeeded(world.as_user(aws_service(server, "sts", words)).output().unwrap());
        serde_json::from_str::<Value>(&output).unwrap()
    };
    let role = ["--role-arn", world.role.as_str(), "--role-session-name", "cli"];
    let assumed = sts(&[&["assume-role"], &role[..], &["--external-id", "handshake"]].concat());
    let mut command = aws_command(server, &["list-keys"]);
    command.env("AWS_ACCESS_KEY_ID", text(&assumed, "/Credentials/AccessKeyId"));
    command.env("AWS_SECRET_ACCESS_KEY", text(&assumed, "/Credentials/SecretAccessKey"));
    command.env("AWS_SESSION_TOKEN", text(&assumed, "/Credentials/SessionToken"));
    succeeded(command.output().unwrap());

    let token = std::fs::read_to_string(&world.token_file).unwrap();
    let mut command = aws_service(server, "sts", &[&["assume-role-with-web-identity"], &role[..]].concat());
    command.args(["--web-identity-token", &token]).env_remove("AWS_ACCESS_KEY_ID");
    let web: Value = serde_json::from_str(&succeeded(command.output().unwrap())).unwrap();
    assert_eq!(text(&web, "/SubjectFromWebIdentityToken"), "repo:octo/app");

    let config = world.config();
    for (profile, session) in [("delta", "/by-profile"), ("web", "/by-token")] {
        let mut command = aws_service(server, "sts", &["get-caller-identity", "--profile", profile]);
        command.env("AWS_CONFIG_FILE", &config);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        let who: Value = serde_json::from_str(&succeeded(command.output().unwrap())).unwrap();
        assert!(text(&who, "/Arn").ends_with(session), "{who}");
    }
}

/// A service with a user, an issuer, a file with a token of it, and a role that trusts both.
struct World {
    server: Server,
    user: Caller,
    role: String,
    token_file: PathBuf,
    _issuer: Issuer,
    _files: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let authority = IssuerAuthority::new();
        let issuer = Issuer::start(&authority);
        let files = tempfile::tempdir().unwrap();
        let (ca_file, token_file) = (files.path().join("issuers.pem"), files.path().join("token"));
        std::fs::write(&ca_file, &authority.certificate).unwrap();
        std::fs::write(&token_file, issuer.token("repo:octo/app", "sts.amazonaws.com")).unwrap();
        let server = Server::builder().config(&format!("[oidc]\nextra_ca_files = [{ca_file:?}]\n")).start();
        let root = server.root();
        let allow_sts = serde_json::json!([{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]);
        let user = server.create_user_with(root, "nile", &allow_sts).caller;
        let provider = [("Url", issuer.address()), ("ClientIDList.member.1", "sts.amazonaws.com".to_owned())];
        let provider = provider.each_ref().map(|(name, value)| (*name, value.as_str()));
        let provider = server.iam("CreateOpenIDConnectProvider", &provider).output();
        let provider = text(&provider, "/OpenIDConnectProviderArn");
        let id = server.account_id(root);
        let role = server.create_role(root, "delta", &id).arn;
        let trust = policy(&serde_json::json!([
            {"Effect": "Allow", "Principal": {"AWS": id}, "Action": "sts:*", "Condition": {"StringEquals": {"sts:ExternalId": "handshake"}}},
            {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"},
        ]));
        let _ = server
            .iam("UpdateAssumeRolePolicy", &[("RoleName", "delta"), ("PolicyDocument", trust.as_str())])
            .output();
        let allow_kms = serde_json::json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
        server.put_role_policy(root, "delta", &allow_kms);
        Self { server, user, role, token_file, _issuer: issuer, _files: files }
    }

    /// The same program, as the user.
    fn as_user(&self, mut command: Command) -> Command {
        command.env("AWS_ACCESS_KEY_ID", &self.user.access_key_id);
        command.env("AWS_SECRET_ACCESS_KEY", &self.user.secret_access_key);
        command
    }

    /// A configuration file of the aws command line with a profile for each way to the role.
    fn config(&self) -> PathBuf {
        let Self { user, role, token_file, .. } = self;
        let path = self.server.scratch().join("aws-config");
        let text = format!(
            "[profile nile]\naws_access_key_id = {}\naws_secret_access_key = {}\n\n\
             [profile delta]\nrole_arn = {role}\nsource_profile = nile\nexternal_id = handshake\nrole_session_name = by-profile\n\n\
             [profile web]\nrole_arn = {role}\nweb_identity_token_file = {}\nrole_session_name = by-token\n",
            user.access_key_id,
            user.secret_access_key,
            token_file.display(),
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn the_aws_encryption_sdk_carries_ten_megabytes_there_and_back() {
    let server = Server::start();
    let said = python(&server, "encryption_sdk.py", &[]);
    assert_eq!(said.matches("round trip:").count(), 2, "{said}");
    let used = names_in_the_journal(&server);
    assert!(used.contains("GenerateDataKey") && used.contains("Decrypt"), "{used:?}");
}

#[test]
fn the_aws_encryption_sdk_for_javascript_carries_ten_megabytes_there_and_back() {
    let server = Server::start();
    let said = node(&server, "encryption_sdk.js");
    assert_eq!(said.matches("round trip:").count(), 3, "{said}");
    let used = names_in_the_journal(&server);
    assert!(
        used.contains("GenerateDataKey") && used.contains("Encrypt") && used.contains("Decrypt"),
        "{used:?}"
    );
}

#[test]
fn the_aws_sdk_for_javascript_and_the_crypto_of_node_agree_with_what_is_answered() {
    let server = Server::start();
    let said = node(&server, "client_kms.js");
    assert_eq!(said.matches("passed: ").count(), 9, "{said}");
}

#[test]
fn every_spec_and_algorithm_agrees_both_ways_with_other_libraries() {
    let server = Server::start();
    python(&server, "interop.py", &[]);
    audit_holds(&server);
}

#[test]
fn the_signer_of_tuf_signs_with_every_spec_and_scheme_that_it_knows() {
    let server = Server::start();
    let said = python(&server, "tuf_signer.py", &[]);
    assert_eq!(said.matches("signed: ").count(), 5 * 3 + 2 + 3 * 6, "{said}");
    let used = names_in_the_journal(&server);
    assert!(used.contains("GetPublicKey") && used.contains("Sign"), "{used:?}");
}

#[test]
fn curl_is_answered_over_http_2_and_over_http_1_1() {
    let server = Server::start();
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let said = curl_list_keys(&server, option);
        let (body, spoken) = said.rsplit_once('\n').unwrap();
        assert_eq!(spoken, format!("200 {version}"), "{said}");
        assert!(body.starts_with("{\"Keys\":"), "{said}");
    }
    assert_eq!(server.journal().iter().filter(|record| text(record, "/eventName") == "ListKeys").count(), 2);
}

#[test]
fn the_journal_says_which_tls_a_call_came_over() {
    let server = Server::start();
    curl_list_keys(&server, "--tlsv1.3");
    let records = server.journal();
    let record = records.iter().find(|record| text(record, "/eventName") == "ListKeys").unwrap();
    assert_eq!(text(record, "/tlsDetails/tlsVersion"), "TLSv1.3");
    assert!(text(record, "/tlsDetails/cipherSuite").starts_with("TLS_"), "{record}");
}

#[test]
fn tls_1_2_and_1_3_are_spoken_with_forward_secrecy() {
    let server = Server::start();
    for (options, version) in [
        (&["-tls1_3"][..], "TLSv1.3"),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"], "TLSv1.2"),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"], "TLSv1.2"),
    ] {
        let said = handshake(&server, options).unwrap_or_else(|said| panic!("{options:?}: {said}"));
        assert!(said.contains(&format!("New, {version}, Cipher is")), "{options:?}: {said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{options:?}: {said}");
    }
}

#[test]
fn old_versions_of_tls_and_suites_without_forward_secrecy_are_refused() {
    let server = Server::start();
    let weak = "ALL:@SECLEVEL=0";
    for options in [
        &["-tls1_1", "-cipher", weak][..],
        &["-tls1", "-cipher", weak],
        &["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA:AES256-GCM-SHA384:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"],
    ] {
        let said = handshake(&server, options).expect_err(&format!("{options:?}"));
        assert!(
            said.contains("alert") && said.contains("Cipher is (NONE)"),
            "{options:?} failed otherwise: {said}"
        );
    }
    handshake(&server, &["-tls1_3"]).expect("the service is none the worse for it");
}

#[test]
fn a_client_that_knows_the_hybrid_post_quantum_exchange_gets_it() {
    let server = Server::start();
    let authority = authority(&server);
    let (host, port) = authority.split_once(':').unwrap();
    let said = python(&server, "tls_groups.py", &[host, port]);
    assert!(said.contains("group X25519MLKEM768\n"), "{said}");
    assert!(said.contains("version TLSv1.3\n") && said.contains("protocol h2\n"), "{said}");
}

#[test]
fn a_client_that_does_not_trust_our_authority_does_not_talk_to_us() {
    let server = Server::start();
    let refused = Command::new("curl").args(["--silent", "--show-error", &server.https()]).output().unwrap();
    assert_eq!(refused.status.code(), Some(60), "{}", String::from_utf8_lossy(&refused.stderr));
}

/// The commands of the first `sh` block under a heading.
fn readme_block(heading: &str) -> String {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, section) = readme.split_once(heading).expect("the README has that heading");
    let (_, block) = section.split_once("```sh\n").expect("the section has commands");
    block.split_once("```").unwrap().0.to_owned()
}

fn names_in_the_journal(server: &Server) -> BTreeSet<String> {
    server.journal().iter().map(|record| text(record, "/eventName")).collect()
}

fn source_and_name(record: &Value) -> (String, String) {
    (text(record, "/eventSource"), text(record, "/eventName"))
}

fn audit_holds(server: &Server) {
    succeeded(server.cardea(&["audit", "verify"]));
}

/// What `aws kms` prints, as JSON.
fn aws_json(server: &Server, words: &[&str]) -> Value {
    serde_json::from_str(&aws(server, words)).unwrap()
}

fn aws(server: &Server, words: &[&str]) -> String {
    succeeded(aws_command(server, words).output().unwrap())
}

fn aws_command(server: &Server, words: &[&str]) -> Command {
    aws_service(server, "kms", words)
}

fn aws_service(server: &Server, service: &str, words: &[&str]) -> Command {
    let mut command = client(server, &environment("venv-cli").join("bin/aws"));
    command.arg(service).args(words).args(["--output", "json"]);
    command
}

fn python(server: &Server, script: &str, arguments: &[&str]) -> String {
    let mut command = client(server, &environment("venv").join("bin/python"));
    command.arg("-B").arg(workspace().join("tests/python").join(script)).args(arguments);
    succeeded(command.output().unwrap())
}

/// A script by Node.js, which finds its packages beside the virtual environment that it is itself in.
fn node(server: &Server, script: &str) -> String {
    let environment = environment("venv");
    let mut command = client(server, &environment.join("bin/node"));
    command.env("NODE_PATH", environment.with_file_name("node").join("node_modules"));
    command.arg(workspace().join("tests/node").join(script));
    succeeded(command.output().unwrap())
}

/// A list of keys by curl, which signs by itself; then a line with the status and the version of HTTP.
fn curl_list_keys(server: &Server, option: &str) -> String {
    let environment = server.root_env();
    let credentials = format!(
        "{}:{}",
        environment.required("AWS_ACCESS_KEY_ID"),
        environment.required("AWS_SECRET_ACCESS_KEY")
    );
    let mut curl = client(server, Path::new("curl"));
    curl.args(["--silent", "--show-error", "--max-time", "30", option, "--user", &credentials]);
    curl.args([
        "--cacert",
        environment.required("AWS_CA_BUNDLE"),
        "--write-out",
        "\n%{http_code} %{http_version}",
    ]);
    curl.args(["--aws-sigv4", &format!("aws:amz:{}:kms", environment.required("AWS_REGION"))]);
    curl.args(["--header", "Content-Type: application/x-amz-json-1.1"]);
    curl.args(["--header", "X-Amz-Target: TrentService.ListKeys", "--data", "{}", &server.https()]);
    succeeded(curl.output().unwrap())
}

/// What `openssl s_client` said: right when there was a handshake.
fn handshake(server: &Server, options: &[&str]) -> Result<String, String> {
    let mut openssl = client(server, Path::new("openssl"));
    openssl.args(["s_client", "-connect", &authority(server), "-CAfile"]);
    openssl.arg(server.root_env().required("AWS_CA_BUNDLE")).args(options);
    let output = openssl.output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Host and port.
fn authority(server: &Server) -> String {
    server.https().strip_prefix("https://").unwrap().to_owned()
}

/// A program that knows of nothing but what `root.env` says.
fn client(server: &Server, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path()).env("HOME", server.scratch()).stdin(Stdio::null());
    command.envs(server.root_env().variables());
    command
}

/// The path on which `aws` is the pinned one.
fn path() -> String {
    format!("{}:{}", environment("venv-cli").join("bin").display(), std::env::var("PATH").unwrap_or_default())
}

/// A virtual environment that `cargo xtask test` made, in the target directory that this test is in too.
fn environment(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let mut places = test.ancestors().map(|place| place.join(name));
    let made = places.find(|place| place.join("bin/python").exists());
    made.unwrap_or_else(|| panic!("there is no {name}: run `cargo xtask test --prepare` first"))
}

/// The service models of boto3: the aws command line's own are older, and lack its newest operations.
fn newest_models() -> PathBuf {
    let versions = std::fs::read_dir(environment("venv").join("lib")).unwrap();
    let mut models =
        versions.map(|version| version.unwrap().path().join("site-packages").join("botocore").join("data"));
    models.find(|models| models.is_dir()).expect("boto3 has service models")
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} in {value}")).to_owned()
}

fn succeeded(output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    said
}
