//! Temporary credentials: how they are got, what they can do, and every way in which they are refused.

use blackbox::{Answer, Caller, Request, Role, Server, User, base64, caller_of, policy};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const UNRECOGNIZED: &str = "The security token included in the request is invalid.";

/// An account with a user that may assume roles, a role that trusts its account and may use a key, and that key.
struct Account<'a> {
    server: &'a Server,
    id: String,
    user: User,
    role: Role,
    key: String,
}

impl<'a> Account<'a> {
    fn new(server: &'a Server) -> Self {
        let root = server.root();
        let id = server.account_id(root);
        let statements = allow("sts:*");
        let user = server.create_user_with(root, "nile", &statements);
        let role = role_trusting(server, "delta", &json!([trusts(&id)]));
        server.put_role_policy(root, "delta", &allow("kms:*"));
        Self { server, id, user, role, key: server.create_key() }
    }

    fn assume(&self, parameters: &[(&str, &str)]) -> Answer {
        self.assume_as(&self.user.caller, parameters)
    }

    fn assume_as(&self, caller: &Caller, parameters: &[(&str, &str)]) -> Answer {
        assume(self.server, caller, &self.role.arn, parameters)
    }

    /// Somebody with a session of the role.
    fn session(&self, parameters: &[(&str, &str)]) -> Caller {
        self.server.assume_role_with(&self.user.caller, &self.role.arn, "here", parameters)
    }

    fn uses_key(&self, caller: &Caller) -> Answer {
        let input = json!({"KeyId": self.key, "Plaintext": base64(b"dawn")});
        self.server.call_as(caller, "Encrypt", &input)
    }
}

/// The one statement of a policy that allows that.
fn allow(action: &str) -> Value {
    json!([{"Effect": "Allow", "Action": action, "Resource": "*"}])
}

/// A statement by which whoever that account lets may do all that has to do with assuming a role.
fn trusts(account: &str) -> Value {
    let actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    json!({"Effect": "Allow", "Principal": {"AWS": account}, "Action": actions})
}

fn role_trusting(server: &Server, name: &str, statements: &Value) -> Role {
    let role = server.create_role(server.root(), name, &server.account_id(server.root()));
    set_trust(server, name, statements);
    role
}

fn set_trust(server: &Server, role: &str, statements: &Value) {
    let parameters = [("RoleName", role), ("PolicyDocument", &policy(statements))];
    let _ = server.iam("UpdateAssumeRolePolicy", &parameters).output();
}

fn assume(server: &Server, caller: &Caller, role: &str, parameters: &[(&str, &str)]) -> Answer {
    let named = [("RoleArn", role), ("RoleSessionName", "here")];
    server.sts_as(caller, "AssumeRole", &[&named, parameters].concat())
}

fn identity(server: &Server, caller: &Caller) -> Value {
    server.sts_as(caller, "GetCallerIdentity", &[]).output()
}

#[test]
fn everybody_may_ask_who_they_are_even_if_a_policy_denies_it() {
    let server = Server::start();
    let account = Account::new(&server);
    let id = account.id.as_str();
    let deny = json!([
        {"Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*"},
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
    ]);
    server.put_user_policy(server.root(), "nile", &deny);
    let (user, role) = (&account.user, &account.role);
    for (caller, user_id, arn) in [
        (server.root(), id.to_owned(), format!("arn:aws:iam::{id}:root")),
        (&user.caller, user.id.clone(), user.arn.clone()),
        (
            &account.session(&[]),
            format!("{}:here", role.id),
            format!("arn:aws:sts::{id}:assumed-role/delta/here"),
        ),
    ] {
        assert_eq!(identity(&server, caller), json!({"UserId": user_id, "Account": id, "Arn": arn}));
    }
}

#[test]
fn an_assumed_role_does_what_the_role_may_and_is_on_record_as_itself() {
    let server = Server::start();
    let account = Account::new(&server);
    let answer = account.assume(&[("DurationSeconds", "900")]);
    let output = answer.output();
    let id = &account.id;
    let arn = format!("arn:aws:sts::{id}:assumed-role/delta/here");
    let role_id = &account.role.id;
    assert_eq!(output["AssumedRoleUser"], json!({"AssumedRoleId": format!("{role_id}:here"), "Arn": arn}));
    assert!(output.get("PackedPolicySize").is_none() && output.get("SourceIdentity").is_none(), "{output}");
    let caller = caller_of(&output["Credentials"], server.root());
    assert!(caller.access_key_id.starts_with("ASIA") && caller.access_key_id.len() == 20);
    let used = account.uses_key(&caller);
    let _ = used.output();
    let record = server.record_of(&used);
    assert_eq!(record["userIdentity"]["type"], "AssumedRole");
    assert_eq!(record["userIdentity"]["arn"], arn);
    assert_eq!(record["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"], account.role.arn);
    let record = server.record_of(&answer);
    assert_eq!(record["eventSource"], "sts.amazonaws.com");
    assert_eq!(
        record["requestParameters"],
        json!({"roleArn": account.role.arn, "roleSessionName": "here", "durationSeconds": 900})
    );
    assert_eq!(record["responseElements"]["credentials"]["accessKeyId"], caller.access_key_id);
    assert_eq!(record["resources"][0]["ARN"], account.role.arn);
    assert_eq!(record["resources"][0]["type"], "AWS::IAM::Role");
}

