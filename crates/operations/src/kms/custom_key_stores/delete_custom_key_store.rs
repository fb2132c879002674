//! `DeleteCustomKeyStore`: forgets a store that is disconnected and has no keys. Its backend is left as it is.

use super::own::{OwnStores, event_data};
use super::{claims, refusals};
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::CustomKeyStoreId;
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct DeleteCustomKeyStore;

wire::input! {
    /// What it takes.
    pub struct Input {
        required id: CustomKeyStoreId = "CustomKeyStoreId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {}
}

impl Operation for DeleteCustomKeyStore {
    const NAME: &'static str = "DeleteCustomKeyStore";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = OwnStores;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("customKeyStoreId", input.id.as_str());
    }

    async fn resolve(_: &Input, scene: &Scene<'_>) -> Result<OwnStores, Failure> {
        OwnStores::read(scene).await
    }

    fn permissions<'a>(_: &Input, _: &'a OwnStores) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:DeleteCustomKeyStore", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<OwnStores>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let store = subject.named(&input.id)?;
        let (world, reader) = (scene.world(), scene.reader());
        store
            .check_disconnected()
            .map_err(|refusal| refusals::state(refusal, refusals::TAKES_DISCONNECTED))?;
        // INVARIANT: whoever makes a key in a store writes the stores' record, so that none is made after this was asked.
        if reader.has_keys_in_store(&world, &store.id).await? {
            return Err(Fault::new(FaultKind::CustomKeyStoreHasCmks, HAS_KEYS).into());
        }
        let changes = subject.replaced(&subject.record().without(&store.id), scene);
        let changes = claims::follow(changes, reader, &world.region, (Some(store), None)).await?;
        scene.commit(subject, changes).await?;
        scene.key_stores(subject).forget(&store.id);
        Ok(Outcome::of(Answer {}).with_additional(event_data(store)))
    }
}

const HAS_KEYS: &str = "The request was rejected because the custom key store contains KMS keys. After verifying that you do not need to use the KMS keys, use the ScheduleKeyDeletion operation to delete the KMS keys. After they are deleted, you can delete the custom key store.";
