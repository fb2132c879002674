//! The rules for aliases.

use crate::account::{Account, alias_arn, key_id};
use blackbox::Server;
use serde_json::{Value, json};

const NO_PREFIX: &str = "Alias must start with the prefix \"alias/\". Please see \
                         https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";

#[test]
fn an_alias_begins_with_its_prefix() {
    let server = Server::start();
    let account = Account::root(&server);
    for name in ["nile", "Alias/nile", "/alias/nile", "alias", "aliasnile"] {
        for operation in ["CreateAlias", "UpdateAlias", "DeleteAlias"] {
            let input = json!({"AliasName": name, "TargetKeyId": account.key});
            account.call(operation, &input).refuses("ValidationException", NO_PREFIX);
        }
    }
}

#[test]
fn awss_own_aliases_are_not_for_customers() {
    let server = Server::start();
    let account = Account::root(&server);
    for operation in ["CreateAlias", "UpdateAlias", "DeleteAlias"] {
        let input = json!({"AliasName": "alias/aws/s3", "TargetKeyId": account.key});
        account.call(operation, &input).refuses_without_a_word("NotAuthorizedException");
    }
}

#[test]
fn an_alias_has_a_name_without_colons() {
    let server = Server::start();
    let account = Account::root(&server);
    for name in ["alias/my:alias", "alias/", "alias/:"] {
        let input = json!({"AliasName": name, "TargetKeyId": account.key});
        let message = format!("{name} contains invalid characters for an alias");
        account.call("CreateAlias", &input).refuses("ValidationException", &message);
    }
}

#[test]
fn an_alias_refers_to_a_key_and_not_to_an_alias() {
    let server = Server::start();
    let account = Account::root(&server);
    for target in [account.alias.clone(), alias_arn(&account.key, &account.alias), "alias/none".to_owned()] {
        for operation in ["CreateAlias", "UpdateAlias"] {
            let input = json!({"AliasName": "alias/nile", "TargetKeyId": target});
            account
                .call(operation, &input)
                .refuses("ValidationException", "Aliases must refer to keys. Not aliases");
        }
    }
    let nowhere = json!({"AliasName": "alias/nile", "TargetKeyId": "00000000-0000-4000-8000-000000000000"});
    assert_eq!(account.call("CreateAlias", &nowhere).error(), "NotFoundException");
    let elsewhere = account.key.replace(&account.caller.region, "us-west-1");
    let elsewhere = json!({"AliasName": "alias/nile", "TargetKeyId": elsewhere});
    account.call("CreateAlias", &elsewhere).refuses("NotFoundException", "Invalid arn us-west-1");
}

#[test]
fn an_alias_is_there_once() {
    let server = Server::start();
    let account = Account::root(&server);
    for target in [&account.key, &account.other] {
        let input = json!({"AliasName": account.alias, "TargetKeyId": target});
        let message =
            format!("An alias with the name {} already exists", alias_arn(&account.key, &account.alias));
        account.call("CreateAlias", &input).refuses("AlreadyExistsException", &message);
    }
    let aliases = account.call("ListAliases", &json!({})).output()["Aliases"].clone();
    assert_eq!(aliases.as_array().unwrap().len(), 1);
    assert_eq!(aliases[0]["TargetKeyId"], key_id(&account.key));
}

#[test]
fn aliases_differ_by_case() {
    let server = Server::start();
    let account = Account::root(&server);
    for (name, key) in [("alias/Nile", &account.key), ("alias/nile", &account.other)] {
        let _ = account.call("CreateAlias", &json!({"AliasName": name, "TargetKeyId": key})).output();
    }
    for (name, key) in [("alias/Nile", &account.key), ("alias/nile", &account.other)] {
        let described = account.call("DescribeKey", &json!({"KeyId": name})).output();
        assert_eq!(described["KeyMetadata"]["Arn"], *key);
    }
}

