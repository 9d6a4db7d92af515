//! Patterns in remote paths.

use std::fs;

use pan_conformance::pcs::{Client, TokenSpec};

use crate::cli::{objects, plant, relaxed, with_person};
use crate::link::Link;
use crate::person::Person;

crate::tests![
    a_pattern_means_what_it_matches,
    a_name_is_meant_before_what_it_matches,
    many_things_are_done_with_one_pattern,
    nothing_is_done_when_nothing_matches,
    one_match_does_not_overwrite_another,
    what_one_pattern_deleted_another_restores,
    a_pattern_is_not_looked_for_where_it_cannot_match,
    a_token_with_a_root_has_patterns_too,
];

const NAMES: &[&str] = &[
    "/p/a.jpg",
    "/p/b.jpg",
    "/p/c.png",
    "/p/.hidden.jpg",
    "/p/中.jpg",
    "/p/2025/d.jpg",
    "/p/2025/deep/e.jpg",
    "/p/2026/f.png",
];

fn with_names(story: impl Fn(&Person, &Client)) {
    with_person(&relaxed(), |person, client| {
        for name in NAMES {
            client.put(name, name.as_bytes()).ok();
        }
        story(person, client);
    });
}

fn a_pattern_means_what_it_matches() {
    with_names(|person, _| {
        for (pattern, expected) in [
            ("/p/*.jpg", &["/p/.hidden.jpg", "/p/a.jpg", "/p/b.jpg", "/p/中.jpg"][..]),
            ("/p/?.jpg", &["/p/a.jpg", "/p/b.jpg", "/p/中.jpg"]),
            ("/p/[!b-z]*.jpg", &["/p/.hidden.jpg", "/p/a.jpg", "/p/中.jpg"]),
            ("/p/{a,c}.*", &["/p/a.jpg", "/p/c.png"]),
            ("/p/20*/*", &["/p/2025/d.jpg", "/p/2025/deep", "/p/2026/f.png"]),
            ("/*/20??/f.png", &["/p/2026/f.png"]),
            ("/p/**/e.jpg", &["/p/2025/deep/e.jpg"]),
            ("/**/[de].jpg", &["/p/2025/d.jpg", "/p/2025/deep/e.jpg"]),
            ("/p/2025/**", &["/p/2025/d.jpg", "/p/2025/deep"]),
            ("/p/*/", &["/p/2025", "/p/2026"]),
            ("/P/*.jpg", &[]),
        ] {
            let output = person.run(&["stat", "--json", pattern]);
            let told = String::from_utf8(output.stdout).unwrap();
            let paths: Vec<String> = objects(&told)
                .iter()
                .map(|entry| entry["path"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(paths, expected, "{pattern}");
        }
        let listed = person.ok(&["ls", "/p/20*"]);
        assert_eq!(listed, "/p/2025:\nd.jpg\ndeep/\n\n/p/2026:\nf.png\n");
        let listed = person.ok(&["ls", "/p/{c.png,2026}"]);
        assert_eq!(listed, "/p/c.png\n\n/p/2026:\nf.png\n");
        assert_eq!(person.ok(&["cat", "/p/[ab].jpg"]), "/p/a.jpg/p/b.jpg");
        assert_eq!(person.ok(&["du", "-s", "/p/202?"]).lines().count(), 2);
    });
}

fn a_name_is_meant_before_what_it_matches() {
    with_person(&relaxed(), |person, client| {
        for name in ["/[a].txt", "/a.txt", "/*", "/q?"] {
            client.put(name, name.as_bytes()).ok();
        }
        assert_eq!(person.ok(&["cat", "/[a].txt"]), "/[a].txt");
        assert_eq!(person.ok(&["cat", "/*"]), "/*");
        assert_eq!(person.ok(&["cat", r"/\[?\].txt"]), "/[a].txt");
        person.ok(&["rm", "/*"]);
        assert_eq!(client.names("/"), ["[a].txt", "a.txt", "q?"]);
        // Gone, it would mean the others: a script can rule that out.
        person.ends(4, &["--no-glob", "rm", "/*"]);
        person.ends(4, &["rm", "--no-glob", "/[q].txt"]);
        assert_eq!(client.names("/").len(), 3);
        person.ok(&["rm", "/[q]\\?"]);
        assert_eq!(client.names("/"), ["[a].txt", "a.txt"]);
    });
}

fn many_things_are_done_with_one_pattern() {
    with_names(|person, client| {
        fs::create_dir(person.path("back")).unwrap();
        person.ok(&["get", "/p/**/*.jpg", "back"]);
        let mut back: Vec<_> = fs::read_dir(person.path("back"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        back.sort_unstable();
        assert_eq!(back, [".hidden.jpg", "a.jpg", "b.jpg", "d.jpg", "e.jpg", "中.jpg"]);
        person.ok(&["cp", "/p/[ab].jpg", "/copies/"]);
        assert_eq!(client.names("/copies"), ["a.jpg", "b.jpg"]);
        person.ok(&["mv", "/copies/*", "/moved/"]);
        assert_eq!(client.names("/moved"), ["a.jpg", "b.jpg"]);
        // One match is one SRC: DEST is its new name.
        person.ok(&["mv", "/moved/a*", "/moved/z.jpg"]);
        assert_eq!(client.names("/moved"), ["b.jpg", "z.jpg"]);
        assert!(person.ends(3, &["cp", "/p/*.jpg", "/nowhere"]).contains("no such directory"));
        assert!(person.ends(6, &["rm", "/p/*"]).contains("it is a directory"));
        assert_eq!(client.names("/p"), ["2025", "2026"]);
        person.ok(&["rm", "-r", "/p/**"]);
        assert!(client.names("/p").is_empty());
        // What was moved is not a pattern's to name: it is as it was called.
        plant(&person.path("up"), &[("[x]", 3)]);
        person.ok(&["put", "up/[x]", "/*new*"]);
        assert!(client.names("/").contains(&"*new*".to_owned()));
    });
}

fn nothing_is_done_when_nothing_matches() {
    with_names(|person, client| {
        let said = person.ends(4, &["rm", "/p/a.jpg", "/p/*.tmp"]);
        assert!(said.contains("error: /p/*.tmp: nothing matches"), "{said}");
        assert!(said.contains("hint: `pan ls /p` shows what is there"), "{said}");
        assert_eq!(client.get("/p/a.jpg").file(), b"/p/a.jpg");
        person.ok(&["rm", "-f", "/p/*.tmp", "/p/a.jpg"]);
        client.get("/p/a.jpg").refused(404, 31066);
        for command in [&["ls"][..], &["cat"], &["stat"], &["du"]] {
            person.ends(4, &[command, &["/none/*"]].concat());
        }
        for command in ["get", "cp", "mv"] {
            person.ends(4, &[command, "/none/*", "/x"]);
        }
        let far = format!("/{}", "{a,b}".repeat(12));
        assert!(person.ends(2, &["ls", &far]).contains("fewer"), "a pattern of 4096");
    });
}

// Cameras begin to count anew: one name in two directories is two photographs.
fn one_match_does_not_overwrite_another() {
    with_person(&relaxed(), |person, client| {
        for name in ["/p/2025/sea.jpg", "/p/2026/sea.jpg", "/p/2026/land.jpg"] {
            client.put(name, name.as_bytes()).ok();
        }
        let said = person.ends(2, &["get", "/p/**/*.jpg", "back/"]);
        let both = "/p/2025/sea.jpg and /p/2026/sea.jpg would both become `sea.jpg`";
        assert!(said.contains(both), "{said}");
        assert!(!person.path("back").exists());
        person.ok(&["get", "/p/2026/*.jpg", "back/"]);
        let sea = fs::read(person.path("back/sea.jpg")).unwrap();
        assert_eq!(sea, b"/p/2026/sea.jpg");
        // In the storage nothing is ever overwritten.
        person.ends(6, &["mv", "/p/*/sea.jpg", "/one/"]);
        assert_eq!(client.get("/one/sea.jpg").file(), b"/p/2025/sea.jpg");
        assert_eq!(client.names("/p/2026"), ["land.jpg", "sea.jpg"]);
    });
}

fn what_one_pattern_deleted_another_restores() {
    with_names(|person, client| {
        client.rm("/p/a.jpg").ok();
        client.put("/p/a.jpg", b"the latest").ok();
        person.ok(&["rm", "/p/*.jpg"]);
        assert_eq!(client.names("/p"), ["2025", "2026", "c.png"]);
        person.ok(&["recycle", "restore", "/p/?.jpg"]);
        assert_eq!(client.names("/p"), ["2025", "2026", "a.jpg", "b.jpg", "c.png", "中.jpg"]);
        assert_eq!(client.get("/p/a.jpg").file(), b"the latest");
        let said = person.ends(4, &["recycle", "restore", "/p/*.png"]);
        assert!(said.contains("nothing in the recycle bin matches"), "{said}");
        person.ends(4, &["recycle", "restore", "--no-glob", "/p/*.jpg"]);
        // What had that very name comes before what it matches.
        client.put("/p/*", b"a star").ok();
        client.rm("/p/*").ok();
        person.ok(&["recycle", "restore", "/p/*"]);
        assert_eq!(client.get("/p/*").file(), b"a star");
        client.get("/p/.hidden.jpg").refused(404, 31066);
    });
}

// The requests say how far a walk went.
fn a_pattern_is_not_looked_for_where_it_cannot_match() {
    with_names(|person, client| {
        let link = Link::start(client.address(), None);
        let lists = |pattern: &str| {
            link.sent.lock().unwrap().clear();
            person.ok(&["--endpoint", &link.endpoint(), "stat", pattern]);
            let sent = String::from_utf8_lossy(&link.sent.lock().unwrap()).into_owned();
            let lines = sent.lines().filter(|line| line.contains("method=list"));
            lines.map(|line| line.split(['=', '&']).nth(3).unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lists("/p/2025/*.jpg"), ["/p/2025"], "what stands before it is not listed");
        assert_eq!(lists("/p/20*/f.png"), ["/p"], "one name is asked for, not looked for");
        assert_eq!(lists("/p/a.jpg"), [""; 0]);
        assert_eq!(lists("/p/2025/**"), ["/p/2025"], "a match stands for what is below");
    });
}

fn a_token_with_a_root_has_patterns_too() {
    with_person(&TokenSpec::rooted("/apps/demo"), |person, client| {
        client.put("/apps/demo/a.jpg", b"abc").ok();
        assert_eq!(person.ok(&["ls", "/apps/demo/*.jpg"]), "/apps/demo/a.jpg\n");
        assert_eq!(person.ok(&["cat", "/apps/demo/?.{jpg,png}"]), "abc");
        person.ends(4, &["ls", "/apps/demo/*.png"]);
    });
}
