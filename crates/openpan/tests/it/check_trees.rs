//! `pan check`: two trees compared, and nothing transferred.

use std::fs;

use pan_conformance::pcs::Client;

use crate::cli::{objects, plant, relaxed, with_person};
use crate::person::Person;

crate::tests![
    equal_trees_have_no_difference,
    every_kind_of_difference_has_a_sign,
    two_files_are_compared,
    what_cannot_be_read_is_no_equality,
    accents_are_the_same_however_they_are_written,
    twins_are_no_equality,
    ten_thousand_files_are_compared,
];

fn with_trees(story: impl Fn(&Person, &Client)) {
    with_person(&relaxed(), |person, client| {
        let files = [("a", 10), ("b c/d", 300_000), ("b c/empty", 0), ("中/文", 5)];
        plant(&person.path("tree"), &files);
        fs::create_dir(person.path("tree/hollow")).unwrap();
        person.ok(&["put", "tree/", "/t"]);
        story(person, client);
    });
}

fn equal_trees_have_no_difference() {
    with_trees(|person, client| {
        let before = client.names("/t");
        assert_eq!(person.ok(&["check", "tree", "/t"]), "");
        let all = person.ok(&["check", "-a", "tree/", "/t/"]);
        let mut lines: Vec<_> = all.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["= a", "= b c/d", "= b c/empty", "= 中/文"]);
        assert_eq!(client.names("/t"), before);
    });
}

fn every_kind_of_difference_has_a_sign() {
    with_trees(|person, client| {
        fs::write(person.path("tree/new"), "x").unwrap();
        fs::create_dir_all(person.path("tree/fresh/inner")).unwrap();
        fs::write(person.path("tree/a"), "0123456789").unwrap();
        fs::write(person.path("tree/b c/d"), "shorter").unwrap();
        fs::remove_dir_all(person.path("tree/中")).unwrap();
        client.rm("/t/hollow").ok();
        client.put("/t/hollow", b"a file now").ok();
        #[cfg(unix)]
        std::os::unix::fs::symlink("a", person.path("tree/link")).unwrap();
        let sorted = |arguments: &[&str]| {
            let output = person.run(arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            let told = String::from_utf8(output.stdout).unwrap();
            let mut lines: Vec<_> = told.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        let both = ["* a", "* b c/d", "* hollow", "+ fresh/", "+ fresh/inner/", "+ new"];
        let told = sorted(&["check", "tree", "/t"]);
        assert_eq!(told, [&both[..], &["- 中/", "- 中/文"]].concat());
        assert_eq!(sorted(&["check", "--one-way", "tree", "/t"]), both);
        let by_size = sorted(&["check", "--size-only", "--one-way", "tree", "/t"]);
        assert!(!by_size.contains(&"* a".to_owned()) && by_size.contains(&"* b c/d".to_owned()));
        let said = person.ends(1, &["check", "tree", "/t"]);
        assert!(said.contains("8 differences, 1 file is the same"), "{said}");
        assert!(said.contains("link: left out, it is a symbolic link (--follow)"), "{said}");
        assert!(sorted(&["check", "--follow", "tree", "/t"]).contains(&"+ link".to_owned()));
        let output = person.run(&["--json", "check", "tree", "/t"]);
        let told = objects(&String::from_utf8(output.stdout).unwrap());
        let of = |path: &str| told.iter().find(|object| object["path"] == path).unwrap();
        assert_eq!((&of("a")["check"], &of("a")["reason"]), (&"different".into(), &"md5".into()));
        assert_eq!(of("b c/d")["reason"], "size");
        assert_eq!(of("hollow")["reason"], "type");
        assert_eq!((&of("中")["check"], &of("中")["type"]), (&"remote_only".into(), &"dir".into()));
    });
}

fn twins_are_no_equality() {
    with_trees(|person, client| {
        for name in ["\u{e9}", "e\u{301}"] {
            fs::write(person.path("tree").join(name), name).unwrap();
        }
        client.put("/t/\u{e9}", "\u{e9}".as_bytes()).ok();
        client.put("/t/other", b"other").ok();
        let said = person.ends(6, &["check", "--one-way", "tree", "/t"]);
        assert!(said.contains("Unicode form"), "{said}");
    });
}

fn two_files_are_compared() {
    with_trees(|person, _| {
        person.ok(&["check", "tree/b c/d", "/t/b c/d"]);
        assert_eq!(person.run(&["check", "tree/b c/d", "/t/a"]).stdout, b"* a\n");
        assert!(person.ends(2, &["check", "tree/a", "/t"]).contains("/t is a directory"));
        person.ends(4, &["check", "none", "/t"]);
        person.ends(3, &["check", "tree", "/none"]);
        person.ends(4, &["check", "tree/a", "/none"]);
        person.ends(2, &["check", "tree", "relative"]);
    });
}

#[cfg(unix)]
fn what_cannot_be_read_is_no_equality() {
    with_trees(|person, _| {
        // A link that leads nowhere, and one that leads back.
        std::os::unix::fs::symlink("nowhere", person.path("tree/broken")).unwrap();
        std::os::unix::fs::symlink("..", person.path("tree/中/loop")).unwrap();
        let output = person.run(&["check", "--follow", "tree", "/t"]);
        assert_eq!(output.status.code(), Some(6));
        let told = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<_> = told.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["! broken", "! 中/loop"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("broken: cannot be read"), "{said}");
        assert!(said.contains("the link leads back"), "{said}");
    });
}

#[cfg(not(unix))]
fn what_cannot_be_read_is_no_equality() {}

fn accents_are_the_same_however_they_are_written() {
    with_person(&relaxed(), |person, client| {
        plant(&person.path("tree"), &[("e\u{301}te\u{301}", 5)]);
        let content = fs::read(person.path("tree/e\u{301}te\u{301}")).unwrap();
        client.put("/t/\u{e9}t\u{e9}", &content).ok();
        assert_eq!(person.ok(&["check", "tree", "/t"]), "");
    });
}

// Many, in one directory: several pages, and nothing is missed or doubled.
fn ten_thousand_files_are_compared() {
    with_person(&relaxed(), |person, client| {
        let tree = person.path("tree");
        fs::create_dir(&tree).unwrap();
        for i in 0..10_000 {
            fs::write(tree.join(format!("{i}")), "").unwrap();
        }
        client.put("/t/zero", b"").ok();
        let output = person.run(&["check", "tree", "/t"]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told.lines().filter(|line| line.starts_with("+ ")).count(), 10_000);
        assert_eq!(told.lines().filter(|line| line.starts_with("- ")).count(), 1);
    });
}
