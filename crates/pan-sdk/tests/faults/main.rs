//! The client against a service that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bulk;
mod digests;
mod fake;

use std::time::Duration;

use fake::{Act, Fake, TOKEN, answer, json, whole};
use futures_util::TryStreamExt;
use pan_sdk::{
    ByteSize, Content, Endpoint, Error, ListOrder, Ondup, PanPath, TransferOptions, Window,
};

const ENTRY: &str = r#"{"path":"/a","fs_id":1,"size":3,"md5":"900150983cd24fb0d6963f7d28e17f72"}"#;
const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

fn path(text: &str) -> PanPath {
    PanPath::parse(text).unwrap()
}

fn refused(code: u32) -> String {
    format!(r#"{{"error_code":{code},"error_msg":"no","request_id":5}}"#)
}

#[tokio::test]
async fn an_upload_is_one_streamed_part_of_a_known_length() {
    let fake = Fake::start(|_, _| json(200, ENTRY)).await;
    let entry =
        fake.client().upload(&path("/ä b"), Content::bytes("abc"), Ondup::NewCopy).await.unwrap();
    assert_eq!((entry.path, entry.size), (path("/a"), ByteSize(3)));
    let request = &fake.requests()[0];
    assert!(request.line.starts_with("POST /rest/2.0/pcs/file?method=upload&path=/%C3%A4%20b&"));
    assert!(
        request.line.ends_with(&format!("&ondup=newcopy&content-md5={ABC}&access_token={TOKEN}"))
    );
    assert_eq!(request.header("transfer-encoding"), None);
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.contains("form-data; name=\"file\"; filename=\"file\"\r\n"), "{body}");
    assert!(body.contains("\r\n\r\nabc\r\n--"), "{body}");
}

#[tokio::test]
async fn what_does_no_harm_is_sent_again_and_whole() {
    let fake = Fake::start(|number, _| match number {
        0 => answer(503, "Retry-After: 1\r\n", b"<html>down"),
        1 => Act::Break(Vec::new()),
        2 => Act::Break(whole(200, "", b"{").into_iter().take(30).collect()),
        3 => json(200, &ENTRY.replace("9001", "0000")),
        _ => json(200, ENTRY),
    })
    .await;
    let began = tokio::time::Instant::now();
    let client = fake.client();
    client.upload(&path("/a"), Content::bytes("abc"), Ondup::Overwrite).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After was not honoured");
    let requests = fake.requests();
    assert_eq!(requests.len(), 5);
    assert!(requests.iter().all(|request| request.body.windows(3).any(|part| part == b"abc")));
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    let fake = Fake::start(|_, _| Act::Break(Vec::new())).await;
    let client = fake.client();
    let (one, other) = (path("/a"), path("/b"));
    assert!(matches!(client.move_entry(&one, &other).await, Err(Error::Broken { .. })));
    assert!(client.copy_entry(&one, &other).await.is_err());
    assert!(client.delete_entry(&one).await.is_err());
    assert!(client.mkdir(&one).await.is_err());
    assert!(client.upload(&one, Content::bytes("x"), Ondup::Fail).await.is_err());
    assert!(client.upload(&one, Content::bytes("x"), Ondup::NewCopy).await.is_err());
    let stream = Content::reader(&b"x"[..], ByteSize(1));
    assert!(client.upload(&one, stream, Ondup::Overwrite).await.is_err());
    let requests = fake.requests();
    assert_eq!(requests.len(), 7);
    assert_eq!(requests[0].header("content-length").as_deref(), Some("0"));
}

