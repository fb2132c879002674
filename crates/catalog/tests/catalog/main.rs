//! The catalog over the real embedded engine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod custom_key_stores;
mod grants;
mod identities;
mod import_tokens;
mod keys_and_aliases;

use catalog::{AliasAddress, Author, Catalog, CatalogError, Changes, Followed, KeyAddress, KeyUse, World};
use keys::{
    Alias, Key, KeyId, KeyManager, KeyMaterialId, KeyOrigin, KeySpec, KeyUsage, Material, Moment, Rotation,
    RotationSchedule, RotationType, Tags,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use storage::{Embedded, Options, Storage};

struct Fixture {
    catalog: Catalog,
    storage: Arc<dyn Storage>,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(Embedded::open(directory.path(), &Options::default()).unwrap());
    Fixture { catalog: Catalog::new(Arc::clone(&storage), 100), storage, _directory: directory }
}

fn world() -> World {
    World { account: "111122223333".parse().unwrap(), region: "eu-central-1".parse().unwrap() }
}

fn changes() -> Changes {
    Changes::by(Author { principal: "root".into(), request_id: "r".into(), at: Moment::from_millis(7) })
}

fn key(number: u8) -> Key {
    Key {
        account: world().account,
        region: world().region,
        id: KeyId::single_region([number; 16]),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
        created: Moment::from_millis(1),
        description: String::new(),
        enabled: true,
        deletion: None,
        policy: None,
        policy_principals: BTreeMap::new(),
        tags: Tags::default(),
        manager: KeyManager::Customer,
        service: None,
        rotation: None,
        multi_region: None,
        transition: None,
        current_material: Some(material(number, &[0xca, 0xfe, number])),
        former_materials: Vec::new(),
        pending_material: None,
        place: None,
    }
}

fn material(number: u8, token: &[u8]) -> Material {
    let id = KeyMaterialId::from_bytes([number; 32]);
    Material { id, token: token.into(), public_key: Box::default(), rotation: None, import: None }
}

/// The key to which something is due first, and when.
async fn first_due(catalog: &Catalog) -> Option<(Moment, KeyAddress)> {
    catalog.reader().due(None, 1).await.unwrap().pop()
}

fn address(key: &Key) -> KeyAddress {
    KeyAddress { world: world(), id: key.id }
}

/// Runs all the futures on this task at once.
async fn futures_join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().map(Option::unwrap).collect()
}

/// Runs a story on two nodes with one store, the first of which follows it.
async fn on_two_nodes(story: impl AsyncFnOnce(&Catalog, &Catalog)) {
    let Fixture { catalog, storage, .. } = &fixture();
    let (other, followed) = (Catalog::new(Arc::clone(storage), 100), Followed::default());
    assert!(!followed.within(Duration::from_secs(5)), "nothing is followed yet");
    let story = async {
        while !followed.within(Duration::ZERO) {
            tokio::task::yield_now().await;
        }
        story(catalog, &other).await;
    };
    tokio::select! {
        () = story => {}
        lost = catalog.follow(&followed) => panic!("{lost:?}"),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("the change was not seen"),
    }
}

/// All that the store holds, with the history if asked for.
async fn everything(storage: &Arc<dyn Storage>, history: bool) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let entries = storage.scan(b"", None, 1000).await.unwrap();
    let kept = entries.iter().filter(|entry| history || !entry.key.starts_with(b"history/"));
    kept.map(|entry| (text(&entry.key), text(&entry.value))).collect()
}
