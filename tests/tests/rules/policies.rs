//! Key policies: kept and given back byte for byte, within their size; what is no policy, and who is kept in control.

use crate::account::Account;
use blackbox::{Server, policy};
use serde_json::{Value, json};

/// The statement that leaves a key to its account.
fn of_owner(account: &Account<'_>) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": root_of(account)}, "Action": "kms:*", "Resource": "*"})
}

fn root_of(account: &Account<'_>) -> String {
    format!("arn:aws:iam::{}:root", account.id)
}

/// Both operations that take a policy, asked to take that one.
fn asked(account: &Account<'_>, policy: &str) -> [(&'static str, Value); 2] {
    [
        ("PutKeyPolicy", json!({"KeyId": account.key, "Policy": policy})),
        ("CreateKey", json!({"Policy": policy})),
    ]
}

fn policy_of(account: &Account<'_>, key: &str) -> String {
    let answer = account.call("GetKeyPolicy", &json!({"KeyId": key})).output();
    answer["Policy"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_key_has_the_default_policy() {
    let server = Server::start();
    let account = Account::root(&server);
    let answer = account.call("GetKeyPolicy", &json!({"KeyId": account.key})).output();
    assert_eq!(answer["PolicyName"], "default");
    let policy: Value = serde_json::from_str(answer["Policy"].as_str().unwrap()).unwrap();
    let statement = json!({"Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": root_of(&account)}, "Action": "kms:*", "Resource": "*"});
    assert_eq!(policy, json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}));
}

