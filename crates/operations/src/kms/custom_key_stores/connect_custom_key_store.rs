//! `ConnectCustomKeyStore`: begins to connect a store to its backend. The jobs do the rest; how that went, DescribeCustomKeyStores tells.

use super::own::{OwnStores, event_data};
use super::refusals;
use crate::operation::{Failure, On, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::{InvalidConnectionState, KeyStates};
use wire::member::CustomKeyStoreId;

/// The operation.
#[derive(Debug)]
pub struct ConnectCustomKeyStore;

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

impl Operation for ConnectCustomKeyStore {
    const NAME: &'static str = "ConnectCustomKeyStore";
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
        vec![Permission { action: "kms:ConnectCustomKeyStore", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<OwnStores>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let store = subject.named(&input.id)?;
        let refused =
            |refusal: InvalidConnectionState| refusals::state(refusal, refusals::takes_to_connect(refusal.0));
        if let Some(connecting) = store.connecting(&scene.request_id().to_string()).map_err(refused)? {
            OwnStores::set_connection(subject, &connecting, scene).await?;
        }
        Ok(Outcome::of(Answer {}).with_additional(event_data(store)))
    }
}
