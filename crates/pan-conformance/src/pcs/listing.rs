//! Lists against a naive sort of what was uploaded (pcs-rest 4.9, 12.7).

use std::cmp::{Ordering, Reverse};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::{Client, DEMO, Target, name_of};

super::keep![
    every_order_is_that_of_a_naive_sort,
    windows_glued_together_are_the_whole,
    limits_have_edges,
    a_malformed_limit_is_31023,
    by_and_order_are_words_of_the_book,
    a_file_lists_as_empty,
    only_direct_children_are_listed,
    a_trailing_slash_is_normal,
    bypy_pages_through_a_thousand,
    a_list_longer_than_any_window_is_whole,
];

/// Names that sort differently by bytes, by extension and by people.
const FILES: &[(&str, usize)] = &[
    ("a.txt", 10),
    ("A.TXT", 10),
    ("b.Txt", 500),
    ("none", 0),
    ("another none", 0),
    ("z.jpg", 70_000),
    ("é.jpg", 20),
    ("e\u{301}2.jpg", 20),
    ("中文.txt", 10),
    ("😀.txt", 3),
    ("~", 10),
    ("10", 10),
    ("9", 10),
    ("a.tar.gz", 17_000),
    ("a.gz", 5),
];
const DIRECTORIES: &[&str] = &["dir", "Dir", "a.dir.txt", "目录", "0"];

/// Fills the directory; what lies in it, as `meta` tells it.
fn fill(demo: &Client) -> Vec<Value> {
    for (i, (name, size)) in FILES.iter().enumerate() {
        demo.put(&format!("{DEMO}/{name}"), &super::digest::content(i as u64, *size)).ok();
        if let Some(name) = DIRECTORIES.get(i) {
            demo.mkdir(&format!("{DEMO}/{name}")).ok();
            // Three seconds among twenty entries: ties, and differences.
            sleep(Duration::from_millis(450));
        }
    }
    let names = FILES.iter().map(|(name, _)| *name).chain(DIRECTORIES.iter().copied());
    names.map(|name| demo.entry(&format!("{DEMO}/{name}"))).collect()
}

fn key(entry: &Value) -> String {
    name_of(entry).nfc().collect()
}

fn extension(entry: &Value) -> String {
    match key(entry).rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
        _ => String::new(),
    }
}

/// The order of the book, ascending within each group.
fn compare(by: &str, a: &Value, b: &Value) -> Ordering {
    let number = |entry: &Value, field: &str| entry[field].as_u64().unwrap();
    let within = match by {
        "name" => Ordering::Equal,
        "time" => number(a, "mtime").cmp(&number(b, "mtime")),
        "size" => number(a, "size").cmp(&number(b, "size")),
        _ if a["isdir"] == 1 => Ordering::Equal,
        _ => extension(a).cmp(&extension(b)),
    };
    within.then_with(|| key(a).cmp(&key(b)))
}

fn naive_sort(entries: &[Value], by: &str, descending: bool) -> Vec<String> {
    let mut sorted = entries.to_vec();
    sorted.sort_by(|a, b| if descending { compare(by, b, a) } else { compare(by, a, b) });
    if matches!(by, "size" | "") {
        // Directories first, whichever way the groups turn.
        sorted.sort_by_key(|entry| Reverse(entry["isdir"].as_u64()));
    }
    sorted.iter().map(|entry| name_of(entry).to_owned()).collect()
}

fn names(reply: &Value) -> Vec<String> {
    reply["list"].as_array().unwrap().iter().map(|entry| name_of(entry).to_owned()).collect()
}

/// `by` and `order` as sent, and what they mean.
fn orders() -> Vec<(&'static str, &'static str, bool)> {
    let by = ["", "name", "time", "size"];
    by.iter()
        .flat_map(|by| [("", true), ("desc", true), ("asc", false)].map(|(o, d)| (*by, o, d)))
        .collect()
}

fn every_order_is_that_of_a_naive_sort(t: &Target<'_>) {
    let demo = t.demo();
    let entries = fill(&demo);
    let seconds: std::collections::HashSet<_> =
        entries.iter().map(|entry| entry["mtime"].as_u64()).collect();
    assert!(seconds.len() > 1, "the entries must differ in time for this to mean anything");
    for (by, order, descending) in orders() {
        let call = demo.file("list").get().param("path", DEMO);
        let reply = call.param("by", by).param("order", order).send().ok();
        assert_eq!(names(&reply), naive_sort(&entries, by, descending), "by={by} order={order}");
        for entry in reply["list"].as_array().unwrap() {
            let known = entries.iter().find(|known| known["fs_id"] == entry["fs_id"]).unwrap();
            for field in ["path", "size", "md5", "ctime", "mtime", "isdir", "block_list"] {
                assert_eq!(entry[field], known[field], "{field} of {entry}");
            }
        }
    }
}

fn windows_glued_together_are_the_whole(t: &Target<'_>) {
    let demo = t.demo();
    let entries = fill(&demo);
    for (by, order, descending) in orders() {
        for width in [1, 3, 7, 20, 50] {
            let mut glued = Vec::new();
            for start in (0..entries.len()).step_by(width) {
                let call = demo.file("list").get().param("path", DEMO).param("by", by);
                let limit = format!("{start}-{}", start + width);
                let reply = call.param("order", order).param("limit", limit).send().ok();
                glued.extend(names(&reply));
            }
            let whole = naive_sort(&entries, by, descending);
            assert_eq!(glued, whole, "by={by} order={order} width={width}");
        }
    }
}

fn limited(demo: &Client, limit: &str) -> super::Reply {
    let call = demo.file("list").get().param("path", DEMO).param("by", "name");
    call.param("order", "asc").param("limit", limit).send()
}

