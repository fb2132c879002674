//! Ciphertexts: opened by their key in their context, and by nothing else; refused without a word when they are not whole.

use crate::account::{Account, PLAINTEXT, key_id};
use blackbox::{Answer, Server, base64, bytes};
use serde_json::{Value, json};

const INCORRECT_KEY: &str =
    "The key ID in the request does not identify a CMK that can perform this operation.";

fn decrypt(account: &Account<'_>, blob: &[u8]) -> Answer {
    account.call("Decrypt", &json!({"CiphertextBlob": base64(blob)}))
}

#[test]
fn a_plaintext_of_any_size_comes_back_and_no_two_ciphertexts_are_alike() {
    let server = Server::start();
    let account = Account::root(&server);
    for size in [1, 2, 15, 16, 17, 255, 4095, 4096] {
        let plaintext: Vec<u8> = (0..size).map(|at| (at * 7 % 256) as u8).collect();
        let (one, two) =
            (account.encrypt(&account.key, &plaintext), account.encrypt(&account.key, &plaintext));
        assert_ne!(one, two, "{size}");
        let blob = bytes(&json!(one));
        assert!(blob.len() <= 6144, "{size}: {}", blob.len());
        let answer = decrypt(&account, &blob).output();
        assert_eq!(bytes(&answer["Plaintext"]), plaintext);
        assert_eq!(answer["KeyId"], account.key);
        assert_eq!(answer["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
    }
}

#[test]
fn not_one_byte_of_a_ciphertext_can_be_changed() {
    let server = Server::start();
    let account = Account::root(&server);
    let blob = bytes(&json!(account.ciphertext));
    for at in 0..blob.len() {
        for mask in [0x01, 0x80] {
            let mut tampered = blob.clone();
            tampered[at] ^= mask;
            let answer = decrypt(&account, &tampered);
            match answer.error().as_str() {
                "InvalidCiphertextException" => answer.refuses_without_a_word("InvalidCiphertextException"),
                // The changed byte names another key, which is not there.
                "AccessDeniedException" => {
                    answer.refuses("AccessDeniedException", &account.denial("kms:Decrypt"))
                }
                other => panic!("byte {at}: {other}"),
            }
            let named = json!({"CiphertextBlob": base64(&tampered), "KeyId": account.key});
            let error = account.call("Decrypt", &named).error();
            assert!(
                ["InvalidCiphertextException", "IncorrectKeyException"].contains(&error.as_str()),
                "byte {at}: {error}"
            );
        }
    }
}

#[test]
fn a_ciphertext_cannot_be_cut_or_extended_anywhere() {
    let server = Server::start();
    let account = Account::root(&server);
    let blob = bytes(&json!(account.ciphertext));
    for length in 1..blob.len() {
        decrypt(&account, &blob[..length]).refuses_without_a_word("InvalidCiphertextException");
    }
    for start in [1, 2, 16, blob.len() / 2] {
        decrypt(&account, &blob[start..]).refuses_without_a_word("InvalidCiphertextException");
    }
    for more in [&[0][..], &[1; 16], &blob] {
        decrypt(&account, &[&blob, more].concat()).refuses_without_a_word("InvalidCiphertextException");
        decrypt(&account, &[more, &blob].concat()).refuses_without_a_word("InvalidCiphertextException");
    }
    decrypt(&account, &[0; 6144]).refuses_without_a_word("InvalidCiphertextException");
    decrypt(&account, &[0]).refuses_without_a_word("InvalidCiphertextException");
}

#[test]
fn parts_of_two_ciphertexts_make_none() {
    let server = Server::start();
    let account = Account::root(&server);
    let one = bytes(&json!(account.ciphertext));
    for other in [account.encrypt(&account.key, PLAINTEXT), account.encrypt(&account.other, PLAINTEXT)] {
        let other = bytes(&json!(other));
        for at in 1..one.len().min(other.len()) {
            let spliced = [&one[..at], &other[at..]].concat();
            if spliced != one && spliced != other {
                let error = decrypt(&account, &spliced).error();
                assert!(
                    ["InvalidCiphertextException", "AccessDeniedException"].contains(&error.as_str()),
                    "at {at}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_ciphertext_opens_in_its_context_only() {
    let server = Server::start();
    let account = Account::root(&server);
    let context = json!({"river": "nile", "bank": "left", "": "", "\u{e9}": "\u{1f511}"});
    let made = account.call(
        "Encrypt",
        &json!({"KeyId": account.key, "Plaintext": base64(PLAINTEXT), "EncryptionContext": context}),
    );
    let blob = made.output()["CiphertextBlob"].clone();
    let open = |context: Value| {
        account.call("Decrypt", &json!({"CiphertextBlob": blob, "EncryptionContext": context}))
    };
    let reordered: Value =
        serde_json::from_str("{\"\u{e9}\":\"\u{1f511}\",\"\":\"\",\"bank\":\"left\",\"river\":\"nile\"}")
            .unwrap();
    for same in [context.clone(), reordered] {
        assert_eq!(bytes(&open(same).output()["Plaintext"]), PLAINTEXT);
    }
    let with = |key: &str, value: &str| {
        let mut changed = context.clone();
        changed[key] = json!(value);
        changed
    };
    let without = |key: &str| {
        let mut changed = context.clone();
        let _ = changed.as_object_mut().unwrap().remove(key);
        changed
    };
    let wrong = [
        Value::Null,
        json!({}),
        with("river", "Nile"),
        with("river", "nile "),
        with("more", ""),
        without(""),
        without("bank"),
        json!({"nile": "river", "left": "bank", "": "", "\u{e9}": "\u{1f511}"}),
        with("e\u{301}", "x"),
        json!({"river": "nilebank", "left": "", "": "", "\u{e9}": "\u{1f511}"}),
    ];
    for context in wrong {
        open(context).refuses_without_a_word("InvalidCiphertextException");
    }
}

#[test]
fn no_context_and_an_empty_one_are_the_same() {
    let server = Server::start();
    let account = Account::root(&server);
    let encrypt = |context: Value| {
        let input =
            json!({"KeyId": account.key, "Plaintext": base64(PLAINTEXT), "EncryptionContext": context});
        account.call("Encrypt", &input).output()["CiphertextBlob"].clone()
    };
    for made in [Value::Null, json!({})] {
        let blob = encrypt(made);
        for opened in [Value::Null, json!({})] {
            let input = json!({"CiphertextBlob": blob, "EncryptionContext": opened});
            assert_eq!(bytes(&account.call("Decrypt", &input).output()["Plaintext"]), PLAINTEXT);
        }
    }
}

#[test]
fn data_keys_are_bound_to_their_context_too() {
    let server = Server::start();
    let account = Account::root(&server);
    for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        let input = json!({"KeyId": account.key, "KeySpec": "AES_256", "EncryptionContext": {"a": "b"}});
        let blob = account.call(operation, &input).output()["CiphertextBlob"].clone();
        account
            .call("Decrypt", &json!({"CiphertextBlob": blob}))
            .refuses_without_a_word("InvalidCiphertextException");
        let opened =
            account.call("Decrypt", &json!({"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}));
        assert_eq!(opened.status, 200);
    }
}

#[test]
fn a_ciphertext_under_another_key_than_the_named_one_is_of_an_incorrect_key() {
    let server = Server::start();
    let account = Account::root(&server);
    for named in [&account.other, &account.other.rsplit_once('/').unwrap().1.to_owned()] {
        let input = json!({"CiphertextBlob": account.ciphertext, "KeyId": named});
        account.call("Decrypt", &input).refuses("IncorrectKeyException", INCORRECT_KEY);
        let input = json!({"CiphertextBlob": account.ciphertext, "SourceKeyId": named, "DestinationKeyId": account.key});
        account.call("ReEncrypt", &input).refuses("IncorrectKeyException", INCORRECT_KEY);
    }
}

#[test]
fn an_alias_that_moved_does_not_take_the_ciphertexts_along() {
    let server = Server::start();
    let account = Account::root(&server);
    let by_alias = json!({"CiphertextBlob": account.ciphertext, "KeyId": account.alias});
    assert_eq!(account.call("Decrypt", &by_alias).status, 200);
    let _ = account
        .call("UpdateAlias", &json!({"AliasName": account.alias, "TargetKeyId": account.other}))
        .output();
    account.call("Decrypt", &by_alias).refuses("IncorrectKeyException", INCORRECT_KEY);
}

#[test]
fn a_ciphertext_of_another_account_opens_for_nobody_else() {
    let server = Server::start();
    let (owner, stranger) = (Account::new(&server), Account::new(&server));
    let denied = stranger.denial("kms:Decrypt");
    decrypt(&stranger, &bytes(&json!(owner.ciphertext))).refuses("AccessDeniedException", &denied);
    let named = json!({"CiphertextBlob": owner.ciphertext, "KeyId": owner.key});
    stranger.call("Decrypt", &named).refuses("AccessDeniedException", &denied);
    let under_own_key = json!({"CiphertextBlob": owner.ciphertext, "KeyId": stranger.key});
    stranger.call("Decrypt", &under_own_key).refuses("IncorrectKeyException", INCORRECT_KEY);
    let re_encrypt = json!({"CiphertextBlob": owner.ciphertext, "DestinationKeyId": stranger.key});
    stranger
        .call("ReEncrypt", &re_encrypt)
        .refuses("AccessDeniedException", &stranger.denial("kms:ReEncryptFrom"));
    assert_eq!(bytes(&decrypt(&owner, &bytes(&json!(owner.ciphertext))).output()["Plaintext"]), PLAINTEXT);
}

#[test]
fn the_bare_id_of_another_accounts_key_will_do_beside_a_ciphertext_that_it_made() {
    let server = Server::start();
    let (owner, user, stranger) = (Account::new(&server), Account::new(&server), Account::new(&server));
    let grant = json!({"KeyId": owner.key, "GranteePrincipal": format!("arn:aws:iam::{}:root", user.id),
        "Operations": ["Decrypt", "ReEncryptFrom"]});
    let _ = owner.call("CreateGrant", &grant).output();
    let id = key_id(&owner.key);
    let opened = json!({"CiphertextBlob": owner.ciphertext, "KeyId": id});
    let closed = json!({"CiphertextBlob": owner.ciphertext, "SourceKeyId": id, "DestinationKeyId": user.key});
    let answer = user.call("Decrypt", &opened).output();
    assert_eq!((bytes(&answer["Plaintext"]).as_slice(), &answer["KeyId"]), (PLAINTEXT, &json!(owner.key)));
    assert_eq!(user.call("ReEncrypt", &closed).output()["SourceKeyId"], owner.key);

    // Whoever may not use it learns as little as with the ARN, and a ciphertext of another key names nothing.
    stranger.call("Decrypt", &opened).denies(&stranger.denial("kms:Decrypt"));
    let of_own = json!({"CiphertextBlob": user.ciphertext, "KeyId": id});
    assert_eq!(user.call("Decrypt", &of_own).error(), "NotFoundException");
    let of_other = json!({"CiphertextBlob": owner.ciphertext, "KeyId": key_id(&user.key)});
    user.call("Decrypt", &of_other).refuses("IncorrectKeyException", INCORRECT_KEY);
    let wrong = json!({"CiphertextBlob": base64(b"no ciphertext"), "KeyId": key_id(&user.key)});
    user.call("Decrypt", &wrong).refuses_without_a_word("InvalidCiphertextException");
}

#[test]
fn a_ciphertext_of_another_installation_is_worth_nothing() {
    let (one, two) = (Server::start(), Server::start());
    let (here, there) = (Account::root(&one), Account::root(&two));
    let answer = decrypt(&here, &bytes(&json!(there.ciphertext)));
    assert!(["AccessDeniedException", "InvalidCiphertextException"].contains(&answer.error().as_str()));
    let named = json!({"CiphertextBlob": there.ciphertext, "KeyId": here.key});
    here.call("Decrypt", &named).refuses("IncorrectKeyException", INCORRECT_KEY);
}

#[test]
fn re_encryption_changes_the_key_and_the_context_and_drops_the_old_one() {
    let server = Server::start();
    let account = Account::root(&server);
    let made = account.call(
        "Encrypt",
        &json!({"KeyId": account.key, "Plaintext": base64(PLAINTEXT), "EncryptionContext": {"from": "here"}}),
    );
    let blob = made.output()["CiphertextBlob"].clone();
    let re_encrypt = |context: Value| {
        let input = json!({"CiphertextBlob": blob, "SourceEncryptionContext": {"from": "here"},
            "DestinationKeyId": account.other, "DestinationEncryptionContext": context});
        account.call("ReEncrypt", &input).output()["CiphertextBlob"].clone()
    };
    for (context, works) in [(json!({"to": "there"}), json!({"to": "there"})), (Value::Null, Value::Null)] {
        let new = re_encrypt(context);
        let opened =
            account.call("Decrypt", &json!({"CiphertextBlob": new, "EncryptionContext": works})).output();
        assert_eq!(
            (bytes(&opened["Plaintext"]).as_slice(), &opened["KeyId"]),
            (PLAINTEXT, &json!(account.other))
        );
        let old_context = json!({"CiphertextBlob": new, "EncryptionContext": {"from": "here"}});
        account.call("Decrypt", &old_context).refuses_without_a_word("InvalidCiphertextException");
    }
    let wrong = json!({"CiphertextBlob": blob, "DestinationKeyId": account.other});
    account.call("ReEncrypt", &wrong).refuses_without_a_word("InvalidCiphertextException");
}

#[test]
fn only_the_keys_own_algorithm_encrypts_and_decrypts() {
    let server = Server::start();
    let account = Account::root(&server);
    let message = "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.";
    let calls = [
        (
            "Encrypt",
            json!({"KeyId": account.key, "Plaintext": "AQ==", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
        ),
        (
            "Decrypt",
            json!({"KeyId": account.key, "CiphertextBlob": account.ciphertext, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
        ),
        (
            "ReEncrypt",
            json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": account.other,
            "DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
        ),
    ];
    for (operation, input) in calls {
        account.call(operation, &input).refuses("InvalidKeyUsageException", message);
    }
}

#[test]
fn a_data_key_has_its_length_said_in_exactly_one_way() {
    let server = Server::start();
    let account = Account::root(&server);
    for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        for input in [
            json!({"KeyId": account.key}),
            json!({"KeyId": account.key, "KeySpec": "AES_256", "NumberOfBytes": 32}),
        ] {
            account
                .call(operation, &input)
                .refuses("ValidationException", "Please specify either number of bytes or key spec.");
        }
    }
    for input in [json!({}), json!({"NumberOfBytes": null})] {
        account.call("GenerateRandom", &input).refuses("ValidationException", "NumberOfBytes is required.");
    }
}

#[test]
fn random_bytes_from_a_key_store_that_is_not_there_are_not_to_be_had() {
    let server = Server::start();
    let input = json!({"NumberOfBytes": 8, "CustomKeyStoreId": "cks-1234567890abcdef0"});
    assert_eq!(server.call("GenerateRandom", &input).error(), "CustomKeyStoreNotFoundException");
}

#[test]
fn a_context_has_at_most_8192_bytes() {
    let server = Server::start();
    let account = Account::root(&server);
    let of = |bytes: usize| json!({"KeyId": account.key, "Plaintext": "AQ==", "EncryptionContext": {"k": "v".repeat(bytes - 1)}});
    assert_eq!(account.call("Encrypt", &of(8192)).status, 200);
    assert_eq!(account.call("Encrypt", &of(8193)).error(), "ValidationException");
}

#[test]
fn grant_tokens_that_are_none_are_refused() {
    let server = Server::start();
    let account = Account::root(&server);
    for operation in [
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "DescribeKey",
    ] {
        let mut input = crate::requests::minimal(operation, &account);
        input["GrantTokens"] = json!(["no-grant-token"]);
        assert_eq!(account.call(operation, &input).error(), "InvalidGrantTokenException", "{operation}");
        input["GrantTokens"] = json!([]);
        assert_eq!(account.call(operation, &input).status, 200, "{operation}");
    }
}
