//! AWS's table of key states: every operation that is about a key, in every state, for every origin that a key can have here.
//!
//! A client reaches Creating and Updating for a moment only. Keys are put into them as another node would leave them that stopped in
//! between: the record says so, and nothing is due. Keys become Unavailable in the same way: their record says that they are in a
//! custom key store, and that one's that it is not connected. Keys of stores that are, are in `custom_store_keys.rs`.

use crate::account::{Account, kind_for};
use crate::requests::minimal;
use blackbox::Server;
use keys::{
    Backend, CloudHsmCluster, Connection, ConnectionErrorCode, ConnectionState, CustomKeyStore,
    CustomKeyStoreId, CustomKeyStores, HsmKey, KeyOrigin, KeyPlace, KeyState, Moment, OuterKey, XksProxy,
    XksProxyConnectivity,
};
use operations::{Entry, OPERATIONS};
use serde_json::{Value, json};
use storage::{Change, Commit, Embedded, Storage};

/// The table of `key-states.md`: in Enabled, Disabled, the two states of pending deletion, PendingImport, Unavailable, Creating,
/// Updating. A number is that of the footnote which says what the call comes to.
fn row(operation: &str) -> Option<[&'static str; 7]> {
    let cells = match operation {
        "CancelKeyDeletion" => "4 4 ok 4 4 4 4",
        "CreateAlias" | "TagResource" | "UntagResource" | "UpdateAlias" | "UpdateKeyDescription" => {
            "ok ok 3 ok ok ok ok"
        }
        "CreateGrant" => "ok 1 3 5 ok 14 ok",
        "ConnectCustomKeyStore"
        | "CreateCustomKeyStore"
        | "CreateKey"
        | "DeleteCustomKeyStore"
        | "DescribeCustomKeyStores"
        | "DisconnectCustomKeyStore"
        | "GenerateRandom"
        | "ListKeys"
        | "ListRetirableGrants"
        | "UpdateCustomKeyStore" => return None,
        "Decrypt" | "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" | "ReEncrypt" => {
            "ok 1 3 5 11 14 ok"
        }
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => "ok 1 3 5 7 14 ok",
        "Decapsulate" | "DeriveSharedSecret" | "Encapsulate" | "GenerateMac" | "Sign" | "Verify"
        | "VerifyMac" => "ok 1 3 5 n/a 14 ok",
        "DeleteAlias" | "DescribeKey" | "GetKeyLastUsage" | "GetKeyPolicy" | "ListAliases" | "ListGrants"
        | "ListKeyPolicies" | "ListResourceTags" | "PutKeyPolicy" | "RetireGrant" | "RevokeGrant" => {
            "ok ok ok ok ok ok ok"
        }
        "DeleteImportedKeyMaterial" => "ok ok ok ok 9 14 15",
        "DisableKey" | "EnableKey" => "ok ok 3 5 12 14 15",
        "DisableKeyRotation" | "EnableKeyRotation" => "ok 1 3 6 7 14 ok",
        "GetKeyRotationStatus" => "ok ok ok 6 7 ok ok",
        "GetParametersForImport" => "ok ok 8 ok 9 14 15",
        "GetPublicKey" => "ok ok 3 ok n/a 14 ok",
        "ImportKeyMaterial" => "ok ok 8 ok 9 14 ok",
        "ListKeyRotations" => "ok ok ok ok 7 ok ok",
        "ReplicateKey" => "ok 1 3 5 n/a 14 15",
        "RotateKeyOnDemand" => "ok 1 3 5 7 14 ok",
        "ScheduleKeyDeletion" => "ok ok 3 ok ok ok 15",
        "UpdatePrimaryRegion" => "ok 1 3 5 n/a 14 ok",
        other => panic!("there is no row of key states for {other}: add it here"),
    };
    Some(cells.split(' ').collect::<Vec<_>>().try_into().unwrap())
}

/// The footnote for keys of an origin that an operation is not for, in every state.
fn footnote_on_origin(operation: &str, origin: KeyOrigin) -> Option<&'static str> {
    match (operation, origin) {
        ("DisableKeyRotation" | "EnableKeyRotation" | "GetKeyRotationStatus", KeyOrigin::External) => {
            Some("6")
        }
        ("DeleteImportedKeyMaterial" | "GetParametersForImport" | "ImportKeyMaterial", KeyOrigin::AwsKms) => {
            Some("9")
        }
        _ => None,
    }
}

