//! For each operation and each of its permissions: every condition key that the table gives it is there, and no other. The policy
//! that is tried allows the action if all of the first are present and all of the others absent.
//!
//! What is in a request depends on who makes it too: each is made by a user, by a session of a role, by a service on behalf of
//! the user, and by that service for itself.

use crate::access::{On, actions, row};
use crate::account::{Account, alias_arn};
use crate::attestation::{recipient, takes_recipient};
use crate::requests::{minimal, state_for};
use access::{ConditionKey, KeyAction};
use blackbox::{Answer, Caller, Enclave, Environment, Hypervisor, Server};
use operations::{Entry, OPERATIONS};
use serde_json::{Map, Value, json};

/// Who makes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The service `s3.amazonaws.com` for itself, about a bucket. Only a key policy can let it.
    Itself,
    /// The same service, on behalf of the user.
    Service,
    /// A session of a role, with tags and a source identity.
    Session,
    /// A user with a tag.
    User,
}

/// Whether the key is in a request made so that says all that it can say.
fn is_given(key: ConditionKey, action: &str, by: By, on: On) -> bool {
    use ConditionKey as K;
    match key {
        // Nobody has a second factor, and web identities are another matter.
        K::MultiFactorAuthAge | K::FederatedProvider => false,
        // There are no organizations and no VPCs here.
        K::PrincipalOrgId
        | K::PrincipalOrgPaths
        | K::ResourceOrgId
        | K::ResourceOrgPaths
        | K::SourceOrgId
        | K::SourceOrgPaths
        | K::SourceVpc
        | K::SourceVpce
        | K::VpcSourceIp => false,
        // The recipient is an enclave; what a NitroTPM attests is tried in `attestation`.
        K::KmsRecipientAttestationNitroTpmPcr => false,
        K::KmsMultiRegionKeyType => ABOUT_FAMILIES.contains(&action),
        K::PrincipalServiceName | K::PrincipalServiceNamesList | K::SourceAccount | K::SourceArn => {
            by == By::Itself
        }
        K::PrincipalTag => by != By::Itself,
        K::MultiFactorAuthPresent | K::SourceIdentity | K::TokenIssueTime => by == By::Session,
        K::UserName => by == By::User || by == By::Service,
        K::SourceIp => by != By::Service,
        K::CalledVia | K::CalledViaFirst | K::CalledViaLast | K::KmsViaService => by == By::Service,
        // A grant is either to principals or to services.
        K::KmsGranteePrincipal | K::KmsRetiringPrincipal => by != By::Service,
        K::KmsGranteeServicePrincipal | K::KmsRetiringServicePrincipal | K::KmsGrantConstraintSourceArn => {
            by == By::Service
        }
        K::ResourceTag | K::IamResourceTag | K::ResourceAccount => on != On::Account && on != On::Principal,
        _ => true,
    }
}

/// The names by which the key is asked for, and whether each is in the request.
fn expectations(action: &str, by: By, on: On) -> Vec<(String, bool)> {
    let on_key = KeyAction::of_name(action).is_some();
    let of_row = |row: &access::Row| {
        let name =
            if row.has_suffix { format!("{}{}", row.name, suffix(row.key)) } else { row.name.to_owned() };
        (name, row.carriers.carry(action, on_key) && is_given(row.key, action, by, on))
    };
    let is_asked = |row: &&access::Row| !(by == By::Itself && row.key == NOT_IN_KEY_POLICIES);
    ConditionKey::TABLE.iter().filter(is_asked).map(of_row).collect()
}

/// Which tag, pair or register is asked for.
fn suffix(key: ConditionKey) -> &'static str {
    match key {
        ConditionKey::KmsEncryptionContext => "project",
        ConditionKey::KmsRecipientAttestationNitroTpmPcr | ConditionKey::KmsRecipientAttestationPcr => "4",
        ConditionKey::RequestTag => "river",
        _ => "team",
    }
}

