//! The contract, one line an engine.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Arc;

use storage::contract::Store;
use storage::{Embedded, Options};
use tempfile::TempDir;

storage::contract!(embedded, make_embedded);

async fn make_embedded() -> (Store, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(&directory.path().join("store"), &Options::default()).unwrap();
    (Arc::new(store), directory)
}
