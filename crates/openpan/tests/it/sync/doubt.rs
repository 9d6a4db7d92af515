//! What `pan sync` must not take for a deletion, nor for a file of a person.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Client, Target, TokenSpec};

use crate::person::Person;
use crate::shared::with_target;

crate::tests![
    a_link_to_nowhere_is_no_deletion,
    links_in_circles_come_to_an_end,
    its_own_state_is_not_synchronised,
    an_ignore_file_counts_however_its_directory_is_spelt,
];

fn with_person(story: impl Fn(&Person, &Client)) {
    with_target(|t: &Target<'_>| {
        let client = t.caller(&TokenSpec::rooted("/").relaxed());
        let person = Person::new(&client);
        fs::create_dir(person.path("tree")).unwrap();
        story(&person, &client);
    });
}

fn a_link_to_nowhere_is_no_deletion() {
    with_person(|person, client| {
        fs::create_dir(person.path("disk")).unwrap();
        fs::write(person.path("disk/photo"), "the only copy").unwrap();
        fs::write(person.path("tree/other"), "other").unwrap();
        symlink(person.path("disk"), person.path("tree/photos")).unwrap();
        let both = ["sync", "both", "--follow", "tree", "/t"];
        person.ok(&both);
        assert_eq!(client.names("/t/photos"), ["photo"]);
        fs::rename(person.path("disk"), person.path("unmounted")).unwrap();
        for arguments in [both, ["sync", "up", "--follow", "tree", "/t"]] {
            let told = person.ends(1, &[&arguments[..], &["--force"]].concat());
            assert!(told.contains("photos"), "{told}");
        }
        person.ends(1, &["sync", "up", "--follow", "--delete", "tree", "/t"]);
        assert_eq!(client.names("/t/photos"), ["photo"]);
        fs::rename(person.path("unmounted"), person.path("disk")).unwrap();
        assert_eq!(person.ok(&both), "");
    });
}

fn links_in_circles_come_to_an_end() {
    with_person(|person, client| {
        for (one, other) in [("a", "b"), ("b", "a")] {
            let directory = person.path("tree").join(one);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("file"), one).unwrap();
            for link in ["l", "m"] {
                symlink(format!("../{other}"), directory.join(link)).unwrap();
            }
        }
        let mut command = person.command(&["sync", "up", "--follow", "tree", "/t"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(ended) => break ended,
                None if begin.elapsed() > Duration::from_secs(20) => {
                    child.kill().unwrap();
                    panic!("it goes round and round");
                }
                None => sleep(Duration::from_millis(20)),
            }
        };
        assert!(ended.success());
        assert_eq!(client.names("/t/a/l"), ["file"]);
    });
}

fn its_own_state_is_not_synchronised() {
    with_person(|person, client| {
        fs::write(person.path("tree/file"), "file").unwrap();
        for direction in ["up", "both"] {
            person.ok(&["sync", direction, ".", "/home"]);
            assert_eq!(client.names("/home/state"), Vec::<String>::new(), "{direction}");
        }
        // That of another machine does not take the place of ours.
        client.put("/home/state/openpan/sync/theirs.db", b"theirs").ok();
        person.ok(&["sync", "both", ".", "/home"]);
        assert!(!person.path("state/openpan/sync/theirs.db").exists());
        assert_eq!(client.names("/home/state/openpan/sync"), ["theirs.db"]);
    });
}

fn an_ignore_file_counts_however_its_directory_is_spelt() {
    with_person(|person, client| {
        let directory = person.path("tree").join("e\u{301}");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(".openpanignore"), "secret\n").unwrap();
        fs::write(directory.join("secret"), "secret").unwrap();
        fs::write(directory.join("open"), "open").unwrap();
        person.ok(&["sync", "up", "tree", "/t"]);
        assert_eq!(client.names("/t/\u{e9}"), [".openpanignore", "open"]);
    });
}
