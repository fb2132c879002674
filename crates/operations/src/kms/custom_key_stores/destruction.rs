//! What becomes of a deleted key's part in an HSM cluster: it is destroyed as far as the cluster can be reached, and the record says how
//! far that was. Keys of external key managers are never touched.

use crate::Service;
use audit::json::{Array, Json, Object, object};
use catalog::{CatalogError, KeyAddress};
use keys::{Backend, CustomKeyStore, HsmKey, Key, KeyPlace, OuterKey};
use keystores::{Destroyed, Destruction};

/// Destroys what an HSM cluster has of a key whose window has ended. Gives `additionalEventData` of the record of its deletion, if the
/// key is in an HSM cluster.
pub async fn destroy(service: &Service, key: &Key) -> Result<Option<Json>, CatalogError> {
    let Some(KeyPlace { store, key: OuterKey::Hsm(hsm_key) }) = &key.place else { return Ok(None) };
    let stores = service.catalog.reader().custom_key_stores(&KeyAddress::of(key).world).await?;
    let store = stores.as_ref().and_then(|stores| stores.store(store));
    let destroyed = match store {
        Some(store) => in_cluster(service, store, key, hsm_key).await,
        None => None,
    };
    Ok(Some(event_data(store, hsm_key, destroyed.as_ref())))
}

/// Whether nothing of a key is left in its cluster.
pub fn is_gone(destroyed: &Destroyed) -> bool {
    let is_gone = |destruction| destruction != Destruction::Unreachable;
    !destroyed.members.is_empty() && destroyed.members.iter().all(|(_, destruction)| is_gone(*destruction))
}

/// A store that is not connected is left alone: its owner does not want us in the cluster.
async fn in_cluster(
    service: &Service,
    store: &CustomKeyStore,
    key: &Key,
    hsm_key: &HsmKey,
) -> Option<Destroyed> {
    let (key, backing_key) = (key.id, &hsm_key.id);
    if !store.is_connected() {
        tracing::warn!(%key, backing_key, store = %store.id, "a deleted key stays in its HSM cluster, for the store is not connected");
        return None;
    }
    match service.key_stores.destroy_key(store, hsm_key).await {
        Ok(destroyed) if is_gone(&destroyed) => Some(destroyed),
        Ok(destroyed) => {
            tracing::warn!(%key, backing_key, store = %store.id, ?destroyed, "a deleted key may stay in its HSM cluster");
            Some(destroyed)
        }
        Err(error) => {
            tracing::warn!(%key, backing_key, store = %store.id, %error, "a deleted key stays in its HSM cluster");
            None
        }
    }
}

//= CloudTrail: backingKeys and backingKeysDeletionStatus are JSON in strings
fn event_data(store: Option<&CustomKeyStore>, key: &HsmKey, destroyed: Option<&Destroyed>) -> Json {
    object(|data| {
        if let Some(store) = store {
            data.string("customKeyStoreId", &store.id.to_string());
            if let Backend::CloudHsm(cluster) = &store.backend {
                data.string("clusterId", &cluster.cluster_id);
            }
        }
        let backing_key = |one: &mut Object<'_>| one.string("backingKeyId", &key.id);
        data.string("backingKeys", &list(|keys| keys.object(backing_key)));
        let with_status = |one: &mut Object<'_>| {
            backing_key(one);
            one.string("deletionStatus", if destroyed.is_some_and(is_gone) { "SUCCESS" } else { "FAILURE" });
            if let Some(destroyed) = destroyed {
                one.object("members", |members| record_members(destroyed, members));
            }
        };
        data.string("backingKeysDeletionStatus", &list(|keys| keys.object(with_status)));
    })
}

fn record_members(destroyed: &Destroyed, members: &mut Object<'_>) {
    for (member, destruction) in &destroyed.members {
        members.string(
            member,
            match destruction {
                Destruction::Absent => "ABSENT",
                Destruction::Destroyed => "DESTROYED",
                Destruction::Unreachable => "UNREACHABLE",
            },
        );
    }
}

/// The text of a JSON array.
fn list(write: impl FnOnce(&mut Array<'_>)) -> String {
    let list = object(|holder| holder.array("", write));
    let text = String::from_utf8_lossy(list.as_bytes());
    text.strip_prefix(r#"{"":"#).and_then(|rest| rest.strip_suffix('}')).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn told(destroyed: Option<&Destroyed>) -> String {
        let key = HsmKey { id: "0a".repeat(16), copies: BTreeMap::new() };
        let data: serde_json::Value =
            serde_json::from_slice(event_data(None, &key, destroyed).as_bytes()).unwrap();
        let one = format!(r#"[{{"backingKeyId":"{}"}}]"#, key.id);
        assert_eq!(data["backingKeys"], one);
        let told = data["backingKeysDeletionStatus"].as_str().unwrap();
        told.replace(&key.id, "KEY")
    }

    fn destroyed(members: &[(&str, Destruction)]) -> Destroyed {
        Destroyed { members: members.iter().map(|(name, one)| ((*name).to_owned(), *one)).collect() }
    }

    #[test]
    fn a_key_is_destroyed_when_no_member_may_have_it_any_more() {
        let gone = destroyed(&[("a", Destruction::Destroyed), ("b", Destruction::Absent)]);
        let said =
            r#"[{"backingKeyId":"KEY","deletionStatus":"SUCCESS","members":{"a":"DESTROYED","b":"ABSENT"}}]"#;
        assert_eq!(told(Some(&gone)), said);
        let half = destroyed(&[("a", Destruction::Destroyed), ("b", Destruction::Unreachable)]);
        let said = r#"[{"backingKeyId":"KEY","deletionStatus":"FAILURE","members":{"a":"DESTROYED","b":"UNREACHABLE"}}]"#;
        assert_eq!(told(Some(&half)), said);
        assert_eq!(told(None), r#"[{"backingKeyId":"KEY","deletionStatus":"FAILURE"}]"#);
        assert!(!is_gone(&destroyed(&[])));
    }
}
