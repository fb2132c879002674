//! `check-config` and `credential`, as they are typed.

use crate::folder::{CONFIGURATION, Folder, GOOD, ONE, TWO};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

#[test]
fn check_config_shows_what_a_good_configuration_would_do_and_no_secret() {
    let folder = Folder::new();
    folder.write(CONFIGURATION, GOOD);
    let output = run(&folder, &["check-config", "--config", CONFIGURATION]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for line in [
        "proxy.toml: OK\n",
        "listens at https://127.0.0.1:8443, metrics at none, data in data\n",
        "takes connections of everybody: mTLS is off\n",
        "key manager file: software, keys\n",
        "store https://xks.example.com/payments/kms/xks/v1: 1 keys of file, 1800 requests a second\n",
        "  credential PAYMENTSPAYMENTSPAYMENTS: 0 days old, ",
        "  credential CARDSCARDSCARDSCARDSCARDS: 0 days old, never expires\n",
        "  policy policy.json\n",
        "  policy of payments-2026: policy.json\n",
    ] {
        assert!(shown.contains(line), "{line}\n  is not in\n{shown}");
    }
    assert!(!shown.contains(ONE) && !shown.contains(TWO), "{shown}");
}

#[test]
fn check_config_tells_every_mistake_and_fails() {
    let folder = Folder::new();
    folder.write(CONFIGURATION, &GOOD.replace("\"/payments\"", "\"payments\"").replace("one.secret", "gone"));
    let output = run(&folder, &["check-config", "--config", CONFIGURATION]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(shown.starts_with("proxy.toml:18:15: `path_prefix` begins with a slash"), "{shown}");
    assert!(shown.contains("\nproxy.toml:27:26: `gone` cannot be read"), "{shown}");
}

#[test]
fn check_config_tries_the_key_managers_out_when_it_is_asked_to() {
    let folder = Folder::new();
    folder.write(CONFIGURATION, GOOD);
    let check = ["check-config", "--config", CONFIGURATION, "--open"];
    let output = run(&folder, &check);
    assert_eq!(output.status.code(), Some(1), "there is no key store");
    assert!(
        text(&output.stderr).contains("the key manager `file` cannot be opened"),
        "{}",
        text(&output.stderr)
    );
    let output = run(&folder, &["key", "init", "--config", CONFIGURATION]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = run(&folder, &check);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        shown.lines().any(|line| line.starts_with("key manager file: ") && line.ends_with(": ACTIVE")),
        "{shown}"
    );
}

#[test]
fn a_new_credential_is_taken_by_the_configuration_that_it_is_added_to() {
    let folder = Folder::new();
    let output = run(&folder, &["credential", "new", "--store", "/cards"]);
    let block = text(&output.stdout);
    assert!(
        block.starts_with("# Below the [[store]] with path_prefix = \"/cards\"\n[[store.credential]]\n"),
        "{block}"
    );
    let config = folder.read(&format!("{GOOD}{block}")).unwrap();
    let [_, made] = &config.stores[1].credentials[..] else { panic!("two credentials") };
    assert_eq!((made.access_key_id.len(), made.secret.expose().len()), (30, 64));
    let file = folder.path(&format!("{}.secret", made.access_key_id));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!block.contains(made.secret.expose()), "{block}");
}

#[test]
fn no_two_new_credentials_have_anything_in_common() {
    let folder = Folder::new();
    let one = text(&run(&folder, &["credential", "new"]).stdout);
    let other = text(&run(&folder, &["credential", "new"]).stdout);
    folder.read(&format!("{GOOD}{one}{other}")).unwrap();
}

#[test]
fn the_console_is_given_the_json_that_it_takes() {
    let folder = Folder::new();
    folder.write(CONFIGURATION, GOOD);
    let console = ["credential", "console", "--config", CONFIGURATION, "--store", "/cards"];
    let output = run(&folder, &console);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!({
        "XksProxyUriPath": "/cards/kms/xks/v1",
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": "CARDSCARDSCARDSCARDSCARDS",
            "RawSecretAccessKey": TWO,
        },
    });
    assert_eq!(found, expected);
    run(&folder, &[&console[..], &["--output", "console.json"]].concat());
    let file = folder.path("console.json");
    assert_eq!(std::fs::read(&file).unwrap(), output.stdout);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_console_is_given_nothing_where_it_is_unclear_which_credential_is_meant() {
    let folder = Folder::new();
    let block = text(&run(&folder, &["credential", "new"]).stdout);
    folder.write(CONFIGURATION, &format!("{GOOD}{block}"));
    for (arguments, told) in [
        (&["--store", "/cards"][..], "several of the store's credentials are good now"),
        (&["--store", "/none"], "there is no store with the prefix `/none`"),
        (&["--store", "/cards", "--access-key-id", "NOBODYS"], "the store has no credential `NOBODYS`"),
    ] {
        let output =
            run(&folder, &[&["credential", "console", "--config", CONFIGURATION], arguments].concat());
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
}

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_cardea-xks-proxy");
    Command::new(program).args(arguments).current_dir(folder.root()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