/// What a footnote says of a key: the error and its message.
fn said(footnote: &str, state: KeyState, origin: KeyOrigin, key: &str) -> Option<(&'static str, String)> {
    let words = match footnote {
        "ok" | "12" => return None,
        "1" => return Some(("DisabledException", format!("{key} is disabled."))),
        "3" | "8" if state == KeyState::PendingReplicaDeletion => "is pending replica deletion.",
        "3" | "8" => "is pending deletion.",
        "4" => "is not pending deletion.",
        "5" => "is pending import.",
        "6" | "7" | "9" => {
            let message = format!("{key} origin is {origin} which is not valid for this operation.");
            return Some(("UnsupportedOperationException", message));
        }
        "11" if origin == KeyOrigin::AwsCloudHsm => {
            return Some(("KMSInvalidStateException", NO_CLUSTER.to_owned()));
        }
        "11" => return Some(("KMSInvalidStateException", NO_PROXY.to_owned())),
        "14" => "is creating.",
        "15" => "is updating.",
        other => panic!("there is no footnote {other}"),
    };
    Some(("KMSInvalidStateException", format!("{key} {words}")))
}

fn cell(operation: &str, state: KeyState, origin: KeyOrigin) -> Option<&'static str> {
    let [enabled, disabled, pending, import, unavailable, creating, updating] = row(operation)?;
    Some(footnote_on_origin(operation, origin).unwrap_or(match state {
        KeyState::Creating => creating,
        KeyState::Disabled => disabled,
        KeyState::Enabled => enabled,
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => pending,
        KeyState::PendingImport => import,
        KeyState::Unavailable => unavailable,
        KeyState::Updating => updating,
    }))
}

#[test]
fn keys_with_material_of_ours_keep_to_the_table() {
    let states = KeyState::ALL.iter().filter(|state| **state != KeyState::Unavailable);
    every_operation_keeps_to_the_table(
        KeyOrigin::AwsKms,
        states.filter(|state| **state != KeyState::PendingImport),
    );
}

#[test]
fn keys_with_imported_material_keep_to_the_table() {
    let states = KeyState::ALL.iter().filter(|state| **state != KeyState::Unavailable);
    every_operation_keeps_to_the_table(KeyOrigin::External, states);
}

#[test]
fn keys_in_custom_key_stores_that_are_not_connected_keep_to_the_table() {
    let server = Server::start();
    for origin in IN_STORES {
        let stages = stages(&server, KeyState::Unavailable, origin);
        leave_in_store(&server, &stages, origin);
        let tried: usize = stages.iter().map(|stage| try_all(stage, origin)).sum();
        assert!(tried >= 35, "only {tried} calls follow from the registry");
    }
}

#[test]
fn the_registry_says_of_unavailable_keys_what_the_table_says() {
    for entry in OPERATIONS {
        let Some(row) = row(entry.name) else { continue };
        let [.., unavailable, _, _] = row;
        let admitted = entry.states.admit(KeyState::Unavailable).is_ok();
        match unavailable {
            "ok" | "12" => assert!(admitted, "{}", entry.name),
            "4" | "11" => assert!(!admitted, "{}", entry.name),
            // Whatever its state: it is not for keys in custom key stores, or there are none of its kind.
            "7" if entry.name.starts_with("GenerateDataKeyPair") => assert!(!admitted, "{}", entry.name),
            "7" | "9" => {
                assert!(IN_STORES.iter().all(|origin| !entry.origins.contains(origin)), "{}", entry.name);
            }
            _ => assert_eq!(unavailable, "n/a", "{}", entry.name),
        }
    }
}

/// A key in a state, and what is to be tried on it.
struct Stage<'a> {
    state: KeyState,
    account: Account<'a>,
    calls: Vec<(&'static str, Value)>,
}

