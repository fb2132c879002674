//! Integrated services: made by the administrator, calling for themselves and on behalf of principals; and the AWS managed
//! keys that are made for them.

use crate::account::{Account, key_id};
use blackbox::{Answer, Caller, Environment, Server, base64, bytes, read_journal};
use operations::OPERATIONS;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use storage::{Change, Commit, Embedded, Storage};

/// A service and one of its access keys.
struct Service<'a> {
    server: &'a Server,
    caller: Caller,
}

impl<'a> Service<'a> {
    fn new(server: &'a Server, name: &str) -> Self {
        Self { server, caller: credentials(server, &["create", name]) }
    }

    /// Calls on behalf of a principal.
    fn call_for(&self, principal: &str, operation: &str, input: &Value) -> Answer {
        self.call_with(&[(ON_BEHALF_OF, principal)], operation, input)
    }

    /// Calls for itself.
    fn call(&self, operation: &str, input: &Value) -> Answer {
        self.call_with(&[], operation, input)
    }

    fn call_with(&self, headers: &[(&str, &str)], operation: &str, input: &Value) -> Answer {
        let request = self.server.request(operation, input.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.with(name, value));
        self.server.send(&request.signed(&self.caller))
    }

    /// Encrypts on behalf of a principal.
    fn encrypt_for(&self, principal: &str, key: &str) -> Answer {
        self.call_for(principal, "Encrypt", &json!({"KeyId": key, "Plaintext": base64(b"spring")}))
    }
}