#[test]
fn no_secret_and_no_token_is_on_record() {
    let server = Server::start();
    let account = Account::new(&server);
    let sessions = [
        account.session(&[]),
        caller_of(
            &server.sts_as(&account.user.caller, "GetSessionToken", &[]).output()["Credentials"],
            server.root(),
        ),
    ];
    for session in &sessions {
        let _ = identity(&server, session);
    }
    let journal = json!(server.journal()).to_string();
    for session in &sessions {
        assert!(journal.contains(&session.access_key_id));
        assert!(!journal.contains(&session.secret_access_key));
        let token = session.session_token.as_ref().unwrap();
        let (start, end) = (token.get(..40).unwrap(), token.get(token.len() - 40..).unwrap());
        assert!(!journal.contains(start) && !journal.contains(end));
        assert!(!server.log().contains(start));
    }
}

#[test]
fn both_the_role_and_the_callers_side_decide_who_may_assume_it() {
    let server = Server::start();
    let account = Account::new(&server);
    let denied = |answer: Answer, user: &User| {
        let words = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            user.arn, account.role.arn
        );
        answer.denies(&words);
    };
    let nobody = server.create_user(server.root(), "nobody");
    denied(account.assume_as(&nobody.caller, &[]), &nobody);
    set_trust(
        &server,
        "delta",
        &json!([{"Effect": "Allow", "Principal": {"AWS": nobody.arn}, "Action": "sts:AssumeRole"}]),
    );
    let _ = account.assume_as(&nobody.caller, &[]).output();
    denied(account.assume(&[]), &account.user);
}

#[test]
fn a_role_that_is_not_there_is_refused_in_the_same_words_as_one_that_does_not_trust_the_caller() {
    let server = Server::start();
    let account = Account::new(&server);
    let stranger = server.create_account();
    let caller = server.create_user_with(&stranger, "eve", &allow("sts:*"));
    let _ = role_trusting(&server, "locked", &json!([trusts(&account.user.arn)]));
    let id = &account.id;
    for who in [&caller.caller, &account.user.caller] {
        let name = identity(&server, who)["Arn"].as_str().unwrap().to_owned();
        for role in ["absent", "locked", "Delta", "path/delta"] {
            if role == "locked" && *who.access_key_id == *account.user.caller.access_key_id {
                continue;
            }
            let arn = format!("arn:aws:iam::{id}:role/{role}");
            let answer = assume(&server, who, &arn, &[]);
            answer.denies(&format!(
                "User: {name} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            ));
        }
    }
    let nowhere = "arn:aws:iam::999988887777:role/delta";
    let answer = assume(&server, &caller.caller, nowhere, &[]);
    answer.denies(&format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {nowhere}",
        caller.arn
    ));
    for wrong in [
        &format!("arn:aws:iam::{id}:user/nile"),
        &format!("arn:aws:iam::{id}:role/"),
        "a role of mine, please",
    ] {
        assume(&server, &caller.caller, wrong, &[])
            .refuses("ValidationError", &format!("{wrong} is invalid"));
    }
}

#[test]
fn root_users_assume_no_role() {
    let server = Server::start();
    let account = Account::new(&server);
    account
        .assume_as(server.root(), &[])
        .refuses("AccessDenied", "Roles may not be assumed by root accounts.");
    let output = server.sts("GetSessionToken", &[]).output();
    let session = caller_of(&output["Credentials"], server.root());
    account.assume_as(&session, &[]).refuses("AccessDenied", "Roles may not be assumed by root accounts.");
}

#[test]
fn a_role_of_another_account_is_assumed_if_both_sides_allow_and_is_on_record_in_both() {
    let server = Server::start();
    let account = Account::new(&server);
    let other = server.create_account();
    let other_id = server.account_id(&other);
    let guest = server.create_user(&other, "guest");
    let words = format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
        guest.arn, account.role.arn
    );
    account.assume_as(&guest.caller, &[]).denies(&words);
    set_trust(&server, "delta", &json!([trusts(&other_id)]));
    account.assume_as(&guest.caller, &[]).denies(&words);
    server.put_user_policy(
        &other,
        "guest",
        &json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": account.role.arn}]),
    );
    let answer = account.assume_as(&guest.caller, &[]);
    let session = caller_of(&answer.output()["Credentials"], server.root());
    assert_eq!(identity(&server, &session)["Account"], json!(account.id));
    let _ = account.uses_key(&session).output();
    set_trust(&server, "delta", &json!([trusts(&account.id)]));
    account.assume_as(&guest.caller, &[]).denies(&words);
    let id = answer.header("x-amzn-requestid").unwrap().to_owned();
    let accounts: Vec<Value> = server
        .journal()
        .iter()
        .filter(|record| record["requestID"] == id)
        .map(|record| record["recipientAccountId"].clone())
        .collect();
    assert_eq!(accounts, [json!(other_id), json!(account.id)]);
}

