//! What custom key stores claim beyond their account.

use super::*;
use keys::{Claim, Claimed};

fn claim() -> Claim {
    Claim::Cluster("cluster-aaaaaaaaaaa".into())
}

const ALONE: Claimed = Claimed { exclusively: true, stores: 1 };

#[tokio::test]
async fn of_those_who_claim_something_at_the_same_time_one_gets_it() {
    let Fixture { catalog, .. } = &fixture();
    let region = world().region;
    let take = || changes().put_custom_key_store_claim(&region, &claim(), None, Some(&ALONE));
    let taken = futures_join((0..9).map(|_| catalog.commit(take())).collect()).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1);
    assert!(taken.iter().flat_map(|taken| taken.as_ref().err()).all(|e| matches!(e, CatalogError::Conflict)));
    let claimed = catalog.reader().custom_key_store_claim(&region, &claim()).await.unwrap().unwrap();
    assert_eq!(*claimed, ALONE);
}

#[tokio::test]
async fn what_is_released_can_be_claimed_again_and_only_as_it_was_read() {
    let Fixture { catalog, .. } = &fixture();
    let region = world().region;
    let put = |old, new| changes().put_custom_key_store_claim(&region, &claim(), old, new);
    let read = async || catalog.reader().custom_key_store_claim(&region, &claim()).await.unwrap();
    catalog.commit(put(None, Some(&ALONE))).await.unwrap();
    let first = read().await.unwrap();
    catalog.commit(put(Some(&first), None)).await.unwrap();
    assert!(read().await.is_none());
    catalog.commit(put(None, Some(&ALONE))).await.unwrap();
    let stale = catalog.commit(put(Some(&first), None)).await;
    assert!(matches!(stale, Err(CatalogError::Conflict)));
}

#[tokio::test]
async fn a_cluster_is_claimed_in_all_regions_and_an_endpoint_in_one() {
    let Fixture { catalog, .. } = &fixture();
    let (here, there) = (world().region, "us-east-1".parse().unwrap());
    for (claim, is_everywhere) in [
        (claim(), true),
        (Claim::Certificate("ab".into()), true),
        (Claim::Endpoint("https://a.example.com".into()), false),
        (Claim::VpcEndpointService("com.amazonaws.vpce.us-east-1.vpce-svc-0".into()), false),
    ] {
        catalog
            .commit(changes().put_custom_key_store_claim(&here, &claim, None, Some(&ALONE)))
            .await
            .unwrap();
        let elsewhere = catalog.reader().custom_key_store_claim(&there, &claim).await.unwrap();
        assert_eq!(elsewhere.is_some(), is_everywhere, "{claim:?}");
    }
}
