//! An account with two keys, one of which has an alias, a tag and a ciphertext: enough for any operation to be called that is for
//! keys of their kind.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use blackbox::{Answer, Caller, Server, base64};
use serde_json::{Value, json};

/// The account's keys and what belongs to them.
pub struct Account<'a> {
    pub server: &'a Server,
    pub caller: Caller,
    pub id: String,
    /// The ARN of the key that everything else is about.
    pub key: String,
    /// The ARN of another key.
    pub other: String,
    /// The name of an alias of the key.
    pub alias: String,
    /// What the key made of [`PLAINTEXT`]: a ciphertext, a signature, a MAC; or the other side of a secret that it shares.
    pub ciphertext: String,
    /// The id of a grant on the key to the account itself, which gives it nothing that it had not.
    pub grant: String,
    /// The id of a custom key store as the operation takes it, if it takes one.
    pub store: String,
}

impl<'a> Account<'a> {
    /// A new account.
    pub fn new(server: &'a Server) -> Self {
        Self::of(server, server.create_account())
    }

    /// The first account.
    pub fn root(server: &'a Server) -> Self {
        Self::of(server, server.root().clone())
    }

    /// Keys of their own for a caller.
    pub fn of(server: &'a Server, caller: Caller) -> Self {
        Self::of_for(server, caller, "Encrypt")
    }

    /// A new account with keys of the kind that an operation is for.
    pub fn new_for(server: &'a Server, operation: &str) -> Self {
        Self::of_for(server, server.create_account(), operation)
    }

    /// The first account with such keys.
    pub fn root_for(server: &'a Server, operation: &str) -> Self {
        Self::of_for(server, server.root().clone(), operation)
    }

    /// Such keys of their own for a caller.
    pub fn of_for(server: &'a Server, caller: Caller, operation: &str) -> Self {
        Self::of_kind(server, caller, operation, &kind_for(operation))
    }

    /// The same with keys that CreateKey is asked for so.
    pub fn of_kind(server: &'a Server, caller: Caller, operation: &str, kind: &Value) -> Self {
        let id = server.account_id(&caller);
        let create = || server.call_as(&caller, "CreateKey", kind).output();
        let [key, other] = [create(), create()].map(|made| text(&made["KeyMetadata"]["Arn"]));
        let [alias, ciphertext, grant, store] = [const { String::new() }; 4];
        let mut account = Self { server, caller, id, key, other, alias, ciphertext, grant, store };
        if kind["Origin"] == "EXTERNAL" {
            let _ = crate::import::import(&account, &account.key, &material_of(kind));
        }
        let needs_both = operation == "DeriveSharedSecret" || *kind == kind_for(operation);
        if kind["Origin"] == "EXTERNAL" && needs_both {
            let _ = crate::import::import(&account, &account.other, &material_of(kind));
        }
        if operation == "UpdatePrimaryRegion" {
            account.replicate(REPLICA);
            account.in_region(REPLICA).furnish(kind);
        }
        account.alias = format!("alias/of/{}", key_id(&account.key));
        account.name_and_tag();
        account.ciphertext = account.made(operation);
        let grant = json!({"KeyId": account.key, "GranteePrincipal": account.root_arn(), "Operations": ["RetireGrant"],
            "Name": "of-the-account"});
        let made = account.call("CreateGrant", &grant).output();
        account.grant = text(&made["GrantId"]);
        account.store = crate::custom_key_stores::store_for(operation, &account).unwrap_or_default();
        account
    }

    /// Gives a replica what its primary has.
    fn furnish(mut self, kind: &Value) {
        if kind["Origin"] == "EXTERNAL" {
            let _ = crate::import::import(&self, &self.key, &material_of(kind));
        }
        self.alias = format!("alias/of/{}", key_id(&self.key));
        self.name_and_tag();
    }

    fn name_and_tag(&self) {
        let alias = json!({"AliasName": self.alias, "TargetKeyId": self.key});
        let _ = self.call("CreateAlias", &alias).output();
        let tags = json!([{"TagKey": "team", "TagValue": "delta"}]);
        let _ = self.call("TagResource", &json!({"KeyId": self.key, "Tags": tags})).output();
    }

    /// What the key makes, if it is of the kind that the operation is for.
    fn made(&self, operation: &str) -> String {
        let (maker, member) = match operation {
            "Decapsulate" | "Encapsulate" => ("Encapsulate", "SharedSecretCiphertextBlob"),
            "GenerateMac" | "VerifyMac" => ("GenerateMac", "Mac"),
            "GetPublicKey" | "Sign" | "Verify" => ("Sign", "Signature"),
            "DeriveSharedSecret" => {
                let input = json!({"KeyId": self.other});
                return text(&self.call("GetPublicKey", &input).output()["PublicKey"]);
            }
            _ => ("Encrypt", "CiphertextBlob"),
        };
        text(&self.call(maker, &crate::requests::minimal(maker, self)).output()[member])
    }

