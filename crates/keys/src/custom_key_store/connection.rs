//! How a custom key store is connected to its backend and let go again: every step that there is, and no other.
//!
//! Nothing here reaches the backend. What happens there in the meantime, such as a proxy that goes away, is no step.

use super::{Backend, Connection, ConnectionErrorCode, ConnectionState, CustomKeyStore};

/// The state of a store's connection does not allow that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidConnectionState(pub ConnectionState);

impl CustomKeyStore {
    /// As it is once a request wants it connected; nothing if it is, or is being connected.
    //= kms:CustomKeyStoreInvalidStateException: ConnectCustomKeyStore is refused in DISCONNECTING and FAILED
    pub fn connecting(&self, request_id: &str) -> Result<Option<Self>, InvalidConnectionState> {
        match self.connection.state {
            ConnectionState::Connected | ConnectionState::Connecting => Ok(None),
            ConnectionState::Disconnected => {
                let connection = Connection::in_state(ConnectionState::Connecting);
                Ok(Some(self.with(Connection { request_id: Some(request_id.into()), ..connection })))
            }
            state @ (ConnectionState::Disconnecting | ConnectionState::Failed) => {
                Err(InvalidConnectionState(state))
            }
        }
    }

    /// As it is once somebody wants it disconnected: from now on its keys are of no use.
    //= kms:CustomKeyStoreInvalidStateException: DisconnectCustomKeyStore is refused in DISCONNECTING and DISCONNECTED
    pub fn disconnecting(&self) -> Result<Self, InvalidConnectionState> {
        match self.connection.state {
            ConnectionState::Connected | ConnectionState::Connecting | ConnectionState::Failed => {
                Ok(self.with(Connection::in_state(ConnectionState::Disconnecting)))
            }
            state @ (ConnectionState::Disconnected | ConnectionState::Disconnecting) => {
                Err(InvalidConnectionState(state))
            }
        }
    }

    /// As it is now that an attempt to connect it as it was has come to its end, with what is to be kept of its backend or with why
    /// that failed. Nothing if it is not the same store any more: it was disconnected or changed meanwhile.
    #[must_use]
    pub fn after_attempt(
        &self,
        as_it_was: &Self,
        came_to: Result<Backend, ConnectionErrorCode>,
    ) -> Option<Self> {
        let same = self.connection == as_it_was.connection && self.backend == as_it_was.backend;
        let waits = same && self.connection.state == ConnectionState::Connecting;
        waits.then(|| match came_to {
            Ok(backend) => Self { backend, ..self.with(Connection::in_state(ConnectionState::Connected)) },
            Err(error) => {
                let failed = Connection::in_state(ConnectionState::Failed);
                self.with(Connection { error: Some(error), ..failed })
            }
        })
    }

    /// As it is once its backend is let go; nothing if that is not wanted.
    #[must_use]
    pub fn disconnected(&self) -> Option<Self> {
        let waits = self.connection.state == ConnectionState::Disconnecting;
        waits.then(|| self.with(Connection::in_state(ConnectionState::Disconnected)))
    }

    /// Refuses what is only for a store that is disconnected: to delete it, and to change most of it.
    pub fn check_disconnected(&self) -> Result<(), InvalidConnectionState> {
        match self.connection.state {
            ConnectionState::Disconnected => Ok(()),
            state => Err(InvalidConnectionState(state)),
        }
    }

    fn with(&self, connection: Connection) -> Self {
        Self { connection, ..self.clone() }
    }
}

impl Connection {
    /// That state, of which there is no more to say.
    #[must_use]
    pub const fn in_state(state: ConnectionState) -> Self {
        Self { state, error: None, request_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use ConnectionState::{Connected, Connecting, Disconnected, Disconnecting, Failed};

    fn in_state(state: ConnectionState) -> CustomKeyStore {
        example::proxy_store().with(Connection::in_state(state))
    }

    #[test]
    fn only_a_disconnected_store_begins_to_connect_and_a_connected_one_stays_as_it_is() {
        for state in ConnectionState::ALL.iter().copied() {
            let wanted = match state {
                Connected | Connecting => Ok(None),
                Disconnected => Ok(Some(Connecting)),
                Disconnecting | Failed => Err(InvalidConnectionState(state)),
            };
            let came_to = in_state(state).connecting("r").map(|new| new.map(|new| new.connection.state));
            assert_eq!(came_to, wanted, "{state}");
        }
    }

    #[test]
    fn a_store_that_is_not_disconnected_yet_begins_to_disconnect() {
        for state in ConnectionState::ALL.iter().copied() {
            let wanted = match state {
                Connected | Connecting | Failed => Ok(Disconnecting),
                Disconnected | Disconnecting => Err(InvalidConnectionState(state)),
            };
            assert_eq!(in_state(state).disconnecting().map(|new| new.connection.state), wanted, "{state}");
        }
    }

    #[test]
    fn an_attempt_ends_connected_or_failed_with_its_cause_until_the_store_is_disconnected() {
        let store = in_state(Disconnected).connecting("r").unwrap().unwrap();
        let connected = store.after_attempt(&store, Ok(store.backend.clone())).unwrap();
        assert!(connected.is_connected() && connected.connection.error.is_none());
        let failed = store.after_attempt(&store, Err(ConnectionErrorCode::XksProxyTimedOut)).unwrap();
        let code = Some(ConnectionErrorCode::XksProxyTimedOut);
        assert_eq!((failed.connection.state, failed.connection.error), (Failed, code));
        let disconnecting = failed.disconnecting().unwrap();
        assert_eq!(disconnecting.connection.error, None);
        assert_eq!(disconnecting.disconnected().unwrap().connection.state, Disconnected);
    }

    #[test]
    fn an_attempt_does_not_bring_back_what_was_disconnected_or_connected_anew_meanwhile() {
        let store = in_state(Disconnected).connecting("first").unwrap().unwrap();
        let done = || Ok(store.backend.clone());
        for state in [Connected, Disconnected, Disconnecting, Failed] {
            assert_eq!(in_state(state).after_attempt(&store, done()), None, "{state}");
            assert_eq!(in_state(state).after_attempt(&in_state(state), done()), None, "{state}");
        }
        let anew = in_state(Disconnected).connecting("second").unwrap().unwrap();
        assert_eq!(anew.after_attempt(&store, done()), None);
    }

    #[test]
    fn an_attempt_with_a_credential_that_was_replaced_meanwhile_counts_for_nothing() {
        let store = in_state(Disconnected).connecting("r").unwrap().unwrap();
        let Backend::Xks(proxy) = store.backend.clone() else { panic!("a proxy") };
        let rotated = Backend::Xks(crate::XksProxy { secret: [2; 8].into(), ..proxy });
        let now = CustomKeyStore { backend: rotated, ..store.clone() };
        assert_eq!(now.after_attempt(&store, Err(ConnectionErrorCode::InvalidCredentials)), None);
    }

    #[test]
    fn only_a_store_that_is_being_disconnected_comes_to_be_disconnected() {
        for state in ConnectionState::ALL.iter().copied() {
            assert_eq!(in_state(state).disconnected().is_some(), state == Disconnecting, "{state}");
            assert_eq!(in_state(state).check_disconnected().is_ok(), state == Disconnected, "{state}");
        }
    }
}
