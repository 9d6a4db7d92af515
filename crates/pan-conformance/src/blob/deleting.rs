//! Deleting blobs: the most dangerous thing a store can do.

use pan_engine::BlobStore;

use super::given::{HOUR, assert_holds, assert_missing, bytes, key, put, read, some_blob};

/// For readers, listings and syncs.
pub async fn a_deleted_blob_is_gone(store: &dyn BlobStore) {
    let (key, bytes) = some_blob(store).await;
    assert_holds(store, key, &bytes).await;
    store.delete(&[key]).await.unwrap();
    assert_missing(store, key).await;
    assert!(store.list(HOUR, None, 10).await.unwrap().is_empty());
    store.sync(&[key]).await.expect_err("nothing to sync");
}

/// Whoever was interrupted just begins again.
pub async fn deleting_again_is_no_error(store: &dyn BlobStore) {
    let (one, _) = some_blob(store).await;
    let (two, _) = some_blob(store).await;
    store.delete(&[]).await.unwrap();
    store.delete(&[one, one, key()]).await.unwrap();
    store.delete(&[one, two]).await.unwrap();
    store.delete(&[two]).await.unwrap();
    assert_missing(store, two).await;
    // A bucket that has been emptied takes new blobs.
    let (three, bytes) = some_blob(store).await;
    store.sync(&[three]).await.unwrap();
    assert_holds(store, three, &bytes).await;
}

/// Its writer may still be there, and does not bring it back.
pub async fn an_unfinished_blob_can_be_deleted(store: &dyn BlobStore) {
    let key = key();
    let mut writer = store.create(key).await.unwrap();
    writer.write(bytes(1, 1000)).await.unwrap();
    store.delete(&[key]).await.unwrap();
    assert!(store.list(HOUR, None, 10).await.unwrap().is_empty());
    let _ = writer.finish().await;
    assert_missing(store, key).await;
    store.sync(&[key]).await.expect_err("nothing to sync");
}

/// Nothing else goes.
pub async fn the_others_stay(store: &dyn BlobStore) {
    let mut blobs = Vec::new();
    for seed in 0..20 {
        let (key, bytes) = (key(), bytes(seed, 5000));
        put(store, key, &bytes).await;
        blobs.push((key, bytes));
    }
    let deleted: Vec<_> = blobs.iter().step_by(2).map(|(key, _)| *key).collect();
    store.delete(&deleted).await.unwrap();
    for (place, (key, bytes)) in blobs.iter().enumerate() {
        match place % 2 {
            0 => assert_missing(store, *key).await,
            _ => assert_holds(store, *key, bytes).await,
        }
    }
}

/// Bytes that were handed out belong to the reader.
pub async fn what_was_read_before_stays(store: &dyn BlobStore) {
    let (key, bytes) = some_blob(store).await;
    let read = read(store, key).await.unwrap();
    store.delete(&[key]).await.unwrap();
    for _ in 0..10 {
        some_blob(store).await;
    }
    assert!(read == bytes);
}
