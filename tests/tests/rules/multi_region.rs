//! Multi-Region keys: one key in several regions, and what its keys share and what they do not.

use crate::account::{PLAINTEXT, key_id};
use crate::lifecycle::until;
use blackbox::{Answer, Caller, Server, base64, bytes};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A family in the first account: its primary is in the account's own region.
pub struct Family<'a> {
    pub server: &'a Server,
    pub caller: Caller,
    pub primary: String,
}

impl<'a> Family<'a> {
    /// A primary that was made so.
    pub fn made_by(server: &'a Server, input: Value) -> Self {
        Self::of(server, server.root(), input)
    }

    /// The same of somebody.
    pub fn of(server: &'a Server, caller: &Caller, mut input: Value) -> Self {
        input["MultiRegion"] = true.into();
        let made = server.call_as(caller, "CreateKey", &input).output();
        let primary = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        Self { server, caller: caller.clone(), primary }
    }

    /// A symmetric encryption key with replicas in those regions.
    pub fn with_replicas(server: &'a Server, regions: &[&str]) -> Self {
        let family = Self::made_by(server, json!({}));
        regions.iter().for_each(|region| drop(family.replicate(region)));
        family
    }

    /// Makes a replica, waits until it can be used and says its ARN.
    pub fn replicate(&self, region: &str) -> String {
        let input = json!({"KeyId": self.primary, "ReplicaRegion": region});
        let made = self.server.call_as(&self.caller, "ReplicateKey", &input).output();
        self.settles(region);
        made["ReplicaKeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// Waits until nothing is being done to the key there.
    pub fn settles(&self, region: &str) {
        until("the transition ends", || !["Creating", "Updating"].contains(&self.state(region).as_str()));
    }

    /// Calls an operation on the key in a region.
    pub fn call(&self, region: &str, operation: &str, mut input: Value) -> Answer {
        if input.get("KeyId").is_none() {
            input["KeyId"] = json!(key_id(&self.primary));
        }
        self.send(region, operation, &input)
    }

    /// Calls an operation in a region.
    pub fn send(&self, region: &str, operation: &str, input: &Value) -> Answer {
        self.server.call_as(&self.caller.in_region(region), operation, input)
    }

    /// What DescribeKey says there.
    pub fn described(&self, region: &str) -> Value {
        self.call(region, "DescribeKey", json!({})).output()["KeyMetadata"].clone()
    }

    /// The state of the key there.
    pub fn state(&self, region: &str) -> String {
        self.described(region)["KeyState"].as_str().unwrap().to_owned()
    }

    /// The ARN of the key there.
    pub fn arn(&self, region: &str) -> String {
        self.primary.replace(&format!(":{}:", self.home()), &format!(":{region}:"))
    }

    /// The region where it was made.
    pub fn home(&self) -> &str {
        &self.caller.region
    }
}

#[test]
fn a_new_primary_has_an_id_of_its_own_kind_and_no_replicas() {
    let server = Server::start();
    let family = Family::made_by(&server, json!({}));
    let metadata = family.described(family.home());
    let id = metadata["KeyId"].as_str().unwrap();
    let digits = id.strip_prefix("mrk-").unwrap();
    assert!(digits.len() == 32 && !digits.contains('-'), "{id}");
    assert_eq!(metadata["MultiRegion"], true);
    let primary = json!({"Arn": family.primary, "Region": family.home()});
    assert_eq!(
        metadata["MultiRegionConfiguration"],
        json!({"MultiRegionKeyType": "PRIMARY", "PrimaryKey": primary, "ReplicaKeys": []})
    );
    let single = server.call("DescribeKey", &json!({"KeyId": server.create_key()})).output();
    assert_eq!(single["KeyMetadata"]["MultiRegion"], false);
    assert!(single["KeyMetadata"].get("MultiRegionConfiguration").is_none());
}

#[test]
fn a_replica_is_answered_as_recorded_and_enabled_soon_after() {
    let server = Server::start();
    let family = Family::made_by(
        &server,
        json!({"Description": "of the primary", "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    );
    let input = json!({"KeyId": family.primary, "ReplicaRegion": "eu-south-1"});
    let answer = server.call("ReplicateKey", &input).output();
    let names: BTreeSet<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["ReplicaKeyMetadata", "ReplicaPolicy"].into());
    let made = &answer["ReplicaKeyMetadata"];
    assert_eq!(
        (&made["KeyState"], &made["Enabled"], &made["Description"]),
        (&json!("Creating"), &json!(false), &json!(""))
    );
    assert!(made.get("CurrentKeyMaterialId").is_none());
    let place = |region: &str| json!({"Arn": family.arn(region), "Region": region});
    let configuration = |kind: &str| json!({"MultiRegionKeyType": kind, "PrimaryKey": place(family.home()), "ReplicaKeys": [place("eu-south-1")]});
    assert_eq!(made["MultiRegionConfiguration"], configuration("REPLICA"));
    assert_eq!(
        (&made["Arn"], &made["KeyId"]),
        (&json!(family.arn("eu-south-1")), &json!(key_id(&family.primary)))
    );
    let policy = family.call(family.home(), "GetKeyPolicy", json!({})).output()["Policy"].clone();
    assert_eq!(answer["ReplicaPolicy"], policy, "the default one");
    family.settles("eu-south-1");
    let (primary, replica) = (family.described(family.home()), family.described("eu-south-1"));
    assert_eq!((&replica["KeyState"], &replica["Enabled"]), (&json!("Enabled"), &json!(true)));
    assert_eq!(primary["MultiRegionConfiguration"], configuration("PRIMARY"));
    for shared in ["CurrentKeyMaterialId", "KeySpec", "KeyUsage", "Origin", "KeyId", "EncryptionAlgorithms"] {
        assert_eq!(primary[shared], replica[shared], "{shared}");
        assert!(replica[shared] != Value::Null, "{shared}");
    }
    assert_eq!(family.call("eu-south-1", "ListResourceTags", json!({})).output()["Tags"], json!([]));
}

#[test]
fn a_replica_has_the_policy_tags_and_description_that_it_was_given() {
    let server = Server::start();
    let family = Family::made_by(&server, json!({}));
    let tags = json!([{"TagKey": "river", "TagValue": "nile"}]);
    let input = json!({"KeyId": family.primary, "ReplicaRegion": "eu-south-1", "Policy": crate::requests::POLICY,
        "Tags": tags, "Description": "of the delta"});
    let answer = server.call("ReplicateKey", &input).output();
    assert_eq!((&answer["ReplicaPolicy"], &answer["ReplicaTags"]), (&json!(crate::requests::POLICY), &tags));
    family.settles("eu-south-1");
    assert_eq!(family.described("eu-south-1")["Description"], "of the delta");
    assert_eq!(
        family.call("eu-south-1", "GetKeyPolicy", json!({})).output()["Policy"],
        crate::requests::POLICY
    );
    assert_eq!(family.call("eu-south-1", "ListResourceTags", json!({})).output()["Tags"], tags);
    let locked = json!({"Version": "2012-10-17", "Statement": []}).to_string();
    let input = json!({"KeyId": family.primary, "ReplicaRegion": "us-west-2", "Policy": locked});
    assert_eq!(server.call("ReplicateKey", &input).error(), "MalformedPolicyDocumentException");
    assert_eq!(family.call("us-west-2", "DescribeKey", json!({})).error(), "NotFoundException");
}

#[test]
fn what_cannot_be_replicated_is_refused_in_awss_words() {
    let server = Server::builder().config("[service]\nregions = [\"us-east-1\", \"eu-west-1\"]\n").start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let to = |region: &str| json!({"KeyId": family.primary, "ReplicaRegion": region});
    for taken in ["us-east-1", "eu-west-1"] {
        assert_eq!(server.call("ReplicateKey", &to(taken)).error(), "AlreadyExistsException", "{taken}");
    }
    assert_eq!(server.call("ReplicateKey", &to("eu-west-3")).error(), "ValidationException");
    let single = server.create_key();
    let not_primary = |arn: &str| format!("{arn} is not a multi-region primary key.");
    server
        .call("ReplicateKey", &json!({"KeyId": single, "ReplicaRegion": "eu-west-1"}))
        .refuses("UnsupportedOperationException", &not_primary(&single));
    let replica = family.arn("eu-west-1");
    family
        .send("eu-west-1", "ReplicateKey", &json!({"KeyId": replica, "ReplicaRegion": "us-east-1"}))
        .refuses("UnsupportedOperationException", &not_primary(&replica));
    family
        .send("eu-west-1", "UpdatePrimaryRegion", &json!({"KeyId": replica, "PrimaryRegion": "us-east-1"}))
        .refuses("UnsupportedOperationException", &not_primary(&replica));
    let home = json!({"KeyId": family.primary, "PrimaryRegion": "us-east-1"});
    assert_eq!(server.call("UpdatePrimaryRegion", &home).error(), "UnsupportedOperationException");
    let nowhere = json!({"KeyId": family.primary, "PrimaryRegion": "eu-west-3"});
    let message = format!("Key '{}' does not exist", family.arn("eu-west-3"));
    server.call("UpdatePrimaryRegion", &nowhere).refuses("NotFoundException", &message);
    assert_eq!(
        family.described("us-east-1")["MultiRegionConfiguration"]["ReplicaKeys"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_ciphertext_opens_under_every_key_of_the_family_and_an_arn_of_another_region_names_nothing() {
    let server = Server::start();
    let family = Family::with_replicas(&server, &["eu-west-1", "us-west-2"]);
    let regions = [family.home(), "eu-west-1", "us-west-2"];
    for from in regions {
        let plaintext = json!({"Plaintext": base64(PLAINTEXT), "EncryptionContext": {"river": "nile"}});
        let sealed = family.call(from, "Encrypt", plaintext).output();
        assert_eq!(sealed["KeyId"], family.arn(from));
        for to in regions {
            let mut input =
                json!({"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": {"river": "nile"}});
            let opened = family.send(to, "Decrypt", &input).output();
            assert_eq!(
                (bytes(&opened["Plaintext"]), &opened["KeyId"]),
                (PLAINTEXT.to_vec(), &json!(family.arn(to)))
            );
            if from != to {
                input["KeyId"] = json!(family.arn(from));
                family
                    .send(to, "Decrypt", &input)
                    .refuses("NotFoundException", &format!("Invalid arn {from}"));
            }
        }
        let elsewhere =
            json!({"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": {"river": "nile"}});
        assert_eq!(family.send("ap-south-1", "Decrypt", &elsewhere).error(), "AccessDeniedException");
    }
    let other = Family::with_replicas(&server, &["eu-west-1"]);
    let sealed = family.call("eu-west-1", "Encrypt", json!({"Plaintext": "AQ=="})).output();
    let input = json!({"CiphertextBlob": sealed["CiphertextBlob"], "KeyId": other.arn("eu-west-1")});
    assert_eq!(other.send("eu-west-1", "Decrypt", &input).error(), "IncorrectKeyException");
}

#[test]
fn a_pair_and_an_hmac_key_are_the_same_in_every_region() {
    let server = Server::start();
    let signing = json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"});
    let pair = Family::made_by(&server, signing);
    pair.replicate("eu-west-1");
    let public = |region: &str| pair.call(region, "GetPublicKey", json!({})).output()["PublicKey"].clone();
    assert_eq!(public(pair.home()), public("eu-west-1"));
    let message = json!({"Message": base64(PLAINTEXT), "SigningAlgorithm": "ECDSA_SHA_256"});
    let signed = pair.call("eu-west-1", "Sign", message.clone()).output();
    let mut verify = message;
    verify["Signature"] = signed["Signature"].clone();
    assert_eq!(pair.call(pair.home(), "Verify", verify).output()["SignatureValid"], true);

    let macs = Family::made_by(&server, json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}));
    macs.replicate("eu-west-1");
    let message = json!({"Message": base64(PLAINTEXT), "MacAlgorithm": "HMAC_SHA_256"});
    let mac = |region: &str| macs.call(region, "GenerateMac", message.clone()).output()["Mac"].clone();
    assert_eq!(mac(macs.home()), mac("eu-west-1"));
}

#[test]
fn everything_but_what_the_family_shares_is_each_keys_own() {
    let server = Server::start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let before = everything(&family, family.home());
    let there = |operation: &str, input: Value| family.call("eu-west-1", operation, input).output();
    let _ = there("PutKeyPolicy", json!({"Policy": crate::requests::POLICY}));
    let _ = there("TagResource", json!({"Tags": [{"TagKey": "river", "TagValue": "nile"}]}));
    let _ = there("UpdateKeyDescription", json!({"Description": "of the delta"}));
    let grantee = format!("arn:aws:iam::{}:root", server.account_id(server.root()));
    let _ = there("CreateGrant", json!({"GranteePrincipal": grantee, "Operations": ["Decrypt"]}));
    let alias = json!({"AliasName": "alias/nile", "TargetKeyId": key_id(&family.primary)});
    let _ = family.send("eu-west-1", "CreateAlias", &alias).output();
    let _ = there("DisableKey", json!({}));
    assert_eq!(everything(&family, family.home()), before);
    let sealed = family.call(family.home(), "Encrypt", json!({"Plaintext": "AQ=="})).output();
    let input = json!({"CiphertextBlob": sealed["CiphertextBlob"]});
    family
        .send("eu-west-1", "Decrypt", &input)
        .refuses("DisabledException", &format!("{} is disabled.", family.arn("eu-west-1")));
    let after = everything(&family, "eu-west-1");
    let _ = family.call(family.home(), "DisableKey", json!({})).output();
    let _ = family
        .call(family.home(), "TagResource", json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}))
        .output();
    assert_eq!(everything(&family, "eu-west-1"), after);
}

#[test]
fn the_primary_moves_and_comes_back_and_the_keys_stay_usable() {
    let server = Server::start();
    let family = Family::with_replicas(&server, &["eu-west-1", "us-west-2"]);
    let home = family.home().to_owned();
    let sealed = family.call(&home, "Encrypt", json!({"Plaintext": "AQ=="})).output();
    let kind =
        |region: &str| family.described(region)["MultiRegionConfiguration"]["MultiRegionKeyType"].clone();
    for (from, to) in [(home.as_str(), "eu-west-1"), ("eu-west-1", "us-west-2"), ("us-west-2", home.as_str())]
    {
        let answer = family.call(from, "UpdatePrimaryRegion", json!({"PrimaryRegion": to}));
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{}", answer.text());
        let _ = family.send(from, "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]})).output();
        [from, to].iter().for_each(|region| family.settles(region));
        for region in [home.as_str(), "eu-west-1", "us-west-2"] {
            assert_eq!(kind(region), if region == to { "PRIMARY" } else { "REPLICA" }, "{region}");
            let configuration = &family.described(region)["MultiRegionConfiguration"];
            assert_eq!(configuration["PrimaryKey"]["Region"], to);
            assert_eq!(configuration["ReplicaKeys"].as_array().unwrap().len(), 2);
            assert_eq!(family.state(region), "Enabled");
        }
    }
    let _ = family.call(&home, "UpdatePrimaryRegion", json!({"PrimaryRegion": "eu-west-1"})).output();
    family.settles("eu-west-1");
    let made = family.call("eu-west-1", "ReplicateKey", json!({"ReplicaRegion": "ap-south-1"})).output();
    assert_eq!(
        made["ReplicaKeyMetadata"]["MultiRegionConfiguration"]["ReplicaKeys"].as_array().unwrap().len(),
        3
    );
    family.settles("ap-south-1");
    let opened = family.send("ap-south-1", "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
    assert_eq!(opened.output()["Plaintext"], "AQ==");
}

#[test]
fn replicas_that_are_made_at_the_same_time_all_know_each_other() {
    let server = Server::start();
    let family = Family::made_by(&server, json!({}));
    let regions = ["eu-west-1", "eu-west-2", "eu-west-3", "us-west-1", "us-west-2", "ap-south-1"];
    std::thread::scope(|scope| {
        for region in regions {
            let family = &family;
            scope.spawn(move || drop(family.replicate(region)));
        }
    });
    let configurations: BTreeSet<String> = regions
        .iter()
        .map(|region| family.described(region)["MultiRegionConfiguration"]["ReplicaKeys"].to_string())
        .collect();
    assert_eq!(configurations.len(), 1);
    let replicas = family.described(family.home())["MultiRegionConfiguration"]["ReplicaKeys"].clone();
    assert_eq!(replicas.as_array().unwrap().len(), regions.len());
    let twice: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    family.call(family.home(), "ReplicateKey", json!({"ReplicaRegion": "sa-east-1"})).status
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(twice.iter().filter(|status| **status == 200).count(), 1, "{twice:?}");
}

#[test]
fn a_replica_that_was_begun_before_a_crash_is_enabled_after_it() {
    let server = Server::start();
    let family = Family::made_by(&server, json!({}));
    let sealed = family.call(family.home(), "Encrypt", json!({"Plaintext": "AQ=="})).output();
    for region in ["eu-west-1", "eu-west-2", "eu-west-3"] {
        let _ = family.call(family.home(), "ReplicateKey", json!({"ReplicaRegion": region})).output();
        server.kill();
        server.start_again();
        family.settles(region);
        let opened = family.send(region, "Decrypt", &json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
        assert_eq!(opened.output()["Plaintext"], "AQ==", "{region}");
    }
}

#[test]
fn both_regions_have_a_record_of_what_was_done_in_them() {
    let server = Server::start();
    let family = Family::made_by(&server, json!({}));
    let replicated = family.call(family.home(), "ReplicateKey", json!({"ReplicaRegion": "eu-west-1"}));
    family.settles("eu-west-1");
    let moved = family.call(family.home(), "UpdatePrimaryRegion", json!({"PrimaryRegion": "eu-west-1"}));
    let journal = server.journal();
    let of_call = |answer: &Answer| -> Vec<Value> {
        let id = answer.header("x-amzn-requestid").unwrap();
        journal.iter().filter(|record| record["requestID"] == id).cloned().collect()
    };
    let seen = |records: &[Value]| -> Vec<(String, String)> {
        let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
        records.iter().map(|record| (text(record, "eventName"), text(record, "awsRegion"))).collect()
    };
    let records = of_call(&replicated);
    let (home, there) = (family.home().to_owned(), "eu-west-1".to_owned());
    assert_eq!(
        seen(&records),
        [("ReplicateKey".to_owned(), home.clone()), ("CreateKey".to_owned(), there.clone())]
    );
    assert_ne!(records[0]["eventID"], records[1]["eventID"]);
    assert_eq!(records[0]["userIdentity"], records[1]["userIdentity"]);
    assert_eq!(records[0]["responseElements"]["replicaKeyMetadata"]["arn"], json!(family.arn("eu-west-1")));
    assert_eq!(records[1]["responseElements"]["keyMetadata"]["arn"], json!(family.arn("eu-west-1")));
    assert_eq!(records[1]["requestParameters"]["multiRegion"], true);
    assert_eq!(records[1]["resources"][0]["ARN"], json!(family.arn("eu-west-1")));
    let records = of_call(&moved);
    let name = "UpdatePrimaryRegion".to_owned();
    assert_eq!(seen(&records), [(name.clone(), home), (name, there)]);
    assert_eq!(records[1]["responseElements"], json!({"keyId": family.arn("eu-west-1")}));
    let synchronized =
        journal.iter().filter(|record| record["eventName"] == "SynchronizeMultiRegionKey").count();
    assert_eq!(synchronized, 1);
}

#[test]
fn a_replica_takes_the_permissions_of_both_regions() {
    let server = Server::start();
    let family = Family::made_by(&server, json!({}));
    let user = server.create_user(server.root(), "replicator");
    let statement = |action: &str, region: &str| {
        json!({"Effect": "Allow", "Action": action, "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": region}}})
    };
    let input = json!({"KeyId": family.primary, "ReplicaRegion": "eu-west-1", "Tags": [{"TagKey": "a", "TagValue": "b"}]});
    let call = || server.call_as(&user.caller, "ReplicateKey", &input);
    let home = family.home();
    let not_enough = [
        json!([statement("kms:ReplicateKey", home)]),
        json!([
            statement("kms:ReplicateKey", home),
            statement("kms:CreateKey", home),
            statement("kms:TagResource", home)
        ]),
        json!([statement("kms:ReplicateKey", home), statement("kms:CreateKey", "eu-west-1")]),
        json!([statement("kms:CreateKey", "eu-west-1"), statement("kms:TagResource", "eu-west-1")]),
    ];
    for statements in not_enough {
        server.put_user_policy(server.root(), &user.name, &statements);
        assert_eq!(call().error(), "AccessDeniedException", "{statements}");
    }
    let of_replica = json!({"Effect": "Allow", "Action": ["kms:CreateKey", "kms:TagResource"], "Resource": "*", "Condition": {
        "StringEquals": {"aws:RequestedRegion": "eu-west-1", "kms:MultiRegionKeyType": "REPLICA", "kms:KeySpec": "SYMMETRIC_DEFAULT",
            "kms:KeyOrigin": "AWS_KMS", "aws:RequestTag/a": "b"}, "Bool": {"kms:MultiRegion": "true"}}});
    let of_primary = json!({"Effect": "Allow", "Action": "kms:ReplicateKey", "Resource": family.primary, "Condition": {
        "StringEquals": {"kms:ReplicaRegion": "eu-west-1", "kms:MultiRegionKeyType": "PRIMARY"}}});
    server.put_user_policy(server.root(), &user.name, &json!([of_primary, of_replica]));
    let _ = call().output();
}

#[test]
fn a_primary_moves_only_if_both_key_policies_let_it() {
    let server = Server::start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let user = server.create_user(server.root(), "mover");
    server.put_user_policy(server.root(), &user.name, &crate::access::everything());
    let input = json!({"KeyId": family.primary, "PrimaryRegion": "eu-west-1"});
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": user.arn}, "Action": "kms:UpdatePrimaryRegion", "Resource": "*"});
    let owner = json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", server.account_id(server.root()))},
        "Action": "kms:*", "Resource": "*"});
    let policy = |statements: Value| json!({"Policy": blackbox::policy(&statements)});
    for region in [family.home(), "eu-west-1"] {
        let _ = family.call(region, "PutKeyPolicy", policy(json!([owner, deny]))).output();
        let answer = server.call_as(&user.caller, "UpdatePrimaryRegion", &input);
        assert_eq!(answer.error(), "AccessDeniedException", "{region}");
        assert!(answer.text().contains(&family.arn(region)), "{}", answer.text());
        let _ = family.call(region, "PutKeyPolicy", policy(json!([owner]))).output();
    }
    assert_eq!(server.call_as(&user.caller, "UpdatePrimaryRegion", &input).status, 200);
}

#[test]
fn the_quota_of_keys_is_that_of_the_replicas_region() {
    let server = Server::builder().config("[service]\nkeys_per_region = 2\n").start();
    let family = Family::made_by(&server, json!({}));
    for _ in 0..2 {
        let _ = server.create_key_as(&family.caller.in_region("eu-west-1"));
    }
    let input = json!({"ReplicaRegion": "eu-west-1"});
    assert_eq!(family.call(family.home(), "ReplicateKey", input).error(), "LimitExceededException");
    assert_eq!(family.described(family.home())["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
    let _ = family.replicate("eu-west-2");
}

/// All that is to be seen of the key in a region.
fn everything(family: &Family<'_>, region: &str) -> Value {
    let operations = ["DescribeKey", "GetKeyPolicy", "ListResourceTags", "ListGrants", "ListAliases"];
    operations.map(|operation| family.call(region, operation, json!({})).output()).to_vec().into()
}
