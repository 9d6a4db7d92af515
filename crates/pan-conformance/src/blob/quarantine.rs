//! Moving blobs aside: what a repair does instead of deleting.

use pan_engine::BlobStore;

use super::given::{HOUR, assert_holds, assert_missing, key, some_blob};

/// For readers, listings, syncs and sweeps.
pub async fn what_is_moved_aside_is_gone_for_readers(store: &dyn BlobStore) {
    let (key, bytes) = some_blob(store).await;
    let before = store.hours().await.unwrap();
    assert_holds(store, key, &bytes).await;
    store.quarantine(&[key]).await.unwrap();
    assert_missing(store, key).await;
    store.get_stored(key).await.expect_err("nothing to read");
    assert!(store.list(HOUR, None, 10).await.unwrap().is_empty());
    store.sync(&[key]).await.expect_err("nothing to sync");
    assert!(store.hours().await.unwrap().iter().all(|hour| before.contains(hour)));
}

/// Nor is moving what was never there.
pub async fn moving_aside_again_is_no_error(store: &dyn BlobStore) {
    let (one, _) = some_blob(store).await;
    store.quarantine(&[]).await.unwrap();
    store.quarantine(&[one, one, key()]).await.unwrap();
    store.quarantine(&[one]).await.unwrap();
    store.delete(&[one]).await.unwrap();
    assert_missing(store, one).await;
}

/// Nothing else moves.
pub async fn the_others_are_left_in_place(store: &dyn BlobStore) {
    let (moved, _) = some_blob(store).await;
    let (stays, bytes) = some_blob(store).await;
    store.quarantine(&[moved]).await.unwrap();
    assert_holds(store, stays, &bytes).await;
    assert_eq!(store.list(HOUR, None, 10).await.unwrap(), [stays]);
}
