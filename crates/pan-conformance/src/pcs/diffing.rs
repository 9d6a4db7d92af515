//! The change feed (pcs-rest 4.15, 12.9, 12.10).

use serde_json::Value;

use super::call::Carrier;
use super::encoding::encode;
use super::{Client, DEMO, Reply, Target, TokenSpec};

super::keep![
    a_change_is_told_once_and_the_feed_goes_on,
    parameters_travel_in_every_way,
    a_cursor_survives_every_encoding,
    a_cursor_can_be_used_again,
    a_cursor_of_another_begins_anew,
    a_changed_cursor_begins_anew_or_is_refused,
    every_verb_is_told,
    a_purge_does_not_hide_what_lives_there_now,
    a_directory_that_a_file_replaces_is_gone_first,
    a_token_sees_what_lies_below_its_root,
    what_happens_above_a_root_happens_to_it,
    a_root_of_two_spellings_is_told_right,
    names_keep_their_spelling,
    md5s_are_in_the_style_of_the_token,
];

/// The page after a cursor.
fn page(client: &Client, cursor: &str) -> Value {
    client.file("diff").get().param("cursor", cursor).send().ok()
}

fn cursor_of(page: &Value) -> String {
    page["cursor"].as_str().expect("a page has a cursor").to_owned()
}

/// The cursor of now.
fn now(client: &Client) -> String {
    let mut cursor = String::from("null");
    loop {
        let page = page(client, &cursor);
        cursor = cursor_of(&page);
        if page["has_more"] == false {
            return cursor;
        }
    }
}

/// What happened since a cursor, `+` for what is there, `-` for what went into
/// the bin, `x` for what is gone otherwise; by path. One path comes once in a
/// page, and where order matters the page ends: so pages are shown apart.
fn told(client: &Client, cursor: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let page = page(client, &cursor);
        assert_eq!(page["reset"], false, "{page}");
        pages.push(signs(&page));
        cursor = cursor_of(&page);
        if page["has_more"] == false {
            return pages;
        }
    }
}

fn signs(page: &Value) -> Vec<String> {
    let entries = page["entries"].as_object().expect("entries are an object (4.15)");
    let sign = |(path, entry): (&String, &Value)| {
        assert_eq!(entry["path"], path.as_str());
        assert!(entry["revision"].is_u64(), "{entry}");
        let sign = match entry["isdelete"].as_i64() {
            Some(0) => '+',
            Some(-1) => '-',
            Some(1) => 'x',
            other => panic!("isdelete is 0, 1 or -1, not {other:?}"),
        };
        if sign != '+' {
            assert_eq!((&entry["size"], &entry["md5"]), (&0.into(), &"".into()), "{entry}");
        }
        format!("{sign}{}", path.strip_prefix("/apps/demo/").unwrap_or(path))
    };
    entries.iter().map(sign).collect()
}

/// Does something and says what is told of it.
fn told_of(client: &Client, something: impl FnOnce() -> Reply) -> Vec<Vec<String>> {
    let before = now(client);
    something().ok();
    told(client, &before)
}

fn a_change_is_told_once_and_the_feed_goes_on(t: &Target<'_>) {
    let demo = t.demo();
    let first = page(&demo, "null");
    assert_eq!((&first["reset"], &first["has_more"]), (&true.into(), &false.into()));
    assert_eq!(signs(&first), [""; 0]);
    let mut cursor = cursor_of(&first);
    for i in 0..3 {
        demo.put(&format!("/apps/demo/{i}"), b"abc").ok();
        let next = page(&demo, &cursor);
        assert_eq!((&next["reset"], &next["has_more"]), (&false.into(), &false.into()));
        assert_eq!(signs(&next), [format!("+{i}")]);
        cursor = cursor_of(&next);
        let empty = page(&demo, &cursor);
        assert_eq!(signs(&empty), [""; 0]);
        cursor = cursor_of(&empty);
    }
    // Three changes of one file are one: what it is now.
    for content in ["1", "2", "3"] {
        demo.put_ondup("/apps/demo/0", content.as_bytes(), "overwrite").ok();
    }
    let next = page(&demo, &cursor);
    assert_eq!(signs(&next), ["+0"]);
    let entry = demo.entry("/apps/demo/0");
    for field in ["fs_id", "size", "md5", "ctime", "mtime", "isdir", "server_filename"] {
        assert_eq!(next["entries"]["/apps/demo/0"][field], entry[field], "{field}");
    }
    // What came and went is gone, and nothing else.
    let cursor = cursor_of(&next);
    demo.put("/apps/demo/short", b"abc").ok();
    demo.rm("/apps/demo/short").ok();
    assert_eq!(told(&demo, &cursor), [["-short"]]);
}

