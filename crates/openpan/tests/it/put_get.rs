//! `pan put` and `pan get` of many files: what they leave out, what they
//! say, how they end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime};

use pan_conformance::pcs::{Client, TokenSpec, digest};
use serde_json::Value;

use crate::person::{Person, said};
use crate::relay::Relay;
use crate::shared::with_target;

crate::tests![
    what_is_the_same_is_left_out,
    what_is_as_new_is_left_out,
    a_dry_run_says_it_and_does_nothing,
    limits_have_their_exit_codes,
    nobody_has_to_read_what_is_told,
    a_pipe_gets_a_line_for_each_file,
    of_three_hundred_files_some_fail,
    two_files_do_not_take_one_place,
    what_changes_meanwhile_is_tried_again,
    a_limit_of_bytes_a_second_is_kept,
    it_is_told_when_nothing_moves,
    a_service_that_is_gone_ends_the_command,
];

fn with_person(story: impl Fn(&Person, &Client)) {
    with_target(|t| {
        let client = t.caller(&TokenSpec::rooted("/").relaxed());
        story(&Person::new(&client), &client);
    });
}

fn plant(person: &Person, name: &str, content: impl AsRef<[u8]>) {
    let path = person.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The names of the files that a command moved, by its JSON.
#[track_caller]
fn moved(person: &Person, arguments: &[&str]) -> BTreeSet<String> {
    let told = person.ok(&[&["--json"], arguments].concat());
    let objects = told.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let files = objects.filter(|object| object["type"] == "file");
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    files.map(|object| name(object["from"].as_str().unwrap())).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn what_is_the_same_is_left_out() {
    with_person(|person, client| {
        plant(person, "tree/small", "abc");
        plant(person, "tree/sub/empty", "");
        plant(person, "tree/sub/large", digest::content(1, 1_000_000));
        plant(person, "tree/caf\u{e9}", "composed");
        person.ok(&["put", "tree/", "/tree/"]);
        let put = ["put", "--checksum", "tree/", "/tree/"];
        assert_eq!(moved(person, &put), names(&[]));
        // The same length, other bytes, and an old time.
        plant(person, "tree/small", "abd");
        let file = File::options().write(true).open(person.path("tree/small")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).unwrap();
        plant(person, "tree/sub/new", "new");
        assert_eq!(moved(person, &put), names(&["small", "new"]));
        assert_eq!(client.get("/tree/small").file(), b"abd");
        // One file alone, and one that is not there yet.
        assert_eq!(moved(person, &["put", "--checksum", "tree/small", "/tree/"]), names(&[]));
        assert_eq!(
            moved(person, &["put", "--checksum", "tree/small", "/other"]),
            names(&["small"])
        );
        // The storage has it under the other spelling of the name.
        fs::rename(person.path("tree/caf\u{e9}"), person.path("tree/cafe\u{301}")).unwrap();
        assert_eq!(moved(person, &put), names(&[]));

        let get = ["get", "--checksum", "/tree/", "tree/"];
        fs::rename(person.path("tree/cafe\u{301}"), person.path("tree/caf\u{e9}")).unwrap();
        assert_eq!(moved(person, &get), names(&[]));
        plant(person, "tree/sub/new", "old");
        fs::remove_file(person.path("tree/sub/large")).unwrap();
        assert_eq!(moved(person, &get), names(&["new", "large"]));
        assert_eq!(fs::read(person.path("tree/sub/new")).unwrap(), b"new");
    });
}

fn what_is_as_new_is_left_out() {
    with_person(|person, client| {
        let dated = |name: &str, time: SystemTime| {
            File::options()
                .write(true)
                .open(person.path(name))
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        let now = SystemTime::now();
        let (old, new) = (now - Duration::from_secs(3600), now + Duration::from_secs(3600));
        for name in ["old", "new"] {
            plant(person, &format!("tree/{name}"), "first");
        }
        dated("tree/old", old);
        dated("tree/new", new);
        let put = ["put", "--update", "tree/", "/tree/"];
        assert_eq!(moved(person, &put), names(&["old", "new"]));
        plant(person, "tree/old", "other bytes");
        dated("tree/old", old);
        assert_eq!(moved(person, &put), names(&["new"]), "the storage's `old` is newer");
        assert_eq!(client.get("/tree/old").file(), b"first");

        // What get writes is as new as what it got, and no newer.
        person.ok(&["get", "/tree/", "back/"]);
        let get = ["get", "--update", "/tree/", "back/"];
        assert_eq!(moved(person, &get), names(&[]));
        assert_eq!(moved(person, &["put", "--update", "back/", "/tree/"]), names(&[]));
        // At the same time, the size tells.
        let same = fs::metadata(person.path("back/old")).unwrap().modified().unwrap();
        plant(person, "back/old", "cut");
        dated("back/old", same);
        assert_eq!(moved(person, &get), names(&["old"]));
        plant(person, "back/old", "longer than it was");
        dated("back/old", same);
        assert_eq!(moved(person, &["put", "--update", "back/", "/tree/"]), names(&["old"]));
        dated("back/old", old);
        dated("back/new", new);
        plant(person, "back/new", "mine");
        dated("back/new", new);
        assert_eq!(moved(person, &get), names(&["old"]));
        assert_eq!(fs::read(person.path("back/new")).unwrap(), b"mine");
    });
}

fn a_dry_run_says_it_and_does_nothing() {
    with_person(|person, client| {
        plant(person, "tree/a", "a");
        plant(person, "tree/b", digest::content(1, 400_000));
        fs::create_dir(person.path("tree/empty")).unwrap();
        let sorted = |text: String| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let would = ["put tree/a -> /x/a", "put tree/b -> /x/b", "put tree/empty -> /x/empty"];
        assert_eq!(sorted(person.ok(&["put", "-n", "tree/", "/x/"])), would);
        assert_eq!(person.run(&["put", "-n", "tree/", "/x/"]).stderr, b"");
        let told = person.ok(&["put", "--dry-run", "--json", "tree/a", "/x/"]);
        let object: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&object["dry_run"], &object["to"]), (&true.into(), &"/x/a".into()));
        assert_eq!(person.ok(&["put", "-n", "-", "/x/stdin"]), "put - -> /x/stdin\n");
        assert_eq!(client.names("/"), [""; 0]);

        person.ok(&["put", "tree", "/x/"]);
        let would = ["get /x/tree/a -> to/tree/a", "get /x/tree/b -> to/tree/b"];
        assert_eq!(sorted(person.ok(&["get", "-n", "/x/tree", "to/"])), would);
        assert!(!person.path("to").exists());
        assert_eq!(
            person.ok(&["put", "-n", "--checksum", "tree", "/x/"]),
            "put tree/empty -> /x/tree/empty\n"
        );
    });
}

fn nobody_has_to_read_what_is_told() {
    with_person(|person, client| {
        for i in 0..12 {
            plant(person, &format!("tree/{i}"), digest::content(i, 300_000));
        }
        for words in ["put tree/ /tree/", "get /tree/ to/", "sync up tree /synced"] {
            let words: Vec<_> = words.split(' ').collect();
            let mut command = person.command(&[&["--json"], &words[..]].concat());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        }
        assert_eq!(client.names("/tree").len(), 12);
        assert_eq!(client.names("/synced").len(), 12);
        assert_eq!(fs::read_dir(person.path("to")).unwrap().count(), 12);
    });
}

fn limits_have_their_exit_codes() {
    with_person(|person, client| {
        for i in 0..5 {
            plant(person, &format!("tree/{i}"), digest::content(i, 100_000));
        }
        let complaint = person.ends(8, &["put", "--max-transfer", "250k", "tree/", "/tree/"]);
        assert!(complaint.contains("--max-transfer"), "{complaint}");
        assert_eq!(client.names("/tree").len(), 2);
        person.ends(8, &["get", "--max-transfer", "100000", "/tree/", "one/"]);
        assert_eq!(fs::read_dir(person.path("one")).unwrap().count(), 1);
        person.ends(0, &["put", "--max-transfer", "500000", "tree/", "/tree/"]);

        // What is left out takes nothing from the limit: every run gets further.
        for transfer in [
            ["put", "--checksum", "tree/", "/further/"],
            ["get", "--checksum", "/tree/", "further/"],
            ["get", "--update", "/tree/", "further still/"],
        ] {
            for code in [8, 8, 0] {
                person.ends(code, &[&transfer[..], &["--max-transfer", "250k"]].concat());
            }
        }

        let no_transfer = ["put", "--error-on-no-transfer", "--checksum", "tree/", "/tree/"];
        person.ends(9, &no_transfer);
        plant(person, "tree/5", "new");
        person.ends(0, &no_transfer);
        person.ends(9, &["get", "--error-on-no-transfer", "--include", "none", "/tree/", "two/"]);

        let begun = Instant::now();
        let mut endless = person.command(&["put", "-", "/endless", "--max-duration", "1s"]);
        let mut endless = endless.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        endless.stdin.as_mut().unwrap().write_all(b"the beginning").unwrap();
        let stdin = endless.stdin.take();
        let output = endless.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), Some(10), "{}", said(&output));
        assert!(said(&output).contains("--max-duration"), "{}", said(&output));
        assert!(begun.elapsed() < Duration::from_secs(20));
        client.is_missing("/endless");
        plant(person, "large", digest::content(9, 4_000_000));
        person.ends(10, &["put", "large", "/", "--bwlimit", "500k", "--max-duration", "1"]);
        client.is_missing("/large");
        person.ends(2, &["put", "large", "/", "--max-duration", "soon"]);
    });
}

