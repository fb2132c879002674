//! Grants: whom they let in, to what, under which constraints; who may make, retire and revoke them.

use crate::account::{Account, PLAINTEXT, alias_arn, key_id};
use blackbox::{Answer, Caller, Environment, Server, User, base64, bytes, policy};
use serde_json::{Value, json};

/// A grant that was made.
struct Grant {
    id: String,
    token: String,
}

fn try_grant(server: &Server, caller: &Caller, key: &str, grantee: &str, more: &Value) -> Answer {
    let mut input = json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Encrypt", "Decrypt"]});
    for (name, value) in more.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    server.call_as(caller, "CreateGrant", &input)
}

fn grant(server: &Server, caller: &Caller, key: &str, grantee: &str, more: &Value) -> Grant {
    let answer = try_grant(server, caller, key, grantee, more).output();
    let text = |member: &str| answer[member].as_str().unwrap().to_owned();
    Grant { id: text("GrantId"), token: text("GrantToken") }
}

fn encrypt(server: &Server, caller: &Caller, key: &str, context: &Value) -> Answer {
    let input = json!({"KeyId": key, "Plaintext": base64(PLAINTEXT), "EncryptionContext": context});
    server.call_as(caller, "Encrypt", &input)
}

#[track_caller]
fn is_denied(answer: &Answer) {
    assert_eq!(answer.error(), "AccessDeniedException", "{}", answer.text());
}

fn listed(server: &Server, caller: &Caller, input: &Value) -> Vec<String> {
    let answer = server.call_as(caller, "ListGrants", input).output();
    let ids = answer["Grants"].as_array().unwrap().iter();
    ids.map(|grant| grant["GrantId"].as_str().unwrap().to_owned()).collect()
}

/// The policy that leaves the key to its account, and these statements besides.
fn put_policy(account: &Account<'_>, statements: &[Value]) {
    let root = format!("arn:aws:iam::{}:root", account.id);
    let owner = json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"});
    let all: Vec<_> = std::iter::once(&owner).chain(statements).collect();
    let input = json!({"KeyId": account.key, "Policy": policy(&json!(all))});
    assert_eq!(account.call("PutKeyPolicy", &input).output(), Value::Null);
}

#[test]
fn a_grant_lets_its_grantee_in_at_once_to_what_it_names_and_nobody_else() {
    let server = Server::start();
    let account = Account::root(&server);
    let (ana, ben) = (server.create_user(server.root(), "ana"), server.create_user(server.root(), "ben"));
    is_denied(&encrypt(&server, &ana.caller, &account.key, &json!({})));
    let made = grant(&server, server.root(), &account.key, &ana.arn, &json!({}));
    assert!(made.id.len() == 64 && made.id.bytes().all(|b| b"0123456789abcdef".contains(&b)), "{}", made.id);

    let blob = encrypt(&server, &ana.caller, &account.key, &json!({})).output()["CiphertextBlob"].clone();
    let with_token = json!({"CiphertextBlob": blob, "GrantTokens": [made.token]});
    for input in [json!({"CiphertextBlob": blob}), with_token] {
        let opened = server.call_as(&ana.caller, "Decrypt", &input).output();
        assert_eq!(bytes(&opened["Plaintext"]), PLAINTEXT);
    }
    is_denied(&server.call_as(&ana.caller, "DescribeKey", &json!({"KeyId": account.key})));
    is_denied(&server.call_as(
        &ana.caller,
        "GenerateDataKey",
        &json!({"KeyId": account.key, "KeySpec": "AES_256"}),
    ));
    is_denied(&encrypt(&server, &ana.caller, &account.other, &json!({})));
    let borrowed = json!({"CiphertextBlob": blob, "GrantTokens": [made.token]});
    is_denied(&server.call_as(&ben.caller, "Decrypt", &borrowed));
}

#[test]
fn each_operation_of_a_grant_lets_in_to_that_operation_alone() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let key = &account.key;
    let calls = [
        ("Decrypt", "Decrypt", json!({"CiphertextBlob": account.ciphertext})),
        ("DescribeKey", "DescribeKey", json!({"KeyId": account.alias})),
        ("Encrypt", "Encrypt", json!({"KeyId": key, "Plaintext": "AQ=="})),
        ("GenerateDataKey", "GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})),
        (
            "GenerateDataKeyWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            json!({"KeyId": key, "KeySpec": "AES_256"}),
        ),
    ];
    for (operation, _, _) in &calls {
        let made = grant(&server, server.root(), key, &ana.arn, &json!({"Operations": [operation]}));
        for (of, call, input) in &calls {
            let answer = server.call_as(&ana.caller, call, input);
            match of == operation {
                true => assert_eq!(answer.status, 200, "{operation}: {}", answer.text()),
                false => is_denied(&answer),
            }
        }
        let revoked = json!({"KeyId": key, "GrantId": made.id});
        assert_eq!(account.call("RevokeGrant", &revoked).output(), Value::Null);
        let (_, call, input) = calls.iter().find(|(of, _, _)| of == operation).unwrap();
        is_denied(&server.call_as(&ana.caller, call, input));
    }
    let re_encrypt = json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": account.other});
    let _ = grant(&server, server.root(), key, &ana.arn, &json!({"Operations": ["ReEncryptFrom"]}));
    is_denied(&server.call_as(&ana.caller, "ReEncrypt", &re_encrypt));
    let _ = grant(&server, server.root(), &account.other, &ana.arn, &json!({"Operations": ["ReEncryptTo"]}));
    assert_eq!(server.call_as(&ana.caller, "ReEncrypt", &re_encrypt).status, 200);
}

#[test]
fn a_request_must_keep_to_the_encryption_context_of_a_grant() {
    let server = Server::start();
    let account = Account::root(&server);
    let nile = json!({"project": "nile"});
    let rows = [
        ("EncryptionContextEquals", json!({"project": "nile"}), true),
        ("EncryptionContextEquals", json!({"project": "nile", "more": "x"}), false),
        ("EncryptionContextEquals", json!({"project": "Nile"}), false),
        ("EncryptionContextEquals", json!({"Project": "nile"}), false),
        ("EncryptionContextEquals", json!({}), false),
        ("EncryptionContextSubset", json!({"project": "nile"}), true),
        ("EncryptionContextSubset", json!({"project": "nile", "more": "x"}), true),
        ("EncryptionContextSubset", json!({"project": "blue"}), false),
        ("EncryptionContextSubset", json!({"more": "x"}), false),
        ("EncryptionContextSubset", json!({}), false),
    ];
    for (kind, user) in [("EncryptionContextEquals", "ana"), ("EncryptionContextSubset", "ben")] {
        let user = server.create_user(server.root(), user);
        let operations = json!(["Encrypt", "Decrypt", "DescribeKey"]);
        let more = json!({"Constraints": {kind: nile}, "Operations": operations});
        let _ = grant(&server, server.root(), &account.key, &user.arn, &more);
        for (_, context, allowed) in rows.iter().filter(|(of, _, _)| *of == kind) {
            let owners = encrypt(&server, server.root(), &account.key, context).output();
            let input = json!({"CiphertextBlob": owners["CiphertextBlob"], "EncryptionContext": context});
            for answer in [
                encrypt(&server, &user.caller, &account.key, context),
                server.call_as(&user.caller, "Decrypt", &input),
            ] {
                match allowed {
                    true => assert_eq!(answer.status, 200, "{kind} {context}: {}", answer.text()),
                    false => is_denied(&answer),
                }
            }
        }
        let described = server.call_as(&user.caller, "DescribeKey", &json!({"KeyId": account.key}));
        assert_eq!(described.status, 200, "no context belongs to it");
    }
}

