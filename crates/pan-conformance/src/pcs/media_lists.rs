//! Lists by media type against what was uploaded (pcs-rest 4.17, 12.7).

use serde_json::Value;

use super::{Client, DEMO, Target};

super::keep![
    every_type_has_its_list,
    pages_glued_together_are_the_list,
    a_small_part_of_many_is_whole,
    a_prefix_is_text_and_never_an_error,
    lists_follow_what_happens,
    a_token_lists_nothing_outside_its_root,
    md5s_are_written_in_the_tokens_style,
];

#[track_caller]
fn list(client: &Client, media: &str, prefix: &str) -> Value {
    let call = client.call("stream", "list").get().param("type", media);
    let reply = call.param("filter_path", prefix).send().ok();
    assert_eq!(reply["total"].as_u64(), reply["list"].as_array().map(|list| list.len() as u64));
    reply
}

fn paths(reply: &Value) -> Vec<String> {
    let list = reply["list"].as_array().expect("a media list has a list");
    list.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

fn every_type_has_its_list(t: &Target<'_>) {
    let demo = t.demo();
    for (media, ends) in [
        ("video", ["mp4", "MKV", "rmvb"]),
        ("audio", ["mp3", "Flac", "ape"]),
        ("image", ["jpg", "HEIC", "png"]),
        ("doc", ["txt", "PDF", "docx"]),
    ] {
        let mut expected = Vec::new();
        for (n, end) in ends.iter().enumerate() {
            let path = format!("{DEMO}/{n}/a.{end}");
            demo.put(&path, b"x").ok();
            expected.insert(0, path);
        }
        demo.put(&format!("{DEMO}/{media}"), b"x").ok();
        demo.mkdir(&format!("{DEMO}/dir.{}", ends[0])).ok();
        assert_eq!(paths(&list(&demo, media, "")), expected, "{media}");
    }
}

fn pages_glued_together_are_the_list(t: &Target<'_>) {
    let demo = t.demo();
    for n in 0..50 {
        demo.put(&format!("{DEMO}/{}/{n}.jpg", n % 4), b"x").ok();
        demo.put(&format!("{DEMO}/{}/{n}.bin", n % 4), b"x").ok();
    }
    for (prefix, total) in [("", 50), ("/apps/demo/1", 13)] {
        let whole = paths(&list(&demo, "image", prefix));
        assert_eq!(whole.len(), total);
        for limit in [1, 7, 100] {
            let mut glued = Vec::new();
            for start in (0..total + limit).step_by(limit) {
                let call = demo.call("stream", "list").get().param("type", "image");
                let call = call.param("filter_path", prefix).param("start", start.to_string());
                let reply = call.param("limit", limit.to_string()).send().ok();
                assert_eq!(reply["total"], total);
                glued.extend(paths(&reply));
            }
            assert_eq!(glued, whole, "{prefix} by {limit}");
        }
    }
}

// Fewer files below a prefix than the list of all has before them.
fn a_small_part_of_many_is_whole(t: &Target<'_>) {
    let demo = t.demo();
    let mut expected = Vec::new();
    for n in 0..600 {
        let path = format!("{DEMO}/{}/{}/{n}.jpg", n % 2, n % 5);
        demo.put(&path, b"").ok();
        demo.put(&format!("{DEMO}/{}/{}/{n}.txt", n % 2, n % 5), b"").ok();
        if n % 2 == 0 && n % 5 == 3 && n < 400 {
            expected.insert(0, path);
        } else if n % 10 == 8 {
            demo.rm(&path).ok();
        }
    }
    for prefix in ["/apps/demo/0/3", "/apps/demo/0/3/"] {
        assert_eq!(paths(&list(&demo, "image", prefix)), expected);
        let call = demo.call("stream", "list").get().param("type", "image").param("start", "5");
        let reply = call.param("filter_path", prefix).param("limit", "30").send().ok();
        assert_eq!(paths(&reply), expected[5..35]);
        assert_eq!(reply["total"], expected.len());
    }
}

fn a_prefix_is_text_and_never_an_error(t: &Target<'_>) {
    let demo = t.demo();
    for name in ["test/1.jpg", "test2.jpg", "tes.jpg", "caf\u{e9}/1.jpg", "Test/1.jpg"] {
        demo.put(&format!("{DEMO}/{name}"), b"x").ok();
    }
    for (prefix, total) in [
        ("", 5),
        ("/", 5),
        ("/ap", 5),
        ("/apps/demo", 5),
        ("/apps/demo/", 5),
        ("/apps/demo/tes", 3),
        ("/apps/demo/test", 2),
        ("/apps/demo/test/", 1),
        ("/apps/demo/test/1.jpg", 1),
        ("/apps/demo/test/1.jpg/", 0),
        ("/apps/demo/cafe\u{301}", 1),
        ("/apps/demo/cafe\u{301}/1", 1),
        ("/apps/demo2", 0),
        ("/apps/dema", 0),
        ("/apps/demo//test", 0),
        ("/apps/demo/test/../", 0),
        ("apps", 0),
        ("*", 0),
        ("/apps/demo/\u{0}", 0),
        ("/apps/demo/%", 0),
    ] {
        assert_eq!(list(&demo, "image", prefix)["total"], total, "{prefix:?}");
    }
    let call = demo.call("stream", "list").get().param("type", "image");
    assert_eq!(call.param("filter_path", b"/apps/demo/\xff").send().ok()["total"], 0);
}

fn lists_follow_what_happens(t: &Target<'_>) {
    let demo = t.demo();
    let images = |prefix| paths(&list(&demo, "image", prefix));
    demo.put("/apps/demo/a/1.jpg", b"x").ok();
    demo.put("/apps/demo/a/b/2.jpg", b"x").ok();
    demo.mv("/apps/demo/a/1.jpg", "/apps/demo/a/1.txt").ok();
    assert_eq!(images(""), ["/apps/demo/a/b/2.jpg"]);
    assert_eq!(paths(&list(&demo, "doc", "")), ["/apps/demo/a/1.txt"]);
    demo.mv("/apps/demo/a", "/apps/demo/c").ok();
    assert_eq!(images("/apps/demo/c/b"), ["/apps/demo/c/b/2.jpg"]);
    assert_eq!(images("/apps/demo/a"), [""; 0]);
    demo.cp("/apps/demo/c", "/apps/demo/d").ok();
    assert_eq!(images("").len(), 2);
    demo.rm("/apps/demo/c").ok();
    assert_eq!(images(""), ["/apps/demo/d/b/2.jpg"]);
    demo.rm("/apps/demo/d/b/2.jpg").ok();
    assert_eq!(images(""), [""; 0]);
}

// S7: what is outside the token's root is neither listed nor counted.
fn a_token_lists_nothing_outside_its_root(t: &Target<'_>) {
    let (owner, demo) = (t.owner(), t.demo());
    for path in ["/a.jpg", "/apps/b.jpg", "/apps/demo2/c.jpg"] {
        owner.put(path, b"x").ok();
    }
    assert_eq!(list(&demo, "image", "")["total"], 0);
    demo.put("/apps/demo/d.jpg", b"x").ok();
    for prefix in ["", "/", "/apps", "/apps/", "/apps/demo", "/apps/demo/d"] {
        assert_eq!(paths(&list(&demo, "image", prefix)), ["/apps/demo/d.jpg"], "{prefix}");
    }
    for prefix in ["/a.", "/apps/b", "/apps/demo2", "/apps/demo2/c.jpg"] {
        assert_eq!(list(&demo, "image", prefix)["total"], 0, "{prefix}");
    }
    assert_eq!(list(&owner, "image", "/apps/demo")["total"], 2);
    assert_eq!(list(&owner, "image", "")["total"], 4);
}

// 12.9: every entry object.
fn md5s_are_written_in_the_tokens_style(t: &Target<'_>) {
    let (demo, scrambled) = (t.demo(), t.scrambled());
    demo.put("/apps/demo/a.jpg", b"x").ok();
    let entry = scrambled.entry("/apps/demo/a.jpg");
    assert_ne!(entry["md5"], demo.entry("/apps/demo/a.jpg")["md5"]);
    assert_eq!(list(&scrambled, "image", "")["list"][0]["md5"], entry["md5"]);
    let call = scrambled.file("search").get().param("path", DEMO).param("wd", "a");
    assert_eq!(call.send().ok()["list"][0]["md5"], entry["md5"]);
}
