//! The entry object, wherever it appears (pcs-rest 2.3, 4.7, 4.8).

use serde_json::{Value, json};

use super::digest::{content, md5_hex};
use super::{DEMO, Target};

super::keep![
    an_entry_has_every_field_in_its_type,
    every_call_tells_of_an_entry_alike,
    ifhassubdir_follows_the_tree,
    block_list_is_an_array_always,
    fs_ids_are_never_the_same,
    a_batch_keeps_its_order_and_repeats,
    a_batch_of_999_is_the_most,
];

#[track_caller]
fn is_entry(entry: &Value) {
    let is_bit = |field: &str| matches!(entry[field].as_u64(), Some(0 | 1));
    let id = entry["fs_id"].as_u64().unwrap_or_default();
    assert!((1..1 << 53).contains(&id), "fs_id: {entry}");
    assert!(
        entry["size"].is_u64() && entry["ctime"].is_u64() && entry["mtime"].is_u64(),
        "{entry}"
    );
    assert!(is_bit("isdir") && is_bit("ifhassubdir"), "{entry}");
    assert!(entry["block_list"].is_array(), "{entry}");
    let path = entry["path"].as_str().unwrap();
    assert_eq!(entry["server_filename"], path.rsplit('/').next().unwrap(), "{entry}");
    let md5 = entry["md5"].as_str().unwrap();
    if entry["isdir"] == 1 {
        assert_eq!((md5, &entry["size"], &entry["block_list"]), ("", &json!(0), &json!([])));
    } else {
        let is_hex = md5.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(is_hex && md5.len() == 32, "{entry}");
        assert_eq!(entry["ifhassubdir"], 0);
    }
}

fn an_entry_has_every_field_in_its_type(t: &Target<'_>) {
    let demo = t.demo();
    is_entry(&demo.put("/apps/demo/file", b"abc").ok());
    is_entry(&demo.put_ondup("/apps/demo/file", b"abcd", "overwrite").ok());
    is_entry(&demo.put_ondup("/apps/demo/file", b"abcd", "newcopy").ok());
    is_entry(&demo.mkdir("/apps/demo/dir/sub").ok());
    is_entry(&demo.merge("/apps/demo/merged", &[demo.put_block(b"abc")]).ok());
    for path in ["/apps/demo/file", "/apps/demo/dir", "/apps/demo/merged", DEMO] {
        is_entry(&demo.entry(path));
    }
    let list = demo.list(DEMO).ok();
    list["list"].as_array().unwrap().iter().for_each(is_entry);
}

fn every_call_tells_of_an_entry_alike(t: &Target<'_>) {
    let demo = t.demo();
    for (path, size) in [("/apps/demo/a", 3), ("/apps/demo/b", 50_000), ("/apps/demo/c", 300_000)] {
        let bytes = content(size as u64, size);
        let mut put = demo.put(path, &bytes).ok();
        put.as_object_mut().unwrap().remove("request_id");
        assert_eq!(put["block_list"], json!([md5_hex(&bytes)]), "one block: its md5");
        assert_eq!(put, demo.entry(path));
        let list = demo.list(DEMO).ok();
        assert!(list["list"].as_array().unwrap().contains(&put), "{list}");
        let batch = demo.batch("meta", &json!([{ "path": path }])).ok();
        assert_eq!(batch["list"], json!([put]));
    }
}

fn ifhassubdir_follows_the_tree(t: &Target<'_>) {
    let demo = t.demo();
    let has = |path: &str| {
        let entry = demo.entry(path);
        let list = demo.list(DEMO).ok();
        let listed = list["list"].as_array().unwrap().iter().find(|e| e["path"] == path);
        assert_eq!(listed.expect("it is listed")["ifhassubdir"], entry["ifhassubdir"]);
        entry["ifhassubdir"] == 1
    };
    demo.mkdir("/apps/demo/a").ok();
    demo.mkdir("/apps/demo/b").ok();
    assert!(!has("/apps/demo/a"));
    demo.put("/apps/demo/a/file", b"abc").ok();
    assert!(!has("/apps/demo/a"), "a file is no directory");
    demo.mkdir("/apps/demo/a/sub").ok();
    assert!(has("/apps/demo/a"));
    demo.mv("/apps/demo/a/sub", "/apps/demo/b/sub").ok();
    assert!(!has("/apps/demo/a") && has("/apps/demo/b"));
    demo.cp("/apps/demo/b", "/apps/demo/c").ok();
    assert!(has("/apps/demo/c"));
    demo.rm("/apps/demo/b/sub").ok();
    assert!(!has("/apps/demo/b") && has("/apps/demo/c"));
}

fn block_list_is_an_array_always(t: &Target<'_>) {
    let demo = t.demo();
    let blocks = [demo.put_block(b"one"), demo.put_block(b"two")];
    demo.merge("/apps/demo/two", &blocks).ok();
    demo.merge("/apps/demo/one", &blocks[..1]).ok();
    demo.put("/apps/demo/zero", b"").ok();
    assert_eq!(demo.entry("/apps/demo/two")["block_list"], json!(blocks));
    assert_eq!(demo.entry("/apps/demo/one")["block_list"], json!(blocks[..1]));
    let list = demo.list(DEMO).ok();
    for entry in list["list"].as_array().unwrap() {
        // Lists give it for one-block files only; `meta` always in full.
        let blocks = entry["block_list"].as_array().unwrap();
        let expected = usize::from(entry["path"] != "/apps/demo/two");
        assert_eq!(blocks.len(), expected, "{entry}");
        assert!(expected == 0 || blocks[0] == entry["md5"], "{entry}");
    }
}

fn fs_ids_are_never_the_same(t: &Target<'_>) {
    let (demo, other) = (t.demo(), t.another("other", None));
    let other = other.demo();
    let mut ids = std::collections::HashSet::new();
    for round in 0..10 {
        for caller in [&demo, &other] {
            let made = caller.put("/apps/demo/a", &[round]).ok();
            assert!(ids.insert(made["fs_id"].as_u64().unwrap()), "{made}");
            caller.cp("/apps/demo/a", "/apps/demo/b").ok();
            let copied = caller.entry("/apps/demo/b");
            assert!(ids.insert(copied["fs_id"].as_u64().unwrap()), "{copied}");
            caller.rm("/apps/demo/a").ok();
            caller.rm("/apps/demo/b").ok();
        }
    }
}

fn a_batch_keeps_its_order_and_repeats(t: &Target<'_>) {
    let demo = t.demo();
    for name in ["c", "a", "b"] {
        demo.put(&format!("{DEMO}/{name}"), name.as_bytes()).ok();
    }
    let paths: Vec<String> = "cabbac".chars().map(|name| format!("{DEMO}/{name}")).collect();
    let items: Vec<Value> = paths.iter().map(|path| json!({ "path": path })).collect();
    let reply = demo.batch("meta", &json!(items)).ok();
    let told: Vec<&str> =
        reply["list"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(told, paths);
}

fn a_batch_of_999_is_the_most(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let items = |count: usize| json!(vec![json!({ "path": "/apps/demo/a" }); count]);
    let reply = demo.batch("meta", &items(999)).ok();
    assert_eq!(reply["list"].as_array().unwrap().len(), 999);
    demo.batch("meta", &items(1000)).refused(400, 31075);
}
