//! The `pan` command as people use it: their trees, their pipes, its words.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use pan_conformance::pcs::{Client, Target, TokenSpec, digest};
use serde_json::Value;

use crate::person::{Person, said};
use crate::shared::{with_quota, with_target};

crate::tests![
    a_tree_with_odd_names_comes_back,
    a_pcs_token_says_which_names_it_refuses,
    files_of_every_kind_of_size_come_back,
    stdin_and_stdout_are_files,
    a_file_over_the_threshold_goes_in_parts,
    things_are_moved_copied_and_removed,
    what_was_deleted_comes_back,
    files_are_found_by_name_and_by_type,
    a_put_says_what_it_does_with_a_taken_name,
    json_is_one_object_a_line,
    changes_are_told_line_by_line,
    a_cursor_file_keeps_what_was_told,
    exit_codes_are_those_of_the_manual,
    errors_say_what_happened_and_what_to_do,
    a_token_comes_from_wherever_it_may,
];

pub(crate) fn with_person(spec: &TokenSpec, story: impl Fn(&Person, &Client)) {
    with_target(|t: &Target<'_>| {
        let client = t.caller(spec);
        story(&Person::new(&client), &client);
    });
}

pub(crate) fn relaxed() -> TokenSpec {
    TokenSpec::rooted("/").relaxed()
}

/// Writes files below a directory, their content made from their place.
pub(crate) fn plant(root: &Path, files: &[(&str, usize)]) {
    for (i, (name, size)) in files.iter().enumerate() {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, digest::content(i as u64 + 1, *size)).unwrap();
    }
}

