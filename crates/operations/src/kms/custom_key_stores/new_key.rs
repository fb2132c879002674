//! A new key in a custom key store: its part there, and the commit that keeps it. What an HSM cluster has made for a key that is not
//! kept must not stay behind, as far as the cluster can be reached.

use super::{InStore, Requester, faults};
use crate::operation::{Failure, internal};
use crate::pipeline::{Authorized, Scene};
use audit::json::{Json, object};
use keys::{CustomKeyStore, CustomKeyStoreId, Key, KeyId, KeyPlace, OuterKey};
use keystores::ExternalKey;
use uuid::Uuid;
use wire::member::XksKeyId;
use wire::{Fault, FaultKind};

/// Makes the part of a key that its store has: a new one in an HSM cluster, or an external key that is there and fits.
pub async fn make_in_store(
    store: &CustomKeyStore,
    id: KeyId,
    external: Option<&XksKeyId>,
    subject: &Authorized<InStore>,
    scene: &Scene<'_>,
) -> Result<KeyPlace, Failure> {
    let key = match external {
        Some(external) => {
            check_external(store, external.as_str(), subject, scene).await?;
            OuterKey::External { id: external.as_str().to_owned() }
        }
        None => {
            let made = scene.key_stores(subject).generate_key(store, &id, Uuid::new_v4().into_bytes()).await;
            OuterKey::Hsm(made.map_err(faults::of_creation)?)
        }
    };
    Ok(KeyPlace { store: store.id, key })
}

/// Keeps a new key, in a custom key store or in none.
pub async fn keep(key: &Key, subject: &Authorized<InStore>, scene: &Scene<'_>) -> Result<(), Failure> {
    let Some(place) = &key.place else {
        let changes = scene.changes().create_key(key, scene.settings().keys_per_region);
        return scene.commit(subject, changes).await;
    };
    let kept = Box::pin(keep_in_store(key, place, subject, scene)).await;
    if let (Err(_), OuterKey::Hsm(made)) = (&kept, &place.key) {
        destroy(key, made, subject, scene).await;
    }
    kept
}

/// `additionalEventData` of the record of a new key.
//= CloudTrail: CreateKey in a CloudHSM key store has backingKey, which is JSON in a string
pub fn event_data_of_new_key(place: &KeyPlace) -> Json {
    object(|data| {
        data.string("customKeyStoreId", &place.store.to_string());
        match &place.key {
            OuterKey::External { id } => data.string("xksKeyId", id),
            OuterKey::Hsm(key) => {
                let made = object(|made| made.string("backingKeyId", &key.id));
                data.string("backingKey", &String::from_utf8_lossy(made.as_bytes()));
            }
        }
    })
}

/// As long as the store stays connected, what others change of the account's stores does not keep a key from being made in it.
async fn keep_in_store(
    key: &Key,
    place: &KeyPlace,
    subject: &Authorized<InStore>,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let world = scene.world();
        let stores = scene.reader().custom_key_stores(&world).await?.ok_or(Failure::Conflict)?;
        let store = stores.store(&place.store).ok_or(Failure::Conflict)?;
        if !store.is_connected() {
            return Err(faults::not_connected(store).into());
        }
        if let OuterKey::External { id } = &place.key {
            check_unused(&place.store, id, scene).await?;
        }
        let changes = scene.changes().create_key(key, scene.settings().keys_per_region);
        match scene.commit(subject, changes.touch_custom_key_stores(&world, &stores)).await {
            Err(Failure::Conflict) => {}
            done => return done,
        }
    }
    tracing::warn!("gave up: others changed the custom key stores {TRIES} times");
    Err(internal().into())
}

async fn destroy(key: &Key, made: &keys::HsmKey, subject: &Authorized<InStore>, scene: &Scene<'_>) {
    let Ok(Some(store)) = subject.store() else { return };
    let destroyed = scene.key_stores(subject).destroy_key(store, made).await;
    let is_gone = destroyed.as_ref().is_ok_and(super::is_gone);
    if !is_gone {
        let (key, backing_key) = (key.id, &made.id);
        tracing::error!(%key, backing_key, ?destroyed, "a key that was not kept is left behind in its HSM cluster");
    }
}

