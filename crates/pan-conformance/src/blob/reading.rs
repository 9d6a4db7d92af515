//! Reading blobs.

use pan_engine::{BlobStore, ErrorKind, MAX_BLOB_BYTES};

use super::given::{assert_missing, bytes, key, key_in, put, some_blob};

/// From any byte to any byte, short and long.
pub async fn a_range_is_exactly_what_was_asked_for(store: &dyn BlobStore) {
    let (key, bytes) = (key(), bytes(3, MAX_BLOB_BYTES as usize));
    put(store, key, &bytes).await;
    let size = bytes.len();
    let ranges = [
        0..1,
        0..size,
        size - 1..size,
        1..2,
        4095..4097,
        65_536..131_072,
        65_537..131_071,
        0..262_144,
        1..262_146,
        1_000_000..3_000_001,
    ];
    for range in ranges {
        let read = store.get(key, range.start as u64..range.end as u64).await.unwrap();
        assert!(read == bytes[range.clone()], "{range:?}");
    }
}

/// All of it, however it was read before, and nothing of what is not there.
pub async fn a_stored_blob_is_read_whole(store: &dyn BlobStore) {
    for length in [0, 1, 100_000, MAX_BLOB_BYTES as usize] {
        let (key, bytes) = (key(), bytes(length as u64, length));
        put(store, key, &bytes).await;
        assert!(store.get_stored(key).await.unwrap() == bytes, "{length} bytes");
        store.delete(&[key]).await.unwrap();
        let error = store.get_stored(key).await.expect_err("nothing to read");
        assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    }
    let key = key();
    let _writer = store.create(key).await.unwrap();
    let error = store.get_stored(key).await.expect_err("an unfinished blob");
    assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
}

/// Asking for nothing gives nothing, also at the very end.
pub async fn a_range_without_bytes_is_empty(store: &dyn BlobStore) {
    let (key, bytes) = some_blob(store).await;
    for at in [0, 1, bytes.len() as u64] {
        assert!(store.get(key, at..at).await.unwrap().is_empty());
    }
}

/// A blob shorter than expected is damage, not the end of a file.
pub async fn a_range_beyond_the_end_is_corrupt(store: &dyn BlobStore) {
    let (key, bytes) = some_blob(store).await;
    let size = bytes.len() as u64;
    for range in [0..size + 1, size - 1..size + 1, size..size + 1, size + 1..size + 1] {
        let error = store.get(key, range).await.expect_err("bytes beyond the end");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    let error = store.get(key, 0..u64::MAX).await.expect_err("bytes beyond any end");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

/// In a bucket that exists and in one that does not.
pub async fn what_is_not_there_is_missing(store: &dyn BlobStore) {
    some_blob(store).await;
    assert_missing(store, key()).await;
    assert_missing(store, key_in(12)).await;
}
