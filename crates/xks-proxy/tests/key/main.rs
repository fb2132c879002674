//! `cardea-xks-proxy key …`, as whoever operates a proxy calls it.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod folder;

use folder::{Folder, PASSPHRASE};
use serde_json::json;

#[test]
fn a_key_has_a_life_from_its_making_to_its_destruction() {
    let folder = Folder::with_store();
    folder.says("is made (generation 2)", &["create", "payments"]);
    folder.says("has version 2, which encrypts from now on", &["rotate", "payments"]);
    folder.says("is disabled", &["disable", "payments"]);
    let shown = folder.json(&["show", "payments", "--json"]);
    assert_eq!(shown["status"], "disabled");
    assert_eq!(shown["newestVersion"], 2);
    folder.says("is enabled", &["enable", "payments"]);
    folder.says(
        "has version 1 no longer",
        &["destroy", "payments", "--version", "1", "--yes-destroy", "payments"],
    );
    let shown = folder.says("id:       payments", &["show", "payments"]);
    assert!(shown.contains("version 1: destroyed") && shown.contains("version 2: newest"), "{shown}");
    folder.refuses("is not disabled", &["destroy", "payments", "--yes-destroy", "payments"]);
    folder.says("is disabled", &["disable", "payments"]);
    folder.refuses("say --yes-destroy payments", &["destroy", "payments"]);
    folder.refuses("say --yes-destroy payments", &["destroy", "payments", "--yes-destroy", "payment"]);
    folder.says("is destroyed", &["destroy", "payments", "--yes-destroy", "payments"]);
    folder.refuses("its id is not given again", &["create", "payments"]);
    folder.refuses("there is no key `payments`", &["rotate", "payments"]);
}

#[test]
fn a_list_has_every_key_with_what_it_is_for() {
    let folder = Folder::with_store();
    folder.says("is made", &["create", "both"]);
    folder.says("is made", &["create", "reads", "--usage", "decrypt"]);
    folder.says("is made", &["create", "writes", "--usage", "encrypt"]);
    let list = folder.json(&["list", "--json"]);
    assert_eq!((&list["generation"], &list["protector"]), (&json!(4), &json!("passphrase")));
    let of = |at: usize| (list["keys"][at]["id"].clone(), list["keys"][at]["usage"].clone());
    assert_eq!(of(0), (json!("both"), json!(["ENCRYPT", "DECRYPT"])));
    assert_eq!(of(1), (json!("reads"), json!(["DECRYPT"])));
    assert_eq!(of(2), (json!("writes"), json!(["ENCRYPT"])));
    let text = folder.says("ID", &["list"]);
    assert_eq!(text.lines().count(), 4);
    assert!(text.lines().any(|line| line.starts_with("both") && line.contains("ENCRYPT,DECRYPT")), "{text}");
    folder.refuses("1 to 128 of the characters", &["create", "no/id"]);
    folder.refuses("there is no key `other`", &["show", "other"]);
    folder.refuses("there is a key `both` already", &["create", "both"]);
}

#[test]
fn a_backup_comes_back_and_undoes_nothing_unless_that_is_said() {
    let folder = Folder::with_store();
    folder.says("is made", &["create", "one"]);
    let backup = folder.path("backup");
    folder.says("generation 2 is in", &["backup", &backup]);
    folder.refuses("is there already", &["backup", &backup]);
    folder.says("is made", &["create", "two"]);
    folder.refuses("say --overwrite", &["restore", &backup]);
    folder.refuses("say --roll-back", &["restore", &backup, "--overwrite"]);
    assert_eq!(folder.json(&["list", "--json"])["keys"].as_array().unwrap().len(), 2);
    folder.says("as generation 4", &["restore", &backup, "--overwrite", "--roll-back"]);
    assert_eq!(folder.json(&["list", "--json"])["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_passphrase_comes_from_a_file_or_the_environment_and_can_be_changed() {
    let folder = Folder::with_store();
    let store = folder.path("keys");
    let named = ["list", "--store", &store];
    assert!(folder.run_with(&named, Some(("CARDEA_KEY_STORE_PASSPHRASE", PASSPHRASE))).0.success());
    let (status, _, told) =
        folder.run_with(&named, Some(("CARDEA_KEY_STORE_PASSPHRASE", "wrong passphrase")));
    assert!(!status.success() && told.contains("wrong passphrase"), "{told}");
    folder.write_private("next", "an entirely new passphrase\n");
    folder.says(
        "under the new passphrase",
        &["change-passphrase", "--new-passphrase-file", &folder.path("next")],
    );
    folder.refuses("wrong passphrase", &["list"]);
    std::fs::rename(folder.path("next"), folder.path("passphrase")).unwrap();
    folder.says("ID", &["list"]);
    folder.write_private("short", "too short\n");
    let short = ["change-passphrase", "--new-passphrase-file", &folder.path("short")];
    folder.refuses("at least 12 characters", &short);
}

#[test]
fn who_names_no_store_or_one_that_is_there_is_told() {
    let folder = Folder::with_store();
    folder.refuses("is there already", &["init"]);
    let (status, _, told) = folder.run_with(&["list"], None);
    assert!(!status.success() && told.contains("either --config FILE or --store FILE"), "{told}");
    folder.refuses("--library, --token, --pin-file and --token-key", &["list", "--token", "one"]);
    folder.refuses("--seal-file and --domain-file", &["list", "--protector", "module"]);
    let help = folder.run_with(&["--help"], None).1;
    assert!(!help.contains("--passphrase "), "no passphrase is an argument: {help}");
}

#[test]
fn the_store_of_a_configuration_is_found_there() {
    let folder = Folder::with_store();
    let one = folder.configuration(1);
    let run = |words: &[&str], config: &str| {
        let (status, out, told) = folder.run_with(&[words, &["--config", config]].concat(), None);
        (status.success(), format!("{out}{told}"))
    };
    assert_eq!(run(&["create", "one"], &one), (true, "the key `one` is made (generation 2)\n".to_owned()));
    assert!(run(&["list", "--passphrase-file", "other"], &one).1.contains("is in the configuration"));
    let two = folder.configuration(2);
    let several = run(&["list"], &two);
    assert!(!several.0 && several.1.contains("say which with --key-manager"), "{several:?}");
    assert!(run(&["init", "--key-manager", "keys-1"], &two).0);
    assert!(run(&["show", "one", "--key-manager", "keys"], &two).0);
    let none = run(&["list", "--key-manager", "other"], &two);
    assert!(!none.0 && none.1.contains("no software key manager `other`"), "{none:?}");
}

#[test]
fn nothing_that_is_printed_holds_the_passphrase() {
    let folder = Folder::with_store();
    folder.says("is made", &["create", "one"]);
    for words in [&["list", "--json"][..], &["show", "one"], &["rotate", "two"], &["init"]] {
        let (_, out, told) = folder.run_with_store(words);
        assert!(!out.contains(PASSPHRASE) && !told.contains(PASSPHRASE), "{words:?}");
    }
}
