//! What the ratchets on access know of each operation: the permissions that it takes and what they are on; and the ground on
//! which each is tried. An operation without a row fails them all.

use crate::account::{Account, REPLICA, alias_arn, key_id};
use crate::requests::{minimal, state_for};
use access::KEY_ACTIONS;
use blackbox::{Answer, Caller, Server, User};
use operations::OPERATIONS;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// What the permissions of an operation are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The caller's own account.
    Account,
    /// An alias and the keys that it has to do with.
    AliasAndKeys,
    /// A grant, which says itself who may.
    Grant,
    /// A key, or two.
    Keys,
    /// A principal.
    Principal,
}

/// The row of an operation.
pub fn row(operation: &str) -> On {
    match operation {
        "ConnectCustomKeyStore"
        | "CreateCustomKeyStore"
        | "CreateKey"
        | "DeleteCustomKeyStore"
        | "DescribeCustomKeyStores"
        | "DisconnectCustomKeyStore"
        | "GenerateRandom"
        | "ListAliases"
        | "ListKeys"
        | "UpdateCustomKeyStore" => On::Account,
        "CreateAlias" | "DeleteAlias" | "UpdateAlias" => On::AliasAndKeys,
        "RetireGrant" => On::Grant,
        "CancelKeyDeletion"
        | "CreateGrant"
        | "Decapsulate"
        | "Decrypt"
        | "DeleteImportedKeyMaterial"
        | "DeriveSharedSecret"
        | "DescribeKey"
        | "DisableKey"
        | "DisableKeyRotation"
        | "EnableKey"
        | "EnableKeyRotation"
        | "Encapsulate"
        | "Encrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyPair"
        | "GenerateDataKeyPairWithoutPlaintext"
        | "GenerateDataKeyWithoutPlaintext"
        | "GenerateMac"
        | "GetKeyLastUsage"
        | "GetKeyPolicy"
        | "GetKeyRotationStatus"
        | "GetParametersForImport"
        | "GetPublicKey"
        | "ImportKeyMaterial"
        | "ListGrants"
        | "ListKeyPolicies"
        | "ListKeyRotations"
        | "ListResourceTags"
        | "PutKeyPolicy"
        | "ReEncrypt"
        | "ReplicateKey"
        | "RevokeGrant"
        | "RotateKeyOnDemand"
        | "ScheduleKeyDeletion"
        | "Sign"
        | "TagResource"
        | "UntagResource"
        | "UpdateKeyDescription"
        | "UpdatePrimaryRegion"
        | "Verify"
        | "VerifyMac" => On::Keys,
        "ListRetirableGrants" => On::Principal,
        other => panic!("nothing says what the permissions of {other} are on: add it here"),
    }
}

/// The actions that an operation takes.
pub fn actions(operation: &str) -> Vec<String> {
    match operation {
        "ReEncrypt" => ["kms:ReEncryptFrom", "kms:ReEncryptTo"].map(str::to_owned).to_vec(),
        other => vec![format!("kms:{other}")],
    }
}

/// Every operation, with each of its actions.
pub fn each_action() -> impl Iterator<Item = (&'static str, String)> {
    OPERATIONS.iter().flat_map(|entry| actions(entry.name).into_iter().map(|action| (entry.name, action)))
}

/// Keys of the first account in the state in which an operation succeeds, and a user of that account which may do nothing yet.
pub struct Ground<'a> {
    pub operation: &'static str,
    pub account: Account<'a>,
    pub user: User,
}

impl<'a> Ground<'a> {
    pub fn new(server: &'a Server, operation: &'static str) -> Self {
        Self::for_caller_of(server, operation, server.root())
    }

    /// The same with a user of that account.
    pub fn for_caller_of(server: &'a Server, operation: &'static str, root: &Caller) -> Self {
        let account = Account::root_for(server, operation);
        let user = server.create_user(root, &new_name());
        Self { operation, account, user }
    }

    /// Brings the key into the operation's state, as the last thing before it is called.
    pub fn ready(self) -> Self {
        self.account.enter(&self.account.key, state_for(self.operation));
        self
    }

    /// Calls the operation as the user.
    pub fn call(&self) -> Answer {
        self.account.server.call_as(
            &self.user.caller,
            self.operation,
            &minimal(self.operation, &self.account),
        )
    }

    /// What the user's own policy says from now on.
    pub fn let_user(&self, root: &Caller, statements: &Value) {
        self.account.server.put_user_policy(root, &self.user.name, statements);
    }

