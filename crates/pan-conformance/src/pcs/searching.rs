//! Searches against a plain look at what was uploaded (pcs-rest 4.13, 12.7).

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::{Client, DEMO, Target, TokenSpec};

super::keep![
    every_script_is_found,
    what_changes_is_found_at_once,
    a_token_finds_nothing_outside_its_root,
    searches_equal_a_plain_look,
    windows_of_hits_glued_together_are_all,
    a_search_of_a_root_that_was_never_made_is_empty,
    many_hits_come_whole,
    newer_hits_elsewhere_hide_none,
];

fn paths(reply: &Value) -> Vec<String> {
    let list = reply["list"].as_array().expect("a search has a list");
    list.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn search(client: &Client, path: &str, keyword: &str, re: &str) -> Vec<String> {
    let call = client.file("search").get().param("path", path).param("wd", keyword);
    paths(&call.param("re", re).send().ok())
}

fn every_script_is_found(t: &Target<'_>) {
    let demo = t.demo();
    let names = [
        "我的照片 2026.jpg",
        "Привет.txt",
        "İstanbul.pdf",
        "Straße.txt",
        "cafe\u{301}.txt",
        "한국어 문서.hwp",
        "emoji 😀🎉.png",
        "ΟΔΥΣΣΕΥΣ.gr",
    ];
    for name in names {
        demo.put(&format!("{DEMO}/all/{name}"), b"x").ok();
    }
    for (keyword, found) in [
        ("照片", 0),
        ("片", 0),
        ("我的照片", 0),
        ("привет", 1),
        ("ИВ", 1),
        ("istanbul", 2),
        ("STRAẞE", 3),
        ("CAF\u{c9}", 4),
        ("cafe\u{301}", 4),
        ("국어", 5),
        ("\u{1112}\u{1161}\u{11ab}", 5),
        ("😀🎉", 6),
        ("🎉", 6),
        ("οδυσσευς", 7),
    ] {
        let expected = format!("{DEMO}/all/{}", names[found]);
        assert_eq!(search(&demo, DEMO, keyword, "1"), [expected], "{keyword}");
    }
}

fn what_changes_is_found_at_once(t: &Target<'_>) {
    let demo = t.demo();
    let find = |keyword| search(&demo, DEMO, keyword, "1");
    demo.put("/apps/demo/dir/needle.txt", b"x").ok();
    assert_eq!(find("needle"), ["/apps/demo/dir/needle.txt"]);
    demo.mv("/apps/demo/dir/needle.txt", "/apps/demo/dir/pin.txt").ok();
    assert_eq!(find("needle"), [""; 0]);
    assert_eq!(find("pin"), ["/apps/demo/dir/pin.txt"]);
    demo.mv("/apps/demo/dir", "/apps/demo/moved").ok();
    assert_eq!(find("pin"), ["/apps/demo/moved/pin.txt"]);
    demo.cp("/apps/demo/moved", "/apps/demo/copied").ok();
    assert_eq!(find("pin"), ["/apps/demo/copied/pin.txt", "/apps/demo/moved/pin.txt"]);
    demo.rm("/apps/demo/moved").ok();
    assert_eq!(find("pin"), ["/apps/demo/copied/pin.txt"]);
    demo.put_ondup("/apps/demo/copied/pin.txt", b"other", "overwrite").ok();
    assert_eq!(find("pin"), ["/apps/demo/copied/pin.txt"]);
    demo.rm("/apps/demo/copied/pin.txt").ok();
    assert_eq!(find("pin"), [""; 0]);
}

// S7: what is outside the token's root is not there.
fn a_token_finds_nothing_outside_its_root(t: &Target<'_>) {
    let (owner, demo) = (t.owner(), t.demo());
    let another = t.another("b", None);
    for path in ["/secret.txt", "/apps/demo2/secret.txt", "/apps/secret.txt"] {
        owner.put(path, b"x").ok();
    }
    another.owner().put("/apps/demo/secret.txt", b"x").ok();
    demo.put("/apps/demo/own secret.txt", b"x").ok();
    for keyword in ["secret", "s", "et", ".txt"] {
        assert_eq!(search(&demo, DEMO, keyword, "1"), ["/apps/demo/own secret.txt"]);
    }
    for path in ["/", "/apps", "/apps/demo2"] {
        let call = demo.file("search").get().param("path", path).param("wd", "secret");
        call.param("re", "1").send().refused(403, 31064);
    }
    assert_eq!(search(&owner, "/", "secret", "1").len(), 4);
    let moved = t.caller(&TokenSpec::rooted("/apps/demo/sub"));
    demo.mv("/apps/demo/own secret.txt", "/apps/demo/sub/own secret.txt").ok();
    assert_eq!(search(&moved, "/apps/demo/sub", "secret", "1").len(), 1);
    demo.mv("/apps/demo/sub/own secret.txt", "/apps/demo/own secret.txt").ok();
    assert_eq!(search(&moved, "/apps/demo/sub", "secret", "1").len(), 0);
}

/// Files of many names in a few directories, oldest first.
fn plant(demo: &Client) -> Vec<String> {
    let stems =
        ["IMG_1", "img 2", "照片", "照", "Report", "reports", "é", "e\u{301}t\u{e9}", "%", "x"];
    let ends = ["", ".jpg", ".JPG", "_片.txt"];
    let directories = ["", "/a", "/a/b", "/照片"];
    let mut planted = Vec::new();
    for (i, directory) in directories.iter().enumerate() {
        for (j, stem) in stems.iter().enumerate() {
            let path = format!("{DEMO}{directory}/{stem}{}{}", ends[(i + j) % 4], i * 10 + j);
            demo.put(&path, b"x").ok();
            planted.push(path);
        }
    }
    planted
}

fn fold(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase()
}

fn searches_equal_a_plain_look(t: &Target<'_>) {
    let demo = t.demo();
    let planted = plant(&demo);
    for directory in [DEMO, "/apps/demo/a", "/apps/demo/a/b", "/apps/demo/照片"] {
        for keyword in [
            "i", "IMG", "mg_1", "照", "照片", "片", "report", "\u{e9}", "t\u{e9}", "%", "1", "_片",
            "zz", ".j",
        ] {
            for re in ["0", "1"] {
                let is_hit = |path: &&String| {
                    let (parent, name) = path.rsplit_once('/').unwrap();
                    let is_near = parent == directory;
                    let is_below = re == "1" && parent.starts_with(&format!("{directory}/"));
                    (is_near || is_below) && fold(name).contains(&fold(keyword))
                };
                let expected: Vec<_> = planted.iter().rev().filter(is_hit).cloned().collect();
                let found = search(&demo, directory, keyword, re);
                assert_eq!(found, expected, "{keyword} in {directory} re={re}");
            }
        }
    }
}

fn windows_of_hits_glued_together_are_all(t: &Target<'_>) {
    let demo = t.demo();
    plant(&demo);
    for keyword in ["1", "e", "照"] {
        let whole = search(&demo, DEMO, keyword, "1");
        for width in [1, 3, 100] {
            let mut glued = Vec::new();
            for start in (0..whole.len() + width).step_by(width) {
                let call = demo.file("search").get().param("path", DEMO).param("wd", keyword);
                let call =
                    call.param("re", "1").param("limit", format!("{start}-{}", start + width));
                glued.extend(paths(&call.send().ok()));
            }
            assert_eq!(glued, whole, "{keyword} by {width}");
        }
    }
}

fn a_search_of_a_root_that_was_never_made_is_empty(t: &Target<'_>) {
    assert_eq!(search(&t.demo(), DEMO, "a", "1"), [""; 0]);
}

// More hits than one window and more than one piece of a reply.
fn many_hits_come_whole(t: &Target<'_>) {
    const COUNT: usize = 2_600;
    let demo = t.demo();
    for n in 0..COUNT {
        let end = if n % 2 == 0 { "jpg" } else { "文" };
        demo.put(&format!("{DEMO}/{}/many {n}.{end}", n % 7), b"").ok();
    }
    for (keyword, hits) in [("MANY", COUNT), ("m", COUNT), ("文", COUNT / 2), ("2599.", 1)] {
        let found = search(&demo, DEMO, keyword, "1");
        let distinct: std::collections::HashSet<_> = found.iter().collect();
        assert_eq!((found.len(), distinct.len()), (hits, hits), "{keyword}");
    }
    // In a directory that holds less than the index has of one letter.
    let near = search(&demo, "/apps/demo/4", "m", "0");
    assert_eq!(near, search(&demo, "/apps/demo/4", "many", "1"));
    let call = demo.file("search").get().param("path", "/apps/demo/4").param("wd", "m");
    assert_eq!(paths(&call.param("limit", "150-250").send().ok()), near[150..250]);
    demo.rm("/apps/demo/3").ok();
    let in_directory = |number| (0..COUNT).filter(|n| n % 7 == number).count();
    assert_eq!(search(&demo, DEMO, "many", "1").len(), COUNT - in_directory(3));
    assert_eq!(search(&demo, "/apps/demo/5", "many", "0").len(), in_directory(5));
}

// The index has many newer hits elsewhere and few in a directory of many files.
fn newer_hits_elsewhere_hide_none(t: &Target<'_>) {
    let demo = t.demo();
    for n in 0..1_500 {
        demo.put(&format!("{DEMO}/old/{}/{n}", n % 3), b"").ok();
    }
    demo.put("/apps/demo/old/1/needle", b"").ok();
    for n in 0..250 {
        demo.put(&format!("{DEMO}/new/needle {n}"), b"").ok();
    }
    // At once, and when the names are where a server keeps older ones.
    for pause in [0, 1_000] {
        std::thread::sleep(std::time::Duration::from_millis(pause));
        for limit in ["0-1", "0-5", "0-1000"] {
            let call = demo.file("search").get().param("path", "/apps/demo/old");
            let call = call.param("wd", "needle").param("re", "1").param("limit", limit);
            assert_eq!(paths(&call.send().ok()), ["/apps/demo/old/1/needle"], "{limit}");
        }
        assert_eq!(search(&demo, "/apps/demo/old/1", "needle", "0"), ["/apps/demo/old/1/needle"]);
        assert_eq!(search(&demo, DEMO, "needle", "1").len(), 251);
    }
}
