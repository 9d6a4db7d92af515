//! The digests in the headers of replies, and `content-blake3` (pcs-rest 4.26).

use super::digest::{blake3_hex, content, md5_hex};
use super::{Client, DEMO, Reply, Target, TokenSpec};

super::keep![
    uploads_tell_the_digests_of_what_was_stored,
    blocks_and_merges_tell_theirs,
    downloads_tell_that_of_the_whole,
    every_way_to_a_content_leads_to_its_digest,
    errors_tell_none,
    another_blake3_stores_nothing,
    a_block_with_another_blake3_is_none,
    extensions_tell_which_digests_there_are,
];

/// Nothing, inline, in a group and a bit, in one blob, in several.
const SIZES: [usize; 7] = [0, 5, 1_025, 65_537, 262_145, 4 << 20, 9_000_001];

#[track_caller]
fn tells(reply: &Reply, bytes: &[u8]) {
    assert_eq!(reply.field("x-openpan-blake3"), Some(blake3_hex(bytes).as_str()), "{reply}");
}

/// Of what was stored the md5 is told as well; that of a download has a header
/// of its own.
#[track_caller]
fn tells_both(reply: &Reply, bytes: &[u8]) {
    tells(reply, bytes);
    assert_eq!(reply.field("x-openpan-md5"), Some(md5_hex(bytes).as_str()), "{reply}");
}

fn uploads_tell_the_digests_of_what_was_stored(t: &Target<'_>) {
    let (demo, scrambled) = (t.demo(), t.scrambled());
    for size in SIZES {
        let bytes = content(1, size);
        let reply = demo.put(&format!("{DEMO}/{size}"), &bytes);
        tells_both(&reply, &bytes);
        let members = reply.ok();
        assert!(members.as_object().unwrap().keys().all(|key| !key.contains("blake3")));
        // Plain, also where the body has it scrambled (9.1).
        tells_both(&scrambled.put_ondup(&format!("{DEMO}/{size}"), &bytes, "overwrite"), &bytes);
    }
}

fn blocks_and_merges_tell_theirs(t: &Target<'_>) {
    let demo = t.demo();
    let blocks = [content(1, 5_000_000), content(2, 7), content(3, 300_000), content(1, 5_000_000)];
    for block in &blocks {
        let reply = demo.file("upload").param("type", "tmpfile").content(block).send();
        tells_both(&reply, block);
    }
    let handles = blocks.each_ref().map(|block| md5_hex(block));
    tells_both(&demo.merge("/apps/demo/one", &handles[..1]), &blocks[0]);
    tells_both(&demo.merge("/apps/demo/all", &handles), &blocks.concat());
}

fn downloads_tell_that_of_the_whole(t: &Target<'_>) {
    let demo = t.demo();
    for size in SIZES {
        let (path, bytes) = (format!("{DEMO}/{size}"), content(4, size));
        demo.put(&path, &bytes).ok();
        tells(&demo.get(&path), &bytes);
        let ask = || demo.file("download").get().param("path", &path);
        tells(&ask().verb("HEAD").send(), &bytes);
        if size > 5 {
            tells(&demo.get_range(&path, "bytes=1-3"), &bytes);
            tells(&ask().field("Range", "bytes=0-1,4-5").send(), &bytes);
            let stream = demo.call("stream", "download").get().param("path", &path);
            tells(&stream.send(), &bytes);
        }
    }
}

fn every_way_to_a_content_leads_to_its_digest(t: &Target<'_>) {
    let demo = t.demo();
    let bytes = content(5, 900_000);
    let handles: Vec<_> = bytes.chunks(400_000).map(|block| demo.put_block(block)).collect();
    demo.merge("/apps/demo/merged", &handles).ok();
    demo.cp("/apps/demo/merged", "/apps/demo/copy").ok();
    demo.rapid("/apps/demo/rapid", &bytes).ok();
    demo.mv("/apps/demo/merged", "/apps/demo/moved").ok();
    for name in ["copy", "rapid", "moved"] {
        let reply = demo.get(&format!("{DEMO}/{name}"));
        assert!(reply.file() == bytes, "{name}");
        tells(&reply, &bytes);
    }
    let newer = content(6, 20);
    tells_both(&demo.put_ondup("/apps/demo/copy", &newer, "overwrite"), &newer);
    tells(&demo.get("/apps/demo/copy"), &newer);
    tells(&demo.get("/apps/demo/rapid"), &bytes);
}

fn errors_tell_none(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let tells_nothing = |reply: &Reply| {
        assert_eq!(reply.field("x-openpan-blake3"), None, "{reply}");
        assert_eq!(reply.field("x-openpan-md5"), None, "{reply}");
    };
    let outside = t.caller(&TokenSpec::rooted("/apps/other"));
    for reply in [
        demo.put("/apps/demo/a", b"abd"),
        demo.get("/apps/demo/none"),
        demo.get_range("/apps/demo/a", "bytes=9-"),
        demo.merge("/apps/demo/b", &[md5_hex(b"none")]),
        outside.get("/apps/demo/a"),
        t.caller_with("nobody").get("/apps/demo/a"),
        demo.list(DEMO),
    ] {
        tells_nothing(&reply);
    }
}

fn put(demo: &Client, bytes: &[u8], blake3: &str) -> Reply {
    let call = demo.file("upload").param("path", "/apps/demo/a").param("ondup", "overwrite");
    call.param("content-blake3", blake3).content(bytes).send()
}

fn another_blake3_stores_nothing(t: &Target<'_>) {
    let demo = t.demo();
    put(&demo, b"old", &blake3_hex(b"old").to_uppercase()).ok();
    for size in SIZES {
        let bytes = content(7, size);
        put(&demo, &bytes, &blake3_hex(b"other")).refused(400, 31208);
    }
    put(&demo, b"abc", &md5_hex(b"abc")).refused(400, 31023);
    assert_eq!(demo.get("/apps/demo/a").file(), b"old");
    assert_eq!(demo.quota().1, 3);
    // Of two that are announced both count.
    let call = || demo.file("upload").param("path", "/apps/demo/b");
    let call = |md5: &[u8], blake3: &[u8]| {
        let announced = call().param("content-md5", md5_hex(md5));
        announced.param("content-blake3", blake3_hex(blake3)).content(b"abc").send()
    };
    call(b"abc", b"x").refused(400, 31208);
    call(b"x", b"abc").refused(400, 31208);
    call(b"abc", b"abc").ok();
}

fn a_block_with_another_blake3_is_none(t: &Target<'_>) {
    let demo = t.demo();
    let bytes = content(8, 70_000);
    let send = |blake3: &str| {
        let call = demo.file("upload").param("type", "tmpfile").param("content-blake3", blake3);
        call.content(&bytes).send()
    };
    send(&blake3_hex(b"other")).refused(400, 31208);
    demo.merge("/apps/demo/a", &[md5_hex(&bytes)]).refused(403, 31363);
    send(&blake3_hex(&bytes)).ok();
    demo.merge("/apps/demo/a", &[md5_hex(&bytes)]).ok();
}

fn extensions_tell_which_digests_there_are(t: &Target<'_>) {
    let reply = t.demo().file("extensions").get().send().ok();
    assert_eq!(reply["extensions"]["digests"], serde_json::json!({ "blake3": true }));
}
