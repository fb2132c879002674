//! What is asked of stores and what they answer, beyond sealing and opening.

/// An external key as its proxy describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalKey {
    /// Its spec, such as `AES_256`.
    pub spec: String,
    /// What it is for, such as `ENCRYPT`.
    pub usage: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub status: String,
}

/// What became of the objects of a key that was to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Each member of the cluster, and what became of the key in it.
    pub members: Vec<(String, Destruction)>,
}

/// What became of a key in one HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destruction {
    /// It was destroyed.
    Destroyed,
    /// It was not there.
    Absent,
    /// The HSM cannot be reached: it may still be there.
    Unreachable,
}