fn parameters_travel_in_every_way(t: &Target<'_>) {
    let demo = t.demo();
    let cursor = now(&demo);
    demo.put("/apps/demo/a", b"abc").ok();
    for carrier in [
        Carrier::Get,
        Carrier::PostQuery,
        Carrier::PostForm,
        Carrier::PostMultipart,
        Carrier::PostAllInForm,
    ] {
        let next = demo.file("diff").by(carrier).param("cursor", &cursor).send().ok();
        assert_eq!((signs(&next), &next["reset"]), (vec!["+a".into()], &false.into()));
        let refused = demo.file("diff").by(carrier).param("cursor", "%").send();
        refused.refused(400, 31023);
    }
}

// Baidu's are percent-encoded inside the JSON, and clients encode them again.
fn a_cursor_survives_every_encoding(t: &Target<'_>) {
    let demo = t.demo();
    let cursor = now(&demo);
    assert!(cursor.len() <= 3 << 10);
    assert!(
        cursor.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')),
        "{cursor}"
    );
    demo.put("/apps/demo/a", b"abc").ok();
    let everything: String = cursor.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for sent in [cursor.clone(), encode(cursor.as_bytes()), everything.clone()] {
        assert_eq!(told(&demo, &sent), [["+a"]], "{sent}");
        let raw = demo.file("diff").get().raw_query(&format!("cursor={}", encode(sent.as_bytes())));
        assert_eq!(signs(&raw.send().ok()), ["+a"]);
    }
    let null = demo.file("diff").get().raw_query("cursor=%256e%2575ll").send().ok();
    assert_eq!(null["reset"], true);
}

fn a_cursor_can_be_used_again(t: &Target<'_>) {
    let demo = t.demo();
    let cursor = now(&demo);
    demo.put("/apps/demo/a", b"abc").ok();
    assert_eq!(told(&demo, &cursor), [["+a"]]);
    demo.put("/apps/demo/b", b"abc").ok();
    assert_eq!(told(&demo, &cursor), [["+a", "+b"]]);
    // And by another token of the same user with the same root.
    assert_eq!(told(&t.demo(), &cursor), [["+a", "+b"]]);
}

fn a_cursor_of_another_begins_anew(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    demo.put("/apps/demo/a", b"abc").ok();
    let other = t.another("other", None).demo();
    other.put("/apps/demo/theirs", b"abc").ok();
    let beside = t.caller(&TokenSpec::rooted("/apps/demo2"));
    for (client, cursor, all) in [
        (&demo, now(&other), vec!["+a"]),
        (&demo, now(&owner), vec!["+a"]),
        (&demo, now(&beside), vec!["+a"]),
        (&other, now(&demo), vec!["+theirs"]),
        (&beside, now(&demo), vec![]),
    ] {
        let begun = page(client, &cursor);
        assert_eq!(
            (signs(&begun), &begun["reset"]),
            (all.iter().map(|&s| s.into()).collect(), &true.into())
        );
        assert_eq!(told(client, &cursor_of(&begun)), [[""; 0]]);
    }
}

fn a_changed_cursor_begins_anew_or_is_refused(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let cursor = now(&demo);
    for i in [0, 5, 20, cursor.len() / 2, cursor.len() - 2] {
        let mut changed = cursor.clone();
        changed.replace_range(i..=i, if &cursor[i..=i] == "x" { "y" } else { "x" });
        let begun = page(&demo, &changed);
        assert_eq!((signs(&begun), &begun["reset"]), (vec!["+a".into()], &true.into()), "{i}");
    }
    let cut = &cursor[..cursor.len() - cursor.len() % 4 - 8];
    assert_eq!(page(&demo, cut)["reset"], true);
    for wrong in ["x", "NULL", "0", " null", &format!("{cursor}="), &cursor[..20], "\u{e9}"] {
        demo.file("diff").get().param("cursor", wrong).send().refused(400, 31023);
    }
    for wrong in ["cursor=%ff", "cursor=%25ff", "cursor=%2500"] {
        demo.file("diff").get().raw_query(wrong).send().refused(400, 31023);
    }
    // An empty name is as good as none.
    assert_eq!(page(&demo, "")["reset"], true);
}