#[tokio::test]
async fn what_was_certainly_not_done_is_done_again() {
    let fake = Fake::start(|number, _| match number {
        0 => json(403, &refused(31034)),
        1 => json(429, "slow down"),
        _ => json(200, r#"{"extra":{"list":[{"from":"/a","to":"/b"}]},"request_id":1}"#),
    })
    .await;
    fake.client().move_entry(&path("/a"), &path("/b")).await.unwrap();
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn a_batch_tells_what_was_done() {
    let fake = Fake::start(|_, _| {
        let done = r#""extra":{"list":[{"path":"/a"},{"path":"/b"}]}"#;
        json(404, &format!(r#"{{"error_code":31066,"error_msg":"no","request_id":"7",{done}}}"#))
    })
    .await;
    let paths = [path("/a"), path("/b"), path("/c"), path("/d")];
    let partly = fake.client().delete_batch(&paths).await.unwrap_err();
    assert_eq!(partly.done, paths[..2]);
    assert_eq!((partly.error.code(), partly.error.request_id()), (Some(31066), Some(7)));
    let body = String::from_utf8(fake.requests()[0].body.clone()).unwrap();
    assert!(body.starts_with("param=%7B%22list%22%3A%5B%7B%22path%22%3A%22/a%22"), "{body}");
}

#[tokio::test]
async fn an_error_after_blanks_under_200_is_an_error() {
    let fake = Fake::start(|_, _| json(200, &format!("   {}", refused(31363)))).await;
    let blocks = [ABC.parse().unwrap()];
    let merged = fake.client().create_superfile(&path("/a"), &blocks, Ondup::Overwrite).await;
    assert_eq!(merged.unwrap_err().code(), Some(31363));
}

#[tokio::test]
async fn lists_are_paged_and_read_in_every_spelling() {
    let fake = Fake::start(|number, request| {
        let limit = ["0-1000", "1000-2000"][number];
        assert!(request.line.contains(&format!("&limit={limit}&")), "{}", request.line);
        let odd = r#"{"path":"/d","isdir":"1","size":"0","fs_id":"9","block_list":"[]"}"#;
        let count = if number == 0 { 1000 } else { 2 };
        json(200, &format!(r#"{{"list":[{}],"request_id":"x"}}"#, vec![odd; count].join(",")))
    })
    .await;
    let entries: Vec<_> =
        fake.client().list_all(&path("/"), ListOrder::default()).try_collect().await.unwrap();
    assert_eq!(entries.len(), 1002);
    assert!(entries[0].is_dir && entries[0].fs_id.is_some());
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let head = format!("ETag: \"v1\"\r\nContent-MD5: {ABC}\r\n");
    let fake = Fake::start(move |number, request| match number {
        0 => Act::Break(whole(200, &head, b"abc").into_iter().rev().skip(2).rev().collect()),
        1 => Act::Break(Vec::new()),
        _ => {
            assert_eq!(request.header("range").as_deref(), Some("bytes=1-2"));
            assert_eq!(request.header("if-range").as_deref(), Some("\"v1\""));
            answer(206, &format!("Content-Range: bytes 1-2/3\r\n{head}"), b"bc")
        }
    })
    .await;
    let download = fake.client().download(&path("/a"), ..).await.unwrap();
    assert_eq!(download.bytes().await.unwrap(), "abc");
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn a_download_of_something_else_is_an_error() {
    let fake = Fake::start(|number, _| match number {
        0 => Act::Break(
            whole(200, "ETag: \"v1\"\r\n", b"abc").into_iter().rev().skip(1).rev().collect(),
        ),
        _ => answer(200, "ETag: \"v2\"\r\n", b"abcd"),
    })
    .await;
    let download = fake.client().download(&path("/a"), ..).await.unwrap();
    assert!(matches!(download.bytes().await, Err(Error::RemoteChanged { .. })));
}

#[tokio::test]
async fn only_downloads_are_redirected_and_the_token_stays_behind() {
    let elsewhere = Fake::start(|_, _| answer(200, "", b"abc")).await;
    let to = elsewhere.client().endpoint().as_str().to_owned();
    let fake = Fake::start(move |_, _| answer(302, &format!("Location: {to}/data\r\n"), b"")).await;
    let download = fake.client().download(&path("/a"), ..).await.unwrap();
    assert_eq!(download.bytes().await.unwrap(), "abc");
    let request = &elsewhere.requests()[0];
    assert!(!format!("{request:?}").contains(TOKEN));
    assert!(matches!(fake.client().quota().await, Err(Error::Reply { status: 302, .. })));
    assert_eq!(elsewhere.requests().len(), 1);
}

#[tokio::test]
async fn what_does_not_move_is_given_up_and_names_no_token() {
    let fake = Fake::start(|_, _| Act::Hang).await;
    let quick = fake.builder().stall_timeout(Duration::from_millis(50));
    let client = quick.retry(pan_sdk::RetryPolicy::never()).build().unwrap();
    let errors = [
        client.quota().await.unwrap_err(),
        client.upload(&path("/a"), Content::bytes("abc"), Ondup::Fail).await.unwrap_err(),
        client.download(&path("/a"), ..).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Stalled { .. }), "{error:?}");
    }
    let nobody = pan_sdk::Client::builder(Endpoint::single("http://127.0.0.1:1").unwrap(), TOKEN)
        .retry(pan_sdk::RetryPolicy::never())
        .build()
        .unwrap();
    let error = nobody.quota().await.unwrap_err();
    assert!(matches!(error, Error::Connect { passing: true, .. }));
    assert!(!format!("{error} {error:?} {nobody:?}").contains(TOKEN));
}

#[tokio::test]
async fn facts_are_asked_for_in_another_way_where_head_fails() {
    let fake = Fake::start(|_, request| match request.line.split(' ').next() {
        Some("HEAD") => Act::Send(b"HTTP/1.1 405 X\r\nContent-Length: 0\r\n\r\n".to_vec()),
        _ if request.line.contains("/gone") => json(404, &refused(31066)),
        _ => answer(206, "Content-Range: bytes 0-0/9\r\nx-bs-meta-crc32: 7\r\n", b"a"),
    })
    .await;
    let facts = fake.client().facts(&path("/a")).await.unwrap();
    assert_eq!((facts.size, facts.crc32), (ByteSize(9), Some(pan_sdk::Crc32(7))));
    assert_eq!(fake.client().facts(&path("/gone")).await.unwrap_err().code(), Some(31066));
}

#[tokio::test]
async fn each_part_is_tried_again_on_its_own() {
    let fake = Fake::start_plain(|number, request| match (number, request.is("createsuperfile")) {
        (_, true) => json(200, &ENTRY.replace(ABC, MD5_OF_FILE)),
        (1, _) => Act::Break(Vec::new()),
        _ => json(200, &format!(r#"{{"md5":"{MD5_OF_PART}"}}"#)),
    })
    .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'a'; 3 << 20]).unwrap();
    let mut options = TransferOptions::default();
    (options.threshold, options.part_size) = (ByteSize(1 << 20), ByteSize(1 << 20));
    let client = fake.client();
    client.upload_file(file.path(), &path("/a"), Ondup::Overwrite, &options).await.unwrap();
    let requests = fake.requests();
    assert_eq!(requests.iter().filter(|request| request.is("upload")).count(), 4);
    let merge = requests.last().unwrap();
    let blocks = String::from_utf8(merge.body.clone()).unwrap();
    assert_eq!(blocks.matches(MD5_OF_PART).count(), 3, "{blocks}");
}

/// Of 1 MiB and of 3 MiB of `a`.
const MD5_OF_PART: &str = "7202826a7791073fe2787f0c94603278";
const MD5_OF_FILE: &str = "6a11a8872b36343799a15617bea78cef";

#[tokio::test]
async fn a_download_that_fails_leaves_what_was_there() {
    let fake = Fake::start(|number, _| match number {
        0 => answer(200, &format!("Content-MD5: {ABC}\r\n"), b"abd"),
        1 => answer(206, &format!("Content-Range: bytes 0-1/3\r\nContent-MD5: {ABC}\r\n"), b"ab"),
        2 => answer(206, &format!("Content-Range: bytes 2-2/3\r\nContent-MD5: {ABC}\r\n"), b"d"),
        _ => answer(206, &format!("Content-Range: bytes 0-2/3\r\nContent-MD5: {ABC}\r\n"), b"abc"),
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("file");
    std::fs::write(&to, "old").unwrap();
    let client = fake.client();
    let mut options = TransferOptions::default();
    let got = client.download_file(&path("/a"), &to, &options).await;
    assert!(matches!(got, Err(Error::Damaged { .. })));
    (options.threshold, options.parallel) = (ByteSize(2), 1);
    let got = client.download_file(&path("/a"), &to, &options).await;
    assert!(matches!(got, Err(Error::Damaged { .. })));
    assert_eq!(std::fs::read(&to).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    options.threshold = ByteSize(9);
    client.download_file(&path("/a"), &to, &options).await.unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), b"abc");
}

#[tokio::test]
async fn windows_are_sent_as_the_book_writes_them() {
    let fake = Fake::start(|_, _| json(200, r#"{"list":[]}"#)).await;
    let client = fake.client();
    for window in [Window::ALL, Window { start: 5, end: u64::MAX }] {
        assert!(client.list(&path("/"), ListOrder::default(), window).await.unwrap().is_empty());
    }
    let lines: Vec<_> = fake.requests().into_iter().map(|request| request.line).collect();
    assert!(lines[0].contains("method=list&path=/&order=desc&access_token"), "{}", lines[0]);
    assert!(lines[1].contains("&limit=5-9223372036854775807&"), "{}", lines[1]);
}

#[tokio::test]
async fn what_is_no_hit_is_followed_by_the_upload() {
    let directory = tempfile::tempdir().unwrap();
    let local = directory.path().join("file");
    std::fs::write(&local, vec![7; 262_145]).unwrap();
    let misses = [
        || json(404, &refused(31079)),
        || json(400, &refused(31023)),
        || json(400, &refused(3)),
        || answer(404, "", b"<html>"),
    ];
    for miss in misses {
        let fake = Fake::start_plain(move |_, request| match request.is("rapidupload") {
            true => miss(),
            false => json(200, r#"{"path":"/a","fs_id":1,"size":262145}"#),
        })
        .await;
        let options = TransferOptions::default();
        fake.client().upload_file(&local, &path("/a"), Ondup::Fail, &options).await.unwrap();
        let requests = fake.requests();
        assert_eq!(requests.len(), 2);
        assert!(requests[0].line.contains("content-length=262145&content-md5="));
        assert!(requests[0].line.contains("&content-crc32=0x"));
        assert!(requests[0].body.is_empty() && requests[1].is("upload"));
    }
    // A hit that is about another content is none that may be believed.
    let fake = Fake::start_plain(|_, _| json(200, ENTRY)).await;
    let options = TransferOptions::default();
    let hit = fake.client().upload_file(&local, &path("/a"), Ondup::Fail, &options).await;
    assert!(matches!(hit, Err(Error::Damaged { .. })), "{hit:?}");
}
