//! `DisconnectCustomKeyStore`: from now on the keys of a store are of no use. The jobs let go of its backend.

use super::own::{OwnStores, event_data};
use super::refusals;
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::CustomKeyStoreId;

/// The operation.
#[derive(Debug)]
pub struct DisconnectCustomKeyStore;

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

impl Operation for DisconnectCustomKeyStore {
    const NAME: &'static str = "DisconnectCustomKeyStore";
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
        vec![Permission { action: "kms:DisconnectCustomKeyStore", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<OwnStores>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let store = subject.named(&input.id)?;
        let disconnecting =
            store.disconnecting().map_err(|refusal| refusals::state(refusal, refusals::TAKES_CONNECTION))?;
        OwnStores::set_connection(subject, &disconnecting, scene).await?;
        Ok(Outcome::of(Answer {}).with_additional(event_data(store)))
    }
}
