//! What is refused, where and in which words. Each of these is one change of a good configuration.

use crate::folder::{Folder, GOOD, ONE, POLICY};

#[test]
fn what_is_wrong_with_the_whole_is_told_with_its_place_and_what_to_do() {
    refused(THE_WHOLE);
}

#[test]
fn what_is_wrong_with_tls_is_told_with_its_place_and_what_to_do() {
    refused(TLS);
}

#[test]
fn what_is_wrong_with_limits_is_told_with_its_place_and_what_to_do() {
    refused(LIMITS);
}

#[test]
fn what_is_wrong_with_a_key_manager_is_told_with_its_place_and_what_to_do() {
    refused(KEY_MANAGERS);
}

#[test]
fn what_is_wrong_with_a_store_is_told_with_its_place_and_what_to_do() {
    refused(STORES);
}

#[test]
fn a_path_or_a_uri_that_aws_would_not_take_is_refused() {
    let path = format!("\"/{}\"", "a".repeat(118));
    let endpoint = format!("https://xks.{}.example.com", ["a"; 110].join("."));
    refused(&[
        (
            "\"/payments\"",
            &path,
            "18:15: `path_prefix` has at most 117 characters, so that the path has 128; it has 119",
        ),
        ("https://xks.example.com", &endpoint, "18:15: `endpoint` and `path_prefix` are too long together"),
    ]);
}

#[test]
fn a_secret_in_place_of_the_file_of_one_is_refused() {
    let told = "36:26: `secret_access_key_file` looks like a secret itself";
    refused(&[("\"two.secret\"", &format!("\"{ONE}\""), told)]);
}

#[test]
fn what_is_wrong_with_a_credential_is_told_with_its_place_and_what_to_do() {
    refused(CREDENTIALS);
}

#[test]
fn two_stores_that_show_all_keys_of_one_key_manager_are_refused() {
    let folder = Folder::new();
    let all = GOOD.replace("keys = [\"payments-2026\"]\n", "").replace("keys = [\"cards-2026\"]\n", "");
    let found = folder.mistakes(&all);
    assert_eq!(
        found,
        "proxy.toml:31:15: two stores show all keys of `file`, so they would not be apart: name the `keys` of each"
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let folder = Folder::new();
    let changed = GOOD
        .replace("data = ", "dta = ")
        .replace("\"private-key.pem\"", "\"gone.pem\"")
        .replace("\"150ms\"", "150")
        .replace("\"software\"", "\"hardware\"")
        .replace("/payments\"", "/payments/\"")
        .replace("\"one.secret\"", "\"gone.secret\"")
        .replace("[\"cards-2026\"]", "\"cards-2026\"");
    let found = folder.mistakes(&changed);
    let places: Vec<_> = found.lines().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = ["1:1", "2:1", "7:15", "9:23", "14:8", "18:15", "27:26", "33:8"];
    assert_eq!(places, expected.map(|place| format!("proxy.toml:{place}")), "{found}");
}

#[test]
fn a_configuration_that_is_not_there_or_no_text_is_told_as_such() {
    let folder = Folder::new();
    let gone = xks_proxy::config::Config::read(&folder.path("gone.toml")).unwrap_err().to_string();
    assert!(gone.contains("gone.toml") && gone.contains("No such file"), "{gone}");
    std::fs::write(folder.path("proxy.toml"), [0xff, 0xfe]).unwrap();
    let garbled = xks_proxy::config::Config::read(&folder.path("proxy.toml")).unwrap_err().to_string();
    assert!(garbled.ends_with("proxy.toml: it is not UTF-8"), "{garbled}");
}

#[test]
fn what_stands_where_a_secret_does_not_belong_is_not_repeated() {
    let folder = Folder::new();
    for (from, to) in [
        ("not_before = \"2026-11-01T00:00:00Z\"", format!("not_before = \"{ONE}\"")),
        ("segment_bytes = 1048576", format!("segment_bytes = \"{ONE}\"")),
        ("access_key_id = \"PAYMENTSPAYMENTSPAYMENTS\"", format!("access_key_id = \"{ONE}\"")),
        ("secret_access_key_file = \"one.secret\"", format!("secret_access_key_file = \"{ONE}\"")),
        ("secret_access_key_file = \"one.secret\"", format!("secret_access_key = \"{ONE}\"")),
        ("secret_access_key_file = \"one.secret\"", format!("secret_access_key_file = \"{ONE}")),
    ] {
        let found = folder.mistakes(&GOOD.replacen(from, &to, 1));
        assert!(!found.contains(ONE), "{found}");
    }
}

/// What is replaced in the good configuration, by what, and what is told of it.
type Refusal<'a> = (&'a str, &'a str, &'a str);

