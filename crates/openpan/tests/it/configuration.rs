//! Where options come from: flag > environment > file > default.

use std::fs;

use crate::server::{Server, empty_directory, fail, openpan};

crate::tests![a_flag_beats_the_environment_beats_the_file, an_unknown_key_is_an_error];

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
    ] {
        fs::write(&file, &text).unwrap();
        let said = fail(openpan(&data, &["serve", "--config", file.to_str().unwrap()]));
        assert!(said.starts_with("error: ") && said.contains(word), "{text:?}: {said}");
    }
    let missing = directory.path().join("not-there.toml");
    let said = fail(openpan(&data, &["serve", "--config", missing.to_str().unwrap()]));
    assert!(said.contains("not-there.toml"), "{said}");
}