    /// Makes a replica of the key, and waits until it can be used.
    pub fn replicate(&self, region: &str) {
        let _ = self.call("ReplicateKey", &json!({"KeyId": self.key, "ReplicaRegion": region})).output();
        let input = json!({"KeyId": key_id(&self.key)});
        crate::lifecycle::until("the replica is made", || {
            let described =
                self.server.call_as(&self.caller.in_region(region), "DescribeKey", &input).output();
            described["KeyMetadata"]["KeyState"] != "Creating"
        });
    }

    /// The same account as it is in a region where the key has a replica.
    fn in_region(&self, region: &str) -> Self {
        let there = |arn: &str| arn.replace(&format!(":{}:", self.caller.region), &format!(":{region}:"));
        let [alias, ciphertext, grant, store] =
            [&self.alias, &self.ciphertext, &self.grant, &self.store].map(String::clone);
        let (key, other) = (there(&self.key), there(&self.other));
        Self {
            server: self.server,
            caller: self.caller.in_region(region),
            id: self.id.clone(),
            key,
            other,
            alias,
            ciphertext,
            grant,
            store,
        }
    }

    /// The ARN of the account's root.
    pub fn root_arn(&self) -> String {
        let partition = self.key.split(':').nth(1).unwrap();
        format!("arn:{partition}:iam::{}:root", self.id)
    }

    /// Calls an operation.
    pub fn call(&self, operation: &str, input: &Value) -> Answer {
        self.server.call_as(&self.caller, operation, input)
    }

    /// Encrypts bytes.
    pub fn encrypt(&self, key: &str, plaintext: &[u8]) -> String {
        let answer = self.call("Encrypt", &json!({"KeyId": key, "Plaintext": base64(plaintext)}));
        answer.output()["CiphertextBlob"].as_str().unwrap().to_owned()
    }

    /// Brings a new key into a state.
    pub fn enter(&self, key: &str, state: &str) {
        match state {
            "Enabled" => {}
            "Disabled" => drop(self.call("DisableKey", &json!({"KeyId": key})).output()),
            "PendingDeletion" => drop(self.call("ScheduleKeyDeletion", &json!({"KeyId": key})).output()),
            other => panic!("no way into {other}"),
        }
        assert_eq!(self.state(key), state);
    }

    /// The state of a key.
    pub fn state(&self, key: &str) -> String {
        let answer = self.call("DescribeKey", &json!({"KeyId": key})).output();
        answer["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned()
    }

    /// Everything that there is to see of the account: equal before and after if nothing changed.
    pub fn everything(&self) -> Value {
        let keys = self.call("ListKeys", &json!({"Limit": 1000})).output();
        let of_key = |key: &Value| {
            let named = json!({"KeyId": key["KeyId"]});
            ["DescribeKey", "GetKeyPolicy", "ListResourceTags", "ListKeyPolicies", "ListGrants"]
                .map(|operation| self.call(operation, &named).output())
        };
        let each: Vec<_> = keys["Keys"].as_array().unwrap().iter().map(of_key).collect();
        let stores = self.call("DescribeCustomKeyStores", &json!({})).output();
        json!([keys, each, self.call("ListAliases", &json!({"Limit": 100})).output(), stores])
    }

    /// What a caller of this account is told of keys that it cannot see.
    pub fn denial(&self, action: &str) -> String {
        format!(
            "User: arn:aws:iam::{}:root is not authorized to perform: {action} on this resource because the resource does \
             not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly \
             denies access",
            self.id
        )
    }
}

/// Which keys an operation is tried with: what CreateKey is asked for.
pub fn kind_for(operation: &str) -> Value {
    match operation {
        "Decapsulate" | "Encapsulate" => {
            json!({"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"})
        }
        "DeriveSharedSecret" => json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}),
        "DeleteImportedKeyMaterial" | "GetParametersForImport" | "ImportKeyMaterial" => {
            json!({"Origin": "EXTERNAL"})
        }
        "GenerateMac" | "VerifyMac" => json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
        "GetPublicKey" | "Sign" | "Verify" => json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}),
        "ReplicateKey" | "UpdatePrimaryRegion" => json!({"MultiRegion": true}),
        _ => json!({}),
    }
}

/// Material that such a key can import.
fn material_of(kind: &Value) -> Vec<u8> {
    match kind["KeySpec"].as_str() {
        Some("ECC_NIST_P256") => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
            pair.to_pkcs8v1().unwrap().as_ref().to_vec()
        }
        _ => crate::import::MATERIAL.to_vec(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The id at the end of a key's ARN.
pub fn key_id(arn: &str) -> &str {
    arn.rsplit_once('/').unwrap().1
}

/// The ARN of an alias in the account and region of a key.
pub fn alias_arn(key: &str, alias: &str) -> String {
    format!("{}:{alias}", key.rsplit_once(':').unwrap().0)
}

/// Where the key that an operation takes to have a replica has one.
pub const REPLICA: &str = "ap-northeast-1";

/// A plaintext that is easy to find where it must not be.
pub const PLAINTEXT: &[u8] = b"the river rises in the spring";
