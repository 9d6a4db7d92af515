//! Many small files, and services that take them one by one, or badly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use pan_sdk::{
    BulkLimits, Endpoint, Entry, Error, Ondup, Progress, RetryPolicy, SmallFile, TransferOptions,
};

use crate::fake::{Act, Fake, Request, json};
use crate::{ABC, path, refused};

const YES: &str = r#"{"extensions":{"bulkupload":
    {"items_max":3,"item_bytes_max":1000,"bytes_max":10000,"since":2}},"request_id":1}"#;

/// The answer to an upload of `abc`.
fn entry(path: &str) -> String {
    format!(r#"{{"path":"{path}","fs_id":1,"size":3,"md5":"{ABC}"}}"#)
}

fn no(path: &str, code: u32) -> String {
    format!(r#"{{"path":"{path}","error_code":{code},"error_msg":"no"}}"#)
}

fn list(items: &[String]) -> Act {
    json(200, &format!(r#"{{"list":[{}],"request_id":77}}"#, items.join(",")))
}

/// The path that an upload of its own names.
fn target(request: &Request) -> String {
    let from = request.line.find("&path=").unwrap() + "&path=".len();
    request.line[from..].split('&').next().unwrap().to_owned()
}

/// The paths in a bulk request.
fn paths(request: &Request) -> Vec<String> {
    assert_eq!(request.header("content-type").as_deref(), Some("application/x-openpan-bulk"));
    let (mut rest, mut paths) = (&request.body[..], Vec::new());
    loop {
        let (length, after) = rest.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if length == 0 {
            assert!(after.is_empty());
            return paths;
        }
        let (header, content) = after.split_at(length);
        let header = std::str::from_utf8(header).unwrap();
        assert!(header.contains(r#""size":3"#) && header.contains(ABC), "{header}");
        assert!(content.starts_with(b"abc"));
        paths.push(header.split('"').nth(3).unwrap().to_owned());
        rest = &content[3..];
    }
}

fn file(name: &str, ondup: Ondup) -> SmallFile {
    SmallFile { path: path(name), bytes: Bytes::from_static(b"abc"), ondup }
}

fn files(names: &[&str]) -> Vec<SmallFile> {
    names.iter().map(|name| file(name, Ondup::Overwrite)).collect()
}

/// Options that count the bytes.
fn counting() -> (TransferOptions, Arc<AtomicU64>) {
    let sum = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sum);
    let mut options = TransferOptions::default();
    options.progress = Progress::new(move |bytes| {
        counted.fetch_add(bytes, Ordering::Relaxed);
    });
    (options, sum)
}

fn told(outcomes: &[Result<Entry, Error>]) -> Vec<String> {
    let tell = |outcome: &Result<Entry, Error>| match outcome {
        Ok(entry) => entry.path.to_string(),
        Err(error) => error.code().map_or_else(|| error.to_string(), |code| code.to_string()),
    };
    outcomes.iter().map(tell).collect()
}

fn count(fake: &Fake, method: &str) -> usize {
    fake.requests().iter().filter(|request| request.is(method)).count()
}

#[tokio::test]
async fn files_go_together_within_the_limits_and_come_back_in_order() {
    let fake = Fake::start(|_, request| match request.is("extensions") {
        true => json(200, YES),
        false => list(&paths(request).iter().map(|path| entry(path)).collect::<Vec<_>>()),
    })
    .await;
    let (options, sum) = counting();
    let client = fake.client();
    let names = ["/a", "/b", "/c", "/d", "/e", "/f", "/g"];
    let outcomes = client.upload_many(files(&names), &options).await;
    assert_eq!(told(&outcomes), names);
    assert_eq!(sum.load(Ordering::Relaxed), 21);
    assert_eq!((count(&fake, "bulkupload"), fake.requests().len()), (3, 4));
    // It was asked once.
    let outcomes = client.clone().upload_many(files(&["/h"]), &options).await;
    assert_eq!(told(&outcomes), ["/h"]);
    assert_eq!(count(&fake, "extensions"), 1);
    assert_eq!(client.extensions().await.unwrap().bulk_upload, {
        Some(BulkLimits { items_max: 3, item_bytes_max: 1000, bytes_max: 10_000 })
    });
}

#[tokio::test]
async fn a_service_without_the_extension_gets_uploads() {
    for (status, answer) in [
        (400, refused(3)),
        (400, refused(31023)),
        (404, "<html>".into()),
        (200, "<html>".into()),
        (200, r#"{"list":[]}"#.into()),
        (200, r#"{"extensions":{}}"#.into()),
        (200, r#"{"extensions":{"other":1}}"#.into()),
    ] {
        let said = answer.clone();
        let fake = Fake::start(move |_, request| match request.is("extensions") {
            true => json(status, &answer),
            false => json(200, &entry(&target(request))),
        })
        .await;
        let (options, sum) = counting();
        let client = fake.client();
        for _ in 0..2 {
            let outcomes = client.upload_many(files(&["/a", "/b"]), &options).await;
            assert_eq!(told(&outcomes), ["/a", "/b"], "{said}");
        }
        assert_eq!(sum.load(Ordering::Relaxed), 12);
        assert_eq!((count(&fake, "extensions"), count(&fake, "bulkupload")), (1, 0), "{said}");
    }
}

#[tokio::test]
async fn a_passing_failure_of_the_question_is_not_remembered() {
    let fake = Fake::start(|number, request| match (number, request.is("extensions")) {
        (0, _) => json(401, &refused(110)),
        (1, _) => json(401, &refused(110)),
        (_, true) => json(200, YES),
        _ => list(&paths(request).iter().map(|path| entry(path)).collect::<Vec<_>>()),
    })
    .await;
    let client = fake.client();
    let options = TransferOptions::default();
    assert_eq!(told(&client.upload_many(files(&["/a"]), &options).await), ["110"]);
    assert_eq!(told(&client.upload_many(files(&["/a"]), &options).await), ["/a"]);
    assert_eq!((count(&fake, "extensions"), count(&fake, "bulkupload")), (2, 1));
}

#[tokio::test]
async fn baidu_is_not_asked() {
    let client = pan_sdk::Client::new(Endpoint::baidu(), "t").unwrap();
    assert_eq!(client.extensions().await.unwrap().bulk_upload, None);
}

#[tokio::test]
async fn each_file_has_its_own_answer() {
    let fake = Fake::start(|_, request| match request.is("extensions") {
        true => json(200, YES),
        false => list(&[entry("/a"), no("/b", 31061), no("/c", 31112)]),
    })
    .await;
    let (options, _) = counting();
    let outcomes = fake.client().upload_many(files(&["/a", "/b", "/c"]), &options).await;
    assert_eq!(told(&outcomes), ["/a", "31061", "31112"]);
    let Err(error) = &outcomes[1] else { panic!() };
    assert_eq!((error.status(), error.request_id()), (Some(400), Some(77)));
    assert_eq!(fake.requests().len(), 2);
}

/// Overloaded, not stored for certain, or damaged on the way: each tries once
/// more by itself, if that can do no harm.
#[tokio::test]
async fn what_failed_in_passing_goes_alone() {
    let fake = Fake::start(|_, request| {
        if request.is("extensions") {
            return json(200, &YES.replace("\"items_max\":3", "\"items_max\":9"));
        }
        if request.is("bulkupload") {
            let damaged = entry("/d").replace("9001", "0000");
            return list(&[
                no("/busy", 2),
                no("/lost", 31001),
                no("/lost2", 31001),
                damaged.clone(),
                damaged,
                no("/e", 31208),
            ]);
        }
        json(200, &entry(&target(request)))
    })
    .await;
    let all = vec![
        file("/busy", Ondup::Fail),
        file("/lost", Ondup::Overwrite),
        file("/lost2", Ondup::Fail),
        file("/d", Ondup::Overwrite),
        file("/d2", Ondup::NewCopy),
        file("/e", Ondup::Fail),
    ];
    let (options, sum) = counting();
    let outcomes = fake.client().upload_many(all, &options).await;
    let told = told(&outcomes);
    assert_eq!([&told[..4], &told[5..]].concat(), ["/busy", "/lost", "31001", "/d", "/e"]);
    assert!(matches!(outcomes[4], Err(Error::Damaged { .. })));
    assert_eq!(count(&fake, "upload"), 4);
    assert_eq!(sum.load(Ordering::Relaxed), 18, "no byte is counted twice");
}

#[tokio::test]
async fn a_broken_request_is_sent_again_when_that_does_no_harm() {
    let start = || {
        Fake::start(|number, request| match (number, request.is("extensions")) {
            (_, true) => json(200, YES),
            (1, _) => Act::Break(Vec::new()),
            (2, _) => json(503, "<html>"),
            _ => list(&paths(request).iter().map(|path| entry(path)).collect::<Vec<_>>()),
        })
    };
    let (fake, (options, sum)) = (start().await, counting());
    let outcomes = fake.client().upload_many(files(&["/a", "/b"]), &options).await;
    assert_eq!(told(&outcomes), ["/a", "/b"]);
    assert_eq!(count(&fake, "bulkupload"), 3);
    assert_eq!(sum.load(Ordering::Relaxed), 6);
    let fake = start().await;
    let all = vec![file("/a", Ondup::Overwrite), file("/b", Ondup::Fail)];
    let outcomes = fake.client().upload_many(all, &options).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Broken { .. }))));
    assert_eq!(count(&fake, "bulkupload"), 1);
}

/// A proxy that takes no such bodies, a service that is older than it says.
#[tokio::test]
async fn where_bulk_requests_do_not_get_through_there_are_uploads() {
    for (status, answer) in [(413, "<html>".into()), (404, "<html>".into()), (400, refused(3))] {
        let said = answer.clone();
        let fake = Fake::start(move |_, request| match request {
            request if request.is("extensions") => json(200, YES),
            request if request.is("bulkupload") => json(status, &answer),
            request => json(200, &entry(&target(request))),
        })
        .await;
        let (options, sum) = counting();
        let client = fake.client();
        for _ in 0..2 {
            let all = vec![file("/a", Ondup::Fail), file("/b", Ondup::NewCopy)];
            assert_eq!(told(&client.upload_many(all, &options).await), ["/a", "/b"], "{said}");
        }
        assert_eq!(count(&fake, "bulkupload"), 1, "{said}");
        assert_eq!(sum.load(Ordering::Relaxed), 12);
    }
}

#[tokio::test]
async fn a_list_of_another_length_is_no_answer() {
    let fake = Fake::start(|_, request| match request.is("extensions") {
        true => json(200, YES),
        false => list(&[entry("/a")]),
    })
    .await;
    let client = fake.builder().retry(RetryPolicy::never()).build().unwrap();
    let outcomes = client.upload_many(files(&["/a", "/b"]), &TransferOptions::default()).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Reply { .. }))));
    assert!(client.bulk_upload(&files(&["/a", "/b"])).await.is_err());
}
