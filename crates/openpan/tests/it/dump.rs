//! All metadata as text, and a store made from it that is the same.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use pan_conformance::pcs::{Client, digest};

use crate::server::{Server, empty_directory, fail, openpan, succeed};

crate::tests![
    a_loaded_store_is_the_same_store,
    a_dump_is_the_same_from_a_running_server,
    a_dump_that_was_cut_is_refused,
    only_an_empty_directory_is_filled,
    a_log_that_is_left_is_no_part_of_what_is_loaded,
];

/// Something in every table.
fn prepare(server: &Server) -> Client {
    let admin = server.admin();
    for number in 0..1_200 {
        admin.file("mkdir").param("path", format!("/many/{number}")).send().ok();
    }
    admin.put("/照片/small", &digest::content(1, 9_000)).ok();
    admin.put("/large", &digest::content(2, 5_000_000)).ok();
    admin.put_ondup("/large", &digest::content(3, 300_000), "overwrite").ok();
    let blocks = [digest::content(4, 300_000), digest::content(5, 100)];
    let blocks: Vec<String> = blocks.iter().map(|block| admin.put_block(block)).collect();
    admin.merge("/superfile", &blocks).ok();
    admin.put("/deleted/\"quoted\" \\ \u{1f4be}", b"").ok();
    admin.file("delete").param("path", "/deleted").send().ok();
    admin
}

fn dump(data: &Path, file: &Path) -> String {
    succeed(openpan(data, &["dump", file.to_str().unwrap()]));
    fs::read_to_string(file).unwrap()
}

fn load(data: &Path, file: &Path) -> String {
    succeed(openpan(data, &["load", file.to_str().unwrap()]))
}

fn a_loaded_store_is_the_same_store() {
    let directory = empty_directory();
    let path = |name| directory.path().join(name);
    let server = Server::start(&path("data"));
    let admin = prepare(&server);
    server.stop();
    let text = dump(&path("data"), &path("first.jsonl"));
    for table in ["instance", "user", "token", "entry", "body", "blob", "part", "recycled"] {
        assert!(text.contains(&format!("{{\"table\":\"{table}\",")), "{table}");
    }
    assert!(text.starts_with("{\"format\":\"openpan dump 1\","));
    let said = load(&path("loaded"), &path("first.jsonl"));
    assert!(said.starts_with(&format!("loaded {} rows\n", text.lines().count() - 2)), "{said}");
    // Before anything else touches it.
    assert!(dump(&path("loaded"), &path("second.jsonl")) == text, "a dump of a load is the same");
    assert!(!path("data").join("frozen").read_dir().unwrap().any(|_| true), "nothing is left");
    // With its blobs it is the store.
    fs::remove_dir_all(path("loaded").join("blobs")).unwrap();
    fs::rename(path("data").join("blobs"), path("loaded").join("blobs")).unwrap();
    succeed(openpan(&path("loaded"), &["check", "--read-data"]));
    let server = Server::start(&path("loaded"));
    let admin = Client::new(&server.address, admin.token());
    assert!(admin.get("/照片/small").file() == digest::content(1, 9_000));
    assert!(admin.get("/large").file() == digest::content(3, 300_000));
    admin.put("/new", &digest::content(6, 20_000)).ok();
    server.check();
    server.stop();
}

fn a_dump_is_the_same_from_a_running_server() {
    let directory = empty_directory();
    let path = |name| directory.path().join(name);
    let server = Server::start(&path("data"));
    prepare(&server);
    let text = dump(&path("data"), &path("running.jsonl"));
    let printed = succeed({
        let mut command = openpan(&path("data"), &["dump", "-"]);
        // More than fits into a pipe.
        command.stdin(Stdio::null());
        let file = fs::File::create(path("printed.jsonl")).unwrap();
        let status = command.stdout(file).status().unwrap();
        assert!(status.success());
        openpan(&path("data"), &["user", "list"])
    });
    assert!(printed.starts_with("admin\t"));
    assert!(fs::read_to_string(path("printed.jsonl")).unwrap() == text);
    server.stop();
    let at_rest = dump(&path("data"), &path("at-rest.jsonl"));
    // A server at work notes where its workers are.
    let rows = |text: &str| -> Vec<String> {
        text.lines().skip(1).filter(|line| !line.contains("scrub_round")).map(Into::into).collect()
    };
    assert_eq!(rows(&text).len(), rows(&at_rest).len());
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path("running.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds everything but the large files");
}

