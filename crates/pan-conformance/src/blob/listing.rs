//! Which blobs there are: what the orphan sweep and the scrub rely on.

use pan_engine::BlobStore;
use pan_model::BlobKey;

use super::given::{HOUR, bytes, key_in, put};

async fn some_keys(store: &dyn BlobStore, hour: u32, count: usize) -> Vec<BlobKey> {
    let mut keys = Vec::new();
    for _ in 0..count {
        let key = key_in(hour);
        put(store, key, &bytes(1, 10)).await;
        keys.push(key);
    }
    keys.sort_unstable();
    keys
}

/// An engine may have made buckets ahead of time; those with blobs are listed.
pub async fn hours_with_blobs_are_listed_in_order(store: &dyn BlobStore) {
    for hour in [HOUR, 7, HOUR + 1, u32::MAX, 0] {
        some_keys(store, hour, 1).await;
    }
    let hours = store.hours().await.unwrap();
    assert!(hours.is_sorted_by(|one, next| one < next), "{hours:?}");
    for hour in [0, 7, HOUR, HOUR + 1, u32::MAX] {
        assert!(hours.contains(&hour), "{hour} in {hours:?}");
    }
}

/// Those of the hour and no others.
pub async fn keys_come_in_order(store: &dyn BlobStore) {
    let keys = some_keys(store, HOUR, 20).await;
    some_keys(store, HOUR + 1, 5).await;
    assert_eq!(store.list(HOUR, None, 1000).await.unwrap(), keys);
}

/// Whatever the size of a page; `after` need not exist.
pub async fn pages_hold_every_key_once(store: &dyn BlobStore) {
    let keys = some_keys(store, HOUR, 20).await;
    for limit in [1, 7, 10, 20, 21] {
        let mut listed: Vec<BlobKey> = Vec::new();
        loop {
            let page = store.list(HOUR, listed.last().copied(), limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert_eq!(listed, keys, "in pages of {limit}");
    }
    let mut before = keys[10];
    before.random[11] ^= 1;
    let expected: Vec<_> = keys.iter().copied().filter(|key| *key > before).collect();
    assert_eq!(store.list(HOUR, Some(before), 100).await.unwrap(), expected);
    assert!(store.list(HOUR, None, 0).await.unwrap().is_empty());
}

/// Not an error: a sweep may meet it.
pub async fn an_hour_without_blobs_is_empty(store: &dyn BlobStore) {
    some_keys(store, HOUR, 1).await;
    assert!(store.list(HOUR - 1, None, 10).await.unwrap().is_empty());
}

/// Otherwise nobody would ever remove them.
pub async fn unfinished_blobs_are_listed(store: &dyn BlobStore) {
    let key = key_in(HOUR);
    let mut writer = store.create(key).await.unwrap();
    writer.write(bytes(1, 10)).await.unwrap();
    assert_eq!(store.list(HOUR, None, 10).await.unwrap(), [key]);
    drop(writer);
    assert_eq!(store.list(HOUR, None, 10).await.unwrap(), [key]);
}
