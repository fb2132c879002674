//! Import tokens that have been used.

use super::*;
use catalog::SpentImportToken;

fn token(number: u8, valid_to: i64) -> SpentImportToken {
    SpentImportToken { id: [number; 16], valid_to: Moment::from_millis(valid_to) }
}

#[tokio::test]
async fn of_those_who_use_a_token_at_the_same_time_one_does() {
    let Fixture { catalog, .. } = &fixture();
    assert!(!catalog.reader().is_import_token_spent(&token(1, 5)).await.unwrap());
    let all = (0..9).map(|_| catalog.commit(changes().spend_import_token(&token(1, 5))));
    let spent = futures_join(all.collect()).await;
    assert_eq!(spent.iter().filter(|spent| spent.is_ok()).count(), 1);
    assert!(spent.iter().flat_map(|spent| spent.as_ref().err()).all(|e| matches!(e, CatalogError::Conflict)));
    assert!(catalog.reader().is_import_token_spent(&token(1, 5)).await.unwrap());
    assert!(!catalog.reader().is_import_token_spent(&token(2, 5)).await.unwrap());
}

#[tokio::test]
async fn used_tokens_are_listed_by_date_and_can_be_forgotten() {
    let Fixture { catalog, .. } = &fixture();
    for one in [token(1, 300), token(2, 20), token(3, 1)] {
        catalog.commit(changes().spend_import_token(&one)).await.unwrap();
    }
    assert_eq!(catalog.reader().spent_import_tokens(2).await.unwrap(), [token(3, 1), token(2, 20)]);
    catalog.commit(changes().forget_import_token(&token(3, 1))).await.unwrap();
    assert_eq!(catalog.reader().spent_import_tokens(9).await.unwrap(), [token(2, 20), token(1, 300)]);
}
