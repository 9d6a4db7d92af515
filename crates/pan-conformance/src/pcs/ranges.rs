//! Ranges against a naive reading of RFC 9110 (pcs-rest 4.5, 12.7, S33).

use super::{Reply, Target};

super::keep![
    single_ranges_are_exact,
    what_is_no_range_gives_the_whole,
    ranges_past_the_end_are_416,
    clients_ask_in_chunks,
    several_ranges_come_as_parts,
    what_cannot_be_sent_is_left_out,
    an_empty_file_has_no_range,
    if_range_takes_a_validator,
    large_files_have_exact_ranges,
    sec_range_floods,
];

const FILE: &str = "/apps/demo/file";

/// A hundred bytes, each its own index.
fn hundred() -> Vec<u8> {
    (0..100).collect()
}

fn single_ranges_are_exact(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &hundred()).ok();
    for (range, from, to) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-9", 0, 9),
        ("bytes=10-19", 10, 19),
        ("bytes=99-99", 99, 99),
        ("bytes=0-99", 0, 99),
        ("bytes=0-100", 0, 99),
        ("bytes=95-1000", 95, 99),
        ("bytes=0-99999999999999999999999999", 0, 99),
        ("bytes=0-", 0, 99),
        ("bytes=90-", 90, 99),
        ("bytes=99-", 99, 99),
        ("bytes=-1", 99, 99),
        ("bytes=-10", 90, 99),
        ("bytes=-100", 0, 99),
        ("bytes=-1000", 0, 99),
        ("bytes=007-008", 7, 8),
    ] {
        let reply = demo.get_range(FILE, range);
        assert_eq!(reply.slice(), &hundred()[from..=to], "{range}");
        let content_range = format!("bytes {from}-{to}/100");
        assert_eq!(reply.field("content-range"), Some(content_range.as_str()), "{range}");
        let length = (to - from + 1).to_string();
        assert_eq!(reply.field("content-length"), Some(length.as_str()), "{range}");
    }
}

// 12.7
fn what_is_no_range_gives_the_whole(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &hundred()).ok();
    for range in [
        "bytes=5-2",
        "bytes=",
        "bytes=-",
        "bytes",
        "bytes=a-b",
        "bytes=1",
        "bytes=--1",
        "bytes=1-2-3",
        "bytes=0x1-2",
        "bytes=+1-2",
        "bytes=1.0-2",
        "bytes=1-2;3-4",
        "bytes:0-9",
        "items=0-9",
        "0-9",
        "nonsense",
        "bytes=0-1,5-2",
        "bytes=0-1,x",
    ] {
        let reply = demo.get_range(FILE, range);
        assert_eq!(reply.file(), hundred(), "{range}");
        assert_eq!(reply.field("content-range"), None, "{range}");
    }
}

fn ranges_past_the_end_are_416(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &hundred()).ok();
    for range in [
        "bytes=100-",
        "bytes=100-200",
        "bytes=1000-",
        "bytes=-0",
        "bytes=100-,200-300",
        "bytes=99999999999999999999999999-",
    ] {
        let reply = demo.get_range(FILE, range);
        reply.refused(416, 31023);
        assert_eq!(reply.field("content-range"), Some("bytes */100"), "{range}");
    }
}

// 4.5: bypy asks for bytes=0-(n-1), a-b in the middle and an open last chunk.
fn clients_ask_in_chunks(t: &Target<'_>) {
    let demo = t.demo();
    let content = super::digest::content(4, 250_001);
    demo.put(FILE, &content).ok();
    for chunk in [1 << 16, 100_000, 250_000, 250_001] {
        let mut glued = Vec::new();
        while glued.len() + chunk < content.len() {
            let range = format!("bytes={}-{}", glued.len(), glued.len() + chunk - 1);
            glued.extend_from_slice(demo.get_range(FILE, &range).slice());
        }
        let last = demo.get_range(FILE, &format!("bytes={}-", glued.len()));
        glued.extend_from_slice(last.slice());
        assert!(glued == content, "in chunks of {chunk}");
    }
}

/// The parts of a multipart/byteranges reply: content range and bytes.
fn parts(reply: &Reply) -> Vec<(String, Vec<u8>)> {
    let kind = reply.field("content-type").unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap_or_else(|| panic!("`{kind}`: {reply}")).trim_matches('"');
    let length = reply.bytes().len().to_string();
    assert_eq!(reply.field("content-length"), Some(length.as_str()), "{reply}");
    // The file has no CR, so that text is bytes.
    let text: String = reply.bytes().iter().map(|&byte| char::from(byte)).collect();
    let (body, _) = text.split_once(&format!("\r\n--{boundary}--")).expect("the last delimiter");
    let body = format!("\r\n{}", body.trim_start_matches("\r\n"));
    let delimiter = format!("\r\n--{boundary}\r\n");
    let pieces = body.split(delimiter.as_str()).skip(1);
    pieces
        .map(|piece| {
            let (head, bytes) = piece.split_once("\r\n\r\n").expect("a part has headers");
            let head = head.to_ascii_lowercase();
            let range = head.split("\r\n").find_map(|line| line.strip_prefix("content-range: "));
            assert!(head.contains("content-type: application/octet-stream"), "{head}");
            let bytes = bytes.chars().map(|c| c as u8).collect();
            (range.expect("a part has a range").to_owned(), bytes)
        })
        .collect()
}

/// Letters, so that delimiters can be told from content.
fn letters() -> Vec<u8> {
    (0..100).map(|i| b'a' + i % 26).collect()
}

