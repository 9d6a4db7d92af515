//! Damaged bytes are found, never served, and healed by an upload (G4–G6, T9).

use std::fs;
use std::path::{Path, PathBuf};

use pan_conformance::pcs::{Client, digest};

use crate::server::{Server, empty_directory, openpan, succeed};

crate::tests![
    a_flipped_bit_is_found_and_never_served,
    a_lost_blob_is_found,
    a_shortened_blob_is_never_served,
    a_flipped_bit_in_the_database_is_never_served,
    uploading_again_heals,
    what_is_damaged_is_not_found_by_rapid_upload,
    sec_symlink_blob,
];

const SIZE: usize = 1_000_000;

/// Every file below the directory of blobs.
pub(crate) fn blob_files(data: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![data.join("blobs")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files
}

/// A server with two files, one of which is then damaged, bytes on disk.
fn damaged(damage: impl Fn(&Path)) -> (tempfile::TempDir, Server, Client) {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    admin.put("/good", &digest::content(1, SIZE)).ok();
    let before = blob_files(&data);
    admin.put("/bad", &digest::content(2, SIZE)).ok();
    server.check();
    server.stop();
    let files = blob_files(&data);
    let mut new = files.iter().filter(|file| !before.contains(file));
    damage(new.next().expect("a file of a megabyte is a blob"));
    assert!(new.next().is_none(), "and only one");
    let server = Server::start(&data);
    let admin = Client::new(&server.address, admin.token());
    (directory, server, admin)
}

/// Reads the damaged file: whatever arrives is a true prefix, and not the whole.
fn is_never_served(admin: &Client) {
    for _ in 0..2 {
        let mut connection = admin.connect();
        let call = admin.file("download").get().param("path", "/bad");
        connection.send(&call.to_bytes()).unwrap();
        let Ok(head) = connection.read_head() else { continue };
        let body = connection.read_body("GET", &head);
        assert!(head.status >= 400 || body.is_err(), "a clean {} with wrong bytes", head.status);
    }
    assert!(admin.get("/good").file() == digest::content(1, SIZE), "the others are fine");
}

fn check_finds_it(directory: &Path) {
    let mut command = openpan(&directory.join("data"), &["check", "--read-data"]);
    let output = command.output().unwrap();
    assert!(!output.status.success(), "damaged data is called clean");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("findings"), "it goes on to the end and says what is wrong: {said}");
}

fn a_flipped_bit_is_found_and_never_served() {
    for position in [0, SIZE / 2, SIZE - 1] {
        let (directory, server, admin) = damaged(|blob| {
            let mut bytes = fs::read(blob).unwrap();
            bytes[position] ^= 1;
            fs::write(blob, bytes).unwrap();
        });
        is_never_served(&admin);
        check_finds_it(directory.path());
        server.stop();
        check_finds_it(directory.path());
    }
}

fn a_lost_blob_is_found() {
    let (directory, server, admin) = damaged(|blob| fs::remove_file(blob).unwrap());
    is_never_served(&admin);
    check_finds_it(directory.path());
    drop(server);
}

fn a_shortened_blob_is_never_served() {
    for length in [0, 1, SIZE as u64 / 2, SIZE as u64 - 1] {
        let (directory, server, admin) = damaged(|blob| {
            fs::File::options().write(true).open(blob).unwrap().set_len(length).unwrap();
        });
        is_never_served(&admin);
        check_finds_it(directory.path());
        drop(server);
    }
}

// A small content lies in the database; it is verified like any other (G4).
fn a_flipped_bit_in_the_database_is_never_served() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    let content = digest::content(3, 10_000);
    admin.put("/small", &content).ok();
    server.stop();
    let database = data.join("meta.db");
    let mut bytes = fs::read(&database).unwrap();
    let found = bytes.windows(64).position(|window| window == &content[..64]);
    bytes[found.expect("a small content lies in the database") + 10] ^= 4;
    fs::write(&database, bytes).unwrap();
    let server = Server::start(&data);
    let admin = Client::new(&server.address, admin.token());
    for range in ["bytes=0-", "bytes=0-20"] {
        let mut connection = admin.connect();
        let call = admin.file("download").get().param("path", "/small").field("Range", range);
        connection.send(&call.to_bytes()).unwrap();
        let Ok(head) = connection.read_head() else { continue };
        let body = connection.read_body("GET", &head);
        assert!(head.status >= 400 || body.is_err(), "a clean {} with wrong bytes", head.status);
    }
    check_finds_it(directory.path());
}

// G6: uploading the same content again replaces a corrupt copy.
fn what_is_damaged_is_not_found_by_rapid_upload() {
    let (_directory, server, admin) = damaged(|blob| fs::remove_file(blob).unwrap());
    is_never_served(&admin);
    admin.rapid("/bad2", &digest::content(2, SIZE)).refused(404, 31079);
    admin.rapid("/good2", &digest::content(1, SIZE)).ok();
    admin.put("/again", &digest::content(2, SIZE)).ok();
    admin.rapid("/bad2", &digest::content(2, SIZE)).ok();
    assert!(admin.get("/bad2").file() == digest::content(2, SIZE));
    server.check();
}

fn uploading_again_heals() {
    let (directory, server, admin) = damaged(|blob| {
        let mut bytes = fs::read(blob).unwrap();
        bytes[1000] ^= 0x80;
        fs::write(blob, bytes).unwrap();
    });
    is_never_served(&admin);
    admin.put("/again", &digest::content(2, SIZE)).ok();
    assert!(admin.get("/again").file() == digest::content(2, SIZE));
    assert!(admin.get("/bad").file() == digest::content(2, SIZE), "healed by its twin");
    server.check();
    server.stop();
    succeed(openpan(&directory.path().join("data"), &["check", "--read-data"]));
}

/// S10: a blob replaced by a link or a pipe serves no byte of anything else.
fn sec_symlink_blob() {
    let secret = empty_directory();
    let secret_file = secret.path().join("secret");
    fs::write(&secret_file, vec![b's'; SIZE + 4096]).unwrap();
    let (directory, server, admin) = damaged(|blob| {
        fs::remove_file(blob).unwrap();
        std::os::unix::fs::symlink(&secret_file, blob).unwrap();
    });
    is_never_served(&admin);
    check_finds_it(directory.path());
    drop(server);
    // A pipe that nobody writes to must not hold a worker for ever.
    let (directory, server, admin) = damaged(|blob| {
        fs::remove_file(blob).unwrap();
        let status = std::process::Command::new("mkfifo").arg(blob).status().unwrap();
        assert!(status.success());
    });
    is_never_served(&admin);
    check_finds_it(directory.path());
    drop(server);
}
