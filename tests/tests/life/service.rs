//! The same life in the real service, over HTTP.

use crate::model::{Act, Family, Kind};
use blackbox::{Answer, Caller, Server, base64, bytes, wrap};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];

pub struct Service {
    server: Server,
    callers: Vec<Caller>,
    /// How far the service's clock is ahead of the real one.
    days_ahead: u32,
}

/// A key and what it has encrypted.
pub struct KeyInService {
    id: String,
    /// Bytes to import that no other key has.
    salt: u8,
    sealed: Vec<(String, Vec<u8>)>,
}

impl Service {
    pub fn start() -> Self {
        let server = Server::builder().dev_clock().start();
        let callers = REGIONS.map(|region| server.root().in_region(region)).to_vec();
        Self { server, callers, days_ahead: 0 }
    }

    pub fn create(&self, kind: Kind, region: usize) -> KeyInService {
        let input = match kind {
            Kind::Symmetric => json!({}),
            Kind::Signing => json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}),
            Kind::Imported => json!({"Origin": "EXTERNAL"}),
            Kind::MultiRegion => json!({"MultiRegion": true}),
        };
        let made = self.call(region, "CreateKey", &input).output();
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        let salt = id.bytes().fold(7, |salt: u8, byte| salt.wrapping_mul(31) ^ byte);
        KeyInService { id, salt, sealed: Vec::new() }
    }

    /// Does it, and says the error that it came to.
    pub fn act(
        &self,
        key: &mut KeyInService,
        before: &Family,
        region: usize,
        act: &Act,
    ) -> Result<(), String> {
        let on_key = |operation: &str, more: Value| {
            let mut input = json!({"KeyId": key.id});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            self.call(region, operation, &input)
        };
        let answer = match act {
            Act::Enable => on_key("EnableKey", json!({})),
            Act::Disable => on_key("DisableKey", json!({})),
            Act::Schedule(days) => on_key("ScheduleKeyDeletion", json!({"PendingWindowInDays": days})),
            Act::Cancel => on_key("CancelKeyDeletion", json!({})),
            Act::Decrypt(which) if !key.sealed.is_empty() => {
                let (blob, plaintext) = &key.sealed[which % key.sealed.len()];
                let answer = on_key("Decrypt", json!({"CiphertextBlob": blob}));
                assert!(answer.status != 200 || bytes(&answer.output()["Plaintext"]) == *plaintext);
                answer
            }
            Act::Encrypt | Act::Decrypt(_) => return self.encrypt(key, region),
            Act::Sign => {
                on_key("Sign", json!({"Message": base64(b"message"), "SigningAlgorithm": "ECDSA_SHA_256"}))
            }
            Act::EnableRotation(period) => {
                on_key("EnableKeyRotation", json!({"RotationPeriodInDays": period}))
            }
            Act::DisableRotation => on_key("DisableKeyRotation", json!({})),
            Act::Rotate => on_key("RotateKeyOnDemand", json!({})),
            Act::ImportNew(days) => {
                let number = before.fresh_number();
                return self.import(key, region, number, "NEW_KEY_MATERIAL", *days);
            }
            Act::ImportAgain(which, days) => {
                let known = before.materials.get(which % before.materials.len().max(1));
                let number = known.map_or(0, |material| material.number);
                return self.import(key, region, number, "EXISTING_KEY_MATERIAL", *days);
            }
            Act::DeleteMaterial(which) => {
                let rotations = on_key("ListKeyRotations", json!({"IncludeKeyMaterial": "ALL_KEY_MATERIAL"}));
                let id = match rotations.status {
                    200 => rotations.output()["Rotations"][which % before.materials.len()]["KeyMaterialId"]
                        .clone(),
                    _ => json!("0".repeat(64)),
                };
                on_key("DeleteImportedKeyMaterial", json!({"KeyMaterialId": id}))
            }
            Act::Replicate(to) => on_key("ReplicateKey", json!({"ReplicaRegion": REGIONS[*to]})),
            Act::Promote(to) => on_key("UpdatePrimaryRegion", json!({"PrimaryRegion": REGIONS[*to]})),
        };
        outcome(&answer)
    }

    fn encrypt(&self, key: &mut KeyInService, region: usize) -> Result<(), String> {
        let plaintext = format!("plaintext {}", key.sealed.len()).into_bytes();
        let input = json!({"KeyId": key.id, "Plaintext": base64(&plaintext)});
        let answer = self.call(region, "Encrypt", &input);
        outcome(&answer)?;
        key.sealed.push((answer.output()["CiphertextBlob"].as_str().unwrap().to_owned(), plaintext));
        Ok(())
    }

    fn import(
        &self,
        key: &KeyInService,
        region: usize,
        number: u8,
        import_type: &str,
        days: Option<u32>,
    ) -> Result<(), String> {
        let asked = json!({"KeyId": key.id, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
        let parameters = self.call(region, "GetParametersForImport", &asked);
        outcome(&parameters)?;
        let parameters = parameters.output();
        let wrapped = wrap("RSAES_OAEP_SHA_256", &bytes(&parameters["PublicKey"]), &[number ^ key.salt; 32]);
        let mut input = json!({
            "KeyId": key.id, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": base64(&wrapped),
            "ImportType": import_type, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        });
        if let Some(days) = days {
            input["ExpirationModel"] = json!("KEY_MATERIAL_EXPIRES");
            let ahead = i64::from(self.days_ahead + days) * 86_400;
            input["ValidTo"] = json!(jiff::Timestamp::now().as_second() + ahead);
        }
        outcome(&self.call(region, "ImportKeyMaterial", &input))
    }

    /// Asks until the key is as the model has it: what the service does by itself takes a moment.
    pub fn compare(&self, key: &KeyInService, family: &Family, when: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        for region in 0..REGIONS.len() {
            loop {
                let (seen, expected) = (self.see(key, family, region), expect(family, region));
                if seen == expected {
                    break;
                }
                assert!(Instant::now() < deadline, "{when}: {seen} instead of {expected} of {family:#?}");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn see(&self, key: &KeyInService, family: &Family, region: usize) -> Value {
        let named = json!({"KeyId": key.id});
        let described = self.call(region, "DescribeKey", &named);
        if described.status != 200 {
            return json!(described.error());
        }
        let metadata = &described.output()["KeyMetadata"];
        let mut seen = json!({
            "state": metadata["KeyState"], "enabled": metadata["Enabled"],
            "dated": metadata.get("DeletionDate").is_some(),
            "type": metadata["MultiRegionConfiguration"]["MultiRegionKeyType"],
        });
        if family.is_symmetric() {
            let rotations = self.call(region, "ListKeyRotations", &named).output();
            let rotations: Vec<_> = rotations["Rotations"].as_array().unwrap().iter().collect();
            seen["rotations"] = rotations.iter().map(|rotation| rotation["RotationType"].clone()).collect();
            if family.kind != Kind::Imported {
                let status = self.call(region, "GetKeyRotationStatus", &named).output();
                seen["period"] = status["RotationPeriodInDays"].clone();
            }
        }
        seen
    }

    pub fn pass(&mut self, days: u32) {
        self.server.advance(&format!("{days}d"));
        self.days_ahead += days;
    }

    pub fn restart(&self) {
        assert!(self.server.terminate().success());
        self.server.start_again();
    }

    pub fn kill(&self) {
        self.server.kill();
        self.server.start_again();
    }

    fn call(&self, region: usize, operation: &str, input: &Value) -> Answer {
        self.server.call_as(&self.callers[region], operation, input)
    }
}

fn expect(family: &Family, region: usize) -> Value {
    let Some(state) = family.state(region) else { return json!("NotFoundException") };
    let member = &family.members[&region];
    let is_multi_region = family.kind == Kind::MultiRegion;
    let key_type = if region == family.primary { "PRIMARY" } else { "REPLICA" };
    let mut expected = json!({
        "state": state, "enabled": state == "Enabled",
        "dated": member.deletion.is_some_and(|deletion| deletion.date.is_some()),
        "type": is_multi_region.then_some(key_type),
    });
    if family.is_symmetric() {
        expected["rotations"] = json!(family.rotations);
        if family.kind != Kind::Imported {
            let is_told = member.deletion.is_none();
            expected["period"] = json!(family.schedule.filter(|_| is_told).map(|schedule| schedule.period));
        }
    }
    expected
}

fn outcome(answer: &Answer) -> Result<(), String> {
    if answer.status == 200 { Ok(()) } else { Err(answer.error()) }
}
