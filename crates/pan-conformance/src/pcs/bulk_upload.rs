//! Many uploads in one request (pcs-rest 4.26): each stands for itself, and
//! each is what the same upload alone would be.

use serde_json::{Value, json};

use super::bulk_body::{BulkItem, bulk_body, frame};
use super::digest::{content, md5_hex};
use super::{Client, DEMO, Target, TokenSpec, name_of};

super::keep![
    extensions_tell_the_limits,
    items_are_stored_in_order,
    every_size_is_stored_whole,
    an_item_that_fails_stands_alone,
    every_ondup_does_what_it_does_alone,
    twins_come_one_after_the_other,
    quota_in_the_middle,
    an_overwrite_makes_room_for_the_next,
    another_md5_stores_nothing_of_the_item,
    a_cut_body_leaves_whole_items_or_none,
    a_body_that_never_ends_leaves_whole_items_or_none,
    what_is_malformed_ends_the_request,
    limits_at_the_limit_and_past_it,
    the_type_of_the_body_counts,
    scrambled_md5s_where_the_token_says,
    sec_bulk_items_stay_in_the_root,
    sec_bulk_paths_obey_the_rules,
    sec_bulk_needs_a_token,
];

/// The list of a reply.
#[track_caller]
fn bulk(client: &Client, items: &[BulkItem]) -> Vec<Value> {
    let reply = client.bulk(items).ok();
    let list = reply["list"].as_array().expect("a bulk upload is answered by a list").clone();
    assert_eq!(list.len(), items.len(), "an element for every item: {list:?}");
    list
}

/// The codes of a list; 0 for what was stored.
fn codes(list: &[Value]) -> Vec<u64> {
    list.iter().map(|item| item["error_code"].as_u64().unwrap_or_default()).collect()
}

fn at(name: &str) -> String {
    format!("{DEMO}/{name}")
}

fn extensions_tell_the_limits(t: &Target<'_>) {
    let demo = t.demo();
    let reply = demo.file("extensions").get().send().ok();
    assert_eq!(
        reply["extensions"]["bulkupload"],
        json!({ "items_max": 1000, "item_bytes_max": 4 << 20, "bytes_max": 64 << 20 })
    );
}

fn items_are_stored_in_order(t: &Target<'_>) {
    let demo = t.demo();
    let items: Vec<_> = (0..300)
        .map(|i| BulkItem::new(&at(&format!("d{}/{i}", i % 7)), &content(i, 100)))
        .collect();
    let list = bulk(&demo, &items);
    let ids: Vec<_> = list.iter().map(|entry| entry["fs_id"].as_u64().unwrap()).collect();
    assert!(ids.is_sorted(), "in the order of the request: {ids:?}");
    for (i, entry) in (0..300).zip(&list) {
        let path = at(&format!("d{}/{i}", i % 7));
        assert_eq!(entry["path"], path.as_str());
        assert_eq!(entry["md5"], md5_hex(&content(i, 100)));
        assert_eq!(entry.get("request_id"), None, "it stands once, beside the list");
    }
    let mut same = demo.entry(&at("d3/3"));
    same.as_object_mut().unwrap().remove("request_id");
    assert_eq!(list[3], same, "an element is an entry (2.3)");
    assert_eq!(demo.quota().1, 30_000);
}

fn every_size_is_stored_whole(t: &Target<'_>) {
    let demo = t.demo();
    // Around what lies in the database, in one chunk, in one blob.
    let sizes = [0, 1, 16_383, 16_384, 16_385, 65_536, 262_144, 262_145, 4 << 20];
    let items: Vec<_> = sizes
        .iter()
        .map(|&size| BulkItem::new(&at(&size.to_string()), &content(9, size)))
        .collect();
    for (entry, size) in bulk(&demo, &items).iter().zip(sizes) {
        assert_eq!(entry["size"], size);
        assert_eq!(demo.get(&at(&size.to_string())).file(), content(9, size));
    }
}

