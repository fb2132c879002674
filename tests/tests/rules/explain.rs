//! `ExplainAccess` and `cardea policy explain`: what they say is what a call is answered, with the statement, condition or grant
//! that decided it; and nobody learns from them what is another account's.

use blackbox::{Answer, Caller, Server, User, base64, policy, program, run};
use serde_json::{Value, json};
use std::process::{Command, Output};

fn explain_as(server: &Server, caller: &Caller, input: &Value) -> Answer {
    let mut request = server.request("ExplainAccess", input.to_string());
    request = request.with("x-amz-target", "Cardea.ExplainAccess");
    request.service = "cardea";
    server.send(&request.signed(caller))
}

pub fn explain(server: &Server, input: &Value) -> Value {
    explain_as(server, server.root(), input).output()
}

fn account(server: &Server) -> String {
    server.sts("GetCallerIdentity", &[]).output()["Account"].as_str().unwrap().to_owned()
}

fn encrypt(server: &Server, key: &str, context: &Value) -> String {
    let input = json!({"KeyId": key, "Plaintext": base64(b"secret"), "EncryptionContext": context});
    server.call("Encrypt", &input).output()["CiphertextBlob"].as_str().unwrap().to_owned()
}

fn grant(server: &Server, key: &str, grantee: &str, operation: &str, constraints: &Value) -> String {
    let input = json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": [operation], "Constraints": constraints});
    server.call("CreateGrant", &input).output()["GrantId"].as_str().unwrap().to_owned()
}