fn every_verb_is_told(t: &Target<'_>) {
    let demo = t.demo();
    let blocks = [demo.put_block(b"abc")];
    let told_of = |something: &dyn Fn() -> Reply| told_of(&demo, something);
    assert_eq!(told_of(&|| demo.mkdir("/apps/demo/d/e")), [["+d", "+d/e"]]);
    assert_eq!(told_of(&|| demo.put("/apps/demo/d/f", b"abc")), [["+d/f"]]);
    assert_eq!(told_of(&|| demo.merge("/apps/demo/d/g", &blocks)), [["+d/g"]]);
    let moved = told_of(&|| demo.mv("/apps/demo/d", "/apps/demo/m"));
    assert_eq!(moved, [["xd", "+m", "+m/e", "+m/f", "+m/g"]].map(sorted));
    let copied = told_of(&|| demo.cp("/apps/demo/m", "/apps/demo/new/c"));
    assert_eq!(copied, [["+new", "+new/c", "+new/c/e", "+new/c/f", "+new/c/g"]]);
    assert_eq!(told_of(&|| demo.rm("/apps/demo/m/f")), [["-m/f"]]);
    assert_eq!(told_of(&|| demo.rm("/apps/demo/m")), [["-m"]]);
    // What is in the bin can move no more, but come back, whole and in the
    // order it was deleted: the directory, then the file in it.
    for (at, told) in [(0, vec!["+m", "+m/e", "+m/g"]), (0, vec!["+m/f"])] {
        let bin = demo.file("listrecycle").get().send().ok();
        let fs_id = bin["list"][at]["fs_id"].to_string();
        let restored = told_of(&|| demo.file("restore").param("fs_id", &fs_id).send());
        assert_eq!(restored, [told]);
    }
    // What left the bin for good is told once more, and then as gone.
    demo.rm("/apps/demo/m").ok();
    let purged = told_of(&|| demo.file("delete").param("type", "recycle").send());
    assert_eq!(purged, [["xm"]]);
}

fn sorted<const N: usize>(mut signs: [&str; N]) -> [&str; N] {
    signs.sort_unstable_by_key(|sign| sign[1..].to_owned());
    signs
}

// 12.10.
fn a_purge_does_not_hide_what_lives_there_now(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"old").ok();
    demo.put("/apps/demo/b", b"old").ok();
    demo.rm("/apps/demo/a").ok();
    demo.rm("/apps/demo/b").ok();
    demo.put("/apps/demo/a", b"new").ok();
    let purged = told_of(&demo, || demo.file("delete").param("type", "recycle").send());
    assert_eq!(purged, [["xb"]]);
}

// 12.10.
fn a_directory_that_a_file_replaces_is_gone_first(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a/b/c", b"abc").ok();
    let before = now(&demo);
    demo.mv("/apps/demo/a", "/apps/demo/z").ok();
    demo.put("/apps/demo/a", b"abc").ok();
    let pages = told(&demo, &before);
    assert_eq!(pages, [vec!["xa", "+z", "+z/b", "+z/b/c"], vec!["+a"]]);
}

fn a_token_sees_what_lies_below_its_root(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    owner.put("/other/x", b"abc").ok();
    owner.put("/apps/demo2/x", b"abc").ok();
    assert_eq!(signs(&page(&demo, "null")), [""; 0]);
    let told_of = |something: &dyn Fn() -> Reply| told_of(&demo, something);
    // Beside it, and across its border.
    assert_eq!(told_of(&|| owner.put("/other/y", b"abc")), [[""; 0]]);
    assert_eq!(told_of(&|| owner.mv("/other", "/apps/demo/in")), [["+in", "+in/x", "+in/y"]]);
    assert_eq!(told_of(&|| owner.mv("/apps/demo/in/x", "/x")), [["xin/x"]]);
    assert_eq!(told_of(&|| owner.rm("/apps/demo/in")), [["-in"]]);
    assert_eq!(told_of(&|| owner.rm("/apps/demo2")), [[""; 0]]);
    // The root itself is never told as there.
    let root = demo.entry(DEMO)["fs_id"].clone();
    demo.put("/apps/demo/a/b", b"abc").ok();
    let before = now(&demo);
    owner.mv(DEMO, "/apps/away").ok();
    let gone = page(&demo, &before);
    assert_eq!(signs(&gone), ["x/apps/demo"]);
    assert_eq!(gone["entries"][DEMO]["fs_id"], root);
    assert_eq!(told_of(&|| owner.mv("/apps/away", DEMO)), [["+a", "+a/b"]]);
}

