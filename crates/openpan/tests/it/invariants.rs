//! `openpan check` is what every other test ends in: here it is tested itself.
//! Each wrong row that a bug or a broken disk could leave must be found (G5).

use std::fs;
use std::path::Path;
use std::process::Command;

use pan_conformance::pcs::digest;

use crate::clients::python;
use crate::server::{Server, empty_directory, openpan, succeed};

crate::tests![check_finds_every_wrong_row];

/// One wrong row each: what it means, and the statement that makes it.
const WRONG: &[(&str, &str)] = &[
    ("used is too high", "UPDATE user SET used = used + 1"),
    ("used is too low", "UPDATE user SET used = used - 1"),
    ("the bin holds less than it says", "UPDATE user SET recycled = recycled + 1"),
    ("tmpfiles hold less than they say", "UPDATE user SET tmpfiles = tmpfiles + 1"),
    ("a rev was skipped", "UPDATE user SET rev = rev + 1"),
    ("a change is lost", "DELETE FROM change WHERE rev = 3"),
    ("ids may be given out twice", "UPDATE user SET next_n = 2"),
    ("a directory counts bytes that are not there", "UPDATE directory SET bytes = bytes + 1"),
    ("a directory counts too few entries", "UPDATE directory SET entries = entries - 1"),
    (
        "a directory counts a directory too many",
        "UPDATE directory SET directories = directories + 1",
    ),
    ("a directory counts an image too many", "UPDATE directory SET image = image + 1"),
    ("a list of images misses a file", "UPDATE entry SET media = NULL WHERE media = 3"),
    ("a list of videos has an image", "UPDATE entry SET media = 1 WHERE media = 3"),
    (
        "names are taken for indexed and are not",
        "INSERT INTO search_folded SELECT user_no, (user_no + 1) * 8589934592 - 1 FROM user",
    ),
    ("a directory has no totals", "DELETE FROM directory WHERE entries > 0"),
    (
        "a size is not that of the content",
        "UPDATE entry SET size = size + 1 WHERE size IS NOT NULL",
    ),
    ("an md5 is not that of the content", "UPDATE entry SET md5 = zeroblob(16) WHERE size > 0"),
    ("a parent is missing", "UPDATE entry SET parent = 7 WHERE size IS NOT NULL"),
    (
        "a parent is a file",
        "UPDATE entry SET parent = (SELECT fs_id FROM entry WHERE size = 100) WHERE size = 70000",
    ),
    (
        "a name is there twice",
        "UPDATE entry SET name_key = (SELECT name_key FROM entry WHERE size = 100),
                          parent = (SELECT parent FROM entry WHERE size = 100)
         WHERE size = 70000",
    ),
    ("a name is not spelt as its key", "UPDATE entry SET name = 'other' WHERE size = 100"),
    ("a directory is in itself", "UPDATE entry SET parent = fs_id WHERE name_key = 'deep'"),
    ("a directory is gone, its children are not", "DELETE FROM entry WHERE name_key = 'deep'"),
    ("a file points to no content", "UPDATE entry SET content = 987654 WHERE size = 100"),
    ("a content is lost", "DELETE FROM content WHERE size = 100"),
    ("a body is lost", "DELETE FROM body"),
    ("a body is another one", "UPDATE body SET bytes = zeroblob(length(bytes))"),
    ("a body is too short", "UPDATE body SET bytes = substr(bytes, 2)"),
    ("a blob's row is lost", "DELETE FROM blob WHERE seq = 1"),
    ("a blob is too short", "UPDATE blob SET size = size - 1"),
    ("a blob's digest is another one", "UPDATE blob SET root = zeroblob(32)"),
    ("a part is lost", "DELETE FROM part WHERE seq = 1"),
    (
        "a part is another content",
        "UPDATE part SET part = (SELECT content FROM entry WHERE size = 70000)",
    ),
    (
        "a content's digest is another one",
        "UPDATE content SET blake3 = zeroblob(32) WHERE size = 70000",
    ),
    ("a content's md5 is another one", "UPDATE content SET md5 = zeroblob(16) WHERE size = 70000"),
    ("a content's crc is another one", "UPDATE content SET crc32 = 1 WHERE size = 70000"),
    ("a content in use is about to go", "UPDATE content SET state = 2 WHERE size = 70000"),
    ("a tmpfile points to no content", "UPDATE tmpfile SET content = 987654"),
    ("the bin forgot an entry", "DELETE FROM recycled"),
    (
        "the bin names an entry that is live",
        "UPDATE recycled SET fs_id = (SELECT fs_id FROM entry WHERE size = 70000)
         WHERE path = '/gone'",
    ),
    ("the bin counts other bytes", "UPDATE recycled SET bytes = bytes + 1"),
    ("the bin calls an entry something else", "UPDATE recycled SET path = '/another'"),
    ("a place in the bin was never given out", "UPDATE recycled SET rev = 1000"),
    ("a place in the bin is none", "UPDATE recycled SET rev = 0"),
    ("two have one place in the bin", "UPDATE recycled SET rev = (SELECT max(rev) FROM recycled)"),
    (
        "an entry is in the bin and was purged",
        "INSERT INTO staged SELECT fs_id, 0, 1 FROM recycled LIMIT 1",
    ),
    ("a staged tree is not there", "INSERT INTO staged VALUES (8589990000, 0, 1)"),
    (
        "a staged tree is in the tree",
        "INSERT INTO staged SELECT fs_id, 0, 1 FROM entry WHERE name_key = 'deep'",
    ),
    ("a content that nobody points to is forgotten", "DELETE FROM maybe_unreferenced"),
    ("a name is not its own key", "UPDATE entry SET name = 'another' WHERE size = 70000"),
    ("a name has a slash", "UPDATE entry SET name_key = 'a/b' WHERE size = 70000"),
    ("a token belongs to nobody", "UPDATE token SET user_no = 77"),
];

