//! Header fields that protect people from the bytes they store (S20–S22).

use percent_encoding::percent_decode_str;

use super::{Reply, Target};

super::keep![sec_headers, sec_header_names, a_stored_page_is_never_a_page];

#[track_caller]
pub(super) fn is_guarded(reply: &Reply) {
    assert_eq!(reply.field("x-content-type-options"), Some("nosniff"), "{reply}");
    assert_eq!(reply.field("referrer-policy"), Some("no-referrer"), "{reply}");
    let cached = reply.field("cache-control").unwrap_or_default();
    assert!(cached.contains("private") || cached.contains("no-store"), "`{cached}`: {reply}");
    assert_eq!(reply.field("access-control-allow-origin"), None, "no CORS (S23): {reply}");
    assert_eq!(reply.field("set-cookie"), None, "{reply}");
}

/// What a browser opens of it can neither run nor be read by another site's page.
#[track_caller]
pub(super) fn is_sealed_off(reply: &Reply) {
    let policy = reply.field("content-security-policy").unwrap_or_default();
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(reply.field("cross-origin-resource-policy"), Some("same-site"), "{reply}");
}

/// S20, S22: on every route that serves bytes, and on every other reply too.
fn sec_headers(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a.html", b"<script>alert(1)</script>").ok();
    let ask = |object: &str| demo.call(object, "download").param("path", "/apps/demo/a.html");
    let etag = ask("file").get().send().field("etag").unwrap().to_owned();
    for reply in [
        ask("file").get().send(),
        ask("file").send(),
        ask("file").get().verb("HEAD").send(),
        ask("stream").get().send(),
        ask("file").get().field("Range", "bytes=0-3").send(),
        ask("file").get().field("Range", "bytes=0-1,3-4").send(),
        ask("stream").get().field("Range", "bytes=-1").send(),
    ] {
        is_guarded(&reply);
        is_sealed_off(&reply);
        let disposition = reply.field("content-disposition").unwrap_or_default();
        assert!(disposition.starts_with("attachment;"), "`{disposition}`: {reply}");
        let kind = reply.field("content-type").unwrap_or_default();
        let is_plain =
            kind == "application/octet-stream" || kind.starts_with("multipart/byteranges");
        assert!(is_plain, "`{kind}`: {reply}");
    }
    is_guarded(&ask("file").get().field("If-None-Match", &etag).send());
    is_guarded(&ask("file").get().field("Range", "bytes=999-").send());
    is_guarded(&demo.list("/apps/demo"));
    is_guarded(&demo.get("/apps/demo/none"));
    is_guarded(&demo.call("nothing", "x").send());
    is_guarded(&t.caller_with("wrong").list("/apps/demo"));
}

/// S21: no name breaks out of its field, and browsers get the name back.
fn sec_header_names(t: &Target<'_>) {
    let owner = t.owner();
    for name in [
        "plain.txt",
        "with blank.txt",
        "\"quoted\".txt",
        "back\\slash",
        "semi;colon; filename=evil.exe",
        "x\"; filename=\"evil.exe",
        "%0d%0aSet-Cookie: a=b",
        "%22%5c",
        "中文.txt",
        "😀",
        "e\u{301}",
        "\u{2028}\u{2029}",
        "\u{202e}exe.txt",
        "a,b;c=d",
        "'single'",
        "*",
    ] {
        let path = format!("/names/{name}");
        owner.put(&path, b"abc").ok();
        let reply = owner.get(&path);
        assert_eq!(reply.file(), b"abc");
        let field = reply.field("content-disposition").unwrap().to_owned();
        assert!(field.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{field}");
        let (plain, extended) = field.rsplit_once("; filename*=UTF-8''").expect(&field);
        assert_eq!(percent_decode_str(extended).decode_utf8().unwrap(), name);
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"%-._~!#$&+^`|".contains(&byte);
        assert!(extended.bytes().all(token), "RFC 8187: {extended}");
        let quoted = plain.strip_prefix("attachment; filename=\"").expect(&field);
        let quoted = quoted.strip_suffix('"').expect(&field);
        assert!(is_quoted_string(quoted), "{field}");
        assert_eq!(reply.field("set-cookie"), None);
    }
    // CR and LF never get as far as a name.
    owner.put("/names/a\r\nSet-Cookie: a=b", b"abc").refused(400, 31062);
}

/// Whether every `"` and `\` inside is escaped.
fn is_quoted_string(inner: &str) -> bool {
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return false,
            b'\\' if bytes.next().is_none() => return false,
            _ => {}
        }
    }
    true
}

// S20: the client cannot choose the type, by name, by part or by parameter.
fn a_stored_page_is_never_a_page(t: &Target<'_>) {
    let demo = t.demo();
    for name in ["a.html", "a.svg", "a.xml", "a.xhtml", "a.pdf", "a.js", "a.json", "a.md", "a.png"]
    {
        let path = format!("/apps/demo/{name}");
        let mut part = super::Part::file(b"<html><script>alert(1)</script></html>");
        part.content_type = Some("text/html");
        demo.file("upload").param("path", &path).part(part).send().ok();
        let call = demo.file("download").get().param("path", &path);
        let call = call.param("response-content-type", "text/html").field("Accept", "text/html");
        let reply = call.send();
        assert_eq!(reply.field("content-type"), Some("application/octet-stream"), "{name}");
    }
}
