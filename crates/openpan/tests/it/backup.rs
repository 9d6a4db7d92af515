//! Backups: of a store in use, into what can be served as it is, and again
//! into the same place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use pan_conformance::pcs::{Client, digest};

use crate::damage::blob_files;
use crate::server::{Server, empty_directory, fail, openpan, succeed};
use crate::streaming::playlist::Playlist;

crate::tests![
    a_backup_under_load_is_served_whole,
    a_second_backup_copies_what_is_new,
    damage_is_told_and_does_not_stop_the_rest,
    a_large_damaged_content_is_told_once,
    a_beginning_is_no_backup,
    a_killed_backup_goes_on,
    only_a_place_of_backups_is_written_to,
    a_backup_needs_no_server,
    a_cursor_of_the_original_begins_anew_in_a_copy,
    a_link_of_the_original_leads_nowhere_in_a_copy,
];

fn content_of(number: u64) -> Vec<u8> {
    let size = match number % 5 {
        0 => 5_000_000,
        1 | 2 => 9_000,
        _ => 300_000,
    };
    digest::content(7_000 + number, size + number as usize)
}

fn backup(data: &Path, place: &Path) -> String {
    succeed(openpan(data, &["backup", place.to_str().unwrap()]))
}

/// Serves a backup and compares all that was put before it.
fn drill(place: &Path, token: &str, numbers: std::ops::Range<u64>) {
    succeed(openpan(place, &["check", "--read-data"]));
    let server = Server::start(place);
    assert_eq!(server.setup_token(), None, "its users are there");
    let client = Client::new(&server.address, token);
    for number in numbers {
        assert!(client.get(&format!("/{number}")).file() == content_of(number), "{number}");
    }
    client.put("/new", b"a store of its own").ok();
    server.check();
    server.stop();
}

// The restore drill of docs/server.md.
fn a_backup_under_load_is_served_whole() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    for number in 0..20 {
        admin.put(&format!("/{number}"), &content_of(number)).ok();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 0..3u64 {
            let client = Client::new(&server.address, admin.token());
            let done = &done;
            scope.spawn(move || {
                for round in 0.. {
                    let number = 100 + worker * 1000 + round;
                    let path = format!("/load/{worker}/{}", round % 7);
                    client.put_ondup(&path, &content_of(number), "overwrite").ok();
                    if round % 3 == 0 {
                        client.file("delete").param("path", path).send().ok();
                    }
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        // What ends before the backup begins is in it, however busy it is.
        admin.put("/20", &content_of(20)).ok();
        let said = backup(&data, &place);
        // And while something is in use a backup is no less whole.
        let again = backup(&data, &directory.path().join("other"));
        // Nor does a scrub cry wolf about what changes under it.
        server.run(&["scrub"]);
        done.store(true, Ordering::SeqCst);
        assert!(said.contains("is a whole backup") && again.contains("is a whole backup"));
    });
    server.check();
    server.stop();
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    for file in blob_files(&place).iter().chain(&[place.join("meta.db"), place.join("backup")]) {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    drill(&place, admin.token(), 0..21);
    drill(&directory.path().join("other"), admin.token(), 0..21);
}

fn a_second_backup_copies_what_is_new() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    for number in 0..5 {
        admin.put(&format!("/{number}"), &content_of(number)).ok();
    }
    assert!(backup(&data, &place).starts_with("copied 4 blobs"));
    assert!(backup(&data, &place).starts_with("copied 0 blobs, 0 B; 4 were there"));
    admin.put("/5", &content_of(5)).ok();
    let said = backup(&data, &place);
    assert!(said.starts_with("copied 2 blobs") && said.contains("4 were there"), "{said}");
    // A blob that no row names belongs to an older backup.
    let spare = place.join("blobs/00000007");
    fs::create_dir(&spare).unwrap();
    fs::write(spare.join("00".repeat(12)), b"old").unwrap();
    // A log that somebody left who looked at the backup and was killed.
    fs::write(place.join("meta.db-wal"), b"").unwrap();
    let said = backup(&data, &place);
    assert!(said.contains("1 are not needed any more"), "{said}");
    // Through the directory as well as through the server.
    server.stop();
    assert!(backup(&data, &place).starts_with("copied 0 blobs"));
    drill(&place, admin.token(), 0..6);
    let said = fail(openpan(&data, &["backup", place.to_str().unwrap()]));
    assert!(said.contains("neither empty nor a place of backups"), "it was served: {said}");
}

fn damage_is_told_and_does_not_stop_the_rest() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    admin.put("/bad", &content_of(99)).ok();
    let [bad] = &blob_files(&data)[..] else { panic!("one blob") };
    for number in 0..4 {
        admin.put(&format!("/{number}"), &content_of(number)).ok();
    }
    let mut bytes = fs::read(bad).unwrap();
    bytes[100_000] ^= 2;
    fs::write(bad, &bytes).unwrap();
    let output = openpan(&data, &["backup", place.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && said.contains("(admin:/bad)"), "{said}");
    assert!(said.contains("everything but 1 contents"), "{said}");
    // Healed here, it is whole there after the next.
    admin.put("/again", &content_of(99)).ok();
    assert!(backup(&data, &place).contains("is a whole backup"));
    server.stop();
    drill(&place, admin.token(), 0..4);
}

fn a_large_damaged_content_is_told_once() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    // More blobs than are looked at together.
    server.admin().put("/bad", &digest::content(98, 24 << 20)).ok();
    for blob in blob_files(&data) {
        fs::remove_file(blob).unwrap();
    }
    let output = openpan(&data, &["backup", place.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("everything but 1 contents"), "{said}");
    assert_eq!(said.matches("(admin:/bad)").count(), 1, "{said}");
}

fn a_beginning_is_no_backup() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    for number in 0..4 {
        admin.put(&format!("/{number}"), &content_of(number)).ok();
    }
    backup(&data, &place);
    // As if it had broken off: no rows yet, and a blob that was never flushed.
    fs::remove_file(place.join("meta.db")).unwrap();
    let mark = fs::read_to_string(place.join("backup")).unwrap();
    fs::write(place.join("backup"), mark.replace("whole", "under way")).unwrap();
    let blob = &blob_files(&place)[0];
    let length = fs::metadata(blob).unwrap().len() as usize;
    fs::write(blob, vec![0; length]).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["check"], &["user", "list"]] {
        let said = fail(openpan(&place, command));
        assert!(said.contains("a backup that broke off"), "{command:?}: {said}");
    }
    let said = backup(&data, &place);
    assert!(said.starts_with("copied 1 blobs"), "what was not flushed is not trusted: {said}");
    server.stop();
    drill(&place, admin.token(), 0..4);
}