#[test]
fn whoever_may_make_grants_by_a_grant_only_makes_stricter_ones() {
    let server = Server::start();
    let account = Account::root(&server);
    let key = &account.key;
    let user = |name: &str| server.create_user(server.root(), name);
    let (ana, ben, cleo) = (user("ana"), user("ben"), user("cleo"));
    is_denied(&try_grant(&server, &ana.caller, key, &ben.arn, &json!({})));
    let subset = |pairs: Value| json!({"EncryptionContextSubset": pairs});
    let equals = |pairs: Value| json!({"EncryptionContextEquals": pairs});
    let operations = json!(["Encrypt", "CreateGrant", "RetireGrant"]);
    let parent = json!({"Operations": operations, "Constraints": subset(json!({"project": "nile"}))});
    let _ = grant(&server, server.root(), key, &ana.arn, &parent);

    let child = |operations: Value, constraints: Value| {
        let mut more = json!({"Operations": operations});
        if constraints != Value::Null {
            more["Constraints"] = constraints;
        }
        try_grant(&server, &ana.caller, key, &ben.arn, &more)
    };
    let nile = json!({"project": "nile"});
    let nile_and_more = json!({"project": "nile", "reach": "delta"});
    for (operations, constraints) in [
        (json!(["Encrypt", "Decrypt"]), subset(nile.clone())),
        (json!(["Encrypt", "DescribeKey"]), equals(nile.clone())),
        (json!(["Encrypt"]), Value::Null),
        (json!(["Encrypt"]), subset(json!({"project": "blue"}))),
        (json!(["Encrypt"]), subset(json!({"reach": "delta"}))),
        (json!(["Encrypt"]), subset(json!({"Project": "nile"}))),
        (json!(["Encrypt"]), equals(json!({"reach": "delta"}))),
    ] {
        is_denied(&child(operations, constraints));
    }
    for (operations, constraints) in [
        (json!(["Encrypt"]), subset(nile.clone())),
        (json!(["Encrypt"]), subset(nile_and_more.clone())),
        (json!(["Encrypt"]), subset(json!({"project": "nile", "Project": "blue"}))),
        (json!(["Encrypt", "RetireGrant"]), equals(nile.clone())),
        (json!(["Encrypt", "CreateGrant"]), equals(nile_and_more.clone())),
    ] {
        let answer = child(operations.clone(), constraints.clone());
        assert_eq!(answer.status, 200, "{operations} {constraints}: {}", answer.text());
    }
    // The last of them lets its grantee hand on what it says, and no more: an Equals is never loosened to a Subset.
    let grandchild = |constraints: Value| {
        let more = json!({"Operations": ["Encrypt"], "Constraints": constraints});
        try_grant(&server, &ben.caller, key, &cleo.arn, &more)
    };
    is_denied(&grandchild(subset(nile_and_more.clone())));
    is_denied(&grandchild(equals(nile)));
    assert_eq!(grandchild(equals(nile_and_more.clone())).status, 200);
    assert_eq!(encrypt(&server, &cleo.caller, key, &nile_and_more).status, 200);
    is_denied(&encrypt(&server, &cleo.caller, key, &json!({"project": "nile"})));
}

#[test]
fn the_same_name_and_parameters_give_the_same_grant_and_a_fresh_token() {
    let server = Server::start();
    let account = Account::root(&server);
    let (ana, ben) = (server.create_user(server.root(), "ana"), server.create_user(server.root(), "ben"));
    let base = json!({"Name": "of-the-nile", "RetiringPrincipal": ana.arn, "Operations": ["Encrypt", "Decrypt"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}}});
    let make = |grantee: &User, more: &Value| {
        let mut input = base.clone();
        for (name, value) in more.as_object().into_iter().flatten() {
            input[name] = value.clone();
        }
        grant(&server, server.root(), &account.other, &grantee.arn, &input)
    };
    let first = make(&ana, &json!({}));
    for same in [json!({}), json!({"Operations": ["Decrypt", "Encrypt", "Decrypt"]})] {
        let again = make(&ana, &same);
        assert_eq!(again.id, first.id, "{same}");
        assert_ne!(again.token, first.token);
    }
    let mut ids = vec![first.id];
    ids.push(make(&ben, &json!({})).id);
    for changed in [
        json!({"Name": "of-the-delta"}),
        json!({"RetiringPrincipal": ben.arn}),
        json!({"RetiringPrincipal": null}),
        json!({"Operations": ["Encrypt"]}),
        json!({"Operations": ["Encrypt", "Decrypt", "DescribeKey"]}),
        json!({"Constraints": null}),
        json!({"Constraints": {"EncryptionContextSubset": {"a": "c"}}}),
        json!({"Constraints": {"EncryptionContextEquals": {"a": "b"}}}),
        json!({"Constraints": {"EncryptionContextSubset": {"a": "b"}, "SourceArn": "arn:aws:s3::111122223333:x"}}),
        json!({"Name": null}),
        json!({"Name": null}),
    ] {
        ids.push(make(&ana, &changed).id);
    }
    let on_another_key = grant(&server, server.root(), &account.key, &ana.arn, &base);
    ids.push(on_another_key.id);
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "each parameter tells grants apart");
    assert_eq!(listed(&server, server.root(), &json!({"KeyId": account.other})).len(), count - 1);
}

#[test]
fn of_many_that_make_a_grant_of_one_name_at_the_same_time_all_get_the_same() {
    let server = Server::start();
    let account = Account::root(&server);
    let grantee = format!("arn:aws:iam::{}:root", account.id);
    let make = || grant(&server, server.root(), &account.other, &grantee, &json!({"Name": "one"})).id;
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(listed(&server, server.root(), &json!({"KeyId": account.other})), [ids[0].clone()]);
}