fn limits_have_edges(t: &Target<'_>) {
    let demo = t.demo();
    for name in ["a", "b", "c", "d", "e"] {
        demo.mkdir(&format!("{DEMO}/{name}")).ok();
    }
    for (limit, expected) in [
        ("0-0", &[][..]),
        ("3-3", &[]),
        ("0-1", &["a"]),
        ("1-3", &["b", "c"]),
        ("4-5", &["e"]),
        ("4-9", &["e"]),
        ("5-9", &[]),
        ("1000-2000", &[]),
        ("0-5", &["a", "b", "c", "d", "e"]),
        ("0-1000", &["a", "b", "c", "d", "e"]),
        ("0-2147483647", &["a", "b", "c", "d", "e"]),
        ("3-9223372036854775807", &["d", "e"]),
        ("9223372036854775806-9223372036854775807", &[]),
        ("00-02", &["a", "b"]),
    ] {
        assert_eq!(names(&limited(&demo, limit).ok()), expected, "limit={limit}");
    }
}

fn a_malformed_limit_is_31023(t: &Target<'_>) {
    let demo = t.demo();
    demo.mkdir("/apps/demo/a").ok();
    for limit in [
        "1", "-", "1-", "-1", "2-1", "a-b", "1-2-3", " 1-2", "1-2 ", "+1-2", "1.0-2", "0x1-2",
        "1,2", "--", "٠-١", "1 - 2",
    ] {
        limited(&demo, limit).refused(400, 31023);
    }
}

fn by_and_order_are_words_of_the_book(t: &Target<'_>) {
    let demo = t.demo();
    for (name, value) in [
        ("by", "type"),
        ("by", "Name"),
        ("by", "mtime"),
        ("by", "name desc"),
        ("by", "1; drop table entry"),
        ("order", "up"),
        ("order", "ASC"),
        ("order", "descending"),
        ("order", "0"),
    ] {
        let call = demo.file("list").get().param("path", DEMO).param(name, value);
        call.send().refused(400, 31023);
    }
}

// 10.10
fn a_file_lists_as_empty(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    for order in ["", "asc"] {
        let call = demo.file("list").get().param("path", "/apps/demo/a").param("order", order);
        assert_eq!(call.send().ok()["list"], json!([]));
    }
    demo.list("/apps/demo/a/b").refused(404, 31066);
}

fn only_direct_children_are_listed(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a/b/c", b"abc").ok();
    demo.put("/apps/demo/ab/x", b"abc").ok();
    assert_eq!(demo.names(DEMO), ["a", "ab"]);
    assert_eq!(demo.names("/apps/demo/a"), ["b"]);
    assert_eq!(demo.names("/apps/demo/ab"), ["x"]);
    let owner = t.owner();
    assert_eq!(owner.names("/"), ["apps"]);
    assert_eq!(owner.entry("/")["path"], "/");
}

// 3.2: baidupcs lists /apps/test_sdk/.
fn a_trailing_slash_is_normal(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/dir/x", b"abc").ok();
    let list = demo.list("/apps/demo/dir/").ok();
    assert_eq!(list["list"][0]["path"], "/apps/demo/dir/x");
}

/// Copies one small file until the directory holds so many, batch by batch.
fn crowd(t: &Target<'_>, count: usize) -> Vec<String> {
    let demo = t.demo();
    demo.put("/apps/demo/seed", b"abc").ok();
    let name = |i: usize| format!("{:05}", (i * 7919) % 100_003);
    let targets: Vec<String> = (0..count).map(name).collect();
    std::thread::scope(|scope| {
        for batch in targets.chunks(900) {
            let demo = t.demo();
            scope.spawn(move || {
                let items = batch.iter().map(|name| {
                    json!({ "from": "/apps/demo/seed", "to": format!("/apps/demo/dir/{name}") })
                });
                let done = demo.batch("copy", &items.collect()).ok();
                assert_eq!(done["extra"]["list"].as_array().unwrap().len(), batch.len());
            });
        }
    });
    let mut sorted = targets;
    sorted.sort_unstable();
    sorted
}

fn page(demo: &Client, start: usize, end: usize) -> Vec<String> {
    let call = demo.file("list").get().param("path", "/apps/demo/dir").param("by", "name");
    let call = call.param("order", "asc").param("limit", format!("{start}-{end}"));
    names(&call.send().ok())
}

// 4.9: `0-1000`, `1000-2000`, … until a page has fewer than 1000 entries.
fn bypy_pages_through_a_thousand(t: &Target<'_>) {
    let expected = crowd(t, 1000);
    let demo = t.demo();
    assert_eq!(page(&demo, 0, 1000), expected);
    assert_eq!(page(&demo, 1000, 2000), [""; 0]);
    demo.put("/apps/demo/dir/last", b"x").ok();
    assert_eq!(page(&demo, 1000, 2000), ["last"]);
}

fn a_list_longer_than_any_window_is_whole(t: &Target<'_>) {
    let expected = crowd(t, 5_400);
    let demo = t.demo();
    assert!(demo.names("/apps/demo/dir") == expected, "by name");
    assert!(page(&demo, 0, 2_147_483_647) == expected, "with a limit");
    let glued: Vec<String> = (0..6).flat_map(|i| page(&demo, i * 1000, i * 1000 + 1000)).collect();
    assert!(glued == expected, "in pages");
    for by in ["", "time", "size"] {
        let call = demo.file("list").get().param("path", "/apps/demo/dir").param("by", by);
        let mut all = names(&call.send().ok());
        assert_eq!(all.len(), 5_400, "by={by}");
        if by != "time" {
            all.reverse();
            assert!(all == expected, "by={by}: equal sizes and types go by name");
        }
    }
}
