//! What people see of `pan sync`.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Client, Target, TokenSpec, digest};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::person::{Person, said};
use crate::server::{CommandLine, Server, empty_directory};
use crate::shared::with_target;

crate::tests![
    what_did_not_change_is_neither_asked_about_nor_read,
    what_is_equal_is_not_sent_again,
    up_and_down_delete_only_when_they_are_told_to,
    nothing_is_deleted_beyond_the_limit,
    an_empty_side_is_not_believed,
    both_versions_of_a_file_are_kept,
    a_renamed_directory_is_renamed,
    a_deleted_directory_is_one_record_in_the_bin,
    names_that_the_storage_takes_for_one_are_told_apart,
    what_cannot_be_synchronised_is_left_alone,
    a_replaced_file_keeps_its_mode_and_gets_the_time,
    a_dry_run_only_tells,
    what_a_filter_leaves_out_is_left_alone,
    two_runs_do_not_mix,
    a_watch_carries_changes_both_ways,
];

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

fn with_person(spec: &TokenSpec, story: impl Fn(&Person, &Client)) {
    with_target(|t: &Target<'_>| {
        let client = t.caller(spec);
        let person = Person::new(&client);
        fs::create_dir(person.path("tree")).unwrap();
        story(&person, &client);
    });
}

fn relaxed() -> TokenSpec {
    TokenSpec::rooted("/").relaxed()
}

/// Writes files into the tree, their content made from their names.
fn plant(person: &Person, names: &[&str]) {
    for name in names {
        let path = person.path("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    // A file that was just written is read again, to be sure.
    sleep(Duration::from_millis(60));
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Synchronises; the objects of the actions, and the one of the summary.
#[track_caller]
fn sync(person: &Person, arguments: &[&str]) -> (Vec<Value>, Value) {
    let told = person.ok(&[&["--json", "sync"], arguments].concat());
    let mut objects: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let summary = objects.pop().expect("a summary");
    assert_eq!(summary["action"], "summary");
    (objects, summary)
}

const BOTH: &[&str] = &["both", "tree", "/t"];

fn what_did_not_change_is_neither_asked_about_nor_read() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let accounts = CommandLine(&data);
    let t = Target::with_quota(&server.address, &accounts, "ann", None);
    let client = t.caller(&relaxed());
    let person = Person::new(&client);
    plant(&person, &["a", "b/c", "b/d", "e/f/g"]);
    let (done, _) = sync(&person, BOTH);
    assert_eq!(done.len(), 7, "{done:?}");
    sync(&person, BOTH);
    // Every request has a number, and the next one has the next number.
    let number = || client.file("list").param("path", "/").get().send().ok()["request_id"].as_u64();
    let before = number().unwrap();
    let (done, summary) = sync(&person, BOTH);
    assert_eq!(number().unwrap() - before, 2, "one request: for the feed");
    assert_eq!((done.len(), &summary["read"]), (0, &0.into()), "{done:?} {summary}");
    assert_eq!(summary["unchanged"], 7);
    // Touched and not changed: read, and not sent.
    let file = fs::File::options().write(true).open(person.path("tree/a")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let (done, summary) = sync(&person, BOTH);
    assert_eq!((done.len(), &summary["read"]), (0, &1.into()));
    server.check();
    server.stop();
}

fn what_is_equal_is_not_sent_again() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a", "b/c"]);
        person.ok(&["put", "tree/", "/t"]);
        for direction in ["up", "down", "both"] {
            let (done, summary) = sync(person, &[direction, "tree", "/t"]);
            assert!(done.is_empty(), "{direction}: {done:?} {summary}");
        }
        // A state that is lost costs reading, and nothing else.
        fs::remove_dir_all(person.path("state")).unwrap();
        let (done, summary) = sync(person, BOTH);
        assert_eq!((done.len(), &summary["read"]), (0, &2.into()), "{done:?}");
        fs::write(person.path("tree/a"), "A").unwrap();
        sync(person, &["up", "tree", "/t"]);
        assert_eq!(client.get("/t/a").file(), b"A");
        // The same size, the same content on both sides: nothing to decide.
        client.put_ondup("/t/a", b"B", "overwrite").ok();
        fs::write(person.path("tree/a"), "B").unwrap();
        let (done, _) = sync(person, BOTH);
        assert!(done.is_empty(), "{done:?}");
    });
}

