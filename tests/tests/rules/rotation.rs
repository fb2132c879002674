//! Rotation of keys: by themselves when a period has passed, and when their owner asks for it.

use crate::account::{PLAINTEXT, key_id};
use crate::lifecycle::until;
use crate::multi_region::Family;
use blackbox::{Answer, Server, base64, bytes};
use serde_json::{Value, json};

/// A key of the first account.
struct Rotated<'a> {
    server: &'a Server,
    key: String,
}

impl<'a> Rotated<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, key: server.create_key() }
    }

    fn of_kind(server: &'a Server, input: &Value) -> Self {
        let made = server.call("CreateKey", input).output();
        Self { server, key: made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned() }
    }

    /// Calls an operation on the key.
    fn call(&self, operation: &str) -> Answer {
        self.call_with(operation, json!({}))
    }

    fn call_with(&self, operation: &str, mut input: Value) -> Answer {
        input["KeyId"] = json!(key_id(&self.key));
        self.server.call(operation, &input)
    }

    fn enable(&self, days: Option<u16>) {
        let input = json!({"RotationPeriodInDays": days});
        assert_eq!(self.call_with("EnableKeyRotation", input).output(), Value::Null);
    }

    fn status(&self) -> Value {
        self.call("GetKeyRotationStatus").output()
    }

    fn is_off(&self) {
        assert_eq!(self.status(), json!({"KeyId": self.key, "KeyRotationEnabled": false}));
    }

    fn next(&self) -> f64 {
        self.status()["NextRotationDate"].as_f64().unwrap()
    }

    fn current(&self) -> Value {
        self.call("DescribeKey").output()["KeyMetadata"]["CurrentKeyMaterialId"].clone()
    }

    /// Waits until the key has other material than that.
    fn leaves(&self, material: &Value) {
        until("the key is rotated", || self.current() != *material);
    }

    fn encrypt(&self) -> Value {
        let answer = self.call_with("Encrypt", json!({"Plaintext": base64(PLAINTEXT)}));
        answer.output()["CiphertextBlob"].clone()
    }

    /// Opens a ciphertext and says with which material.
    fn opens(&self, ciphertext: &Value) -> Value {
        let answer = self.server.call("Decrypt", &json!({"CiphertextBlob": ciphertext})).output();
        assert_eq!(bytes(&answer["Plaintext"]), PLAINTEXT);
        answer["KeyMaterialId"].clone()
    }

    fn rotations(&self, include: &str) -> Vec<Value> {
        let answer = self.call_with("ListKeyRotations", json!({"IncludeKeyMaterial": include})).output();
        answer["Rotations"].as_array().unwrap().clone()
    }

    /// The service events `RotateKey` of the key, as far as they are on record.
    fn events(&self) -> Vec<Value> {
        let is_of_key =
            |one: &Value| one["eventName"] == "RotateKey" && one["resources"][0]["ARN"] == self.key;
        self.server.journal().into_iter().filter(is_of_key).collect()
    }
}

fn days(number: f64) -> f64 {
    number * 86_400.0
}

/// Fails unless a date is so many days from now by the service's clock, which is so many days ahead.
#[track_caller]
fn is_in(date: f64, from_now: f64, ahead: f64) {
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0 + days(ahead);
    let late = now + days(from_now) - date;
    assert!((0.0..60.0).contains(&late), "{late} s off");
}

#[test]
fn rotation_has_a_period_of_365_days_unless_another_is_given_and_begins_anew_with_it() {
    let server = Server::builder().dev_clock().start();
    let key = Rotated::new(&server);
    key.is_off();
    key.enable(None);
    let status = key.status();
    assert_eq!(status["KeyId"], key.key);
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(365)));
    assert_eq!(status.as_object().unwrap().len(), 4, "{status}");
    is_in(key.next(), 365.0, 0.0);
    server.advance("30d");
    for period in [90, 2560] {
        key.enable(Some(period));
        assert_eq!(key.status()["RotationPeriodInDays"], period);
        is_in(key.next(), f64::from(period), 30.0);
    }
    key.enable(None);
    assert_eq!(key.status()["RotationPeriodInDays"], 365);
    is_in(key.next(), 365.0, 30.0);
    for _ in 0..2 {
        assert_eq!(key.call("DisableKeyRotation").output(), Value::Null);
        key.is_off();
    }
    for (period, constraint) in [(89, "greater than or equal to 90"), (2561, "less than or equal to 2560")] {
        let message = format!(
            "1 validation error detected: Value '{period}' at 'rotationPeriodInDays' failed to satisfy constraint: Member must \
             have value {constraint}"
        );
        key.call_with("EnableKeyRotation", json!({"RotationPeriodInDays": period}))
            .refuses("ValidationException", &message);
    }
}