#[test]
fn a_token_that_is_none_or_of_another_key_is_refused_and_one_of_a_revoked_grant_gives_nothing() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let operations = json!({"Operations": ["Encrypt", "CreateGrant", "DescribeKey"]});
    let made = grant(&server, server.root(), &account.key, &ana.arn, &operations);
    let elsewhere = grant(&server, server.root(), &account.other, &ana.arn, &operations);
    let mut damaged = bytes(&json!(made.token));
    damaged[20] ^= 1;
    let garbage = ["none".to_owned(), "%".to_owned(), base64(b"short"), base64(&damaged), elsewhere.token];
    let calls = [
        ("Decrypt", json!({"CiphertextBlob": account.ciphertext})),
        ("DescribeKey", json!({"KeyId": account.key})),
        ("Encrypt", json!({"KeyId": account.key, "Plaintext": "AQ=="})),
        ("GenerateDataKey", json!({"KeyId": account.key, "KeySpec": "AES_256"})),
        ("GenerateDataKeyWithoutPlaintext", json!({"KeyId": account.key, "KeySpec": "AES_256"})),
        ("ReEncrypt", json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": account.key})),
        (
            "CreateGrant",
            json!({"KeyId": account.key, "GranteePrincipal": ana.arn, "Operations": ["Encrypt"]}),
        ),
    ];
    for (operation, input) in calls {
        for token in &garbage {
            let mut input = input.clone();
            input["GrantTokens"] = json!([made.token, token]);
            account.call(operation, &input).refuses("InvalidGrantTokenException", INVALID_TOKEN);
        }
    }
    let with = |token: &str| json!({"KeyId": account.key, "Plaintext": "AQ==", "GrantTokens": [token]});
    assert_eq!(server.call_as(&ana.caller, "Encrypt", &with(&made.token)).status, 200);
    let not_there = json!({"KeyId": nowhere(&account.key), "Plaintext": "AQ==", "GrantTokens": ["none"]});
    assert_eq!(account.call("Encrypt", &not_there).error(), "NotFoundException");
    let _ = account.call("RevokeGrant", &json!({"KeyId": account.key, "GrantId": made.id})).output();
    is_denied(&server.call_as(&ana.caller, "Encrypt", &with(&made.token)));
    assert_eq!(account.call("Encrypt", &with(&made.token)).status, 200, "and keeps nobody out");
}

#[test]
fn a_grant_is_retired_by_whom_it_says_and_by_the_account_that_issued_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let other = server.create_account();
    let user = |name: &str| server.create_user(server.root(), name);
    let (grantee, retiring, nobody) = (user("grantee"), user("retiring"), user("nobody"));
    let allow = json!([{"Effect": "Allow", "Action": "kms:RetireGrant", "Resource": "*"}]);
    let delegate = server.create_user_with(server.root(), "delegate", &allow);
    let foreign = server.create_user_with(&other, "foreign", &allow);
    let named_by_policy = user("named");
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": named_by_policy.arn}, "Action": "kms:RetireGrant",
        "Resource": "*"});
    put_policy(&account, &[statement]);

    let with_retire = json!({"RetiringPrincipal": retiring.arn, "Operations": ["Encrypt", "RetireGrant"]});
    let without = json!({"RetiringPrincipal": retiring.arn, "Operations": ["Encrypt"]});
    let retire = |caller: &Caller, made: &Grant, by_token: bool| {
        let input = match by_token {
            true => json!({"GrantToken": made.token}),
            false => json!({"KeyId": account.key, "GrantId": made.id}),
        };
        server.call_as(caller, "RetireGrant", &input)
    };
    for by_token in [true, false] {
        for (who, caller, of, may) in [
            ("retiring principal", &retiring.caller, &without, true),
            ("grantee with RetireGrant", &grantee.caller, &with_retire, true),
            ("grantee without", &grantee.caller, &without, false),
            ("root of the issuing account", server.root(), &without, true),
            ("delegate of the issuing account", &delegate.caller, &without, true),
            ("somebody else", &nobody.caller, &with_retire, false),
            ("whom the key policy lets", &named_by_policy.caller, &with_retire, false),
            ("root of another account", &other, &with_retire, false),
            ("somebody of another account", &foreign.caller, &with_retire, false),
        ] {
            let made = grant(&server, server.root(), &account.key, &grantee.arn, of);
            let answer = retire(caller, &made, by_token);
            match may {
                true => assert_eq!(answer.output(), Value::Null, "{who}"),
                false => assert_eq!(answer.error(), "AccessDeniedException", "{who}"),
            }
            let left = listed(&server, server.root(), &json!({"KeyId": account.key, "GrantId": made.id}));
            assert_eq!(left.is_empty(), may, "{who}");
        }
    }
}

#[test]
fn an_account_or_a_role_as_retiring_principal_stands_for_whom_it_lets() {
    let server = Server::start();
    let account = Account::root(&server);
    let other = server.create_account();
    let other_id = server.account_id(&other);
    let allow = json!([{"Effect": "Allow", "Action": "kms:RetireGrant", "Resource": account.key}]);
    let delegate = server.create_user_with(&other, "delegate", &allow);
    let nobody = server.create_user(&other, "nobody");
    let role = server.create_role(&other, "steward", &other_id);
    let assume = json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role.arn}]);
    let assuming = server.create_user_with(&other, "assuming", &assume);
    let session = server.assume_role(&assuming.caller, &role.arn, "one");
    let other_root = format!("arn:aws:iam::{other_id}:root");
    for (retiring, who, caller, may) in [
        (&other_root, "root", &other, true),
        (&other_root, "its delegate", &delegate.caller, true),
        (&other_root, "somebody of it", &nobody.caller, false),
        (&other_root, "a session of it", &session, false),
        (&role.arn, "a session of the role", &session, true),
        (&role.arn, "root of the role's account", &other, false),
        (&role.arn, "who may assume it", &assuming.caller, false),
    ] {
        let more = json!({"RetiringPrincipal": retiring});
        let made = grant(&server, server.root(), &account.key, &account.root_arn(), &more);
        let answer = server.call_as(caller, "RetireGrant", &json!({"GrantToken": made.token}));
        match may {
            true => assert_eq!(answer.status, 200, "{retiring}: {who}: {}", answer.text()),
            false => assert_eq!(answer.error(), "AccessDeniedException", "{retiring}: {who}"),
        }
    }
}

#[test]
fn an_explicit_deny_keeps_from_retiring_a_grant() {
    let server = Server::start();
    let account = Account::root(&server);
    let retiring = server.create_user(server.root(), "retiring");
    let more =
        json!({"RetiringPrincipal": retiring.arn, "Constraints": {"EncryptionContextEquals": {"a": "b"}}});
    let made = grant(&server, server.root(), &account.key, &retiring.arn, &more);
    let input = json!({"KeyId": account.key, "GrantId": made.id});
    let deny = |condition: Value| {
        json!({"Effect": "Deny", "Principal": {"AWS": retiring.arn}, "Action": "kms:RetireGrant", "Resource": "*",
            "Condition": {"StringEquals": condition}})
    };
    for condition in [
        json!({"kms:GrantConstraintType": "EncryptionContextEquals"}),
        json!({"kms:EncryptionContext:a": "b"}),
        json!({"kms:EncryptionContextKeys": "a"}),
    ] {
        put_policy(&account, &[deny(condition)]);
        let answer = server.call_as(&retiring.caller, "RetireGrant", &input);
        answer.denies(&format!(
            "User: {} is not authorized to perform: kms:RetireGrant on resource: {} with an explicit deny in a \
             resource-based policy",
            retiring.arn, account.key
        ));
    }
    put_policy(&account, &[deny(json!({"kms:GrantConstraintType": "EncryptionContextSubset"}))]);
    assert_eq!(server.call_as(&retiring.caller, "RetireGrant", &input).status, 200);
}