fn up_and_down_delete_only_when_they_are_told_to() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a", "d/b"]);
        client.put("/t/theirs", b"x").ok();
        sync(person, &["up", "tree", "/t"]);
        assert_eq!(client.names("/t"), ["a", "d", "theirs"]);
        sync(person, &["up", "--delete", "tree", "/t"]);
        assert_eq!(client.names("/t"), ["a", "d"]);
        client.rm("/t/d").ok();
        client.put("/t/new", b"x").ok();
        fs::write(person.path("tree/ours"), "x").unwrap();
        sync(person, &["down", "tree", "/t"]);
        assert_eq!(names_in(&person.path("tree")), ["a", "d", "new", "ours"]);
        sync(person, &["down", "--delete", "tree", "/t"]);
        assert_eq!(names_in(&person.path("tree")), ["a", "new"]);
        // A directory in the way of a file goes only then, too.
        client.rm("/t/new").ok();
        client.mkdir("/t/new").ok();
        assert!(person.ends(1, &["sync", "up", "tree", "/t"]).contains("in the way"));
        sync(person, &["up", "--delete", "tree", "/t"]);
        assert_eq!(client.get("/t/new").file(), b"x");
        // Newer files stay.
        fs::write(person.path("tree/a"), "ours").unwrap();
        let file = fs::File::options().write(true).open(person.path("tree/a")).unwrap();
        file.set_modified(std::time::SystemTime::now() + Duration::from_secs(10)).unwrap();
        let (done, _) = sync(person, &["down", "--update", "tree", "/t"]);
        assert!(done.is_empty(), "{done:?}");
        person.ends(3, &["sync", "down", "tree", "/nothing"]);
        person.ends(3, &["sync", "up", "nothing", "/t"]);
        person.ends(2, &["sync", "both", "--delete", "tree", "/t"]);
    });
}

fn nothing_is_deleted_beyond_the_limit() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a", "b", "c", "d"]);
        sync(person, BOTH);
        for name in ["a", "b", "c"] {
            fs::remove_file(person.path("tree").join(name)).unwrap();
        }
        fs::write(person.path("tree/new"), "x").unwrap();
        let complaint = person.ends(7, &["sync", "both", "--max-delete", "2", "tree", "/t"]);
        assert!(complaint.contains("3 deletions"), "{complaint}");
        assert_eq!(client.names("/t"), ["a", "b", "c", "d"]);
        sync(person, &["both", "--max-delete", "3", "tree", "/t"]);
        assert_eq!(client.names("/t"), ["d", "new"]);
    });
}

fn an_empty_side_is_not_believed() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a", "b"]);
        sync(person, BOTH);
        // A disk that is not mounted.
        fs::rename(person.path("tree"), person.path("elsewhere")).unwrap();
        assert!(person.ends(3, &["sync", "both", "tree", "/t"]).contains("mounted"));
        fs::create_dir(person.path("tree")).unwrap();
        assert!(person.ends(7, &["sync", "both", "tree", "/t"]).contains("mounted"));
        assert_eq!(client.names("/t"), ["a", "b"]);
        person.ends(7, &["sync", "up", "--delete", "tree", "/t"]);
        assert_eq!(client.names("/t"), ["a", "b"]);
        fs::remove_dir(person.path("tree")).unwrap();
        fs::rename(person.path("elsewhere"), person.path("tree")).unwrap();
        let (done, _) = sync(person, BOTH);
        assert!(done.is_empty(), "{done:?}");
        // A directory that somebody moved away in the storage.
        client.mv("/t", "/elsewhere").ok();
        assert!(person.ends(7, &["sync", "both", "tree", "/t"]).contains("moved"));
        assert_eq!(names_in(&person.path("tree")), ["a", "b"]);
        client.mv("/elsewhere", "/t").ok();
        let (done, _) = sync(person, BOTH);
        assert!(done.is_empty(), "{done:?}");
        // Who means it says so.
        client.rm("/t").ok();
        sync(person, &["both", "--force", "tree", "/t"]);
        assert!(names_in(&person.path("tree")).is_empty());
    });
}