fn only_nile() -> Value {
    json!([{"Sid": "Nile", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:project": "nile"}}}])
}

/// A user with a policy of its group, one that is attached, a boundary and two grants, none of which lets it decrypt.
fn in_many_ways(server: &Server, key: &str) -> User {
    let user = server.create_user(server.root(), "anna");
    let document = policy(&only_nile());
    let made = server.iam("CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", &document)]).output();
    let managed = made["Policy"]["Arn"].as_str().unwrap();
    let boundary = "arn:aws:iam::aws:policy/IAMFullAccess";
    for (action, parameters) in [
        ("CreateGroup", vec![("GroupName", "readers")]),
        ("AddUserToGroup", vec![("GroupName", "readers"), ("UserName", "anna")]),
        (
            "PutGroupPolicy",
            vec![("GroupName", "readers"), ("PolicyName", "nile"), ("PolicyDocument", &document)],
        ),
        ("AttachUserPolicy", vec![("UserName", "anna"), ("PolicyArn", managed)]),
        ("PutUserPermissionsBoundary", vec![("UserName", "anna"), ("PermissionsBoundary", boundary)]),
    ] {
        assert_eq!(server.iam(action, &parameters).status, 200, "{action}");
    }
    let _ = grant(server, key, &user.arn, "Encrypt", &json!({}));
    let thames = json!({"EncryptionContextSubset": {"project": "thames"}});
    let _ = grant(server, key, &user.arn, "Decrypt", &thames);
    user
}

#[test]
fn a_denial_is_explained_by_every_policy_and_grant_with_what_was_wanted_and_what_was_there() {
    let server = Server::start();
    let key = server.create_key();
    let user = in_many_ways(&server, &key);
    let blob = encrypt(&server, &key, &json!({"project": "nil"}));
    let answer = explain(
        &server,
        &json!({"Principal": user.arn, "Action": "kms:decrypt", "CiphertextBlob": blob,
            "EncryptionContext": {"project": "nil"}}),
    );
    assert_eq!((&answer["Decision"], &answer["KeyArn"]), (&json!("implicitDeny"), &json!(key)));
    let explanation = &answer["Explanation"];
    assert_eq!(explanation["outcome"], json!({"notAllowedBy": "identityBased"}));
    let names: Vec<_> = explanation["policies"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    let managed = format!("arn:aws:iam::{}:policy/p", account(&server));
    let boundary = "arn:aws:iam::aws:policy/IAMFullAccess";
    assert_eq!(json!(names), json!([null, managed, "readers/nile", boundary]));
    for of in [1, 2] {
        let statement = &explanation["policies"][of]["statements"][0];
        assert_eq!(
            *statement,
            json!({"index": 0, "sid": "Nile", "effect": "Allow", "outcome": "conditionFailed", "failedConditions": [{
                "operator": "StringEquals", "key": "kms:EncryptionContext:project", "wanted": ["nile"], "actual": ["nil"],
            }]})
        );
    }
    let grants = explanation["grants"].as_array().unwrap();
    let outcomes: Vec<_> = grants.iter().map(|grant| grant["outcome"].as_str().unwrap()).collect();
    assert!(outcomes.contains(&"otherOperation") && outcomes.contains(&"constraintFailed"), "{outcomes:?}");
    let failed = grants.iter().find(|grant| grant["outcome"] == "constraintFailed").unwrap();
    assert_eq!(
        failed["constraints"],
        json!({"wanted": {"subset": {"project": "thames"}}, "actual": {"project": "nil"}})
    );
    let denied = server.call_as(
        &user.caller,
        "Decrypt",
        &json!({"CiphertextBlob": blob, "KeyId": key, "EncryptionContext": {"project": "nil"}}),
    );
    denied.denies(answer["Message"].as_str().unwrap());
}

/// Keys of different policies, somebody for each way of being allowed or not, and ciphertexts of each context.
struct Matrix {
    server: Server,
    keys: Vec<String>,
    principals: Vec<(String, Caller)>,
    contexts: Vec<Value>,
}

impl Matrix {
    fn new() -> Self {
        let server = Server::start();
        let root = server.root().clone();
        let all = json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
        let bounded = server.create_user_with(&root, "bounded", &all);
        let boundary =
            [("UserName", "bounded"), ("PermissionsBoundary", "arn:aws:iam::aws:policy/IAMFullAccess")];
        assert_eq!(server.iam("PutUserPermissionsBoundary", &boundary).status, 200);
        let users = [
            server.create_user_with(&root, "everything", &all),
            server.create_user_with(&root, "nile", &only_nile()),
            server.create_user(&root, "nothing"),
            server.create_user(&root, "granted"),
            bounded,
        ];
        let trusted = &users[0];
        let role = server.create_role(&root, "ops", &trusted.arn);
        let session = server.assume_role(&trusted.caller, &role.arn, "monday");
        let stranger = server.create_account();
        let foreign = server.create_user_with(&stranger, "foreign", &all);
        let keys = vec![
            server.create_key(),
            Self::key(
                &server,
                &json!([{"Sid": "Deny", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt",
                "Resource": "*", "Condition": {"StringNotEquals": {"kms:EncryptionContext:project": "nile"}}}]),
            ),
            Self::key(
                &server,
                &json!([{"Effect": "Allow", "Principal": {"AWS": [role.arn, foreign.arn, users[2].arn]},
                "Action": "kms:Decrypt", "Resource": "*",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}]),
            ),
            Self::key(
                &server,
                &json!([{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
                "Condition": {"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}}]),
            ),
        ];
        for key in &keys {
            let thames = json!({"EncryptionContextSubset": {"project": "thames"}});
            let _ = grant(&server, key, &users[3].arn, "Decrypt", &thames);
        }
        let mut principals: Vec<_> = users.map(|user| (user.arn, user.caller)).into();
        let account = account(&server);
        principals.push((format!("arn:aws:iam::{account}:root"), root));
        principals.push((role.arn, session));
        principals.push((foreign.arn, foreign.caller));
        let contexts = vec![json!({}), json!({"project": "nile"}), json!({"project": "thames", "a": "b"})];
        Self { server, keys, principals, contexts }
    }

    /// A key with these statements beside the one that leaves its account in control.
    fn key(server: &Server, statements: &Value) -> String {
        let root = format!("arn:aws:iam::{}:root", account(server));
        let mut all =
            vec![json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"})];
        all.extend(statements.as_array().unwrap().iter().cloned());
        let made = server.call("CreateKey", &json!({"Policy": policy(&all.into())})).output();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }
}

#[test]
fn an_explanation_agrees_with_the_call_whoever_asks_for_whatever_with_whatever_context() {
    let Matrix { server, keys, principals, contexts } = Matrix::new();
    let mut allowed = 0;
    for key in &keys {
        for context in &contexts {
            // Encrypted under the context by the key's account, which no statement here hinders.
            let blob = encrypt(&server, key, context);
            let question = json!({"Action": "kms:Decrypt", "KeyId": key, "EncryptionContext": context, "IncludeOthers": true});
            let others = explain(&server, &question)["Others"].clone();
            for (arn, caller) in &principals {
                let input = json!({"CiphertextBlob": blob, "KeyId": key, "EncryptionContext": context});
                let may = server.call_as(caller, "Decrypt", &input).status == 200;
                allowed += usize::from(may);
                let mut question = question.clone();
                question["Principal"] = json!(arn);
                let answer = explain(&server, &question);
                assert_eq!(answer["Decision"] == "allowed", may, "{arn} {context} {answer:#}");
                let names = others.as_array().unwrap();
                let listed = names.iter().any(|other| other["Principal"] == **arn);
                let anybody = names.iter().any(|other| other["Principal"] == "*");
                assert!(listed == may || anybody, "{arn} {context} {others:#}");
            }
        }
    }
    let asked = keys.len() * contexts.len() * principals.len();
    assert!(allowed > asked / 4 && allowed < asked * 3 / 4, "{allowed} of {asked}: the matrix tells nothing");
}

#[test]
fn a_role_to_be_assumed_is_explained_on_both_sides_and_of_another_account_on_ones_own() {
    let server = Server::start();
    let root = server.root();
    let user = server.create_user(root, "anna");
    let role = server.create_role(root, "ops", &user.arn);
    let own = json!({"Principal": user.arn, "Action": "sts:AssumeRole", "ResourceArn": role.arn});
    assert_eq!(explain(&server, &own)["Decision"], "allowed");
    let other = server.create_user(root, "other");
    let denied = explain(
        &server,
        &json!({"Principal": other.arn, "Action": "sts:AssumeRole", "ResourceArn": role.arn}),
    );
    assert_eq!(denied["Explanation"]["policies"][0]["statements"][0]["outcome"], "otherPrincipal");
    let stranger = server.create_account();
    let there = server.create_role(&stranger, "theirs", &account(&server)).arn;
    let nowhere = there.replace("theirs", "none");
    let ask = |arn: &str| {
        explain(&server, &json!({"Principal": user.arn, "Action": "sts:AssumeRole", "ResourceArn": arn}))
    };
    let silent = ask(&there);
    assert_eq!(silent["Explanation"]["outcome"], json!({"notAllowedBy": "identityBased"}));
    let assume = json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]);
    server.put_user_policy(root, "anna", &assume);
    let half = ask(&there);
    assert_eq!((&half["Decision"], &half["IfOtherAccountAllows"]), (&json!("allowed"), &json!(true)));
    assert_eq!(half.to_string().replace("theirs", "none"), ask(&nowhere).to_string());
}

#[test]
fn the_permission_on_an_alias_and_the_one_on_its_key_are_explained_each() {
    let server = Server::start();
    let key = server.create_key();
    let alias = format!("{}:alias/new", key.rsplit_once(":key/").unwrap().0);
    let on_key = json!([{"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": key}]);
    let user = server.create_user_with(server.root(), "anna", &on_key);
    let ask = |resource: &str, of: &str| {
        let question = json!({"Principal": user.arn, "Action": "kms:CreateAlias", resource: of});
        explain(&server, &question)["Decision"].clone()
    };
    let call = || {
        let input = json!({"AliasName": "alias/new", "TargetKeyId": key});
        server.call_as(&user.caller, "CreateAlias", &input).status
    };
    assert_eq!((ask("KeyId", &key), ask("ResourceArn", &alias)), (json!("allowed"), json!("implicitDeny")));
    assert_eq!(call(), 400);
    let on_both = json!([{"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": [key, alias]}]);
    server.put_user_policy(server.root(), "anna", &on_both);
    assert_eq!((ask("KeyId", &key), ask("ResourceArn", &alias)), (json!("allowed"), json!("allowed")));
    assert_eq!(call(), 200);
}

#[test]
fn whether_a_grant_may_be_passed_on_depends_on_the_grant_that_is_asked_for() {
    let server = Server::start();
    let key = server.create_key();
    let user = server.create_user(server.root(), "anna");
    let parent =
        json!({"KeyId": key, "GranteePrincipal": user.arn, "Operations": ["CreateGrant", "Decrypt"]});
    assert_eq!(server.call("CreateGrant", &parent).status, 200);
    for (operation, decision) in [("Decrypt", "allowed"), ("Encrypt", "implicitDeny")] {
        let entry = json!({"ContextKeyName": "kms:GrantOperations", "ContextKeyType": "stringList", "ContextKeyValues": [operation]});
        let question = json!({"Principal": user.arn, "Action": "kms:CreateGrant", "KeyId": key, "ContextEntries": [entry]});
        assert_eq!(explain(&server, &question)["Decision"], decision, "{operation}");
        let child = json!({"KeyId": key, "GranteePrincipal": user.arn, "Operations": [operation]});
        assert_eq!(server.call_as(&user.caller, "CreateGrant", &child).status == 200, decision == "allowed");
    }
}

#[test]
fn nothing_is_learnt_of_another_accounts_key() {
    let server = Server::start();
    let stranger = server.create_account();
    let key = server.create_key_as(&stranger);
    let alias = json!({"AliasName": "alias/theirs", "TargetKeyId": key});
    assert_eq!(server.call_as(&stranger, "CreateAlias", &alias).status, 200);
    let nowhere = format!("{}/00000000-0000-4000-8000-000000000000", key.rsplit_once('/').unwrap().0);
    let user = server.create_user_with(
        server.root(),
        "anna",
        &json!([{"Effect": "Allow", "Action": "kms:*",
        "Resource": "*", "Condition": {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}}]),
    );
    for principal in [user.arn, format!("arn:aws:iam::{}:root", account(&server))] {
        let ask = |key: &str| {
            let question =
                json!({"Principal": principal, "Action": "kms:Decrypt", "KeyId": key, "IncludeOthers": true});
            explain(&server, &question).to_string()
        };
        assert_eq!(ask(&key).replace(&key, &nowhere), ask(&nowhere));
        assert!(!ask(&key).contains("KeyState") && !ask(&key).contains("Others"), "{}", ask(&key));
    }
    let place = key.rsplit_once(":key/").unwrap().0;
    let by_alias = ["alias/theirs", "alias/none"].map(|name| {
        let question = json!({"Action": "kms:Decrypt", "KeyId": format!("{place}:{name}")});
        explain_as(&server, server.root(), &question).text()
    });
    assert_eq!(by_alias[0], by_alias[1]);
    assert!(by_alias[0].contains("cannot be explained"), "{}", by_alias[0]);
}

#[test]
fn of_another_accounts_principal_neither_policies_nor_tags_are_shown() {
    let server = Server::start();
    let stranger = server.create_account();
    let all = json!([{"Sid": "Hidden", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
    let foreign = server.create_user_with(&stranger, "foreign", &all);
    let tag =
        [("UserName", "foreign"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "secret-team")];
    assert_eq!(server.iam_as(&stranger, "TagUser", &tag).status, 200);
    let key = Matrix::key(
        &server,
        &json!([{"Effect": "Allow", "Principal": {"AWS": foreign.arn}, "Action": "kms:Decrypt",
        "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "x"}}}]),
    );
    let answer = explain(&server, &json!({"Principal": foreign.arn, "Action": "kms:Decrypt", "KeyId": key}));
    assert_eq!(answer["Decision"], "implicitDeny");
    let text = answer.to_string();
    assert!(
        !text.contains("secret-team") && !text.contains("Hidden") && !text.contains("identityBased"),
        "{text}"
    );
    let elsewhere =
        explain_as(&server, server.root(), &json!({"Principal": foreign.arn, "Action": "kms:CreateKey"}));
    assert_eq!(elsewhere.error(), "ValidationException");
}

#[test]
fn a_question_that_makes_no_sense_is_answered_with_what_is_wrong_with_it() {
    let server = Server::start();
    let key = server.create_key();
    let gone = server.create_user(server.root(), "gone");
    assert_eq!(
        server
            .iam("DeleteAccessKey", &[("UserName", "gone"), ("AccessKeyId", &gone.caller.access_key_id)])
            .status,
        200
    );
    assert_eq!(server.iam("DeleteUser", &[("UserName", "gone")]).status, 200);
    let elsewhere = gone.arn.replace("user/gone", "user/path/gone");
    let with = |name: &str, value: &str| json!({"Action": "kms:Decrypt", "KeyId": key, name: value});
    let condition = |name: &str| {
        json!({"Action": "kms:Decrypt", "KeyId": key, "ContextEntries": [{"ContextKeyName": name,
        "ContextKeyType": "string", "ContextKeyValues": ["1"]}]})
    };
    for (question, error, words) in [
        (json!({"Action": "kms:Decryt", "KeyId": key}), "ValidationException", "Did you mean kms:Decrypt?"),
        (json!({"Action": "kms:Decrypt"}), "ValidationException", "give KeyId or CiphertextBlob"),
        (json!({"Action": "kms:CreateKey", "KeyId": key}), "ValidationException", "about the account"),
        (json!({"Action": "sts:AssumeRole"}), "ValidationException", "as ResourceArn"),
        (
            json!({"Action": "sts:AssumeRole", "ResourceArn": "arn:aws:iam::999999999999:role/r"}),
            "ValidationException",
            "by root accounts",
        ),
        (json!({"Action": "kms:RetireGrant", "KeyId": key}), "ValidationException", "the grant says"),
        (with("Principal", &gone.arn), "ValidationException", &format!("There is no {}.", gone.arn)),
        (with("Principal", &elsewhere), "ValidationException", "There is no"),
        (with("Principal", "anna"), "ValidationException", "anna names no principal"),
        (with("Principal", "arn:aws:iam::999999999999:root"), "ValidationException", "There is no"),
        (with("CiphertextBlob", "AQID"), "ValidationException", "Give one of"),
        (with("Time", "yesterday"), "ValidationException", "yesterday"),
        (condition("aws:SorceIp"), "ValidationException", "aws:SorceIp is no condition key"),
        (
            json!({"Action": "kms:Decrypt", "KeyId": key, "EncryptionContext": {"a": "b".repeat(16_384)}}),
            "ValidationException",
            "more than 16384 bytes",
        ),
        (condition("project"), "ValidationException", "project is no condition key"),
        (
            json!({"Action": "kms:Decrypt", "CiphertextBlob": "AQID"}),
            "InvalidCiphertextException",
            "no ciphertext of this",
        ),
        (
            json!({"Action": "kms:Decrypt", "KeyId": "alias/none"}),
            "NotFoundException",
            "alias/none is not found",
        ),
    ] {
        let answer = explain_as(&server, server.root(), &question);
        let (found, message) = answer.fault();
        assert_eq!(found, error, "{question}");
        assert!(message.as_deref().is_some_and(|message| message.contains(words)), "{question}: {message:?}");
    }
}

#[test]
fn conditions_on_the_time_are_asked_about_the_time_that_is_given() {
    let server = Server::start();
    let key = server.create_key();
    let user = server.create_user_with(
        server.root(),
        "anna",
        &json!([{"Effect": "Allow", "Action": "kms:Decrypt",
        "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}}]),
    );
    for (time, decision) in [("2029-12-31T23:59:59Z", "allowed"), ("2030-01-01T00:00:00Z", "implicitDeny")] {
        let question = json!({"Principal": user.arn, "Action": "kms:Decrypt", "KeyId": key, "Time": time});
        assert_eq!(explain(&server, &question)["Decision"], decision, "{time}");
    }
}

#[test]
fn to_explain_is_a_permission_of_its_own_and_goes_on_record() {
    let server = Server::start();
    let key = server.create_key();
    let user = server.create_user_with(
        server.root(),
        "anna",
        &json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]),
    );
    let question = json!({"Action": "kms:Decrypt", "KeyId": key, "EncryptionContext": {"project": "nile"}});
    let denied = explain_as(&server, &user.caller, &question);
    denied.denies(&format!(
        "User: {} is not authorized to perform: cardea:ExplainAccess because no identity-based policy \
        allows the cardea:ExplainAccess action",
        user.arn
    ));
    let may = json!([{"Effect": "Allow", "Action": "cardea:ExplainAccess", "Resource": "*"}]);
    server.put_user_policy(server.root(), "anna", &may);
    let answer = explain_as(&server, &user.caller, &question);
    assert_eq!(answer.output()["Decision"], "implicitDeny", "whoever is not named is oneself");
    let record = server.record_of(&answer);
    assert_eq!((&record["eventSource"], &record["eventName"]), (&json!("cardea"), &json!("ExplainAccess")));
    assert_eq!(
        record["requestParameters"],
        json!({"action": "kms:Decrypt", "keyId": key, "encryptionContext": {"project": "nile"}})
    );
    assert_eq!(
        (&record["responseElements"], &record["resources"][0]["ARN"]),
        (&json!({"decision": "implicitDeny"}), &json!(key))
    );
}

#[test]
fn the_command_tells_the_decision_the_condition_and_by_its_exit_code_whether_it_is_allowed() {
    let server = Server::start();
    let key = server.create_key();
    let user = server.create_user_with(server.root(), "anna", &only_nile());
    let blob = encrypt(&server, &key, &json!({"project": "nil"}));
    let ask = |more: &[&str]| {
        let fixed = ["policy", "explain", "--principal", &user.arn, "--action", "kms:Decrypt"];
        cardea(&server, &[&fixed, more].concat())
    };
    let denied = ask(&["--ciphertext", &blob, "--encryption-context", "project=nil", "--others"]);
    let told = String::from_utf8(denied.stdout).unwrap();
    assert_eq!(denied.status.code(), Some(3), "{told}");
    for line in [
        "DENIED: no identity-based policy allows it",
        "Identity-based policy anna/of-the-test does not allow it",
        "  statement 1 \"Nile\" (Allow) does not apply: a condition is not met",
        "    StringEquals kms:EncryptionContext:project: wanted [\"nile\"], was [\"nil\"]",
        &format!("  arn:aws:iam::{}:root (by policies)", account(&server)),
    ] {
        assert!(told.lines().any(|one| one == line), "{line} is not in\n{told}");
    }
    assert_eq!(ask(&["--key", &key, "--encryption-context", "project=nile"]).status.code(), Some(0));
    let wrong = ask(&["--key", "alias/none"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).starts_with("cardea: NotFoundException: Alias"));
    let json = ask(&["--key", &key, "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap()["Decision"], "implicitDeny");
    assert_eq!(run(&["policy", "explain"]).status.code(), Some(2));
}

/// Runs `cardea` as a client of the service, as root.
fn cardea(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("cardea"));
    let root = server.root();
    command.env("AWS_ENDPOINT_URL", format!("http://{}", server.http())).env("AWS_REGION", &root.region);
    command
        .env("AWS_ACCESS_KEY_ID", &root.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &root.secret_access_key);
    command.env_remove("AWS_SESSION_TOKEN").args(arguments).output().unwrap()
}