/// What `cardea admin service` says on success.
fn admin(server: &Server, arguments: &[&str]) -> String {
    let output = server.cardea(&[&["admin", "service"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it says on failure.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.cardea(&[&["admin", "service"], arguments].concat());
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn credentials(server: &Server, arguments: &[&str]) -> Caller {
    Caller::of(&Environment::parse(&admin(server, arguments)))
}

fn root_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// Whether a call of the service for itself gets past its signature: it owns nothing, and so it is denied.
fn is_known(server: &Server, caller: &Caller) -> bool {
    server.call_as(caller, "ListKeys", &json!({})).error() == "AccessDeniedException"
}

#[test]
fn a_service_is_made_listed_given_a_second_access_key_and_deleted() {
    let server = Server::start();
    assert_eq!(admin(&server, &["list"]), "");
    let first = credentials(&server, &["create", S3]);
    let _other = credentials(&server, &["create", "ec2.amazonaws.com"]);
    assert!(refused(&server, &["create", S3]).contains("there is a service `s3.amazonaws.com` already"));
    let second = credentials(&server, &["create-access-key", S3]);
    assert!(refused(&server, &["create-access-key", S3]).contains("2 access keys already"));
    let listed = admin(&server, &["list"]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!((lines.len(), lines[0][0], lines[1][0]), (2, "ec2.amazonaws.com", S3));
    assert_eq!(lines[1][2..], [&first.access_key_id, &second.access_key_id]);
    assert!(lines[1][1].parse::<jiff::Timestamp>().is_ok());
    assert!(is_known(&server, &first) && is_known(&server, &second));

    assert_eq!(admin(&server, &["delete-access-key", S3, &first.access_key_id]), "");
    assert_eq!(server.call_as(&first, "ListKeys", &json!({})).error(), "UnrecognizedClientException");
    assert!(is_known(&server, &second));
    for missing in [&first.access_key_id, "AKIAAAAAAAAAAAAAAAAA", &server.root().access_key_id] {
        assert!(refused(&server, &["delete-access-key", S3, missing]).contains(missing));
    }
    assert_eq!(admin(&server, &["delete", S3]), "");
    assert_eq!(server.call_as(&second, "ListKeys", &json!({})).error(), "UnrecognizedClientException");
    assert!(refused(&server, &["delete", S3]).contains("there is no service `s3.amazonaws.com`"));
    assert_eq!(admin(&server, &["list"]).lines().count(), 1);
    assert!(is_known(&server, &credentials(&server, &["create", S3])));
}

#[test]
fn a_service_is_administered_where_no_server_runs_too() {
    let server = Server::start();
    assert!(server.terminate().success());
    let first = credentials(&server, &["create", S3]);
    let second = credentials(&server, &["create-access-key", S3]);
    let gone = credentials(&server, &["create", "ssm.amazonaws.com"]);
    admin(&server, &["delete-access-key", S3, &first.access_key_id]);
    admin(&server, &["delete", "ssm.amazonaws.com"]);
    assert!(refused(&server, &["delete", "ssm.amazonaws.com"]).contains("there is no service"));
    assert_eq!(admin(&server, &["list"]).split_whitespace().last(), Some(second.access_key_id.as_str()));
    server.start_again();
    assert!(is_known(&server, &second));
    for deleted in [&first, &gone] {
        assert_eq!(server.call_as(deleted, "ListKeys", &json!({})).error(), "UnrecognizedClientException");
    }
}

#[test]
fn a_service_has_a_name_of_the_domain_and_an_alias_of_its_own() {
    let server = Server::start();
    for wrong in ["s3", "S3.amazonaws.com", "s3.eu-central-1.amazonaws.com", "s3.example.org"] {
        assert!(refused(&server, &["create", wrong]).contains("<label>.amazonaws.com"), "{wrong}");
    }
    admin(&server, &["create", "ec2.amazonaws.com"]);
    let taken = refused(&server, &["create", "ebs.amazonaws.com"]);
    assert!(taken.contains("`alias/aws/ebs` is the alias of the keys of `ec2.amazonaws.com`"), "{taken}");
}

#[test]
fn nobody_but_a_service_calls_for_others_or_names_a_source() {
    let server = Server::start();
    let user = server.create_user_with(server.root(), "Ana", &everything_allowed());
    let victim = root_arn(&server.account_id(server.root()));
    for caller in [server.root(), &user.caller] {
        for header in [ON_BEHALF_OF, SOURCE_ARN, SOURCE_ACCOUNT] {
            let words = format!("{header} is for integrated services only");
            let request = server.request("ListKeys", "{}");
            for sent in [
                request.clone().with(header, &victim).signed(caller),
                request.signed(caller).with(header, &victim),
            ] {
                let answer = server.send(&sent);
                answer.refuses("AccessDeniedException", &words);
                assert_eq!(server.record_of(&answer)["errorCode"], "AccessDeniedException");
            }
        }
    }
    let assume = server.query("sts", "AssumeRoleWithWebIdentity", &[]).with(ON_BEHALF_OF, &victim);
    let words = format!("{ON_BEHALF_OF} is for integrated services only");
    server.send(&assume).refuses("AccessDenied", &words);
}

#[test]
fn what_a_service_says_must_be_signed_and_said_once() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let principal = root_arn(&server.account_id(server.root()));
    let signed = server.request("ListAliases", "{}").signed(&service.caller);
    for header in [ON_BEHALF_OF, SOURCE_ARN, SOURCE_ACCOUNT] {
        let words = format!("'{header}' must be a 'SignedHeader' in the AWS Authorization.");
        let answer = server.send(&signed.clone().with(header, &principal));
        answer.refuses("InvalidSignatureException", &words);
    }
    let mut twice = server.request("ListAliases", "{}").with(ON_BEHALF_OF, &principal);
    twice.headers.push((ON_BEHALF_OF.to_owned(), principal.clone()));
    let words = format!("{ON_BEHALF_OF} must be there once, and plain text");
    server.send(&twice.signed(&service.caller)).refuses("ValidationException", &words);
    let changed = server.request("ListAliases", "{}").with(ON_BEHALF_OF, &principal).signed(&service.caller);
    let changed = changed.with(ON_BEHALF_OF, &root_arn("111122223333"));
    assert_eq!(server.send(&changed).error(), "InvalidSignatureException");
    assert_eq!(service.call_for(&principal, "ListAliases", &json!({})).status, 200);
}

#[test]
fn a_service_calls_only_for_those_who_are_there_under_exactly_that_arn() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let root = server.root();
    let account = server.account_id(root);
    let user = server.create_user_with(root, "Ana", &everything_allowed());
    let role = server.create_role(root, "Nile", &account);
    server.put_role_policy(root, "Nile", &everything_allowed());
    let session = format!("arn:aws:sts::{account}:assumed-role/Nile/delta");
    for there in [&root_arn(&account), &user.arn, &session] {
        assert_eq!(service.call_for(there, "ListAliases", &json!({})).status, 200, "{there}");
    }
    let in_account = |rest: &str| format!("arn:aws:iam::{account}:{rest}");
    let wrong = [
        String::new(),
        account.clone(),
        "*".to_owned(),
        "Ana".to_owned(),
        user.id.clone(),
        S3.to_owned(),
        role.arn.clone(),
        in_account("user/ana"),
        in_account("user/team/Ana"),
        in_account("user/Bea"),
        in_account("group/Ana"),
        root_arn("111122223333"),
        root_arn("000000000000"),
        format!("arn:aws-cn:iam::{account}:root"),
        "arn:aws:iam::111122223333:user/Ana".to_owned(),
        format!("arn:aws:sts::{account}:assumed-role/nile/delta"),
        format!("arn:aws:sts::{account}:assumed-role/Congo/delta"),
        format!("arn:aws:sts::{account}:assumed-role/Nile/d"),
    ];
    for nobody in &wrong {
        let words = format!(
            "{ON_BEHALF_OF} must be the ARN of a user, a role's session or an account here: `{nobody}`"
        );
        service.call_for(nobody, "ListAliases", &json!({})).refuses("ValidationException", &words);
    }
}

#[test]
fn a_service_uses_keys_and_grants_for_others_and_changes_nothing_else_in_their_name() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let root = root_arn(&server.account_id(server.root()));
    let before = server.call("ListKeys", &json!({})).output();
    for entry in OPERATIONS {
        let answer = service.call_for(&root, entry.name, &json!({}));
        let words = format!("{S3} is not authorized to call {} on behalf of others", entry.name);
        if entry.read_only || ["CreateGrant", "RetireGrant", "RevokeGrant"].contains(&entry.name) {
            assert!(!answer.text().contains(&words), "{}", answer.text());
        } else {
            answer.refuses("AccessDeniedException", &words);
        }
    }
    for (api, action) in [("iam", "CreateUser"), ("iam", "ListUsers"), ("sts", "GetCallerIdentity")] {
        let request = server.query(api, action, &[("UserName", "Eve")]).with(ON_BEHALF_OF, &root);
        let words = format!("{S3} is not authorized to call {action} on behalf of others");
        server.send(&request.signed(&service.caller)).refuses("AccessDenied", &words);
    }
    assert_eq!(server.call("ListKeys", &json!({})).output(), before);
    assert!(server.iam("ListUsers", &[]).output()["Users"].as_array().is_none_or(Vec::is_empty));
}

#[test]
fn the_principals_own_policies_decide_and_see_which_service_calls() {
    let server = Server::start();
    let (s3, ssm) = (Service::new(&server, S3), Service::new(&server, "ssm.amazonaws.com"));
    let (root, key) = (server.root(), server.create_key());
    let region = &root.region;
    let user = server.create_user(root, "Ana");
    let encrypt = |conditions: &Value| {
        let statement =
            json!([{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": conditions}]);
        server.put_user_policy(root, "Ana", &statement);
        let input = json!({"KeyId": key, "Plaintext": base64(b"spring")});
        let answers = [
            server.call_as(&user.caller, "Encrypt", &input),
            s3.encrypt_for(&user.arn, &key),
            ssm.encrypt_for(&user.arn, &key),
        ];
        answers.map(|answer| answer.status == 200 || answer.error() != "AccessDeniedException")
    };
    for (condition, expected) in [
        (json!({}), [true, true, true]),
        (
            json!({"StringEquals": {"kms:ViaService": format!("s3.{region}.amazonaws.com")}}),
            [false, true, false],
        ),
        (json!({"StringEquals": {"kms:ViaService": S3}}), [false, false, false]),
        (json!({"Null": {"kms:ViaService": "true"}}), [true, false, false]),
        (json!({"Bool": {"aws:ViaAWSService": "true"}}), [false, true, true]),
        (json!({"Bool": {"aws:ViaAWSService": "false"}}), [true, false, false]),
        (json!({"ForAnyValue:StringEquals": {"aws:CalledVia": [S3]}}), [false, true, false]),
        (json!({"StringEquals": {"aws:CalledViaFirst": S3, "aws:CalledViaLast": S3}}), [false, true, false]),
        (json!({"Null": {"aws:SourceIp": "true"}}), [false, true, true]),
        (json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), [true, false, false]),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}), [false, false, false]),
        (json!({"Null": {"aws:PrincipalServiceName": "true"}}), [true, true, true]),
        (json!({"StringEquals": {"aws:username": "Ana"}}), [true, true, true]),
        (json!({"ArnEquals": {"aws:PrincipalArn": user.arn}}), [true, true, true]),
    ] {
        assert_eq!(encrypt(&condition), expected, "{condition}");
    }
    server.delete_user_policy(root, "Ana");
    let words = format!(
        "User: {} is not authorized to perform: kms:Encrypt on resource: {key} because no identity-based policy allows the \
         kms:Encrypt action",
        user.arn
    );
    s3.encrypt_for(&user.arn, &key).denies(&words);
}

#[test]
fn grants_made_through_a_service_are_for_aws_resources() {
    let server = Server::start();
    let ec2 = Service::new(&server, "ec2.amazonaws.com");
    let (root, key) = (server.root(), server.create_key());
    let user = server.create_user_with(
        root,
        "Ana",
        &json!([{"Effect": "Allow", "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}]),
    );
    let grant = json!({"KeyId": key, "GranteePrincipal": user.arn, "Operations": ["Decrypt"]});
    assert_eq!(server.call_as(&user.caller, "CreateGrant", &grant).error(), "AccessDeniedException");
    let made = ec2.call_for(&user.arn, "CreateGrant", &grant).output();
    let named = json!({"KeyId": key, "GrantId": made["GrantId"]});
    assert_eq!(server.call_as(&user.caller, "RevokeGrant", &named).error(), "AccessDeniedException");
    let _ = ec2.call_for(&user.arn, "RevokeGrant", &named).output();
}

#[test]
fn a_service_may_do_for_itself_what_key_policies_and_grants_let_it() {
    let server = Server::start();
    let (s3, ssm) = (Service::new(&server, S3), Service::new(&server, "ssm.amazonaws.com"));
    let (root, key) = (server.root(), server.create_key());
    let account = server.account_id(root);
    let input = json!({"KeyId": key, "Plaintext": base64(b"spring")});
    let denied = |service: &Service<'_>, headers: &[(&str, &str)]| {
        let answer = service.call_with(headers, "Encrypt", &input);
        answer.status != 200 && answer.error() == "AccessDeniedException"
    };
    assert!(denied(&s3, &[]));
    let bucket = "arn:aws:s3:::delta";
    let administration = json!({"Effect": "Allow", "Principal": {"AWS": root_arn(&account)}, "Action": "kms:*", "Resource": "*"});
    let statement = json!({"Effect": "Allow", "Principal": {"Service": S3}, "Action": "kms:Encrypt", "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::del*"},
            "StringEquals": {"aws:SourceAccount": account, "aws:PrincipalServiceName": S3},
            "ForAnyValue:StringEquals": {"aws:PrincipalServiceNamesList": [S3]},
            "Bool": {"aws:PrincipalIsAWSService": "true", "aws:ViaAWSService": "false"}}});
    let policy = blackbox::policy(&json!([administration, statement]));
    let _ = server.call("PutKeyPolicy", &json!({"KeyId": key, "Policy": policy})).output();
    let source = [(SOURCE_ARN, bucket), (SOURCE_ACCOUNT, account.as_str())];
    assert!(!denied(&s3, &source));
    assert!(denied(&s3, &source[..1]) && denied(&s3, &[]) && denied(&ssm, &source));
    let elsewhere = [(SOURCE_ARN, "arn:aws:s3:::congo"), source[1]];
    assert!(denied(&s3, &elsewhere));

    let grant = json!({"KeyId": key, "GranteeServicePrincipal": "ssm.amazonaws.com", "Operations": ["Encrypt"],
        "RetiringPrincipal": root_arn(&account),
        "Constraints": {"SourceArn": "arn:aws:ssm:eu-central-1:111122223333:parameter/a"}});
    let _ = server.call("CreateGrant", &grant).output();
    assert!(!denied(&ssm, &[(SOURCE_ARN, "arn:aws:ssm:eu-central-1:111122223333:parameter/a")]));
    assert!(
        denied(&ssm, &[(SOURCE_ARN, "arn:aws:ssm:eu-central-1:111122223333:parameter/b")])
            && denied(&ssm, &[])
    );

    let answer = s3.call_with(&source, "Encrypt", &input);
    let journal = read_journal(&server.data());
    let of_call = |record: &&Value| record["requestID"] == json!(answer.header("x-amzn-requestid").unwrap());
    let owners = journal.iter().filter(of_call).find(|record| record["recipientAccountId"] == json!(account));
    let identity = &owners.unwrap()["userIdentity"];
    assert_eq!(identity, &json!({"type": "AWSService", "invokedBy": S3}));
}

#[test]
fn what_is_no_source_is_refused_and_none_goes_with_a_principal() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let account = server.account_id(server.root());
    for (headers, words) in [
        (vec![(SOURCE_ARN, "delta")], format!("{SOURCE_ARN} must be an ARN")),
        (vec![(SOURCE_ACCOUNT, "me")], format!("{SOURCE_ACCOUNT} must be the 12 digits of an account")),
        (
            vec![(SOURCE_ACCOUNT, account.as_str()), (ON_BEHALF_OF, &root_arn(&account))],
            format!("{SOURCE_ARN} and {SOURCE_ACCOUNT} do not go with {ON_BEHALF_OF}"),
        ),
    ] {
        let headers: Vec<(&str, &str)> = headers;
        service.call_with(&headers, "ListKeys", &json!({})).refuses("ValidationException", &words);
    }
}