fn a_pipe_gets_a_line_for_each_file() {
    with_person(|person, _| {
        plant(person, "tree/a", "a");
        plant(person, "tree/b", digest::content(1, 400_000));
        plant(person, "tree/c", "");
        let lines = |arguments: &[&str]| {
            let output = person.run(arguments);
            assert!(output.status.success(), "{}", said(&output));
            let mut lines: Vec<_> =
                String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect();
            let summary = lines.pop().unwrap_or_default();
            lines.sort();
            (String::from_utf8(output.stdout).unwrap(), lines, summary)
        };
        let (data, told, summary) = lines(&["put", "tree/", "/x/"]);
        assert_eq!(told, ["tree/a -> /x/a", "tree/b -> /x/b", "tree/c -> /x/c"]);
        assert!(summary.starts_with("3 files, 390.6 KiB in "), "{summary}");
        assert_eq!(data, "");
        let (data, told, summary) = lines(&["get", "/x/", "to/"]);
        assert_eq!(told, ["/x/a -> to/a", "/x/b -> to/b", "/x/c -> to/c"]);
        assert!(summary.starts_with("3 files, 390.6 KiB in "), "{summary}");
        assert_eq!(data, "");
        for arguments in [["put", "-q", "tree/", "/x/"], ["get", "-q", "/x/", "to/"]] {
            assert_eq!(lines(&arguments), (String::new(), vec![], String::new()));
        }
        let (data, told, summary) = lines(&["put", "--json", "tree/", "/x/"]);
        assert_eq!((data.lines().count(), told.len(), summary.as_str()), (3, 0, ""));
        let (_, told, _) = lines(&["put", "-v", "--checksum", "tree/", "/x/"]);
        assert_eq!(told.iter().filter(|line| line.contains("left out")).count(), 3, "{told:?}");
    });
}