fn every_operation_keeps_to_the_table<'s>(origin: KeyOrigin, states: impl Iterator<Item = &'s KeyState>) {
    let server = Server::start();
    let stages: Vec<_> = states.flat_map(|state| stages(&server, *state, origin)).collect();
    leave_in_transition(&server, &stages);
    let tried: usize = stages.iter().map(|stage| try_all(stage, origin)).sum();
    assert!(tried >= 250, "only {tried} calls follow from the registry");
}

/// First what is refused, after which everything is as it was; then what goes ahead.
fn try_all(stage: &Stage<'_>, origin: KeyOrigin) -> usize {
    let Stage { state, account, calls } = stage;
    assert_eq!(account.state(&account.key), state.name());
    let before = account.everything();
    let comes_to =
        |operation: &str| said(cell(operation, *state, origin).unwrap(), *state, origin, &account.key);
    let (refused, admitted): (Vec<_>, Vec<_>) =
        calls.iter().partition(|(operation, _)| comes_to(operation).is_some());
    for (operation, input) in &refused {
        let (error, message) = comes_to(operation).unwrap();
        let fault = account.call(operation, input).fault();
        let expected = (error.to_owned(), Some(message));
        assert_eq!(fault, expected, "{operation} in {state} of {origin}");
    }
    let names: Vec<_> = refused.iter().map(|(operation, _)| operation).collect();
    assert_eq!(account.everything(), before, "one of {names:?} in {state} of {origin} changed something");
    admitted.iter().for_each(|(operation, input)| goes_ahead(stage, operation, input, origin));
    calls.len()
}

fn goes_ahead(Stage { state, account, .. }: &Stage<'_>, operation: &str, input: &Value, origin: KeyOrigin) {
    let answer = account.call(operation, input);
    // The state lets it go ahead, but there is nothing to rotate to.
    if operation == "RotateKeyOnDemand" && origin == KeyOrigin::External {
        let words = format!("No available key material pending rotation for the key: {}.", account.key);
        return answer.refuses("KMSInvalidStateException", &words);
    }
    assert_eq!(answer.status, 200, "{operation} in {state} of {origin}: {}", answer.text());
}

/// Keys for all operations in that state, by their kinds. What changes the key when it succeeds has a key to itself.
fn stages<'a>(server: &'a Server, state: KeyState, origin: KeyOrigin) -> Vec<Stage<'a>> {
    let about_keys = OPERATIONS.iter().filter(|entry| row(entry.name).is_some());
    let possible = about_keys.filter(|entry| is_possible(entry.name, origin));
    let mut groups: Vec<(Value, Vec<&'static Entry>)> = Vec::new();
    for entry in possible {
        let kind = kind_for(entry.name);
        match groups.iter_mut().find(|(known, group)| *known == kind && !ALONE.contains(&group[0].name)) {
            Some((_, group)) if !ALONE.contains(&entry.name) => group.push(entry),
            _ => groups.push((kind, vec![entry])),
        }
    }
    groups.into_iter().map(|(kind, group)| stage(server, state, origin, (kind, &group))).collect()
}

fn stage<'a>(
    server: &'a Server,
    state: KeyState,
    origin: KeyOrigin,
    (mut kind, group): (Value, &[&'static Entry]),
) -> Stage<'a> {
    // What is in a custom key store was made elsewhere here, and put there afterwards.
    kind["Origin"] = json!(if IN_STORES.contains(&origin) { "AWS_KMS" } else { origin.name() });
    if state == KeyState::PendingReplicaDeletion {
        kind["MultiRegion"] = true.into();
    }
    // A primary that has replicas is never in the state of one that has none.
    let operation = match (state, group[0].name) {
        (KeyState::PendingDeletion, "UpdatePrimaryRegion") => "ReplicateKey",
        (_, operation) => operation,
    };
    let account = Account::of_kind(server, server.create_account(), operation, &kind);
    if origin == KeyOrigin::External && group.iter().any(|entry| entry.name == "ReEncrypt") {
        let _ = crate::import::import(&account, &account.other, &crate::import::MATERIAL);
    }
    // What they take has to be had before the key is in the state.
    let calls = group.iter().map(|entry| (entry.name, minimal(entry.name, &account))).collect();
    match state {
        KeyState::Creating | KeyState::Unavailable | KeyState::Updating => {}
        KeyState::PendingImport => {
            let _ = account.call("DeleteImportedKeyMaterial", &json!({"KeyId": account.key})).output();
        }
        KeyState::PendingReplicaDeletion => {
            account.replicate("sa-east-1");
            let _ = account.call("ScheduleKeyDeletion", &json!({"KeyId": account.key})).output();
        }
        state => account.enter(&account.key, state.name()),
    }
    Stage { state, account, calls }
}