/// `diff -r` finds no difference.
#[track_caller]
fn same_tree(one: &Path, other: &Path) {
    let output = Command::new("diff").arg("-r").arg(one).arg(other).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

const ODD: &[(&str, usize)] = &[
    (".git/HEAD", 23),
    (".git/objects/ab/cdef", 5_000),
    (".gitignore", 10),
    ("12:30.log", 300),
    ("x.", 1),
    ("a b  c", 100),
    (" lead", 5),
    ("trail ", 5),
    ("what?*<|>\"\\", 50),
    ("100%25 +&#;=.txt", 70),
    ("中文/文件 名.txt", 20_000),
    ("emoji 😀", 0),
    ("e\u{301}", 3),
    ("-dash", 4),
    ("--help", 4),
    ("'quote'", 4),
    ("$HOME", 4),
    ("empty", 0),
    ("deep/er/and/deeper/still/file", 1),
];

fn a_tree_with_odd_names_comes_back() {
    with_person(&relaxed(), |person, client| {
        let tree = person.path("tree");
        plant(&tree, ODD);
        fs::create_dir_all(tree.join("empty directory/inner")).unwrap();
        person.ok(&["put", "tree", "/backup/"]);
        assert_eq!(client.names("/backup"), ["tree"]);
        for (i, (name, size)) in ODD.iter().enumerate() {
            let content = digest::content(i as u64 + 1, *size);
            assert!(client.get(&format!("/backup/tree/{name}")).file() == content, "{name}");
        }
        fs::create_dir(person.path("back")).unwrap();
        person.ok(&["get", "/backup/tree", "back/"]);
        same_tree(&tree, &person.path("back/tree"));
        assert!(person.path("back/tree/empty directory/inner").is_dir());
        // Again: nothing changes, nothing is doubled.
        person.ok(&["put", "tree", "/backup/"]);
        person.ok(&["get", "/backup/tree", "back/"]);
        same_tree(&tree, &person.path("back/tree"));
    });
}

// Files that cannot be stored are named, one by one; the others are stored.
fn a_pcs_token_says_which_names_it_refuses() {
    with_person(&TokenSpec::rooted("/apps/demo"), |person, client| {
        let tree = person.path("tree");
        plant(
            &tree,
            &[("good", 10), ("sub/good too", 10), ("a:b", 5), ("x.", 5), (".git/HEAD", 5)],
        );
        let complaint = person.ends(6, &["put", "tree", "/apps/demo/"]);
        for name in ["a:b", "x.", ".git"] {
            let line = complaint.lines().find(|line| line.contains(name));
            assert!(line.is_some(), "{name} is not named: {complaint}");
        }
        let is_about_good = |line: &str| line.starts_with("error:") && line.contains("good");
        assert!(!complaint.lines().any(is_about_good), "{complaint}");
        assert_eq!(client.names("/apps/demo/tree"), ["good", "sub"]);
        assert_eq!(client.names("/apps/demo/tree/sub"), ["good too"]);
    });
}

fn files_of_every_kind_of_size_come_back() {
    with_person(&relaxed(), |person, _| {
        let tree = person.path("tree");
        plant(
            &tree,
            &[
                ("0", 0),
                ("1", 1),
                ("inline", 16_384),
                ("blob", 16_385),
                ("slice", 262_145),
                ("more", 4_194_305),
                ("large", 9_000_000),
            ],
        );
        person.ok(&["put", "tree/", "/sizes/"]);
        fs::create_dir(person.path("back")).unwrap();
        person.ok(&["get", "/sizes", "back/"]);
        same_tree(&tree, &person.path("back/sizes"));
    });
}

fn stdin_and_stdout_are_files() {
    with_person(&relaxed(), |person, client| {
        for (name, size) in [("/empty", 0), ("/small", 5_000), ("/large", 9_000_000)] {
            let content = digest::content(size as u64, size);
            let mut child =
                person.command(&["put", "-", name]).stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(&content).unwrap();
            assert!(child.wait().unwrap().success(), "{name}");
            assert!(client.get(name).file() == content, "{name}");
            for arguments in [&["get", name, "-"][..], &["cat", name]] {
                let output = person.run(arguments);
                assert!(output.status.success() && output.stdout == content, "{arguments:?}");
            }
        }
    });
}

fn a_file_over_the_threshold_goes_in_parts() {
    with_person(&relaxed(), |person, client| {
        let content = digest::content(5, 5_000_000);
        fs::write(person.path("large"), &content).unwrap();
        let parts = ["--threshold", "1M", "--part-size", "512k"];
        person.ok(&[&["put", "large", "/large"], &parts[..]].concat());
        let blocks = client.entry("/large")["block_list"].as_array().unwrap().len();
        assert_eq!(blocks, 5_000_000usize.div_ceil(512 << 10));
        assert_eq!(client.entry("/large")["md5"], digest::md5_hex(&content));
        person.ok(&[&["get", "/large", "back"], &parts[..]].concat());
        assert!(fs::read(person.path("back")).unwrap() == content);
        // At the threshold it goes in one piece.
        fs::write(person.path("edge"), &content[..1 << 20]).unwrap();
        person.ok(&[&["put", "edge", "/edge"], &parts[..]].concat());
        assert_eq!(client.entry("/edge")["block_list"].as_array().unwrap().len(), 1);
    });
}

fn things_are_moved_copied_and_removed() {
    with_person(&relaxed(), |person, client| {
        person.ok(&["mkdir", "/a"]);
        fs::write(person.path("file"), "content").unwrap();
        person.ok(&["put", "file", "/a/"]);
        person.ok(&["cp", "/a/file", "/a/copy"]);
        person.ok(&["mv", "/a/copy", "/moved"]);
        assert_eq!(person.ok(&["cat", "/moved"]), "content");
        assert_eq!(person.ok(&["ls", "/"]), "a/\nmoved\n".replace("a/\n", &ls_name(person, "a")));
        assert_eq!(client.names("/a"), ["file"]);
        person.ends(6, &["rm", "/a", "/moved"]);
        assert_eq!(client.names("/"), ["a"], "a directory needs -r");
        person.ok(&["rm", "-r", "/a"]);
        assert_eq!(client.names("/"), [""; 0]);
        assert_eq!(person.ok(&["ls", "/"]), "");
    });
}

fn what_was_deleted_comes_back() {
    with_person(&relaxed(), |person, client| {
        fs::write(person.path("file"), "first").unwrap();
        person.ok(&["put", "file", "/a/b/"]);
        person.ok(&["rm", "/a/b/file"]);
        fs::write(person.path("file"), "second").unwrap();
        person.ok(&["put", "file", "/a/b/"]);
        person.ok(&["rm", "-r", "/a"]);

        let listed = person.ok(&["recycle", "ls"]);
        let paths: Vec<_> = listed.lines().map(|line| line.split_whitespace().last()).collect();
        assert_eq!(paths[1], Some("/a/b/file"), "{listed}");
        assert_eq!(paths[0].map(|path| path.trim_end_matches('/')), Some("/a"), "{listed}");
        assert_eq!(person.ok(&["recycle", "ls", "/a/b"]).lines().count(), 1);
        let objects = person.ok(&["recycle", "ls", "--json"]);
        let objects: Vec<Value> =
            objects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&objects[0]["type"], &objects[1]["size"]), (&"dir".into(), &5.into()));
        assert!(objects[0]["deleted"].is_string());

        // The newest of a path, then any by its number.
        person.ok(&["recycle", "restore", "/a"]);
        assert_eq!(person.ok(&["cat", "/a/b/file"]), "second");
        let complaint = person.ends(1, &["recycle", "restore", "/a/b/file"]);
        assert!(complaint.contains("/a/b/file") && complaint.contains("31061"), "{complaint}");
        person.ok(&["mv", "/a/b/file", "/second"]);
        let number = objects[1]["fs_id"].to_string();
        let said = person.ok(&["recycle", "restore", &number, "--json"]);
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["fs_id"], objects[1]["fs_id"]);
        assert_eq!(person.ok(&["cat", "/a/b/file"]), "first");

        let complaint = person.ends(4, &["recycle", "restore", &number]);
        assert!(complaint.contains("pan recycle ls"), "{complaint}");
        person.ends(4, &["recycle", "restore", "/nothing"]);
        person.ends(2, &["recycle", "restore", "nothing"]);

        person.ok(&["rm", "/second"]);
        let complaint = person.ends(2, &["recycle", "empty"]);
        assert!(complaint.contains("--yes"), "{complaint}");
        assert_eq!(client.bin().len(), 1);
        person.ok(&["recycle", "empty", "--yes"]);
        assert_eq!(client.bin(), [""; 0]);
        assert_eq!(person.ok(&["recycle", "ls"]), "");
    });
}

