//! How a body is framed: lengths, chunks, patience (pcs-rest 1.6, S28).

use std::thread::sleep;
use std::time::Duration;

use super::call::Carrier;
use super::{DEMO, Target};

super::keep![
    a_body_may_come_in_chunks,
    a_body_may_come_in_drops,
    a_form_type_may_have_a_charset,
    a_client_may_wait_to_be_told_to_continue,
    a_broken_chunk_changes_nothing,
    a_body_that_ends_early_changes_nothing,
    a_client_that_leaves_changes_nothing,
];

/// The body of an upload of `content`, and its call's head for that length.
fn upload(t: &super::Client, path: &str, content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let call = t.file("upload").param("path", path).param("ondup", "overwrite").content(content);
    let bytes = call.to_bytes();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (bytes[..end].to_vec(), bytes[end..].to_vec())
}

/// The head with another framing than Content-Length.
fn chunked(head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(head.to_vec()).unwrap();
    let lines = text.split("\r\n").filter(|line| !line.starts_with("Content-Length"));
    let lines: Vec<&str> = lines.collect();
    lines.join("\r\n").replacen("\r\n", "\r\nTransfer-Encoding: chunked\r\n", 1).into_bytes()
}

fn a_body_may_come_in_chunks(t: &Target<'_>) {
    let demo = t.demo();
    for (path, length) in [("/apps/demo/small", 10), ("/apps/demo/large", 700_000)] {
        let content = super::digest::content(1, length);
        let (head, body) = upload(&demo, path, &content);
        let mut connection = demo.connect();
        connection.send(&chunked(&head)).unwrap();
        for piece in body.chunks(9_999) {
            connection.send(format!("{:x};ext=1\r\n", piece.len()).as_bytes()).unwrap();
            connection.send(piece).unwrap();
            connection.send(b"\r\n").unwrap();
        }
        connection.send(b"0\r\n\r\n").unwrap();
        assert_eq!(connection.read_head().unwrap().status, 200);
        assert_eq!(demo.get(path).file(), content);
    }
    // A form as well.
    let mut connection = demo.connect();
    let call = demo.file("mkdir");
    let head = chunked(&call.head(1, Some("application/x-www-form-urlencoded")));
    connection.send(&head).unwrap();
    connection.send(b"b\r\npath=/apps/\r\nb\r\ndemo/dir+a1\r\n0\r\n\r\n").unwrap();
    assert_eq!(connection.read_head().unwrap().status, 200);
    assert_eq!(demo.names(DEMO), ["dir a1", "large", "small"]);
}

fn a_body_may_come_in_drops(t: &Target<'_>) {
    let demo = t.demo();
    let (head, body) = upload(&demo, "/apps/demo/a", b"\r\n--openpan\r\n");
    let mut connection = demo.connect();
    for byte in [head, body].concat().chunks(1) {
        connection.send(byte).unwrap();
        if byte == b"\n" {
            sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(connection.read_head().unwrap().status, 200);
    assert_eq!(demo.get("/apps/demo/a").file(), b"\r\n--openpan\r\n");
}

fn a_form_type_may_have_a_charset(t: &Target<'_>) {
    let demo = t.demo();
    for (i, kind) in [
        "application/x-www-form-urlencoded; charset=UTF-8",
        "APPLICATION/X-WWW-FORM-URLENCODED",
        "application/x-www-form-urlencoded;charset=utf-8",
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!("path=%2Fapps%2Fdemo%2F{i}");
        let mut connection = demo.connect();
        connection.send(&demo.file("mkdir").head(body.len() as u64, Some(kind))).unwrap();
        connection.send(body.as_bytes()).unwrap();
        assert_eq!(connection.read_head().unwrap().status, 200, "{kind}");
    }
    assert_eq!(demo.names(DEMO), ["0", "1", "2"]);
}

fn a_client_may_wait_to_be_told_to_continue(t: &Target<'_>) {
    let demo = t.demo();
    let (head, body) = upload(&demo, "/apps/demo/a", b"abc");
    let head = String::from_utf8(head).unwrap();
    let head = head.replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
    let mut connection = demo.connect();
    connection.send(head.as_bytes()).unwrap();
    let mut first = [0; 12];
    std::io::Read::read_exact(&mut connection, &mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100");
    let mut rest = [0; 1];
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        std::io::Read::read_exact(&mut connection, &mut rest).unwrap();
        seen.push(rest[0]);
    }
    connection.send(&body).unwrap();
    assert_eq!(connection.read_head().unwrap().status, 200);
    assert_eq!(demo.get("/apps/demo/a").file(), b"abc");
}

fn a_broken_chunk_changes_nothing(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"old").ok();
    for broken in ["zz\r\n", "-1\r\n", "5\r\nabc\r\n0\r\n\r\n", "ffffffffffffffffff\r\n"] {
        let (head, body) = upload(&demo, "/apps/demo/a", b"new");
        let mut connection = demo.connect();
        connection.send(&chunked(&head)).unwrap();
        let first = format!("{:x}\r\n", body.len());
        connection.send(&[first.as_bytes(), &body, b"\r\n", broken.as_bytes()].concat()).unwrap();
        connection.finish_sending().unwrap();
        let status = connection.read_head().map(|head| head.status).unwrap_or(400);
        assert_eq!(status, 400, "{broken:?}");
        assert_eq!(demo.get("/apps/demo/a").file(), b"old", "{broken:?}");
    }
}

fn a_body_that_ends_early_changes_nothing(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"old").ok();
    let content = super::digest::content(2, 600_000);
    let (head, body) = upload(&demo, "/apps/demo/a", &content);
    for kept in [0, 1, 200, body.len() / 2, body.len() - 1] {
        let mut connection = demo.connect();
        connection.send(&[&head, &body[..kept]].concat()).unwrap();
        connection.finish_sending().unwrap();
        // Either a refusal or a closed connection, never a success.
        if let Ok(head) = connection.read_head() {
            assert!(head.status >= 400, "{kept} of {} bytes: {}", body.len(), head.status);
        }
        assert_eq!(demo.get("/apps/demo/a").file(), b"old", "{kept} bytes");
    }
    let call = demo.file("mkdir").by(Carrier::PostForm).param("path", "/apps/demo/dir");
    let bytes = call.to_bytes();
    let mut connection = demo.connect();
    connection.send(&bytes[..bytes.len() - 1]).unwrap();
    connection.finish_sending().unwrap();
    let _ = connection.read_head();
    assert_eq!(demo.names(DEMO), ["a"]);
}

fn a_client_that_leaves_changes_nothing(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"old").ok();
    let content = super::digest::content(3, 3_000_000);
    let (head, body) = upload(&demo, "/apps/demo/a", &content);
    for kept in [1, 70_000, 2_000_000] {
        let mut connection = demo.connect();
        connection.send(&[&head, &body[..kept]].concat()).unwrap();
        drop(connection);
    }
    sleep(Duration::from_millis(200));
    assert_eq!(demo.get("/apps/demo/a").file(), b"old");
    assert_eq!(demo.quota().1, 3);
}