// Each has a line, a reason and a lot of its own.
fn of_three_hundred_files_some_fail() {
    with_target(|t| {
        let client = t.demo();
        let person = Person::new(&client);
        for i in 0..300 {
            // What PCS takes for no name; and every seventh file is empty.
            let name = if i % 10 == 3 { format!("bad:{i}") } else { format!("good {i}") };
            let text = if i % 7 == 0 { String::new() } else { format!("content {i}") };
            plant(&person, &format!("tree/{}/{name}", i % 4), text);
        }
        let output = person.run(&["--json", "put", "tree/", "/apps/demo/tree/"]);
        assert_eq!(output.status.code(), Some(6), "{}", said(&output));
        let done = String::from_utf8(output.stdout).unwrap();
        assert_eq!(done.lines().count(), 270);
        assert!(done.lines().all(|line| line.contains("good ")));
        let failed = String::from_utf8(output.stderr).unwrap();
        let errors: Vec<Value> =
            failed.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        for i in (3..300).step_by(10) {
            let name = format!("tree/{}/bad:{i}:", i % 4);
            let own =
                errors.iter().filter(|error| error["error"].as_str().unwrap().starts_with(&name));
            let codes: Vec<_> = own.map(|error| error["error_code"].as_u64()).collect();
            assert_eq!(codes, [Some(31062)], "{name}");
        }
        assert_eq!(errors.len(), 31, "and the sum");
        person.ok(&["get", "/apps/demo/tree/", "back/"]);
        for i in (0..300).filter(|i| i % 10 != 3) {
            let name = format!("{}/good {i}", i % 4);
            let (sent, back) = (format!("tree/{name}"), format!("back/{name}"));
            assert_eq!(
                fs::read(person.path(&back)).unwrap(),
                fs::read(person.path(&sent)).unwrap()
            );
        }
    });
}