#[test]
fn a_grant_that_another_account_issued_is_that_accounts_to_retire_and_the_owners_to_revoke() {
    let server = Server::start();
    let account = Account::root(&server);
    let other = server.create_account();
    let other_root = format!("arn:aws:iam::{}:root", server.account_id(&other));
    let grantee = server.create_user(&other, "grantee");
    let operations = json!({"Operations": ["Encrypt"]});
    is_denied(&try_grant(&server, &other, &account.key, &grantee.arn, &operations));
    put_policy(
        &account,
        &[
            json!({"Effect": "Allow", "Principal": {"AWS": other_root}, "Action": ["kms:CreateGrant", "kms:ListGrants"],
            "Resource": "*"}),
        ],
    );
    let short = try_grant(&server, &other, key_id(&account.key), &grantee.arn, &operations);
    assert_eq!(short.error(), "NotFoundException", "a bare id is the caller's own");
    let one = grant(&server, &other, &account.key, &grantee.arn, &operations);
    let two = grant(&server, &other, &account.key, &grantee.arn, &operations);
    let request = json!({"KeyId": account.key, "GrantId": one.id});
    let entry = server.call_as(&other, "ListGrants", &request).output()["Grants"][0].clone();
    assert_eq!(entry["IssuingAccount"], other_root);
    assert_eq!(encrypt(&server, &grantee.caller, &account.key, &json!({})).status, 200, "a grant is enough");

    is_denied(&account.call("RetireGrant", &json!({"GrantToken": one.token})));
    is_denied(&server.call_as(&other, "RevokeGrant", &json!({"KeyId": account.key, "GrantId": one.id})));
    assert_eq!(server.call_as(&other, "RetireGrant", &json!({"GrantToken": one.token})).status, 200);
    assert_eq!(account.call("RevokeGrant", &json!({"KeyId": account.key, "GrantId": two.id})).status, 200);
    is_denied(&encrypt(&server, &grantee.caller, &account.key, &json!({})));
}

#[test]
fn a_grant_that_is_not_there_is_not_found_by_its_keys_account_and_is_nobody_elses_business() {
    let server = Server::start();
    let account = Account::root(&server);
    let stranger = Account::new(&server);
    let id = "0".repeat(64);
    let not_found = format!("Grant ID {id} not found");
    for operation in ["RetireGrant", "RevokeGrant"] {
        let input = |key: &str| json!({"KeyId": key, "GrantId": id});
        account.call(operation, &input(&account.key)).refuses("NotFoundException", &not_found);
        let mut dry = input(&account.key);
        dry["DryRun"] = true.into();
        account.call(operation, &dry).refuses("NotFoundException", &not_found);
        for key in [account.key.clone(), nowhere(&account.key)] {
            stranger.call(operation, &input(&key)).denies(&stranger.denial(&format!("kms:{operation}")));
        }
        for wrong in ["0".repeat(63), "0".repeat(128), "G".repeat(64), "A".repeat(64)] {
            let input = json!({"KeyId": account.key, "GrantId": wrong});
            account.call(operation, &input).refuses("InvalidGrantIdException", INVALID_ID);
        }
        let by_alias = json!({"KeyId": account.alias, "GrantId": id});
        assert_eq!(account.call(operation, &by_alias).error(), "NotFoundException");
    }
    let made = grant(
        &server,
        server.root(),
        &account.key,
        &format!("arn:aws:iam::{}:root", stranger.id),
        &json!({}),
    );
    let input = json!({"GrantToken": made.token});
    assert_eq!(account.call("RetireGrant", &input).status, 200);
    let gone = format!("Grant ID {} not found", made.id);
    account.call("RetireGrant", &input).refuses("NotFoundException", &gone);
    stranger.call("RetireGrant", &input).denies(&stranger.denial("kms:RetireGrant"));
    let elsewhere = server.call_as(&server.root().in_region("eu-north-1"), "RetireGrant", &input);
    elsewhere.refuses("InvalidGrantTokenException", INVALID_TOKEN);
}

#[test]
fn how_a_grant_to_retire_is_named() {
    let server = Server::start();
    let account = Account::root(&server);
    let id = "0".repeat(64);
    for input in [
        json!({}),
        json!({"KeyId": account.key}),
        json!({"GrantId": id}),
        json!({"GrantToken": "none", "KeyId": account.key, "GrantId": id}),
        json!({"GrantToken": "none", "GrantId": id}),
    ] {
        let words = "You must specify either a GrantToken, or a KeyId and a GrantId.";
        account.call("RetireGrant", &input).refuses("ValidationException", words);
    }
    let garbage = account.call("RetireGrant", &json!({"GrantToken": "none"}));
    garbage.refuses("InvalidGrantTokenException", INVALID_TOKEN);
}

#[test]
fn what_create_grant_refuses() {
    let server = Server::start();
    let account = Account::root(&server);
    let root = format!("arn:aws:iam::{}:root", account.id);
    let with = |more: Value| try_grant(&server, server.root(), &account.other, &root, &more);
    let pairs = |count: usize| -> Value { (0..count).map(|n| (n.to_string(), json!("x"))).collect() };
    let either = "You must specify either GranteePrincipal or GranteeServicePrincipal";
    let service = "s3.amazonaws.com";
    let source = json!({"SourceArn": "arn:aws:s3::111122223333:nile"});
    for (more, words) in [
        (json!({"Operations": []}), "A grant must contain at least one operation."),
        (json!({"Operations": ["CreateGrant"]}), "Grants must not contain only the CreateGrant operation."),
        (
            json!({"Operations": ["Encrypt", "Sign"]}),
            "Operation Sign is not supported for key spec SYMMETRIC_DEFAULT and key usage ENCRYPT_DECRYPT.",
        ),
        (
            json!({"Operations": ["GetPublicKey"]}),
            "Operation GetPublicKey is not supported for key spec SYMMETRIC_DEFAULT and key usage ENCRYPT_DECRYPT.",
        ),
        (json!({"GranteePrincipal": null}), &format!("{either}.")),
        (json!({"GranteeServicePrincipal": service}), &format!("{either}, but not both.")),
        (
            json!({"RetiringPrincipal": root, "RetiringServicePrincipal": service}),
            "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
        ),
        (
            json!({"GranteePrincipal": null, "GranteeServicePrincipal": service, "RetiringPrincipal": root}),
            "You must specify a SourceArn grant constraint with a GranteeServicePrincipal.",
        ),
        (
            json!({"GranteePrincipal": null, "GranteeServicePrincipal": service, "Constraints": source}),
            "You must specify a RetiringPrincipal or a RetiringServicePrincipal with a GranteeServicePrincipal.",
        ),
        (
            json!({"GranteePrincipal": null, "GranteeServicePrincipal": "no.such.service", "Constraints": source,
                "RetiringPrincipal": root}),
            "no.such.service is not a valid service principal.",
        ),
        (
            json!({"Constraints": {"EncryptionContextEquals": {"a": "b"}, "EncryptionContextSubset": {"a": "b"}}}),
            "More than one constraint supplied",
        ),
        (
            json!({"Constraints": {"EncryptionContextSubset": pairs(9)}}),
            "A grant constraint can have at most 8 encryption context pairs.",
        ),
        (
            json!({"Constraints": {"EncryptionContextEquals": {"a": "\u{e9}".repeat(385)}}}),
            "An encryption context value in a grant constraint can have at most 384 characters.",
        ),
    ] {
        with(more).refuses("ValidationException", words);
    }
    assert_eq!(listed(&server, server.root(), &json!({"KeyId": account.other})), Vec::<String>::new());
}