fn an_item_that_fails_stands_alone(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(&at("taken"), b"old").ok();
    demo.mkdir(&at("dir")).ok();
    let cases = [
        (BulkItem::new(&at("first"), b"1"), 0),
        (BulkItem::new(&at("taken"), b"new"), 31061),
        (BulkItem::new(&at("dir"), b"new").ondup("overwrite"), 31061),
        (BulkItem::new(&at("taken/below"), b"new"), 31063),
        (BulkItem::new(&at("a:b"), b"new"), 31062),
        (BulkItem::new("relative", b"new"), 31062),
        (BulkItem::new("", b"new"), 31023),
        (BulkItem::new("/apps/other/a", b"new"), 31064),
        (BulkItem::new(&at("a"), b"new").ondup("maybe"), 31023),
        (BulkItem::new(&at("a"), b"new").with("md5", "maybe"), 31023),
        (BulkItem::new(&at("a"), &content(1, 200_000)).with("md5", md5_hex(b"")), 31208),
        (BulkItem::new(&at("x/y/z"), b"2").without("md5"), 0),
        (BulkItem::new(&at("last"), b"3").with("unknown", json!({ "a": [1] })), 0),
    ];
    let items: Vec<_> = cases.iter().map(|(item, _)| item.clone()).collect();
    let list = bulk(&demo, &items);
    assert_eq!(codes(&list), cases.map(|(_, code)| code));
    for refused in list.iter().filter(|item| item.get("error_code").is_some()) {
        let members: Vec<_> = refused.as_object().unwrap().keys().collect();
        assert_eq!(members, ["error_code", "error_msg", "path"], "{refused}");
    }
    assert_eq!(list[3]["path"], at("taken/below"));
    assert_eq!(demo.names(DEMO), ["dir", "first", "last", "taken", "x"]);
    assert_eq!(demo.get(&at("taken")).file(), b"old");
    assert_eq!(demo.quota().1, 6);
}

fn every_ondup_does_what_it_does_alone(t: &Target<'_>) {
    let demo = t.demo();
    let old = demo.put(&at("a.txt"), b"old").ok();
    let list = bulk(
        &demo,
        &[
            BulkItem::new(&at("a.txt"), b"no"),
            BulkItem::new(&at("a.txt"), b"copy").ondup("newcopy"),
            BulkItem::new(&at("a.txt"), b"newer").ondup("overwrite"),
            BulkItem::new(&at("free"), b"f").ondup("overwrite"),
            BulkItem::new(&at("free2"), b"f").ondup(""),
        ],
    );
    assert_eq!(codes(&list), [31061, 0, 0, 0, 0]);
    assert!(name_of(&list[1]).starts_with("a_"), "{}", list[1]);
    assert_eq!(demo.get(list[1]["path"].as_str().unwrap()).file(), b"copy");
    assert_eq!((&list[2]["fs_id"], &list[2]["path"]), (&old["fs_id"], &old["path"]));
    assert_eq!(demo.get(&at("a.txt")).file(), b"newer");
}

/// Of two items of one path the second finds what the first has left, also
/// where one is written to a disk and the other is not.
fn twins_come_one_after_the_other(t: &Target<'_>) {
    let demo = t.demo();
    for (round, sizes) in
        [[10, 20], [500_000, 10], [10, 500_000], [300_000, 400_000]].iter().enumerate()
    {
        let [first, second] = sizes.map(|size| content(round as u64, size));
        let name = at(&round.to_string());
        let list = bulk(
            &demo,
            &[
                BulkItem::new(&name, &first),
                BulkItem::new(&name, &second),
                BulkItem::new(&name, &second).ondup("newcopy"),
                BulkItem::new(&name, &second).ondup("overwrite"),
                BulkItem::new(&format!("{name}/below"), b""),
            ],
        );
        assert_eq!(codes(&list), [0, 31061, 0, 0, 31063], "{sizes:?}");
        assert_ne!(list[2]["path"], name);
        assert_eq!(list[3]["fs_id"], list[0]["fs_id"]);
        assert_eq!(demo.get(&name).file(), second);
    }
}