    /// What both key policies say from now on.
    pub fn let_keys(&self, statements: &Value) {
        let policy = blackbox::policy(statements);
        for key in [&self.account.key, &self.account.other] {
            let input = json!({"KeyId": key, "Policy": policy, "BypassPolicyLockoutSafetyCheck": true});
            let _ = self.account.call("PutKeyPolicy", &input).output();
        }
        if self.operation == "UpdatePrimaryRegion" {
            let input = json!({"KeyId": key_id(&self.account.key), "Policy": policy, "BypassPolicyLockoutSafetyCheck": true});
            let there = self.account.caller.in_region(REPLICA);
            let _ = self.account.server.call_as(&there, "PutKeyPolicy", &input).output();
        }
    }

    /// The statement of the default key policy.
    pub fn delegation(&self) -> Value {
        json!({"Effect": "Allow", "Principal": {"AWS": self.account.root_arn()}, "Action": "kms:*", "Resource": "*"})
    }

    /// The same for nobody but the root itself.
    pub fn root_alone(&self) -> Value {
        let mut statement = self.delegation();
        statement["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": self.account.root_arn()}});
        statement
    }

    /// A statement of a key policy about the user.
    pub fn about_user(&self, effect: &str, action: &str) -> Value {
        json!({"Effect": effect, "Principal": {"AWS": self.user.arn}, "Action": action, "Resource": "*"})
    }

    /// Fails unless the user was denied that action on something of this ground, for that reason.
    #[track_caller]
    pub fn denied(&self, answer: &Answer, action: &str, reason: &str) {
        let (error, words) = answer.fault();
        let words = words.unwrap_or_default();
        let what = format!("{} {reason}: {words}", self.operation);
        assert_eq!((answer.status, error.as_str()), (400, "AccessDeniedException"), "{what}");
        let alias = alias_arn(&self.account.key, &self.account.alias);
        let new_alias =
            minimal("CreateAlias", &self.account)["AliasName"].as_str().map(str::to_owned).unwrap();
        let new_alias = alias_arn(&self.account.key, &new_alias);
        let things = [&self.account.key, &self.account.other, &alias, &new_alias, &self.account.root_arn()];
        let places = things.map(|arn| format!(" on resource: {arn}"));
        let places = places.iter().map(String::as_str);
        let mut places = places.chain(["", " on the resource associated with this ciphertext"]);
        let said =
            |place| format!("User: {} is not authorized to perform: {action}{place} {reason}", self.user.arn);
        assert!(places.any(|place| said(place) == words), "{what}");
        assert!(!answer.encoded_message().is_empty(), "{what}");
    }

    /// Fails unless the user was told what it is told of keys that it cannot see.
    #[track_caller]
    pub fn unseen(&self, answer: &Answer, what: &str) {
        let (error, words) = answer.fault();
        let what = format!("{} {what}: {}", self.operation, answer.text());
        // The alias is looked for in the caller's own account.
        if self.operation == "DeleteAlias" {
            return assert_eq!(error, "NotFoundException", "{what}");
        }
        assert_eq!((answer.status, error.as_str()), (400, "AccessDeniedException"), "{what}");
        let words = words.unwrap();
        let begins = |action| {
            words.starts_with(&format!("User: {} is not authorized to perform: {action} ", self.user.arn))
        };
        assert!(actions(self.operation).iter().any(begins), "{what}");
        assert!(
            words.ends_with(
                " on this resource because the resource does not exist in this Region, no resource-based \
                                 policies allow access, or a resource-based policy explicitly denies access"
            ),
            "{what}"
        );
        for arn in [&self.account.key, &self.account.other] {
            assert!(!words.contains(arn.as_str()), "{what}");
        }
    }

    /// Fails unless the user may.
    #[track_caller]
    pub fn allowed(&self, answer: &Answer, what: &str) {
        assert_eq!(answer.status, 200, "{} {what}: {}", self.operation, answer.text());
    }
}

/// Everything that KMS has, for a user's own policy.
pub fn everything() -> Value {
    json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}])
}

fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn the_rows_agree_with_the_table_of_actions_on_keys() {
    for (operation, action) in each_action() {
        let is_on_key = KEY_ACTIONS.iter().any(|known| known.name == action);
        let row = row(operation);
        assert_eq!(
            is_on_key,
            !matches!(row, On::Account | On::Principal),
            "{operation}: {action} is on {row:?}"
        );
    }
}