#[test]
fn a_key_gets_new_material_when_its_period_has_passed_and_old_ciphertexts_open_for_ever() {
    let server = Server::builder().dev_clock().start();
    let key = Rotated::new(&server);
    key.enable(Some(90));
    let first_date = key.next();
    let mut made = vec![(key.current(), key.encrypt())];
    server.advance("89d");
    assert_eq!(key.current(), made[0].0);
    for round in 1..=3 {
        let (before, _) = made.last().unwrap().clone();
        server.advance(if round == 1 { "25h" } else { "90d" });
        key.leaves(&before);
        made.push((key.current(), key.encrypt()));
        let period = days(90.0) * f64::from(round);
        assert_eq!(key.next(), first_date + period, "a period after the date that was set");
    }
    server.restart();
    for (material, ciphertext) in &made {
        assert_eq!(key.opens(ciphertext), *material);
    }
    let moved = json!({"CiphertextBlob": made[0].1, "DestinationKeyId": key.key});
    let moved = server.call("ReEncrypt", &moved).output();
    assert_eq!(moved["SourceKeyMaterialId"], made[0].0);
    assert_eq!(moved["DestinationKeyMaterialId"], made[3].0);
    assert_eq!(key.opens(&moved["CiphertextBlob"]), made[3].0);

    let rotations = key.rotations("ROTATIONS_ONLY");
    let materials: Vec<_> = rotations.iter().map(|one| &one["KeyMaterialId"]).collect();
    assert_eq!(materials, made[1..].iter().map(|(material, _)| material).collect::<Vec<_>>());
    assert!(rotations.iter().all(|one| one["RotationType"] == "AUTOMATIC"));
    until("the rotations are on record", || key.events().len() == 3);
    let details = json!({"keyId": key.key, "keyOrigin": "AWS_KMS", "rotationType": "AUTOMATIC",
        "previousKeyMaterialId": made[0].0, "currentKeyMaterialId": made[1].0});
    assert_eq!(key.events()[0]["serviceEventDetails"], details);
    assert_eq!(key.events()[0]["eventType"], "AwsServiceEvent");
}

#[test]
fn a_disabled_key_is_not_rotated_and_one_that_is_overdue_is_rotated_once_it_is_on_again() {
    let server = Server::builder().dev_clock().start();
    let key = Rotated::new(&server);
    key.enable(Some(90));
    let (first, scheduled) = (key.current(), key.status());
    let _ = key.call("DisableKey").output();
    assert_eq!(key.status(), scheduled, "the schedule stays");
    server.advance("500d");
    // Another key is rotated meanwhile, so the jobs have run.
    let other = Rotated::new(&server);
    other.enable(Some(90));
    let of_other = other.current();
    server.advance("91d");
    other.leaves(&of_other);
    assert_eq!(key.current(), first);
    server.restart();
    assert_eq!(key.current(), first);

    let _ = key.call("EnableKey").output();
    key.leaves(&first);
    assert_eq!(key.rotations("ROTATIONS_ONLY").len(), 1, "once, and not once for each period");
    is_in(key.next(), 90.0, 591.0);
}

#[test]
fn a_key_that_waits_for_its_deletion_is_not_rotated_and_its_status_comes_back() {
    let server = Server::builder().dev_clock().start();
    let key = Rotated::new(&server);
    key.enable(Some(90));
    let scheduled = key.status();
    let first = key.current();
    server.advance("80d");
    let _ = key.call_with("ScheduleKeyDeletion", json!({"PendingWindowInDays": 30})).output();
    key.is_off();
    server.advance("20d");
    let pending = format!("{} is pending deletion.", key.key);
    for operation in ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"] {
        key.call(operation).refuses("KMSInvalidStateException", &pending);
    }
    let _ = key.call("CancelKeyDeletion").output();
    assert_eq!(key.status(), scheduled);
    assert_eq!(key.current(), first, "it is still off");
    let _ = key.call("EnableKey").output();
    key.leaves(&first);
    assert_eq!(key.next(), scheduled["NextRotationDate"].as_f64().unwrap() + days(90.0));
}

