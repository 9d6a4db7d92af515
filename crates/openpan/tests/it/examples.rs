//! The examples of the SDK, run as they are: what a newcomer copies works.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use pan_conformance::pcs::{Client, TokenSpec};

use crate::clients::target;
use crate::media_commands;
use crate::server::empty_directory;
use crate::shared::with_target;

crate::tests![
    a_tree_goes_up_and_comes_back,
    a_download_goes_on,
    changes_are_told_as_they_happen,
    a_known_content_is_not_sent,
    a_deletion_is_undone,
    a_picture_gets_small_and_a_video_is_saved,
    what_is_not_served_yet_is_said,
];

/// The directory of the examples, which are built for the first test.
fn examples() -> &'static Path {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let openpan = Path::new(env!("CARGO_BIN_EXE_openpan"));
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "pan-sdk", "--features", "blocking", "--examples"]);
        build.arg("--target-dir").arg(target());
        if openpan.parent().unwrap().ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the examples cannot be built");
        openpan.with_file_name("examples")
    })
}

fn example(name: &str, client: &Client, arguments: &[&str]) -> Command {
    let mut command = Command::new(examples().join(name));
    command.env("OPENPAN_ENDPOINT", format!("http://{}", client.address()));
    command.env("OPENPAN_TOKEN", client.token()).args(arguments);
    command
}

/// Somebody with a token for all of a storage of their own.
fn with_client(test: impl FnOnce(&Client)) {
    with_target(|target| test(&target.caller(&TokenSpec::rooted("/").relaxed())));
}

/// Runs an example; it succeeds. What it wrote to stdout.
#[track_caller]
fn run(name: &str, client: &Client, arguments: &[&str]) -> String {
    let output = example(name, client, arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn a_tree_goes_up_and_comes_back() {
    with_client(|client| {
        let directory = empty_directory();
        let (here, again) = (directory.path().join("here"), directory.path().join("again"));
        fs::create_dir_all(here.join("deep/er")).unwrap();
        fs::write(here.join("a.txt"), "one").unwrap();
        fs::write(here.join("deep/er/ü b.txt"), vec![7; 300_000]).unwrap();
        fs::write(here.join("deep/empty"), "").unwrap();
        let (here, place) = (here.to_str().unwrap(), again.to_str().unwrap());
        let up = run("upload_tree", client, &[here, "/tree"]);
        assert!(up.ends_with("3 files\n") && up.contains(" /tree/deep/er/ü b.txt\n"), "{up}");
        assert_eq!(run("blocking_backup", client, &["/tree", place]), "3 fetched, 0 kept\n");
        assert_eq!(fs::read(again.join("deep/er/ü b.txt")).unwrap(), vec![7; 300_000]);
        assert_eq!(fs::read(again.join("deep/empty")).unwrap(), b"");
        client.put_ondup("/tree/a.txt", b"longer", "overwrite");
        assert_eq!(run("blocking_backup", client, &["/tree", place]), "1 fetched, 2 kept\n");
        assert_eq!(fs::read(again.join("a.txt")).unwrap(), b"longer");
    });
}

fn a_download_goes_on() {
    with_client(|client| {
        let directory = empty_directory();
        let local = directory.path().join("file");
        let local = local.to_str().unwrap();
        let content: Vec<u8> = (0..100_000u32).map(|number| number as u8).collect();
        let md5 = client.put("/file", &content).json()["md5"].as_str().unwrap().to_owned();
        let part = format!("{local}.{md5}.part");
        fs::write(&part, &content[..60_000]).unwrap();
        let said = run("resume_download", client, &["/file", local]);
        assert_eq!(said, "60000 bytes were there, 40000 were fetched\n");
        assert_eq!(fs::read(local).unwrap(), content);
        // What was there may be damaged: then nothing has the name.
        fs::remove_file(local).unwrap();
        fs::write(&part, vec![0; 60_000]).unwrap();
        let output = example("resume_download", client, &["/file", local]).output().unwrap();
        assert!(!output.status.success());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let said = run("resume_download", client, &["/file", local]);
        assert_eq!(said, "0 bytes were there, 100000 were fetched\n");
    });
}

fn changes_are_told_as_they_happen() {
    with_client(|client| {
        client.put("/stop", b"x");
        let mut follow = example("follow_changes", client, &["/stop"]);
        let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        assert!(first.ends_with(" entries"), "{first}");
        client.put("/new", b"y");
        assert_eq!(lines.next().unwrap(), "+ /new");
        client.rm("/stop");
        assert_eq!(lines.next().unwrap(), "- /stop");
        assert!(child.wait().unwrap().success());
    });
}

fn a_known_content_is_not_sent() {
    with_client(|client| {
        let directory = empty_directory();
        let local = directory.path().join("file");
        let name = local.to_str().unwrap();
        fs::write(&local, vec![3; 300_000]).unwrap();
        let said = run("rapid_upload", client, &[name, "/one"]);
        assert_eq!(said, "/one was sent, 300000 bytes\n");
        assert_eq!(run("rapid_upload", client, &[name, "/two"]), "/two was there already\n");
        fs::write(&local, "small").unwrap();
        assert_eq!(run("rapid_upload", client, &[name, "/one"]), "/one was sent, 5 bytes\n");
        assert_eq!(client.get("/two").file().len(), 300_000);
    });
}

fn a_deletion_is_undone() {
    with_client(|client| {
        client.put("/a", b"older");
        client.rm("/a");
        client.put("/a", b"new");
        client.rm("/a");
        assert_eq!(run("undo_delete", client, &["/a"]), "/a is there again, 3 bytes\n");
        let again = example("undo_delete", client, &["/a"]).output().unwrap();
        assert!(String::from_utf8_lossy(&again.stderr).contains("taken by something newer"));
    });
}

fn a_picture_gets_small_and_a_video_is_saved() {
    with_client(|client| {
        let directory = empty_directory();
        let [small, film] = ["small.png", "film.ts"].map(|name| directory.path().join(name));
        media_commands::put(client, directory.path(), &["sea.png", "sea.mov"]);
        let [picture, video] = [&small, &film].map(|path| path.to_str().unwrap());
        let said = run("watch", client, &["/sea.png", picture, "/sea.mov", video]);
        assert_eq!(said, format!("{picture} is image/png\n{video} plays 9 s\n"));
        assert!(fs::read(&small).unwrap().starts_with(b"\x89PNG"));
        media_commands::lasts(&film);
    });
}

/// The day it is served, the example and the docs of the SDK have to say so.
fn what_is_not_served_yet_is_said() {
    with_client(|client| {
        let said = run("fetch_url", client, &["http://127.0.0.1:9/x", "/x"]);
        assert_eq!(said, "this service does not fetch anything\n");
        for (object, method) in [
            ("services/cloud_dl", "query_task"),
            ("services/cloud_dl", "list_task"),
            ("services/cloud_dl", "cancel_task"),
        ] {
            client.send(&client.call(object, method)).refused(400, 3);
        }
    });
}