#[test]
fn an_external_id_is_what_the_trust_policy_asks_for() {
    let server = Server::start();
    let account = Account::new(&server);
    let mut trust = trusts(&account.id);
    trust["Condition"] = json!({"StringEquals": {"sts:ExternalId": "secret handshake".replace(' ', "-")}});
    set_trust(&server, "delta", &json!([trust]));
    assert_eq!(account.assume(&[]).error(), "AccessDenied");
    assert_eq!(account.assume(&[("ExternalId", "another")]).error(), "AccessDenied");
    let _ = account.assume(&[("ExternalId", "secret-handshake")]).output();
    let tagged =
        [("ExternalId", "secret-handshake"), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")];
    let _ = account.assume(&tagged).output();
}

#[test]
fn a_session_lasts_as_long_as_asked_and_no_longer_than_its_role_allows() {
    let server = Server::builder().dev_clock().start();
    let account = Account::new(&server);
    let longer = [("DurationSeconds", "3601")];
    account.assume(&longer).refuses(
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    let _ = server.iam("UpdateRole", &[("RoleName", "delta"), ("MaxSessionDuration", "7200")]).output();
    let _ = account.assume(&longer).output();
    for outside in ["899", "43201"] {
        assert_eq!(account.assume(&[("DurationSeconds", outside)]).error(), "ValidationError");
    }
    let (short, usual) = (account.session(&[("DurationSeconds", "900")]), account.session(&[]));
    server.advance("14m");
    let _ = account.uses_key(&short).output();
    server.advance("1m");
    let expired = account.uses_key(&short);
    expired.refuses("ExpiredTokenException", "The security token included in the request is expired");
    server
        .sts_as(&short, "GetCallerIdentity", &[])
        .refuses("ExpiredToken", "The security token included in the request is expired");
    let record = server.record_of(&expired);
    assert_eq!(record["errorCode"], "ExpiredTokenException");
    assert_eq!(record["userIdentity"]["accessKeyId"], short.access_key_id);
    server.advance("44m");
    let _ = account.uses_key(&usual).output();
    server.advance("1m");
    assert_eq!(account.uses_key(&usual).error(), "ExpiredTokenException");
}

#[test]
fn chained_sessions_last_an_hour_at_most_and_their_tokens_do_not_grow() {
    let server = Server::start();
    let account = Account::new(&server);
    let _ = server.iam("UpdateRole", &[("RoleName", "delta"), ("MaxSessionDuration", "43200")]).output();
    server.put_role_policy(server.root(), "delta", &allow("sts:*"));
    let tags = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("TransitiveTagKeys.member.1", "team"),
        ("SourceIdentity", "nile"),
    ];
    let mut session = account.session(&tags);
    let first = session.session_token.as_ref().unwrap().len();
    account.assume_as(&session, &[("DurationSeconds", "3601")]).refuses(
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
    for _ in 0..20 {
        session =
            server.assume_role_with(&session, &account.role.arn, "here", &[("DurationSeconds", "3600")]);
        assert!(session.session_token.as_ref().unwrap().len() <= first + 4);
    }
    let user_session = server.sts_as(&account.user.caller, "GetSessionToken", &[]).output();
    let user_session = caller_of(&user_session["Credentials"], server.root());
    let _ = account.assume_as(&user_session, &[("DurationSeconds", "3600")]).output();
    assert_eq!(account.assume_as(&user_session, &[("DurationSeconds", "3601")]).error(), "ValidationError");
}

#[test]
fn tags_and_source_identity_need_permissions_of_their_own_also_when_they_are_inherited() {
    let server = Server::start();
    let account = Account::new(&server);
    let tag = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("TransitiveTagKeys.member.1", "team"),
    ];
    let source = [("SourceIdentity", "nile")];
    let both = account.session(&[&tag[..], &source].concat());
    set_trust(
        &server,
        "delta",
        &json!([{"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"}]),
    );
    server.put_role_policy(server.root(), "delta", &allow("sts:*"));
    let _ = account.assume(&[]).output();
    for (answer, action) in [
        (account.assume(&tag), "sts:TagSession"),
        (account.assume(&source), "sts:SetSourceIdentity"),
        (account.assume_as(&both, &[]), "sts:TagSession"),
    ] {
        let (error, words) = answer.fault();
        assert_eq!(error, "AccessDenied");
        assert!(words.unwrap().contains(&format!("is not authorized to perform: {action} on resource")));
    }
    let actions = ["sts:AssumeRole", "sts:TagSession"];
    set_trust(
        &server,
        "delta",
        &json!([{"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": actions}]),
    );
    let (_, words) = account.assume_as(&both, &[]).fault();
    assert!(words.unwrap().contains("sts:SetSourceIdentity"));
}

#[test]
fn session_tags_are_what_policies_see_and_transitive_ones_go_on() {
    let server = Server::start();
    let account = Account::new(&server);
    let _ = server
        .iam(
            "TagRole",
            &[("RoleName", "delta"), ("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "blue")],
        )
        .output();
    let only_red = json!([
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}},
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
    ]);
    server.put_role_policy(server.root(), "delta", &only_red);
    let tag = |value: &'static str| [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", value)];
    assert_eq!(account.uses_key(&account.session(&[])).error(), "AccessDeniedException");
    let red = account.session(&tag("red"));
    let _ = account.uses_key(&red).output();
    let chained = server.assume_role(&red, &account.role.arn, "again");
    assert_eq!(account.uses_key(&chained).error(), "AccessDeniedException", "the tag was not transitive");

    let transitive = account.session(&[&tag("red")[..], &[("TransitiveTagKeys.member.1", "Team")]].concat());
    let answer = account.assume_as(&transitive, &[]);
    assert_eq!(
        server.record_of(&answer)["additionalEventData"]["incomingTransitiveTags"],
        json!({"team": "red"})
    );
    let mut chained = caller_of(&answer.output()["Credentials"], server.root());
    for _ in 0..3 {
        let _ = account.uses_key(&chained).output();
        chained = server.assume_role(&chained, &account.role.arn, "again");
    }
    let conflict =
        account.assume_as(&chained, &[("Tags.member.1.Key", "TEAM"), ("Tags.member.1.Value", "blue")]);
    assert_eq!(conflict.error(), "ValidationError");
}

#[test]
fn tags_that_no_session_can_have_are_refused() {
    let server = Server::start();
    let account = Account::new(&server);
    let twice = [
        ("Tags.member.1.Key", "a"),
        ("Tags.member.1.Value", ""),
        ("Tags.member.2.Key", "A"),
        ("Tags.member.2.Value", ""),
    ];
    account.assume(&twice).refuses(
        "ValidationError",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
    let absent =
        [("Tags.member.1.Key", "a"), ("Tags.member.1.Value", ""), ("TransitiveTagKeys.member.1", "b")];
    account.assume(&absent).refuses(
        "ValidationError",
        "The specified transitive tag key must be included in the requested tags.",
    );
    assert_eq!(
        account.assume(&[("Tags.member.1.Key", "aws:a"), ("Tags.member.1.Value", "")]).error(),
        "ValidationError"
    );
}

#[test]
fn the_request_tags_of_a_session_are_what_its_trust_policy_sees() {
    let server = Server::start();
    let account = Account::new(&server);
    let mut trust = trusts(&account.id);
    trust["Condition"] = json!({
        "StringEquals": {"aws:RequestTag/team": "red", "sts:RoleSessionName": "here"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"], "sts:TransitiveTagKeys": ["team"]},
    });
    set_trust(&server, "delta", &json!([trust]));
    let tag = |value: &'static str| [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", value)];
    let _ = account.assume(&tag("red")).output();
    assert_eq!(account.assume(&tag("blue")).error(), "AccessDenied");
    assert_eq!(account.assume(&[]).error(), "AccessDenied");
    let more = [&tag("red")[..], &[("Tags.member.2.Key", "cost"), ("Tags.member.2.Value", "1")]].concat();
    assert_eq!(account.assume(&more).error(), "AccessDenied");
}

#[test]
fn a_source_identity_stays_for_the_whole_chain() {
    let server = Server::start();
    let account = Account::new(&server);
    server.put_role_policy(server.root(), "delta", &json!([
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceIdentity": "nile"}}},
    ]));
    assert_eq!(account.uses_key(&account.session(&[])).error(), "AccessDeniedException");
    let first = account.assume(&[("SourceIdentity", "nile")]).output();
    assert_eq!(first["SourceIdentity"], "nile");
    let first = caller_of(&first["Credentials"], server.root());
    let second = account.assume_as(&first, &[]).output();
    assert_eq!(second["SourceIdentity"], "nile");
    let second = caller_of(&second["Credentials"], server.root());
    let used = account.uses_key(&second);
    let _ = used.output();
    assert_eq!(server.record_of(&used)["userIdentity"]["sessionContext"]["sourceIdentity"], "nile");
    assert_eq!(account.assume_as(&second, &[("SourceIdentity", "amazon")]).error(), "AccessDenied");
    let _ = account.assume_as(&second, &[("SourceIdentity", "nile")]).output();
}

#[test]
fn session_policies_only_take_away() {
    let server = Server::start();
    let account = Account::new(&server);
    let encrypt = policy(&json!([{"Effect": "Allow", "Action": ["kms:Encrypt", "iam:*"], "Resource": "*"}]));
    let answer = account.assume(&[("Policy", &encrypt)]);
    let size: u32 = answer.output()["PackedPolicySize"].as_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&size), "{size}");
    let session = caller_of(&answer.output()["Credentials"], server.root());
    let _ = account.uses_key(&session).output();
    let describe = json!({"KeyId": account.key});
    let (error, words) = server.call_as(&session, "DescribeKey", &describe).fault();
    assert_eq!(error, "AccessDeniedException");
    assert!(words.unwrap().ends_with("because no session policy allows the kms:DescribeKey action"));
    assert_eq!(server.iam_as(&session, "ListUsers", &[]).error(), "AccessDenied", "the role itself may not");
    let managed = "arn:aws:iam::aws:policy/IAMFullAccess";
    let limited = account.session(&[("PolicyArns.member.1.arn", managed)]);
    assert_eq!(account.uses_key(&limited).error(), "AccessDeniedException");
    let both = account.session(&[("PolicyArns.member.1.arn", managed), ("Policy", &encrypt)]);
    let _ = account.uses_key(&both).output();
}

#[test]
fn session_policies_that_are_wrong_absent_or_too_large_are_refused() {
    let server = Server::start();
    let account = Account::new(&server);
    for malformed in
        ["{", "{\"Statement\": {}}", &policy(&json!([{"Effect": "Maybe", "Action": "*", "Resource": "*"}]))]
    {
        assert_eq!(
            account.assume(&[("Policy", malformed)]).error(),
            "MalformedPolicyDocument",
            "{malformed}"
        );
    }
    let absent = format!("arn:aws:iam::{}:policy/absent", account.id);
    account
        .assume(&[("PolicyArns.member.1.arn", &absent)])
        .refuses("MalformedPolicyDocument", &format!("Policy {absent} does not exist or is not attachable."));
    let sids: Vec<Value> = (0..200)
        .map(|n| json!({"Sid": format!("S{n}"), "Effect": "Allow", "Action": "kms:*", "Resource": "*"}))
        .collect();
    let (error, words) = account.assume(&[("Policy", &policy(&json!(sids)))]).fault();
    assert_eq!(error, "PackedPolicyTooLarge");
    assert!(words.unwrap().ends_with("% of allotted space, please use smaller policy."));
    let names: Vec<[String; 2]> =
        (1..=50).map(|n| [format!("Tags.member.{n}.Key"), format!("Tags.member.{n}.Value")]).collect();
    let keys: Vec<String> = (1..=50).map(|n| format!("{n:0>128}")).collect();
    let value = "v".repeat(256);
    let tags: Vec<(&str, &str)> = names
        .iter()
        .zip(&keys)
        .flat_map(|([key, of], name)| [(key.as_str(), name.as_str()), (of.as_str(), value.as_str())])
        .collect();
    let (error, words) = account.assume(&tags).fault();
    assert_eq!(error, "PackedPolicyTooLarge");
    assert!(words.unwrap().starts_with("Packed size of session tags consumes "));
}

#[test]
fn the_largest_session_there_is_can_be_used() {
    let server = Server::start();
    let account = Account::new(&server);
    let names: Vec<[String; 2]> =
        (1..=20).map(|n| [format!("Tags.member.{n}.Key"), format!("Tags.member.{n}.Value")]).collect();
    let keys: Vec<String> = (1..=20).map(|n| format!("{n:0>100}")).collect();
    let value = "v".repeat(256);
    let mut given: Vec<(&str, &str)> = names
        .iter()
        .zip(&keys)
        .flat_map(|([key, of], name)| [(key.as_str(), name.as_str()), (of.as_str(), value.as_str())])
        .collect();
    let text = policy(&allow("kms:*"));
    given.push(("Policy", &text));
    let source = "s".repeat(64);
    given.push(("SourceIdentity", &source));
    let answer = account.assume(&given);
    let size: u32 = answer.output()["PackedPolicySize"].as_str().unwrap().parse().unwrap();
    assert!((85..=100).contains(&size), "{size}");
    let session = caller_of(&answer.output()["Credentials"], server.root());
    let token = session.session_token.as_ref().unwrap();
    assert!((10_000..16_384).contains(&token.len()), "{}", token.len());
    let _ = account.uses_key(&session).output();
}

#[test]
fn a_token_is_at_least_as_long_as_asked_and_its_length_is_told() {
    let server = Server::start();
    let account = Account::new(&server);
    let plain = account.assume(&[]).output();
    let size = |output: &Value| output["SessionTokenSize"].as_str().unwrap().parse::<usize>().unwrap();
    for (asked, output) in [
        (0, plain.clone()),
        (3000, account.assume(&[("MinimumSessionTokenSize", "3000")]).output()),
        (4096, server.sts("GetSessionToken", &[("MinimumSessionTokenSize", "4096")]).output()),
    ] {
        let session = caller_of(&output["Credentials"], server.root());
        let token = session.session_token.as_ref().unwrap().len();
        assert_eq!(token, size(&output));
        assert!(token >= asked && token < asked.max(size(&plain)) + 64, "{token} for {asked}");
        let _ = identity(&server, &session);
    }
    assert_eq!(account.assume(&[("MinimumSessionTokenSize", "4097")]).error(), "ValidationError");
}

#[test]
fn a_users_session_is_the_user_but_for_iam_and_most_of_sts() {
    let server = Server::builder().dev_clock().start();
    let account = Account::new(&server);
    let all = allow("*");
    server.put_user_policy(server.root(), "nile", &all);
    let made = server.sts_as(&account.user.caller, "GetSessionToken", &[("DurationSeconds", "900")]).output();
    let session = caller_of(&made["Credentials"], server.root());
    assert_eq!(identity(&server, &session), identity(&server, &account.user.caller));
    let _ = account.uses_key(&session).output();
    let _ = account.assume_as(&session, &[]).output();
    server.iam_as(&session, "ListUsers", &[]).refuses("InvalidClientTokenId", UNRECOGNIZED);
    for (action, parameters) in [
        ("GetSessionToken", &[][..]),
        ("GetAccessKeyInfo", &[("AccessKeyId", session.access_key_id.as_str())]),
        ("DecodeAuthorizationMessage", &[("EncodedMessage", "AAAA")]),
    ] {
        let words = format!("Cannot call {action} with session credentials");
        server.sts_as(&session, action, parameters).refuses("AccessDenied", &words);
    }
    server
        .sts_as(&account.session(&[]), "GetSessionToken", &[])
        .refuses("AccessDenied", "Cannot call GetSessionToken with session credentials");
    server.put_user_policy(
        server.root(),
        "nile",
        &json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]),
    );
    assert_eq!(
        account.uses_key(&session).error(),
        "AccessDeniedException",
        "it may no more than the user may now"
    );
    server.advance("15m");
    assert_eq!(account.uses_key(&session).error(), "ExpiredTokenException");
}