#[test]
fn a_grant_names_only_principals_that_there_are() {
    let server = Server::start();
    let account = Account::root(&server);
    let root = format!("arn:aws:iam::{}:root", account.id);
    let with = |more: Value| try_grant(&server, server.root(), &account.other, &root, &more);
    let user = |name: &str| format!("arn:aws:iam::{}:user/{name}", account.id);
    for member in ["GranteePrincipal", "RetiringPrincipal"] {
        for wrong in [
            "nile".to_owned(),
            "s3.amazonaws.com".to_owned(),
            account.id.clone(),
            "arn:aws:iam::1:root".to_owned(),
            format!("arn:aws:iam::{}:group/rivers", account.id),
            format!("arn:aws:iam::{}:oidc-provider/nile.example.com", account.id),
        ] {
            with(json!({member: wrong})).refuses("InvalidArnException", &format!("Invalid arn {wrong}"));
        }
        for absent in [
            user("nobody"),
            "arn:aws:iam::999999999999:root".to_owned(),
            root.replace("arn:aws:", "arn:aws-cn:"),
            format!("arn:aws:iam::{}:role/nobody", account.id),
            format!("arn:aws:sts::{}:assumed-role/nobody/session", account.id),
        ] {
            let words = format!("ARN does not refer to a valid principal: {absent}");
            with(json!({member: absent})).refuses("InvalidArnException", &words);
        }
    }
    let by_alias = try_grant(&server, server.root(), &account.alias, &root, &json!({}));
    by_alias.refuses("NotFoundException", &format!("Invalid keyId '{}'", account.alias));
    let by_alias =
        try_grant(&server, server.root(), &alias_arn(&account.other, &account.alias), &root, &json!({}));
    assert_eq!(by_alias.error(), "NotFoundException");
    assert_eq!(listed(&server, server.root(), &json!({"KeyId": account.other})), Vec::<String>::new());
}

#[test]
fn what_is_just_within_the_limits_of_grants_is_granted() {
    let server = Server::start();
    let account = Account::root(&server);
    let root = format!("arn:aws:iam::{}:root", account.id);
    let with = |more: Value| try_grant(&server, server.root(), &account.other, &root, &more);
    let pairs = |count: usize| -> Value { (0..count).map(|n| (n.to_string(), json!("x"))).collect() };
    let service = "s3.amazonaws.com";
    let source = json!({"SourceArn": "arn:aws:s3::111122223333:nile"});
    for (just, more) in [
        ("8 pairs", json!({"Constraints": {"EncryptionContextSubset": pairs(8)}})),
        ("384 characters", json!({"Constraints": {"EncryptionContextEquals": {"a": "\u{e9}".repeat(384)}}})),
        (
            "a service",
            json!({"GranteePrincipal": null, "GranteeServicePrincipal": service, "Constraints": source,
                "RetiringServicePrincipal": service}),
        ),
    ] {
        let answer = with(more);
        assert_eq!(answer.status, 200, "{just}: {}", answer.text());
    }
}

#[test]
fn who_may_not_make_grants_is_not_told_who_exists() {
    let server = Server::start();
    let (account, other) = (Account::root(&server), server.create_account());
    let ana = server.create_user(server.root(), "ana");
    for grantee in [ana.arn.clone(), ana.arn.replace("ana", "nobody")] {
        for caller in [&ana.caller, &other] {
            is_denied(&try_grant(&server, caller, &account.key, &grantee, &json!({})));
        }
    }
}

#[test]
fn a_key_has_as_many_grants_as_it_may() {
    let server = Server::builder().config("[service]\ngrants_per_key = 2\n").start();
    let account = Account::root(&server);
    let root = format!("arn:aws:iam::{}:root", account.id);
    let make = |key: &str, more: Value| try_grant(&server, server.root(), key, &root, &more);
    let named = json!({"Name": "again"});
    let first = make(&account.other, named.clone()).output();
    assert_eq!(make(&account.other, json!({})).status, 200);
    make(&account.other, json!({})).refuses(
        "LimitExceededException",
        "You have reached the maximum number of grants that a KMS key can have (2).",
    );
    assert_eq!(make(&account.other, named).output()["GrantId"], first["GrantId"], "no grant was made");
    assert_eq!(make(&account.key, json!({})).status, 200);
    let revoke = json!({"KeyId": account.other, "GrantId": first["GrantId"]});
    assert_eq!(account.call("RevokeGrant", &revoke).status, 200);
    assert_eq!(make(&account.other, json!({})).status, 200);
}

#[test]
fn a_grant_is_listed_as_it_was_made() {
    let server = Server::start();
    let account = Account::root(&server);
    let (ana, ben) = (server.create_user(server.root(), "ana"), server.create_user(server.root(), "ben"));
    let root = format!("arn:aws:iam::{}:root", account.id);
    let source_arn = "arn:aws:s3::111122223333:nile";
    let full = json!({"Name": "full", "RetiringPrincipal": ben.arn, "Operations": ["Decrypt", "DescribeKey"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}, "SourceArn": source_arn}});
    let full = grant(&server, server.root(), &account.key, &ana.arn, &full);
    let plain = grant(&server, server.root(), &account.key, &root, &json!({"Operations": ["Encrypt"]}));
    let of_service = json!({"GranteePrincipal": null, "GranteeServicePrincipal": "s3.amazonaws.com",
        "RetiringServicePrincipal": "ec2.amazonaws.com", "Constraints": {"SourceArn": source_arn}});
    let of_service = grant(&server, server.root(), &account.key, &root, &of_service);
    let entry = |id: &str| {
        let answer = account.call("ListGrants", &json!({"KeyId": account.key, "GrantId": id})).output();
        assert_eq!((&answer["Truncated"], answer.get("NextMarker")), (&json!(false), None));
        let mut entry = answer["Grants"][0].clone();
        assert!(entry["CreationDate"].take().is_number());
        entry
    };
    assert_eq!(
        entry(&full.id),
        json!({"KeyId": account.key, "GrantId": full.id, "Name": "full", "CreationDate": null,
            "GranteePrincipal": ana.arn, "RetiringPrincipal": ben.arn, "IssuingAccount": root,
            "Operations": ["Decrypt", "DescribeKey"],
            "Constraints": {"EncryptionContextSubset": {"a": "b"}, "SourceArn": source_arn}})
    );
    assert_eq!(
        entry(&plain.id),
        json!({"KeyId": account.key, "GrantId": plain.id, "Name": "", "CreationDate": null, "GranteePrincipal": root,
            "IssuingAccount": root, "Operations": ["Encrypt"]})
    );
    assert_eq!(
        entry(&of_service.id),
        json!({"KeyId": account.key, "GrantId": of_service.id, "Name": "", "CreationDate": null,
            "GranteeServicePrincipal": "s3.amazonaws.com", "RetiringServicePrincipal": "ec2.amazonaws.com",
            "IssuingAccount": root, "Operations": ["Decrypt", "Encrypt"], "Constraints": {"SourceArn": source_arn}})
    );
}