#[test]
fn a_key_has_at_most_50_aliases_whether_made_or_moved() {
    let server = Server::start();
    let account = Account::root(&server);
    let create = |number: usize, key: &str| {
        account.call("CreateAlias", &json!({"AliasName": format!("alias/n/{number}"), "TargetKeyId": key}))
    };
    for number in 1..50 {
        let _ = create(number, &account.key).output();
    }
    assert_eq!(create(50, &account.key).error(), "LimitExceededException");
    let _ = create(50, &account.other).output();
    let moved = json!({"AliasName": "alias/n/50", "TargetKeyId": account.key});
    assert_eq!(account.call("UpdateAlias", &moved).error(), "LimitExceededException");
    let _ =
        account.call("UpdateAlias", &json!({"AliasName": "alias/n/1", "TargetKeyId": account.key})).output();
    let _ = account.call("DeleteAlias", &json!({"AliasName": "alias/n/1"})).output();
    let _ = account.call("UpdateAlias", &moved).output();
}

#[test]
fn a_moved_alias_names_its_new_key_at_once_and_remembers_when() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    let entry = || account.call("ListAliases", &json!({})).output()["Aliases"][0].clone();
    let before = entry();
    assert_eq!(before["CreationDate"], before["LastUpdatedDate"]);
    server.advance("1h");
    let _ = account
        .call("UpdateAlias", &json!({"AliasName": account.alias, "TargetKeyId": account.other}))
        .output();
    let after = entry();
    assert_eq!(
        (&after["TargetKeyId"], &after["CreationDate"]),
        (&json!(key_id(&account.other)), &before["CreationDate"])
    );
    let later = after["LastUpdatedDate"].as_f64().unwrap() - before["LastUpdatedDate"].as_f64().unwrap();
    assert!((3600.0..3700.0).contains(&later), "{later}");
    let described = account.call("DescribeKey", &json!({"KeyId": account.alias})).output();
    assert_eq!(described["KeyMetadata"]["Arn"], account.other);
    for (key, count) in [(&account.key, 0), (&account.other, 1)] {
        let listed = account.call("ListAliases", &json!({"KeyId": key})).output();
        assert_eq!(listed["Aliases"].as_array().unwrap().len(), count);
    }
}

#[test]
fn an_alias_that_is_not_there_can_neither_be_moved_nor_deleted() {
    let server = Server::start();
    let account = Account::root(&server);
    let message = format!("Alias {} is not found.", alias_arn(&account.key, "alias/none"));
    let input = json!({"AliasName": "alias/none", "TargetKeyId": account.key});
    account.call("UpdateAlias", &input).refuses("NotFoundException", &message);
    account.call("DeleteAlias", &json!({"AliasName": "alias/none"})).refuses("NotFoundException", &message);
    assert_eq!(account.call("DeleteAlias", &json!({"AliasName": account.alias})).output(), Value::Null);
    let gone = format!("Alias {} is not found.", alias_arn(&account.key, &account.alias));
    account.call("DeleteAlias", &json!({"AliasName": account.alias})).refuses("NotFoundException", &gone);
    assert_eq!(account.state(&account.key), "Enabled");
}

#[test]
fn an_alias_moves_only_to_a_key_of_the_same_kind_and_usage() {
    let server = Server::start();
    let made = |input: Value| {
        let made = server.call("CreateKey", &input).output();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    };
    let symmetric = made(json!({}));
    let encrypting = made(json!({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}));
    let signing = made(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}));
    let _ =
        server.call("CreateAlias", &json!({"AliasName": "alias/nile", "TargetKeyId": symmetric})).output();
    let alias = alias_arn(&symmetric, "alias/nile");
    let refused = [
        (&encrypting, "of the kind symmetric", "of the kind asymmetric"),
        (&signing, "with key usage ENCRYPT_DECRYPT", "with key usage SIGN_VERIFY"),
    ];
    for (key, from, to) in refused {
        let message = format!("Alias {alias} cannot be changed from a CMK {from} to a CMK {to}");
        server
            .call("UpdateAlias", &json!({"AliasName": "alias/nile", "TargetKeyId": key}))
            .refuses("ValidationException", &message);
    }
    let other = made(json!({}));
    assert_eq!(
        server.call("UpdateAlias", &json!({"AliasName": "alias/nile", "TargetKeyId": other})).status,
        200
    );
}