fn several_ranges_come_as_parts(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &letters()).ok();
    for (range, expected) in [
        ("bytes=0-1,4-5", &[(0, 1), (4, 5)][..]),
        ("bytes=0-1 , 50-", &[(0, 1), (50, 99)]),
        ("bytes=90-99,0-9", &[(90, 99), (0, 9)]),
        ("bytes=0-0,-1", &[(0, 0), (99, 99)]),
        ("bytes=0-9,20-29,40-49,60-69,80-89", &[(0, 9), (20, 29), (40, 49), (60, 69), (80, 89)]),
    ] {
        let reply = demo.get_range(FILE, range);
        assert_eq!(reply.status(), 206, "{range}: {reply}");
        let expected: Vec<_> = expected
            .iter()
            .map(|&(from, to)| (format!("bytes {from}-{to}/100"), letters()[from..=to].to_vec()))
            .collect();
        assert_eq!(parts(&reply), expected, "{range}");
    }
}

fn what_cannot_be_sent_is_left_out(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &letters()).ok();
    let reply = demo.get_range(FILE, "bytes=0-1,200-300,98-");
    assert_eq!(
        parts(&reply),
        [
            ("bytes 0-1/100".to_owned(), b"ab".to_vec()),
            ("bytes 98-99/100".to_owned(), letters()[98..].to_vec()),
        ]
    );
    // One that is left may come on its own or as a single part.
    let reply = demo.get_range(FILE, "bytes=3-4,200-300");
    match reply.field("content-range") {
        Some(range) => {
            assert_eq!((range, reply.slice()), ("bytes 3-4/100", &b"de"[..]));
        }
        None => assert_eq!(parts(&reply), [("bytes 3-4/100".to_owned(), b"de".to_vec())]),
    }
}

// 4.5: BaiduPCS-Py probes with bytes=0-1.
fn an_empty_file_has_no_range(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, b"").ok();
    for range in ["bytes=0-1", "bytes=0-", "bytes=-1", "bytes=-0", "bytes=5-", "bytes=0-0,2-3"] {
        let reply = demo.get_range(FILE, range);
        assert_eq!(reply.file(), b"", "{range}");
        assert_eq!(reply.field("content-length"), Some("0"), "{range}");
        assert_eq!(reply.field("content-range"), None, "{range}");
    }
}

fn if_range_takes_a_validator(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &hundred()).ok();
    let whole = demo.get(FILE);
    let (etag, date) = (whole.field("etag").unwrap(), whole.field("last-modified").unwrap());
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "strong: {etag}");
    let ask = |validator: &str| {
        let call = demo.file("download").get().param("path", FILE);
        call.field("Range", "bytes=5-6").field("If-Range", validator).send()
    };
    assert_eq!(ask(etag).slice(), [5, 6]);
    assert_eq!(ask(date).slice(), [5, 6]);
    for stale in
        ["\"other\"", &format!("W/{etag}"), "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense", "\""]
    {
        assert_eq!(ask(stale).file(), hundred(), "{stale}");
    }
    // The file changes under a client that resumes: it gets the new one whole.
    let etag = etag.to_owned();
    demo.put_ondup(FILE, b"other bytes", "overwrite").ok();
    assert_eq!(ask(&etag).file(), b"other bytes");
}

fn large_files_have_exact_ranges(t: &Target<'_>) {
    let demo = t.demo();
    let content = super::digest::content(8, 9_000_000);
    demo.put(FILE, &content).ok();
    let blob = 4 << 20;
    let mut state = 12345usize;
    let edges = [
        (0, 0),
        (blob - 1, blob),
        (blob, blob),
        (blob - 3, 2 * blob + 5),
        (65_535, 65_536),
        (0, content.len() - 1),
        (2 * blob, content.len() - 1),
    ];
    let random = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let from = (state >> 33) % content.len();
        (from, (from + (state >> 13) % 200_000).min(content.len() - 1))
    });
    for (from, to) in edges.into_iter().chain(random.take(40)) {
        let reply = demo.get_range(FILE, &format!("bytes={from}-{to}"));
        assert!(reply.slice() == &content[from..=to], "bytes {from} to {to}");
    }
}

/// S33: more than eight ranges, or ranges that overlap, never make the reply
/// larger than the file: the whole once, or 416.
fn sec_range_floods(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(FILE, &letters()).ok();
    let many = |range: &str, times: usize| format!("bytes={}", vec![range; times].join(","));
    let spread: Vec<String> = (0..9).map(|i| format!("{}-{}", i * 10, i * 10 + 1)).collect();
    for range in [
        many("0-", 2),
        many("0-", 9),
        many("0-", 1000),
        many("0-99", 3),
        many("-99", 1500),
        "bytes=0-50,40-99".into(),
        "bytes=0-9,5-6".into(),
        format!("bytes={}", spread.join(",")),
        format!("bytes={}0-1", ",".repeat(500)),
    ] {
        let reply = demo.get_range(FILE, &range);
        let shown = &range[..range.len().min(60)];
        match reply.status() {
            200 => assert_eq!(reply.bytes(), letters(), "{shown}"),
            206 => assert!(reply.field("content-range").is_some(), "one slice: {shown}"),
            416 => continue,
            status => panic!("{status} for {shown}"),
        }
        assert!(reply.bytes().len() <= 100, "{shown}");
    }
    let eight: Vec<String> = (0..8).map(|i| format!("{}-{}", i * 10, i * 10 + 1)).collect();
    let reply = demo.get_range(FILE, &format!("bytes={}", eight.join(",")));
    assert_eq!(parts(&reply).len(), 8);
}