fn both_versions_of_a_file_are_kept() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a.txt", "b"]);
        sync(person, BOTH);
        fs::write(person.path("tree/a.txt"), "ours").unwrap();
        client.put_ondup("/t/a.txt", b"theirs", "overwrite").ok();
        fs::remove_file(person.path("tree/b")).unwrap();
        client.put_ondup("/t/b", b"edited", "overwrite").ok();
        let (done, summary) = sync(person, BOTH);
        assert_eq!(summary["conflicts"], 1, "{done:?}");
        let names = client.names("/t");
        assert_eq!(names_in(&person.path("tree")), names);
        let copy = &names[0];
        assert!(copy.starts_with("a.conflict-") && copy.ends_with(".txt"), "{names:?}");
        assert_eq!(client.get(&format!("/t/{copy}")).file(), b"ours");
        assert_eq!(fs::read(person.path("tree/a.txt")).unwrap(), b"theirs");
        assert_eq!(fs::read(person.path("tree/b")).unwrap(), b"edited", "edit beats deletion");
    });
}

fn a_renamed_directory_is_renamed() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["photos/a", "photos/sub/b", "c"]);
        sync(person, BOTH);
        let number = client.entry("/t/photos/a")["fs_id"].clone();
        fs::create_dir(person.path("tree/2026")).unwrap();
        fs::rename(person.path("tree/photos"), person.path("tree/2026/sea")).unwrap();
        let (done, summary) = sync(person, BOTH);
        assert_eq!((&summary["moved"], &summary["up"]), (&1.into(), &0.into()), "{done:?}");
        assert_eq!(client.entry("/t/2026/sea/a")["fs_id"], number);
        client.mv("/t/2026/sea", "/t/land").ok();
        let (done, summary) = sync(person, BOTH);
        assert_eq!((&summary["moved"], &summary["down"]), (&1.into(), &0.into()), "{done:?}");
        assert_eq!(fs::read(person.path("tree/land/sub/b")).unwrap(), b"photos/sub/b");
        let (done, _) = sync(person, BOTH);
        assert!(done.is_empty(), "{done:?}");
    });
}

fn a_deleted_directory_is_one_record_in_the_bin() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["d/a", "d/e/b", "c"]);
        sync(person, BOTH);
        fs::remove_dir_all(person.path("tree/d")).unwrap();
        sync(person, BOTH);
        let bin = client.bin();
        let paths: Vec<_> = bin.iter().map(|record| record["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["/t/d"]);
        client.restore(&bin[0]["fs_id"]).ok();
        sync(person, BOTH);
        assert_eq!(fs::read(person.path("tree/d/e/b")).unwrap(), b"d/e/b");
    });
}