#[test]
fn a_root_users_session_lasts_an_hour_whatever_was_asked() {
    let server = Server::builder().dev_clock().start();
    let key = server.create_key();
    let made = server.sts("GetSessionToken", &[("DurationSeconds", "129600")]).output();
    let session = caller_of(&made["Credentials"], server.root());
    let describe = json!({"KeyId": key});
    server.advance("59m");
    let _ = server.call_as(&session, "DescribeKey", &describe).output();
    server.advance("1m");
    assert_eq!(server.call_as(&session, "DescribeKey", &describe).error(), "ExpiredTokenException");
}

#[test]
fn nobody_has_a_second_factor() {
    let server = Server::start();
    let account = Account::new(&server);
    let shown = [("SerialNumber", "arn:aws:iam::111122223333:mfa/nile"), ("TokenCode", "123456")];
    let words = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
    account.assume(&shown).refuses("AccessDenied", words);
    server.sts_as(&account.user.caller, "GetSessionToken", &shown).refuses("AccessDenied", words);
}

#[test]
fn sessions_of_before_are_ended_by_a_policy_and_those_of_after_are_not() {
    let server = Server::builder().dev_clock().start();
    let account = Account::new(&server);
    let before = account.session(&[]);
    server.advance("10m");
    let time = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_mins(5)).unwrap();
    let revoked = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    server.put_role_policy(server.root(), "delta", &json!([
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": revoked}}},
    ]));
    let (error, words) = account.uses_key(&before).fault();
    assert_eq!(error, "AccessDeniedException");
    assert!(words.unwrap().ends_with("with an explicit deny in an identity-based policy"));
    let _ = account.uses_key(&account.session(&[])).output();
}

