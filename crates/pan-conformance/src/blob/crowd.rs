//! Many at once.

use futures_util::future::join_all;
use pan_engine::{BlobStore, ErrorKind};

use super::given::{assert_holds, bytes, key, put, read, some_blob};

/// Everybody finds their own bytes, and those of the others.
pub async fn many_write_and_read_at_once(store: &dyn BlobStore) {
    let (common, common_bytes) = some_blob(store).await;
    join_all((0..16).map(async |seed| {
        for round in 0..8 {
            let (key, bytes) = (key(), bytes(seed * 8 + round, 1000 + 30_000 * seed as usize));
            put(store, key, &bytes).await;
            assert_holds(store, common, &common_bytes).await;
            assert_holds(store, key, &bytes).await;
        }
    }))
    .await;
}

/// Never half a blob, never another's bytes.
pub async fn a_reader_beside_a_deleter_gets_all_or_nothing(store: &dyn BlobStore) {
    let mut blobs = Vec::new();
    for _ in 0..30 {
        blobs.push(some_blob(store).await);
    }
    join_all(blobs.iter().map(async |(key, bytes)| {
        let readers = join_all((0..4).map(async |_| match read(store, *key).await {
            Ok(read) => assert!(read == *bytes),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Missing, "{error}"),
        }));
        let (_, deleted) = tokio::join!(readers, store.delete(std::slice::from_ref(key)));
        deleted.unwrap();
        assert_eq!(store.head(*key).await.unwrap(), None);
    }))
    .await;
}

/// An engine may serve them together; each is served.
pub async fn many_sync_at_once(store: &dyn BlobStore) {
    join_all((0..32).map(async |seed| {
        let (key, bytes) = (key(), bytes(seed, 5000));
        put(store, key, &bytes).await;
        store.sync(&[key]).await.unwrap();
        assert_holds(store, key, &bytes).await;
    }))
    .await;
}
