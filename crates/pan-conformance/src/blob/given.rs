//! What a promise about blobs begins with.

use bytes::Bytes;
use pan_engine::{BlobStore, EngineError, ErrorKind, MAX_CHUNK_BYTES};
use pan_model::BlobKey;

/// An hour of November 2025: the promises hold for old buckets, too.
pub(super) const HOUR: u32 = 490_000;

/// A key that nothing has had before.
pub(super) fn key() -> BlobKey {
    key_in(HOUR)
}

/// One in the bucket of an hour.
pub(super) fn key_in(hour: u32) -> BlobKey {
    BlobKey { hour, random: rand::random() }
}

/// Bytes that differ from place to place and from seed to seed.
pub(super) fn bytes(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

/// Writes a blob in chunks as long as they may be, and finishes it.
pub(super) async fn put(store: &dyn BlobStore, key: BlobKey, bytes: &Bytes) {
    let mut writer = store.create(key).await.expect("a new blob");
    for chunk in bytes.chunks(MAX_CHUNK_BYTES) {
        writer.write(bytes.slice_ref(chunk)).await.expect("a chunk");
    }
    writer.finish().await.expect("a finished blob");
}

/// A finished blob with some bytes.
pub(super) async fn some_blob(store: &dyn BlobStore) -> (BlobKey, Bytes) {
    let (key, bytes) = (key(), bytes(rand::random(), 100_000));
    put(store, key, &bytes).await;
    (key, bytes)
}

/// All bytes of a blob.
pub(super) async fn read(store: &dyn BlobStore, key: BlobKey) -> Result<Bytes, EngineError> {
    match store.head(key).await? {
        Some(size) => store.get(key, 0..size).await,
        None => Err(EngineError::new(ErrorKind::Missing, "no head")),
    }
}

/// The blob is there with exactly these bytes.
pub(super) async fn assert_holds(store: &dyn BlobStore, key: BlobKey, bytes: &Bytes) {
    let held = read(store, key).await.expect("the blob");
    // Not `assert_eq`: it would print megabytes.
    assert!(held == *bytes, "blob {key} holds other bytes");
}

/// There is no such blob for a reader.
pub(super) async fn assert_missing(store: &dyn BlobStore, key: BlobKey) {
    assert_eq!(store.head(key).await.expect("a head"), None);
    for range in [0..0, 0..1] {
        let error = store.get(key, range).await.expect_err("nothing to read");
        assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    }
}