#[test]
fn a_role_that_is_deleted_takes_its_sessions_along_even_if_it_is_made_again() {
    let server = Server::start();
    let account = Account::new(&server);
    let session = account.session(&[]);
    let _ = account.uses_key(&session).output();
    let _ = server.iam("DeleteRolePolicy", &[("RoleName", "delta"), ("PolicyName", "of-the-test")]).output();
    let _ = server.iam("DeleteRole", &[("RoleName", "delta")]).output();
    account.uses_key(&session).refuses("UnrecognizedClientException", UNRECOGNIZED);
    let again = role_trusting(&server, "delta", &json!([trusts(&account.id)]));
    assert_eq!(again.arn, account.role.arn);
    server.put_role_policy(server.root(), "delta", &allow("kms:*"));
    account.uses_key(&session).refuses("UnrecognizedClientException", UNRECOGNIZED);
    let _ = account.uses_key(&account.session(&[])).output();
}

#[test]
fn a_user_that_is_deleted_takes_its_sessions_along() {
    let server = Server::start();
    let user = server.create_user(server.root(), "brief");
    let made = server.sts_as(&user.caller, "GetSessionToken", &[]).output();
    let session = caller_of(&made["Credentials"], server.root());
    let _ = identity(&server, &session);
    let key = [("UserName", "brief"), ("AccessKeyId", user.caller.access_key_id.as_str())];
    let _ = server.iam("DeleteAccessKey", &key).output();
    let _ = identity(&server, &session);
    let _ = server.iam("DeleteUser", &[("UserName", "brief")]).output();
    server.sts_as(&session, "GetCallerIdentity", &[]).refuses("InvalidClientTokenId", UNRECOGNIZED);
}

