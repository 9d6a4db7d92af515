//! Dropping a future stops what it does.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use pan_sdk::{ByteSize, Content, ListOrder, Ondup, Progress, RetryPolicy, TransferOptions};
use tokio::time::{sleep, timeout};

use crate::fake::{Act, Fake, whole};
use crate::path;

const MOMENT: Duration = Duration::from_millis(100);

/// Waits until something is so, for as long as a slow machine takes.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be");
}

#[tokio::test]
async fn a_dropped_upload_reads_no_further_and_is_not_tried_again() {
    let fake = Fake::start(|_, _| Act::Hang).await;
    let (sent, count) = tokio::sync::watch::channel(0);
    let pieces = futures_util::stream::unfold(0, move |number| {
        sent.send_replace(number);
        async move {
            sleep(Duration::from_millis(5)).await;
            Some((Ok(Bytes::from_static(b"0123456789")), number + 1))
        }
    });
    let content = Content::stream(pieces, ByteSize(1 << 20));
    let client = fake.client();
    let target = path("/a");
    assert!(timeout(MOMENT, client.upload(&target, content, Ondup::Fail)).await.is_err());
    // The stream, and what it holds, goes with the connection.
    until(|| count.has_changed().is_err()).await;
    assert!(*count.borrow() > 0);
    assert!(fake.requests().is_empty(), "a body that was cut off is no request");
}

#[tokio::test]
async fn a_dropped_download_leaves_no_file() {
    let bytes: Vec<u8> = whole(200, "", &[7; 300_000])[..200_000].to_vec();
    let fake = Fake::start(move |_, _| Act::Send(bytes.clone())).await;
    let directory = tempfile::tempdir().unwrap();
    let moved = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = std::sync::Arc::clone(&moved);
    let mut options = TransferOptions::default();
    options.progress = Progress::new(move |count| {
        seen.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    });
    let (client, to, from) = (fake.client(), directory.path().join("file"), path("/a"));
    let transfer = client.download_file(&from, &to, &options);
    assert!(timeout(MOMENT * 5, transfer).await.is_err());
    assert!(moved.load(std::sync::atomic::Ordering::Relaxed) > 0);
    until(|| std::fs::read_dir(directory.path()).unwrap().count() == 0).await;
}

#[tokio::test]
async fn a_dropped_call_or_stream_asks_no_more() {
    let fake = Fake::start(|_, _| Act::Break(Vec::new())).await;
    let pause = Duration::from_millis(30);
    let patient =
        RetryPolicy { first_pause: pause, longest_pause: pause, ..RetryPolicy::default() };
    let client = fake.client().with_retry(patient);
    assert!(timeout(MOMENT, client.quota()).await.is_err());
    {
        let mut entries = Box::pin(client.walk(&path("/"), ListOrder::default()));
        assert!(timeout(MOMENT, entries.next()).await.is_err());
    }
    let asked = fake.requests().len();
    assert!(asked >= 2, "{asked}");
    sleep(MOMENT).await;
    assert_eq!(fake.requests().len(), asked);
}