fn names_that_the_storage_takes_for_one_are_told_apart() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["\u{e9}.txt", "e\u{301}.txt", "d\u{e9}/a", "de\u{301}/b", "x", "X"]);
        sync(person, BOTH);
        let names = client.names("/t");
        assert_eq!(names.len(), 6, "{names:?}");
        let mut here: Vec<String> =
            names_in(&person.path("tree")).iter().map(|name| name.nfc().collect()).collect();
        here.sort();
        assert_eq!(here, names, "the storage has the names in their NFC form");
        let copies = names.iter().filter(|name| name.contains(".conflict-")).count();
        assert_eq!(copies, 2, "{names:?}");
        // A spelling of its own is no change, and what is new goes into it.
        client.mv("/t/x", "/t/u\u{308}/x").ok();
        plant(person, &["o\u{308}/a"]);
        sync(person, BOTH);
        client.put("/t/\u{f6}/b", b"b").ok();
        sync(person, BOTH);
        assert_eq!(names_in(&person.path("tree/o\u{308}")), ["a", "b"]);
        let (done, _) = sync(person, BOTH);
        assert!(done.is_empty(), "{done:?}");
    });
}

fn what_cannot_be_synchronised_is_left_alone() {
    use std::os::unix::ffi::OsStrExt;
    with_person(&TokenSpec::rooted("/"), |person, client| {
        plant(person, &["good", "d/a:b", "linked"]);
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9");
        fs::write(person.path("tree").join(odd), "x").unwrap();
        std::os::unix::fs::symlink("good", person.path("tree/link")).unwrap();
        let complaint = person.ends(6, &["sync", "both", "tree", "/t"]);
        for part in ["31062", "not UTF-8", "symbolic link"] {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
        assert_eq!(client.names("/t"), ["d", "good", "linked"]);
        // What has become a link is not gone.
        fs::remove_file(person.path("tree/linked")).unwrap();
        std::os::unix::fs::symlink("good", person.path("tree/linked")).unwrap();
        // A directory stays when something in it could not be carried over.
        client.rm("/t/d").ok();
        person.ends(6, &["sync", "both", "tree", "/t"]);
        assert!(client.names("/t").contains(&"linked".to_owned()));
        assert_eq!(fs::read(person.path("tree/d/a:b")).unwrap(), b"d/a:b");
        fs::remove_file(person.path("tree").join(odd)).unwrap();
        fs::remove_file(person.path("tree/d/a:b")).unwrap();
        sync(person, &["both", "--follow", "tree", "/t"]);
        assert_eq!(client.get("/t/link").file(), b"good");
    });
}

fn a_replaced_file_keeps_its_mode_and_gets_the_time() {
    use std::os::unix::fs::PermissionsExt;
    with_person(&relaxed(), |person, client| {
        plant(person, &["run.sh"]);
        let file = person.path("tree/run.sh");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        sync(person, BOTH);
        let large = digest::content(7, 3 << 20);
        client.put_ondup("/t/run.sh", &large, "overwrite").ok();
        sync(person, BOTH);
        assert_eq!(fs::read(&file).unwrap(), large);
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o755);
        let mtime = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(client.entry("/t/run.sh")["mtime"], mtime.as_secs());
        let other = digest::content(8, 3 << 20);
        fs::write(&file, &other).unwrap();
        sync(person, &["both", "--threshold", "1M", "--part-size", "1M", "tree", "/t"]);
        assert_eq!(client.get("/t/run.sh").file(), other);
        assert_eq!(client.names("/t"), ["run.sh"]);
        let bin = client.bin();
        assert_eq!(bin[0]["md5"], digest::md5_hex(&large).as_str(), "the old version: {bin:?}");
        assert_eq!(names_in(&person.path("tree")), ["run.sh"], "nothing is left behind");
    });
}

fn a_dry_run_only_tells() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a", "b", "c"]);
        sync(person, BOTH);
        fs::remove_file(person.path("tree/a")).unwrap();
        fs::rename(person.path("tree/b"), person.path("tree/b2")).unwrap();
        client.put("/t/new", b"x").ok();
        let told = person.ok(&["sync", "both", "--dry-run", "tree", "/t"]);
        for line in ["delete_remote a", "move_remote   b -> b2", "download      new"] {
            assert!(told.contains(line), "{told}");
        }
        assert_eq!(client.names("/t"), ["a", "b", "c", "new"]);
        assert_eq!(names_in(&person.path("tree")), ["b2", "c"]);
    });
}