#[test]
fn a_token_that_was_tampered_with_is_no_token() {
    let server = Server::start();
    let account = Account::new(&server);
    let session = account.session(&[]);
    let token = session.session_token.clone().unwrap();
    let flipped = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let length = token.len();
    let mut wrong: Vec<String> = [0, 1, 20, 40, 70, length / 2, length - 30, length - 8].map(flipped).into();
    wrong.extend([
        token.get(4..).unwrap().to_owned(),
        token.get(..length - 4).unwrap().to_owned(),
        format!("{token}AAAA"),
        "AAAA".to_owned(),
        "no base64!".to_owned(),
        "A".repeat(20_000),
    ]);
    for token in wrong {
        let caller = Caller { session_token: Some(token.clone()), ..session.clone() };
        let answer = account.uses_key(&caller);
        assert_eq!(
            answer.fault(),
            ("UnrecognizedClientException".to_owned(), Some(UNRECOGNIZED.to_owned())),
            "{token}"
        );
    }
    let _ = account.uses_key(&session).output();
}

#[test]
fn a_token_goes_with_its_own_access_key_of_its_own_installation_only() {
    let (server, elsewhere) = (Server::start(), Server::start());
    let account = Account::new(&server);
    let foreign = Account::new(&elsewhere).session(&[]);
    let (one, other) = (account.session(&[]), account.session(&[]));
    let _ = account.uses_key(&one).output();
    let _ = account.uses_key(&other).output();
    let with_token_of = |caller: &Caller, token: Option<&Caller>| Caller {
        session_token: token.and_then(|of| of.session_token.clone()),
        ..caller.clone()
    };
    for (what, caller) in [
        ("a session of another installation", foreign.clone()),
        ("a temporary key without its token", with_token_of(&one, None)),
        ("a temporary key with another's token", with_token_of(&one, Some(&other))),
        ("a long-term key with somebody's token", with_token_of(&account.user.caller, Some(&one))),
        ("a root's key with somebody's token", with_token_of(server.root(), Some(&one))),
        ("a temporary key with a foreign token", with_token_of(&one, Some(&foreign))),
    ] {
        let answer = account.uses_key(&caller);
        assert_eq!(
            answer.fault(),
            ("UnrecognizedClientException".to_owned(), Some(UNRECOGNIZED.to_owned())),
            "{what}"
        );
    }
    let wrong_secret = Caller { secret_access_key: other.secret_access_key, ..one };
    assert_eq!(account.uses_key(&wrong_secret).error(), "InvalidSignatureException");
}