/// Puts keys into the states in which they are for a moment only, as they are left if nobody ends them.
fn leave_in_transition(server: &Server, stages: &[Stage<'_>]) {
    let passing =
        stages.iter().filter(|stage| [KeyState::Creating, KeyState::Updating].contains(&stage.state));
    while_stopped(server, |storage| {
        for Stage { state, account, .. } in passing {
            storage.change(&key_record(account), |record| record["transition"] = json!(state.name()));
        }
    });
}

/// Puts keys into custom key stores that are not connected, as a node leaves them.
fn leave_in_store(server: &Server, stages: &[Stage<'_>], origin: KeyOrigin) {
    while_stopped(server, |storage| {
        for (number, Stage { account, .. }) in stages.iter().enumerate() {
            let id = CustomKeyStoreId::from_random([u8::try_from(number).unwrap(); 16]);
            let stores = CustomKeyStores { stores: vec![unconnected(id, account, origin)] };
            let at = format!("a/{}/{}/custom-key-stores", account.id, account.caller.region);
            storage.put(&at, &serde_json::to_value(stores).unwrap());
            let place = KeyPlace { store: id, key: outer_key(origin) };
            storage.change(&key_record(account), |record| {
                record["origin"] = json!(origin.name());
                record["place"] = serde_json::to_value(place).unwrap();
            });
        }
    });
}

fn unconnected(id: CustomKeyStoreId, account: &Account<'_>, origin: KeyOrigin) -> CustomKeyStore {
    let (created, sealed) = (Moment::from_millis(0), Box::<[u8]>::default());
    let (connection, backend) = match origin {
        KeyOrigin::AwsCloudHsm => {
            let error = Some(ConnectionErrorCode::InvalidCredentials);
            let cluster = CloudHsmCluster {
                cluster_id: "cluster-softhsm2345".to_owned(),
                trust_anchor: String::new(),
                password: sealed.clone(),
                transport_keys: sealed,
            };
            (
                Connection { error, ..Connection::in_state(ConnectionState::Failed) },
                Backend::CloudHsm(cluster),
            )
        }
        _ => {
            let proxy = XksProxy {
                connectivity: XksProxyConnectivity::PublicEndpoint,
                uri_endpoint: "https://localhost".to_owned(),
                uri_path: "/kms/xks/v1".to_owned(),
                access_key_id: "A".repeat(20),
                secret: sealed,
                credential_since: created,
                vpc_endpoint_service: None,
            };
            (Connection::in_state(ConnectionState::Disconnected), Backend::Xks(proxy))
        }
    };
    let (account, region) = (account.id.parse().unwrap(), account.caller.region.parse().unwrap());
    CustomKeyStore { account, region, id, name: "store".to_owned(), created, connection, backend }
}

fn outer_key(origin: KeyOrigin) -> OuterKey {
    match origin {
        KeyOrigin::AwsCloudHsm => {
            OuterKey::Hsm(HsmKey { id: "0b".repeat(16), copies: std::collections::BTreeMap::new() })
        }
        _ => OuterKey::External { id: "external".to_owned() },
    }
}

fn key_record(account: &Account<'_>) -> String {
    let (region, id) = (&account.caller.region, crate::account::key_id(&account.key));
    format!("a/{}/{region}/key/{id}", account.id)
}

/// The records of a service that is not running.
struct Records {
    store: Embedded,
    runtime: tokio::runtime::Runtime,
}

fn while_stopped(server: &Server, change: impl FnOnce(&Records)) {
    assert!(server.terminate().success(), "{}", server.log());
    let store = Embedded::open(&server.data().join("store"), &storage::Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let records = Records { store, runtime };
    change(&records);
    records.store.close().unwrap();
    server.start_again();
}

impl Records {
    fn change(&self, at: &str, change: impl FnOnce(&mut Value)) {
        let stored = self.runtime.block_on(self.store.get(at.as_bytes())).unwrap().unwrap();
        let mut record: Value = serde_json::from_slice(&stored.value).unwrap();
        change(&mut record);
        self.put(at, &record);
    }

    fn put(&self, at: &str, record: &Value) {
        let put = Change::Put { key: at.as_bytes().to_vec().into(), value: record.to_string().into() };
        let done = self.runtime.block_on(self.store.commit(Vec::new(), vec![put])).unwrap();
        assert!(matches!(done, Commit::Done(_)));
    }
}

/// Whether the operation can be tried on keys of that origin.
fn is_possible(operation: &str, origin: KeyOrigin) -> bool {
    match origin {
        KeyOrigin::AwsKms => true,
        KeyOrigin::External => is_importable(operation),
        KeyOrigin::AwsCloudHsm | KeyOrigin::ExternalKeyStore => {
            cell(operation, KeyState::Unavailable, origin) != Some("n/a")
        }
    }
}

/// Whether keys of the kind that the operation is for can have imported material.
fn is_importable(operation: &str) -> bool {
    !["Decapsulate", "Encapsulate"].contains(&operation)
}

#[test]
fn re_encryption_needs_both_keys_enabled() {
    let server = Server::start();
    let account = Account::root(&server);
    let input = json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": account.other});
    account.enter(&account.other, "Disabled");
    account
        .call("ReEncrypt", &input)
        .refuses("DisabledException", &format!("{} is disabled.", account.other));
    account.enter(&account.other, "PendingDeletion");
    let message = format!("{} is pending deletion.", account.other);
    account.call("ReEncrypt", &input).refuses("KMSInvalidStateException", &message);
}

#[test]
fn an_alias_moves_away_from_a_key_that_waits_for_its_deletion_but_not_onto_one() {
    let server = Server::start();
    let account = Account::root(&server);
    account.enter(&account.key, "PendingDeletion");
    let to = |key: &str| json!({"AliasName": account.alias, "TargetKeyId": key});
    assert_eq!(account.call("UpdateAlias", &to(&account.other)).status, 200);
    let message = format!("{} is pending deletion.", account.key);
    account.call("UpdateAlias", &to(&account.key)).refuses("KMSInvalidStateException", &message);
}

#[test]
fn a_dry_run_passes_through_the_same_state_checks() {
    let server = Server::start();
    for operation in crate::dry_run::with_dry_run() {
        // Of a grant it is no matter whether the key can be used.
        if ["RetireGrant", "RevokeGrant"].contains(&operation) {
            continue;
        }
        let account = Account::root_for(&server, operation);
        account.enter(&account.key, "Disabled");
        let mut input = minimal(operation, &account);
        input["DryRun"] = true.into();
        account
            .call(operation, &input)
            .refuses("DisabledException", &format!("{} is disabled.", account.key));
    }
}

#[test]
fn rotation_is_for_symmetric_encryption_keys() {
    let server = Server::start();
    for operation in [
        "DisableKeyRotation",
        "EnableKeyRotation",
        "GetKeyRotationStatus",
        "ListKeyRotations",
        "RotateKeyOnDemand",
    ] {
        for kind in ["GenerateMac", "Sign", "Encapsulate"] {
            let account = Account::root_for(&server, kind);
            let input = json!({"KeyId": account.key});
            account.call(operation, &input).refuses_without_a_word("UnsupportedOperationException");
        }
    }
}

/// Operations that change what the others need when they succeed.
const ALONE: [&str; 12] = [
    "CancelKeyDeletion",
    "DeleteAlias",
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "EnableKey",
    "ImportKeyMaterial",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "UpdatePrimaryRegion",
];
/// The origins of keys in custom key stores.
const IN_STORES: [KeyOrigin; 2] = [KeyOrigin::AwsCloudHsm, KeyOrigin::ExternalKeyStore];
const NO_CLUSTER: &str = "This KMS key is in a custom key store that is not connected to its CloudHSM cluster. Connect the custom key store and try the request again.";
const NO_PROXY: &str = "This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key store and try the request again.";