fn what_happens_above_a_root_happens_to_it(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    demo.put("/apps/demo/a/b", b"abc").ok();
    let before = now(&demo);
    owner.rm("/apps").ok();
    let gone = page(&demo, &before);
    assert_eq!(signs(&gone), ["-/apps/demo"]);
    let entry = &gone["entries"][DEMO];
    assert_eq!((&entry["fs_id"], &entry["isdir"]), (&0.into(), &1.into()));
    let bin = owner.file("listrecycle").get().send().ok();
    let fs_id = bin["list"][0]["fs_id"].to_string();
    let back = told_of(&demo, || owner.file("restore").param("fs_id", fs_id).send());
    assert_eq!(back, [["+a", "+a/b"]]);
    // Gone and back is told as both, in this order.
    owner.mv("/apps", "/away").ok();
    owner.mv("/away", "/apps").ok();
    assert_eq!(told(&demo, &before), [vec!["x/apps/demo"], vec!["+a", "+a/b"]]);
    // The root's place is taken by another directory, and by a file.
    let before = now(&demo);
    owner.mv("/apps", "/away").ok();
    owner.put("/new/demo/z", b"abc").ok();
    owner.mv("/new", "/apps").ok();
    assert_eq!(told(&demo, &before), [vec!["x/apps/demo"], vec!["+z"]]);
    let before = now(&demo);
    owner.mv("/apps", "/away2").ok();
    owner.put("/apps/demo", b"a file").ok();
    assert_eq!(told(&demo, &before), [["x/apps/demo"]]);
    assert_eq!(signs(&page(&demo, "null")), [""; 0]);
}

fn a_root_of_two_spellings_is_told_right(t: &Target<'_>) {
    let owner = t.owner();
    // The tree has one spelling, the token the other.
    owner.put("/top/cafe\u{301}/x", b"abc").ok();
    let cafe = t.caller(&TokenSpec::rooted("/top/caf\u{e9}"));
    let before = now(&cafe);
    assert_eq!(signs(&page(&cafe, "null")), ["+/top/cafe\u{301}/x"]);
    owner.rm("/top/cafe\u{301}").ok();
    assert_eq!(told(&cafe, &before), [["-/top/cafe\u{301}"]]);
    owner.put("/top/cafe\u{301}/y", b"abc").ok();
    let before = now(&cafe);
    owner.mv("/top", "/away").ok();
    // How its path was spelt went with what lay above: all is told anew.
    let begun = page(&cafe, &before);
    assert_eq!((signs(&begun), &begun["reset"]), (vec![], &true.into()));
}

fn names_keep_their_spelling(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/cafe\u{301}/\u{540d} \u{1f600}", b"abc").ok();
    let all = signs(&page(&demo, "null"));
    assert_eq!(all, ["+cafe\u{301}", "+cafe\u{301}/\u{540d} \u{1f600}"]);
    // A rename that changes only the spelling is a rename.
    let renamed = told_of(&demo, || demo.mv("/apps/demo/cafe\u{301}", "/apps/demo/caf\u{e9}"));
    assert_eq!(renamed, [["xcafe\u{301}", "+caf\u{e9}", "+caf\u{e9}/\u{540d} \u{1f600}"]]);
    let overwritten = told_of(&demo, || {
        demo.put_ondup("/apps/demo/cafe\u{301}/\u{540d} \u{1f600}", b"x", "overwrite")
    });
    assert_eq!(overwritten, [["+caf\u{e9}/\u{540d} \u{1f600}"]]);
}

// 12.9.
fn md5s_are_in_the_style_of_the_token(t: &Target<'_>) {
    let (demo, scrambled) = (t.demo(), t.scrambled());
    demo.put("/apps/demo/a", b"abc").ok();
    let path = "/apps/demo/a";
    for client in [&demo, &scrambled] {
        let told = page(client, "null")["entries"][path]["md5"].clone();
        assert_eq!(told, client.entry(path)["md5"]);
    }
    let plain = page(&demo, "null")["entries"][path]["md5"].clone();
    assert_ne!(plain, page(&scrambled, "null")["entries"][path]["md5"]);
    assert_eq!(plain, "900150983cd24fb0d6963f7d28e17f72");
}