#[test]
fn sessions_outlive_a_restart_because_nothing_of_them_is_kept() {
    let server = Server::start();
    let account = Account::new(&server);
    let session = account.session(&[]);
    server.restart();
    let _ = account.uses_key(&session).output();
}

#[test]
fn a_deactivated_access_key_is_as_good_as_none() {
    let server = Server::start();
    let account = Account::new(&server);
    let switch = |status: &str| {
        let key = account.user.caller.access_key_id.as_str();
        let _ = server
            .iam("UpdateAccessKey", &[("UserName", "nile"), ("AccessKeyId", key), ("Status", status)])
            .output();
    };
    let _ = identity(&server, &account.user.caller);
    switch("Inactive");
    server
        .sts_as(&account.user.caller, "GetCallerIdentity", &[])
        .refuses("InvalidClientTokenId", UNRECOGNIZED);
    let wrong = Caller { secret_access_key: "x".repeat(40), ..account.user.caller.clone() };
    server.sts_as(&wrong, "GetCallerIdentity", &[]).refuses("InvalidClientTokenId", UNRECOGNIZED);
    switch("Active");
    let _ = identity(&server, &account.user.caller);
}

/// Whether an access key was never there or is only deactivated, a signature with it costs one derived key and is refused in the same
/// words. That an active one's secret is wrong is said, as AWS says it. The medians are compared loosely: other tests run beside.
#[test]
fn a_thousand_made_up_access_keys_are_refused_alike_and_no_faster_than_one_that_is_there() {
    let server = Server::start();
    let account = Account::new(&server);
    let there = account.user.caller.access_key_id.clone();
    let off = [("UserName", "nile"), ("AccessKeyId", there.as_str()), ("Status", "Inactive")];
    let _ = server.iam("UpdateAccessKey", &off).output();
    let input = json!({"KeyId": account.key}).to_string();
    let mut connection = server.connect().unwrap();
    let mut attempt = |access_key_id: String| {
        let caller = Caller { access_key_id, secret_access_key: "x".repeat(40), ..server.root().clone() };
        let request: Request = server.request("DescribeKey", input.as_str()).signed(&caller);
        let begun = Instant::now();
        let answer = connection.exchange(&request).unwrap();
        let took = begun.elapsed();
        answer.refuses("UnrecognizedClientException", UNRECOGNIZED);
        assert_eq!(answer.status, 400);
        took
    };
    let (mut made_up, mut known) = (Vec::new(), Vec::new());
    for n in 0..1000_u32 {
        let prefix = if n % 2 == 0 { "AKIA" } else { "ASIA" };
        made_up.push(attempt(format!("{prefix}{:0>16}", n * 7919)));
        known.push(attempt(there.clone()));
    }
    let (made_up, known) = (median(made_up), median(known));
    assert!(made_up * 4 >= known * 3, "{made_up:?} for made-up keys, {known:?} for one that is there");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn whose_an_access_key_is_can_be_asked_by_whoever_may() {
    let server = Server::start();
    let account = Account::new(&server);
    let other = server.create_account();
    let ask = |caller: &Caller, id: &str| server.sts_as(caller, "GetAccessKeyInfo", &[("AccessKeyId", id)]);
    let session = account.session(&[]);
    for id in [&account.user.caller.access_key_id, &server.root().access_key_id, &session.access_key_id] {
        assert_eq!(ask(&other, id).output(), json!({"Account": account.id}));
    }
    for unknown in ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "ASIAQAAAAAAAAAAAAAAA"] {
        ask(&other, unknown).refuses("InvalidClientTokenId", UNRECOGNIZED);
    }
    let nobody = server.create_user(server.root(), "nobody");
    assert_eq!(ask(&nobody.caller, &session.access_key_id).error(), "AccessDenied");
}

