//! Limits, at the limit and one past it (S30, pcs-rest 4.2).

use serde_json::json;

use super::call::Carrier;
use super::encoding::BOUNDARY;
use super::{Client, DEMO, Target};

super::keep![
    sec_limits_of_parts,
    sec_limits_of_part_headers,
    sec_limits_of_param,
    sec_limits_of_json,
    sec_limits_of_headers,
    sec_limits_of_uploads,
    a_batch_of_a_million_does_nothing,
];

/// Sends a multipart body of one's own to `upload`; the status and the code.
fn upload(demo: &Client, path: &str, body: &[u8]) -> (u16, Option<u64>) {
    let call = demo.file("upload").param("path", path);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let mut connection = demo.connect();
    connection.send(&call.head(body.len() as u64, Some(&kind))).unwrap();
    let _ = connection.send(body);
    let head = connection.read_head().unwrap();
    let answer = connection.read_body("POST", &head).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
    (head.status, json["error_code"].as_u64())
}

fn part(disposition: &str, content: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
}

/// Sixteen parts at most.
fn sec_limits_of_parts(t: &Target<'_>) {
    let demo = t.demo();
    let body = |texts: usize| {
        let texts: String = (0..texts).map(|i| part(&format!("name=\"app_id{i}\""), "1")).collect();
        let file = part("name=\"file\"; filename=\"f\"", "abc");
        format!("{texts}{file}--{BOUNDARY}--\r\n").into_bytes()
    };
    assert_eq!(upload(&demo, "/apps/demo/a", &body(15)), (200, None));
    assert_eq!(upload(&demo, "/apps/demo/b", &body(16)), (400, Some(31023)));
    assert_eq!(upload(&demo, "/apps/demo/b", &body(1000)), (400, Some(31023)));
    assert_eq!(demo.names(DEMO), ["a"]);
}

fn sec_limits_of_part_headers(t: &Target<'_>) {
    let demo = t.demo();
    let body = |length: usize| {
        let padding = "x".repeat(length);
        let file = part(&format!("name=\"file\"; filename=\"{padding}\""), "abc");
        format!("{file}--{BOUNDARY}--\r\n").into_bytes()
    };
    assert_eq!(upload(&demo, "/apps/demo/a", &body(8_000)), (200, None));
    for length in [8_200, 100_000, 5_000_000] {
        assert_eq!(upload(&demo, "/apps/demo/b", &body(length)), (400, Some(31023)), "{length}");
    }
    assert_eq!(demo.names(DEMO), ["a"]);
}

/// `param` of at most 2 MiB, whichever way it comes.
fn sec_limits_of_param(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let param = |bytes: usize| {
        let bare = json!({ "list": [{ "path": "/apps/demo/a", "x": "" }] }).to_string();
        bare.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - bare.len())))
    };
    assert_eq!(param(5_000).len(), 5_000);
    for carrier in [Carrier::PostForm, Carrier::PostMultipart] {
        let ask = |bytes| demo.file("meta").by(carrier).param("param", param(bytes)).send();
        ask(2_000_000).ok();
        ask(2 << 20).ok();
        ask((2 << 20) + 1).refused(400, 31023);
        ask(20_000_000).refused(400, 31023);
    }
    assert_eq!(demo.get("/apps/demo/a").file(), b"abc");
}

fn sec_limits_of_json(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let nested = |depth: usize| {
        format!(
            r#"{{"list":[{{"path":"/apps/demo/a","x":{}1{}}}]}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let ask = |param: &str| demo.file("meta").by(Carrier::PostForm).param("param", param).send();
    // The list, its item, and thirteen more: sixteen in all.
    ask(&nested(13)).ok();
    for depth in [14, 1_000, 100_000, 900_000] {
        ask(&nested(depth)).refused(400, 31023);
    }
    for wrong in [
        r#"{"list":[{"path":"/apps/demo/a"}]} x"#,
        r#"{"list":[{"path":"/apps/demo/a"},]}"#,
        r#"{"list":[{"path":"\ud800"}]}"#,
        "{\"list\":[{\"path\":\"/apps/demo/\u{1}\"}]}",
        "\u{feff}{}",
        "null",
        "[]",
        "1e999",
    ] {
        ask(wrong).refused(400, 31023);
    }
    let invalid = [b"{\"list\":[{\"path\":\"/apps/demo/\xff\"}]}".as_slice()].concat();
    demo.file("meta").by(Carrier::PostForm).param("param", invalid).send().refused(400, 31023);
}

/// Request line and header fields of at most 64 KiB in all: a batch may come
/// in the query.
fn sec_limits_of_headers(t: &Target<'_>) {
    let demo = t.demo();
    demo.call("quota", "info").get().field("X-Padding", &"x".repeat(60_000)).send().ok();
    demo.call("quota", "info").get().raw_query(&"x".repeat(60_000)).send().ok();
    let mut connection = demo.connect();
    let call = demo.call("quota", "info").get().field("X-Padding", &"x".repeat(70_000));
    let _ = connection.send(&call.to_bytes());
    let status = connection.read_head().map(|head| head.status);
    assert!(matches!(status, Ok(400 | 414 | 431) | Err(_)), "{status:?}");
    let mut connection = demo.connect();
    let call = demo.call("quota", "info").get().raw_query(&"x".repeat(1_000_000));
    let _ = connection.send(&call.to_bytes());
    let status = connection.read_head().map(|head| head.status);
    assert!(matches!(status, Ok(400 | 414 | 431) | Err(_)), "{status:?}");
    let mut many = demo.call("quota", "info").get();
    for i in 0..5_000 {
        many = many.field(&format!("X-{i}"), "1");
    }
    let mut connection = demo.connect();
    let _ = connection.send(&many.to_bytes());
    let status = connection.read_head().map(|head| head.status);
    assert!(matches!(status, Ok(400 | 431) | Err(_)), "{status:?}");
    demo.quota();
}

/// 4.2: 2 GiB in one request; more is refused by its Content-Length, before
/// any of it has been sent.
fn sec_limits_of_uploads(t: &Target<'_>) {
    let demo = t.demo();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    for length in [(2u64 << 30) + (1 << 20), 1 << 40, u64::MAX / 2] {
        for params in [&[("path", "/apps/demo/a")][..], &[("type", "tmpfile")]] {
            let mut call = demo.file("upload");
            for (name, value) in params {
                call = call.param(name, value);
            }
            let mut connection = demo.connect();
            let asked = std::time::Instant::now();
            connection.send(&call.head(length, Some(&kind))).unwrap();
            let head = connection.read_head().unwrap();
            assert!(asked.elapsed().as_secs() < 5, "at once: {:?}", asked.elapsed());
            let body = connection.read_body("POST", &head).unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((head.status, &body["error_code"]), (400, &json!(31023)), "{length}");
        }
    }
    demo.is_missing("/apps/demo/a");
}

/// Far past every limit: refused before anything is done, and soon.
fn a_batch_of_a_million_does_nothing(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let list =
        format!(r#"{{"list":[{}]}}"#, vec![r#"{"path":"/apps/demo/a"}"#; 1_000_000].join(","));
    for carrier in [Carrier::PostForm, Carrier::PostMultipart] {
        for method in ["delete", "meta"] {
            let call = demo.file(method).by(carrier).param("param", &list);
            call.send().refused(400, 31023);
        }
    }
    assert_eq!(demo.names(DEMO), ["a"]);
}