/// Refuses an external key that another key has, that is not there or that does not suit.
async fn check_external(
    store: &CustomKeyStore,
    id: &str,
    subject: &Authorized<InStore>,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    check_unused(&store.id, id, scene).await?;
    let requester = Requester::of(scene, None);
    let found = scene.key_stores(subject).external_key(store, id, &requester.metadata("CreateKey")).await;
    Ok(check_suits(&found.map_err(faults::of_creation)?)?)
}

async fn check_unused(store: &CustomKeyStoreId, id: &str, scene: &Scene<'_>) -> Result<(), Failure> {
    if scene.reader().has_external_key(&scene.world(), store, id).await? {
        return Err(Fault::new(FaultKind::XksKeyAlreadyInUse, ALREADY_IN_USE).into());
    }
    Ok(())
}

//= custom-key-stores: keySpec AES_256, keyUsage with ENCRYPT and DECRYPT, keyStatus ENABLED
fn check_suits(key: &ExternalKey) -> Result<(), Fault> {
    let has = |usage: &str| key.usage.iter().any(|one| one == usage);
    let message = if key.spec != "AES_256" {
        format!("{WRONG_SPEC} {}.", shown(&key.spec))
    } else if !has("ENCRYPT") || !has("DECRYPT") {
        format!("{WRONG_USAGE} {}.", shown(&key.usage.join(", ")))
    } else if key.status != "ENABLED" {
        format!("{WRONG_STATUS} {}.", shown(&key.status))
    } else {
        return Ok(());
    };
    Err(Fault::new(FaultKind::XksKeyInvalidConfiguration, message))
}

/// Words of a proxy, of which there is no telling how many it has.
fn shown(words: &str) -> String {
    words.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(LONGEST_WORDS).collect()
}

/// So many times must others change the account's stores first for a call to fail.
const TRIES: usize = 64;
const LONGEST_WORDS: usize = 128;
const ALREADY_IN_USE: &str = "The request was rejected because the XksKeyId is already associated with another KMS key in this external key store. Each KMS key in an external key store must be associated with a different external key.";
const WRONG_SPEC: &str =
    "The key spec of the external key must be AES_256. The key spec of specified external key is";
const WRONG_USAGE: &str = "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is";
const WRONG_STATUS: &str =
    "The status of the external key must be ENABLED. The status of specified external key is";

#[cfg(test)]
mod tests {
    use super::*;

    fn external_key() -> ExternalKey {
        let usage = ["ENCRYPT", "DECRYPT", "WRAP"].map(str::to_owned).into();
        ExternalKey { spec: "AES_256".to_owned(), usage, status: "ENABLED".to_owned() }
    }

    fn refusal(key: &ExternalKey) -> String {
        let fault = check_suits(key).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::XksKeyInvalidConfiguration);
        fault.message().unwrap().to_owned()
    }

    #[test]
    fn an_external_key_must_be_of_aes_256_for_both_ways_and_enabled() {
        assert!(check_suits(&external_key()).is_ok());
        let small = ExternalKey { spec: "AES_128".to_owned(), ..external_key() };
        assert_eq!(refusal(&small), format!("{WRONG_SPEC} AES_128."));
        let one_way = ExternalKey { usage: vec!["ENCRYPT".to_owned(), "SIGN".to_owned()], ..external_key() };
        assert_eq!(refusal(&one_way), format!("{WRONG_USAGE} ENCRYPT, SIGN."));
        let off = ExternalKey { status: "DISABLED".to_owned(), ..external_key() };
        assert_eq!(refusal(&off), format!("{WRONG_STATUS} DISABLED."));
    }

    #[test]
    fn what_a_proxy_says_of_a_key_is_told_in_few_plain_words() {
        let endless = ExternalKey { spec: format!("AES\n\u{202e}{}", "_".repeat(1000)), ..external_key() };
        assert_eq!(refusal(&endless), format!("{WRONG_SPEC} AES{}.", "_".repeat(125)));
    }
}