fn files_are_found_by_name_and_by_type() {
    with_person(&relaxed(), |person, client| {
        for path in ["/a/Holiday 1.jpg", "/a/b/holiday 2.JPG", "/照片.png", "/c.txt"] {
            client.put(path, b"x").ok();
        }
        assert_eq!(person.ok(&["find", "HOLI"]), "/a/b/holiday 2.JPG\n/a/Holiday 1.jpg\n");
        assert_eq!(person.ok(&["find", "/a", "holi", "--directory"]), "/a/Holiday 1.jpg\n");
        assert_eq!(person.ok(&["find", "--limit", "1", "holi"]), "/a/b/holiday 2.JPG\n");
        assert_eq!(person.ok(&["find", "--limit", "6000", "照片"]), "/照片.png\n");
        assert_eq!(person.ok(&["find", "/a", "absent"]), "");
        assert!(person.ok(&["find", "-l", "c."]).ends_with("  /c.txt\n"));
        let found = objects(&person.ok(&["--json", "find", "照"]));
        assert_eq!((found.len(), &found[0]["path"]), (1, &"/照片.png".into()));
        person.ends(3, &["find", "/none", "a"]);
        person.ends(2, &["find"]);

        let images = "/照片.png\n/a/b/holiday 2.JPG\n/a/Holiday 1.jpg\n";
        assert_eq!(person.ok(&["media", "image"]), images);
        assert_eq!(person.ok(&["media", "image", "--prefix", "/a/b"]), "/a/b/holiday 2.JPG\n");
        assert_eq!(person.ok(&["media", "image", "--limit", "1"]), "/照片.png\n");
        assert_eq!(person.ok(&["media", "video"]), "");
        let listed = objects(&person.ok(&["--json", "media", "doc"]));
        assert_eq!((listed.len(), &listed[0]["path"]), (1, &"/c.txt".into()));
        person.ends(2, &["media", "other"]);
    });
}