#[test]
fn grants_are_listed_page_by_page_and_by_whom_they_are_to() {
    let server = Server::start();
    let account = Account::root(&server);
    let (ana, ben) = (server.create_user(server.root(), "ana"), server.create_user(server.root(), "ben"));
    let mut of_ana = Vec::new();
    for number in 0..7 {
        let to = if number % 2 == 0 { &ana } else { &ben };
        let made =
            grant(&server, server.root(), &account.other, &to.arn, &json!({"RetiringPrincipal": ben.arn}));
        if number % 2 == 0 {
            of_ana.push(made.id);
        }
    }
    of_ana.sort();
    for (operation, filter, count) in [
        ("ListGrants", json!({"KeyId": account.other}), 7),
        ("ListGrants", json!({"KeyId": account.other, "GranteePrincipal": ana.arn}), 4),
        ("ListGrants", json!({"KeyId": account.other, "GranteePrincipal": ana.id}), 4),
        ("ListRetirableGrants", json!({"RetiringPrincipal": ben.arn}), 7),
    ] {
        let mut found = Vec::new();
        let mut input = filter.clone();
        input["Limit"] = 2.into();
        loop {
            let page = account.call(operation, &input).output();
            let grants = page["Grants"].as_array().unwrap();
            assert!(grants.len() <= 2);
            found.extend(grants.iter().map(|grant| grant["GrantId"].as_str().unwrap().to_owned()));
            if page["Truncated"] == false {
                break;
            }
            input["Marker"] = page["NextMarker"].clone();
        }
        assert_eq!(found.len(), count, "{filter}");
        assert!(count != 4 || found == of_ana, "{filter}");
        input["Marker"] = json!("keys:none");
        assert_eq!(account.call(operation, &input).error(), "InvalidMarkerException");
    }
    let listed = |more: Value| {
        let mut input = json!({"KeyId": account.other});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        account.call("ListGrants", &input)
    };
    let none = json!({"Grants": [], "Truncated": false});
    let absent = ana.arn.replace("ana", "nobody");
    assert_eq!(listed(json!({"GranteePrincipal": absent})).output(), none);
    assert_eq!(listed(json!({"GranteePrincipal": ben.arn, "GrantId": of_ana[0]})).output(), none);
    assert_eq!(listed(json!({"GrantId": "0".repeat(64)})).output(), none);
    listed(json!({"GrantId": "0"})).refuses("InvalidGrantIdException", INVALID_ID);
    assert_eq!(listed(json!({"GranteePrincipal": "arn:aws:iam::1:root"})).error(), "InvalidArnException");
    let both = listed(json!({"GranteePrincipal": ana.arn, "GranteeServicePrincipal": "s3.amazonaws.com"}));
    assert_eq!(both.error(), "ValidationException");
    assert_eq!(listed(json!({"GranteeServicePrincipal": "s3.amazonaws.com"})).error(), "ValidationException");
}

#[test]
fn whoever_may_see_its_retiring_principal_sees_the_grants_on_whosever_keys() {
    let server = Server::start();
    let account = Account::root(&server);
    let other = Account::new(&server);
    let allow = |resource: &str| json!([{"Effect": "Allow", "Action": "kms:ListRetirableGrants", "Resource": resource}]);
    let retiring = server.create_user(server.root(), "retiring");
    let more = json!({"RetiringPrincipal": retiring.arn});
    let here = grant(&server, server.root(), &account.other, &retiring.arn, &more);
    let there = grant(&server, &other.caller, &other.key, &retiring.arn, &more);
    let list = |caller: &Caller| server.call_as(caller, "ListRetirableGrants", &more);
    let found = |answer: Answer| {
        let output = answer.output();
        let grants = output["Grants"].as_array().unwrap().iter();
        let mut ids: Vec<_> = grants.map(|grant| grant["GrantId"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let mut both = [here.id, there.id];
    both.sort();
    assert_eq!(found(list(server.root())), both);
    is_denied(&list(&retiring.caller));
    server.put_user_policy(server.root(), "retiring", &allow(&retiring.arn));
    assert_eq!(found(list(&retiring.caller)), both, "no permission on any key is needed");
    server.put_user_policy(server.root(), "retiring", &allow(&retiring.arn.replace("retiring", "somebody")));
    is_denied(&list(&retiring.caller));
    is_denied(&list(&other.caller));
    let elsewhere = list(&server.root().in_region("eu-north-1"));
    assert_eq!(found(elsewhere), Vec::<String>::new());
    for (input, error) in [
        (json!({}), "ValidationException"),
        (
            json!({"RetiringPrincipal": retiring.arn, "RetiringServicePrincipal": "s3.amazonaws.com"}),
            "ValidationException",
        ),
        (json!({"RetiringServicePrincipal": "s3.amazonaws.com"}), "ValidationException"),
        (json!({"RetiringPrincipal": "nile"}), "InvalidArnException"),
        (json!({"RetiringPrincipal": retiring.arn.replace("retiring", "nobody")}), "InvalidArnException"),
    ] {
        assert_eq!(account.call("ListRetirableGrants", &input).error(), error, "{input}");
    }
}

#[test]
fn a_grant_follows_its_user_to_another_name_and_not_to_another_user_of_the_name() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let made =
        grant(&server, server.root(), &account.other, &ana.arn, &json!({"RetiringPrincipal": ana.arn}));
    let _ = server.iam("UpdateUser", &[("UserName", "ana"), ("NewUserName", "anne")]).output();
    assert_eq!(encrypt(&server, &ana.caller, &account.other, &json!({})).status, 200);

    let later = server.create_user(server.root(), "ana");
    assert_eq!(later.arn, ana.arn);
    is_denied(&encrypt(&server, &later.caller, &account.other, &json!({})));
    is_denied(&server.call_as(&later.caller, "RetireGrant", &json!({"GrantToken": made.token})));
    let shown = account.call("ListGrants", &json!({"KeyId": account.other})).output()["Grants"][0].clone();
    assert_eq!((&shown["GranteePrincipal"], &shown["RetiringPrincipal"]), (&json!(ana.id), &json!(ana.id)));
    let by_name = json!({"KeyId": account.other, "GranteePrincipal": ana.arn});
    assert_eq!(listed(&server, server.root(), &by_name), Vec::<String>::new());
    let by_id = json!({"KeyId": account.other, "GranteePrincipal": ana.id});
    assert_eq!(listed(&server, server.root(), &by_id), [made.id]);
}

#[test]
fn a_grant_to_a_role_is_for_its_sessions_and_one_to_a_session_for_that_one() {
    let server = Server::start();
    let account = Account::root(&server);
    let role = server.create_role(server.root(), "nile", &account.id);
    let assume = json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role.arn}]);
    let ana = server.create_user_with(server.root(), "ana", &assume);
    let session = |name: &str| server.assume_role(&ana.caller, &role.arn, name);
    let (one, two) = (session("one"), session("two"));
    let denied = [&one, &two].map(|caller| encrypt(&server, caller, &account.key, &json!({})));
    denied.iter().for_each(is_denied);
    let of_one = format!("arn:aws:sts::{}:assumed-role/nile/one", account.id);
    let made = grant(&server, server.root(), &account.key, &of_one, &json!({}));
    assert_eq!(encrypt(&server, &one, &account.key, &json!({})).status, 200);
    is_denied(&encrypt(&server, &two, &account.key, &json!({})));
    let _ = account.call("RevokeGrant", &json!({"KeyId": account.key, "GrantId": made.id})).output();
    let _ = grant(&server, server.root(), &account.key, &role.arn, &json!({}));
    for caller in [&one, &two] {
        assert_eq!(encrypt(&server, caller, &account.key, &json!({})).status, 200);
    }
    is_denied(&encrypt(&server, &ana.caller, &account.key, &json!({})));
}

