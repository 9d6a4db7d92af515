//! What `put` and `get` leave out. What the patterns mean in every detail is
//! compared with git beside the filter itself.

use std::fs;

use pan_conformance::pcs::{Client, TokenSpec};

use crate::person::Person;
use crate::relay::Relay;
use crate::shared::with_target;

crate::tests![
    put_takes_what_the_options_say,
    get_takes_what_the_options_say,
    ignore_files_count_on_both_ways,
    an_ignore_file_that_comes_with_the_files_does_not_count,
    what_is_left_out_is_not_even_listed,
    a_wrong_ignore_file_keeps_its_directory_back,
    wrong_patterns_are_told_before_anything_is_done,
];

const TREE: &[&str] = &["a.jpg", "b.tmp", "raw/c.jpg", "raw/d.tmp", "raw/deep/e.jpg", "文/f.jpg"];

fn with_tree(story: impl Fn(&Person, &Client)) {
    with_target(|t| {
        let client = t.caller(&TokenSpec::rooted("/").relaxed());
        let person = Person::new(&client);
        for name in TREE {
            plant(&person, &format!("tree/{name}"), name);
        }
        fs::create_dir_all(person.path("tree/empty")).unwrap();
        story(&person, &client);
    });
}

fn plant(person: &Person, name: &str, text: &str) {
    let path = person.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Everything below a remote directory; directories end with a slash.
fn stored(person: &Person, directory: &str) -> Vec<String> {
    person.ok(&["ls", "-R", directory]).lines().map(str::to_owned).collect()
}

/// The same of a local one.
fn local(person: &Person, directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory_name) = directories.pop() {
        for entry in fs::read_dir(person.path(directory).join(&directory_name)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{directory_name}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                directories.push(format!("{name}/"));
                found.push(format!("{name}/"));
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

/// Options, and what is there afterwards, sorted.
const CASES: &[(&[&str], &[&str])] = &[
    (
        &["--exclude", "*.tmp"],
        &["a.jpg", "empty/", "raw/", "raw/c.jpg", "raw/deep/", "raw/deep/e.jpg", "文/", "文/f.jpg"],
    ),
    (&["--exclude", "raw/", "--exclude", "文"], &["a.jpg", "b.tmp", "empty/"]),
    (
        &["--exclude", "/*", "--include", "/raw", "--exclude", "*.tmp"],
        &["raw/", "raw/c.jpg", "raw/deep/", "raw/deep/e.jpg"],
    ),
    // Alone: nothing else, and no directory without reason.
    (&["--include", "*.tmp"], &["b.tmp", "raw/", "raw/d.tmp"]),
    (&["--include", "/raw/deep/"], &["raw/", "raw/deep/", "raw/deep/e.jpg"]),
    (&["--include", "empty/"], &["empty/"]),
    (
        &["--filter-from", "list"],
        &["b.tmp", "empty/", "raw/", "raw/d.tmp", "raw/deep/", "文/", "文/f.jpg"],
    ),
];

fn put_takes_what_the_options_say() {
    with_tree(|person, _| {
        fs::write(person.path("list"), "# pictures\n*.jpg\n!/文/*.jpg\n").unwrap();
        for (i, (options, expected)) in CASES.iter().enumerate() {
            let to = format!("/{i}");
            person.ok(&[&["put", "tree/", &to][..], options].concat());
            let mut found = stored(person, &to);
            found.sort();
            assert_eq!(&found, expected, "{options:?}");
        }
        // A file goes by its name, and is what was asked for otherwise.
        person.ok(&["put", "--exclude", "a.*", "tree/a.jpg", "tree/b.tmp", "/named/"]);
        assert_eq!(stored(person, "/named"), ["b.tmp"]);
    });
}

fn get_takes_what_the_options_say() {
    with_tree(|person, _| {
        fs::write(person.path("list"), "# pictures\n*.jpg\n!/文/*.jpg\n").unwrap();
        person.ok(&["put", "tree/", "/tree/"]);
        for (i, (options, expected)) in CASES.iter().enumerate() {
            let to = format!("back{i}");
            person.ok(&[&["get", "/tree/", &to][..], options].concat());
            assert_eq!(local(person, &to), *expected, "{options:?}");
        }
        person.ok(&["get", "--exclude", "a.*", "/tree/a.jpg", "/tree/b.tmp", "named/"]);
        assert_eq!(local(person, "named"), ["b.tmp"]);
    });
}

fn ignore_files_count_on_both_ways() {
    with_tree(|person, client| {
        plant(person, "tree/.openpanignore", "*.tmp\n文/\n");
        plant(person, "tree/raw/.openpanignore", "!d.tmp\n/deep\n");
        person.ok(&["put", "tree/", "/tree/"]);
        let expected = [
            ".openpanignore",
            "a.jpg",
            "empty/",
            "raw/",
            "raw/.openpanignore",
            "raw/c.jpg",
            "raw/d.tmp",
        ];
        assert_eq!(stored(person, "/tree"), expected);
        // The command line stands over them.
        person.ok(&["put", "tree/", "/more/", "--exclude", "raw", "--include", "b.tmp"]);
        assert_eq!(stored(person, "/more"), [".openpanignore", "a.jpg", "b.tmp", "empty/"]);
        // What somebody else has stored does not come where it is ignored.
        for name in ["g.tmp", "raw/g.tmp", "raw/deep/g", "文/g"] {
            client.put(&format!("/tree/{name}"), b"x").ok();
        }
        client.put("/tree/raw/new", b"x").ok();
        person.ok(&["get", "/tree/", "tree/"]);
        let is_new =
            |name: &&String| ["g.tmp", "g", "new"].contains(&name.rsplit('/').next().unwrap());
        let come = local(person, "tree");
        assert_eq!(come.iter().filter(is_new).collect::<Vec<_>>(), ["raw/new"]);
    });
}

// It depends on nothing but what was there before which files come.
fn an_ignore_file_that_comes_with_the_files_does_not_count() {
    with_tree(|person, client| {
        client.put("/tree/.openpanignore", b"*\n").ok();
        client.put("/tree/sub/.openpanignore", b"*\n").ok();
        for name in ["a", "sub/b", "sub/sub/c"] {
            client.put(&format!("/tree/{name}"), b"x").ok();
        }
        person.ok(&["get", "/tree", "new"]);
        let all =
            [".openpanignore", "a", "sub/", "sub/.openpanignore", "sub/b", "sub/sub/", "sub/sub/c"];
        assert_eq!(local(person, "new"), all);
        client.put("/tree/late", b"x").ok();
        person.ok(&["get", "/tree/", "new"]);
        assert_eq!(local(person, "new"), all, "now it is there, and counts");
    });
}

fn what_is_left_out_is_not_even_listed() {
    with_tree(|person, client| {
        client.put("/tree/a", b"x").ok();
        for i in 0..100 {
            client.put(&format!("/tree/large/{i}{}", "x".repeat(200)), b"").ok();
        }
        let relay = Relay::start(client.address());
        let behind = Person::new(&Client::new(&relay.address, &person.token));
        behind.ok(&["get", "-n", "/tree/", "to/"]);
        let whole = relay.take_received();
        assert!(whole > 20_000, "{whole}");
        behind.ok(&["get", "-n", "/tree/", "to/", "--exclude", "large"]);
        let part = relay.take_received();
        assert!(part < 5_000, "{part}");
    });
}

fn a_wrong_ignore_file_keeps_its_directory_back() {
    with_tree(|person, client| {
        plant(person, "tree/raw/.openpanignore", "fine\n[z-a]\n");
        let complaint = person.ends(6, &["put", "tree/", "/tree/"]);
        assert!(complaint.contains("raw/.openpanignore: line 2"), "{complaint}");
        assert_eq!(complaint.matches("error:").count(), 2, "it and the sum: {complaint}");
        assert_eq!(client.names("/tree/raw"), [""; 0]);
        assert_eq!(client.names("/tree/文"), ["f.jpg"]);
    });
}

fn wrong_patterns_are_told_before_anything_is_done() {
    with_tree(|person, client| {
        client.put("/there", b"x").ok();
        for options in [
            ["--exclude", "[z-a]"],
            ["--include", "!a"],
            ["--exclude", ""],
            ["--filter-from", "none"],
        ] {
            let put = [&["put", "tree", "/new/"][..], &options].concat();
            let get = [&["get", "/there", "new/"][..], &options].concat();
            for arguments in [put, get] {
                let complaint = person.ends(2, &arguments);
                assert!(complaint.contains(options[1]), "{complaint}");
            }
        }
        assert_eq!(client.names("/"), ["there"]);
        assert!(!person.path("new").exists());
    });
}
