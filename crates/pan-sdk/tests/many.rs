//! How fast many small files go up: a measure, run by hand against a server
//! that runs already.
//!
//! ```text
//! OPENPAN_ENDPOINT=http://127.0.0.1:8800 OPENPAN_TOKEN=… \
//!     cargo test --release -p pan-sdk --test many -- --ignored --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pan_sdk::{Client, Content, Endpoint, Ondup, PanPath, SmallFile, TransferOptions};

const FILES: usize = 10_000;
const BYTES: usize = 4 << 10;
/// What `pan put` gives at a time.
const BATCH: usize = 1_000;

fn files(round: &str) -> Vec<SmallFile> {
    let file = |nth: usize| SmallFile {
        path: PanPath::parse(&format!("/many/{round}/{}/{nth}.bin", nth % 100)).unwrap(),
        bytes: Bytes::from(nth.to_le_bytes().repeat(BYTES / size_of::<usize>())),
        ondup: Ondup::Overwrite,
    };
    (0..FILES).map(file).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measure: it needs a running server, and a machine that does nothing else"]
async fn ten_thousand_files_together_and_alone() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let endpoint = Endpoint::single(&variable("OPENPAN_ENDPOINT")).unwrap();
    let client = Client::new(endpoint, variable("OPENPAN_TOKEN")).unwrap();
    for round in 0..3 {
        let together = files(&format!("{round}t"));
        let begun = Instant::now();
        for batch in together.chunks(BATCH) {
            let outcomes = client.upload_many(batch.to_vec(), &TransferOptions::default()).await;
            assert!(outcomes.iter().all(Result::is_ok));
        }
        let together = begun.elapsed().as_secs_f64();
        let alone = files(&format!("{round}a"));
        let begun = Instant::now();
        let mut sent =
            stream::iter(alone)
                .map(|file| {
                    let client = client.clone();
                    async move {
                        client.upload(&file.path, Content::bytes(file.bytes), file.ondup).await
                    }
                })
                .buffer_unordered(16);
        while let Some(outcome) = sent.next().await {
            outcome.unwrap();
        }
        let alone = begun.elapsed().as_secs_f64();
        let rate = |seconds: f64| FILES as f64 / seconds;
        println!(
            "together {:.0} files/s, alone {:.0} files/s, ratio {:.1}",
            rate(together),
            rate(alone),
            alone / together
        );
    }
}