fn refused(refusals: &[Refusal<'_>]) {
    let folder = Folder::new();
    folder.write("no-policy.json", &POLICY.replace("Allow", "Maybe"));
    folder.write("short.secret", "tooShort");
    folder.write("nothing", "");
    folder.write("open.secret", ONE);
    folder.mode("open.secret", 0o644);
    folder.certificate("other.pem", "other-key.pem");
    let mut missed = Vec::new();
    for (from, to, told) in refusals {
        let changed = GOOD.replacen(from, to, 1);
        assert_ne!(changed, GOOD, "{from} is not there");
        let found = folder.mistakes(&changed);
        let expected = format!("proxy.toml:{told}");
        if !found.lines().any(|line| line.starts_with(&expected)) {
            missed.push(format!("{expected}\n  but\n{found}"));
        }
        assert!(!found.contains(ONE), "{found}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

const THE_WHOLE: &[Refusal<'_>] = &[
    ("data = ", "health_interval = \"46s\"\ndata = ", "2:19: `health_interval` is from 1s to 45s"),
    ("data = ", "verify = \"never\"\ndata = ", "2:10: `verify`: unknown variant `never`"),
    ("data = ", "fleet_size = 0\ndata = ", "2:14: `fleet_size`: expected a nonzero u32"),
    (GOOD, "data = \"d\"\nlimits = 5", "2:10: `limits` is a table: write it below `[limits]`"),
    (GOOD, "data = \"d\"\nstore = [5]", "2:10: `store` is an array of tables: write each below `[[store]]`"),
    (GOOD, "data = \"d\"\nstore = {}", "2:9: `store` is an array of tables: write each below `[[store]]`"),
    (GOOD, "\n", "1:1: missing field `data`"),
    ("listen = ", "listn = ", "1:1: unknown field `listn`, expected one of `listen`, `metrics`"),
    ("\"127.0.0.1:8443\"", "8443", "1:10: `listen`: expected socket address, found integer"),
    ("127.0.0.1:8443", "localhost", "1:10: `listen`: invalid socket address syntax"),
    ("listen = \"127.0.0.1:8443\"", "listen = \"127.0.0.1:8443", "1:25: invalid basic string"),
    ("data = \"data\"\n", "", "1:1: missing field `data`"),
    ("data = ", "metrics = \"127.0.0.1:8443\"\ndata = ", "2:11: `metrics` and `listen` are the same address"),
    (
        "https://xks.example.com",
        "https://xks.example.com:8443",
        "3:12: `endpoint` is `https://` and a fully qualified name",
    ),
    ("https://xks.example.com", "https://192.0.2.1", "3:12: `endpoint` is"),
    ("https://xks.example.com", "http://xks.example.com", "3:12: `endpoint` is"),
    (
        "https://xks.example.com",
        "https://xks.example.org",
        "6:15: the certificate is not for `xks.example.org`",
    ),
    ("\"eu-central-1\"", "\"eu-central-1\", \"Mars\"", "4:28: `Mars` is no name of a Region"),
    ("data = ", "health_interval = \"46s\"\ndata = ", "2:19: `health_interval` is from 1s to 45s"),
    ("data = ", "health_interval = \"100ms\"\ndata = ", "2:19: `health_interval` is from 1s to 45s"),
    ("data = ", "fleet_size = 0\ndata = ", "2:14: `fleet_size`: "),
    ("data = ", "verify = \"never\"\ndata = ", "2:10: `verify`: unknown variant `never`"),
];

const TLS: &[Refusal<'_>] = &[
    (
        "[tls]\ncertificate = \"certificate.pem\"\nprivate_key = \"private-key.pem\"\n",
        "",
        "1:1: there is no `[tls]`",
    ),
    ("private_key = \"private-key.pem\"\n", "", "5:1: missing field `private_key`"),
    ("\"certificate.pem\"", "\"gone.pem\"", "6:15: `gone.pem` cannot be read: No such file"),
    ("\"certificate.pem\"", "\"policy.json\"", "6:15: `policy.json` holds no certificate in PEM"),
    ("\"certificate.pem\"", "\"nothing\"", "6:15: `nothing` is empty"),
    ("\"certificate.pem\"", "\".\"", "6:15: `.` is no regular file"),
    ("\"private-key.pem\"", "\"policy.json\"", "7:15: `policy.json` holds no private key in PEM"),
    ("\"private-key.pem\"", "\"other-key.pem\"", "7:15: `other-key.pem` is not the key of `tls.certificate`"),
    (
        "[limits]",
        "minimum_version = \"1.1\"\n[limits]",
        "8:19: `minimum_version`: unknown variant `1.1`, expected `1.2` or `1.3`",
    ),
    (
        "[limits]",
        "client_ca_files = [\"ca.pem\"]\n[limits]",
        "8:19: `tls.client_ca_files` goes with `tls.client_subjects`",
    ),
    (
        "[limits]",
        "client_subjects = [\"a\"]\n[limits]",
        "8:19: `tls.client_subjects` goes with `tls.client_ca_files`",
    ),
    (
        "[limits]",
        "client_ca_files = [\"ca.pem\"]\nclient_subjects = [\"a\", \" \"]\n[limits]",
        "9:25: a subject is a common name",
    ),
    (
        "[limits]",
        "client_ca_files = [\"ca.pem\", \"policy.json\"]\nclient_subjects = [\"a\"]\n[limits]",
        "8:30: `policy.json` holds no certificate",
    ),
];

const LIMITS: &[Refusal<'_>] = &[
    ("\"150ms\"", "\"150\"", "9:23: `key_manager_timeout`: a length of time is"),
    ("\"150ms\"", "\"-5s\"", "9:23: `key_manager_timeout`: a length of time is"),
    ("\"150ms\"", "\"0s\"", "9:23: `key_manager_timeout`: a length of time is"),
    ("\"150ms\"", "\"2m\"", "9:23: `limits.key_manager_timeout` is a minute at most"),
    (
        "key_manager_timeout = \"150ms\"",
        "plaintext_bytes = 4299",
        "9:19: `limits.plaintext_bytes` is from 4300 to",
    ),
    (
        "key_manager_timeout = \"150ms\"",
        "additional_data_bytes = 8191",
        "9:25: `limits.additional_data_bytes` is from 8192 to 65535",
    ),
    (
        "key_manager_timeout = \"150ms\"",
        "additional_data_bytes = 65536",
        "9:25: `limits.additional_data_bytes` is from 8192 to 65535",
    ),
    ("key_manager_timeout = \"150ms\"", "body_bytes = 24851", "9:14: `limits.body_bytes` is from 24852 to"),
    ("key_manager_timeout = \"150ms\"", "connections = 0", "9:15: `limits.connections` is from 1 to"),
    ("key_manager_timeout = \"150ms\"", "header_bytes = 8191", "9:16: `limits.header_bytes` is from 8192 to"),
    ("key_manager_timeout = \"150ms\"", "idle_timeout = \"2h\"", "9:16: `idle_timeout`: a length of time is"),
    ("key_manager_timeout = \"150ms\"", "requests = -1", "9:12: `requests`: expected usize, found integer"),
    ("key_manager_timeout = \"150ms\"", "body_byte = 5", "9:1: unknown field `body_byte`"),
    ("1048576", "4096", "11:17: `audit.segment_bytes` is from 65536 to"),
];

const KEY_MANAGERS: &[Refusal<'_>] = &[
    (
        "[[key_manager]]\nname = \"file\"\nkind = \"software\"\nfile = \"keys\"\nprotector.passphrase_file = \"passphrase\"\n",
        "",
        "1:1: there is no `[[key_manager]]`",
    ),
    ("\"software\"", "\"hardware\"", "14:8: `kind`: unknown variant `hardware`"),
    ("file = \"keys\"\n", "", "12:1: missing field `file`"),
    ("name = \"file\"", "name = \"\"", "13:8: the name of a key manager is not empty"),
    (
        "\"passphrase\"",
        "\"open.secret\"",
        "16:1: `open.secret` is open to others (mode 0644): run `chmod 600 ",
    ),
    ("file = \"keys\"", "file = \"keys\"\nsize = 5", "16:1: unknown field `size`"),
    (
        "[[store]]\npath_prefix = \"/payments\"",
        "[[key_manager]]\nname = \"file\"\nkind = \"software\"\nfile = \"k\"\nprotector.passphrase_file = \"passphrase\"\n[[store]]\npath_prefix = \"/payments\"",
        "18:8: a key manager named `file` is there already",
    ),
    (
        SOFTWARE,
        "kind = \"pkcs11\"\nlibrary = \"keys.so\"\ntokens = []\npin_file = \"passphrase\"\ntest_key = \"health\"",
        "16:10: `tokens`: there are to be 1 to 10 tokens",
    ),
    (
        SOFTWARE,
        "kind = \"pkcs11\"\nlibrary = \"certificate.pem\"\ntokens = [\"a\"]\npin_file = \"open.secret\"\ntest_key = \"health\"",
        "17:12: `open.secret` is open to others",
    ),
    (
        SOFTWARE,
        "kind = \"pkcs11\"\nlibrary = \"certificate.pem\"\ntokens = [\"a\"]\npin_file = \"passphrase\"\ntest_key = \"payments-2026\"",
        "22:9: `payments-2026` is the test key of `file`",
    ),
    (
        SOFTWARE,
        "kind = \"vault\"\naddresses = [\"https://192.0.2.1\"]\ntoken_file = \"open.secret\"\ntest_key = \"health\"",
        "16:14: `open.secret` is open to others",
    ),
    (
        SOFTWARE,
        "kind = \"vault\"\naddresses = [\"https://192.0.2.1\"]\ntoken_file = \"passphrase\"\nca_files = [\"passphrase\"]\ntest_key = \"health\"",
        "17:13: `passphrase` holds no certificate in PEM",
    ),
    (
        SOFTWARE,
        "kind = \"vault\"\naddresses = [\"https://192.0.2.1\"]\napprole = {role_id_file = \"passphrase\"}\ntest_key = \"health\"",
        "16:11: `approle`: missing field `secret_id_file`",
    ),
    (
        SOFTWARE,
        "kind = \"vault\"\naddresses = [\"https://192.0.2.1\"]\ntest_key = \"health\"",
        "12:1: either `token_file` or `approle` is to be given",
    ),
    (
        SOFTWARE,
        "kind = \"vault\"\naddresses = [\"https://192.0.2.1\"]\ntoken_file = \"passphrase\"\ntest_key = \"payments-2026\"",
        "21:9: `payments-2026` is the test key of `file`",
    ),
];

const STORES: &[Refusal<'_>] = &[
    ("\"/payments\"", "\"payments\"", "18:15: `path_prefix` begins with a slash: write `/payments`"),
    ("\"/payments\"", "\"/pay.ments\"", "18:15: `path_prefix` is of the characters a-z A-Z 0-9 / - _"),
    ("\"/payments\"", "\"/payments/\"", "18:15: `path_prefix` does not end with a slash"),
    (
        "\"/payments\"",
        "\"/pay//ments\"",
        "18:15: `path_prefix` does not end with a slash and has no two in a row",
    ),
    ("\"/payments\"", "\"/payments/kms/xks/v1\"", "18:15: `path_prefix` is without `/kms/xks/v1`"),
    ("\"/cards\"", "\"/payments\"", "31:15: a store with the prefix `/payments` is there already"),
    (
        "key_manager = \"file\"\nkeys = [\"payments-2026\"]",
        "key_manager = \"hsm\"\nkeys = [\"payments-2026\"]",
        "19:15: there is no key manager named `hsm`; there is `file`",
    ),
    (
        "\"payments-2026\"]",
        "\"payments-2026\", \"pay ments\"]",
        "20:26: the id of an external key has 1 to 128 of the characters",
    ),
    ("keys = [\"payments-2026\"]", "keys = []", "20:8: `keys` is empty"),
    ("keys = [\"payments-2026\"]", "keys = [\"other\"]", "24:1: `payments-2026` is not among `keys`"),
    (
        "policy = \"policy.json\"",
        "requests_per_second = 0",
        "21:23: `requests_per_second`: expected a nonzero u32, found integer",
    ),
    (
        "policy = \"policy.json\"",
        "policy = \"no-policy.json\"",
        "21:10: the policy `no-policy.json` is refused",
    ),
    (
        "default = \"deny\"\n",
        "",
        "17:1: a store with a policy says what a request gets that no statement speaks of",
    ),
    (
        "keys = [\"cards-2026\"]",
        "keys = [\"cards-2026\"]\ndefault = \"deny\"",
        "34:11: `default = \"deny\"` without a policy refuses every request",
    ),
    ("keys = [\"cards-2026\"]", "kys = 5", "33:1: unknown field `kys`"),
];

const CREDENTIALS: &[Refusal<'_>] = &[
    (
        "[[store.credential]]\naccess_key_id = \"CARDSCARDSCARDSCARDSCARDS\"\nsecret_access_key_file = \"two.secret\"\n",
        "",
        "30:1: the store has no `[[store.credential]]`",
    ),
    (
        "CARDSCARDSCARDSCARDSCARDS",
        "PAYMENTSPAYMENTSPAYMENTS",
        "35:17: a credential `PAYMENTSPAYMENTSPAYMENTS` is there already",
    ),
    ("CARDSCARDSCARDSCARDSCARDS", "CARDS", "35:17: `access_key_id` has 20 to 30 of the characters A-Z 2-7"),
    (
        "CARDSCARDSCARDSCARDSCARDS",
        "CARDSCARDSCARDSCARDSCARD1",
        "35:17: `access_key_id` has 20 to 30 of the characters A-Z 2-7",
    ),
    ("\"two.secret\"", "\"one.secret\"", "36:26: another credential has the same secret"),
    (
        "\"two.secret\"",
        "\"short.secret\"",
        "36:26: `short.secret` holds no secret access key: it has 43 to 64",
    ),
    (
        "\"two.secret\"",
        "\"open.secret\"",
        "36:26: `open.secret` is open to others (mode 0644): run `chmod 600 ",
    ),
    ("\"two.secret\"", "\"gone.secret\"", "36:26: `gone.secret` cannot be read"),
    (
        "2026-11-01T00:00:00Z",
        "yesterday",
        "28:14: `not_before`: a moment is written as in \"2026-11-01T00:00:00Z\"",
    ),
    ("2126-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "29:13: `not_after` is not later than `not_before`"),
    ("2126-11-01T00:00:00Z", "2126-11-01", "29:13: `not_after`: a moment is written as in"),
];

/// What the good configuration says of its key manager.
const SOFTWARE: &str = "kind = \"software\"\nfile = \"keys\"\nprotector.passphrase_file = \"passphrase\"";
