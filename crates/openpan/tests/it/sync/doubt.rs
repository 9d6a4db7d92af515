//! What `pan sync` must not take for a deletion, nor for a file of a person.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Client, Target, TokenSpec};

use super::stories::{Running, wait_until};
use crate::bad_network::{Fault, Kind, Network, Stage};
use crate::person::{Person, said};
use crate::server::{Server, empty_directory};
use crate::shared::with_target;

crate::tests![
    a_link_to_nowhere_is_no_deletion,
    links_in_circles_come_to_an_end,
    its_own_state_is_not_synchronised,
    another_disk_in_its_place_is_not_believed,
    an_ignore_file_counts_however_its_directory_is_spelt,
    a_directory_that_could_not_be_deleted_is_not_forgotten,
    a_restored_server_takes_nothing_back,
    two_machines_replace_one_large_file_at_once,
    a_watch_reads_ignore_files_again,
    the_state_is_nobody_elses_business,
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

fn another_disk_in_its_place_is_not_believed() {
    with_person(|person, client| {
        let names: Vec<String> = (0..30).map(|number| format!("photo{number}")).collect();
        for name in &names {
            fs::write(person.path("tree").join(name), name).unwrap();
        }
        let both = ["sync", "both", "tree", "/t"];
        person.ok(&both);
        fs::rename(person.path("tree"), person.path("unplugged")).unwrap();
        fs::create_dir(person.path("tree")).unwrap();
        fs::write(person.path("tree/something else"), "else").unwrap();
        let told = person.ends(7, &both);
        assert!(told.contains("--force"), "{told}");
        assert_eq!(client.names("/t").len(), 30);
        // What only has other names is no other disk.
        fs::remove_dir_all(person.path("tree")).unwrap();
        fs::rename(person.path("unplugged"), person.path("tree")).unwrap();
        for name in &names {
            let tree = person.path("tree");
            fs::rename(tree.join(name), tree.join(format!("renamed {name}"))).unwrap();
        }
        person.ok(&both);
        let output = person.run(&both);
        assert!(output.status.success(), "{}", said(&output));
        assert!(client.names("/t").contains(&"renamed photo0".to_owned()));
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

fn a_directory_that_could_not_be_deleted_is_not_forgotten() {
    with_person(|_, client| {
        let network = Network::start(client.address());
        let person = Person::new(&Client::new(network.address(), client.token()));
        fs::create_dir(person.path("tree")).unwrap();
        fs::create_dir_all(person.path("tree/d")).unwrap();
        for name in ["d/a", "d/b", "other"] {
            fs::write(person.path("tree").join(name), name).unwrap();
        }
        let both = ["sync", "both", "tree", "/t"];
        person.ok(&both);
        fs::remove_dir_all(person.path("tree/d")).unwrap();
        let (stage, kind) = (Stage::RequestHead(0), Kind::Refuse);
        network.plan([Fault { call: "method=delete", skip: 0, stage, kind }]);
        let output = person.run(&both);
        assert!(!output.status.success() && network.happened() == 1, "{}", said(&output));
        assert_eq!(client.names("/t/d"), ["a", "b"]);
        person.ok(&both);
        assert_eq!(client.names("/t"), ["other"]);
    });
}

fn a_restored_server_takes_nothing_back() {
    let directory = empty_directory();
    let (data, backup) = (directory.path().join("data"), directory.path().join("backup"));
    let server = Server::start(&data);
    let network = Network::start(&server.address);
    let token = server.setup_token().unwrap();
    let person = Person::new(&Client::new(network.address(), &token));
    fs::create_dir(person.path("tree")).unwrap();
    let both = ["sync", "both", "tree", "/t"];
    let write = |content: &str| fs::write(person.path("tree/diary"), content).unwrap();
    write("first");
    person.ok(&both);
    server.stop();
    assert!(Command::new("cp").arg("-a").args([&data, &backup]).status().unwrap().success());
    let server = Server::start(&data);
    network.lead_to(&server.address);
    write("second");
    person.ok(&both);
    server.stop();
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&backup, &data).unwrap();
    let server = Server::start(&data);
    network.lead_to(&server.address);
    person.ok(&both);
    let files = fs::read_dir(person.path("tree")).unwrap();
    let mut kept: Vec<_> =
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    kept.sort();
    assert_eq!(kept, ["first", "second"]);
    server.stop();
}

fn a_watch_reads_ignore_files_again() {
    with_person(|person, client| {
        let is_there = |path: &str| client.meta(path).status() == 200;
        fs::write(person.path("tree/first"), "first").unwrap();
        let watching = Running::start(person, &["sync", "up", "--watch", "tree", "/t"]);
        wait_until("the first pass", || is_there("/t/first"));
        fs::write(person.path("tree/.openpanignore"), "secret\n").unwrap();
        wait_until("the ignore file", || is_there("/t/.openpanignore"));
        fs::write(person.path("tree/secret"), "secret").unwrap();
        fs::write(person.path("tree/zzz"), "open").unwrap();
        wait_until("what is not left out", || is_there("/t/zzz"));
        assert!(!is_there("/t/secret"));
        drop(watching);
    });
}

fn the_state_is_nobody_elses_business() {
    with_person(|person, _| {
        person.ok(&["sync", "both", "tree", "/t"]);
        let mode = fs::metadata(person.path("state/openpan")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    });
}

fn two_machines_replace_one_large_file_at_once() {
    with_person(|_, client| {
        let both = ["sync", "both", "tree", "/t"];
        let contents = ["old", "one", "two"].map(|word| word.repeat(200_000));
        let machines = [4, 5].map(|cuts| {
            let network = Network::start(client.address());
            let person = Person::new(&Client::new(network.address(), client.token()));
            fs::create_dir(person.path("tree")).unwrap();
            (person, network, cuts)
        });
        fs::write(machines[0].0.path("tree/large"), &contents[0]).unwrap();
        for (person, ..) in &machines {
            person.ok(&both);
        }
        // Each has sent its version, and waits before it takes its place.
        std::thread::scope(|scope| {
            for (nth, (person, network, cuts)) in machines.iter().enumerate() {
                fs::write(person.path("tree/large"), &contents[nth + 1]).unwrap();
                let (stage, kind) = (Stage::RequestHead(0), Kind::Cut);
                network.plan(vec![Fault { call: "method=meta", skip: 0, stage, kind }; *cuts]);
                scope.spawn(|| person.run(&both));
                let sent = || client.names("/t").len() > nth + 1;
                wait_until("an upload", || sent() || network.happened() > 0);
            }
        });
        for (person, ..) in machines.iter().chain(&machines) {
            person.ok(&both);
        }
        let files = client.names("/t").into_iter().map(|name| client.get(&format!("/t/{name}")));
        let kept: Vec<_> = files.map(|reply| reply.file().to_vec()).collect();
        for content in &contents[1..] {
            let is_kept = kept.iter().any(|kept| kept.as_slice() == content.as_bytes());
            assert!(is_kept, "{} is lost", &content[..3]);
        }
    });
}
