//! Key states, and in which of them a call may go ahead.

use crate::named;

named! {
    /// The state of a key as a client sees it.
    KeyState {
        /// A replica that is being made.
        Creating = "Creating",
        /// Switched off by its owner.
        Disabled = "Disabled",
        /// Ready for use.
        Enabled = "Enabled",
        /// To be deleted when its waiting period ends.
        PendingDeletion = "PendingDeletion",
        /// Without key material that its owner must import.
        PendingImport = "PendingImport",
        /// A primary that will be deleted once its replicas are.
        PendingReplicaDeletion = "PendingReplicaDeletion",
        /// In a custom key store that is disconnected.
        Unavailable = "Unavailable",
        /// A multi-Region key whose primary is being changed.
        Updating = "Updating",
    }
}

/// The key states in which an operation may go ahead: a row of AWS's table of key states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStates {
    /// In every state.
    Any,
    /// Only while the key waits for its deletion.
    AwaitingDeletion,
    /// Only where key material is at hand and switched on.
    Enabled,
    /// Only where key material is there and switched on, if not at hand.
    Grantable,
    /// In every state but those whose change is already under way: deletion, import, creation, primary change.
    Switchable,
    /// In every state but deletion and primary change.
    Deletable,
    /// In every state but deletion.
    NotAwaitingDeletion,
    /// Only where the public key of a pair is known: of a disabled key too, and of one whose material is to be imported again.
    PublicKeyKnown,
    /// Only where rotation can be switched on or off; of a key whose material is still to be imported, what it is decides.
    Rotatable,
    /// Only where a copy of all the material can be had, and the family is not being changed.
    Replicable,
    /// Only while material can be imported, or is about to be.
    Importable,
    /// The same, and while the primary is being changed.
    Importing,
    /// In every state but creation and primary change.
    Settled,
}

impl KeyStates {
    /// Whether a key in that state lets the operation go ahead, and if not, why.
    pub const fn admit(self, state: KeyState) -> Result<(), Inadmissible> {
        use KeyState::{
            Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Unavailable,
            Updating,
        };
        let admitted = match self {
            Self::Any => true,
            Self::AwaitingDeletion => {
                return match state {
                    PendingDeletion | PendingReplicaDeletion => Ok(()),
                    _ => Err(Inadmissible::NotAwaitingDeletion),
                };
            }
            Self::Enabled => matches!(state, Enabled | Updating),
            Self::Grantable => matches!(state, Enabled | Updating | Unavailable),
            Self::Switchable => matches!(state, Enabled | Disabled | Unavailable),
            Self::Deletable => {
                matches!(state, Enabled | Disabled | PendingImport | Unavailable | Creating)
            }
            Self::NotAwaitingDeletion => !matches!(state, PendingDeletion | PendingReplicaDeletion),
            Self::PublicKeyKnown => matches!(state, Enabled | Disabled | PendingImport | Updating),
            Self::Rotatable => matches!(state, Enabled | PendingImport | Unavailable | Updating),
            Self::Replicable => matches!(state, Enabled),
            Self::Importable => matches!(state, Enabled | Disabled | PendingImport | Unavailable),
            Self::Importing => matches!(state, Enabled | Disabled | PendingImport | Unavailable | Updating),
            Self::Settled => !matches!(state, Creating | Updating),
        };
        if admitted { Ok(()) } else { Err(Inadmissible::Is(state)) }
    }
}

/// Why a key's state keeps an operation from going ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inadmissible {
    /// The key is in that state.
    Is(KeyState),
    /// The key does not wait for its deletion.
    NotAwaitingDeletion,
}

impl std::fmt::Display for Inadmissible {
    /// The words that follow the key's ARN.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Is(KeyState::Creating) => "is creating.",
            Self::Is(KeyState::Disabled) => "is disabled.",
            Self::Is(KeyState::Enabled) => "is enabled.",
            Self::Is(KeyState::PendingDeletion) => "is pending deletion.",
            Self::Is(KeyState::PendingImport) => "is pending import.",
            Self::Is(KeyState::PendingReplicaDeletion) => "is pending replica deletion.",
            Self::Is(KeyState::Unavailable) => "is unavailable.",
            Self::Is(KeyState::Updating) => "is updating.",
            Self::NotAwaitingDeletion => "is not pending deletion.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::{
        Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Unavailable,
        Updating,
    };

    fn refused(states: KeyStates) -> Vec<KeyState> {
        KeyState::ALL.iter().copied().filter(|state| states.admit(*state).is_err()).collect()
    }

    #[test]
    fn each_row_refuses_what_the_table_says() {
        //= key-states: matrix (2026)
        assert_eq!(refused(KeyStates::Any), []);
        assert_eq!(refused(KeyStates::NotAwaitingDeletion), [PendingDeletion, PendingReplicaDeletion]);
        assert_eq!(refused(KeyStates::Deletable), [PendingDeletion, PendingReplicaDeletion, Updating]);
        assert_eq!(
            refused(KeyStates::Switchable),
            [Creating, PendingDeletion, PendingImport, PendingReplicaDeletion, Updating]
        );
        assert_eq!(
            refused(KeyStates::Enabled),
            [Creating, Disabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Unavailable]
        );
        assert_eq!(
            refused(KeyStates::Grantable),
            [Creating, Disabled, PendingDeletion, PendingImport, PendingReplicaDeletion]
        );
        assert_eq!(
            refused(KeyStates::AwaitingDeletion),
            [Creating, Disabled, Enabled, PendingImport, Unavailable, Updating]
        );
        assert_eq!(
            refused(KeyStates::PublicKeyKnown),
            [Creating, PendingDeletion, PendingReplicaDeletion, Unavailable]
        );
        assert_eq!(
            refused(KeyStates::Rotatable),
            [Creating, Disabled, PendingDeletion, PendingReplicaDeletion]
        );
        assert_eq!(
            refused(KeyStates::Replicable),
            [
                Creating,
                Disabled,
                PendingDeletion,
                PendingImport,
                PendingReplicaDeletion,
                Unavailable,
                Updating
            ]
        );
        assert_eq!(
            refused(KeyStates::Importable),
            [Creating, PendingDeletion, PendingReplicaDeletion, Updating]
        );
        assert_eq!(refused(KeyStates::Importing), [Creating, PendingDeletion, PendingReplicaDeletion]);
        assert_eq!(refused(KeyStates::Settled), [Creating, Updating]);
    }

    #[test]
    fn a_key_that_is_not_pending_deletion_is_told_so() {
        let refusal = KeyStates::AwaitingDeletion.admit(Disabled).unwrap_err();
        assert_eq!(refusal.to_string(), "is not pending deletion.");
    }
}
