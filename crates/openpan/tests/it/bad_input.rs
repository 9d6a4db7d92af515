//! Bad input gets its error and leaves nothing behind.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{BOUNDARY, Carrier, Client, digest};

use crate::damage::blob_files;
use crate::server::{Server, empty_directory};
use crate::shared::with_target;

crate::tests![
    broken_uploads_leave_no_bytes,
    clients_that_disappear_leave_no_bytes,
    refused_uploads_leave_no_bytes,
    text_that_is_not_utf8_is_refused,
    a_server_takes_many_bad_requests,
];

/// Large enough for several blobs.
const LARGE: usize = 9_000_000;

/// Files and bytes below the directory of blobs.
fn stored(data: &Path) -> (usize, u64) {
    let files = blob_files(data);
    let size = |file: &std::path::PathBuf| std::fs::metadata(file).map_or(0, |meta| meta.len());
    (files.len(), files.iter().map(size).sum())
}

/// Runs something that must leave no byte on disk, whatever it tried.
fn leaves_nothing(act: impl Fn(&Client)) {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    admin.put("/keep", &digest::content(1, LARGE)).ok();
    let before = stored(&data);
    assert!(before.1 > LARGE as u64, "a large file is stored as blobs: {before:?}");
    act(&admin);
    let deadline = Instant::now() + Duration::from_secs(10);
    while stored(&data) != before && Instant::now() < deadline {
        sleep(Duration::from_millis(50));
    }
    assert_eq!(stored(&data), before, "files and bytes below blobs");
    assert_eq!(admin.names("/"), ["keep"]);
    assert_eq!(admin.quota().1, LARGE as u64);
    server.check();
}

/// Head and body of an upload.
fn upload(client: &Client, params: &[(&str, &str)], content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut call = client.file("upload").content(content);
    for (name, value) in params {
        call = call.param(name, value);
    }
    let bytes = call.to_bytes();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (bytes[..end].to_vec(), bytes[end..].to_vec())
}

const TARGETS: &[&[(&str, &str)]] = &[
    &[("path", "/new")],
    &[("path", "/keep"), ("ondup", "overwrite")],
    &[("path", "/keep"), ("ondup", "newcopy")],
    &[("type", "tmpfile")],
];

fn broken_uploads_leave_no_bytes() {
    leaves_nothing(|client| {
        let content = digest::content(2, LARGE);
        for target in TARGETS {
            let (head, body) = upload(client, target, &content);
            let cut = body.len() - BOUNDARY.len() - 6;
            // No final delimiter; a second file part; a broken second part.
            let tails: [&[u8]; 3] = [
                b"",
                b"\r\nContent-Disposition: form-data; name=\"files\"; filename=\"x\"\r\n\r\nx\r\n",
                b"\r\nContent-Disp",
            ];
            for tail in tails {
                let body = [&body[..cut], tail].concat();
                let length = format!("Content-Length: {}", body.len());
                let head = String::from_utf8(head.clone()).unwrap();
                let old = head.lines().find(|line| line.starts_with("Content-Length")).unwrap();
                let head = head.replace(old, &length);
                let mut connection = client.connect();
                connection.send(head.as_bytes()).unwrap();
                let _ = connection.send(&body);
                assert_eq!(connection.read_head().unwrap().status, 400, "{target:?}");
            }
        }
    });
}

fn clients_that_disappear_leave_no_bytes() {
    leaves_nothing(|client| {
        let content = digest::content(3, LARGE);
        for target in TARGETS {
            let (head, body) = upload(client, target, &content);
            for kept in [0, 1000, body.len() / 3, body.len() - 1] {
                let mut connection = client.connect();
                connection.send(&head).unwrap();
                connection.send(&body[..kept]).unwrap();
                drop(connection);
            }
        }
    });
}

fn refused_uploads_leave_no_bytes() {
    leaves_nothing(|client| {
        let content = digest::content(4, LARGE);
        client.put("/keep", &content).refused(400, 31061);
        client.put("/keep/below", &content).refused(400, 31063);
        client.put("/new/a\tb", &content).refused(400, 31062);
        client.put("relative", &content).refused(400, 31062);
        client.put_ondup("/new", &content, "wrong").refused(400, 31023);
        client.file("upload").content(&content).send().refused(400, 31023);
        // Parameters that arrive after the content, and spoil it.
        let call = client.file("upload").by(Carrier::PostMultipart).param("path", "/keep");
        call.content(&content).part_first().send().refused(400, 31061);
        let call = client.file("upload").by(Carrier::PostMultipart).param("path", "/a/../b");
        call.content(&content).part_first().send().refused(400, 31062);
        let call = client.file("mkdir").param("path", "/keep").content(&content);
        call.send().refused(400, 31061);
    });
}

fn text_that_is_not_utf8_is_refused() {
    with_target(|t| {
        let owner = t.owner();
        for bytes in
            [&b"/\xff"[..], b"/a\xc3", b"/\xed\xa0\x80", b"/\xc0\xaf", b"/\xf5\x80\x80\x80"]
        {
            for carrier in [Carrier::Get, Carrier::PostForm, Carrier::PostMultipart] {
                for method in ["mkdir", "meta", "list", "download", "delete"] {
                    let call = owner.file(method).by(carrier).param("path", bytes);
                    call.send().refused(400, 31062);
                }
                let call = owner.file("list").by(carrier).param("path", "/").param("by", bytes);
                call.send().refused(400, 31023);
                let call = owner.file("move").by(carrier).param("from", "/").param("to", bytes);
                call.send().is_error();
            }
            owner.file("upload").param("path", bytes).content(b"abc").send().refused(400, 31062);
        }
        assert_eq!(owner.names("/"), [""; 0]);
    });
}

// Nonsense of every kind, and then the server is as it was.
fn a_server_takes_many_bad_requests() {
    let directory = empty_directory();
    let server = Server::start(&directory.path().join("data"));
    let admin = server.admin();
    for (i, nonsense) in [
        &b"\0\0\0\0"[..],
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0",
        b"POST /rest/2.0/pcs/file?method=upload HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /rest/2.0/pcs/file?method=upload HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /rest/2.0/pcs/file?method=%ff&%00=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
    ]
    .iter()
    .enumerate()
    {
        for _ in 0..20 {
            let mut connection = admin.connect();
            let _ = connection.send(nonsense);
            let _ = connection.finish_sending();
            if let Ok(head) = connection.read_head() {
                assert!(head.status >= 400, "nonsense {i}: {}", head.status);
            }
        }
    }
    admin.put("/a", b"abc").ok();
    server.check();
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