fn two_files_do_not_take_one_place() {
    with_person(|person, client| {
        plant(person, "one/file", "one");
        plant(person, "two/file", "two");
        let complaint = person.ends(6, &["put", "one/file", "two/file", "/to/"]);
        assert!(complaint.contains("two/file: another file goes to /to/file"), "{complaint}");
        assert_eq!(client.get("/to/file").file(), b"one");
        person.ok(&["put", "--on-dup", "newcopy", "one/file", "two/file", "/both/"]);
        assert_eq!(client.names("/both").len(), 2);
        person.ok(&["put", "one", "two", "/apart/"]);
        let complaint = person.ends(6, &["get", "/apart/one/file", "/apart/two/", "back/"]);
        assert!(complaint.contains("/apart/two/file: another file goes to"), "{complaint}");
        assert_eq!(fs::read(person.path("back/file")).unwrap(), b"one");
        // To the storage these are one name.
        plant(person, "twins/caf\u{e9}", "composed");
        plant(person, "twins/cafe\u{301}", "decomposed");
        let complaint = person.ends(6, &["put", "twins/", "/twins/"]);
        assert!(complaint.contains("another file goes to"), "{complaint}");
        assert_eq!(client.names("/twins").len(), 1);
    });
}

fn what_changes_meanwhile_is_tried_again() {
    with_person(|person, client| {
        plant(person, "tree/quiet", "quiet");
        plant(person, "tree/busy", digest::content(1, 8_000_000));
        let path = person.path("tree/busy");
        let is_over = AtomicBool::new(false);
        scope(|scope| {
            scope.spawn(|| {
                let file = File::options().write(true).open(&path).unwrap();
                let begun = Instant::now();
                while !is_over.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(20) {
                    file.set_modified(SystemTime::now()).unwrap();
                    sleep(Duration::from_millis(1));
                    // It is quiet from when the other file is there.
                    is_over.store(
                        client.meta("/tree/quiet").status() == 200
                            && begun.elapsed() > Duration::from_secs(1),
                        Ordering::SeqCst,
                    );
                }
            });
            let output = person.run(&["put", "tree/", "/tree/", "--retries", "6"]);
            is_over.store(true, Ordering::SeqCst);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(0), "{said}");
            assert!(said.contains("it is tried again after the others"), "{said}");
            assert!(said.contains("trying 1 item again (1 of 6)"), "{said}");
        });
        assert!(client.get("/tree/busy").file() == fs::read(&path).unwrap());
    });
}

fn a_limit_of_bytes_a_second_is_kept() {
    with_person(|person, _| {
        // Large and small files share it.
        for i in 0..8 {
            plant(person, &format!("tree/{i}"), digest::content(i, 100_000));
        }
        plant(person, "tree/large", digest::content(9, 1_200_000));
        for arguments in [["put", "tree/", "/tree/"], ["get", "/tree/", "back/"]] {
            let begun = Instant::now();
            person.ok(&[&arguments[..], &["--bwlimit", "1M"]].concat());
            assert!(begun.elapsed() > Duration::from_millis(1500), "{:?}", begun.elapsed());
        }
    });
}

fn it_is_told_when_nothing_moves() {
    with_person(|person, client| {
        let relay = Relay::start(client.address());
        let behind = Person::new(&Client::new(&relay.address, &person.token));
        plant(&behind, "large", digest::content(1, 1_000_000));
        relay.hold(true);
        let mut put = behind.command(&["put", "large", "/large"]);
        let put = put.stderr(Stdio::piped()).spawn().unwrap();
        sleep(Duration::from_secs(13));
        relay.hold(false);
        let output = put.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let note = "note: nothing has moved for 10 s: `large` ";
        assert_eq!(said(&output).matches(note).count(), 1, "{}", said(&output));
        assert!(client.get("/large").file() == digest::content(1, 1_000_000));
    });
}

fn a_service_that_is_gone_ends_the_command() {
    with_person(|person, _| {
        plant(person, "tree/a", "a");
        // Nobody listens there: the question about DEST ends it.
        let gone = ["--endpoint", "http://127.0.0.1:1"];
        let complaint = person.ends(5, &[&gone[..], &["put", "tree/", "/x/"]].concat());
        assert!(complaint.contains("hint:"), "{complaint}");
    });
}