#[test]
fn a_denials_message_is_decoded_by_those_of_the_same_account_who_may() {
    let server = Server::start();
    let account = Account::new(&server);
    let denied = account.uses_key(&account.user.caller);
    assert_eq!(denied.error(), "AccessDeniedException");
    let encoded = denied.encoded_message();
    let decode = |caller: &Caller, message: &str| {
        server.sts_as(caller, "DecodeAuthorizationMessage", &[("EncodedMessage", message)])
    };
    let decoded = decode(&account.user.caller, &encoded).output();
    let explained: Value = serde_json::from_str(decoded["DecodedMessage"].as_str().unwrap()).unwrap();
    assert_eq!(explained["allowed"], json!(false));
    assert_eq!(explained["explicitDeny"], json!(false));
    assert!(
        explained.to_string().contains("kms:Encrypt") && explained.to_string().contains(&account.user.arn),
        "{explained}"
    );
    let nobody = server.create_user(server.root(), "nobody");
    assert_eq!(decode(&nobody.caller, &encoded).error(), "AccessDenied");
    let invalid =
        |answer: Answer| answer.refuses("InvalidAuthorizationMessageException", "Message is not valid");
    invalid(decode(&server.create_account(), &encoded));
    let token = account.session(&[]).session_token.unwrap();
    for wrong in [
        "AAAA",
        "no base64!",
        encoded.get(..encoded.len() - 4).unwrap(),
        &encoded.replacen(encoded.get(60..64).unwrap(), "AAAA", 1),
        &token,
    ] {
        invalid(decode(server.root(), wrong));
    }
}