fn quota_in_the_middle(t: &Target<'_>) {
    let small = t.another("small", Some(100_000));
    let demo = small.demo();
    let item = |name: &str, size: usize| BulkItem::new(&at(name), &content(5, size));
    let items =
        [item("a", 60_000), item("b", 60_000), item("c", 40_000), item("d", 1), item("e", 0)];
    assert_eq!(codes(&bulk(&demo, &items)), [0, 31112, 0, 31112, 0]);
    assert_eq!(demo.quota(), (100_000, 100_000));
    assert_eq!(demo.names(DEMO), ["a", "c", "e"]);
}

/// What is judged is what the items before have left, also for one that an
/// upload of its own would refuse before it has come.
fn an_overwrite_makes_room_for_the_next(t: &Target<'_>) {
    let small = t.another("small", Some(200_000));
    let demo = small.demo();
    demo.put(&at("a"), &content(1, 190_000)).ok();
    let list = bulk(
        &demo,
        &[
            BulkItem::new(&at("a"), b"less").ondup("overwrite"),
            BulkItem::new(&at("b"), &content(2, 150_000)),
        ],
    );
    assert_eq!(codes(&list), [0, 0], "{list:?}");
    assert_eq!(demo.quota().1, 150_004);
}

fn another_md5_stores_nothing_of_the_item(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(&at("old"), b"old").ok();
    for size in [0, 10, 100_000] {
        let wrong = md5_hex(b"other");
        let bytes = content(3, size);
        let list = bulk(
            &demo,
            &[
                BulkItem::new(&at("old"), &bytes).ondup("overwrite").with("md5", wrong.clone()),
                BulkItem::new(&at("new"), &bytes).with("md5", wrong.clone()),
            ],
        );
        assert_eq!(codes(&list), [31208, 31208]);
    }
    assert_eq!(demo.names(DEMO), ["old"]);
    assert_eq!(demo.get(&at("old")).file(), b"old");
}

/// A few items, with a frame of each kind.
fn a_few(prefix: &str) -> Vec<(BulkItem, Vec<u8>)> {
    let sizes = [3, 0, 17_000, 40];
    let contents = sizes.iter().enumerate().map(|(i, &size)| content(i as u64, size));
    let path = |i: usize| at(&format!("{prefix}/{i}"));
    contents.enumerate().map(|(i, bytes)| (BulkItem::new(&path(i), &bytes), bytes)).collect()
}

/// Items are there from the first on, each whole; none after the cut. The
/// last are asked for first: what came may still be on its way into the tree.
#[track_caller]
fn is_whole_or_absent(demo: &Client, prefix: &str, came: usize) {
    let mut is_later_there = false;
    for (i, (_, bytes)) in a_few(prefix).iter().enumerate().rev() {
        let reply = demo.get(&at(&format!("{prefix}/{i}")));
        if reply.status() == 404 {
            assert!(!is_later_there, "{prefix}: {i} is not there, and one after it is");
            continue;
        }
        is_later_there = true;
        assert!(i < came, "{prefix}: {i} had not come");
        assert_eq!(reply.file(), bytes, "{prefix}: {i}");
    }
}

/// How many frames are whole in so many bytes.
fn whole_frames(prefix: &str, length: usize) -> usize {
    let ends = a_few(prefix).into_iter().scan(0, |end, (item, _)| {
        *end += item.frame().len();
        Some(*end)
    });
    ends.filter(|&end| end <= length).count()
}

fn places_to_cut(prefix: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut start = 0;
    for (item, bytes) in a_few(prefix) {
        let end = start + item.frame().len();
        let content = end - bytes.len();
        places.extend([start, start + 2, start + 4, start + 9, content, end - bytes.len() / 2]);
        start = end;
    }
    places.extend([start, start + 2]);
    places
}