/// How `ls` writes the line of a directory: with a mark or without.
fn ls_name(person: &Person, name: &str) -> String {
    let listed = person.ok(&["ls", "/"]);
    let line = listed.lines().find(|line| line.trim_end_matches('/') == name);
    format!("{}\n", line.unwrap_or_else(|| panic!("{name} is not in {listed}")))
}

fn a_put_says_what_it_does_with_a_taken_name() {
    with_person(&relaxed(), |person, client| {
        fs::write(person.path("file"), "one").unwrap();
        person.ok(&["put", "file", "/"]);
        fs::write(person.path("file"), "second").unwrap();
        let complaint = person.ends(1, &["put", "file", "/", "--on-dup", "fail"]);
        assert!(complaint.contains("file"), "{complaint}");
        assert_eq!(client.get("/file").file(), b"one");
        person.ok(&["put", "file", "/", "--on-dup", "newcopy"]);
        assert_eq!(client.get("/file").file(), b"one");
        assert_eq!(client.names("/").len(), 2);
        person.ok(&["put", "file", "/"]);
        assert_eq!(client.get("/file").file(), b"second");
    });
}

#[track_caller]
pub(crate) fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn json_is_one_object_a_line() {
    with_quota(Some(1_000_000), |t| {
        let client = t.caller(&relaxed());
        let person = Person::new(&client);
        plant(&person.path("tree"), &[("a", 10), ("b c", 20), ("sub/d", 30)]);
        let put = objects(&person.ok(&["--json", "put", "tree", "/"]));
        let files = put.iter().filter(|object| object["size"] == 30).count();
        assert_eq!(files, 1, "{put:?}");
        let listed = objects(&person.ok(&["ls", "--json", "/tree"]));
        let names: Vec<_> = listed.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
        assert_eq!(names, ["/tree/a", "/tree/b c", "/tree/sub"]);
        assert_eq!(listed[1]["size"], 20);
        let stat = objects(&person.ok(&["--json", "stat", "/tree/a"]));
        assert_eq!(stat[0]["path"], "/tree/a");
        let quota = objects(&person.ok(&["--json", "quota"]));
        assert_eq!((&quota[0]["total"], &quota[0]["used"]), (&1_000_000.into(), &60.into()));
        let output = person.run(&["--json", "stat", "/none"]);
        assert_eq!(output.stdout, b"");
        let complaint = objects(&String::from_utf8(output.stderr).unwrap());
        assert!(complaint[0].to_string().contains("31066"), "{complaint:?}");
    });
}

fn exit_codes_are_those_of_the_manual() {
    with_quota(Some(1000), |t| {
        let person = Person::new(&t.caller(&relaxed()));
        plant(&person.path("tree"), &[("small", 10), ("large", 5000)]);
        person.ends(0, &["put", "tree/small", "/"]);
        person.ends(2, &["frobnicate"]);
        person.ends(2, &["put"]);
        person.ends(2, &["cat", "relative"]);
        person.ends(3, &["ls", "/none"]);
        person.ends(4, &["cat", "/none"]);
        person.ends(4, &["stat", "/none"]);
        person.ends(4, &["put", "not-here", "/"]);
        person.ends(6, &["put", "tree", "/"]);
        person.ends(7, &["put", "tree/large", "/large"]);
        person.ends(7, &["--token", "wrong", "ls", "/"]);
        // Nobody listens there: trying again may help.
        person.ends(5, &["--endpoint", "http://127.0.0.1:1", "ls", "/"]);
    });
}

fn errors_say_what_happened_and_what_to_do() {
    with_quota(Some(1000), |t| {
        let person = Person::new(&t.caller(&relaxed()));
        plant(&person.path("tree"), &[("large", 5000)]);
        let complaint = person.ends(7, &["put", "tree/large", "/large"]);
        assert!(complaint.starts_with("error: "), "{complaint}");
        assert!(complaint.contains("\n\nhint: "), "{complaint}");
        let complaint = person.ends(4, &["cat", "/none"]);
        assert!(complaint.starts_with("error: ") && complaint.contains("/none"), "{complaint}");
        for complaint in [complaint, person.ends(2, &["put"])] {
            assert!(!complaint.contains(&person.token), "{complaint}");
        }
    });
}

