//! What was broken off goes on where it stopped: `pan` killed, the server
//! killed, and never a finished part twice.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Client, digest};
use tempfile::TempDir;

use crate::person::{Person, said};
use crate::relay::Relay;
use crate::server::{Server, empty_directory};

crate::tests![
    a_killed_put_goes_on,
    a_killed_get_goes_on,
    a_put_lives_through_a_restart,
    a_changed_file_begins_anew,
];

const MIB: u64 = 1 << 20;
const PART: u64 = MIB / 2;
/// What is under way at once, and may have to be sent again.
const IN_FLIGHT: u64 = 4 * PART;
/// Heads, questions, replies.
const WORDS: u64 = MIB / 4;
const IN_PARTS: &[&str] = &["--threshold", "1M", "--part-size", "512k"];

/// Somebody with a server behind a relay.
struct Scene {
    person: Person,
    relay: Relay,
    client: Client,
    server: Option<Server>,
    directory: TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = empty_directory();
        let server = Server::start(&directory.path().join("data"));
        let relay = Relay::start(&server.address);
        let token = server.setup_token().unwrap();
        let client = Client::new(&relay.address, &token);
        Self { person: Person::new(&client), relay, client, server: Some(server), directory }
    }

    /// Ends the server as power does, and starts another on the same data.
    fn restart(&mut self) {
        self.server.take().unwrap().kill();
        let server = Server::start(&self.directory.path().join("data"));
        self.relay.lead_to(&server.address);
        self.client = Client::new(&self.relay.address, self.client.token());
        self.server = Some(server);
    }

    fn begin(&self, arguments: &[&str]) -> Child {
        let arguments = [arguments, IN_PARTS].concat();
        let mut command = self.person.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn end(mut self) {
        let server = self.server.take().unwrap();
        server.check();
        server.stop();
    }
}

/// Waits until something has happened while a command runs.
#[track_caller]
fn wait_until(child: &mut Child, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended too early");
        assert!(Instant::now() < deadline, "it does not come so far");
        sleep(Duration::from_millis(5));
    }
}

fn a_killed_put_goes_on() {
    let mut scene = Scene::new();
    let size = 8 * MIB;
    let content = digest::content(1, size as usize);
    fs::write(scene.person.path("large"), &content).unwrap();
    scene.relay.take_sent();
    let mut put = scene.begin(&["put", "large", "/large", "--bwlimit", "4M"]);
    wait_until(&mut put, || scene.relay.sent() > 4 * MIB);
    put.kill().unwrap();
    put.wait().unwrap();
    let first = scene.relay.take_sent();
    scene.client.is_missing("/large");

    scene.restart();
    scene.person.ok(&[&["put", "large", "/large"], IN_PARTS].concat());
    let second = scene.relay.take_sent();
    assert!(first + second < size + IN_FLIGHT + WORDS, "{first} and {second} bytes for {size}");
    assert!(scene.client.get("/large").file() == content);
    // What is done is forgotten.
    let state = scene.person.path("state/openpan/transfers");
    assert_eq!(fs::read_dir(state).unwrap().count(), 0);
    scene.end();
}

fn a_killed_get_goes_on() {
    let mut scene = Scene::new();
    let size = 16 * MIB;
    let content = digest::content(2, size as usize);
    scene.client.put("/large", &content).ok();
    let parts = || {
        let names = fs::read_dir(scene.person.path("to")).into_iter().flatten();
        names.map(|entry| entry.unwrap()).filter(|entry| entry.file_name() != "large")
    };
    let mut get = scene.begin(&["get", "/large", "to/", "--bwlimit", "4M"]);
    // So much of it is on the disk.
    let is_half = |blocks: u64| blocks * 512 > 8 * MIB;
    wait_until(&mut get, || {
        parts().any(|part| part.metadata().is_ok_and(|part| is_half(part.blocks())))
    });
    get.kill().unwrap();
    get.wait().unwrap();
    assert!(!scene.person.path("to/large").exists());
    assert_eq!(parts().count(), 1, "the part file waits for the next run");

    scene.restart();
    scene.relay.take_received();
    scene.person.ok(&[&["get", "/large", "to/"], IN_PARTS].concat());
    let second = scene.relay.take_received();
    assert!(second < size - 8 * MIB + IN_FLIGHT + WORDS, "{second} bytes the second time");
    assert!(fs::read(scene.person.path("to/large")).unwrap() == content);
    let names = fs::read_dir(scene.person.path("to")).unwrap();
    assert_eq!(names.count(), 1, "nothing is left beside it");
    scene.end();
}

fn a_put_lives_through_a_restart() {
    let mut scene = Scene::new();
    let size = 8 * MIB;
    let content = digest::content(3, size as usize);
    fs::write(scene.person.path("large"), &content).unwrap();
    let mut put = scene.begin(&["put", "large", "/large", "--bwlimit", "4M"]);
    wait_until(&mut put, || scene.relay.sent() > 4 * MIB);
    scene.restart();
    let output = put.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let sent = scene.relay.take_sent();
    assert!(sent < size + IN_FLIGHT + WORDS, "{sent} bytes for {size}");
    assert!(scene.client.get("/large").file() == content);
    scene.end();
}

fn a_changed_file_begins_anew() {
    let scene = Scene::new();
    let path = scene.person.path("large");
    fs::write(&path, digest::content(4, 8 * MIB as usize)).unwrap();
    let mut put = scene.begin(&["put", "large", "/large", "--bwlimit", "4M"]);
    wait_until(&mut put, || scene.relay.sent() > 4 * MIB);
    put.kill().unwrap();
    put.wait().unwrap();
    let changed = digest::content(5, 8 * MIB as usize);
    fs::write(&path, &changed).unwrap();
    scene.person.ok(&[&["put", "large", "/large"], IN_PARTS].concat());
    assert!(scene.client.get("/large").file() == changed);
    scene.end();
}
