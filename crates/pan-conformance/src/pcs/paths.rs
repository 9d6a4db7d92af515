//! The path table of the book (pcs-rest 3.4), both ways, for every call.

use serde_json::json;

use super::digest::md5_hex;
use super::{Client, DEMO, Reply, Target};

super::keep![
    good_paths_can_be_made_and_read,
    bad_paths_can_be_neither_made_nor_read,
    foreign_paths_can_be_neither_made_nor_read,
    the_root_itself_is_read_only,
    a_path_has_at_most_a_thousand_bytes,
    a_name_has_at_most_255_bytes,
    a_path_has_at_most_256_names,
    sec_path_forms,
];

/// Path, and how it comes back.
const GOOD: &[(&str, &str)] = &[
    ("/apps/demo/a.txt", "/apps/demo/a.txt"),
    ("/apps/demo/测试 文件.txt", "/apps/demo/测试 文件.txt"),
    ("/apps/demo/a.b.c", "/apps/demo/a.b.c"),
    ("/apps/demo/a..b", "/apps/demo/a..b"),
    ("/apps/demo/dir/", "/apps/demo/dir"),
    ("/apps/demo//x///y", "/apps/demo/x/y"),
    ("//apps/demo/z//", "/apps/demo/z"),
    ("/apps/demo/ü%20x", "/apps/demo/ü%20x"),
    (
        "/apps/demo/a'b&c#d;e,f=g+h@i!j$k(l)[m]{n}~o^p",
        "/apps/demo/a'b&c#d;e,f=g+h@i!j$k(l)[m]{n}~o^p",
    ),
    ("/apps/demo/%2e%2e", "/apps/demo/%2e%2e"),
    ("/apps/demo/😀🚀.png", "/apps/demo/😀🚀.png"),
];

/// Never a path, or nothing that a `pcs` token may make: 31062.
const BAD: &[&str] = &[
    "apps/demo/a.txt",
    "/apps/demo/a:b",
    "/apps/demo/a?b",
    "/apps/demo/a*b",
    "/apps/demo/a|b",
    "/apps/demo/a\"b",
    "/apps/demo/a<b",
    "/apps/demo/a>b",
    "/apps/demo/a\\b",
    "/apps/demo/.hidden",
    "/apps/demo/name.",
    "/apps/demo/ name",
    "/apps/demo/name ",
    "/apps/demo/.dir/x",
    "/apps/demo/dir /x",
    "/apps/demo/a\tb",
    "/apps/demo/a\rb",
    "/apps/demo/a\nb",
    "/apps/demo/a\x0bb",
    "/apps/demo/a\0b",
    "/apps/demo/..",
    "/apps/demo/../other/x",
    "/apps/demo/./x",
    "/apps/demo/x/..",
    "/apps/demo/x/.",
    "/apps/demo/...",
];

const FOREIGN: &[&str] =
    &["/apps/other/x", "/apps/demo2/x", "/apps/demo2", "/etc/passwd", "/", "/apps", "/Apps/demo/x"];

/// Every call that makes something at a path.
fn makers(demo: &Client, path: &str) -> Vec<(&'static str, Reply)> {
    demo.put_ondup("/apps/demo/source", b"abc", "overwrite").ok();
    let block = demo.put_block(b"abc");
    vec![
        ("mkdir", demo.mkdir(path)),
        ("upload", demo.put(path, b"abc")),
        ("overwrite", demo.put_ondup(path, b"abc", "overwrite")),
        ("newcopy", demo.put_ondup(path, b"abc", "newcopy")),
        ("createsuperfile", demo.merge(path, &[block])),
        ("move", demo.mv("/apps/demo/source", path)),
        ("copy", demo.cp("/apps/demo/source", path)),
    ]
}

/// Every call that reads or takes away what is at a path.
fn readers(demo: &Client, path: &str) -> Vec<(&'static str, Reply)> {
    vec![
        ("meta", demo.meta(path)),
        ("meta, batch", demo.batch("meta", &json!([{ "path": path }]))),
        ("list", demo.list(path)),
        ("download", demo.get(path)),
        ("delete", demo.rm(path)),
        ("delete, batch", demo.batch("delete", &json!([{ "path": path }]))),
        ("move from", demo.mv(path, "/apps/demo/target")),
        ("copy from", demo.cp(path, "/apps/demo/target")),
    ]
}