#[test]
fn a_key_is_rotated_on_demand_25_times_and_every_ciphertext_opens() {
    let server = Server::start();
    let key = Rotated::new(&server);
    key.enable(None);
    let scheduled = key.status();
    let mut made = vec![(key.current(), key.encrypt())];
    for round in 0..25 {
        assert_eq!(key.call("RotateKeyOnDemand").output(), json!({"KeyId": key.key}));
        let current = key.current();
        assert!(made.iter().all(|(material, _)| *material != current), "current at once");
        made.push((current, key.encrypt()));
        if round == 12 {
            server.kill();
            server.start_again();
        }
    }
    let message = format!(
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for \
         this key: {}",
        key.key
    );
    key.call("RotateKeyOnDemand").refuses("LimitExceededException", &message);
    assert_eq!(key.status(), scheduled, "the schedule stays");
    for (material, ciphertext) in &made {
        assert_eq!(key.opens(ciphertext), *material);
    }
    // A record may come twice after a stop in between, but not never.
    let recorded = || {
        let events =
            key.events().into_iter().map(|one| one["serviceEventDetails"]["currentKeyMaterialId"].clone());
        events
            .fold(Vec::new(), |seen, one| if seen.contains(&one) { seen } else { [seen, vec![one]].concat() })
    };
    let expected: Vec<_> = made[1..].iter().map(|(material, _)| material.clone()).collect();
    until("the rotations are on record", || recorded() == expected);
    assert!(key.events().iter().all(|one| one["serviceEventDetails"]["rotationType"] == "ON_DEMAND"));
}

#[test]
fn no_rotation_on_demand_is_begun_when_an_automatic_one_is_due_within_20_minutes() {
    let server = Server::builder().dev_clock().start();
    let key = Rotated::new(&server);
    key.enable(Some(90));
    server.advance("89d");
    server.advance("1419m");
    let _ = key.call("RotateKeyOnDemand").output();
    server.advance("61s");
    key.call("RotateKeyOnDemand").refuses(
        "ConflictException",
        "The request was rejected because an automatic rotation of this key is currently in progress or scheduled to begin \
         within the next 20 minutes.",
    );
    let before = key.current();
    server.advance("20m");
    key.leaves(&before);
    let _ = key.call("RotateKeyOnDemand").output();
    let types: Vec<_> =
        key.rotations("ROTATIONS_ONLY").iter().map(|one| one["RotationType"].clone()).collect();
    assert_eq!(types, ["ON_DEMAND", "AUTOMATIC", "ON_DEMAND"]);
}

#[test]
fn the_list_of_rotations_has_exactly_what_the_reference_says() {
    let server = Server::start();
    let key = Rotated::new(&server);
    let first = key.current();
    assert_eq!(key.rotations("ROTATIONS_ONLY"), Vec::<Value>::new());
    let entry = json!({"KeyId": key.key, "KeyMaterialId": first, "KeyMaterialState": "CURRENT"});
    assert_eq!(key.rotations("ALL_KEY_MATERIAL"), [entry]);
    let _ = key.call("RotateKeyOnDemand").output();
    let all = key.rotations("ALL_KEY_MATERIAL");
    assert_eq!(all[0], json!({"KeyId": key.key, "KeyMaterialId": first, "KeyMaterialState": "NON_CURRENT"}));
    let mut second = all[1].clone();
    let date = second.as_object_mut().unwrap().remove("RotationDate").unwrap();
    is_in(date.as_f64().unwrap(), 0.0, 0.0);
    let expected = json!({"KeyId": key.key, "KeyMaterialId": key.current(), "KeyMaterialState": "CURRENT",
        "RotationType": "ON_DEMAND"});
    assert_eq!(second, expected);
    assert_eq!(key.rotations("ROTATIONS_ONLY"), all[1..]);
    assert_eq!(json!({"Rotations": all[1..], "Truncated": false}), key.call("ListKeyRotations").output());
}

