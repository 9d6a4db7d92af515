//! `content-md5` of an upload: bytes that changed on their way are not stored
//! (pcs-rest 4.2, 4.3).

use super::digest::{content, md5_hex};
use super::{Client, DEMO, Part, Reply, Target};

super::keep![
    the_announced_md5_is_that_of_what_came,
    another_md5_stores_nothing,
    an_overwrite_with_another_md5_leaves_the_old,
    a_block_with_another_md5_is_none,
    an_md5_may_come_after_the_content,
    stale_parameters_of_a_rapid_upload_mean_nothing,
];

/// Inline, in one blob, in several.
const SIZES: [usize; 4] = [0, 5, 70_000, 5_000_000];

fn put(demo: &Client, path: &str, bytes: &[u8], md5: &str) -> Reply {
    demo.file("upload").param("path", path).param("content-md5", md5).content(bytes).send()
}

fn the_announced_md5_is_that_of_what_came(t: &Target<'_>) {
    let demo = t.demo();
    for size in SIZES {
        let (path, bytes) = (format!("/apps/demo/{size}"), content(1, size));
        put(&demo, &path, &bytes, &md5_hex(&bytes)).ok();
        assert_eq!(demo.get(&path).file(), bytes);
    }
    put(&demo, "/apps/demo/upper", b"abc", &md5_hex(b"abc").to_uppercase()).ok();
    put(&demo, "/apps/demo/empty", b"abc", "").ok();
    // The scrambled form (9.1).
    put(&demo, "/apps/demo/scrambled", b"abc", "3df10ad71paa9d7729c23a155f3df292").ok();
}

fn another_md5_stores_nothing(t: &Target<'_>) {
    let demo = t.demo();
    for size in SIZES {
        let bytes = content(2, size);
        put(&demo, "/apps/demo/a", &bytes, &md5_hex(b"other")).refused(400, 31208);
    }
    put(&demo, "/apps/demo/a", b"abc", "no md5").refused(400, 31023);
    assert_eq!(demo.quota().1, 0);
    demo.is_missing("/apps/demo/a");
}

fn an_overwrite_with_another_md5_leaves_the_old(t: &Target<'_>) {
    let demo = t.demo();
    let old = demo.put("/apps/demo/a", b"old").ok();
    let call = demo.file("upload").param("path", "/apps/demo/a").param("ondup", "overwrite");
    let call = call.param("content-md5", md5_hex(b"other")).content(b"new");
    call.send().refused(400, 31208);
    assert_eq!(demo.get("/apps/demo/a").file(), b"old");
    assert_eq!(demo.entry("/apps/demo/a")["mtime"], old["mtime"]);
}

fn a_block_with_another_md5_is_none(t: &Target<'_>) {
    let demo = t.demo();
    let bytes = content(3, 70_000);
    let md5 = md5_hex(&bytes);
    let send = |announced: &str| {
        let call = demo.file("upload").param("type", "tmpfile").param("content-md5", announced);
        call.content(&bytes).send()
    };
    send(&md5_hex(b"other")).refused(400, 31208);
    demo.merge("/apps/demo/a", std::slice::from_ref(&md5)).refused(403, 31363);
    send(&md5).ok();
    demo.merge("/apps/demo/a", &[md5]).ok();
}

fn an_md5_may_come_after_the_content(t: &Target<'_>) {
    let demo = t.demo();
    let put = |name: &str, md5: &str| {
        let path = format!("{DEMO}/{name}");
        let call = demo.file("upload").by(super::Carrier::PostMultipart).param("path", path);
        call.param("content-md5", md5).part(Part::file(b"abc")).part_first().send()
    };
    put("a", &md5_hex(b"abc")).ok();
    put("b", &md5_hex(b"abd")).refused(400, 31208);
    assert_eq!(demo.names(DEMO), ["a"]);
}

/// Beside `slice-md5` it is left over from an earlier call (11.2).
fn stale_parameters_of_a_rapid_upload_mean_nothing(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.file("upload").param("path", "/apps/demo/a");
    let call = call.param("content-md5", md5_hex(b"x")).param("slice-md5", md5_hex(b"x"));
    call.param("content-length", "300000").content(b"abc").send().ok();
}