fn a_dump_that_was_cut_is_refused() {
    let directory = empty_directory();
    let path = |name: &str| directory.path().join(name);
    let server = Server::start(&path("data"));
    server.admin().put("/a", b"abc").ok();
    server.stop();
    let text = dump(&path("data"), &path("dump.jsonl"));
    let lines: Vec<&str> = text.lines().collect();
    let without = |number: usize| {
        let mut left = lines.clone();
        left.remove(number);
        left.join("\n") + "\n"
    };
    let last = lines.len() - 1;
    let wrong = [
        (String::new(), "was cut"),
        (text[..text.len() - 1].to_owned(), "has no end"),
        (text[..text.len() / 2].to_owned(), "line "),
        (lines[..last].join("\n") + "\n", "was cut"),
        (without(2), "rows were written"),
        (without(0), "line 1"),
        (text.replace("dump 1", "dump 2"), "understood"),
        (text.replace("\"mtime\",", ""), "another version"),
        (text.replacen("\"disabled\":0", "\"disabled\":\"no\"", 1), "`disabled` is wrong"),
        (text.replacen("\"disabled\":0,", "", 1), "`disabled` is missing"),
        (text.replacen("\"disabled\":0", "\"disabled\":0,\"x\":1", 1), "no column `x`"),
        (text.clone() + "{}\n", "follows the end"),
        (text.replace(lines[last - 1], lines[last - 2]), "line "),
    ];
    for (number, (text, why)) in wrong.into_iter().enumerate() {
        let file = path("wrong.jsonl");
        fs::write(&file, text).unwrap();
        let data = path("new");
        let said = fail(openpan(&data, &["load", file.to_str().unwrap()]));
        assert!(said.contains(why), "{number}: {said}");
        assert!(!data.join("meta.db").exists(), "{number}: nothing that could be served");
    }
    load(&path("new"), &path("dump.jsonl"));
    succeed(openpan(&path("new"), &["check"]));
}

fn only_an_empty_directory_is_filled() {
    let directory = empty_directory();
    let path = |name: &str| directory.path().join(name);
    let server = Server::start(&path("data"));
    dump(&path("data"), &path("dump.jsonl"));
    let file = path("dump.jsonl");
    let said = fail(openpan(&path("data"), &["load", file.to_str().unwrap()]));
    assert!(said.contains("holds data already"), "{said}");
    server.check();
    let said = fail(openpan(&path("none"), &["load", "no-such-file"]));
    assert!(said.contains("could not open"), "{said}");
}

// SQLite would read it as changes of the new database.
fn a_log_that_is_left_is_no_part_of_what_is_loaded() {
    let directory = empty_directory();
    let (data, file) = (directory.path().join("data"), directory.path().join("dump.jsonl"));
    let server = Server::start(&data);
    dump(&data, &file);
    server.admin().put("/later", b"abc").ok();
    server.kill();
    fs::remove_file(data.join("meta.db")).unwrap();
    let said = fail(openpan(&data, &["load", file.to_str().unwrap()]));
    assert!(said.contains("meta.db-wal is left of a database that is gone"), "{said}");
    assert!(!data.join("meta.db").exists());
    fs::remove_file(data.join("meta.db-wal")).unwrap();
    load(&data, &file);
    succeed(openpan(&data, &["check"]));
}
