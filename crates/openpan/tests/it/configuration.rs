//! Where options come from: flag > environment > file > default.

use std::fs;

use pan_conformance::pcs::{Accounts, Client, TokenSpec, digest};

use crate::server::{CommandLine, Server, empty_directory, fail, openpan};

crate::tests![
    a_flag_beats_the_environment_beats_the_file,
    an_unknown_key_is_an_error,
    the_rules_can_be_set,
];

// Loopback has many addresses: which one was taken shows who won.
const BY_FILE: &str = "listen = \"127.0.0.2:0\"\n";

fn a_flag_beats_the_environment_beats_the_file() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let file = directory.path().join("openpan.toml");
    fs::write(&file, BY_FILE).unwrap();
    let file = file.to_str().unwrap();
    let listens = |options: &[&str], variables: &[(&str, &str)]| {
        let server = Server::start_with(&data, options, variables);
        let address = server.address.clone();
        server.stop();
        address.split(':').next().unwrap().to_owned()
    };
    let variable = [("OPENPAN_LISTEN", "127.0.0.3:0")];
    let flag = ["--config", file, "--listen", "127.0.0.4:0"];
    assert_eq!(listens(&flag[..2], &[]), "127.0.0.2");
    assert_eq!(listens(&flag[..2], &variable), "127.0.0.3");
    assert_eq!(listens(&flag, &variable), "127.0.0.4");
    assert_eq!(listens(&flag, &[]), "127.0.0.4");
}

fn an_unknown_key_is_an_error() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let file = directory.path().join("openpan.toml");
    for (text, word) in [
        (format!("{BY_FILE}lisen = \"x\"\n"), "lisen"),
        ("[nonsense]\na = 1\n".into(), "nonsense"),
        ("listen = 7\n".into(), "listen"),
        ("[diff]\nretention = 7\n".into(), "retention"),
        ("[diff]\nretention_days = 0\n".into(), "retention_days"),
        ("diff.retention_days = \"7\"\n".into(), "retention_days"),
        ("listen = \n".into(), "openpan.toml"),
        ("[recycle]\ndays = 1\n".into(), "days"),
        ("[recycle]\nretention_days = -1\n".into(), "retention_days"),
        ("[recycle]\nlimit_ratio = -0.5\n".into(), "limit_ratio"),
        ("[rapid_upload]\nscope = \"all\"\n".into(), "scope"),
        ("[media]\ncache_size = \"much\"\n".into(), "cache_size"),
        ("[media]\ncache_size = 7\n".into(), "cache_size"),
        ("[media]\nprocesses_max = 0\n".into(), "processes_max"),
        ("[media]\ncache = \"x\"\n".into(), "cache"),
        ("public_url = \"pan.example.org\"\n".into(), "https://pan.example.org"),
        ("public_url = \"https://pan.example.org/?a\"\n".into(), "public URL"),
        ("web_origin = \"*\"\n".into(), "web origin"),
        ("web_origin = \"https://a.b/c\"\n".into(), "without a path"),
    ] {
        fs::write(&file, &text).unwrap();
        let said = fail(openpan(&data, &["serve", "--config", file.to_str().unwrap()]));
        assert!(said.starts_with("error: ") && said.contains(word), "{text:?}: {said}");
    }
    let missing = directory.path().join("not-there.toml");
    let said = fail(openpan(&data, &["serve", "--config", missing.to_str().unwrap()]));
    assert!(said.contains("not-there.toml"), "{said}");
}

fn the_rules_can_be_set() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let file = directory.path().join("openpan.toml");
    fs::write(&file, "[recycle]\nlimit_ratio = 1\n[rapid_upload]\nscope = \"instance\"\n").unwrap();
    let options = ["--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let days = [("OPENPAN_RECYCLE_RETENTION_DAYS", "0")];
    let server = Server::start_with(&data, &options, &[]);
    let accounts = CommandLine(&data);
    accounts.add_user("small", Some(1_000_000));
    let token = accounts.issue_token("small", &TokenSpec::rooted("/"));
    let (admin, small) = (server.admin(), Client::new(&server.address, &token));
    let content = digest::content(1, 600_000);
    admin.put("/a", &content).ok();
    // The scope of a whole instance: whoever knows it has it.
    small.rapid("/a", &content).ok();
    assert!(small.get("/a").file() == content);
    // One quota of room for files and bin together.
    small.rm("/a").ok();
    assert_eq!(small.put("/b", &content[1..]).code(), Some(31112));
    assert_eq!(small.bin().len(), 1);
    server.stop();
    // What is kept for no day is purged as soon as the server has started.
    let server = Server::start_with(&data, &options, &days);
    let small = Client::new(&server.address, &token);
    for _ in 0..100 {
        if small.bin().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(small.bin().is_empty());
    server.check();
}