#[test]
fn a_policy_comes_back_byte_for_byte() {
    let server = Server::start();
    let account = Account::root(&server);
    let owner = of_owner(&account).to_string();
    let policies = [
        format!(r#"{{"Version":"2012-10-17","Statement":[{owner}]}}"#),
        format!(" {{\r\n\t\"Statement\" :\t{owner} ,\n \"Version\":\"2012-10-17\" }} \r\n"),
        format!("{{\"Id\":\"\u{fc}\u{ff}\u{a0}\\u0041\\/\",\"Statement\":[{owner}]}}"),
    ];
    for policy in policies {
        let input = json!({"KeyId": account.key, "PolicyName": "default", "Policy": policy});
        assert_eq!(account.call("PutKeyPolicy", &input).output(), Value::Null);
        assert_eq!(policy_of(&account, &account.key).as_bytes(), policy.as_bytes());
        let made = account.call("CreateKey", &json!({"Policy": policy})).output();
        let key = made["KeyMetadata"]["Arn"].as_str().unwrap();
        assert_eq!(policy_of(&account, key).as_bytes(), policy.as_bytes());
    }
}

#[test]
fn a_policy_has_at_most_32768_bytes() {
    let server = Server::start();
    let account = Account::root(&server);
    let of = |bytes: usize, filler: &str| {
        let frame = json!({"Id": "", "Statement": [of_owner(&account)]}).to_string();
        frame.replace(r#""""#, &format!("\"{}\"", filler.repeat((bytes - frame.len()) / filler.len())))
    };
    let odd = usize::from(json!({"Id": "", "Statement": [of_owner(&account)]}).to_string().len() % 2 == 1);
    for (policy, fits) in [
        (of(32_768, "a"), true),
        (of(32_769, "a"), false),
        (of(32_768 - odd, "\u{fc}"), true),
        (of(32_770 + odd, "\u{fc}"), false),
    ] {
        for (operation, input) in asked(&account, &policy) {
            let answer = account.call(operation, &input);
            match fits {
                true => assert_eq!(answer.status, 200, "{} bytes: {}", policy.len(), answer.text()),
                false => assert_eq!(answer.error(), "LimitExceededException", "{} bytes", policy.len()),
            }
        }
    }
}

#[test]
fn what_is_no_policy_is_refused_and_leaves_everything_as_it_was() {
    let server = Server::start();
    let account = Account::root(&server);
    let before = account.everything();
    let owner = of_owner(&account);
    let with = |name: &str, value: Value| {
        let mut statement = owner.clone();
        statement[name] = value;
        policy(&json!([statement]))
    };
    let without = |name: &str| {
        let mut statement = owner.clone();
        let _ = statement.as_object_mut().unwrap().remove(name);
        policy(&json!([statement]))
    };
    let root = root_of(&account);
    let texts =
        ["{", "null", "[]", "\"a\"", "7", "{} {}", "{'a':1}", "{\"a\":1,}", " ", "{}"].map(str::to_owned);
    let documents = [
        policy(&json!([])),
        policy(&json!("nile")),
        json!({"Version": "2012-10-18", "Statement": [owner]}).to_string(),
        json!({"Version": "2012-10-17", "Statement": [owner], "Comment": "x"}).to_string(),
        format!(r#"{{"Statement":[{owner}],"Statement":[{owner}]}}"#),
        without("Effect"),
        with("Effect", json!("allow")),
        with("Effect", json!("Permit")),
        without("Principal"),
        with("NotPrincipal", json!({"AWS": root})),
        with("NotAction", json!("kms:Encrypt")),
        with("NotResource", json!("*")),
        with("Group", json!("x")),
        with("Condition", json!({"StringAlike": {"aws:userid": "x"}})),
        with("Condition", json!({"StringEquals": "x"})),
        with("Condition", json!({"NumericEquals": {"kms:RotationPeriodInDays": "many"}})),
    ];
    for text in texts.iter().chain(&documents) {
        for (operation, input) in asked(&account, text) {
            let answer = account.call(operation, &input);
            assert_eq!(
                answer.error(),
                "MalformedPolicyDocumentException",
                "{operation} {text}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(account.everything(), before);
}

#[test]
fn a_policy_names_only_principals_that_there_are() {
    let server = Server::start();
    let account = Account::root(&server);
    let other = Account::new(&server);
    let before = account.everything();
    let ana = server.create_user(server.root(), "ana");
    let foreign = server.create_user(&other.caller, "foreign");
    let role = server.create_role(server.root(), "nile", &account.id);
    let naming = |principal: Value| {
        let statement =
            json!({"Effect": "Allow", "Principal": principal, "Action": "kms:Encrypt", "Resource": "*"});
        policy(&json!([of_owner(&account), statement]))
    };
    let nobody = |kind: &str| format!("arn:aws:iam::{}:{kind}/nobody", account.id);
    for principal in [
        json!({"AWS": nobody("user")}),
        json!({"AWS": nobody("role")}),
        json!({"AWS": [ana.arn, nobody("user")]}),
        json!({"AWS": nobody("group")}),
        json!({"AWS": ana.arn.replace("user/ana", "user/*")}),
        json!({"AWS": ana.arn.replace("arn:aws:", "arn:aws-cn:")}),
        json!({"AWS": foreign.arn.replace("foreign", "nobody")}),
        json!({"AWS": "arn:aws:iam::999999999999:root"}),
        json!({"AWS": "999999999999"}),
        json!({"AWS": "nile"}),
        json!({"AWS": ana.id}),
        json!({"Service": "no.such.service"}),
        json!({"Federated": format!("arn:aws:iam::{}:oidc-provider/nobody.example.com", account.id)}),
    ] {
        for (operation, input) in asked(&account, &naming(principal.clone())) {
            account.call(operation, &input).refuses("MalformedPolicyDocumentException", INVALID_PRINCIPALS);
        }
    }
    assert_eq!(account.everything(), before);
    let session = format!("arn:aws:sts::{}:assumed-role/nile/one", account.id);
    for principal in [
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": [ana.arn, role.arn, session, foreign.arn, root_of(&other), account.id]}),
        json!({"Service": "s3.amazonaws.com"}),
    ] {
        for (operation, input) in asked(&account, &naming(principal.clone())) {
            let answer = account.call(operation, &input);
            assert_eq!(answer.status, 200, "{operation} {principal}: {}", answer.text());
        }
    }
}

#[test]
fn a_policy_means_the_user_that_it_named_and_no_later_one() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": ana.arn}, "Action": "kms:DescribeKey",
        "Resource": "*"});
    let text = policy(&json!([of_owner(&account), statement]));
    let input = json!({"KeyId": account.key, "Policy": text});
    assert_eq!(account.call("PutKeyPolicy", &input).output(), Value::Null);
    let describe = json!({"KeyId": account.key});
    assert_eq!(server.call_as(&ana.caller, "DescribeKey", &describe).status, 200);
    let _ = server
        .iam("DeleteAccessKey", &[("UserName", "ana"), ("AccessKeyId", &ana.caller.access_key_id)])
        .output();
    let _ = server.iam("DeleteUser", &[("UserName", "ana")]).output();
    assert_eq!(policy_of(&account, &account.key), text.replace(&ana.arn, &ana.id));

    let later = server.create_user(server.root(), "ana");
    assert_eq!(server.call_as(&later.caller, "DescribeKey", &describe).error(), "AccessDeniedException");
    let shown = policy_of(&account, &account.key);
    assert_eq!(shown, text.replace(&ana.arn, &ana.id));
    let again = json!({"KeyId": account.key, "Policy": shown});
    account.call("PutKeyPolicy", &again).refuses("MalformedPolicyDocumentException", INVALID_PRINCIPALS);
    assert_eq!(account.call("PutKeyPolicy", &input).output(), Value::Null);
    assert_eq!(server.call_as(&later.caller, "DescribeKey", &describe).status, 200);
}

#[test]
fn nobody_gives_a_key_a_policy_that_locks_out_whoever_gives_it_without_insisting() {
    let server = Server::start();
    let account = Account::root(&server);
    let admin = json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
    let (ana, ben) =
        (server.create_user_with(server.root(), "ana", &admin), server.create_user(server.root(), "ben"));
    let before = account.everything();
    let allow = |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"});
    let bent = |name: &str, value: Value| {
        let mut statement = of_owner(&account);
        statement[name] = value;
        json!([statement])
    };
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"});
    let on_nothing = {
        let mut statement = of_owner(&account);
        let _ = statement.as_object_mut().unwrap().remove("Resource");
        json!([statement])
    };
    for statements in [
        json!([allow(&ben.arn)]),
        json!([of_owner(&account), deny]),
        bent("Action", json!("kms:Encrypt")),
        bent("Resource", json!(format!("{}0", account.key))),
        bent("Condition", json!({"StringEquals": {"kms:CallerAccount": "111122223333"}})),
        bent("Condition", json!({"StringEquals": {"aws:ResourceTag/team": "blue"}})),
        on_nothing,
    ] {
        for (operation, mut input) in asked(&account, &policy(&statements)) {
            for caller in [&ana.caller, server.root()] {
                input["BypassPolicyLockoutSafetyCheck"] = false.into();
                server
                    .call_as(caller, operation, &input)
                    .refuses("MalformedPolicyDocumentException", LOCKED_OUT);
            }
        }
    }
    assert_eq!(account.everything(), before);
    for statements in [
        bent("Condition", json!({"StringEquals": {"kms:CallerAccount": account.id}})),
        bent("Condition", json!({"StringEquals": {"aws:ResourceAccount": account.id}})),
        bent("Condition", json!({"StringEquals": {"aws:ResourceTag/team": "delta"}})),
        bent("Condition", json!({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}})),
        json!([allow(&account.id)]),
        json!([allow("*")]),
    ] {
        for (operation, mut input) in asked(&account, &policy(&statements)) {
            if operation == "CreateKey" {
                input["Tags"] = json!([{"TagKey": "team", "TagValue": "delta"}]);
            }
            let answer = account.call(operation, &input);
            assert_eq!(answer.status, 200, "{operation} {statements}: {}", answer.text());
        }
    }
    // Named by itself, its author needs no account.
    let own = json!({"KeyId": account.key, "Policy": policy(&json!([allow(&ana.arn)]))});
    assert_eq!(account.call("PutKeyPolicy", &own).error(), "MalformedPolicyDocumentException");
    assert_eq!(server.call_as(&ana.caller, "PutKeyPolicy", &own).output(), Value::Null);
    let describe = json!({"KeyId": account.key});
    assert_eq!(account.call("DescribeKey", &describe).error(), "AccessDeniedException", "not even root");
    assert_eq!(server.call_as(&ana.caller, "DescribeKey", &describe).status, 200);
}

#[test]
fn whoever_insists_may_lock_everybody_out_unless_a_condition_forbids_to_insist() {
    let server = Server::start();
    let account = Account::root(&server);
    let ben = server.create_user(server.root(), "ben");
    let own = policy(
        &json!([{"Effect": "Allow", "Principal": {"AWS": ben.arn}, "Action": "kms:*", "Resource": "*"}]),
    );
    let made = json!({"Policy": own, "BypassPolicyLockoutSafetyCheck": true});
    let made = account.call("CreateKey", &made).output()["KeyMetadata"]["Arn"].clone();
    let input = json!({"KeyId": made, "Policy": own});
    assert_eq!(account.call("PutKeyPolicy", &input).error(), "AccessDeniedException");
    assert_eq!(server.call_as(&ben.caller, "PutKeyPolicy", &input).output(), Value::Null);

    let mut statement = of_owner(&account);
    statement["Condition"] = json!({"BoolIfExists": {"kms:BypassPolicyLockoutSafetyCheck": "false"}});
    let careful = json!({"KeyId": account.key, "Policy": policy(&json!([statement]))});
    assert_eq!(account.call("PutKeyPolicy", &careful).output(), Value::Null);
    let insisting = json!({"KeyId": account.key, "Policy": own, "BypassPolicyLockoutSafetyCheck": true});
    assert_eq!(account.call("PutKeyPolicy", &insisting).error(), "AccessDeniedException");
    assert_eq!(account.call("PutKeyPolicy", &careful).output(), Value::Null);
}

#[test]
fn a_statement_without_a_resource_or_an_action_is_taken_and_has_no_effect() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let whole = json!({"Effect": "Allow", "Principal": {"AWS": ana.arn}, "Action": "kms:DescribeKey", "Resource": "*"});
    let describe = || server.call_as(&ana.caller, "DescribeKey", &json!({"KeyId": account.key}));
    for missing in ["Resource", "Action", ""] {
        let mut statement = whole.clone();
        let _ = statement.as_object_mut().unwrap().remove(missing);
        for (operation, input) in asked(&account, &policy(&json!([of_owner(&account), statement]))) {
            let answer = account.call(operation, &input);
            assert_eq!(answer.status, 200, "{operation} without {missing}: {}", answer.text());
        }
        match missing {
            "" => assert_eq!(describe().status, 200),
            _ => assert_eq!(describe().error(), "AccessDeniedException", "without {missing}"),
        }
    }
}

#[test]
fn for_all_values_of_a_key_with_one_value_is_refused_in_awss_words() {
    let server = Server::start();
    let account = Account::root(&server);
    for key in ["kms:EncryptionContext:project", "aws:RequestTag/project"] {
        let mut statement = of_owner(&account);
        statement["Condition"] = json!({"ForAllValues:StringEquals": {key: "nile"}});
        for (operation, input) in asked(&account, &policy(&json!([of_owner(&account), statement]))) {
            let (error, message) = account.call(operation, &input).fault();
            assert_eq!(error, "MalformedPolicyDocumentException", "{operation} {key}");
            let words = "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key";
            assert!(message.as_ref().is_some_and(|message| message.starts_with(words)), "{message:?}");
        }
    }
}

#[test]
fn the_only_policy_is_the_default_one() {
    let server = Server::start();
    let account = Account::root(&server);
    for operation in ["GetKeyPolicy", "PutKeyPolicy"] {
        let input = json!({"KeyId": account.key, "PolicyName": "other", "Policy": crate::requests::POLICY});
        account.call(operation, &input).refuses("NotFoundException", "No such policy exists");
    }
}

#[test]
fn a_policy_that_nobody_may_change_is_not_told_to_be_wrong() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    for (operation, input) in asked(&account, "{") {
        assert_eq!(
            server.call_as(&ana.caller, operation, &input).error(),
            "AccessDeniedException",
            "{operation}"
        );
    }
}

const LOCKED_OUT: &str = "The new key policy will not allow you to update the key policy in the future.";
const INVALID_PRINCIPALS: &str = "Policy contains a statement with one or more invalid principals.";