fn refuse_all(replies: Vec<(&'static str, Reply)>, status: u16, code: u64) {
    for (call, reply) in replies {
        let got = (reply.status(), reply.code());
        assert_eq!(got, (status, Some(code)), "{call}: {reply}");
    }
}

fn good_paths_can_be_made_and_read(t: &Target<'_>) {
    let demo = t.demo();
    for (path, shown) in GOOD {
        for (call, reply) in readers(&demo, path) {
            assert_eq!(reply.code(), Some(31066), "{call} of what is not there: {reply}");
        }
        let made = demo.put(path, path.as_bytes()).ok();
        assert_eq!(made["path"], *shown);
        assert_eq!(demo.entry(path)["path"], *shown);
        assert_eq!(demo.get(shown).file(), path.as_bytes());
        let parent = &shown[..shown.rfind('/').unwrap()];
        let list = demo.list(parent).ok();
        let listed = list["list"].as_array().unwrap().iter();
        assert_eq!(listed.filter(|entry| entry["path"] == *shown).count(), 1, "{path}");
        demo.rm(path).ok();
        demo.mkdir(path).ok();
        demo.mv(path, "/apps/demo/moved").ok();
        let moved = demo.mv("/apps/demo/moved", path).ok();
        assert_eq!(moved["extra"]["list"][0]["to"], *shown);
        demo.rm(path).ok();
        let merged = demo.merge(path, &[demo.put_block(b"abc")]).ok();
        assert_eq!(merged["path"], *shown);
    }
}

fn bad_paths_can_be_neither_made_nor_read(t: &Target<'_>) {
    let demo = t.demo();
    for path in BAD {
        refuse_all(makers(&demo, path), 400, 31062);
        refuse_all(readers(&demo, path), 400, 31062);
    }
    for method in ["mkdir", "meta", "list", "download", "delete"] {
        demo.file(method).param("path", "").send().refused(400, 31023);
    }
    assert_eq!(demo.names(DEMO), ["source"]);
    assert_eq!(demo.quota().1, 3);
}

fn foreign_paths_can_be_neither_made_nor_read(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    owner.put("/apps/other/x", b"theirs").ok();
    for path in FOREIGN {
        refuse_all(makers(&demo, path), 403, 31064);
        refuse_all(readers(&demo, path), 403, 31064);
    }
    assert_eq!(owner.names("/"), ["apps"]);
    assert_eq!(owner.names("/apps"), ["demo", "other"]);
    assert_eq!(owner.get("/apps/other/x").file(), b"theirs");
}

// 3.4: ok for list and meta; not for upload, delete aside (12.1), move, copy.
fn the_root_itself_is_read_only(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    for root in ["/apps/demo", "/apps/demo/", "//apps//demo"] {
        assert_eq!(demo.entry(root)["path"], DEMO);
        assert_eq!(demo.names(root), ["a"]);
        demo.get(root).refused(404, 31066);
        demo.mkdir(root).refused(400, 31061);
        demo.put(root, b"x").is_error();
        demo.put_ondup(root, b"x", "overwrite").is_error();
        demo.mv(root, "/apps/demo/b").refused(403, 31064);
        demo.cp(root, "/apps/demo/b").refused(403, 31064);
        demo.mv("/apps/demo/a", root).refused(403, 31064);
        demo.cp("/apps/demo/a", root).refused(403, 31064);
        // The new name would lie beside the root, outside of it.
        demo.put_ondup(root, b"x", "newcopy").is_error();
    }
    assert_eq!(demo.names(DEMO), ["a"]);
    assert_eq!(t.owner().names("/apps"), ["demo"]);
}

/// `/apps/demo/` and names, `bytes` in total; no name is longer than 255.
fn path_of(bytes: usize) -> String {
    let mut path = "/apps/demo".to_owned();
    while path.len() < bytes {
        // A last piece of one byte would be a slash without a name.
        let rest = bytes - path.len() - 1;
        let name = if rest > 200 { rest.min(200) - usize::from(rest == 201) } else { rest };
        path = format!("{path}/{}", "a".repeat(name));
    }
    path
}

fn a_path_has_at_most_a_thousand_bytes(t: &Target<'_>) {
    let demo = t.demo();
    let longest = path_of(1000);
    assert_eq!(longest.len(), 1000);
    assert_eq!(demo.put(&longest, b"abc").ok()["path"], longest);
    assert_eq!(demo.get(&longest).file(), b"abc");
    refuse_all(makers(&demo, &path_of(1001)), 400, 31062);
    refuse_all(readers(&demo, &path_of(1001)), 400, 31062);
    // Bytes are counted, not characters: 11 + 989 of three bytes each would
    // pass as characters. Three names, so that only the length is wrong.
    let chinese = format!("/apps/demo/{0}/{0}/{0}/{0}/aa", "文".repeat(82));
    assert_eq!((chinese.len(), chinese.chars().count()), (1001, 345));
    refuse_all(makers(&demo, &chinese), 400, 31062);
    let chinese = &chinese[..1000];
    assert_eq!(demo.put(chinese, b"abc").ok()["path"], chinese);
    // Slashes that go do not count.
    demo.put(&longest.replacen('/', "//", 4), b"x").refused(400, 31061);
}

fn a_name_has_at_most_255_bytes(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(&format!("/apps/demo/{}", "n".repeat(255)), b"abc").ok();
    demo.put(&format!("/apps/demo/{}", "文".repeat(85)), b"abc").ok();
    refuse_all(makers(&demo, &format!("/apps/demo/{}", "n".repeat(256))), 400, 31062);
    refuse_all(makers(&demo, &format!("/apps/demo/{}/x", "文".repeat(86))), 400, 31062);
}

fn a_path_has_at_most_256_names(t: &Target<'_>) {
    let demo = t.demo();
    let deep = |names: usize| format!("/apps/demo{}", "/d".repeat(names - 2));
    demo.mkdir(&deep(256)).ok();
    refuse_all(makers(&demo, &deep(257)), 400, 31062);
    demo.rm(&deep(256)).ok();
    demo.put(&deep(256), b"abc").ok();
    assert_eq!(demo.get(&deep(256)).file(), b"abc");
}

/// S5: forms in which a path tries to be another one. None is resolved,
/// "cleaned" or decoded twice.
fn sec_path_forms(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    owner.put("/apps/other/secret", b"secret").ok();
    owner.put("/secret", b"secret").ok();
    let content = md5_hex(b"secret");
    for raw in [
        "/apps/demo/../other/secret",
        "/apps/demo/..%2fother/secret",
        "/apps/demo/%2e%2e/other/secret",
        "/apps/demo/.%2e/other/secret",
        "/apps/demo/%252e%252e/other/secret",
        "/apps/demo/..%252fother/secret",
        "/apps/demo/%c0%ae%c0%ae/other/secret",
        "/apps/demo/%e0%80%ae./other/secret",
        "/apps/demo/..%00/other/secret",
        "/apps/demo%00/../other/secret",
        "/apps/demo/..%5cother%5csecret",
        "/apps/demo%5c..%5cother%5csecret",
        "/apps/demo/..;/other/secret",
        "/apps/demo/.../other/secret",
        "/apps/demo//../other/secret",
        "/apps/demo/x/../../other/secret",
        "/apps/demo/./../other/secret",
        "/apps/./demo/../other/secret",
        "/../secret",
        "/apps/demo/../../secret",
        "/apps%2f..%2fsecret",
        "../secret",
        "secret",
        "%2fsecret",
        "/%2fsecret",
        "//secret",
        "/apps/demo/%ff",
        "/apps/demo/%ed%a0%80",
        "/apps/demo/%f8%88%80%80%80",
        "/apps/demo/%u002e%u002e/other/secret",
        "file:///secret",
        "/APPS/DEMO/../other/secret",
        "/apps/demo/%E2%80%AE../other/secret",
        "/apps/demo/..%20/other/secret",
        "/apps/demo/..%09/other/secret",
        "/apps/ｄemo/x",
        "/apps/demo/．．/other/secret",
        "/apps/demo\u{2215}../secret",
    ] {
        for method in ["download", "meta", "list", "delete"] {
            let raw_query = format!("path={}", non_ascii_encoded(raw));
            let reply = demo.file(method).get().raw_query(&raw_query).send();
            reply.is_error();
            let seen = String::from_utf8_lossy(reply.bytes());
            assert!(!seen.contains(&content), "{method} {raw}: {reply}");
            assert_ne!(reply.bytes(), b"secret", "{method} {raw}");
        }
    }
    assert_eq!(owner.get("/secret").file(), b"secret");
    assert_eq!(owner.get("/apps/other/secret").file(), b"secret");
}

fn non_ascii_encoded(text: &str) -> String {
    let encode = |c: char| {
        if c.is_ascii() { c.to_string() } else { super::encode(c.to_string().as_bytes()) }
    };
    text.chars().map(encode).collect()
}