/// The length of the body is right, but the frames in it do not end.
fn a_cut_body_leaves_whole_items_or_none(t: &Target<'_>) {
    let demo = t.demo();
    for length in places_to_cut("0000") {
        let prefix = format!("{length:04}");
        let items: Vec<_> = a_few(&prefix).into_iter().map(|(item, _)| item).collect();
        let body = bulk_body(&items)[..length].to_vec();
        demo.bulk_call(body).send().refused(400, 31023);
        is_whole_or_absent(&demo, &prefix, whole_frames(&prefix, length));
    }
}

/// The connection breaks.
fn a_body_that_never_ends_leaves_whole_items_or_none(t: &Target<'_>) {
    let demo = t.demo();
    for length in places_to_cut("0000") {
        let prefix = format!("{length:04}");
        let items: Vec<_> = a_few(&prefix).into_iter().map(|(item, _)| item).collect();
        let bytes = demo.bulk_call(bulk_body(&items)).to_bytes();
        let body = bulk_body(&items).len();
        let mut connection = demo.connect();
        connection.send(&bytes[..bytes.len() - body + length]).unwrap();
        drop(connection);
        is_whole_or_absent(&demo, &prefix, whole_frames(&prefix, length));
    }
}

fn what_is_malformed_ends_the_request(t: &Target<'_>) {
    let demo = t.demo();
    let cases: [(&str, Vec<u8>); 9] = [
        ("its header is wrong", frame(b"{", b"")),
        ("its header is wrong", frame(b"{}", b"")),
        ("its header is wrong", frame(br#"{"path":"/apps/demo/x","size":"1"}"#, b"1")),
        ("its header is wrong", frame(br#"{"path":"/apps/demo/x","size":-1}"#, b"1")),
        ("its header is wrong", frame(b"{\"path\":\"/apps/demo/\xff\",\"size\":1}", b"1")),
        ("its header is longer", frame(&[b' '; 8_193], b"")),
        ("its header is longer", vec![0xff; 64]),
        ("it is larger", BulkItem::new(&at("x"), b"").with("size", (4u64 << 20) + 1).frame()),
        ("the body ends", frame(br#"{"path":"/apps/demo/x","size":4194304}"#, b"1")),
    ];
    for (number, (reason, wrong)) in cases.into_iter().enumerate() {
        let good = BulkItem::new(&at(&format!("good{number}")), b"abc");
        let after = BulkItem::new(&at("after"), b"abc");
        let body = [good.frame(), wrong, bulk_body(&[after])].concat();
        let error = demo.bulk_call(body).send().refused(400, 31023);
        let said = error["error_msg"].as_str().unwrap();
        assert!(said.contains("item 2: ") && said.contains(reason), "{reason}: {said}");
    }
    let trailing = [bulk_body(&[BulkItem::new(&at("all"), b"abc")]), b"x".to_vec()].concat();
    demo.bulk_call(trailing).send().refused(400, 31023);
    demo.bulk_call(Vec::new()).send().refused(400, 31023);
    assert!(!demo.names(DEMO).iter().any(|name| name == "after" || name == "x"));
    // No item is no failure.
    assert_eq!(bulk(&demo, &[]), Vec::<Value>::new());
}

fn limits_at_the_limit_and_past_it(t: &Target<'_>) {
    let demo = t.demo();
    let many = |count: usize| -> Vec<_> {
        (0..count).map(|i| BulkItem::new(&at(&format!("m{i}")), b"").ondup("overwrite")).collect()
    };
    assert_eq!(codes(&bulk(&demo, &many(1_000))), [0; 1_000]);
    demo.bulk(&many(1_001)).refused(400, 31023);
    let padded = BulkItem::new(&at("padded"), b"");
    let padding = 8_192 - padded.clone().with("x", "").frame().len() + 4;
    let with = |length: usize| padded.clone().with("x", " ".repeat(length));
    assert_eq!(codes(&bulk(&demo, &[with(padding)])), [0]);
    demo.bulk(&[with(padding + 1)]).refused(400, 31023);
    // By its length alone, and before anything has come.
    let mut connection = demo.connect();
    let head = demo.bulk_call(Vec::new()).head((64 << 20) + 1, Some("application/x-openpan-bulk"));
    connection.send(&head).unwrap();
    assert_eq!(connection.read_head().unwrap().status, 400);
}

fn the_type_of_the_body_counts(t: &Target<'_>) {
    let demo = t.demo();
    let body = bulk_body(&[BulkItem::new(&at("a"), b"abc")]);
    for kind in ["application/octet-stream", "application/json", "text/plain", ""] {
        let call = demo.file("bulkupload").body_of(kind, body.clone());
        call.send().refused(400, 31023);
    }
    demo.file("bulkupload").content(b"abc").send().refused(400, 31023);
    demo.file("bulkupload").send().refused(400, 31023);
    demo.bulk_call(body.clone()).verb("GET").send().refused(405, 3);
    assert_eq!(demo.names(DEMO), Vec::<String>::new());
    let kind = "Application/X-OpenPan-Bulk; version=1";
    demo.file("bulkupload").body_of(kind, body).send().ok();
}

fn scrambled_md5s_where_the_token_says(t: &Target<'_>) {
    let scrambled = t.scrambled();
    let list = bulk(&scrambled, &[BulkItem::new(&at("a"), b"abc")]);
    assert_eq!(list[0]["md5"], "3df10ad71paa9d7729c23a155f3df292");
    let twin = BulkItem::new(&at("b"), b"abc").with("md5", "3df10ad71paa9d7729c23a155f3df292");
    assert_eq!(codes(&bulk(&scrambled, &[twin])), [0]);
}

/// No item of an application touches anything outside its root (S1).
fn sec_bulk_items_stay_in_the_root(t: &Target<'_>) {
    let owner = t.owner();
    owner.put("/private", b"mine").ok();
    let demo = t.demo();
    let outside = [
        "/private",
        "/apps",
        "/apps/demo2/x",
        "/",
        "/apps/demo",
        "/apps/demo/../../private",
        "/apps/demo/./x",
        "//private",
    ];
    let items: Vec<_> =
        outside.iter().map(|path| BulkItem::new(path, b"theirs").ondup("overwrite")).collect();
    let list = bulk(&demo, &items);
    assert_eq!(codes(&list), [31064, 31064, 31064, 31064, 31064, 31062, 31062, 31064]);
    assert_eq!(owner.get("/private").file(), b"mine");
    assert_eq!(
        (owner.names("/"), owner.names("/apps")),
        (vec!["apps".into(), "private".into()], vec!["demo".into()])
    );
    assert_eq!(owner.quota().1, 4);
}

/// The rules of the token hold for items, as they do for uploads (3.3).
fn sec_bulk_paths_obey_the_rules(t: &Target<'_>) {
    let names = [".git", "x.", "a?b", "a:b", "a*b", "tab\tx", "nul\0x", " lead", &"x".repeat(256)];
    let items: Vec<_> = names.iter().map(|name| BulkItem::new(&at(name), b"x")).collect();
    assert_eq!(codes(&bulk(&t.demo(), &items)), [31062; 9]);
    let relaxed = t.caller(&TokenSpec::rooted(DEMO).relaxed());
    assert_eq!(codes(&bulk(&relaxed, &items)), [0, 0, 0, 0, 0, 31062, 31062, 0, 31062]);
    let slashes = bulk(&t.demo(), &[BulkItem::new("//apps//demo///deep//x/", b"x")]);
    assert_eq!(slashes[0]["path"], at("deep/x"));
}

fn sec_bulk_needs_a_token(t: &Target<'_>) {
    let body = bulk_body(&[BulkItem::new(&at("a"), b"abc")]);
    t.caller_with("nobody").bulk_call(body).send().refused(401, 110);
    t.caller_with("nobody").file("extensions").get().send().refused(401, 110);
    t.owner().is_missing(&at("a"));
}