#[test]
fn a_grant_to_an_account_is_for_those_whom_the_account_lets() {
    let server = Server::start();
    let account = Account::root(&server);
    let other = server.create_account();
    let other_root = format!("arn:aws:iam::{}:root", server.account_id(&other));
    let allow = json!([{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": account.key}]);
    let (let_in, kept_out) =
        (server.create_user_with(&other, "in", &allow), server.create_user(&other, "out"));
    is_denied(&encrypt(&server, &other, &account.key, &json!({})));
    let _ = grant(&server, server.root(), &account.key, &other_root, &json!({}));
    assert_eq!(encrypt(&server, &other, &account.key, &json!({})).status, 200);
    assert_eq!(encrypt(&server, &let_in.caller, &account.key, &json!({})).status, 200);
    is_denied(&encrypt(&server, &kept_out.caller, &account.key, &json!({})));
    let short = encrypt(&server, &other, key_id(&account.key), &json!({}));
    assert_eq!(short.error(), "NotFoundException", "a bare id is the caller's own");
}

#[test]
fn no_grant_outweighs_a_deny() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let made = grant(&server, server.root(), &account.key, &ana.arn, &json!({}));
    let input = json!({"KeyId": account.key, "Plaintext": "AQ==", "GrantTokens": [made.token]});
    let deny = json!([{"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}]);
    server.put_user_policy(server.root(), "ana", &deny);
    is_denied(&server.call_as(&ana.caller, "Encrypt", &input));
    server.delete_user_policy(server.root(), "ana");
    assert_eq!(server.call_as(&ana.caller, "Encrypt", &input).status, 200);
    put_policy(
        &account,
        &[json!({"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"})],
    );
    is_denied(&server.call_as(&ana.caller, "Encrypt", &input));
}

#[test]
fn conditions_see_what_grant_is_asked_for() {
    let server = Server::start();
    let account = Account::root(&server);
    let ana = server.create_user(server.root(), "ana");
    let root = format!("arn:aws:iam::{}:root", account.id);
    let source = "arn:aws:s3::111122223333:nile";
    let context = json!({"Constraints": {"EncryptionContextSubset": {"project": "nile"}}});
    let of_service = json!({"GranteePrincipal": null, "GranteeServicePrincipal": "s3.amazonaws.com",
        "RetiringServicePrincipal": "ec2.amazonaws.com", "Constraints": {"SourceArn": source}});
    for (condition, meets, fails) in [
        (
            json!({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"]}}),
            json!({}),
            json!({"Operations": ["Encrypt", "DescribeKey"]}),
        ),
        (
            json!({"StringEquals": {"kms:GranteePrincipal": root}}),
            json!({}),
            json!({"GranteePrincipal": ana.arn}),
        ),
        (
            json!({"StringEquals": {"kms:RetiringPrincipal": ana.arn}}),
            json!({"RetiringPrincipal": ana.arn}),
            json!({"RetiringPrincipal": root}),
        ),
        (
            json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}),
            context.clone(),
            json!({"Constraints": {"EncryptionContextEquals": {"project": "nile"}}}),
        ),
        (json!({"StringEquals": {"kms:EncryptionContext:project": "nile"}}), context.clone(), json!({})),
        (json!({"Null": {"kms:EncryptionContextKeys": "false"}}), context, json!({})),
        (
            json!({"StringEquals": {"kms:GranteeServicePrincipal": "s3.amazonaws.com"}}),
            of_service.clone(),
            json!({}),
        ),
        (
            json!({"StringEquals": {"kms:RetiringServicePrincipal": "ec2.amazonaws.com"}}),
            of_service.clone(),
            json!({}),
        ),
        (json!({"ArnEquals": {"kms:GrantConstraintSourceArn": source}}), of_service, json!({})),
        (
            json!({"Bool": {"kms:GrantIsForAWSResource": "false"}, "StringEquals": {"kms:GranteePrincipal": root}}),
            json!({}),
            json!({"GranteePrincipal": ana.arn}),
        ),
    ] {
        let statement = json!({"Effect": "Allow", "Principal": {"AWS": ana.arn}, "Action": "kms:CreateGrant",
            "Resource": "*", "Condition": condition});
        put_policy(&account, &[statement]);
        let answer = try_grant(&server, &ana.caller, &account.key, &root, &meets);
        assert_eq!(answer.status, 200, "{condition} {meets}: {}", answer.text());
        is_denied(&try_grant(&server, &ana.caller, &account.key, &root, &fails));
    }
    let for_resources = json!({"Effect": "Allow", "Principal": {"AWS": ana.arn}, "Resource": "*",
        "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}});
    put_policy(&account, &[for_resources]);
    is_denied(&try_grant(&server, &ana.caller, &account.key, &root, &json!({})));
    is_denied(&server.call_as(&ana.caller, "ListGrants", &json!({"KeyId": account.key})));
}

#[test]
fn a_key_is_deleted_with_its_60_grants() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    let root = format!("arn:aws:iam::{}:root", account.id);
    let steward = server.create_user(server.root(), "steward");
    for number in 0..60 {
        let more = json!({"Name": format!("grant-{number}"), "RetiringPrincipal": steward.arn});
        let _ = grant(&server, server.root(), &account.other, &root, &more);
    }
    let kept = grant(&server, server.root(), &account.key, &root, &json!({"RetiringPrincipal": steward.arn}));
    let input = json!({"KeyId": account.other, "PendingWindowInDays": 7});
    let _ = account.call("ScheduleKeyDeletion", &input).output();
    assert_eq!(listed(&server, server.root(), &json!({"KeyId": account.other, "Limit": 100})).len(), 60);
    server.advance("8d");
    crate::lifecycle::until("the key is deleted", || {
        account.call("DescribeKey", &json!({"KeyId": account.other})).status != 200
    });
    let left = account
        .call("ListRetirableGrants", &json!({"RetiringPrincipal": steward.arn, "Limit": 100}))
        .output();
    let left = left["Grants"].as_array().unwrap().iter().map(|grant| grant["GrantId"].as_str().unwrap());
    assert_eq!(left.collect::<Vec<_>>(), [kept.id], "those on the other key");
}

#[test]
fn records_name_the_grant_and_never_its_token() {
    let server = Server::start();
    let account = Account::root(&server);
    let root = format!("arn:aws:iam::{}:root", account.id);
    let input = json!({"KeyId": account.key, "GranteePrincipal": root, "RetiringPrincipal": root, "Name": "nile",
        "Operations": ["Encrypt", "RetireGrant"], "Constraints": {"EncryptionContextSubset": {"a": "b"}}});
    let answer = account.call("CreateGrant", &input);
    let made = answer.output();
    let record = server.record_of(&answer);
    assert_eq!(
        record["requestParameters"],
        json!({"keyId": account.key, "granteePrincipal": root, "retiringPrincipal": root, "name": "nile",
            "operations": ["Encrypt", "RetireGrant"], "constraints": {"encryptionContextSubset": {"a": "b"}}})
    );
    assert_eq!(record["responseElements"], json!({"grantId": made["GrantId"], "keyId": account.key}));
    assert_eq!(record["resources"][0]["ARN"], account.key);

    let by_token = account.call("RetireGrant", &json!({"GrantToken": made["GrantToken"]}));
    assert_eq!(by_token.status, 200);
    let record = server.record_of(&by_token);
    assert_eq!(record["requestParameters"], Value::Null);
    assert_eq!(record["responseElements"], json!({"keyId": account.key}));
    assert_eq!(record["additionalEventData"], json!({"grantId": made["GrantId"]}));

    let second = account.call("CreateGrant", &input).output();
    let revoke = json!({"KeyId": account.key, "GrantId": second["GrantId"]});
    let record = server.record_of(&account.call("RevokeGrant", &revoke));
    assert_eq!(record["requestParameters"], json!({"keyId": account.key, "grantId": second["GrantId"]}));
    let journal = json!(server.journal()).to_string();
    for made in [made, second] {
        assert!(!journal.contains(made["GrantToken"].as_str().unwrap()));
    }
}

#[test]
fn a_grant_to_a_service_is_for_its_calls_for_that_resource() {
    let server = Server::start();
    let account = Account::root(&server);
    let service = service(&server);
    let call = |source: Option<&str>, operation: &str, input: &Value| {
        let request = server.request(operation, input.to_string());
        let request = source.into_iter().fold(request, |request, arn| request.with(SOURCE_ARN, arn));
        server.send(&request.signed(&service))
    };
    let source = "arn:aws:s3::111122223333:nile";
    let encrypt = json!({"KeyId": account.other, "Plaintext": "AQ=="});
    is_denied(&call(Some(source), "Encrypt", &encrypt));
    let more = json!({"GranteePrincipal": null, "GranteeServicePrincipal": S3, "RetiringServicePrincipal": S3,
        "Constraints": {"SourceArn": source}});
    let made = grant(&server, server.root(), &account.other, "", &more);
    assert_eq!(call(Some(source), "Encrypt", &encrypt).status, 200);
    is_denied(&call(None, "Encrypt", &encrypt));
    is_denied(&call(Some("arn:aws:s3::111122223333:congo"), "Encrypt", &encrypt));

    let retirable = call(None, "ListRetirableGrants", &json!({"RetiringServicePrincipal": S3})).output();
    assert_eq!(retirable["Grants"][0]["GrantId"], made.id);
    let another =
        call(None, "ListRetirableGrants", &json!({"RetiringServicePrincipal": "ec2.amazonaws.com"}));
    assert_eq!(another.error(), "ValidationException", "a service may ask for its own only");
    is_denied(&call(None, "ListRetirableGrants", &json!({"RetiringPrincipal": account.root_arn()})));
    assert_eq!(call(None, "RetireGrant", &json!({"GrantToken": made.token})).output(), Value::Null);
    is_denied(&call(Some(source), "Encrypt", &encrypt));
}

#[test]
fn a_grant_that_a_service_wants_on_behalf_of_somebody_is_for_an_aws_resource() {
    let server = Server::start();
    let account = Account::root(&server);
    let service = service(&server);
    let ana = server.create_user(server.root(), "ana");
    let actions = json!(["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]);
    let condition = json!({"Bool": {"kms:GrantIsForAWSResource": "true"}});
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": ana.arn}, "Action": actions, "Resource": "*",
        "Condition": condition});
    put_policy(&account, &[statement]);
    let on_behalf = |operation: &str, input: &Value| {
        let request = server.request(operation, input.to_string()).with(ON_BEHALF_OF, &ana.arn);
        server.send(&request.signed(&service))
    };
    let create = json!({"KeyId": account.key, "GranteePrincipal": ana.arn, "Operations": ["Encrypt"]});
    is_denied(&server.call_as(&ana.caller, "CreateGrant", &create));
    let made = on_behalf("CreateGrant", &create).output();
    let list = json!({"KeyId": account.key, "GrantId": made["GrantId"]});
    is_denied(&server.call_as(&ana.caller, "ListGrants", &list));
    assert_eq!(on_behalf("ListGrants", &list).output()["Grants"][0]["GranteePrincipal"], ana.arn);
    is_denied(&server.call_as(&ana.caller, "RevokeGrant", &list));
    assert_eq!(on_behalf("RevokeGrant", &list).output(), Value::Null);
}

/// An integrated service, which calls with these credentials.
fn service(server: &Server) -> Caller {
    let output = server.cardea(&["admin", "service", "create", S3]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Caller::of(&Environment::parse(&String::from_utf8(output.stdout).unwrap()))
}

/// The ARN of a key that is not there.
fn nowhere(key: &str) -> String {
    format!("{}/00000000-0000-4000-8000-000000000000", key.rsplit_once('/').unwrap().0)
}

const INVALID_TOKEN: &str = "The request was rejected because the specified grant token is not valid.";
const INVALID_ID: &str = "The request was rejected because the specified GrantId is not valid.";
const S3: &str = "s3.amazonaws.com";
const ON_BEHALF_OF: &str = "x-cardea-on-behalf-of";
const SOURCE_ARN: &str = "x-cardea-source-arn";