#[test]
fn the_record_of_a_call_on_behalf_names_principal_and_service() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let key = server.create_key();
    let account = server.account_id(server.root());
    let record = server.record_of(&service.encrypt_for(&root_arn(&account), &key));
    let identity = &record["userIdentity"];
    assert_eq!((&identity["type"], &identity["arn"]), (&json!("Root"), &json!(root_arn(&account))));
    assert_eq!(identity["invokedBy"], S3);
    assert_eq!((&record["sourceIPAddress"], &record["userAgent"]), (&json!(S3), &json!(S3)));
    assert_eq!(record["recipientAccountId"], account);

    let role = server.create_role(server.root(), "Nile", &account);
    let session = format!("arn:aws:sts::{account}:assumed-role/Nile/delta");
    server.put_role_policy(server.root(), "Nile", &everything_allowed());
    let record = server.record_of(&service.encrypt_for(&session, &key));
    let identity = &record["userIdentity"];
    assert_eq!((&identity["type"], &identity["arn"]), (&json!("AssumedRole"), &json!(session)));
    assert_eq!(
        (&identity["principalId"], &identity["invokedBy"]),
        (&json!(format!("{}:delta", role.id)), &json!(S3))
    );
    let issuer = json!({"type": "Role", "principalId": role.id, "arn": role.arn, "accountId": account, "userName": "Nile"});
    assert_eq!(identity["sessionContext"], json!({"sessionIssuer": issuer}));
}

