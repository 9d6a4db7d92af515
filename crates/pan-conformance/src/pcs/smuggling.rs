//! Requests that two readers would cut differently (S33). None may carry a
//! second request past the first.

use super::{DEMO, Target};

super::keep![sec_smuggling_probes, pipelined_requests_are_answered_in_order];

/// Header lines and a body; the second request is `{inner}`.
const PROBES: &[(&str, &str)] = &[
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n{inner}"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n{inner}"),
    ("Content-Length: 0\r\nContent-Length: 44", "{inner}"),
    ("Content-Length: 44\r\nContent-Length: 0", "{inner}"),
    ("Content-Length: 0, 44", "{inner}"),
    ("Content-Length: +0", "{inner}"),
    ("Content-Length: -1", "{inner}"),
    ("Content-Length: 0x0", "{inner}"),
    ("Content-Length: 0 0", "{inner}"),
    ("Content-Length : 0", "{inner}"),
    ("Content-Length: 18446744073709551616", "{inner}"),
    ("Content-Length:", "{inner}"),
    (" Content-Length: 0", "{inner}"),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n{inner}"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n{inner}"),
    ("Transfer-Encoding: identity\r\nContent-Length: 0", "{inner}"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "0\r\n\r\n{inner}"),
    ("Transfer-Encoding : chunked", "0\r\n\r\n{inner}"),
    ("Transfer-Encoding: \x0bchunked", "0\r\n\r\n{inner}"),
    ("Transfer-Encoding: chunked", "0;\n\r\n\r\n{inner}"),
    ("Transfer-Encoding: chunked", "g\r\n\r\n{inner}"),
    ("Transfer-Encoding: chunked", "00000000000000000000\r\n\r\n"),
];

/// After a request whose end is in doubt nothing more is read: the server
/// refuses it, or answers once and closes.
fn sec_smuggling_probes(t: &Target<'_>) {
    let demo = t.demo();
    let inner = String::from_utf8(demo.file("mkdir").param("path", "/apps/demo/inner").to_bytes());
    let inner = inner.unwrap();
    for (fields, body) in PROBES {
        let outer = demo.call("quota", "info").to_bytes();
        let outer = String::from_utf8(outer).unwrap().replace("Content-Length: 0", fields);
        let request = format!("{outer}{}", body.replace("{inner}", &inner));
        let mut connection = demo.connect();
        connection.send(request.as_bytes()).unwrap();
        let _ = connection.finish_sending();
        let mut answers = 0;
        while let Ok(head) = connection.read_head() {
            answers += 1;
            if connection.read_body("POST", &head).is_err() {
                break;
            }
        }
        assert!(answers <= 1, "{answers} answers to one request with {fields:?}");
        assert_eq!(demo.names(DEMO), [""; 0], "{fields:?}");
    }
}

// What is honestly two requests is answered twice, in order.
fn pipelined_requests_are_answered_in_order(t: &Target<'_>) {
    let demo = t.demo();
    let calls = [
        demo.file("mkdir").param("path", "/apps/demo/a"),
        demo.file("upload").param("path", "/apps/demo/a/b").content(b"abc"),
        demo.file("download").param("path", "/apps/demo/a/b").get(),
        demo.file("delete").param("path", "/apps/demo/a"),
        demo.file("meta").param("path", "/apps/demo/a").get(),
    ];
    let mut connection = demo.connect();
    let bytes: Vec<u8> = calls.iter().flat_map(super::Call::to_bytes).collect();
    connection.send(&bytes).unwrap();
    for status in [200, 200, 200, 200, 404] {
        let head = connection.read_head().unwrap();
        assert_eq!(head.status, status);
        connection.read_body("GET", &head).unwrap();
    }
}
