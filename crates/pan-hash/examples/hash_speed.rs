//! How quick the digests are here, as JSON lines.
//!
//! `cargo run --release -p pan-hash --example hash_speed`

/// The inside of the crate, to measure it alone.
#[path = "../src"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "not all of it is measured")]
mod inside {
    pub(crate) mod md5;
}

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use inside::md5;
use pan_hash::{Hasher, fingerprint};

const CHUNK_BYTES: usize = 256 << 10;
const BLOB_CHUNKS: usize = 16;
/// Chunks of one stream that are under way, as a pool of buffers allows them.
const BLOBS: usize = 32;
const THREADS: usize = 2;

fn main() {
    let chunk = vec![0x5a; CHUNK_BYTES];
    report("fingerprint of 256 KiB in place", 1, CHUNK_BYTES * 400, || {
        for _ in 0..400 {
            black_box(fingerprint(black_box(&chunk)));
        }
    });
    report("blake3 of 64 KiB", 1, CHUNK_BYTES * 400, || {
        for _ in 0..1600 {
            black_box(blake3::hash(black_box(&chunk[..64 << 10])));
        }
    });
    report("md5, scalar", 1, CHUNK_BYTES * 400, || {
        for _ in 0..400 {
            black_box(md5::ContentMd5::default()).update(black_box(&chunk));
        }
    });
    for streams in [1, 2, 3, 4, 5, 8, 16] {
        report("md5, together", streams, streams * CHUNK_BYTES * 400, || {
            let mut words = [[1, 2, 3, 4]; 16];
            let lanes = words.iter_mut().take(streams);
            let mut lanes: Vec<_> =
                lanes.map(|words| md5::LaneInput { words, bytes: &chunk }).collect();
            for _ in 0..400 {
                md5::digest_together(black_box(&mut lanes), CHUNK_BYTES / md5::BLOCK_BYTES);
            }
        });
    }
    let hasher = Hasher::new(THREADS);
    for streams in [1, 2, 4, 8, 16] {
        let bytes = streams * BLOBS * BLOB_CHUNKS * CHUNK_BYTES;
        report("all digests through the hasher", streams, bytes, || {
            thread::scope(|scope| {
                (0..streams).for_each(|_| drop(scope.spawn(|| stream(&hasher))));
            });
        });
    }
}

/// Streams blobs of chunks, at most one blob ahead of the digests.
fn stream(hasher: &Hasher) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let chunk = Bytes::from(vec![0x5a; CHUNK_BYTES]);
    let mut digest = hasher.stream();
    runtime.block_on(async {
        for _ in 0..BLOBS {
            (0..BLOB_CHUNKS).for_each(|_| digest.push(chunk.clone()));
            black_box(digest.end_blob().await);
        }
        black_box(digest.finish().await);
    });
}

/// Runs it three times and prints the best.
fn report(what: &str, streams: usize, bytes: usize, run: impl Fn()) {
    let seconds = (0..3).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    let best = bytes as f64 / seconds.fold(f64::INFINITY, f64::min) / 1e9;
    println!(r#"{{"what":"{what}","streams":{streams},"gb_per_second":{best:.3}}}"#);
}
