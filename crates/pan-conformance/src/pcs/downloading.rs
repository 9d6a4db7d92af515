//! What a download is beside its ranges (pcs-rest 4.5, 4.18).

use super::digest::{content, crc32, md5_hex};
use super::{Target, encode};

super::keep![
    every_size_comes_back_byte_for_byte,
    the_fields_are_those_of_the_content,
    an_etag_belongs_to_the_bytes,
    a_client_with_the_bytes_gets_304,
    last_modified_is_mtime,
    a_download_takes_get_and_post,
];

/// Around every limit of storage: inline, hash index, group, blob.
const SIZES: &[usize] = &[
    0, 1, 2, 63, 64, 65, 1023, 1024, 4096, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 262_143,
    262_144, 262_145, 1_048_577, 4_194_303, 4_194_304, 4_194_305, 8_388_609,
];

fn every_size_comes_back_byte_for_byte(t: &Target<'_>) {
    let demo = t.demo();
    for &size in SIZES {
        let bytes = content(size as u64, size);
        let path = format!("/apps/demo/{size}");
        let reply = demo.put(&path, &bytes).ok();
        assert_eq!((&reply["size"], &reply["md5"]), (&size.into(), &md5_hex(&bytes).into()));
        assert!(demo.get(&path).file() == bytes, "{size} bytes");
    }
    let sum: usize = SIZES.iter().sum();
    assert_eq!(demo.quota().1, sum as u64);
}

fn the_fields_are_those_of_the_content(t: &Target<'_>) {
    let demo = t.demo();
    for size in [0, 7, 100_000, 5_000_000] {
        let bytes = content(size as u64, size);
        let path = format!("/apps/demo/{size}");
        demo.put(&path, &bytes).ok();
        for reply in [demo.get(&path), demo.get_range(&path, "bytes=0-2")] {
            let field = |name: &str| reply.field(name).unwrap_or_default().to_owned();
            assert_eq!(field("content-md5"), md5_hex(&bytes));
            assert_eq!(field("x-bs-file-size"), size.to_string());
            assert_eq!(field("x-bs-meta-crc32"), crc32(&bytes).to_string());
            assert_eq!(field("content-length"), reply.bytes().len().to_string());
            assert_eq!(field("accept-ranges"), "bytes");
            assert_eq!(field("transfer-encoding"), "");
        }
    }
}

fn an_etag_belongs_to_the_bytes(t: &Target<'_>) {
    let demo = t.demo();
    let etag = |path: &str| demo.get(path).field("etag").expect("an ETag").to_owned();
    demo.put("/apps/demo/a", b"abc").ok();
    let first = etag("/apps/demo/a");
    assert!(first.starts_with('"') && !first.starts_with("W/"), "strong: {first}");
    assert_eq!(etag("/apps/demo/a"), first);
    assert_eq!(demo.get_range("/apps/demo/a", "bytes=0-1").field("etag"), Some(first.as_str()));
    demo.mv("/apps/demo/a", "/apps/demo/b").ok();
    assert_eq!(etag("/apps/demo/b"), first, "a rename does not change the bytes");
    demo.put_ondup("/apps/demo/b", b"abd", "overwrite").ok();
    assert_ne!(etag("/apps/demo/b"), first);
}

fn a_client_with_the_bytes_gets_304(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let etag = demo.get("/apps/demo/a").field("etag").unwrap().to_owned();
    let ask = |tags: &str| {
        let call = demo.file("download").get().param("path", "/apps/demo/a");
        call.field("If-None-Match", tags).send()
    };
    // Weak comparison is what If-None-Match asks for (RFC 9110 13.1.2).
    for tags in [etag.clone(), "*".into(), format!("\"x\", {etag}, \"y\""), format!("W/{etag}")] {
        let reply = ask(&tags);
        assert_eq!((reply.status(), reply.bytes()), (304, &b""[..]), "{tags}");
        assert_eq!(reply.field("etag"), Some(etag.as_str()), "{tags}");
    }
    for tags in ["\"other\"", "nonsense", etag.trim_matches('"')] {
        assert_eq!(ask(tags).file(), b"abc", "{tags}");
    }
    let call =
        demo.file("download").get().param("path", "/apps/demo/a").field("Range", "bytes=0-0");
    assert_eq!(call.field("If-None-Match", &etag).send().status(), 304);
}

fn last_modified_is_mtime(t: &Target<'_>) {
    let demo = t.demo();
    let put = demo.put("/apps/demo/a", b"abc").ok();
    let mtime = put["mtime"].as_u64().unwrap();
    let field = demo.get("/apps/demo/a").field("last-modified").unwrap().to_owned();
    let (rest, clock) = field.strip_suffix(" GMT").unwrap().rsplit_once(' ').unwrap();
    let clock: Vec<u64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    assert_eq!(clock[0] * 3600 + clock[1] * 60 + clock[2], mtime % 86_400, "{field}");
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    assert!(rest.starts_with(days[(mtime / 86_400 % 7) as usize]), "{field}");
}

fn a_download_takes_get_and_post(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a b", b"abc").ok();
    for object in ["file", "stream"] {
        let call = || demo.call(object, "download").param("path", "/apps/demo/a b");
        assert_eq!(call().get().send().file(), b"abc");
        assert_eq!(call().send().file(), b"abc");
        let call = demo.call(object, "download").get();
        let raw = format!("path={}", encode(b"/apps/demo/a b"));
        assert_eq!(call.raw_query(&raw).send().file(), b"abc");
    }
}