#[test]
fn a_managed_key_is_made_once_however_many_use_it_first() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let account = server.account_id(server.root());
    let arns: BTreeSet<String> = std::thread::scope(|scope| {
        let encrypt = |_| {
            scope.spawn(|| {
                let answer = service.encrypt_for(&root_arn(&account), MANAGED);
                answer.output()["KeyId"].as_str().unwrap().to_owned()
            })
        };
        let threads: Vec<_> = (0..16).map(encrypt).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(arns.len(), 1);
    let arn = arns.first().unwrap();
    let id = key_id(arn);
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"], json!([{"KeyId": id, "KeyArn": arn}]));
    let aliases = server.call("ListAliases", &json!({})).output()["Aliases"].clone();
    assert_eq!(aliases.as_array().unwrap().len(), 1);
    assert_eq!((&aliases[0]["AliasName"], &aliases[0]["TargetKeyId"]), (&json!(MANAGED), &json!(id)));

    let journal = server.journal();
    let made: Vec<_> = journal.iter().filter(|record| record["eventName"] == "CreateKey").collect();
    assert_eq!(made.len(), 1);
    let event = made[0];
    assert_eq!(event["eventType"], "AwsServiceEvent");
    assert_eq!(event["userIdentity"], json!({"accountId": account, "invokedBy": "AWS Internal"}));
    assert_eq!((&event["requestParameters"], &event["readOnly"]), (&Value::Null, &json!(false)));
    let metadata = &event["responseElements"]["keyMetadata"];
    assert_eq!((&metadata["arn"], &metadata["keyManager"]), (&json!(arn), &json!("AWS")));
    let alias = format!("{}:{MANAGED}", arn.rsplit_once(':').unwrap().0);
    let resource = |kind: &str, arn: &str| json!({"accountId": account, "type": kind, "ARN": arn});
    let resources = json!([resource("AWS::KMS::Alias", &alias), resource("AWS::KMS::Key", arn)]);
    assert_eq!(event["resources"], resources);

    let elsewhere = Caller { region: "eu-west-3".to_owned(), ..service.caller.clone() };
    let elsewhere = Service { server: &server, caller: elsewhere };
    let other = elsewhere.encrypt_for(&root_arn(&account), MANAGED).output()["KeyId"].clone();
    assert!(other.as_str().unwrap().contains("eu-west-3") && key_id(other.as_str().unwrap()) != id);
}

#[test]
fn a_managed_key_is_its_services_and_says_so() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let account = server.account_id(server.root());
    let alias = format!("arn:aws:kms:{}:{account}:{MANAGED}", server.root().region);
    let made = service.call_for(
        &root_arn(&account),
        "GenerateDataKey",
        &json!({"KeyId": alias, "KeySpec": "AES_256"}),
    );
    let arn = made.output()["KeyId"].clone();
    let named = json!({"KeyId": arn});
    let metadata = server.call("DescribeKey", &named).output()["KeyMetadata"].clone();
    assert_eq!(metadata["KeyManager"], "AWS");
    assert_eq!(
        metadata["Description"],
        "Default key that protects my S3 objects when no other key is defined"
    );
    assert_eq!((&metadata["Origin"], &metadata["KeyState"]), (&json!("AWS_KMS"), &json!("Enabled")));
    assert_eq!(
        (&metadata["KeySpec"], &metadata["MultiRegion"]),
        (&json!("SYMMETRIC_DEFAULT"), &json!(false))
    );
    let policy = server.call("GetKeyPolicy", &named).output()["Policy"].clone();
    assert!(policy.as_str().unwrap().contains(r#""Id" : "auto-s3-2""#), "{policy}");
    assert!(policy.as_str().unwrap().contains(&format!(r#""kms:CallerAccount" : "{account}""#)));
    assert_eq!(server.call("ListResourceTags", &named).output()["Tags"], json!([]));
}

#[test]
fn a_managed_key_is_not_made_by_another_service_for_another_account_or_by_use_without_its_service() {
    let server = Server::start();
    let (s3, ssm) = (Service::new(&server, S3), Service::new(&server, "ssm.amazonaws.com"));
    let (mine, theirs) = (server.account_id(server.root()), server.account_id(&server.create_account()));
    let region = &server.root().region;
    let not_found = |answer: Answer| assert_eq!(answer.error(), "NotFoundException");
    not_found(ssm.encrypt_for(&root_arn(&mine), MANAGED));
    not_found(s3.encrypt_for(&root_arn(&mine), "alias/aws/ssm"));
    not_found(s3.encrypt_for(&root_arn(&mine), "alias/aws/s3/x"));
    not_found(s3.call("Encrypt", &json!({"KeyId": MANAGED, "Plaintext": "AQ=="})));
    not_found(server.call("Encrypt", &json!({"KeyId": MANAGED, "Plaintext": "AQ=="})));
    let foreign = format!("arn:aws:kms:{region}:{theirs}:{MANAGED}");
    assert_eq!(s3.encrypt_for(&root_arn(&mine), &foreign).error(), "AccessDeniedException");
    not_found(s3.encrypt_for(&root_arn(&mine), &format!("arn:aws:kms:eu-west-3:{mine}:{MANAGED}")));
    not_found(server.call("DescribeKey", &json!({"KeyId": "alias/aws/lambda"})));
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"], json!([]));
    assert!(!server.journal().iter().any(|record| record["eventName"] == "CreateKey"));
}

#[test]
fn describing_a_predefined_alias_makes_its_key_for_whoever_may_describe_it() {
    let server = Server::start();
    let _service = Service::new(&server, S3);
    let root = server.root();
    let user = server.create_user(root, "Ana");
    let describe = |caller: &Caller| server.call_as(caller, "DescribeKey", &json!({"KeyId": MANAGED}));
    assert_eq!(describe(&user.caller).error(), "AccessDeniedException");
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"], json!([]));
    let allowed =
        json!([{"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "arn:aws:kms:*:*:key/*"}]);
    server.put_user_policy(root, "Ana", &allowed);
    let made = describe(&user.caller).output()["KeyMetadata"].clone();
    assert_eq!(made["KeyManager"], "AWS");
    assert_eq!(describe(root).output()["KeyMetadata"], made);
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_managed_key_is_used_through_its_service_only() {
    let server = Server::start();
    let (s3, ssm) = (Service::new(&server, S3), Service::new(&server, "ssm.amazonaws.com"));
    let root = server.root();
    let account = server.account_id(root);
    let user = server.create_user(root, "Ana");
    let administrator = server.create_user_with(root, "Bea", &everything_allowed());
    let made = s3.encrypt_for(&root_arn(&account), MANAGED).output();
    let (arn, ciphertext) = (made["KeyId"].as_str().unwrap(), &made["CiphertextBlob"]);
    let decrypt = json!({"CiphertextBlob": ciphertext});
    // The policy lets every principal of the account, whatever its own policies say.
    for principal in [&root_arn(&account), &user.arn, &administrator.arn] {
        let opened = s3.call_for(principal, "Decrypt", &decrypt).output();
        assert_eq!(bytes(&opened["Plaintext"]), b"spring");
        assert_eq!(ssm.call_for(principal, "Decrypt", &decrypt).error(), "AccessDeniedException");
        assert_eq!(ssm.encrypt_for(principal, arn).error(), "AccessDeniedException");
    }
    for caller in [root, &administrator.caller, &user.caller] {
        for key in [arn, MANAGED] {
            let input = json!({"KeyId": key, "Plaintext": "AQ=="});
            assert_eq!(server.call_as(caller, "Encrypt", &input).error(), "AccessDeniedException");
        }
        assert_eq!(server.call_as(caller, "Decrypt", &decrypt).error(), "AccessDeniedException");
    }
    assert_eq!(s3.call("Decrypt", &decrypt).error(), "AccessDeniedException", "the service by itself");
    let stranger = server.create_account();
    let stranger = root_arn(&server.account_id(&stranger));
    assert_eq!(s3.call_for(&stranger, "Decrypt", &decrypt).error(), "AccessDeniedException");
    assert_eq!(s3.encrypt_for(&stranger, arn).error(), "AccessDeniedException");
    // An explicit denial on the principal's side counts through the service as well.
    server.put_user_policy(
        root,
        "Ana",
        &json!([{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}]),
    );
    assert_eq!(s3.call_for(&user.arn, "Decrypt", &decrypt).error(), "AccessDeniedException");
}

#[test]
fn no_operation_manages_a_managed_key() {
    let server = Server::start();
    let service = Service::new(&server, S3);
    let mut account = Account::root(&server);
    let own = account.key.clone();
    let made = service.encrypt_for(&root_arn(&account.id), MANAGED).output();
    let arn = made["KeyId"].as_str().unwrap().to_owned();
    account.key = arn.clone();
    account.ciphertext = made["CiphertextBlob"].as_str().unwrap().to_owned();
    let before = account.everything();
    for entry in OPERATIONS {
        // A grant on a managed key could not be made, so that there is none to be retired.
        if entry.name == "RetireGrant" {
            continue;
        }
        let input = on_managed(entry.name, &account, &own);
        let answer = account.call(entry.name, &input);
        match toward_managed(entry.name) {
            Toward::Shown => assert_eq!(answer.status, 200, "{} {}", entry.name, answer.text()),
            Toward::Denied => assert_eq!(answer.error(), "AccessDeniedException", "{} {input}", entry.name),
            Toward::Reserved => answer.refuses_without_a_word("NotAuthorizedException"),
            Toward::Unsupported => {
                assert_eq!(answer.error(), "UnsupportedOperationException", "{}", entry.name);
            }
            Toward::Elsewhere => {}
        }
    }
    assert_eq!(account.everything(), before);
    let opened = service.call_for(
        &root_arn(&account.id),
        "Decrypt",
        &json!({"CiphertextBlob": account.ciphertext, "KeyId": arn}),
    );
    assert_eq!(bytes(&opened.output()["Plaintext"]), b"spring");
    for operation in ["CreateAlias", "UpdateAlias"] {
        let input = json!({"AliasName": MANAGED, "TargetKeyId": own});
        account.call(operation, &input).refuses_without_a_word("NotAuthorizedException");
    }
    let input = json!({"AliasName": account.alias, "TargetKeyId": account.key});
    assert_eq!(account.call("UpdateAlias", &input).error(), "AccessDeniedException");
}

/// What an operation comes to if the account's root calls it on a managed key.
enum Toward {
    Shown,
    Denied,
    Reserved,
    /// The root may, but not with a symmetric key whose material is of the service's making.
    Unsupported,
    /// It is about no key.
    Elsewhere,
}

fn toward_managed(operation: &str) -> Toward {
    match operation {
        "CreateKey" | "GenerateRandom" | "ListRetirableGrants" => Toward::Elsewhere,
        _ if operation.contains("CustomKeyStore") => Toward::Elsewhere,
        "DeleteAlias" | "UpdateAlias" => Toward::Reserved,
        "GetParametersForImport" | "GetPublicKey" => Toward::Unsupported,
        _ if operation.starts_with("Describe")
            || operation.starts_with("Get")
            || operation.starts_with("List") =>
        {
            Toward::Shown
        }
        _ => Toward::Denied,
    }
}

/// A request about the managed key of the account.
fn on_managed(operation: &str, account: &Account<'_>, own: &str) -> Value {
    let key = &account.key;
    match operation {
        "CreateGrant" => {
            json!({"KeyId": key, "GranteePrincipal": root_arn(&account.id), "Operations": ["Decrypt"]})
        }
        "CreateCustomKeyStore" => json!({"CustomKeyStoreName": "Nile"}),
        "CreateKey" => json!({"Tags": [{"TagKey": "aws:x", "TagValue": ""}]}),
        "DeleteAlias" => json!({"AliasName": MANAGED}),
        "ListGrants" => json!({"KeyId": key}),
        "ListRetirableGrants" => json!({"RetiringPrincipal": root_arn(&account.id)}),
        "ReEncrypt" => json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": own}),
        "RevokeGrant" => json!({"KeyId": key, "GrantId": "0".repeat(64)}),
        "UpdateAlias" => json!({"AliasName": MANAGED, "TargetKeyId": own}),
        other => crate::requests::minimal(other, account),
    }
}

#[test]
fn a_service_that_uses_grants_makes_them_on_its_key_and_the_account_can_revoke_them() {
    let server = Server::start();
    let ec2 = Service::new(&server, "ec2.amazonaws.com");
    let root = root_arn(&server.account_id(server.root()));
    let user = server.create_user(server.root(), "Ana");
    let made = ec2.encrypt_for(&root, "alias/aws/ebs").output();
    let decrypt = json!({"CiphertextBlob": made["CiphertextBlob"]});
    let grant = json!({"KeyId": made["KeyId"], "GranteePrincipal": user.arn, "Operations": ["Decrypt"]});
    assert_eq!(server.call("CreateGrant", &grant).error(), "AccessDeniedException");
    let granted = ec2.call_for(&root, "CreateGrant", &grant).output();
    let opened = server.call_as(&user.caller, "Decrypt", &decrypt).output();
    assert_eq!(bytes(&opened["Plaintext"]), b"spring");
    let named = json!({"KeyId": made["KeyId"], "GrantId": granted["GrantId"]});
    let _ = server.call("RevokeGrant", &named).output();
    assert_eq!(server.call_as(&user.caller, "Decrypt", &decrypt).error(), "AccessDeniedException");
}

#[test]
fn managed_keys_do_not_count_in_the_quota() {
    let server = Server::builder().config("[service]\nkeys_per_region = 1\n").start();
    let (s3, ssm) = (Service::new(&server, S3), Service::new(&server, "ssm.amazonaws.com"));
    let root = root_arn(&server.account_id(server.root()));
    assert_eq!(s3.encrypt_for(&root, MANAGED).status, 200);
    let _ = server.create_key();
    assert_eq!(server.call("CreateKey", &json!({})).error(), "LimitExceededException");
    assert_eq!(ssm.encrypt_for(&root, "alias/aws/ssm").status, 200);
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"].as_array().unwrap().len(), 3);
}

#[test]
fn a_managed_key_outlives_its_service_and_serves_the_next_one_of_that_name() {
    let server = Server::start();
    let root = root_arn(&server.account_id(server.root()));
    let sealed = Service::new(&server, S3).encrypt_for(&root, MANAGED).output();
    admin(&server, &["delete", S3]);
    let again = Service::new(&server, S3);
    let opened =
        again.call_for(&root, "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]})).output();
    assert_eq!((bytes(&opened["Plaintext"]), &opened["KeyId"]), (b"spring".to_vec(), &sealed["KeyId"]));
}

#[test]
fn managed_keys_get_new_material_every_year_and_old_ciphertexts_still_open() {
    let server = Server::builder().dev_clock().start();
    let service = Service::new(&server, S3);
    let account = server.account_id(server.root());
    let root = root_arn(&account);
    let customers = server.create_key();
    let material = |key: &str| {
        let described = server.call("DescribeKey", &json!({"KeyId": key})).output();
        described["KeyMetadata"]["CurrentKeyMaterialId"].as_str().unwrap().to_owned()
    };
    let mut ciphertexts = vec![service.encrypt_for(&root, MANAGED).output()["CiphertextBlob"].clone()];
    let of_customer = material(&customers);
    let mut materials = vec![material(MANAGED)];
    server.advance("364d");
    assert_eq!(material(MANAGED), materials[0]);
    for restart in [false, true] {
        server.advance(if restart { "365d" } else { "2d" });
        if restart {
            server.restart();
        }
        materials.push(material(MANAGED));
        let answer = service.encrypt_for(&root, MANAGED);
        assert_eq!(
            server.record_of(&answer)["additionalEventData"]["keyMaterialId"],
            json!(materials.last().unwrap())
        );
        ciphertexts.push(answer.output()["CiphertextBlob"].clone());
    }
    assert_eq!(materials.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(material(&customers), of_customer);
    for (ciphertext, material) in ciphertexts.iter().zip(&materials) {
        let opened = service.call_for(&root, "Decrypt", &json!({"CiphertextBlob": ciphertext})).output();
        assert_eq!(bytes(&opened["Plaintext"]), b"spring");
        assert_eq!(opened["KeyMaterialId"], json!(material));
    }
    let arn = service.encrypt_for(&root, MANAGED).output()["KeyId"].clone();
    let status = server.call("GetKeyRotationStatus", &json!({"KeyId": arn})).output();
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(365)));
    let journal = server.journal();
    let events: Vec<_> = journal.iter().filter(|record| record["eventName"] == "RotateKey").collect();
    assert_eq!(events.len(), 2);
    for (event, pair) in events.iter().zip(materials.windows(2)) {
        assert_eq!(event["eventType"], "AwsServiceEvent");
        assert_eq!(event["userIdentity"], json!({"accountId": account, "invokedBy": "AWS Internal"}));
        assert_eq!((&event["requestParameters"], &event["responseElements"]), (&Value::Null, &Value::Null));
        let resource = json!([{"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}]);
        assert_eq!((&event["resources"], &event["readOnly"]), (&resource, &json!(false)));
        let details = json!({"keyId": arn, "keyOrigin": "AWS_KMS", "rotationType": "AUTOMATIC",
            "previousKeyMaterialId": pair[0], "currentKeyMaterialId": pair[1]});
        assert_eq!(event["serviceEventDetails"], details);
    }
}

#[test]
fn a_rotation_that_was_due_while_the_server_was_down_comes_about_at_its_start() {
    let server = Server::builder().dev_clock().start();
    let service = Service::new(&server, S3);
    let root = root_arn(&server.account_id(server.root()));
    let sealed = service.encrypt_for(&root, MANAGED).output();
    server.kill();
    std::fs::write(
        server.data().join("clock.json"),
        format!(r#"{{"ahead_millis":{}}}"#, 400 * 86_400_000_i64),
    )
    .unwrap();
    server.start_again();
    let rotated = || server.journal().iter().filter(|record| record["eventName"] == "RotateKey").count();
    crate::lifecycle::until("the key is rotated", || rotated() == 1);
    let opened = service.call_for(&root, "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
    assert_eq!(bytes(&opened.output()["Plaintext"]), b"spring");
}

/// A stop between what is done to a key and its record leaves the line of the journal in the store. It cannot be hit from outside,
/// so the store is put into that state.
#[test]
fn what_was_done_but_not_recorded_before_a_stop_is_recorded_after_it() {
    let server = Server::builder().dev_clock().start();
    let service = Service::new(&server, S3);
    let root = root_arn(&server.account_id(server.root()));
    let sealed = service.encrypt_for(&root, MANAGED).output();
    let records = |event: &str| server.journal().iter().filter(|record| record["eventName"] == event).count();
    crate::lifecycle::until("its creation is on record", || records("CreateKey") == 1);
    server.advance("366d");
    assert_eq!((records("CreateKey"), records("RotateKey")), (1, 1));
    assert!(server.terminate().success());
    let line = format!(r#"{{"eventName":"RotateKey","serviceEventDetails":{{"of":"{S3}"}}}}"#);
    announce(&server, &line);
    server.start_again();
    crate::lifecycle::until("it is on record", || records("RotateKey") == 2);
    assert!(server.terminate().success());
    server.start_again();
    let opened = service.call_for(&root, "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
    assert_eq!(bytes(&opened.output()["Plaintext"]), b"spring");
    assert_eq!(records("RotateKey"), 2, "what is on record is announced no more");
}

/// Leaves a line for the journal in the store of a server that does not run.
fn announce(server: &Server, line: &str) {
    let store = Embedded::open(&server.data().join("store"), &storage::Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_eq!(store.scan(b"outbox/", None, 2).await.unwrap().len(), 0);
        let put = Change::Put { key: "outbox/0000000000000001/event".into(), value: line.to_owned().into() };
        assert!(matches!(store.commit(Vec::new(), vec![put]).await.unwrap(), Commit::Done(_)));
    });
}

fn everything_allowed() -> Value {
    json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
}

const S3: &str = "s3.amazonaws.com";
/// The alias of the keys of [`S3`].
const MANAGED: &str = "alias/aws/s3";
const ON_BEHALF_OF: &str = "x-cardea-on-behalf-of";
const SOURCE_ARN: &str = "x-cardea-source-arn";
const SOURCE_ACCOUNT: &str = "x-cardea-source-account";