fn a_token_comes_from_wherever_it_may() {
    with_person(&relaxed(), |person, _| {
        let command = |arguments: &[&str], variables: &[(&str, &str)]| {
            let mut command = person.command(arguments);
            command.env_remove("OPENPAN_TOKEN").envs(variables.iter().copied());
            command.output().unwrap().status.code()
        };
        let file = person.path("token");
        fs::write(&file, format!("{}\n", person.token)).unwrap();
        let file = file.to_str().unwrap();
        assert_ne!(command(&["quota"], &[]), Some(0));
        assert_eq!(command(&["quota", "--token", &person.token], &[]), Some(0));
        assert_eq!(command(&["quota", "--token-file", file], &[]), Some(0));
        assert_eq!(command(&["quota"], &[("OPENPAN_TOKEN_FILE", file)]), Some(0));
        let both = [("OPENPAN_TOKEN", "wrong")];
        assert_eq!(command(&["quota", "--token", &person.token], &both), Some(0), "flag > env");
    });
}

fn changes_are_told_line_by_line() {
    with_person(&relaxed(), |person, client| {
        client.put("/a/b c", b"abc").ok();
        let told = person.ok(&["diff"]);
        let (changes, cursor) = told.trim_end().rsplit_once("\n@ ").unwrap();
        assert_eq!(changes, "!\n+ /a/\n+ /a/b c");
        client.put("/d", b"abc").ok();
        client.rm("/a").ok();
        let told = person.ok(&["diff", cursor]);
        let (changes, next) = told.trim_end().rsplit_once("\n@ ").unwrap();
        assert_eq!(changes, "- /a/\n+ /d");
        assert!(person.ok(&["diff", next]).starts_with("@ "), "nothing new");
        let told = objects(&person.ok(&["--json", "diff", cursor]));
        assert_eq!(told.len(), 3, "{told:?}");
        let gone = serde_json::json!({
            "change": "gone", "path": "/a", "type": "dir", "recycled": true,
            "fs_id": told[0]["fs_id"],
        });
        assert_eq!(told[0], gone);
        assert_eq!((&told[1]["change"], &told[1]["path"]), (&"present".into(), &"/d".into()));
        assert_eq!((&told[1]["size"], &told[1]["type"]), (&3.into(), &"file".into()));
        assert_eq!(told[2]["change"], "cursor");
        assert!(objects(&person.ok(&["--json", "diff"]))[0]["change"] == "reset");
        assert!(person.ends(1, &["diff", "nonsense"]).contains("31023"));
    });
}

fn a_cursor_file_keeps_what_was_told() {
    with_person(&relaxed(), |person, client| {
        let diff = || person.ok(&["diff", "--cursor-file", "cursor"]);
        client.put("/a", b"abc").ok();
        assert_eq!(diff(), "!\n+ /a\n");
        assert_eq!(diff(), "");
        client.mv("/a", "/b").ok();
        assert_eq!(diff(), "- /a\n+ /b\n");
        client.put("/c", b"abc").ok();
        // Nobody read the lines: the next run tells them again.
        let mut deaf = person.command(&["diff", "--cursor-file", "cursor"]);
        let mut deaf = deaf.stdout(Stdio::piped()).spawn().unwrap();
        drop(deaf.stdout.take());
        deaf.wait().unwrap();
        assert_eq!(diff(), "+ /c\n");
        let kept = fs::read_to_string(person.path("cursor")).unwrap();
        assert_eq!(kept.lines().count(), 1);
        // What is no cursor is not overwritten.
        fs::write(person.path("cursor"), "nonsense").unwrap();
        person.ends(1, &["diff", "--cursor-file", "cursor"]);
        assert_eq!(fs::read_to_string(person.path("cursor")).unwrap(), "nonsense");
        let no_place = ["diff", "--cursor-file", "missing/cursor"];
        assert!(person.ends(1, &no_place).contains("missing/cursor"));
        let both = ["diff", "--cursor-file", "cursor", "x"];
        person.ends(2, &both);
    });
}
