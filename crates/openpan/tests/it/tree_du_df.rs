//! `pan tree`, `pan du` and `pan df`: what is there, and what it takes.

use std::fs;

use pan_conformance::pcs::TokenSpec;

use crate::cli::{objects, plant, relaxed, with_person};
use crate::person::Person;
use crate::shared::with_quota;

crate::tests![
    a_tree_is_drawn_in_the_characters_of_the_locale,
    a_tree_shows_no_more_than_was_asked,
    a_wide_directory_is_drawn_to_its_end,
    du_adds_up_what_is_below,
    df_has_the_columns_of_df,
];

const FILES: &[(&str, usize)] =
    &[("b/c/deep.txt", 1000), ("b/x y.txt", 24), ("a.txt", 5), ("中/文.jpg", 2048)];

fn with_tree(story: impl Fn(&Person)) {
    with_person(&relaxed(), |person, client| {
        plant(&person.path("tree"), FILES);
        fs::create_dir(person.path("tree/empty")).unwrap();
        person.ok(&["put", "tree/", "/t"]);
        client.put("/elsewhere", b"not in it").ok();
        story(person);
    });
}

fn a_tree_is_drawn_in_the_characters_of_the_locale() {
    with_tree(|person| {
        let drawn = "/t/
├── a.txt
├── b/
│   ├── c/
│   │   └── deep.txt
│   └── x y.txt
├── empty/
└── 中/
    └── 文.jpg

4 directories, 4 files
";
        assert_eq!(person.ok(&["tree", "/t"]), drawn);
        let mut plain = person.command(&["tree", "/t"]);
        let plain = plain.env("LC_ALL", "C").output().unwrap().stdout;
        let plain = String::from_utf8(plain).unwrap();
        let ascii = [("│   ", "|   "), ("├── ", "|-- "), ("└── ", "`-- ")];
        let drawn =
            ascii.iter().fold(drawn.to_owned(), |text, (one, other)| text.replace(one, other));
        assert_eq!(plain, drawn);
    });
}

fn a_tree_shows_no_more_than_was_asked() {
    with_tree(|person| {
        let one = "/t/b/\n├── c/\n└── x y.txt\n\n1 directory, 1 file\n";
        assert_eq!(person.ok(&["tree", "-L", "1", "/t/b"]), one);
        let directories = person.ok(&["tree", "-d", "/t"]);
        assert!(directories.ends_with("└── 中/\n\n4 directories\n"), "{directories}");
        assert!(!directories.contains(".txt"), "{directories}");
        let sizes = person.ok(&["tree", "-h", "/t/中"]);
        assert!(sizes.contains("└── [   2.0 KiB]  文.jpg"), "{sizes}");
        let told = objects(&person.ok(&["--json", "tree", "/t"]));
        let paths: Vec<_> = told.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
        assert_eq!(paths.len(), 8, "{paths:?}");
        assert_eq!(paths[..3], ["/t/a.txt", "/t/b", "/t/b/c"]);
        person.ends(3, &["tree", "/none"]);
        person.ends(3, &["tree", "/t/a.txt"]);
        person.ends(2, &["tree", "-L", "0"]);
        assert!(person.ends(7, &["--token", "wrong", "tree", "/"]).contains("token"));
    });
}

// More than a page of the list, which is a thousand.
fn a_wide_directory_is_drawn_to_its_end() {
    with_person(&relaxed(), |person, client| {
        for i in 0..1001 {
            client.mkdir(&format!("/wide/{i:04}")).ok();
        }
        let drawn = person.ok(&["tree", "/wide"]);
        assert_eq!(drawn.matches("├── ").count(), 1000);
        assert!(drawn.contains("\n├── 0999/\n└── 1000/\n\n1001 directories, 0 files\n"));
    });
}

fn du_adds_up_what_is_below() {
    with_tree(|person| {
        let lines = |arguments: &[&str]| -> Vec<(u64, String)> {
            let told = person.ok(arguments);
            let pair = |line: &str| {
                let (size, path) = line.trim_start().split_once("  ").unwrap();
                (size.parse().unwrap(), path.to_owned())
            };
            told.lines().map(pair).collect()
        };
        let all = lines(&["du", "/t"]);
        let expected = [(1000, "/t/b/c/"), (1024, "/t/b/"), (0, "/t/empty/"), (2048, "/t/中/")]
            .into_iter()
            .chain([(3077, "/t/")])
            .map(|(size, path)| (size, path.to_owned()));
        assert_eq!(all, expected.collect::<Vec<_>>());
        assert_eq!(lines(&["du", "-s", "/t"]), [(3077, "/t/".to_owned())]);
        assert_eq!(lines(&["du", "--depth", "1", "/t"]).len(), 4);
        assert_eq!(lines(&["du", "/t/a.txt"]), [(5, "/t/a.txt".to_owned())]);
        assert!(person.ok(&["du", "-sh", "/t"]).contains("3.0 KiB  /t/"));
        let told = objects(&person.ok(&["--json", "du", "-s", "/t"]));
        let sum = serde_json::json!({
            "path": "/t", "type": "dir", "size": 3077, "files": 4, "directories": 4,
        });
        assert_eq!(told, [sum]);
        assert!(person.ends(3, &["du", "/none"]).contains("/none"));
        person.ends(6, &["du", "/none", "/t"]);
    });
}

fn df_has_the_columns_of_df() {
    with_quota(Some(100_000), |t| {
        let person = Person::new(&t.caller(&TokenSpec::rooted("/").relaxed()));
        plant(&person.path("tree"), &[("a", 1001)]);
        person.ok(&["put", "tree/a", "/"]);
        let told = person.ok(&["df"]);
        let rows: Vec<Vec<_>> =
            told.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["Endpoint", "Size", "Used", "Avail", "Use%", "Profile"]);
        assert_eq!(rows[1][1..], ["100000", "1001", "98999", "2%", "-"], "rounded up");
        person.ok(&["login"]);
        // Both storages have a row, and one that does not exist is an item that failed.
        assert_eq!(person.ok(&["df", "-h", "/", "default:"]).lines().count(), 3);
        assert!(person.ends(6, &["df", "default:", "none:"]).contains("none"));
        let told = objects(&person.ok(&["--json", "df", "default:"]));
        assert_eq!((&told[0]["free"], &told[0]["profile"]), (&98_999.into(), &"default".into()));
    });
    with_person(&relaxed(), |person, _| {
        let told = person.ok(&["df"]);
        let row: Vec<_> = told.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row[1..], ["-", "0", "-", "-", "-"], "no limit");
    });
}