fn a_killed_backup_goes_on() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    for number in 0..40 {
        admin.put(&format!("/{number}"), &content_of(number)).ok();
    }
    server.stop();
    for millis in [20, 60, 120, 200, 300] {
        let mut child = openpan(&data, &["backup", place.to_str().unwrap()]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
        // Either a whole one of before, or none.
        let check = openpan(&place, &["check", "--read-data"]).output().unwrap();
        assert_eq!(check.status.success(), place.join("meta.db").exists(), "{check:?}");
    }
    assert!(backup(&data, &place).contains("is a whole backup"));
    drill(&place, admin.token(), 0..40);
}

fn only_a_place_of_backups_is_written_to() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let refused = |place: &Path| fail(openpan(&data, &["backup", place.to_str().unwrap()]));
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&data, &link).unwrap();
    for place in [data.clone(), data.join("blobs/backup"), link.join("new/backup")] {
        assert!(refused(&place).contains("lies in what is to be backed up"));
    }
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("letter"), b"dear").unwrap();
    assert!(refused(&home).contains("neither empty"));
    assert_eq!(fs::read_dir(&home).unwrap().count(), 1, "untouched");
    assert!(refused(&home.join("letter")).starts_with("error: "));
    // Backups of another store.
    let (other, place) = (directory.path().join("other"), directory.path().join("copy"));
    Server::start(&other).stop();
    backup(&other, &place);
    assert!(refused(&place).contains("of another store"));
    server.check();
}

fn a_backup_needs_no_server() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("a/b/copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    for number in 0..4 {
        admin.put(&format!("/{number}"), &content_of(number)).ok();
    }
    server.stop();
    backup(&data, &place);
    drill(&place, admin.token(), 0..4);
    let said = fail(openpan(&directory.path().join("none"), &["backup", "x"]));
    assert!(said.contains("holds no data"), "{said}");
}

// A copy gives the same revs to other changes: a cursor from before would skip
// some of them.
fn a_cursor_of_the_original_begins_anew_in_a_copy() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    let page = |client: &Client, cursor: &str| {
        client.file("diff").get().param("cursor", cursor).send().ok()
    };
    admin.put("/a", b"1").ok();
    let first = page(&admin, "null")["cursor"].as_str().unwrap().to_owned();
    assert_eq!(page(&admin, &first)["reset"], false);
    backup(&data, &place);
    succeed(openpan(&data, &["dump", directory.path().join("dump").to_str().unwrap()]));
    assert_eq!(page(&admin, &first)["reset"], false, "the original goes on");
    server.stop();
    let loaded = directory.path().join("loaded");
    succeed(openpan(&loaded, &["load", directory.path().join("dump").to_str().unwrap()]));
    for copy in [&place, &loaded] {
        let server = Server::start(copy);
        let client = Client::new(&server.address, admin.token());
        let told = page(&client, &first);
        assert_eq!((&told["reset"], told["entries"].as_object().unwrap().len()), (&true.into(), 1));
        let next = told["cursor"].as_str().unwrap();
        client.put("/b", b"2").ok();
        assert_eq!(page(&client, next)["reset"], false);
        server.stop();
    }
}

// A copy gives the same ids to other files: a link from before would lead to
// somebody else's.
fn a_link_of_the_original_leads_nowhere_in_a_copy() {
    let directory = empty_directory();
    let (data, place) = (directory.path().join("data"), directory.path().join("copy"));
    let server = Server::start(&data);
    let admin = server.admin();
    admin.put("/film.mp4", include_bytes!("../../../pan-conformance/golden/video.mp4")).ok();
    let mut piece = Playlist::of(&admin, "/film.mp4").segments.remove(0);
    assert_eq!(piece.status(), 200);
    backup(&data, &place);
    assert_eq!(piece.status(), 200, "the original goes on");
    let copy = Server::start(&place);
    piece.url = piece.url.replace(&server.address, &copy.address);
    assert_eq!(piece.status(), 403);
    let client = Client::new(&copy.address, admin.token());
    assert_eq!(Playlist::of(&client, "/film.mp4").segments[0].status(), 200);
}
