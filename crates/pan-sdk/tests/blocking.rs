//! The client that waits: from several threads, inside async code, with
//! ordinary readers.

#![cfg(feature = "blocking")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "shared with tests that use the rest of it")]
#[path = "faults/fake.rs"]
mod fake;

use std::io::{self, Read};

use fake::{Act, Fake, Request, answer, json, whole};
use pan_sdk::{ByteSize, Error, ListOrder, Ondup, PanPath, TransferOptions, blocking};
use tokio::runtime::Runtime;

const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

fn path(text: &str) -> PanPath {
    PanPath::parse(text).unwrap()
}

/// A service in a runtime of its own, as it would be elsewhere.
fn start(
    act: impl Fn(usize, &Request) -> Act + Send + Sync + 'static,
) -> (Runtime, Fake, blocking::Client) {
    let runtime = Runtime::new().unwrap();
    let fake = runtime.block_on(Fake::start(act));
    let client = blocking::Client::new(fake.client()).unwrap();
    (runtime, fake, client)
}

fn reply(_: usize, request: &Request) -> Act {
    if request.is("list") {
        let odd = r#"{"path":"/d","isdir":"1"}"#;
        let count = if request.line.contains("limit=0-1000") { 1000 } else { 2 };
        return json(200, &format!(r#"{{"list":[{}]}}"#, vec![odd; count].join(",")));
    }
    if request.is("upload") {
        return json(200, &format!(r#"{{"path":"/a","size":3,"md5":"{ABC}"}}"#));
    }
    if request.is("download") {
        return answer(200, &format!("Content-MD5: {ABC}\r\n"), b"abc");
    }
    json(200, r#"{"quota":9,"used":1}"#)
}

#[test]
fn several_threads_share_a_client() {
    let (_runtime, _fake, client) = start(reply);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(client.quota().unwrap().free(), ByteSize(8));
                    let entries = client.list_all(&path("/"), ListOrder::default());
                    assert_eq!(entries.filter(Result::is_ok).count(), 1002);
                }
            });
        }
    });
    let other = client.with_token("other");
    drop(client);
    assert!(other.quota().is_ok(), "a clone outlives the first");
}

#[test]
fn it_waits_inside_async_code_too() {
    let (runtime, fake, client) = start(|_, _| {
        let bytes = vec![7; 8 << 20];
        answer(200, "", &bytes)
    });
    let one = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    one.block_on(async move {
        let mut download = client.download(&path("/a"), ..).unwrap();
        assert_eq!(io::copy(&mut download, &mut io::sink()).unwrap(), 8 << 20);
        // The last of them; its runtime goes with it.
        drop((download, client));
    });
    drop((runtime, fake));
}

#[test]
fn readers_are_read_and_their_failures_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the tape tore"))
        }
    }
    let (_runtime, fake, client) = start(reply);
    let options = TransferOptions::default();
    client.upload_reader(&b"abc"[..], &path("/a"), Ondup::Overwrite, &options).unwrap();
    let content = client.reader(io::repeat(b'a').take(1).chain(&b"bcdef"[..]), ByteSize(3));
    client.upload(&path("/a"), content, Ondup::Overwrite).unwrap();
    let sent = |number: usize| String::from_utf8(fake.requests()[number].body.clone()).unwrap();
    assert!(sent(0).contains("\r\n\r\nabc\r\n--") && sent(1).contains("\r\n\r\nabc\r\n--"));
    let failures = [
        client.upload_reader(Broken, &path("/a"), Ondup::Overwrite, &options),
        client.upload(&path("/a"), client.reader(Broken, ByteSize(3)), Ondup::Overwrite),
    ];
    for failure in failures {
        let error = failure.unwrap_err();
        assert!(matches!(error, Error::Local { .. }), "{error:?}");
        assert!(error.to_string().contains("the tape tore"), "{error}");
    }
}

#[test]
fn a_download_is_a_reader_that_compares_at_its_end() {
    let (_runtime, _fake, client) = start(move |number, _| match number {
        0 => answer(200, &format!("Content-MD5: {ABC}\r\n"), b"abc"),
        1 => answer(200, &format!("Content-MD5: {ABC}\r\n"), b"abd"),
        _ => Act::Break(whole(200, "", b"abc").into_iter().rev().skip(1).rev().collect()),
    });
    let mut text = String::new();
    let mut download = client.download(&path("/a"), ..).unwrap();
    assert_eq!((download.range(), download.facts().size), (0..3, ByteSize(3)));
    let mut first = [0; 1];
    download.read_exact(&mut first).unwrap();
    assert_eq!(download.chunk().unwrap().unwrap(), "bc");
    assert_eq!(download.read_to_string(&mut text).unwrap(), 0);
    let mut damaged = client.download(&path("/a"), ..).unwrap();
    assert!(damaged.read_to_string(&mut text).is_err());
    let never = client.with_retry(pan_sdk::RetryPolicy::never());
    assert!(never.download(&path("/a"), ..).unwrap().bytes().is_err());
}
