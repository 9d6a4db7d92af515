//! How quick the disk engine is here, as JSON lines.
//!
//! `cargo run --release -p pan-blob-disk --example disk_speed [DIRECTORY]`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_engine::{BlobStore, MAX_CHUNK_BYTES};
use pan_model::BlobKey;

const BLOB_BYTES: u64 = 4 << 20;
const BLOBS: u32 = 256;
const READS: u32 = 40_000;

fn main() {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "target/disk_speed".into());
    let store = DiskStore::open(Path::new(&directory), DiskOptions::default());
    let store = Arc::new(store.expect("a store"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime").block_on(async {
        for streams in [1, 4, 16] {
            let keys = write(&store, streams).await;
            if streams == 16 {
                for range_bytes in [4 << 10, 64 << 10, 256 << 10, 1 << 20] {
                    read(&store, &keys, 1, range_bytes).await;
                    read(&store, &keys, 16, range_bytes).await;
                }
            }
            store.delete(&keys).await.expect("deleted blobs");
        }
    });
}

/// Writes blobs; each is flushed while the next is being written, as uploads do.
async fn write(store: &Arc<DiskStore>, streams: u32) -> Vec<BlobKey> {
    let keys: Vec<_> = (0..BLOBS).map(|number| key(streams, number)).collect();
    let start = Instant::now();
    let tasks = keys.chunks(keys.len() / streams as usize).map(|keys| {
        let (store, keys) = (Arc::clone(store), keys.to_vec());
        tokio::spawn(async move {
            let chunk = Bytes::from(vec![0x5a; MAX_CHUNK_BYTES]);
            let mut flushes = Vec::new();
            for key in &keys {
                let mut writer = store.create(*key).await.expect("a blob");
                for _ in 0..BLOB_BYTES / chunk.len() as u64 {
                    writer.write(chunk.clone()).await.expect("a chunk");
                }
                flushes.push(tokio::spawn(writer.finish()));
            }
            for flush in flushes {
                flush.await.expect("a task").expect("a finished blob");
            }
            store.sync(&keys).await.expect("durable names");
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a task");
    }
    report("write 4 MiB blobs", streams, u64::from(BLOBS) * BLOB_BYTES, BLOBS, start);
    keys
}

/// Reads ranges from here and there, out of the page cache.
async fn read(store: &Arc<DiskStore>, keys: &[BlobKey], streams: u32, range_bytes: u64) {
    let start = Instant::now();
    let reads = READS / (1 + (range_bytes >> 16) as u32) / streams;
    let tasks = (0..streams).map(|stream| {
        let (store, keys) = (Arc::clone(store), keys.to_vec());
        tokio::spawn(async move {
            let mut place = u64::from(stream);
            for _ in 0..reads {
                place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let key = keys[(place >> 33) as usize % keys.len()];
                let at = (place >> 40) % (BLOB_BYTES - range_bytes);
                store.get(key, at..at + range_bytes).await.expect("a range");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a task");
    }
    let reads = reads * streams;
    let what = format!("read {} KiB ranges", range_bytes >> 10);
    report(&what, streams, u64::from(reads) * range_bytes, reads, start);
}

fn key(streams: u32, number: u32) -> BlobKey {
    let mut random = [0; 12];
    random[..4].copy_from_slice(&number.to_be_bytes());
    BlobKey { hour: 490_000 + streams, random }
}

fn report(what: &str, streams: u32, bytes: u64, operations: u32, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let gb = bytes as f64 / seconds / 1e9;
    let per_second = f64::from(operations) / seconds;
    println!(
        r#"{{"what":"{what}","streams":{streams},"gb_per_second":{gb:.3},"per_second":{per_second:.0}}}"#
    );
}
