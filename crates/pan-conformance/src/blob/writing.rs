//! Writing blobs, and making them durable.

use bytes::Bytes;
use pan_engine::{BlobStore, ErrorKind, MAX_BLOB_BYTES, MAX_CHUNK_BYTES};

use super::given::{assert_holds, assert_missing, bytes, key, put, some_blob};

/// From nothing to a full blob, at every edge between.
pub async fn every_size_comes_back(store: &dyn BlobStore) {
    let full = MAX_BLOB_BYTES as usize;
    let edges = [4096, 65_536, MAX_CHUNK_BYTES, 2 * MAX_CHUNK_BYTES, full];
    let around = edges.iter().flat_map(|edge| [edge - 1, *edge, edge + 1]);
    for size in [0, 1, 2].into_iter().chain(around).filter(|size| *size <= full) {
        let (key, bytes) = (key(), bytes(size as u64, size));
        put(store, key, &bytes).await;
        assert_eq!(store.head(key).await.unwrap(), Some(size as u64));
        assert_holds(store, key, &bytes).await;
    }
}

/// Chunks of any size, an empty one among them.
pub async fn chunks_keep_their_order(store: &dyn BlobStore) {
    let (key, bytes) = (key(), bytes(7, 1 << 20));
    let mut writer = store.create(key).await.unwrap();
    let mut rest = bytes.clone();
    for size in [1, 0, 4095, 65_537, 3, 200_000, MAX_CHUNK_BYTES, 1].into_iter().cycle() {
        writer.write(rest.split_to(size.min(rest.len()))).await.unwrap();
        if rest.is_empty() {
            break;
        }
    }
    writer.finish().await.unwrap();
    assert_holds(store, key, &bytes).await;
}

/// Half a blob is no blob.
pub async fn a_blob_is_unseen_until_it_is_finished(store: &dyn BlobStore) {
    let (key, bytes) = (key(), bytes(1, 150_000));
    let mut writer = store.create(key).await.unwrap();
    assert_missing(store, key).await;
    for chunk in bytes.chunks(50_000) {
        writer.write(bytes.slice_ref(chunk)).await.unwrap();
        assert_missing(store, key).await;
    }
    writer.finish().await.unwrap();
    assert_holds(store, key, &bytes).await;
}

/// A writer that is dropped leaves nothing that could be read.
pub async fn an_abandoned_blob_stays_unseen(store: &dyn BlobStore) {
    let key = key();
    let mut writer = store.create(key).await.unwrap();
    writer.write(bytes(1, 100_000)).await.unwrap();
    drop(writer);
    assert_missing(store, key).await;
    store.sync(&[key]).await.expect_err("nothing to sync");
}

/// A key has one blob, ever; the first one is unharmed.
pub async fn a_used_key_is_refused(store: &dyn BlobStore) {
    let (finished, bytes) = some_blob(store).await;
    assert!(store.create(finished).await.is_err());
    assert_holds(store, finished, &bytes).await;

    let unfinished = key();
    let mut writer = store.create(unfinished).await.unwrap();
    assert!(store.create(unfinished).await.is_err());
    writer.write(bytes.clone()).await.unwrap();
    assert_missing(store, unfinished).await;
    writer.finish().await.unwrap();
    assert_holds(store, unfinished, &bytes).await;
}

/// A chunk has its limit, so that memory has one.
pub async fn a_chunk_too_long_is_refused(store: &dyn BlobStore) {
    let key = key();
    let mut writer = store.create(key).await.unwrap();
    writer.write(bytes(1, MAX_CHUNK_BYTES + 1)).await.expect_err("a chunk too long");
    writer.finish().await.expect_err("a blob that lacks bytes");
    assert_missing(store, key).await;
}

/// So has a blob.
pub async fn a_blob_too_long_is_refused(store: &dyn BlobStore) {
    let key = key();
    let mut writer = store.create(key).await.unwrap();
    let full = bytes(1, MAX_BLOB_BYTES as usize);
    for chunk in full.chunks(MAX_CHUNK_BYTES) {
        writer.write(full.slice_ref(chunk)).await.unwrap();
    }
    writer.write(Bytes::from_static(b"!")).await.expect_err("a byte too many");
    writer.finish().await.expect_err("a blob that lacks bytes");
    assert_missing(store, key).await;
}

/// Syncing can be repeated, and nothing is synced easily.
pub async fn syncing_again_is_no_error(store: &dyn BlobStore) {
    let (one, bytes_of_one) = some_blob(store).await;
    let (two, _) = some_blob(store).await;
    store.sync(&[]).await.unwrap();
    store.sync(&[one]).await.unwrap();
    store.sync(&[two, one, one]).await.unwrap();
    assert_holds(store, one, &bytes_of_one).await;
}

/// Nobody is told that something is safe which is not there.
pub async fn syncing_what_is_not_there_is_an_error(store: &dyn BlobStore) {
    let (there, _) = some_blob(store).await;
    let unfinished = key();
    let _writer = store.create(unfinished).await.unwrap();
    for keys in [[key(), there], [there, key()], [there, unfinished]] {
        let error = store.sync(&keys).await.expect_err("a blob that is not there");
        assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    }
}
