//! What became of a key that is destroyed is told for each member.

use super::support::SoftHsm;
use super::{connected, eventually, generate, pin, seal};
use keystores::{Destruction, HsmFailure};

#[tokio::test]
async fn a_key_is_destroyed_on_each_member_that_can_be_reached() {
    let hsm = SoftHsm::with(&["a", "b", "c"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    hsm.faults("c * removed");
    eventually(async || {
        let _ = client.random(pin(), 8).await.unwrap();
        client.cluster().active_members() == 2
    })
    .await;
    let fates = async || client.destroy_key(pin(), &key).await.unwrap().members;
    let each = |fates: [Destruction; 3]| {
        ["a", "b", "c"].map(str::to_owned).into_iter().zip(fates).collect::<Vec<_>>()
    };
    use Destruction::{Absent, Destroyed, Unreachable};
    assert_eq!(fates().await, each([Destroyed, Destroyed, Unreachable]));
    hsm.faults("");
    eventually(async || client.cluster().active_members() == 3).await;
    assert_eq!(fates().await, each([Absent, Absent, Destroyed]));
    let gone = keys::HsmKey { copies: Default::default(), ..key.clone() };
    assert_eq!(seal(&client, &gone).await.err(), Some(HsmFailure::KeyMissing.into()));
}