/// A request that says all that it can say.
fn fullest(operation: &str, account: &Account<'_>, by: By) -> Value {
    let mut input = minimal(operation, account);
    let context = json!({"project": "nile"});
    // Its name alone would be looked for in the caller's own account.
    let alias = alias_arn(&account.key, &account.alias);
    let mut set = |members: Value| {
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    };
    match operation {
        "CreateGrant" if by == By::Service => {
            set(json!({"GranteePrincipal": null, "GranteeServicePrincipal": S3,
            "RetiringServicePrincipal": S3, "Constraints": {"EncryptionContextSubset": context, "SourceArn": BUCKET}}))
        }
        "CreateGrant" => set(json!({"RetiringPrincipal": account.root_arn(),
            "Constraints": {"EncryptionContextEquals": context}})),
        "CreateKey" => set(json!({"Tags": [{"TagKey": "river", "TagValue": "nile"}]})),
        "Decrypt" => set(json!({"KeyId": alias, "EncryptionContext": context})),
        "Decapsulate" | "DeriveSharedSecret" | "DescribeKey" | "Encapsulate" | "GenerateMac"
        | "GetPublicKey" | "Sign" | "Verify" | "VerifyMac" => set(json!({"KeyId": alias})),
        "Encrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyPair"
        | "GenerateDataKeyPairWithoutPlaintext"
        | "GenerateDataKeyWithoutPlaintext" => set(json!({"KeyId": alias, "EncryptionContext": context})),
        "EnableKeyRotation" => set(json!({"RotationPeriodInDays": 90})),
        "ImportKeyMaterial" => {
            let valid_to = jiff::Timestamp::now().as_second() + 86_400;
            set(json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": valid_to}));
        }
        "ReEncrypt" => set(json!({"SourceKeyId": alias, "DestinationKeyId": alias,
            "SourceEncryptionContext": context, "DestinationEncryptionContext": context})),
        "ReplicateKey" => set(json!({"Tags": [{"TagKey": "river", "TagValue": "nile"}]})),
        "ScheduleKeyDeletion" => set(json!({"PendingWindowInDays": 7})),
        _ => {}
    }
    input
}

/// Everything that the calls of this test need in an account: who calls, and for whom.
struct Cast<'a> {
    account: Account<'a>,
    user: blackbox::User,
    session: Caller,
    role: blackbox::Role,
    service: &'a Caller,
}

impl<'a> Cast<'a> {
    fn new(server: &'a Server, service: &'a Caller, name: &str, operation: &str) -> Self {
        let account = Account::root_for(server, operation);
        let tag = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "delta")];
        let user = server.create_user(server.root(), &format!("user-{name}"));
        let _ = server.iam("TagUser", &[&[("UserName", user.name.as_str())][..], &tag].concat()).output();
        let role = server.create_role(server.root(), &format!("role-{name}"), &account.id);
        let trust = blackbox::policy(
            &json!([{"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:*"}]),
        );
        let trust = [("RoleName", role.name.as_str()), ("PolicyDocument", trust.as_str())];
        let _ = server.iam("UpdateAssumeRolePolicy", &trust).output();
        server.put_user_policy(
            server.root(),
            &user.name,
            &json!([{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]),
        );
        let more = [&[("SourceIdentity", "pharaoh")][..], &tag].concat();
        let session = server.assume_role_with(&user.caller, &role.arn, "flood", &more);
        Self { account, user, session, role, service }
    }

    /// What the user's or the role's own policy says from now on.
    fn let_caller(&self, by: By, statements: &Value) {
        let server = self.account.server;
        let policy = blackbox::policy(statements);
        if by == By::Itself {
            return self.let_service(statements);
        }
        let made = server
            .iam("CreatePolicy", &[("PolicyName", &self.policy_name(by)), ("PolicyDocument", &policy)])
            .output();
        let arn = made["Policy"]["Arn"].as_str().unwrap();
        let _ = match by {
            By::Session => {
                server.iam("AttachRolePolicy", &[("RoleName", &self.role.name), ("PolicyArn", arn)]).output()
            }
            _ => {
                server.iam("AttachUserPolicy", &[("UserName", &self.user.name), ("PolicyArn", arn)]).output()
            }
        };
    }

    /// What the key policy lets the service do, besides what it lets the account do.
    fn let_service(&self, statements: &Value) {
        let root = json!({"Effect": "Allow", "Principal": {"AWS": self.account.root_arn()}, "Action": "kms:*", "Resource": "*"});
        let mut all = vec![root];
        all.extend(statements.as_array().unwrap().iter().map(|statement| {
            let mut statement = statement.clone();
            statement["Principal"] = json!({"Service": S3});
            statement
        }));
        let input = json!({"KeyId": self.account.key, "Policy": blackbox::policy(&Value::Array(all))});
        let _ = self.account.call("PutKeyPolicy", &input).output();
    }

    fn policy_name(&self, by: By) -> String {
        format!("{}-{by:?}", self.user.name)
    }

    fn call(&self, by: By, operation: &str, input: &Value) -> Answer {
        let request = self
            .account
            .server
            .request(operation, input.to_string())
            .with("referer", "https://delta.example/");
        let signed = match by {
            By::Itself => request
                .with("x-cardea-source-arn", BUCKET)
                .with("x-cardea-source-account", "111122223333")
                .signed(self.service),
            By::Service => request.with("x-cardea-on-behalf-of", &self.user.arn).signed(self.service),
            By::Session => request.signed(&self.session),
            By::User => request.signed(&self.user.caller),
        };
        self.account.server.send(&signed)
    }
}