fn what_a_filter_leaves_out_is_left_alone() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a.txt", "b.tmp", "d/c.tmp", "d/e.txt", "f/g.txt"]);
        sync(person, BOTH);
        // A filter that comes later deletes nothing, here or there.
        let filtered = ["both", "--exclude", "*.tmp", "tree", "/t"];
        let (done, _) = sync(person, &filtered);
        assert!(done.is_empty(), "{done:?}");
        fs::remove_file(person.path("tree/b.tmp")).unwrap();
        client.rm("/t/d/c.tmp").ok();
        fs::remove_dir_all(person.path("tree/d")).unwrap();
        fs::create_dir(person.path("tree/d")).unwrap();
        fs::write(person.path("tree/d/new.tmp"), "x").unwrap();
        sync(person, &filtered);
        assert_eq!(client.names("/t"), ["a.txt", "b.tmp", "d", "f"]);
        assert!(client.names("/t/d").is_empty());
        assert_eq!(names_in(&person.path("tree/d")), ["new.tmp"]);
        // A directory that goes keeps what nobody may touch.
        client.rm("/t/f").ok();
        fs::write(person.path("tree/f/h.tmp"), "x").unwrap();
        sync(person, &filtered);
        assert_eq!(names_in(&person.path("tree/f")), ["h.tmp"]);
        // An ignore file does as well, and a spoilt one stops everything beside it.
        fs::write(person.path("tree/.openpanignore"), "*.log\n").unwrap();
        plant(person, &["x.log"]);
        sync(person, &filtered);
        assert!(!client.names("/t").contains(&"x.log".to_owned()));
        assert!(client.names("/t").contains(&"a.txt".to_owned()));
        sync(person, &["up", "--delete", "--exclude", "*.tmp", "tree", "/t"]);
        assert!(client.names("/t").contains(&"b.tmp".to_owned()));
    });
}

/// A `pan` that runs until it is told to end.
pub(super) struct Running(Child);

impl Running {
    pub(super) fn start(person: &Person, arguments: &[&str]) -> Self {
        let mut command = person.command(arguments);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
pub(super) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: it does not happen");
        sleep(Duration::from_millis(20));
    }
}

fn two_runs_do_not_mix() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["a"]);
        let watching = Running::start(person, &["sync", "both", "--watch", "tree", "/t"]);
        wait_until("the first pass", || !client.meta("/t/a").status().ge(&400));
        for direction in ["both", "up", "down"] {
            let output = person.run(&["sync", direction, "tree", "/t"]);
            assert_eq!(output.status.code(), Some(5), "{}", said(&output));
        }
        // Another pair of directories is no rival.
        sync(person, &["both", "tree", "/other"]);
        drop(watching);
        sync(person, BOTH);
    });
}

fn a_watch_carries_changes_both_ways() {
    with_person(&relaxed(), |person, client| {
        plant(person, &["first"]);
        let watch = ["sync", "both", "--watch", "--interval", "1", "tree", "/t"];
        let watching = Running::start(person, &watch);
        let is_there = |path: &str| client.meta(path).status() == 200;
        wait_until("the first pass", || is_there("/t/first"));
        fs::create_dir(person.path("tree/d")).unwrap();
        fs::write(person.path("tree/d/ours"), "ours").unwrap();
        wait_until("a local file", || is_there("/t/d/ours"));
        client.put("/t/theirs", b"theirs").ok();
        let theirs = person.path("tree/theirs");
        wait_until("a remote file", || theirs.exists());
        fs::remove_file(&theirs).unwrap();
        wait_until("a local deletion", || !is_there("/t/theirs"));
        client.mv("/t/d", "/t/e").ok();
        wait_until("a remote renaming", || person.path("tree/e/ours").exists());
        assert_eq!(watching.end(), Some(143));
        let (done, _) = sync(person, BOTH);
        assert!(done.is_empty(), "{done:?}");
    });
}