fn check_finds_every_wrong_row() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    prepare(&data);
    let mut missed = Vec::new();
    for (i, (wrong, statement)) in WRONG.iter().enumerate() {
        let copy = directory.path().join(format!("copy{i}"));
        copy_directory(&data, &copy);
        change_rows(&copy.join("meta.db"), statement);
        let output = openpan(&copy, &["check", "--read-data"]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        if output.status.success() || said.is_empty() {
            missed.push(*wrong);
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    assert!(missed.is_empty(), "check calls this clean: {missed:#?}");
    // And what is not wrong is clean.
    succeed(openpan(&data, &["check", "--read-data"]));
}

/// A data directory with some of everything.
fn prepare(data: &Path) {
    let server = Server::start(data);
    let admin = server.admin();
    admin.put("/dir/deep/small", &digest::content(1, 100)).ok();
    admin.put("/dir/deep/middle.jpg", &digest::content(2, 70_000)).ok();
    admin.put("/dir/large", &digest::content(3, 5_000_000)).ok();
    let blocks =
        [admin.put_block(&digest::content(4, 50)), admin.put_block(&digest::content(5, 300_000))];
    admin.merge("/dir/merged", &blocks).ok();
    admin.put_block(&digest::content(6, 1_000));
    admin.put("/gone", &digest::content(7, 30_000)).ok();
    admin.rm("/gone").ok();
    admin.put("/went/with", &digest::content(10, 500)).ok();
    admin.rm("/went").ok();
    admin.put("/over", &digest::content(8, 40_000)).ok();
    admin.put_ondup("/over", &digest::content(9, 30), "overwrite").ok();
    server.stop();
    succeed(openpan(data, &["check", "--read-data"]));
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Runs a statement behind the server's back; it must change something.
fn change_rows(database: &Path, statement: &str) {
    let program = "import sqlite3, sys\n\
                   rows = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                   assert rows.execute(sys.argv[2]).rowcount > 0, 'no row changed'";
    let mut command = Command::new(python());
    command.args(["-c", program]).arg(database).arg(statement);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
}