#[test]
fn every_permission_is_asked_with_the_condition_keys_of_the_table_and_no_others() {
    let (hypervisor, enclave) = (Hypervisor::new(), Enclave::new());
    let server = Server::builder().config(&hypervisor.config()).start();
    let made = server.cardea(&["admin", "service", "create", S3]);
    let service = Caller::of(&Environment::parse(&String::from_utf8(made.stdout).unwrap()));
    let mut wrong = Vec::new();
    for entry in OPERATIONS {
        for action in actions(entry.name) {
            for by in [By::User, By::Session, By::Service, By::Itself] {
                let on = row(entry.name);
                if !may_call(by, entry, &action) {
                    continue;
                }
                let name = format!("{}-{by:?}", action.replace(':', "-"));
                let cast = prepared(&server, &service, &name, entry.name);
                let expected = expectations(&action, by, on);
                cast.let_caller(by, &statements(&action, on, &expected));
                let mut input = fullest(entry.name, &cast.account, by);
                if takes_recipient(entry) {
                    input["Recipient"] = recipient(&hypervisor.document(&enclave.attestation()));
                }
                let answer = cast.call(by, entry.name, &input);
                if answer.status != 200 {
                    wrong.push(format!(
                        "{} by {by:?}: {}",
                        entry.name,
                        differences(&cast, &answer, &expected)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// For others a service uses keys and manages grants, no more; for itself it is like another account, whom a key policy lets in.
fn may_call(by: By, entry: &Entry, action: &str) -> bool {
    let is_for_others = KeyAction::of_name(action).is_some_and(|action| action.cross_account);
    match by {
        By::Itself => row(entry.name) == On::Keys && is_for_others,
        By::Service => entry.read_only || entry.name.ends_with("Grant"),
        By::Session | By::User => true,
    }
}

/// An account's keys and whoever calls, with all that the fullest request of an operation needs.
fn prepared<'a>(server: &'a Server, service: &'a Caller, name: &str, operation: &str) -> Cast<'a> {
    let mut cast = Cast::new(server, service, name, operation);
    let account = &mut cast.account;
    let context = json!({"project": "nile"});
    match operation {
        "Decrypt" | "ReEncrypt" => {
            let input = json!({"KeyId": account.key, "Plaintext": "AQ==", "EncryptionContext": context});
            let sealed = account.call("Encrypt", &input).output();
            account.ciphertext = sealed["CiphertextBlob"].as_str().unwrap().to_owned();
        }
        "RetireGrant" => {
            let input = json!({"KeyId": account.key, "GranteePrincipal": account.root_arn(),
                "Operations": ["Decrypt", "RetireGrant"], "Constraints": {"EncryptionContextEquals": context}});
            let made = account.call("CreateGrant", &input).output();
            account.grant = made["GrantId"].as_str().unwrap().to_owned();
        }
        _ => {}
    }
    account.enter(&account.key, state_for(operation));
    cast
}

/// Lets whoever has it do the action if those keys are as expected, and all else anyhow.
fn statements(action: &str, on: On, expected: &[(String, bool)]) -> Value {
    let nulls: Map<String, Value> =
        expected.iter().map(|(name, present)| (name.clone(), json!((!present).to_string()))).collect();
    let resource = if on == On::AliasAndKeys { "arn:aws:kms:*:*:key/*" } else { "*" };
    json!([
        {"Effect": "Allow", "NotAction": action, "Resource": "*"},
        {"Effect": "Allow", "Action": action, "Resource": "arn:aws:kms:*:*:alias/*"},
        {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": {"Null": nulls}},
    ])
}

/// Which condition keys were not as expected, by what the denial's message says.
fn differences(cast: &Cast<'_>, answer: &Answer, expected: &[(String, bool)]) -> String {
    if answer.error() != "AccessDeniedException" {
        return answer.text();
    }
    let encoded = answer.encoded_message();
    let decoded =
        cast.account.server.sts("DecodeAuthorizationMessage", &[("EncodedMessage", &encoded)]).output();
    let decoded = decoded["DecodedMessage"].as_str().unwrap().to_owned();
    let missing = expected
        .iter()
        .filter(|(name, _)| decoded.to_lowercase().contains(&format!("\"key\":\"{}\"", name.to_lowercase())));
    let missing: Vec<_> =
        missing.map(|(name, present)| format!("{name} should be there: {present}")).collect();
    format!("{} {}", missing.join(", "), if missing.is_empty() { decoded } else { String::new() })
}

/// The actions that are tried on multi-Region keys.
const ABOUT_FAMILIES: [&str; 2] = ["kms:ReplicateKey", "kms:UpdatePrimaryRegion"];
/// No key policy may ask for it.
const NOT_IN_KEY_POLICIES: ConditionKey = ConditionKey::KmsResourceAliases;
const S3: &str = "s3.amazonaws.com";
const BUCKET: &str = "arn:aws:s3:us-east-1:111122223333:bucket";