#[test]
fn keys_that_cannot_be_rotated_are_refused_as_recorded() {
    let server = Server::start();
    let all = [
        "EnableKeyRotation",
        "DisableKeyRotation",
        "GetKeyRotationStatus",
        "RotateKeyOnDemand",
        "ListKeyRotations",
    ];
    for kind in [
        json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
        json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
    ] {
        let key = Rotated::of_kind(&server, &kind);
        for operation in all {
            key.call(operation).refuses_without_a_word("UnsupportedOperationException");
        }
        let _ = key.call("DisableKey").output();
        let disabled = format!("{} is disabled.", key.key);
        for operation in ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"] {
            key.call(operation).refuses("DisabledException", &disabled);
        }
    }
    let imported = Rotated::of_kind(&server, &json!({"Origin": "EXTERNAL"}));
    let message = format!("{} origin is EXTERNAL which is not valid for this operation.", imported.key);
    for operation in ["EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"] {
        imported.call(operation).refuses("UnsupportedOperationException", &message);
    }
    assert_eq!(imported.call("ListKeyRotations").output(), json!({"Rotations": [], "Truncated": false}));
    let nowhere = json!({"KeyId": "00000000-0000-4000-8000-000000000000"});
    for operation in all {
        assert_eq!(server.call(operation, &nowhere).error(), "NotFoundException", "{operation}");
    }
}

#[test]
fn a_family_is_rotated_by_its_primary_on_demand_and_by_itself_all_at_once() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["us-east-2", "ap-south-1"]);
    let home = family.home().to_owned();
    let regions = [&*home, "us-east-2", "ap-south-1"];
    let current = |region: &str| family.described(region)["CurrentKeyMaterialId"].clone();
    let encrypt = |region: &str| {
        let input = json!({"Plaintext": base64(PLAINTEXT)});
        family.call(region, "Encrypt", input).output()["CiphertextBlob"].clone()
    };
    let mut made = vec![encrypt(&home)];
    for operation in ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"] {
        let message = format!("{} is not a multi-region primary key.", family.arn("us-east-2"));
        family.call("us-east-2", operation, json!({})).refuses("UnsupportedOperationException", &message);
    }
    let _ = family.call(&home, "EnableKeyRotation", json!({"RotationPeriodInDays": 90})).output();
    let status = |region: &str| {
        let mut status = family.call(region, "GetKeyRotationStatus", json!({})).output();
        status["KeyId"] = Value::Null;
        status
    };
    assert_eq!((status("us-east-2"), status("ap-south-1")), (status(&home), status(&home)));

    let first = current(&home);
    let _ = family.call(&home, "RotateKeyOnDemand", json!({})).output();
    let second = current(&home);
    assert_ne!(first, second);
    assert!(regions.iter().all(|region| current(region) == second), "all at once");
    made.extend(regions.map(encrypt));
    server.advance("91d");
    until("the family is rotated", || current(&home) != second);
    let third = current(&home);
    assert!(regions.iter().all(|region| current(region) == third), "all at once");
    assert_eq!(status("us-east-2"), status(&home));
    made.extend(regions.map(encrypt));
    server.restart();
    for region in regions {
        for ciphertext in &made {
            let opened = family.send(region, "Decrypt", &json!({"CiphertextBlob": ciphertext})).output();
            assert_eq!(bytes(&opened["Plaintext"]), PLAINTEXT, "{region}");
        }
        let input = json!({"IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
        let listed = family.call(region, "ListKeyRotations", input).output();
        let ids: Vec<_> =
            listed["Rotations"].as_array().unwrap().iter().map(|one| &one["KeyMaterialId"]).collect();
        assert_eq!(ids, [&first, &second, &third], "{region}");
    }
    let synchronized = |region: &str| {
        let is_of = |one: &&Value| {
            one["eventName"] == "SynchronizeMultiRegionKey"
                && one["serviceEventDetails"]["keyId"] == family.arn(region)
                && one["resources"][0]["ARN"] == family.primary
        };
        server.journal().iter().filter(is_of).count()
    };
    until("what was carried on is on record", || ["us-east-2", "ap-south-1"].map(synchronized) >= [3, 3]);
}
